"""Runs the scripts of spinkube/ with a fake kubectl and curl (fake.py), which record what a script does."""

import json
import os
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

import build
import yaml


class Run:
    """A script that ran: its exit code, its output, and its calls of kubectl and curl."""

    def __init__(self, script, answers=None, usual=None, **environment):
        """Answers are {regex of a call: answer}, see fake.py; the usual ones come last. Without any, kubectl is silent
        and curl answers 404."""
        with tempfile.TemporaryDirectory() as folder:
            file, calls, programs = (Path(folder) / name for name in ("answers", "calls", "bin"))
            programs.mkdir()
            file.write_text(json.dumps([*(answers or {}).items(), *(usual or {}).items()]))
            calls.touch()
            for name in ("kubectl", "curl"):
                program = programs / name
                # -IS starts Python faster; a script starts dozens of them.
                program.write_text(f"#!{sys.executable} -IS\n{Path(__file__).with_name('fake.py').read_text()}")
                program.chmod(0o755)
            fixed = {"FAKE_ANSWERS": str(file), "FAKE_CALLS": str(calls), "REAL_KUBECTL": str(build.KUBECTL)}
            done = subprocess.run(
                [build.SPINKUBE / f"{script}.sh"],
                capture_output=True,
                text=True,
                stdin=subprocess.DEVNULL,
                timeout=120,
                env={"PATH": f"{programs}:{os.environ['PATH']}", "HOME": folder, **fixed, **environment},
            )
            self.code, self.output = done.returncode, done.stdout + done.stderr
            # (call, standard input) in order.
            self.calls = [tuple(json.loads(line)) for line in calls.read_text().splitlines()]

    def called(self, *words):
        """The calls that contain all these words."""
        return [call for call in self.calls if all(word in call[0] for word in words)]


@cache
def created_secrets():
    """{name: Secret} that secrets.sh creates in an empty cluster."""
    run = Run("secrets", {"get secret": (1, "")})
    assert run.code == 0, run.output
    found = [yaml.safe_load(stdin) for _, stdin in run.called("apply", "-f -")]
    assert all(secret["kind"] == "Secret" and secret["metadata"]["namespace"] == "items" for secret in found)
    return {build.name(secret): secret for secret in found}
