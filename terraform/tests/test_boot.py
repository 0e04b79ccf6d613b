"""boot/ in a sandbox of fake commands: what a first server, another server and an agent do, and what they do when things go wrong."""

import hashlib
import io
import os
import subprocess
import tarfile
from pathlib import Path

import pytest
import yaml

BOOT = Path(__file__).resolve().parents[2] / "terraform" / "boot"
API = "api.items.internal"


class Machine:
    """A root folder, a folder of fake commands that write down how they were called, and switches for what they answer."""

    def __init__(self, folder):
        self.root, self.fake, self.calls_file, self.state = (folder / part for part in ("root", "fake", "calls", "state"))
        for path in (self.root, self.fake, self.state):
            path.mkdir()
        self.k3s = b"#!/bin/sh\necho k3s \"$@\" >>'%s'\ncat '%s/k3s' 2>/dev/null; exit $(cat '%s/k3s-exit' 2>/dev/null || echo 0)\n" % (
            (bytes(self.calls_file),) + (bytes(self.state),) * 2
        )
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w:gz") as tar:
            member = tarfile.TarInfo("containerd-shim-spin-v2")
            member.size = 4
            tar.addfile(member, io.BytesIO(b"shim"))
        self.shim = archive.getvalue()
        (self.state / "k3s-file").write_bytes(self.k3s)
        (self.state / "shim-file").write_bytes(self.shim)
        self.switch("install", f'echo install "$KUBECONFIG" >>"{self.calls_file}"; [ ! -e "{self.state}/fail-install" ] || {{ rm "{self.state}/fail-install"; exit 1; }}')
        self.command("sleep", "")
        self.command("systemctl", "")
        self.command("shutdown", "")
        self.switch("k3s", "True")  # what the kubelet says of its node
        self.command(
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
        self.command(
            "aws",
            """
            case "$1 $2" in
                "ssm get-parameter") [ ! -e fail-ssm ] || { rm fail-ssm; exit 254; }
                    while [ $# -gt 0 ]; do [ "$1" = --name ] && echo "secret-of-$2"; shift; done;;
                "s3api list-objects-v2") [ ! -e fail-list ] || exit 254; if [ -e begun ]; then echo 1; else echo 0; fi;;
                "s3api put-object") touch begun;;
                "s3 sync") for last; do :; done; mkdir -p "$last/spinkube/platform"; cp "$BOOT/sweep-nodes.sh" "$last/"
                    cp install "$last/spinkube/platform/install.sh";;
                "ec2 describe-instances") [ ! -e fail-ec2 ] || exit 254
                    for last; do case $last in *private-dns-name,Values=*) cat "instance-${last#*Values=}" 2>/dev/null || true;; esac; done;;
                *) exit 2;;
            esac""",
        )

    def command(self, name, body):
        file = self.fake / name
        file.write_text(f'#!/bin/sh\necho {name} "$@" >>"{self.calls_file}"\ncd "{self.state}"\n{body}\n')
        file.chmod(0o755)

    def switch(self, name, text=""):
        (self.state / name).write_text(text)

    def run(self, script, **settings):
        env = {"PATH": f"{self.fake}:{self.root}/usr/local/bin:{os.environ['PATH']}", "ROOT": str(self.root), "BOOT": str(BOOT), "TMPDIR": str(self.root), **settings}
        return subprocess.run(["bash", str(script)], env=env, capture_output=True, text=True, timeout=60, check=False)

    def boot(self, **settings):
        defaults = {
            "API": API,
            "REGION": "eu-central-1",
            "AGENT_TOKEN": "/items/k3s/agent-token",
            "K3S_URL": "https://example.org/k3s",
            "K3S_SHA256": hashlib.sha256(self.k3s).hexdigest(),
            "SHIM_URL": "https://example.org/shim.tgz",
            "SHIM_SHA256": hashlib.sha256(self.shim).hexdigest(),
        }
        return self.run(BOOT / "node.sh", **{**defaults, **settings})

    def server(self, first=False, **settings):
        return self.boot(**{"ROLE": "server", "FIRST": str(first).lower(), "BUCKET": "items-cluster", "SERVER_TOKEN": "/items/k3s/server-token", **settings})

    def agent(self, **settings):
        return self.boot(**{"ROLE": "agent", "NODE_LABELS": "spin=true", "NODE_TAINTS": "spin=true:NoSchedule,a=b:NoExecute", **settings})

    @property
    def calls(self):
        return self.calls_file.read_text().splitlines() if self.calls_file.exists() else []

    def called(self, beginning):
        return [call for call in self.calls if call.startswith(beginning)]

    def file(self, path):
        return self.root / path

    @property
    def config(self):
        return yaml.safe_load(self.file("etc/rancher/k3s/config.yaml").read_text())


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


def test_the_first_server_begins_the_cluster_and_installs_the_platform(machine):
    result = machine.server(first=True)
    assert result.returncode == 0, result.stderr
    assert machine.config["cluster-init"] is True and "server" not in machine.config
    assert machine.called("systemctl enable --now k3s"), machine.calls
    assert machine.called("install") == [f"install {machine.root}/etc/rancher/k3s/k3s.yaml"]
    assert machine.called("aws s3api put-object")
    order = [machine.calls.index(machine.called(call)[0]) for call in ("systemctl enable --now k3s", "aws s3api put-object", "install")]
    assert order == sorted(order)


def test_another_server_joins_and_installs_nothing(machine):
    machine.switch("api-answers")
    result = machine.server()
    assert result.returncode == 0, result.stderr
    assert machine.config["server"] == f"https://{API}:6443" and "cluster-init" not in machine.config
    assert not machine.called("install") and not machine.called("aws s3api")


def test_another_server_never_begins_even_while_nobody_answers(machine):
    assert machine.server().returncode == 0
    assert "cluster-init" not in machine.config


def test_the_first_server_made_anew_joins_the_others(machine):
    machine.switch("api-answers")
    machine.switch("begun")
    assert machine.server(first=True).returncode == 0
    assert machine.config["server"] == f"https://{API}:6443" and "cluster-init" not in machine.config
    assert not machine.called("install")


def test_the_first_server_does_not_begin_a_second_cluster(machine):
    machine.switch("begun")
    result = machine.server(first=True)
    assert result.returncode == 1 and "restore a snapshot" in result.stderr
    assert not machine.called("systemctl enable --now k3s")
    # All that a restore needs is there, and what the server needs after it.
    assert machine.config["etcd-s3-bucket"] == "items-cluster"
    assert machine.file("opt/items/node/spinkube/platform/install.sh").exists() and machine.called("systemctl enable --now sweep-nodes.timer")
    assert machine.file("etc/systemd/system/k3s.service").exists() and machine.file("etc/rancher/k3s/token").exists()


def test_not_knowing_whether_a_cluster_was_begun_is_no_permission(machine):
    machine.switch("fail-list")
    result = machine.server(first=True)
    assert result.returncode == 1 and "cannot ask" in result.stderr
    assert not machine.called("systemctl enable --now k3s")


@pytest.mark.parametrize("role", ["server", "agent"])
def test_an_argument_of_the_kubelet_keeps_its_comma(machine, role):
    assert getattr(machine, role)().returncode == 0
    assert machine.config["kubelet-arg"] == ["system-reserved=cpu=200m,memory=300Mi"]


def test_an_agent_stays_on_once_its_node_is_ready(machine):
    assert machine.agent().returncode == 0
    assert machine.calls[0] == "shutdown --poweroff +10" and machine.calls[-1] == "shutdown -c"
    [asked] = machine.called("k3s kubectl")
    assert f" get node {os.uname().nodename.lower()} " in asked and 'type=="Ready"' in asked


@pytest.mark.parametrize("said", ["False", ""])
def test_an_agent_whose_node_does_not_become_ready_powers_itself_off(machine, said):
    machine.switch("k3s", said)
    result = machine.agent()
    assert result.returncode == 1 and "gave up after 60 attempts: node_ready" in result.stderr
    assert machine.called("shutdown") == ["shutdown --poweroff +10"]


def test_an_agent_whose_boot_fails_powers_itself_off(machine):
    assert machine.agent(K3S_SHA256="0" * 64).returncode == 1
    assert machine.called("shutdown") == ["shutdown --poweroff +10"]


def test_a_server_never_powers_itself_off(machine):
    assert machine.server(first=True).returncode == 0
    assert not machine.called("shutdown")


def test_an_agent_knows_the_agent_token_alone(machine):
    result = machine.agent()
    assert result.returncode == 0, result.stderr
    assert machine.config["server"] == f"https://{API}:6443"
    assert machine.config["token-file"] == "/etc/rancher/k3s/agent-token"
    assert machine.config["node-label"] == ["spin=true"] and machine.config["node-taint"] == ["spin=true:NoSchedule", "a=b:NoExecute"]
    assert machine.file("etc/rancher/k3s/agent-token").read_text() == "secret-of-/items/k3s/agent-token\n"
    assert not machine.file("etc/rancher/k3s/token").exists()
    assert machine.called("systemctl enable --now k3s-agent") and not machine.called("aws s3")
    assert "ExecStart=/usr/local/bin/k3s agent" in machine.file("etc/systemd/system/k3s-agent.service").read_text()


def test_servers_hold_both_tokens_keep_snapshots_and_sweep(machine):
    machine.switch("api-answers")
    assert machine.server().returncode == 0
    config = machine.config
    assert machine.file("etc/rancher/k3s/token").read_text() == "secret-of-/items/k3s/server-token\n"
    assert (config["token-file"], config["agent-token-file"]) == ("/etc/rancher/k3s/token", "/etc/rancher/k3s/agent-token")
    assert config["etcd-s3"] is True and config["etcd-s3-folder"] == "etcd" and config["secrets-encryption"] is True
    assert config["tls-san"] == [API] and "node-label" not in config
    assert machine.called("systemctl enable --now sweep-nodes.timer")
    assert os.access(machine.file("usr/local/bin/sweep-nodes"), os.X_OK)


def test_the_single_node_is_labelled_for_the_application(machine):
    assert machine.server(first=True, NODE_LABELS="spin=true").returncode == 0
    assert machine.config["node-label"] == ["spin=true"]


def test_tokens_are_readable_by_root_alone_and_printed_nowhere(machine):
    result = machine.server(first=True)
    for file in ("token", "agent-token"):
        assert machine.file(f"etc/rancher/k3s/{file}").stat().st_mode & 0o077 == 0
    assert "secret-of" not in result.stdout + result.stderr + "\n".join(machine.calls)


def test_the_shim_is_on_the_path_before_k3s_starts(machine):
    machine.command("systemctl", f'[ "$*" != "enable --now k3s-agent" ] || [ -x "{machine.root}/usr/local/bin/containerd-shim-spin-v2" ]')
    assert machine.agent().returncode == 0


@pytest.mark.parametrize("file", ["K3S_SHA256", "SHIM_SHA256"])
def test_a_program_that_is_not_the_pinned_one_is_not_installed(machine, file):
    result = machine.agent(**{file: "0" * 64})
    assert result.returncode == 1 and "is not the file whose sha256" in result.stderr
    assert not machine.file("usr/local/bin/k3s").exists() and not machine.called("systemctl")


def test_a_platform_that_is_not_ready_yet_is_tried_again(machine):
    machine.switch("fail-install")
    assert machine.server(first=True).returncode == 0
    assert len(machine.called("install")) == 2


@pytest.mark.parametrize("failure", ["fail-download", "fail-ssm"])
def test_what_fails_once_at_boot_is_tried_again(machine, failure):
    machine.switch(failure)
    assert machine.agent().returncode == 0
    assert machine.called("sleep 10")


def test_what_fails_for_good_ends_the_boot(machine):
    machine.command("aws", "exit 254")
    result = machine.agent()
    assert result.returncode == 1 and "gave up after 60 attempts" in result.stderr
    assert len(machine.called("aws ssm")) == 60 and not machine.called("systemctl")


@pytest.mark.parametrize("setting", ["ROLE", "API", "AGENT_TOKEN", "REGION", "K3S_SHA256"])
def test_a_missing_setting_is_named(machine, setting):
    result = machine.agent(**{setting: ""})
    assert result.returncode != 0 and setting in result.stderr


NODES = """\
ip-10-0-1-1.eu-central-1.compute.internal Ready control-plane 5d v1.36.3+k3s1
ip-10-0-1-2.eu-central-1.compute.internal NotReady <none> 5d v1.36.3+k3s1
ip-10-0-1-3.eu-central-1.compute.internal NotReady,SchedulingDisabled <none> 5d v1.36.3+k3s1
ip-10-0-1-4.eu-central-1.compute.internal Ready,SchedulingDisabled <none> 5d v1.36.3+k3s1
"""


def sweep(machine, **settings):
    machine.file("usr/local/bin").mkdir(parents=True)
    k3s = machine.file("usr/local/bin/k3s")
    k3s.write_bytes(machine.k3s)
    k3s.chmod(0o755)
    machine.switch("k3s", NODES)
    return machine.run(BOOT / "sweep-nodes.sh", **{"REGION": "eu-central-1", **settings})


def test_the_sweep_removes_dead_nodes_whose_instance_is_gone(machine):
    machine.switch("instance-ip-10-0-1-2.eu-central-1.compute.internal", "i-1")
    assert sweep(machine).returncode == 0
    assert machine.called("k3s kubectl delete") == ["k3s kubectl delete node ip-10-0-1-3.eu-central-1.compute.internal"]


def test_the_sweep_removes_nothing_when_ec2_does_not_answer(machine):
    machine.switch("fail-ec2")
    assert sweep(machine).returncode != 0
    assert not machine.called("k3s kubectl delete")


def test_the_sweep_removes_nothing_when_kubernetes_does_not_answer(machine):
    machine.switch("k3s-exit", "1")
    assert sweep(machine).returncode != 0
