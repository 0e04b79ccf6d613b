#!/bin/sh
# Runs a program of PostgreSQL on the running stack's database, as its superuser, or on DATABASE_URL. DATABASE_URL
# becomes an argument, which other users of this machine can see: leave out its password and set PGPASSWORD. Usage:
# scripts/with-database.sh psql|pg_dump|pg_restore ARGUMENTS...
set -eu
cd "$(dirname "$0")/.."
url=${DATABASE_URL:-}
if [ -z "$url" ]; then
    [ -e .data/pgpass ] || { echo 'error: there is no database yet; fix: make up' >&2 && exit 1; }
    url=postgres://postgres@127.0.0.1:$(cut -d: -f2 .data/pgpass)/itemsdb
    export PGPASSFILE=.data/pgpass
fi
exec "$@" --dbname "$url"
