#!/bin/sh
# Removes a part of the audit trail of the running stack (or of DATABASE_URL), which is recorded as an event in the trail.
# Usage: scripts/retention.sh prune BEFORE    removes events from before a moment, such as 2026-01-31
#        scripts/retention.sh erase ITEM      removes the details of a deleted item's events
set -eu
query() {
    "$(dirname "$0")/with-database.sh" psql -XqAt -v ON_ERROR_STOP=1 -v VERBOSITY=terse -v value="$2" <<SQL
SET ROLE retention;
$1
SQL
}

case ${1:-}:${2:-} in
prune:?*)
    # Evaluated once: `now` would be another moment in each round.
    before=$(query "SELECT :'value'::timestamptz;" "$2")
    total=0 events=1
    while [ "$events" -gt 0 ]; do
        events=$(query "SELECT audit_prune(:'value');" "$before")
        total=$((total + events))
        [ "$events" -eq 0 ] || echo "$total events pruned …"
    done
    echo "$total events from before $2 pruned"
    ;;
erase:?*)
    events=$(query "SELECT audit_erase(:'value');" "$2")
    echo "details of $events events of item $2 erased"
    ;;
*)
    echo "error: nothing to remove is named; fix: make audit-prune BEFORE=2026-01-31, or make audit-erase ITEM=42" >&2
    exit 1
    ;;
esac
