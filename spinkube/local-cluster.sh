#!/usr/bin/env bash
# Creates a cluster with the platform on this machine: K3s with the shim in Docker (k3d), http://localhost:8080, and a
# registry, localhost:5000, which has this name inside the cluster too. If the cluster exists, starts it.
# To remove it: k3d cluster delete items
set -euo pipefail
cd "$(dirname "$0")"
# shellcheck source=spinkube/lib.sh
. ./lib.sh
need docker 'install Docker'
need k3d 'install k3d 5: https://k3d.io'
need kubectl 'install it: https://kubernetes.io/docs/tasks/tools'

if k3d cluster list items >/dev/null 2>&1; then
    say 'The cluster items exists'
    k3d cluster start items
else
    mirrors=$(mktemp)
    trap 'rm -f "$mirrors"' EXIT
    cat >"$mirrors" <<'YAML'
mirrors:
  "localhost:5000": { endpoint: ["http://items-registry:5000"] }
YAML
    # Two nodes, so that one can be drained.
    k3d cluster create items \
        --image ghcr.io/spinframework/containerd-shim-spin/k3d:v0.24.0 \
        --agents 1 --port 8080:80@loadbalancer \
        --registry-create items-registry:127.0.0.1:5000 --registry-config "$mirrors" \
        --k3s-node-label 'spin=true@server:0' --k3s-node-label 'spin=true@agent:0' \
        --wait --timeout 300s
fi
platform/install.sh
