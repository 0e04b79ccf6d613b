#!/usr/bin/env bash
# Creates the four database passwords, and the key that signs the audit trail's heads, as Secrets in the namespace items,
# as `make deploy` does where they are missing.
# Existing ones stay, unless ROTATE names them.
#   ROTATE="items-db audit-db"   creates these again; `make deploy` then sets them in the database and restarts the pods
# Passwords exist only in the cluster: on no disk, on no command line.
set -euo pipefail
cd "$(dirname "$0")"
# shellcheck source=spinkube/lib.sh
. ./lib.sh
need_cluster
# Not again where it is: that would take away the overlay in force, which deploy.sh records in it.
kubectl get namespace items >/dev/null 2>&1 || kubectl apply --server-side -f base/namespace.yaml >/dev/null

# A server reads the superuser's password only when it creates its volume: changing only the Secret would lock us out.
[[ " ${ROTATE:-} " != *' postgres-superuser '* ]] ||
    fail "this does not rotate the superuser's password" 'see "Rotate a password" in spinkube/README.md'
for name in ${ROTATE:-}; do
    case $name in
    items-db | audit-db | metrics-db) ;;
    *) fail "there is no password $name" 'ROTATE= some of: items-db audit-db metrics-db' ;;
    esac
done

for pair in postgres-superuser:postgres items-db:items audit-db:audit metrics-db:metrics; do
    name=${pair%:*} user=${pair#*:}
    if [[ " ${ROTATE:-} " != *" $name "* ]] && kubectl -n items get secret "$name" >/dev/null 2>&1; then
        say "Secret $name: exists"
        continue
    fi
    [[ $name != postgres-superuser ]] || ! kubectl -n items get pvc data-postgres-0 >/dev/null 2>&1 ||
        fail "the Secret $name is gone, and the database's volume has its password" \
            'create it again with that password, or with one set by psql in the pod (\password)'
    kubectl apply --server-side --force-conflicts -f - >/dev/null <<YAML
apiVersion: v1
kind: Secret
# With this label, CloudNativePG takes over a changed superuser's password at once.
metadata: { name: $name, namespace: items, labels: { cnpg.io/reload: "true" } }
type: kubernetes.io/basic-auth
stringData: { username: $user, password: $(random_password) }
YAML
    say "Secret $name: created"
done

if kubectl -n items get secret audit-key >/dev/null 2>&1; then
    say 'Secret audit-key: exists'
    exit
fi
kubectl apply --server-side -f - >/dev/null <<YAML
apiVersion: v1
kind: Secret
metadata: { name: audit-key, namespace: items }
stringData: { seed: $(od -An -N32 -tx1 /dev/urandom | tr -d ' \n') }
YAML
say 'Secret audit-key: created'
