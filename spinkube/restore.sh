#!/usr/bin/env bash
# Replaces the single server's database by one of the dumps in the cluster (base/backup.yaml), completely or not at all.
# Requests wait meanwhile or get 503; no id and no entity tag is used twice. Roles and passwords do not change.
#   FILE=20261122T023000Z.dump   which one (default: the newest)
set -euo pipefail
cd "$(dirname "$0")"
# shellcheck source=spinkube/lib.sh
. ./lib.sh
need_cluster
FILE=${FILE:-newest}
[[ $FILE =~ ^(newest|[0-9TZ]+\.dump)$ ]] || fail "'$FILE' is not the name of a backup" 'FILE=20261122T023000Z.dump'
kubectl -n items get cronjob postgres-backup >/dev/null 2>&1 ||
    fail 'this database has no dumps in the cluster' 'spinkube/components/cloudnative-pg/README.md#restore'

job=postgres-restore-$(date +%s)
# Not a child of the CronJob, whose success is that of a backup. One attempt: a second one would not tell more.
patch='{ "metadata": { "ownerReferences": null }, "spec": { "backoffLimit": 0, "template": { "spec": { "containers": [
    { "name": "backup", "env": [{ "name": "RESTORE", "value": "'$FILE'" }] } ] } } } }'
kubectl -n items create job "$job" --from=cronjob/postgres-backup --dry-run=client -o yaml |
    kubectl patch --local -f - -p "$patch" -o yaml | kubectl apply -f - >/dev/null
finished() {
    kubectl -n items get job "$job" -o jsonpath='{.status.conditions[?(@.status=="True")].type}' | grep -E 'Complete|Failed'
}
until_true 3600 'the restore has ended' finished
kubectl -n items logs "job/$job"
finished | grep -q Complete || fail 'the database is as it was before' 'see the line above'
