#!/usr/bin/env bash
# Prints the notes of a version: its section of CHANGELOG.md, then the digests if they are known.
# Usage: .github/release/notes.sh 1.2.3
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=spinkube/lib.sh
. spinkube/lib.sh
head="## [${1:?version}]"
section=$(awk -v head="$head" 'index($0, head) == 1 { on = 1; next } /^## |^\[/ { on = 0 } on' CHANGELOG.md)
[[ -n $section ]] || fail "CHANGELOG.md has no section for $1" 'make release-check'
printf '%s\n' "$section"
if [[ -s target/release-files/digests.txt ]]; then
    cat <<EOF

### Artifacts

\`.github/release/verify.sh ARTIFACT\` checks that this repository's release workflow made an artifact.

$(sed 's/.*/    &/' target/release-files/digests.txt)
EOF
fi
