#!/usr/bin/env bash
# Applies an overlay to the cluster that kubectl points at, in the order that works, and waits until it serves.
#   OVERLAY=local|production|split, or the path of one of your own
#   REGISTRY=… and VERSION=… (default: from git) replace the images of the overlay
# May be run again at any time: it changes only what differs.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=spinkube/lib.sh
. spinkube/lib.sh
need_cluster

OVERLAY=${OVERLAY:-local}
[[ $OVERLAY == */* ]] || OVERLAY=spinkube/overlays/$OVERLAY
[[ -e $OVERLAY/kustomization.yaml ]] ||
    fail "there is no overlay $OVERLAY" "OVERLAY= one of $(cd spinkube/overlays && echo *)"

if [[ -n ${REGISTRY:-} ]]; then
    # In small letters, as package.sh pushed it.
    REGISTRY=${REGISTRY,,} VERSION=${VERSION:-$(version)}
fi
work=target/deploy
mkdir -p "$work"

# render [CHECKSUM]: the overlay with our registry and version. The checksum of the Secrets in each SpinApp restarts its
# pods when a Secret changes, and only then.
render() {
    cat >"$work/kustomization.yaml" <<YAML
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
sortOptions: { order: fifo }
resources: [../../$OVERLAY]
YAML
    if [[ -n ${REGISTRY:-} ]]; then
        echo 'images:'
        for image in items items-alone audit-alone sidecar; do
            echo "  - { name: registry.example/$image, newName: $REGISTRY/$image, newTag: \"$VERSION\" }"
        done
    fi >>"$work/kustomization.yaml"
    cat >>"$work/kustomization.yaml" <<YAML
patches:
  - target: { kind: SpinApp }
    patch: |-
      - { op: add, path: /spec/podAnnotations, value: { checksum/secrets: "${1:-none}" } }
YAML
    kubectl kustomize "$work" >"$work/rendered.yaml"
}

apply() { kubectl apply --server-side --force-conflicts -f "$work/rendered.yaml" -l "$1" | sed 's/^/   /'; }
# deployment_updated APP: whether the operator has written the SpinApp's image and checksum into its Deployment. Before
# that, `rollout status` reports success for the old one.
deployment_updated() {
    local wanted='{.spec.image} {.spec.podAnnotations.checksum/secrets}' found
    found='{.spec.template.spec.containers[0].image} {.spec.template.metadata.annotations.checksum/secrets}'
    wanted=$(kubectl -n items get spinapp "$1" -o "jsonpath=$wanted") || return 1
    found=$(kubectl -n items get deployment "$1" -o "jsonpath=$found") || return 1
    [[ $found == "$wanted" ]] || {
        echo "the SpinApp $1 has '$wanted', its Deployment '$found'; kubectl -n spin-operator get pods"
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
        fail "the cluster does not have the API group $group" \
            'make platform (external-secrets.io: see spinkube/components/external-secrets)'
done
if ! has ExternalSecret; then
    for name in postgres-superuser items-db audit-db metrics-db audit-key; do
        kubectl -n items get secret "$name" >/dev/null 2>&1 || fail "there is no Secret $name" 'make secrets'
    done
fi
apply 'app.kubernetes.io/component notin (app, schema)'

if has ExternalSecret; then
    kubectl -n items wait --for=condition=Ready --timeout=120s externalsecret --all
fi
say 'Waiting for the database'
if has Cluster; then
    ready() { kubectl -n items wait --for=condition=Ready --timeout=1s "$1"; }
    until_true 120 'the certificate of the database is ready' ready certificate/postgres-server
    spinkube/components/cloudnative-pg/trust.sh
    until_true 900 'the database is ready' ready cluster.postgresql.cnpg.io/postgres
elif has StatefulSet; then
    kubectl -n items rollout status statefulset/postgres --timeout=300s | sed 's/^/   /'
else
    say 'It is outside the cluster: the schema Job is the first to connect to it'
    kubectl -n items get secret items-ca >/dev/null 2>&1 ||
        fail 'there is no Secret items-ca with its authority' 'spinkube/components/rds/README.md'
fi

say 'Schema'
# A Job cannot be changed.
kubectl -n items delete job schema --ignore-not-found --wait >/dev/null
apply 'app.kubernetes.io/component=schema'
until_true 300 'the schema is applied' kubectl -n items wait --for=condition=Complete --timeout=1s job/schema || {
    kubectl -n items logs job/schema --tail=20 >&2 || true
    fail 'the schema was not applied' 'see the lines above, then run the same command again'
}

say 'Applications'
passwords=$(kubectl -n items get secret items-db audit-db -o jsonpath='{.items[*].data.password}')
render "$(printf %s "$passwords" | sha256sum | cut -c1-16)"
# The operator's webhook may still be starting.
until_true 120 'the applications are accepted' apply 'app.kubernetes.io/component=app'
for app in $(kubectl -n items get spinapp -o jsonpath='{.items[*].metadata.name}'); do
    until_true 120 "the operator has updated the Deployment $app" deployment_updated "$app"
    kubectl -n items rollout status "deployment/$app" --timeout=300s | sed 's/^/   /' || {
        kubectl -n items get pods -l "core.spinkube.dev/app-name=$app" >&2
        fail "$app does not become ready" "kubectl -n items describe pods -l core.spinkube.dev/app-name=$app"
    }
done
kubectl -n items rollout status deployment/sidecar --timeout=120s | sed 's/^/   /'

# Assigned first, because a failure inside the words of a command would be ignored.
url=$(spinkube/address.sh)
say "Serving: $url"
