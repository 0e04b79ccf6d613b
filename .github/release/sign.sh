#!/usr/bin/env bash
# Signs what `make package` pushed (target/digests), without a key: the signature names this repository's release workflow.
# Attaches the list of parts, then verifies as anybody may. Runs in GitHub Actions alone: elsewhere there is no such identity.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=spinkube/lib.sh
. spinkube/lib.sh
need cosign 'install it: https://docs.sigstore.dev'
[[ -s target/digests ]] || fail 'there is nothing to sign' 'make package'
[[ -s target/release-files/sbom.spdx.json ]] || fail 'there is no list of parts' 'make sbom'
[[ -n ${GITHUB_REPOSITORY:-} ]] || fail 'this is not GitHub Actions' 'push a tag'

while read -r artifact; do
    say "$artifact"
    cosign sign --yes "$artifact"
    cosign attest --yes --type spdxjson --predicate target/release-files/sbom.spdx.json "$artifact"
    .github/release/verify.sh "$artifact"
done <target/digests

# As `sha256sum` would write it, for the attestation of provenance.
sed 's/^\(.*\)@sha256:\(.*\)$/\2  \1/' target/digests >target/release-files/checksums.txt
cp target/digests target/release-files/digests.txt
