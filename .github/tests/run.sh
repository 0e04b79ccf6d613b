#!/usr/bin/env bash
# Checks how this repository is delivered: workflows, release scripts, Argo CD, changelog and the plan.
# What this machine cannot do is printed as `not run: …` and does not count as passed.
set -euo pipefail
cd "$(dirname "$0")/../.."
export PYTHONDONTWRITEBYTECODE=1

echo '== shellcheck'
if command -v shellcheck >/dev/null || scripts/install-packages.sh shellcheck:shellcheck; then
    shellcheck -x .github/release/* terraform/plan.sh .github/tests/run.sh
else
    echo 'not run: shellcheck (it cannot be installed here)'
fi

if ! scripts/python-venv.sh delivery .github/tests/requirements.txt; then
    # Only a PyPI that does not answer is an excuse: a pin that does not exist must fail.
    ! target/delivery/bin/pip index versions pip >/dev/null 2>&1 || exit 1
    echo 'not run: schemas, zizmor and tests of .github/ and spinkube/argocd/ (no PyPI)'
    exit
fi
bin=target/delivery/bin
echo '== schemas'
"$bin/check-jsonschema" --builtin-schema vendor.github-workflows .github/workflows/*.yml
"$bin/check-jsonschema" --builtin-schema vendor.dependabot .github/dependabot.yml
echo '== zizmor'
"$bin/zizmor" --offline --no-progress --quiet .github
echo '== tests'
PATH=$PWD/$bin:$PATH exec "$bin/python" -m pytest -q -o cache_dir="$PWD/target/delivery/.cache" .github/tests "$@"
