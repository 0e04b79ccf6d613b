#!/usr/bin/env bash
# Checks how this repository is delivered: workflows, release scripts, changelog, links, paths and targets in documents.
set -euo pipefail
cd "$(dirname "$0")/../.."
export PYTHONDONTWRITEBYTECODE=1

scripts/install-packages.sh shellcheck:shellcheck
scripts/python-venv.sh venv tests/requirements.txt
bin=target/venv/bin

echo '== shellcheck'
shellcheck -x .github/release/*.sh .github/tests/run.sh
echo '== schemas'
"$bin/check-jsonschema" --builtin-schema vendor.github-workflows .github/workflows/*.yml
"$bin/check-jsonschema" --builtin-schema vendor.renovate .github/renovate.json
echo '== zizmor'
"$bin/zizmor" --offline --no-progress --quiet .github
echo '== tests'
exec "$bin/python" -m pytest -q -o cache_dir="$PWD/target/venv/.cache" .github/tests "$@"
