#!/bin/sh
# Removes a part of the audit trail of the running stack (or of DATABASE_URL), or states a restore. Each is recorded as an
# event in the trail.
# Usage: scripts/retention.sh prune BEFORE    removes events from before a moment: 2026-01-31, 2026-01-31T12:00 (both in
#                                             UTC), or with an offset, 2026-01-31T12:00+08:00
#        scripts/retention.sh erase ITEM      removes details, actors and client addresses of a deleted item's events
#        scripts/retention.sh restored HEAD   states that a backup was restored; the file HEAD has the last checkpoint
set -eu
# The settings are those on which reading and writing a time depends; the database may have others.
query() {
    "$(dirname "$0")/with-database.sh" psql -XqAt -v ON_ERROR_STOP=1 -v VERBOSITY=terse -v value="$2" <<SQL
SET TimeZone = 'UTC'; SET DateStyle = 'ISO, YMD'; SET standard_conforming_strings = on; SET search_path = public;
SET default_transaction_isolation = 'read committed';
SET ROLE retention;
$1
SQL
}

case ${1:-}:${2:-} in
prune:?*)
    # An instant with an offset: it means the same in every session.
    before=$(query "SELECT to_char(CASE WHEN :'value' ~
        '^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?( ?(Z|[+-]\d\d(:?\d\d)?))?)?\$'
        THEN :'value'::text::timestamptz END, 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"');" "$2")
    if [ -z "$before" ]; then
        echo "error: BEFORE is not a date or a time: $2; fix: BEFORE=2026-01-31, or 2026-01-31T12:00+08:00 (without an offset it is UTC)" >&2
        exit 1
    fi
    query "SELECT events || ' events to prune' || coalesce(': the first of ' || oldest || ', the last of ' || newest, '')
        FROM audit_prunable(:'value');" "$before"
    total=0 events=1
    while [ "$events" -gt 0 ]; do
        events=$(query "SELECT audit_prune(:'value');" "$before")
        total=$((total + events))
        [ "$events" -eq 0 ] || echo "$total events pruned …"
    done
    echo "$total events from before $before pruned"
    ;;
erase:?*)
    events=$(query "SELECT audit_erase(:'value');" "$2")
    echo "content of $events events of item $2 erased"
    ;;
restored:?*)
    head=$(sed '/^— /q' "$2")
    incarnation=$(query "SELECT audit_incarnate(:'value' || E'\\n');" "$head")
    echo "the trail goes on as incarnation $incarnation; what the restored backup did not have stays visible as lost"
    ;;
*)
    echo "error: nothing to remove is named; fix: make audit-prune BEFORE=2026-01-31, make audit-erase ITEM=42, or make audit-restored HEAD=FILE" >&2
    exit 1
    ;;
esac
