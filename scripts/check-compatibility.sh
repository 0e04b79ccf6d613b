#!/usr/bin/env bash
# Tests what a rolling release needs: the previous release's components work on this schema, and these components on its
# schema. Both run the previous release's own suite: this one may test what that release did not have.
# Usage: scripts/check-compatibility.sh [TAG]    (default: the last release before this commit)
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD

if ! tag=${1:-$(git describe --tags --abbrev=0 --match 'v[0-9]*' HEAD^ 2>/dev/null)}; then
    echo 'not run: compatibility with the previous release (there is no release tag before this commit)'
    exit
fi
old=$root/target/compatibility/$tag
if [[ ! -e $old/.git ]]; then
    git worktree prune
    git worktree add --force --detach "$old" "$tag"
fi
cd "$old"
# Older commits have this script in local/.
for folder in scripts local; do [[ ! -e $folder/build-components.sh ]] || break; done
"$folder/build-components.sh" items audit probe
export CARGO_TARGET_DIR=$root/target/compatibility/target
modules=(api:: audit:: relay:: database::roles:: --skip api::openapi)
suite() { cargo test --locked --workspace --test suite -- "${modules[@]}"; }

echo "== components of $tag on this schema"
TEST_SCHEMA=$root/schema/schema.sql suite
echo "== these components on the schema of $tag"
TEST_COMPONENTS=$root/target/wasm32-wasip1/release suite
