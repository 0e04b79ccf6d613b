#!/usr/bin/env bash
# Makes the Secret items-ca, the bundle that Spin pods trust: this machine's public roots and the database's authority.
# `make deploy` runs it when the Certificate is ready. Once is enough: the authority is valid for ten years.
set -euo pipefail
# shellcheck source=spinkube/lib.sh
. "$(dirname "$0")/../../lib.sh"

roots=${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}
# macOS has another one.
[[ -e $roots ]] || roots=/etc/ssl/cert.pem
[[ -r $roots ]] || fail "no public roots in $roots" 'install ca-certificates, or set SSL_CERT_FILE to a bundle'
authority=$(kubectl -n items get secret postgres-server -o go-template='{{ index .data "ca.crt" | base64decode }}')
[[ $authority == *'BEGIN CERTIFICATE'* ]] ||
    fail 'the Secret postgres-server has no ca.crt' 'kubectl -n items describe certificate postgres-server'
bundle=$(mktemp)
trap 'rm -f "$bundle"' EXIT
{
    cat "$roots"
    printf '%s\n' "$authority"
} >"$bundle"
# Server-side, because a client-side apply would put the bundle into an annotation, which is too small for it.
kubectl -n items create secret generic items-ca --from-file=ca-certificates.crt="$bundle" --dry-run=client -o yaml |
    kubectl apply --server-side --force-conflicts -f - >/dev/null
