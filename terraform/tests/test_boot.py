"""boot/ with fake commands: what the first server, another server and an agent do at boot, with and without failures."""

import hashlib
import os
import subprocess
import tarfile
from pathlib import Path

import pytest
import yaml

BOOT = Path(__file__).resolve().parents[1] / "boot"
API = "api.items.internal"
NODES = """\
ip-10-0-1-1.eu-central-1.compute.internal Ready control-plane 5d v1.36.3+k3s1
ip-10-0-1-2.eu-central-1.compute.internal NotReady <none> 5d v1.36.3+k3s1
ip-10-0-1-3.eu-central-1.compute.internal NotReady,SchedulingDisabled <none> 5d v1.36.3+k3s1
ip-10-0-1-4.eu-central-1.compute.internal Ready,SchedulingDisabled <none> 5d v1.36.3+k3s1
"""


def fake(name, body=""):
    """A command that records how it was called. Its body runs in the folder of the machine's switches."""
    return f'#!/bin/sh\necho {name} "$@" >>"$CALLS"\ncd "$SWITCHES"\n{body}\n'


K3S = fake("k3s", "[ ! -e fail-k3s ] || exit 1; cat k3s")
CURL = fake(
    "curl",
    """
    out=; url=
    while [ $# -gt 0 ]; do case $1 in --output) out=$2; shift;; https://*) url=$1;; esac; shift; done
    case $url in
        */k3s) [ ! -e fail-download ] || { rm fail-download; exit 22; }; cp k3s-file "$out";;
        */shim.tgz) cp shim-file "$out";;
        */cacerts) [ -e api-answers ];;
        *) exit 6;;
    esac""",
)
AWS = fake(
    "aws",
    """
    case "$1 $2" in
        "ssm get-parameter") [ ! -e fail-ssm ] || { rm fail-ssm; exit 254; }
            while [ $# -gt 0 ]; do [ "$1" = --name ] && echo "secret-of-$2"; shift; done;;
        "s3api list-objects-v2") [ ! -e fail-list ] || exit 254; if [ -e created ]; then echo 1; else echo 0; fi;;
        "s3api put-object") touch created;;
        "s3 sync") for last; do :; done; mkdir -p "$last/spinkube/platform"; cp "$BOOT/sweep-nodes.sh" "$last/"
            cp install "$last/spinkube/platform/install.sh";;
        "ec2 describe-instances") [ ! -e fail-ec2 ] || exit 254
            for last; do case $last in *private-dns-name,Values=*) cat "instance-${last#*Values=}" 2>/dev/null || true;; esac; done;;
        *) exit 2;;
    esac""",
)


class Machine:
    """A root folder, fake commands, and switches: files that decide what the commands return."""

    def __init__(self, folder):
        self.folder, self.root = folder, folder / "root"
        self.switches = folder / "switches"
        for path in (self.root / "usr/local/bin", folder / "commands", self.switches):
            path.mkdir(parents=True)
        (folder / "shim").write_text("shim")
        with tarfile.open(self.switches / "shim-file", "w:gz") as tar:
            tar.add(folder / "shim", "containerd-shim-spin-v2")
        self.switch("k3s-file", K3S)
        self.switch("install", fake("install", 'echo "$KUBECONFIG" >kubeconfig; [ ! -e fail-install ] || { rm fail-install; exit 1; }'))
        self.switch("k3s", "True")  # the kubelet's view of its node
        for name in ("sleep", "systemctl", "shutdown"):
            self.command(name, fake(name))
        self.command("curl", CURL)
        self.command("aws", AWS)

    def command(self, name, script):
        file = self.folder / "commands" / name
        file.write_text(script)
        file.chmod(0o755)

    def switch(self, name, text=""):
        (self.switches / name).write_text(text)

    def run(self, script, **settings):
        paths = {"ROOT": self.root, "TMPDIR": self.root, "BOOT": BOOT, "CALLS": self.folder / "calls", "SWITCHES": self.switches}
        path = f"{self.folder}/commands:{self.root}/usr/local/bin:{os.environ['PATH']}"
        env = {"PATH": path, "REGION": "eu-central-1", **{key: str(value) for key, value in paths.items()}, **settings}
        return subprocess.run(["bash", str(BOOT / script)], env=env, capture_output=True, text=True, timeout=60, check=False)

    def boot(self, **settings):
        defaults = {
            "API": API,
            "AGENT_TOKEN": "/items/k3s/agent-token",
            "K3S_URL": "https://example.org/k3s",
            "K3S_SHA256": self.hash("k3s-file"),
            "SHIM_URL": "https://example.org/shim.tgz",
            "SHIM_SHA256": self.hash("shim-file"),
        }
        return self.run("node.sh", **{**defaults, **settings})

    def hash(self, switch):
        return hashlib.sha256((self.switches / switch).read_bytes()).hexdigest()

    def server(self, first=False, **settings):
        return self.boot(ROLE="server", FIRST=str(first).lower(), BUCKET="items-cluster", SERVER_TOKEN="/items/k3s/server-token", **settings)

    def agent(self, **settings):
        return self.boot(**{"ROLE": "agent", "NODE_LABELS": "spin=true", "NODE_TAINTS": "spin=true:NoSchedule,a=b:NoExecute", **settings})

    def sweep(self):
        self.command("k3s", K3S)
        self.switch("k3s", NODES)
        return self.run("sweep-nodes.sh")

    def called(self, beginning=""):
        calls = self.folder / "calls"
        return [call for call in calls.read_text().splitlines() if call.startswith(beginning)] if calls.exists() else []

    def file(self, path):
        return self.root / path

    @property
    def config(self):
        return yaml.safe_load(self.file("etc/rancher/k3s/config.yaml").read_text())


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


