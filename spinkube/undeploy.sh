#!/usr/bin/env bash
# Removes the application and its database with all data, after a confirmation (or CONFIRM=items). The platform stays.
set -euo pipefail
cd "$(dirname "$0")"
# shellcheck source=spinkube/lib.sh
. ./lib.sh
need_cluster
confirm 'removes the namespace items, with all items, the audit trail and the backups in it'
# The applications first, because the operator cleans up after them.
kubectl -n items delete spinapp --all --ignore-not-found --wait 2>/dev/null || true
# The operator keeps an executor while a SpinApp of any namespace names one like it (spin-operator's issue 480).
kubectl -n items patch spinappexecutor items --type=merge -p '{"metadata":{"finalizers":null}}' >/dev/null 2>&1 || true
kubectl delete namespace items --ignore-not-found --timeout=300s
