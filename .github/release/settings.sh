#!/usr/bin/env bash
# Checks the settings of this repository on GitHub that a workflow passes as variables. CD.md lists them.
#   NEEDED="NAME …"     fails if one of these is empty
#   OPTIONAL="NAME …"   prints which of these are empty: the jobs that need them are skipped
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=spinkube/lib.sh
. spinkube/lib.sh
missing=()
for name in ${NEEDED:-}; do [[ -n ${!name:-} ]] || missing+=("$name"); done
((${#missing[@]} == 0)) || fail "not set on GitHub: ${missing[*]}" 'CD.md, "Settings on GitHub"'
for name in ${OPTIONAL:-}; do
    [[ -n ${!name:-} ]] || say "not run: what needs $name, which is not set on GitHub (CD.md, \"Settings on GitHub\")"
done
