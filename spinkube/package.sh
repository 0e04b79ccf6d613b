#!/usr/bin/env bash
# Builds the components and pushes them as Spin artifacts, and the sidecar as an image: REGISTRY/{items,items-alone,audit-alone,
# sidecar}:VERSION. Prints each digest; target/digests has them too.
#   REGISTRY=…   VERSION=… (default: from git)   INSECURE=1: a registry without TLS
#   PLATFORMS=linux/amd64,linux/arm64: the sidecar for these (Docker's buildx), else for this machine's; components run on any
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=spinkube/lib.sh
. spinkube/lib.sh
[[ -n ${REGISTRY:-} ]] || fail 'where to is not said' 'REGISTRY=registry.of.yours/name make package'
# An owner on GitHub may have capitals; the name of an image has none.
REGISTRY=${REGISTRY,,}
need spin 'install Spin 3.6: https://spinframework.dev/install'
need docker 'install Docker: it builds the sidecar'
VERSION=${VERSION:-$(version)}
[[ $VERSION != *-dirty ]] || fail 'there are changes that are not committed, so a version would not say what it holds' 'commit them, or VERSION=…'

mkdir -p target
: >target/digests
record() {
    [[ $2 == sha256:* ]] || fail "no digest of $1 was printed" 'look at the lines above'
    printf '%s@%s\n' "$REGISTRY/$1" "$2" | tee -a target/digests
}
push() {
    say "$1"
    local printed
    printed=$(spin registry push ${INSECURE:+--insecure} -f "$2" "$REGISTRY/$1:$VERSION")
    record "$1" "$(grep -o 'sha256:[0-9a-f]*' <<<"$printed" | tail -n 1)"
}

scripts/build-components.sh items audit
push items spin.toml
push items-alone components/items/spin.toml
push audit-alone components/audit/spin.toml

say sidecar
image=$REGISTRY/sidecar:$VERSION
if [[ -n ${PLATFORMS:-} ]]; then
    docker buildx build --platform "$PLATFORMS" --target sidecar --tag "$image" --push .
    record sidecar "$(docker buildx imagetools inspect --format '{{.Manifest.Digest}}' "$image")"
else
    docker build --target sidecar --tag "$image" .
    docker push "$image"
    record sidecar "$(docker inspect --format '{{index .RepoDigests 0}}' "$image" | grep -o 'sha256:[0-9a-f]*')"
fi
