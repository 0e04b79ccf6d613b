"""Checks the scripts with shellcheck, and what they refuse. What they do is checked on a cluster: e2e.yml."""

import os
import re
import subprocess

import build

SCRIPTS = sorted(path for path in build.SPINKUBE.rglob("*.sh") if path.name != "lib.sh")


def test_every_script_passes_shellcheck_is_executable_and_stops_at_the_first_error():
    assert len(SCRIPTS) >= 9
    command = ["shellcheck", "-x", *[path.relative_to(build.ROOT) for path in SCRIPTS]]
    done = subprocess.run(command, cwd=build.ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    for path in SCRIPTS:
        assert re.match(r"#!/usr/bin/env bash\n(# .+\n)+set -euo pipefail\n", path.read_text()), path
        assert path.stat().st_mode & 0o111, path


def local_cluster(folder, **fakes):
    """Runs local-cluster.sh with fakes of its programs: (whether it succeeded, what it printed, the calls)."""
    usual = {
        "docker": "case $* in *Config.Image*) sed -n 's/^image=//p' local-cluster.sh ;; esac",
        "k3d": "echo k3d version v5.8.3",
        "kubectl": """case $* in *--client*) echo '"gitVersion": "v1.36.0",' ;; *current-context) echo prod ;; esac""",
    }
    for name, body in (usual | fakes).items():
        (folder / name).write_text(f'#!/bin/sh\necho {name} "$@" >>"{folder}/calls"\n{body}\n')
        (folder / name).chmod(0o755)
    env = os.environ | {"PATH": f"{folder}:{os.environ['PATH']}"}
    script = build.SPINKUBE / "local-cluster.sh"
    done = subprocess.run([script], env=env, capture_output=True, text=True, timeout=60)
    return done.returncode == 0, done.stdout + done.stderr, (folder / "calls").read_text()


def test_the_local_cluster_installs_nothing_where_kubectl_points_at_another_cluster(tmp_path):
    succeeded, output, calls = local_cluster(tmp_path)
    assert not succeeded and "kubectl does not point at k3d-items" in output
    assert "k3d cluster start items" in calls and "--kubeconfig-switch-context" in calls
    assert not re.search("kubectl .*(apply|get|create)", calls)


def test_the_local_cluster_leaves_another_k3d_cluster_of_that_name_alone(tmp_path):
    succeeded, output, calls = local_cluster(tmp_path, docker="echo rancher/k3s:v1")
    assert not succeeded and "runs rancher/k3s:v1, not ghcr.io/" in output and "cluster start" not in calls


def test_old_tools_are_named_with_what_is_needed_before_anything_changes(tmp_path):
    old = {"kubectl": """echo '"gitVersion": "v1.20.15",'""", "k3d": "echo k3d version v5.6.0", "docker": "exit 1"}
    expected = {"kubectl": "kubectl 1.20.15 is too old: 1.31", "k3d": "k3d 5.6.0 is too old: 5.8", "docker": "does not answer"}
    for name, body in old.items():
        succeeded, output, calls = local_cluster(tmp_path, **{name: body})
        assert not succeeded and expected[name] in output and "fix: " in output
        assert "cluster" not in calls
        (tmp_path / "calls").unlink()
