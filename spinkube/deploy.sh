#!/usr/bin/env bash
# Brings an overlay to the cluster that kubectl points at, in the order that works, and waits until it serves.
#   OVERLAY=local|production|split, or the path of one of your own
#   REGISTRY=…   with VERSION=… (default: from git), in place of what the overlay says of images
# All of it may be run again at any time: it changes what differs, and nothing else.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=spinkube/lib.sh
. spinkube/lib.sh
need_cluster

OVERLAY=${OVERLAY:-local}
[[ $OVERLAY == */* ]] || OVERLAY=spinkube/overlays/$OVERLAY
[[ -e $OVERLAY/kustomization.yaml ]] || fail "there is no overlay $OVERLAY" "OVERLAY= one of $(cd spinkube/overlays && echo *)"

if [[ -n ${REGISTRY:-} ]]; then
    # As `package` pushed it: the name of an image has no capitals.
    REGISTRY=${REGISTRY,,} VERSION=${VERSION:-$(version)}
fi
work=target/deploy
mkdir -p "$work"

# The overlay with our registry and version in place of the placeholders, and with a mark in each SpinApp that changes when a
# Secret does: only a changed pod is started anew.
render() {
    cat >"$work/kustomization.yaml" <<EOF
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
sortOptions: { order: fifo }
resources: [../../$OVERLAY]
EOF
    if [[ -n ${REGISTRY:-} ]]; then
        echo 'images:'
        for image in items items-alone audit-alone sidecar; do
            echo "  - { name: registry.example/$image, newName: $REGISTRY/$image, newTag: \"$VERSION\" }"
        done
    fi >>"$work/kustomization.yaml"
    cat >>"$work/kustomization.yaml" <<EOF
patches:
  - target: { kind: SpinApp }
    patch: |-
      - { op: add, path: /spec/podAnnotations, value: { checksum/secrets: "${1:-none}" } }
EOF
    kubectl kustomize "$work" >"$work/rendered.yaml"
}

apply() { kubectl apply --server-side --force-conflicts -f "$work/rendered.yaml" -l "$1" | sed 's/^/   /'; }
# carried_over APP: the operator writes the Deployment when it gets to it; until then the one of before is there, ready, and
# `rollout status` content with it.
carried_over() {
    local wanted found
    wanted=$(kubectl -n items get spinapp "$1" -o jsonpath='{.spec.image} {.spec.podAnnotations.checksum/secrets}') || return 1
    found=$(kubectl -n items get deployment "$1" -o jsonpath='{.spec.template.spec.containers[0].image} {.spec.template.metadata.annotations.checksum/secrets}') || return 1
    [[ $found == "$wanted" ]] || {
        echo "the SpinApp $1 says '$wanted', its Deployment '$found'; kubectl -n spin-operator get pods"
        return 1
    }
}
has() { grep -q "^kind: $1\$" "$work/rendered.yaml"; }

render
! grep -q 'registry.example/' "$work/rendered.yaml" ||
    fail 'the images have no registry' 'REGISTRY=registry.of.yours/name make package deploy'

say "Settings, policies, database ($OVERLAY)"
sed -n 's|^apiVersion: \(.*[.].*\)/.*|\1|p' "$work/rendered.yaml" | sort -u | while read -r group; do
    [[ -n $(kubectl api-resources --api-group="$group" -o name </dev/null) ]] ||
        fail "the cluster knows nothing of $group" 'make platform (external-secrets.io: see spinkube/components/external-secrets)'
done
kubectl apply --server-side -f spinkube/base/namespace.yaml >/dev/null
if ! has ExternalSecret; then
    for name in postgres-superuser items-db audit-db metrics-db; do
        kubectl -n items get secret "$name" >/dev/null 2>&1 || fail "there is no Secret $name" 'make secrets'
    done
fi
apply 'app.kubernetes.io/component notin (app, schema)'

if has ExternalSecret; then
    kubectl -n items wait --for=condition=Ready --timeout=120s externalsecret --all
fi
say 'Waiting for the database'
if has Cluster; then
    until_true 120 'the certificate of the database is there' kubectl -n items wait --for=condition=Ready --timeout=1s certificate/postgres-server
    spinkube/components/cloudnative-pg/trust.sh
    until_true 900 'the database is ready' kubectl -n items wait --for=condition=Ready --timeout=1s cluster.postgresql.cnpg.io/postgres
elif has StatefulSet; then
    kubectl -n items rollout status statefulset/postgres --timeout=300s | sed 's/^/   /'
else
    say 'It is outside of the cluster: the schema will tell'
    kubectl -n items get secret items-ca >/dev/null 2>&1 ||
        fail 'there is no Secret items-ca with its authority' 'spinkube/components/rds/README.md'
fi

say 'Schema'
# A Job cannot be changed.
kubectl -n items delete job schema --ignore-not-found --wait >/dev/null
apply 'app.kubernetes.io/component=schema'
until_true 300 'the schema is applied' kubectl -n items wait --for=condition=Complete --timeout=1s job/schema || {
    kubectl -n items logs job/schema --tail=20 >&2 || true
    fail 'the schema was not applied' 'the lines above say why; make deploy again'
}

say 'Applications'
render "$(kubectl -n items get secret items-db audit-db -o jsonpath='{.items[*].data.password}' | sha256sum | cut -c1-16)"
# The operator's webhook may still be starting.
until_true 120 'the applications are accepted' apply 'app.kubernetes.io/component=app'
for app in $(kubectl -n items get spinapp -o jsonpath='{.items[*].metadata.name}'); do
    until_true 120 "the operator has taken over $app" carried_over "$app"
    kubectl -n items rollout status "deployment/$app" --timeout=300s | sed 's/^/   /' || {
        kubectl -n items get pods -l "core.spinkube.dev/app-name=$app" >&2
        fail "$app does not become ready" "kubectl -n items describe pods -l core.spinkube.dev/app-name=$app"
    }
done
kubectl -n items rollout status deployment/sidecar --timeout=120s | sed 's/^/   /'

# Assigned first: an error within the words of a command would go unseen.
url=$(spinkube/address.sh)
say "Serving: $url"