def test_the_first_server_creates_the_cluster_and_installs_the_platform(machine):
    result = machine.server(first=True, NODE_LABELS="spin=true")
    assert result.returncode == 0, result.stderr
    assert machine.config["cluster-init"] is True and "server" not in machine.config and machine.config["node-label"] == ["spin=true"]
    steps = [call for call in machine.called() if call.startswith(("systemctl enable --now k3s", "aws s3api put-object", "install"))]
    assert [step.split()[0] for step in steps] == ["systemctl", "aws", "install"]
    assert (machine.switches / "kubeconfig").read_text() == f"{machine.root}/etc/rancher/k3s/k3s.yaml\n"
    assert not machine.called("shutdown")


@pytest.mark.parametrize("first", [False, True])
def test_a_server_joins_the_others_and_installs_nothing(machine, first):
    machine.switch("api-answers")
    machine.switch("created")
    result = machine.server(first)
    assert result.returncode == 0, result.stderr
    assert machine.config["server"] == f"https://{API}:6443" and "cluster-init" not in machine.config
    assert not machine.called("install") and not machine.called("aws s3api")


def test_another_server_never_creates_a_cluster_even_if_no_server_answers(machine):
    assert machine.server().returncode == 0 and "cluster-init" not in machine.config


def test_the_first_server_does_not_create_a_second_cluster(machine):
    machine.switch("created")
    result = machine.server(first=True)
    assert result.returncode == 1 and "restore a snapshot" in result.stderr
    assert not machine.called("systemctl enable --now k3s")
    # What a restore needs, and what the server needs after it.
    assert machine.config["etcd-s3-bucket"] == "items-cluster" and machine.called("systemctl enable --now sweep-nodes.timer")
    for file in ("opt/items/node/spinkube/platform/install.sh", "etc/systemd/system/k3s.service", "etc/rancher/k3s/token"):
        assert machine.file(file).exists()


def test_the_first_server_creates_no_cluster_if_it_cannot_list_the_bucket(machine):
    machine.switch("fail-list")
    result = machine.server(first=True)
    assert result.returncode == 1 and "cannot list bucket items-cluster" in result.stderr
    assert not machine.called("systemctl enable --now k3s")


def test_servers_hold_both_tokens_store_snapshots_and_sweep(machine):
    machine.switch("api-answers")
    assert machine.server().returncode == 0
    assert machine.file("etc/rancher/k3s/token").read_text() == "secret-of-/items/k3s/server-token\n"
    assert (machine.config["token-file"], machine.config["agent-token-file"]) == ("/etc/rancher/k3s/token", "/etc/rancher/k3s/agent-token")
    assert machine.config["etcd-s3"] is True and machine.config["secrets-encryption"] is True and "node-label" not in machine.config
    assert machine.called("systemctl enable --now sweep-nodes.timer")
    assert os.access(machine.file("usr/local/bin/sweep-nodes"), os.X_OK)


