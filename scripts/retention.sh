#!/bin/sh
# Takes something out of the audit trail of the running stack (or of DATABASE_URL); both ways leave an event of their own in it.
# Usage: scripts/retention.sh prune BEFORE    events from before a moment, such as 2026-01-31
#        scripts/retention.sh erase ITEM      the details of a deleted item's events
set -eu
ask() {
    "$(dirname "$0")/with-database.sh" psql -XqAt -v ON_ERROR_STOP=1 -v VERBOSITY=terse -v value="$2" <<SQL
SET ROLE retention;
$1
SQL
}

case ${1:-}:${2:-} in
prune:?*)
    # Once: `now` would be another moment in each round.
    before=$(ask "SELECT :'value'::timestamptz;" "$2")
    total=0 events=1
    while [ "$events" -gt 0 ]; do
        events=$(ask "SELECT audit_prune(:'value');" "$before")
        total=$((total + events))
        [ "$events" -eq 0 ] || echo "$total events pruned …"
    done
    echo "$total events from before $2 pruned"
    ;;
erase:?*)
    events=$(ask "SELECT audit_erase(:'value');" "$2")
    echo "details of $events events of item $2 erased"
    ;;
*)
    echo "error: what to take out is not said; fix: make audit-prune BEFORE=2026-01-31, or make audit-erase ITEM=42" >&2
    exit 1
    ;;
esac
