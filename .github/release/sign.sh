#!/usr/bin/env bash
# Signs the artifacts that `make package` pushed (target/digests), attaches the bill of materials, and verifies the
# signatures. Keyless: a signature names this repository's release workflow, so this works only in GitHub Actions.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=spinkube/lib.sh
. spinkube/lib.sh
need cosign 'install it: https://docs.sigstore.dev'
[[ -s target/digests ]] || fail 'there is nothing to sign' 'make package'
[[ -s target/release-files/sbom.spdx.json ]] || fail 'there is no bill of materials' 'make sbom'
[[ -n ${GITHUB_REPOSITORY:-} ]] || fail 'this is not GitHub Actions' 'push a tag'

# Without the versions.
cut -d' ' -f1 target/digests >target/release-files/digests.txt
while read -r artifact; do
    say "$artifact"
    cosign sign --yes "$artifact"
    cosign attest --yes --type spdxjson --predicate target/release-files/sbom.spdx.json "$artifact"
    .github/release/verify.sh "$artifact"
done <target/release-files/digests.txt

# In the format of sha256sum, for the attestation of provenance.
sed 's/^\(.*\)@sha256:\(.*\)$/\2  \1/' target/release-files/digests.txt \
    >target/release-files/checksums.txt
