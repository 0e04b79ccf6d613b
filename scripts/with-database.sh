#!/bin/sh
# Runs a program of PostgreSQL on the running stack's database, as its superuser, or on DATABASE_URL. DATABASE_URL
# becomes an argument, which other users of this machine can see: leave out its password and set PGPASSWORD. Usage:
# scripts/with-database.sh psql|pg_dump ARGUMENTS...
set -eu
cd "$(dirname "$0")/.."
url=${DATABASE_URL:-}
# What DATABASE_URL leaves out comes from six variables, as for `make up`. The caller's others for PostgreSQL mean
# another database, or settings that our scripts do not expect.
for name in $(env | sed -n 's/^\(PG[A-Z_]*\)=.*/\1/p'); do
    case $url:$name in
        ?*:PGHOST | ?*:PGPORT | ?*:PGUSER | ?*:PGDATABASE | ?*:PGPASSWORD | ?*:PGPASSFILE) ;;
        *) unset "$name" ;;
    esac
done
if [ -z "$url" ]; then
    [ -e .data/pgpass ] || { echo 'error: there is no database yet; fix: make up' >&2 && exit 1; }
    url=postgres://postgres@127.0.0.1:$(cut -d: -f2 .data/pgpass)/itemsdb
    export PGPASSFILE=.data/pgpass
fi
exec "$@" --dbname "$url"
