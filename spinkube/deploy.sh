#!/usr/bin/env bash
# Applies an overlay to the cluster that kubectl points at, in the order that works, and waits until it serves.
#   OVERLAY=local|production|split, or the path of one of your own (default: the one in force, else local)
#   CHANGE_OVERLAY=yes              replaces the overlay in force by another one
#   REGISTRY=… (default: that of `make local-cluster`) and VERSION=… (default: from git) replace the images of the overlay
# May be run again at any time: it changes only what differs.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=spinkube/lib.sh
. spinkube/lib.sh
need_cluster
local_registry

# The Namespace records it.
in_force=$(kubectl get namespace items --ignore-not-found -o 'jsonpath={.metadata.annotations.items/overlay}')
OVERLAY=${OVERLAY:-${in_force:-local}}
folder=$OVERLAY
[[ $folder == */* ]] || folder=spinkube/overlays/$folder
[[ -e $folder/kustomization.yaml ]] ||
    fail "there is no overlay $OVERLAY${in_force:+ here; the cluster runs $in_force}" \
        "OVERLAY= one of $(cd spinkube/overlays && echo *), or the path of your own"
say "Overlay $OVERLAY, context $(kubectl config current-context)"
[[ ${in_force:-$OVERLAY} == "$OVERLAY" || ${CHANGE_OVERLAY:-} == yes ]] ||
    fail "this cluster runs the overlay $in_force" \
        "OVERLAY=$in_force; or CHANGE_OVERLAY=yes, which does not copy the data if $OVERLAY has another database"

if [[ -n ${REGISTRY:-} ]]; then
    REGISTRY=$(small_letters "$REGISTRY") VERSION=${VERSION:-$(version)}
fi
work=target/deploy
mkdir -p "$work"
touch target/digests

# reference IMAGE: its digest if package.sh pushed this version from here, else its tag.
reference() {
    awk -v image="$REGISTRY/$1@" -v version="$VERSION" '
        index($1, image) == 1 && $2 == version { digest = substr($1, length(image) + 1) }
        END { print digest ? "digest: \"" digest "\"" : "newTag: \"" version "\"" }' target/digests
}
# Fails if package.sh built the sidecar's image for other processors than the nodes have.
compare_architectures() {
    local built node
    built=$(awk -v image="$REGISTRY/sidecar@" -v version="$VERSION" \
        'index($1, image) == 1 && $2 == version { print $3 }' target/digests)
    for node in ${built:+$(kubectl get nodes -o jsonpath='{.items[*].status.nodeInfo.architecture}')}; do
        [[ ,$built, == *",$node,"* ]] ||
            fail "the sidecar's image is for $built, and a node is $node" "PLATFORMS=linux/$node make package"
    done
}
# render CHECKSUM MARK: the overlay with our images. The checksum is that of what Spin reads only when it starts: if it
# changes, the pods are replaced. The mark is a label of all resources.
render() {
    {
        cat <<YAML
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
sortOptions: { order: fifo }
resources: [../../$folder]
labels: [{ pairs: { items/deployed: "$2" } }]
patches:
  - target: { kind: SpinApp }
    patch: |-
      apiVersion: any/v1
      kind: Any
      metadata: { name: any }
      spec: { podAnnotations: { checksum/settings: "$1" } }
  - target: { kind: Namespace }
    patch: |-
      apiVersion: any/v1
      kind: Any
      metadata: { name: any, annotations: { items/overlay: "$OVERLAY" } }
YAML
        [[ -z ${REGISTRY:-} ]] || echo 'images:'
        for image in ${REGISTRY:+items items-alone audit-alone sidecar}; do
            echo "  - { name: registry.example/$image, newName: $REGISTRY/$image, $(reference "$image") }"
        done
    } >"$work/kustomization.yaml"
    kubectl kustomize "$work" >"$work/rendered.yaml"
}
short_sum() { git hash-object --stdin | cut -c1-16; }

# Of two deploys at once, the one that began last goes on: the other would delete what it has applied.
still_last() {
    local mark_in_force
    mark_in_force=$(kubectl get namespace items -o 'jsonpath={.metadata.labels.items/deployed}')
    [[ $mark_in_force == "$mark" ]] ||
        fail 'another deploy has begun meanwhile, with other images or settings' 'wait for its end, then run this command again'
}
apply() { kubectl apply --server-side --force-conflicts -f "$work/rendered.yaml" -l "$1" | sed 's/^/   /'; }
# deployment_updated APP: whether the operator has written the SpinApp's image and checksum into its Deployment. Before
# that, `rollout status` reports success for the old one.
deployment_updated() {
    local wanted='{.spec.image} {.spec.podAnnotations.checksum/settings}' found
    found='{.spec.template.spec.containers[0].image} {.spec.template.metadata.annotations.checksum/settings}'
    wanted=$(kubectl -n items get spinapp "$1" -o "jsonpath=$wanted") || return 1
    found=$(kubectl -n items get deployment "$1" -o "jsonpath=$found") || return 1
    [[ $found == "$wanted" ]] || {
        echo "the SpinApp $1 has '$wanted', its Deployment '$found'; kubectl -n spin-operator get pods"
        return 1
    }
}
# why SELECTOR: what is known about pods that do not become ready.
why() {
    kubectl -n items get pods -l "$1" -o wide
    kubectl -n items get pods -l "$1" -o jsonpath='{range .items[*].status.containerStatuses[*]}{.state.waiting.message}{.state.terminated.message}{"\n"}{end}'
    kubectl -n items logs -l "$1" --tail=5
} >&2
has() { grep -q "^kind: $1\$" "$work/rendered.yaml"; }

render none none
! grep -q 'registry.example/' "$work/rendered.yaml" ||
    fail 'the images have no registry' 'REGISTRY=registry.of.yours/name make package deploy'
[[ -z ${REGISTRY:-} ]] || compare_architectures
mark=$(short_sum <"$work/rendered.yaml")
render none "$mark"

say 'Settings, policies, database'
sed -n 's|^apiVersion: \(.*[.].*\)/.*|\1|p' "$work/rendered.yaml" | sort -u | while read -r group; do
    [[ -n $(kubectl api-resources --api-group="$group" -o name </dev/null) ]] ||
        fail "the cluster does not have the API group $group" \
            'make platform (external-secrets.io: see spinkube/components/external-secrets)'
done
has ExternalSecret || spinkube/secrets.sh | sed 's/^==/  /'
apply 'app.kubernetes.io/component notin (app, pods, schema)'

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

still_last
say 'Schema'
# A Job cannot be changed.
kubectl -n items delete job schema --ignore-not-found --wait >/dev/null
apply 'app.kubernetes.io/component=schema'
until_true 300 'the schema is applied' kubectl -n items wait --for=condition=Complete --timeout=1s job/schema || {
    kubectl -n items logs job/schema --tail=20 >&2 || true
    fail 'the schema was not applied' 'see the lines above, then run the same command again'
}

still_last
say 'Applications'
settings=$(
    kubectl -n items get secret items-db audit-db -o jsonpath='{.items[*].data.password}'
    kubectl -n items get secret items-ca --ignore-not-found -o jsonpath='{.data}'
    kubectl -n items get spinappexecutor items -o jsonpath='{.spec}'
)
render "$(printf %s "$settings" | short_sum)" "$mark"
# The operator's webhook may still be starting.
until_true 120 'the applications are accepted' apply 'app.kubernetes.io/component=app'
apps=$(sed -n '/^kind: SpinApp$/,/^---/s/^  name: //p' "$work/rendered.yaml")
for app in $apps; do
    until_true 120 "the operator has updated the Deployment $app" deployment_updated "$app"
done
still_last
apply 'app.kubernetes.io/component=pods'
for app in $apps; do
    kubectl -n items rollout status "deployment/$app" --timeout=300s | sed 's/^/   /' || {
        why "core.spinkube.dev/app-name=$app"
        fail "$app does not become ready" "spinkube/README.md#when-something-is-wrong"
    }
done
kubectl -n items rollout status deployment/sidecar --timeout=120s | sed 's/^/   /' || {
    why app.kubernetes.io/name=sidecar
    fail 'the sidecar does not become ready' 'see above; "exec format error" or "no match for platform": PLATFORMS=linux/… of the nodes, make package'
}

still_last
say 'What the overlay no longer has'
# Never what holds data or passwords. Endpoints and their slices belong to Services.
kinds=$(kubectl api-resources --namespaced --verbs=delete,list -o name |
    grep -vE '^(certificaterequests\..*|endpoints|endpointslices\..*|persistentvolumeclaims|secrets|externalsecrets\..*|clusters\.postgresql\.cnpg\.io|objectstores\..*)$' | paste -sd, -)
kubectl -n items delete "$kinds" -l "items/deployed,items/deployed!=$mark" | sed 's/^/   /'

# Without an address it serves too; the reason is printed.
if url=$(address); then say "Serving: $url"; fi
