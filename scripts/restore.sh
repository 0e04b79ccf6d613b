#!/usr/bin/env bash
# Replaces the content of the running stack's database (or of DATABASE_URL) by a backup, completely or not at all, and
# makes sure that no id and no entity tag is used twice. Requests wait meanwhile or get 503. Roles and passwords of the
# server do not change. Usage: scripts/restore.sh FILE
#   JUMP=1000000   how far ids jump ahead of the last one in the backup and in the replaced database
set -euo pipefail
file=${1:?error: no backup named; fix: make restore FILE=.data/backups/….dump}
[[ -r $file ]] || { echo "error: cannot read $file; fix: name a file that make backup wrote" >&2 && exit 1; }
[[ ${JUMP:-0} =~ ^[0-9]{1,15}$ ]] || { echo "error: JUMP is not a number: $JUMP; fix: JUMP=1000000" >&2 && exit 1; }
# A failure before COMMIT, also of pg_restore, leaves everything as it was.
{
    echo 'BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;'
    echo "SELECT coalesce(jsonb_object_agg(sequencename, last_value), '{}') AS used"
    echo "  FROM pg_sequences WHERE schemaname = 'public' \gset"
    pg_restore --clean --if-exists --exit-on-error --file=- -- "$file"
    echo "SELECT public.database_restored(:'used'${JUMP:+, :'jump'}); COMMIT;"
} | "$(dirname "$0")/with-database.sh" psql -Xq -v ON_ERROR_STOP=1 -v VERBOSITY=terse -v jump="${JUMP:-}" -o /dev/null
echo "restored from $file; ids leave a gap, and entity tags of the time before match nothing"
echo "until you state it to the trail, its heads are not signed: make audit-restored HEAD=.data/trail/head (the last checkpoint)"
