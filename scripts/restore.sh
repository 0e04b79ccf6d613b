#!/bin/sh
# Replaces the content of the running stack's database (or of DATABASE_URL) by a backup, completely or not at all.
# Requests wait meanwhile or get 503. Roles and passwords of the server do not change. Usage: scripts/restore.sh FILE
set -eu
file=${1:?error: no backup named; fix: make restore FILE=.data/backups/….dump}
[ -r "$file" ] || { echo "error: cannot read $file; fix: name a file that make backup wrote" >&2 && exit 1; }
"$(dirname "$0")/with-database.sh" pg_restore --clean --if-exists --single-transaction --exit-on-error "$(realpath "$file")"
echo "restored from $file"
