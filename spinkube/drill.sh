#!/usr/bin/env bash
# A restore drill with the single server: makes a backup, deletes the database with its volume, deploys, restores, and
# compares counts and the newest audit event. For a cluster whose data nobody needs: what clients write meanwhile is lost.
#   CONFIRM=items   or answer the question
# REGISTRY, VERSION and URL as for deploy.sh and verify.sh.
set -euo pipefail
cd "$(dirname "$0")"
# shellcheck source=spinkube/lib.sh
. ./lib.sh
need_cluster
need curl 'install it'
kubectl -n items get cronjob postgres-backup >/dev/null 2>&1 ||
    fail 'this database has no dumps in the cluster' 'spinkube/components/cloudnative-pg/README.md#restore, beside the running one'
confirm 'deletes the database of the namespace items, to restore it'
URL=$(address)

sql() { kubectl -n items exec statefulset/postgres -c postgres -- psql -XAtqU postgres -d itemsdb -c "$1"; }
content() {
    sql "SELECT format('%s items, %s audit events, newest %s %s', (SELECT count(*) FROM items),
        (SELECT count(*) FROM audit_logs), event_id, action) FROM audit_logs ORDER BY created_at DESC, event_id DESC LIMIT 1"
}
drained() { [[ $(sql 'SELECT count(*) FROM audit_outbox') == 0 ]]; }
backed_up() { kubectl -n items wait --for=condition=Complete --timeout=1s "job/$job"; }
ready() { curl -sf -o /dev/null --max-time 15 "$URL/readyz"; }

say 'An item, and a backup'
curl -sSf -o /dev/null --max-time 15 "$URL/items" -H 'content-type: application/json' -d '{"name":"restore drill"}'
until_true 60 'all events are in the audit trail' drained
before=$(content)
job=postgres-drill-$(date +%s)
kubectl -n items create job "$job" --from=cronjob/postgres-backup >/dev/null
until_true 300 'the backup is made' backed_up
kubectl -n items logs "job/$job"

say 'The database is lost'
kubectl -n items delete statefulset postgres --wait >/dev/null
kubectl -n items delete pvc data-postgres-0 --timeout=120s >/dev/null
./deploy.sh
[[ $(sql 'SELECT count(*) FROM items') == 0 ]] || fail 'the new database is not empty' 'was its volume deleted?'

say 'Restore'
./restore.sh
after=$(content)
[[ $after == "$before" ]] || fail "restored: $after; before: $before" 'did somebody write meanwhile?'
echo "   $after"
until_true 120 'it serves again' ready
