#!/usr/bin/env bash
# Installs the platform into the cluster that kubectl points at: a K3s with the shim on its nodes. May be run again.
# Where K3s's helm-controller is missing, Helmfile installs the same charts (helmfile.yaml).
#   SPIN_OPERATOR_CRDS=…   address or file of the operator's CRDs (default: its release on GitHub)
set -euo pipefail
cd "$(dirname "$0")"
# shellcheck source=spinkube/lib.sh
. ../lib.sh
need_cluster
controller=yes
if ! kubectl get crd helmcharts.helm.cattle.io >/dev/null 2>&1; then
    controller=no
    for program in helmfile helm; do
        need "$program" 'the cluster has no helm-controller: install Helmfile and Helm, or use K3s'
    done
fi
kubectl get nodes -l spin=true -o name | grep -q . ||
    fail 'no node has the label spin=true' \
        'install the shim (spinkube/platform/shim.sh), then kubectl label node NAME spin=true'

# The CRDs have the version of the chart.
SPIN_OPERATOR=$(sed -n '/chart: .*spin-operator$/,/---/s/^  version: //p' spin.yaml)

apply() { kubectl apply --server-side --force-conflicts "$@"; }
# ready NAMESPACE: whether it has pods to run, and all run.
ready() {
    local owners owner
    owners=$(kubectl -n "$1" get deployments,daemonsets,statefulsets -o name)
    [[ -n $owners ]] || { echo "nothing is there yet; kubectl -n kube-system get jobs,pods"; return 1; }
    for owner in $owners; do kubectl -n "$1" rollout status "$owner" --timeout=1s || return 1; done
}
# What the Prometheus operator runs: its StatefulSets appear later than the chart's own resources.
monitors() { kubectl -n monitoring wait --for=condition=Available --timeout=1s prometheus,alertmanager --all; }

say 'cert-manager'
# By file: with -k and a label, kubectl would first look up every kind, also those of charts that are not there yet.
apply -f namespaces.yaml >/dev/null
if [[ $controller == yes ]]; then
    apply -f cert-manager.yaml >/dev/null
else
    helmfile --file helmfile.yaml --selector name=cert-manager sync
fi
until_true 600 'cert-manager is ready' ready cert-manager

say "CRDs of spin-operator $SPIN_OPERATOR"
releases=https://github.com/spinframework/spin-operator/releases/download
apply -f "${SPIN_OPERATOR_CRDS:-$releases/v$SPIN_OPERATOR/spin-operator.crds.yaml}" >/dev/null

# Without it, the chart would set a password that everybody knows.
kubectl -n monitoring get secret grafana-admin >/dev/null 2>&1 ||
    apply -f - >/dev/null <<YAML
apiVersion: v1
kind: Secret
metadata: { name: grafana-admin, namespace: monitoring }
stringData: { admin-user: admin, admin-password: $(random_password) }
YAML

say 'Everything else'
# Resources of a chart's kinds are rejected until the chart has installed its CRDs.
# Not the runtime class of runtime-class-manager, which has another handler.
others() {
    local leave='helm.cattle.io/'
    ! kubectl get runtimeclass wasmtime-spin-v2 -o jsonpath='{.handler}' 2>/dev/null | grep -qv '^spin$' || leave+='|kind: RuntimeClass'
    kubectl kustomize . | awk -v RS='---\n' -v leave="$leave" '$0 !~ leave { printf "---\n%s", $0 }' | apply -f -
}
if [[ $controller == yes ]]; then
    until_true 900 'all resources are accepted' apply -k .
else
    helmfile --file helmfile.yaml sync
    until_true 900 'all resources are accepted' others
fi
for namespace in spin-operator cnpg-system monitoring; do
    until_true 900 "$namespace is ready" ready "$namespace"
done
until_true 300 'Prometheus and Alertmanager are available' monitors
say 'The platform is ready'
