#!/usr/bin/env bash
# Writes target/release-files/sbom.spdx.json from the lock files: nothing can be read back out of WebAssembly.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=spinkube/lib.sh
. spinkube/lib.sh
need syft 'install it: https://github.com/anchore/syft'
mkdir -p target/release-files
syft scan dir:. --exclude './target/**' --exclude './.data/**' --output spdx-json=target/release-files/sbom.spdx.json
grep -q '"name": *"spin-sdk"' target/release-files/sbom.spdx.json ||
    fail 'the list of parts lacks spin-sdk' 'does syft read Cargo.lock?'
