#!/usr/bin/env bash
# Creates a cluster with the platform on this machine: K3s with the shim in Docker (k3d), and a registry, whose name
# localhost:PORT is the same inside the cluster. If the cluster exists, starts it. Installs nothing into any other one.
#   PORT=8080             port of http://localhost for the ingress, when it creates the cluster
#   REGISTRY_PORT=5001    port of the registry (macOS itself listens on 5000)
# To remove it: k3d cluster delete items
set -euo pipefail
cd "$(dirname "$0")"
# shellcheck source=spinkube/lib.sh
. ./lib.sh
image=ghcr.io/spinframework/containerd-shim-spin/k3d:v0.24.0
need_docker
need_kubectl
need k3d 'install k3d 5.8: https://k3d.io'
# Since then it makes the mounts of its nodes shared, which node-exporter needs.
need_version k3d "$(k3d version | sed -n 's/^k3d version v//p')" 5.8 'install a newer one: https://k3d.io'

if k3d cluster list items >/dev/null 2>&1; then
    found=$(docker inspect --format '{{.Config.Image}}' k3d-items-server-0)
    [[ $found == "$image" ]] ||
        fail "k3d has a cluster items that runs $found, not $image" \
            'if nobody needs its data: k3d cluster delete items'
    say 'The cluster items exists'
    k3d cluster start items
else
    port=${PORT:-8080} registry_port=${REGISTRY_PORT:-5001}
    for pair in "PORT $port" "REGISTRY_PORT $registry_port"; do
        if (exec 3<>"/dev/tcp/127.0.0.1/${pair#* }") 2>/dev/null; then
            fail "port ${pair#* } is in use" "another one: ${pair% *}=… make local-cluster"
        fi
    done
    memory=$(docker info --format '{{.MemTotal}}')
    ((memory > 7 * 1000 ** 3)) ||
        fail "Docker has $((memory / 1000 ** 3)) GB of memory, not 8" 'Docker Desktop: Settings, Resources; else a larger machine'
    # In the virtual machine of Docker Desktop, this folder is not one of this machine.
    root=$(docker info --format '{{.DockerRootDir}}')
    if [[ -d $root ]]; then
        free=$(df -Pk "$root" | awk 'END { print int($4 / 1000 / 1000) }')
        ((free >= 10)) || fail "$root has $free GB left, not 10" 'docker system df shows what takes the space'
    fi

    mirrors=$(mktemp)
    trap 'rm -f "$mirrors"' EXIT
    cat >"$mirrors" <<YAML
mirrors:
  "localhost:$registry_port": { endpoint: ["http://items-registry:5000"] }
YAML
    # Two nodes, so that one can be drained. They see this machine's disk: K3s would evict pods at 5 % left, which can be
    # many gigabytes.
    evict='imagefs.available<1%,nodefs.available<1%'
    k3d cluster create items --image "$image" \
        --agents 1 --port "127.0.0.1:$port:80@loadbalancer" \
        --registry-create "items-registry:127.0.0.1:$registry_port" --registry-config "$mirrors" \
        --k3s-node-label 'spin=true@server:0' --k3s-node-label 'spin=true@agent:0' \
        --k3s-arg "--kubelet-arg=eviction-hard=$evict@server:*;agent:*" \
        --k3s-arg "--kubelet-arg=eviction-minimum-reclaim=${evict//</=}@server:*;agent:*" \
        --wait --timeout 300s
fi
# A start leaves kubectl where it pointed before.
k3d kubeconfig merge items --kubeconfig-merge-default --kubeconfig-switch-context >/dev/null
[[ $(kubectl config current-context) == k3d-items ]] ||
    fail 'kubectl does not point at k3d-items' "kubectl config use-context k3d-items; KUBECONFIG is '${KUBECONFIG:-}'"
say 'kubectl points at k3d-items'
platform/install.sh
