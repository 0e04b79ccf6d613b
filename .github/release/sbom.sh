#!/usr/bin/env bash
# Writes the software bill of materials, target/release-files/sbom.spdx.json, from the lock files.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=spinkube/lib.sh
. spinkube/lib.sh
need syft 'install it: https://github.com/anchore/syft'
mkdir -p target/release-files
syft scan dir:. --exclude './target/**' --exclude './.data/**' --output spdx-json=target/release-files/sbom.spdx.json
grep -q '"name": *"spin-sdk"' target/release-files/sbom.spdx.json ||
    fail 'the bill of materials lacks spin-sdk' 'check that syft reads Cargo.lock'
