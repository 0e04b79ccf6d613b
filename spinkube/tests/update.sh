#!/usr/bin/env bash
# Tests an update in the cluster that kubectl points at: deploys the last release, writes an item, deploys this commit,
# and reads the item. As long as there is no release: the code and schema before the last change of schema/, with the
# manifests of this commit. Settings as for package.sh and deploy.sh.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=spinkube/lib.sh
. spinkube/lib.sh
need_cluster
need curl 'install it'
local_registry
# The scripts of a release may not know the local registry.
export REGISTRY INSECURE

old=$(git describe --tags --abbrev=0 --match 'v[0-9]*' HEAD^ 2>/dev/null) || old=$(git log -1 --format=%H -- schema)^
say "Before: $(git log -1 --format='%h %s' "$old")"
git worktree prune
rm -rf target/previous
git worktree add --force --detach target/previous "$old" >/dev/null
[[ $old == v* ]] || { rm -r target/previous/spinkube && cp -R spinkube target/previous/; }
(
    cd target/previous
    export VERSION=previous
    spinkube/package.sh
    spinkube/secrets.sh
    spinkube/deploy.sh
)
URL=$(address)
written() {
    curl -sSf --max-time 15 "$URL/items" -H 'content-type: application/json' -H 'Idempotency-Key: before the update' \
        -d '{"name":"before"}' >target/before.json
}
until_true 60 'an item is written' written

say 'After: this commit'
spinkube/package.sh
spinkube/deploy.sh
id=$(sed -n 's/^{"id":\([0-9]*\),.*/\1/p' target/before.json)
kept() { curl -sSf --max-time 15 "$URL/items/$id" | diff - target/before.json; }
until_true 60 'the item of before is there, unchanged' kept
