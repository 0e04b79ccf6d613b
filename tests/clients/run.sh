#!/usr/bin/env bash
# Lints the contract, generates clients from it with five generators, and runs a program with each against a stack.
# Arguments go to pytest: tests/clients/run.sh -k go
# A check that this machine cannot run is printed as `not run: …` and does not count as passed.
set -euo pipefail
cd "$(dirname "$0")/../.."
folder=$PWD/target/clients
mkdir -p "$folder"

# Java, Node and Go come as Python packages too, so nothing has to be installed into the system.
if ! scripts/python-venv.sh clients-venv tests/clients/requirements.txt; then
    # If PyPI answers, a version in the requirements does not exist: that is a failure.
    ! target/clients-venv/bin/pip index versions pip >/dev/null 2>&1 || exit 1
    echo 'not run: generated clients and Spectral (PyPI does not answer)'
    exit
fi
export PATH=$PWD/target/clients-venv/bin:$PATH
# The folder has a copy of the package.json that was installed last.
if ! cmp -s tests/clients/package.json "$folder/package.json"; then
    cp tests/clients/package.json tests/clients/.npmrc "$folder"
    if ! npm --prefix "$folder" install --loglevel error; then
        rm "$folder/package.json"
        ! npm ping >/dev/null 2>&1 || exit 1
        echo 'not run: generated clients and Spectral (npm does not answer)'
        exit
    fi
fi

export PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=tests
exec python -m pytest -o cache_dir="$folder/.cache" tests/clients "$@"
