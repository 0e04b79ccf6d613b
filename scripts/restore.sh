#!/bin/sh
# Puts a backup in place of what the running stack's database (or that of DATABASE_URL) holds: whole, or not at all. Requests wait
# meanwhile, or are answered 503. Roles and passwords stay those of the server.
# Usage: scripts/restore.sh FILE
set -eu
file=${1:?error: which backup? fix: make restore FILE=.data/backups/….dump}
[ -r "$file" ] || { echo "error: $file cannot be read; fix: name a file that make backup wrote" >&2 && exit 1; }
"$(dirname "$0")/with-database.sh" pg_restore --clean --if-exists --single-transaction --exit-on-error "$(realpath "$file")"
echo "restored from $file"
