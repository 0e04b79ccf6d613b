#!/usr/bin/env bash
# Creates target/NAME, a Python environment with the packages of REQUIREMENTS, unless it has them already.
# Usage: scripts/python-venv.sh NAME REQUIREMENTS
set -euo pipefail
cd "$(dirname "$0")/.."
name=target/$1 requirements=$2

python3 -c "import ensurepip, venv" 2>/dev/null || scripts/install-packages.sh python3 python3-venv

# The environment has a copy of the requirements that were installed last.
if ! cmp -s "$requirements" "$name/requirements.txt"; then
    echo "Installing $requirements into $name"
    [[ -x $name/bin/python ]] || python3 -m venv "$name"
    "$name/bin/pip" install --quiet --disable-pip-version-check -r "$requirements"
    cp "$requirements" "$name/requirements.txt"
fi
