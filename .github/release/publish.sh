#!/usr/bin/env bash
# Creates the release on GitHub: notes from CHANGELOG.md, digests, software bill of materials.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=spinkube/lib.sh
. spinkube/lib.sh
need gh 'install it: https://cli.github.com'
version=$(version)
[[ -s target/release-files/digests.txt ]] || fail 'nothing was signed' 'make sign'
.github/release/notes.sh "$version" >target/release-files/notes.md
gh release create "v$version" --verify-tag --title "$version" --notes-file target/release-files/notes.md \
    target/release-files/digests.txt target/release-files/sbom.spdx.json
