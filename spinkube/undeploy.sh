#!/usr/bin/env bash
# Removes the application and its database with all data, after a confirmation (or CONFIRM=items). The platform stays.
set -euo pipefail
cd "$(dirname "$0")"
# shellcheck source=spinkube/lib.sh
. ./lib.sh
need_cluster
if [[ ${CONFIRM:-} != items ]]; then
    context=$(kubectl config current-context)
    printf 'This removes the namespace items of %s, with all items and the audit trail. Type its name: ' "$context"
    read -r answer
    [[ $answer == items ]] || fail 'nothing was removed' 'type: items'
fi
# The applications first, because the operator cleans up after them.
kubectl -n items delete spinapp --all --ignore-not-found --wait 2>/dev/null || true
kubectl delete namespace items --ignore-not-found --timeout=300s