def test_an_agent_holds_the_agent_token_alone(machine):
    result = machine.agent()
    assert result.returncode == 0, result.stderr
    assert machine.config["server"] == f"https://{API}:6443"
    assert machine.config["token-file"] == "/etc/rancher/k3s/agent-token"
    assert machine.config["kubelet-arg"] == ["system-reserved=cpu=200m,memory=300Mi"]
    assert machine.config["node-label"] == ["spin=true"] and machine.config["node-taint"] == ["spin=true:NoSchedule", "a=b:NoExecute"]
    assert machine.file("etc/rancher/k3s/agent-token").read_text() == "secret-of-/items/k3s/agent-token\n"
    assert not machine.file("etc/rancher/k3s/token").exists()
    assert machine.called("systemctl enable --now k3s-agent") and not machine.called("aws s3")
    assert "ExecStart=/usr/local/bin/k3s agent" in machine.file("etc/systemd/system/k3s-agent.service").read_text()


def test_only_root_can_read_the_tokens_and_nothing_prints_them(machine):
    result = machine.server(first=True)
    for file in ("token", "agent-token"):
        assert machine.file(f"etc/rancher/k3s/{file}").stat().st_mode & 0o077 == 0
    assert "secret-of" not in result.stdout + result.stderr + "\n".join(machine.called())


def test_an_agent_keeps_running_once_its_node_is_ready(machine):
    assert machine.agent().returncode == 0
    assert machine.called()[0] == "shutdown --poweroff +10" and machine.called()[-1] == "shutdown -c"
    [request] = machine.called("k3s kubectl")
    assert f" get node {os.uname().nodename.lower()} " in request and 'type=="Ready"' in request


@pytest.mark.parametrize("status", ["False", ""])
def test_an_agent_whose_node_does_not_become_ready_powers_itself_off(machine, status):
    machine.switch("k3s", status)
    result = machine.agent()
    assert result.returncode == 1 and "gave up after 60 attempts: node_ready" in result.stderr
    assert machine.called("shutdown") == ["shutdown --poweroff +10"]


@pytest.mark.parametrize("setting", ["K3S_SHA256", "SHIM_SHA256"])
def test_an_agent_installs_no_program_with_a_wrong_hash_and_powers_itself_off(machine, setting):
    result = machine.agent(**{setting: "0" * 64})
    assert result.returncode == 1 and f"is not {'0' * 64}" in result.stderr
    assert not machine.file("usr/local/bin/k3s").exists() and not machine.called("systemctl")
    assert machine.called("shutdown") == ["shutdown --poweroff +10"]


def test_the_shim_is_in_the_path_before_k3s_starts(machine):
    machine.command("systemctl", f'#!/bin/sh\n[ "$*" != "enable --now k3s-agent" ] || [ -x "{machine.root}/usr/local/bin/containerd-shim-spin-v2" ]')
    assert machine.agent().returncode == 0


@pytest.mark.parametrize("failure", ["fail-download", "fail-ssm", "fail-install"])
def test_a_step_that_fails_once_is_tried_again(machine, failure):
    machine.switch(failure)
    assert machine.server(first=True).returncode == 0
    assert machine.called("sleep 10") and not (machine.switches / failure).exists()


def test_a_step_that_keeps_failing_ends_the_boot(machine):
    machine.command("aws", fake("aws", "exit 254"))
    result = machine.agent()
    assert result.returncode == 1 and "gave up after 60 attempts" in result.stderr
    assert len(machine.called("aws ssm")) == 60 and not machine.called("systemctl")


@pytest.mark.parametrize("setting", ["ROLE", "API", "AGENT_TOKEN", "REGION", "K3S_SHA256"])
def test_a_missing_setting_is_named(machine, setting):
    result = machine.agent(**{setting: ""})
    assert result.returncode != 0 and setting in result.stderr


def test_the_sweep_removes_nodes_that_are_not_ready_and_have_no_instance(machine):
    machine.switch("instance-ip-10-0-1-2.eu-central-1.compute.internal", "i-1")
    assert machine.sweep().returncode == 0
    assert machine.called("k3s kubectl delete") == ["k3s kubectl delete node ip-10-0-1-3.eu-central-1.compute.internal"]


@pytest.mark.parametrize("failure", ["fail-ec2", "fail-k3s"])
def test_the_sweep_removes_nothing_if_ec2_or_kubernetes_fails(machine, failure):
    machine.switch(failure)
    assert machine.sweep().returncode != 0
    assert not machine.called("k3s kubectl delete")
