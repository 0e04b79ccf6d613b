#!/bin/sh
# The interface of the official PostgreSQL image, for an image of Debian's packages: POSTGRES_PASSWORD (or _FILE), _USER
# and _DB, data in PGDATA, and the server's log on stdout during the setup and on stderr afterwards.
set -eu
[ "$1" = postgres ] || exec "$@"
shift

data=${PGDATA:-/var/lib/postgresql/data}
user=${POSTGRES_USER:-postgres}
as_postgres() { setpriv --reuid postgres --regid postgres --init-groups "$@"; }

if [ ! -s "$data/PG_VERSION" ]; then
    [ -z "${POSTGRES_PASSWORD_FILE:-}" ] || POSTGRES_PASSWORD=$(cat "$POSTGRES_PASSWORD_FILE")
    : "${POSTGRES_PASSWORD:?error: POSTGRES_PASSWORD is not set; fix: pass it to the container}"
    install -d -o postgres -g postgres -m 700 "$data"
    install -d -o postgres -g postgres /run/postgresql
    secret=$(as_postgres mktemp)
    printf '%s' "$POSTGRES_PASSWORD" >"$secret"
    as_postgres initdb --pgdata "$data" --username "$user" --pwfile "$secret" --encoding UTF8 --auth-local trust --auth-host scram-sha-256
    rm "$secret"
    echo 'host all all all scram-sha-256' >>"$data/pg_hba.conf"
    as_postgres pg_ctl --pgdata "$data" --options "-c listen_addresses=''" --wait start
    if [ -n "${POSTGRES_DB:-}" ] && [ "$POSTGRES_DB" != postgres ]; then
        psql --username "$user" --dbname postgres --quiet --set db="$POSTGRES_DB" <<'SQL'
CREATE DATABASE :"db";
SQL
    fi
    as_postgres pg_ctl --pgdata "$data" --mode fast --wait stop
fi
exec setpriv --reuid postgres --regid postgres --init-groups postgres -D "$data" -c listen_addresses='*' "$@"
