#!/usr/bin/env bash
# Prints everything that is missing for a release of the version in Cargo.toml, with its fix. Changes nothing.
set -euo pipefail
cd "$(dirname "$0")/../.."

count=0
# missing WHAT FIX
missing() {
    printf 'missing: %s; fix: %s\n' "$1" "$2"
    count=$((count + 1))
}
first_version() { sed -n "s/^version = \"\(.*\)\"$/\1/p" "$1" | head -n 1; }

version=$(first_version Cargo.toml)
[[ $version =~ ^[0-9]+\.[0-9]+\.[0-9]+$ ]] ||
    missing "a version like 1.2.3 in Cargo.toml, not '$version'" 'set version below [workspace.package]'
for manifest in spin.toml components/*/spin.toml; do
    found=$(first_version "$manifest")
    [[ $found == "$version" ]] || missing "version $version in $manifest, not '$found'" 'make them equal'
done
grep -q "^version = \"$version\"" <(grep -A1 '^name = "items"$' Cargo.lock) ||
    missing "version $version in Cargo.lock" 'cargo update --workspace'

head="## [$version]"
section=$(awk -v head="$head" 'index($0, head) == 1 { on = 1; print; next } /^## |^\[/ { on = 0 } on' CHANGELOG.md)
title=${section%%$'\n'*}
if [[ -z $section ]]; then
    missing "the section '## [$version] - YYYY-MM-DD' in CHANGELOG.md" 'put that heading over the lines of Unreleased'
else
    [[ $title =~ ^"## [$version] - "[0-9]{4}-[0-9]{2}-[0-9]{2}$ ]] ||
        missing "a date in '$title'" "## [$version] - $(date +%F)"
    grep -q '^- ' <<<"$section" ||
        missing "the changes of $version in CHANGELOG.md" 'write one line for each change that a user notices'
fi
! awk '/^## \[Unreleased\]/ { on = 1; next } /^## |^\[/ { on = 0 } on' CHANGELOG.md | grep -q '^- ' ||
    missing 'an empty section Unreleased in CHANGELOG.md' "move its lines to $version"
grep -q "^\[$version\]: " CHANGELOG.md ||
    missing "the link [$version] at the end of CHANGELOG.md" 'copy the line above it'

[[ -z $(git status --porcelain) ]] || missing 'a clean working copy' 'commit or stash'
if tagged=$(git rev-parse -q --verify "refs/tags/v$version^{commit}"); then
    # In the release workflow the tag exists and is checked out.
    [[ $tagged == "$(git rev-parse HEAD)" ]] ||
        missing "an unused version: the tag v$version is another commit" 'raise the version'
    # A user who may push a tag must not release what nobody reviewed.
    git merge-base --is-ancestor HEAD origin/main 2>/dev/null ||
        missing 'this commit on origin/main' 'merge it, then tag it; git fetch origin'
else
    [[ $(git rev-parse --abbrev-ref HEAD) == main ]] || missing 'the branch main' 'git switch main'
    if upstream=$(git rev-parse -q --verify '@{upstream}' 2>/dev/null); then
        [[ $upstream == "$(git rev-parse HEAD)" ]] || missing 'the same commit as upstream' 'git pull, git push'
    fi
fi

if ((count)); then
    echo "$count missing for v$version"
    exit 1
fi
echo "Nothing is missing: git tag -s v$version -m v$version && git push origin v$version"
