#!/usr/bin/env bash
# Makes the four passwords of the database in namespace items; those that exist stay, unless ROTATE names them.
#   ROTATE="items-db audit-db"   these get a new password; `make deploy` then carries it to the database and to the pods
# Passwords are in the cluster alone: on no disk, on no command line.
set -euo pipefail
cd "$(dirname "$0")"
# shellcheck source=spinkube/lib.sh
. ./lib.sh
need_cluster
kubectl apply --server-side -f base/namespace.yaml >/dev/null

# A server takes the superuser's when its volume is made; the Secret alone would lock us out.
[[ " ${ROTATE:-} " != *' postgres-superuser '* ]] ||
    fail "the superuser's password is not rotated by this" 'see "Rotate a password" in spinkube/README.md'
for name in ${ROTATE:-}; do
    case $name in
    items-db | audit-db | metrics-db) ;;
    *) fail "there is no password $name" 'ROTATE= some of: items-db audit-db metrics-db' ;;
    esac
done

for pair in postgres-superuser:postgres items-db:items audit-db:audit metrics-db:metrics; do
    name=${pair%:*} user=${pair#*:}
    if [[ " ${ROTATE:-} " != *" $name "* ]] && kubectl -n items get secret "$name" >/dev/null 2>&1; then
        say "Secret $name: is there"
        continue
    fi
    password=$(LC_ALL=C tr -dc 'A-Za-z0-9' </dev/urandom | head -c 32 || true)
    kubectl apply --server-side --force-conflicts -f - >/dev/null <<EOF
apiVersion: v1
kind: Secret
metadata: { name: $name, namespace: items }
type: kubernetes.io/basic-auth
stringData: { username: $user, password: $password }
EOF
    say "Secret $name: made"
done
