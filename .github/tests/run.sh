#!/usr/bin/env bash
# Checks how this repository is delivered: workflows, release scripts, changelog, CD.md.
# A check that this machine cannot run is printed as `not run: …` and does not count as passed.
set -euo pipefail
cd "$(dirname "$0")/../.."
export PYTHONDONTWRITEBYTECODE=1

echo '== shellcheck'
if command -v shellcheck >/dev/null || scripts/install-packages.sh shellcheck:shellcheck; then
    shellcheck -x .github/release/*.sh .github/tests/run.sh
else
    echo 'not run: shellcheck (it cannot be installed here)'
fi

bin=target/venv/bin
if ! scripts/python-venv.sh venv tests/requirements.txt; then
    # If PyPI answers, a version in the requirements does not exist: that is a failure.
    ! "$bin/pip" index versions pip >/dev/null 2>&1 || exit 1
    echo 'not run: schemas, zizmor and tests of .github (PyPI does not answer)'
    exit
fi
echo '== schemas'
"$bin/check-jsonschema" --builtin-schema vendor.github-workflows .github/workflows/*.yml
"$bin/check-jsonschema" --builtin-schema vendor.dependabot .github/dependabot.yml
echo '== zizmor'
"$bin/zizmor" --offline --no-progress --quiet .github
echo '== tests'
exec "$bin/python" -m pytest -q -o cache_dir="$PWD/target/venv/.cache" .github/tests "$@"
