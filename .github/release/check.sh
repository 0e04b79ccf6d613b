#!/usr/bin/env bash
# Says everything that is missing for a release of the version in Cargo.toml; changes nothing.
set -euo pipefail
cd "$(dirname "$0")/../.."

missing=0
lack() {
    printf 'missing: %s; fix: %s\n' "$1" "$2"
    missing=$((missing + 1))
}
first() { sed -n "s/^version = \"\(.*\)\"$/\1/p" "$1" | head -n 1; }

version=$(first Cargo.toml)
[[ $version =~ ^[0-9]+\.[0-9]+\.[0-9]+$ ]] || lack "a version like 1.2.3 in Cargo.toml (it says '$version')" 'set version below [workspace.package]'
for manifest in spin.toml components/*/spin.toml; do
    [[ $(first "$manifest") == "$version" ]] || lack "version $version in $manifest (it says '$(first "$manifest")')" 'make them equal'
done
grep -q "^version = \"$version\"" <(grep -A1 '^name = "items"$' Cargo.lock) || lack "version $version in Cargo.lock" 'cargo update --workspace'

section=$(awk -v head="## [$version]" 'index($0, head) == 1 { on = 1; print; next } /^## |^\[/ { on = 0 } on' CHANGELOG.md)
if [[ -z $section ]]; then
    lack "the section '## [$version] - YYYY-MM-DD' in CHANGELOG.md" 'give what is under Unreleased that heading'
else
    [[ ${section%%$'\n'*} =~ ^"## [$version] - "[0-9]{4}-[0-9]{2}-[0-9]{2}$ ]] || lack "a date in '${section%%$'\n'*}'" "## [$version] - $(date +%F)"
    grep -q '^- ' <<<"$section" || lack "what changed, in CHANGELOG.md under $version" 'one line for each change that a user notices'
fi
! awk '/^## \[Unreleased\]/ { on = 1; next } /^## |^\[/ { on = 0 } on' CHANGELOG.md | grep -q '^- ' ||
    lack 'an empty section Unreleased in CHANGELOG.md' "move its lines under $version"
grep -q "^\[$version\]: " CHANGELOG.md || lack "the link [$version] at the end of CHANGELOG.md" 'copy the line above it'

[[ -z $(git status --porcelain) ]] || lack 'a clean working copy' 'commit or stash'
if tagged=$(git rev-parse -q --verify "refs/tags/v$version^{commit}"); then
    # In the workflow of the release the tag is there, and is what is checked out.
    [[ $tagged == "$(git rev-parse HEAD)" ]] || lack "a free version: the tag v$version is another commit" 'raise the version'
    # Whoever may push a tag must not bring to a release what nobody reviewed.
    git merge-base --is-ancestor HEAD origin/main 2>/dev/null || lack 'this commit on origin/main' 'merge it first, then tag; git fetch origin'
else
    [[ $(git rev-parse --abbrev-ref HEAD) == main ]] || lack 'the branch main' 'git switch main'
    if upstream=$(git rev-parse -q --verify '@{upstream}' 2>/dev/null); then
        [[ $upstream == "$(git rev-parse HEAD)" ]] || lack 'what the upstream has, and no more' 'git pull, git push'
    fi
fi

if ((missing)); then
    echo "$missing missing for v$version"
    exit 1
fi
echo "Nothing is missing: git tag -s v$version -m v$version && git push origin v$version"
