#!/bin/sh
# Writes the running stack's database (or that of DATABASE_URL) to a file, as it is at one moment; both services go on.
# Usage: scripts/backup.sh [FILE]    (default: .data/backups/TIME.dump)
set -eu
umask 077
file=${1:-$(dirname "$0")/../.data/backups/$(date -u +%Y%m%dT%H%M%SZ).dump}
mkdir -p "$(dirname "$file")"
file=$(realpath "$file")
# Under another name until it is whole.
trap 'rm -f "$file.part"' EXIT
trap 'exit 130' HUP INT TERM
"$(dirname "$0")/with-database.sh" pg_dump --format=custom --file="$file.part"
mv "$file.part" "$file"
echo "$(wc -c <"$file") bytes in $file"
