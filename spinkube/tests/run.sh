#!/usr/bin/env bash
# Checks the manifests of spinkube/ without a cluster: builds every overlay and every set of components, and asks the results.
# Arguments go to pytest: spinkube/tests/run.sh -k network
set -euo pipefail
cd "$(dirname "$0")/../.."

scripts/install-packages.sh shellcheck:shellcheck openssl:openssl
scripts/python-venv.sh venv tests/requirements.txt

mkdir -p target/manifests
export PYTHONDONTWRITEBYTECODE=1
exec target/venv/bin/python -m pytest -o cache_dir="$PWD/target/manifests/.cache" spinkube/tests "$@"
