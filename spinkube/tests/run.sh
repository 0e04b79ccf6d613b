#!/usr/bin/env bash
# Checks spinkube/ without a cluster: every overlay and every set of components, and the scripts.
# Arguments go to pytest: spinkube/tests/run.sh -k network
set -euo pipefail
cd "$(dirname "$0")/../.."

scripts/install-packages.sh shellcheck:shellcheck
scripts/python-venv.sh venv tests/requirements.txt

export PYTHONDONTWRITEBYTECODE=1
exec target/venv/bin/python -m pytest -o cache_dir="$PWD/target/venv/.cache" spinkube/tests "$@"
