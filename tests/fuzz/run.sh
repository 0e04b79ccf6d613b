#!/usr/bin/env bash
# Starts a stack, sends it the requests that schemathesis generates from /openapi.json, and checks the responses.
# Usage: tests/fuzz/run.sh [--seed N] [--minutes N]    (default: the same requests each time, about a minute)
set -euo pipefail
cd "$(dirname "$0")/../.."

scripts/python-venv.sh venv tests/requirements.txt

mkdir -p target/fuzz
export PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=tests
exec target/venv/bin/python tests/fuzz/drive.py "$@"
