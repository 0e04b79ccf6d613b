#!/usr/bin/env bash
# Checks that the release workflow of this repository made an artifact from a tag.
# Usage: .github/release/verify.sh ghcr.io/OWNER/NAME/items@sha256:…
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=spinkube/lib.sh
. spinkube/lib.sh
need cosign 'install it: https://docs.sigstore.dev'
[[ ${1:-} == *@sha256:* ]] || fail 'the artifact has no digest' "$0 REGISTRY/NAME@sha256:…"
origin=$(git remote get-url origin 2>/dev/null | sed -n 's#.*github\.com[:/]\(.*\)$#\1#p') || true
repository=${GITHUB_REPOSITORY:-${origin%.git}}
[[ -n $repository ]] || fail 'the repository that released it is unknown' 'GITHUB_REPOSITORY=OWNER/NAME'
workflow="https://github\.com/${repository//./\\.}/\.github/workflows/release\.yml"
cosign verify "$1" --certificate-oidc-issuer https://token.actions.githubusercontent.com \
    --certificate-identity-regexp "^$workflow@refs/tags/v[0-9]+\.[0-9]+\.[0-9]+$" >/dev/null
say "signed by the release workflow of $repository"
