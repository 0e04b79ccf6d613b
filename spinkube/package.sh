#!/usr/bin/env bash
# Builds and pushes the Spin artifacts items, items-alone and audit-alone, and the image of the sidecar, all as
# REGISTRY/NAME:VERSION. Prints each digest and writes all of them to target/digests, with the version and, for the
# sidecar, its architectures. The Spin artifacts run on any.
#   REGISTRY=… (default: that of `make local-cluster`)   VERSION=… (default: from git)   INSECURE=1: without TLS
#   PLATFORMS=linux/amd64,linux/arm64: builds the sidecar for these with Docker's buildx (default: this machine's)
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=spinkube/lib.sh
. spinkube/lib.sh
local_registry
[[ -n ${REGISTRY:-} ]] || fail 'no registry to push to' 'REGISTRY=registry.of.yours/name make package'
REGISTRY=$(small_letters "$REGISTRY")
need spin 'install Spin 3.6: https://spinframework.dev/install'
need_version Spin "$(spin --version | sed -n 's/^spin \([0-9.]*\).*/\1/p')" 3.6 'install a newer one: https://spinframework.dev/install'
need_docker
# The Dockerfile needs BuildKit: in Docker 20 a part that is off, since 23 the plugin buildx.
export DOCKER_BUILDKIT=1
[[ -z ${PLATFORMS:-} && $(docker version --format '{{.Client.Version}}') == 20.* ]] || docker buildx version >/dev/null 2>&1 ||
    fail 'Docker has no buildx' 'install docker-buildx-plugin (Debian: docker-buildx)'
VERSION=${VERSION:-$(version)}
[[ $VERSION != *-dirty ]] ||
    fail 'there are uncommitted changes, which a version from git cannot name' 'commit them, or VERSION=…'

mkdir -p target
: >target/digests
# record NAME DIGEST [ARCHITECTURES]
record() {
    [[ $2 == sha256:* ]] || fail "no digest of $1 was printed" 'see the lines above'
    printf '%s@%s %s%s\n' "$REGISTRY/$1" "$2" "$VERSION" "${3:+ $3}" | tee -a target/digests
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

if [[ -z ${PLATFORMS:-} ]]; then architectures=$(docker version --format '{{.Server.Arch}}'); else architectures=${PLATFORMS//linux\//}; fi
say "sidecar, for $architectures (nodes of another architecture need PLATFORMS=)"
image=$REGISTRY/sidecar:$VERSION
if [[ -n ${PLATFORMS:-} ]]; then
    docker buildx build --platform "$PLATFORMS" --target sidecar --tag "$image" --push .
    record sidecar "$(docker buildx imagetools inspect --format '{{.Manifest.Digest}}' "$image")" "$architectures"
else
    docker build --target sidecar --tag "$image" .
    docker push "$image"
    record sidecar "$(docker inspect --format '{{index .RepoDigests 0}}' "$image" | grep -o 'sha256:[0-9a-f]*')" "$architectures"
fi
