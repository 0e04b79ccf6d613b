#!/usr/bin/env bash
# Removes the application and, with it, its database: all data. Asks first (CONFIRM=items answers). The platform stays.
set -euo pipefail
cd "$(dirname "$0")"
# shellcheck source=spinkube/lib.sh
. ./lib.sh
need_cluster
if [[ ${CONFIRM:-} != items ]]; then
    printf 'This removes namespace items of %s, with all items and the audit trail. Type its name: ' "$(kubectl config current-context)"
    read -r answer
    [[ $answer == items ]] || fail 'nothing was removed' 'type: items'
fi
# The applications first: while the operator lives it cleans up after them.
kubectl -n items delete spinapp --all --ignore-not-found --wait 2>/dev/null || true
kubectl delete namespace items --ignore-not-found --timeout=300s
