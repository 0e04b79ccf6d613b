"""Checks the scripts with shellcheck. What they do is checked on a cluster: .github/workflows/e2e.yml."""

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
