#!/usr/bin/env bash
# Tests the explorer (the HTML at /) in headless Chromium, against a stack that it starts itself and stops again.
# Arguments go to pytest: tests/browser/run.sh -k stale
set -euo pipefail
cd "$(dirname "$0")/../.."

scripts/install-packages.sh chromium:chromium chromedriver:chromium-driver
scripts/python-venv.sh venv tests/requirements.txt

mkdir -p target/browser
export PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=tests
exec target/venv/bin/python -m pytest -o cache_dir="$PWD/target/browser/.cache" tests/browser "$@"
