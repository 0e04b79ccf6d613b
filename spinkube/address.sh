#!/usr/bin/env bash
# Prints the URL of the ingress: URL if it is set, else the name in the certificate, k3d's port, or Traefik's address.
set -euo pipefail
# shellcheck source=spinkube/lib.sh
. "$(dirname "$0")/lib.sh"
if [[ -n ${URL:-} ]]; then
    echo "$URL"
elif name=$(kubectl -n items get certificate items-tls -o jsonpath='{.spec.dnsNames[0]}' 2>/dev/null) &&
    [[ -n $name ]]; then
    echo "https://$name"
elif [[ $(kubectl config current-context 2>/dev/null) == k3d-* ]]; then
    echo http://localhost:8080
elif address=$(kubectl -n kube-system get service traefik \
    -o jsonpath='{.status.loadBalancer.ingress[0].ip}{.status.loadBalancer.ingress[0].hostname}') &&
    [[ -n $address ]]; then
    echo "http://$address"
else
    fail 'Traefik has no address' 'URL=… if you know it; kubectl -n kube-system get service traefik'
fi
