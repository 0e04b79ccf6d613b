#!/usr/bin/env bash
# Makes target/NAME, a Python environment with what REQUIREMENTS lists, or leaves it be when it has that already.
# Usage: scripts/python-venv.sh NAME REQUIREMENTS
set -euo pipefail
cd "$(dirname "$0")/.."
name=target/$1 requirements=$2

python3 -c "import ensurepip, venv" 2>/dev/null || scripts/install-packages.sh python3 python3-venv

# The copy of the requirements in the environment says what was installed last.
if ! cmp -s "$requirements" "$name/requirements.txt"; then
    echo "Installing $requirements into $name"
    mkdir -p target
    [[ -x $name/bin/python ]] || python3 -m venv "$name"
    "$name/bin/pip" install --quiet --disable-pip-version-check -r "$requirements"
    cp "$requirements" "$name/requirements.txt"
fi
