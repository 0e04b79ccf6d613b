#!/bin/sh
# Writes a consistent copy of the running stack's database (or of DATABASE_URL) to a file. Both services keep running.
# Usage: scripts/backup.sh [FILE]    (default: .data/backups/TIME.dump)
set -eu
umask 077
file=${1:-$(dirname "$0")/../.data/backups/$(date -u +%Y%m%dT%H%M%SZ).dump}
mkdir -p -- "$(dirname -- "$file")"
file=$(realpath -- "$file")
# Renamed when it is complete.
trap 'rm -f "$file.part"' EXIT
trap 'exit 130' HUP INT TERM
"$(dirname "$0")/with-database.sh" pg_dump --format=custom --file="$file.part"
mv "$file.part" "$file"
echo "$(wc -c <"$file") bytes in $file"
