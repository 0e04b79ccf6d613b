#!/usr/bin/env bash
# Builds and pushes the Spin artifacts items, items-alone and audit-alone, and the image of the sidecar, all as
# REGISTRY/NAME:VERSION. Prints each digest and writes all of them, with the version, to target/digests.
#   REGISTRY=…   VERSION=… (default: from git)   INSECURE=1: a registry without TLS
#   PLATFORMS=linux/amd64,linux/arm64: builds the sidecar for these with Docker's buildx (default: this machine's)
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=spinkube/lib.sh
. spinkube/lib.sh
[[ -n ${REGISTRY:-} ]] || fail 'no registry to push to' 'REGISTRY=registry.of.yours/name make package'
# An owner on GitHub may have capitals, the name of an image may not.
REGISTRY=${REGISTRY,,}
need spin 'install Spin 3.6: https://spinframework.dev/install'
need docker 'install Docker: it builds the sidecar'
VERSION=${VERSION:-$(version)}
[[ $VERSION != *-dirty ]] ||
    fail 'there are uncommitted changes, which a version from git cannot name' 'commit them, or VERSION=…'

mkdir -p target
: >target/digests
# record NAME DIGEST
record() {
    [[ $2 == sha256:* ]] || fail "no digest of $1 was printed" 'see the lines above'
    printf '%s@%s %s\n' "$REGISTRY/$1" "$2" "$VERSION" | tee -a target/digests
}
# push NAME MANIFEST
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
