#!/usr/bin/env bash
# Asks a stack of its own what schemathesis makes of /openapi.json, in every phase, and holds the answers against every check.
# Usage: tests/fuzz/run.sh [--seed N] [--minutes N]    (default: the same questions each time, about a minute)
set -euo pipefail
cd "$(dirname "$0")/../.."

scripts/python-venv.sh fuzz-venv tests/fuzz/requirements.txt

mkdir -p target/fuzz
export PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=tests
exec target/fuzz-venv/bin/python tests/fuzz/drive.py "$@"
