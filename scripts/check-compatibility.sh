#!/usr/bin/env bash
# Tests what a rolling release needs: the previous release's components work on this schema, and these components on its
# schema. Both run the previous release's own suite: this one may test what that release did not have. Then this release
# follows the previous one under load, and back.
# Usage: scripts/check-compatibility.sh [COMMIT | --schema]    (default: the last release before this commit; --schema:
# the commit before the last change of the schema, as long as there is no release)
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD

tag=${1:-$(git describe --tags --abbrev=0 --match 'v[0-9]*' HEAD^ 2>/dev/null || true)}
if [[ -z $tag ]]; then
    echo 'not run: compatibility with the previous release, since there is none; make compatibility compares with the schema before'
    exit
elif [[ $tag == --schema ]]; then
    changed=$(git log -1 --format=%H -- schema)
    if ! tag=$(git rev-parse --verify --quiet --short "${changed:-none}^"); then
        echo 'not run: compatibility with the previous release (this copy has no commit before the last change of schema/)'
        exit
    fi
    echo "Compared with $tag, the commit before the last change of schema/"
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

echo "== from $tag to this commit and back, under load"
(
    cd "$root"
    scripts/build-components.sh items audit
    TEST_SCHEMA=$old/schema/schema.sql TEST_COMPONENTS=$old/target/wasm32-wasip1/release \
        cargo test --locked --workspace --features tests/upgrade --test upgrade
)

export CARGO_TARGET_DIR=$root/target/compatibility/target
modules=(api:: audit:: relay:: database::roles:: --skip api::openapi)
# What was changed on purpose: client_addr is without a port.
modules+=(--skip audit::details::spin_headers --skip audit::operations::every_operation)
suite() { cargo test --locked --workspace --test suite -- "${modules[@]}"; }

echo "== components of $tag on this schema"
TEST_SCHEMA=$root/schema/schema.sql suite
echo "== these components on the schema of $tag"
TEST_COMPONENTS=$root/target/wasm32-wasip1/release suite
