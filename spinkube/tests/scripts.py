"""Runs the scripts of spinkube/ with a kubectl and a curl that only record: what they would do to a cluster."""

import json
import os
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

import build
import yaml

FAKE = Path(__file__).parent / "fake"


def first(special, usual):
    """Answers of which the special ones count before the usual ones, also where their patterns are the same."""
    special = special or {}
    return special | {pattern: answer for pattern, answer in usual.items() if pattern not in special}


class Run:
    def __init__(self, script, kubectl=None, curl=None, **environment):
        """Answers by pattern, first match wins: kubectl's {regex of the arguments: (exit code, output)}, or a list of such for
        one call after the other, else success without a word; curl's {regex of the request: (status, head, body)}, else 404."""
        with tempfile.TemporaryDirectory() as folder:
            answers, log, programs = (Path(folder) / name for name in ("answers", "log", "bin"))
            programs.mkdir()
            for fake in FAKE.glob("*.py"):
                program = programs / fake.stem
                # Without site packages: a script starts dozens of them.
                program.write_text(f"#!{sys.executable} -IS\n{fake.read_text()}")
                program.chmod(0o755)
            answers.write_text(json.dumps({"kubectl": kubectl or {}, "curl": curl or {}}))
            done = subprocess.run(
                [build.SPINKUBE / f"{script}.sh"],
                capture_output=True,
                text=True,
                stdin=subprocess.DEVNULL,
                timeout=120,
                env={
                    "PATH": f"{programs}:{os.environ['PATH']}",
                    "HOME": folder,
                    "FAKE_ANSWERS": str(answers),
                    "FAKE_LOG": str(log),
                    "FAKE_KUBECTL": str(build.KUBECTL),
                    **environment,
                },
            )
            self.code, self.output = done.returncode, done.stdout + done.stderr
            lines = log.read_text().splitlines() if log.exists() else []
        # [command, arguments, standard input] in the order of the calls.
        self.calls = [tuple(json.loads(line)) for line in lines]

    def called(self, *words):
        """The calls whose arguments contain all these words."""
        return [call for call in self.calls if all(word in " ".join(call[1]) for word in words)]


@cache
def made_secrets():
    """{name: Secret} that `spinkube/secrets.sh` makes in an empty cluster."""
    run = Run("secrets", {"get secret": (1, "")})
    assert run.code == 0, run.output
    made = [yaml.safe_load(stdin) for _, _, stdin in run.called("apply", "-f -")]
    assert all(secret["kind"] == "Secret" and secret["metadata"]["namespace"] == "items" for secret in made)
    return {secret["metadata"]["name"]: secret for secret in made}
