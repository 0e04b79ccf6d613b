#!/usr/bin/env bash
# Makes the Secret items-ca, the bundle that Spin pods trust: this machine's public roots and the database's own authority.
# Once, after the Certificate is ready: the authority stays for ten years. `make deploy` calls it.
set -euo pipefail

roots=${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}
[[ -r $roots ]] || {
    echo "error: no public roots in $roots; fix: install ca-certificates, or set SSL_CERT_FILE to a bundle" >&2
    exit 1
}
authority=$(kubectl -n items get secret postgres-server -o jsonpath='{.data.ca\.crt}' | base64 -d)
[[ $authority == *'BEGIN CERTIFICATE'* ]] || {
    echo 'error: the Secret postgres-server has no ca.crt; fix: kubectl -n items describe certificate postgres-server' >&2
    exit 1
}
bundle=$(mktemp)
trap 'rm -f "$bundle"' EXIT
{
    cat "$roots"
    printf '%s\n' "$authority"
} >"$bundle"
# Server-side, and only if there is a difference: an annotation could not hold a bundle.
kubectl -n items create secret generic items-ca --from-file=ca-certificates.crt="$bundle" --dry-run=client -o yaml |
    kubectl apply --server-side --force-conflicts -f - >/dev/null
