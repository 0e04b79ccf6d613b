#!/usr/bin/env bash
# Moves a release to an environment (its tag, for manifests and schema, and its digests), on a branch of its own, and opens the
# pull request.
#   ENVIRONMENT=staging VERSION=1.2.3     that release
#   ENVIRONMENT=production                the one that staging has
#   DRY_RUN=1                             changes the file and stops there
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=spinkube/lib.sh
. spinkube/lib.sh
environments=spinkube/argocd/environments
file=$environments/${ENVIRONMENT:-}/applications/kustomization.yaml
[[ -n ${ENVIRONMENT:-} && -e $file ]] || fail 'where to is not said' "ENVIRONMENT= one of $(cd "$environments" && echo *)"
[[ -z $(git status --porcelain) || -n ${DRY_RUN:-} ]] || fail 'there are changes that are not committed' 'commit or stash them'

# `from` has lines like REGISTRY/items@sha256:…
if [[ $ENVIRONMENT == production ]]; then
    [[ -z ${VERSION:-} ]] || fail 'production takes what staging has, whatever the version' 'leave VERSION out'
    staging=$environments/staging/applications/kustomization.yaml
    tag=$(sed -n 's|.*path: /spec/source/targetRevision, value: \(.*\) }$|\1|p' "$staging")
    from=$(sed -n 's|^ *- registry\.example/[a-z-]*=||p' "$staging")
    [[ $tag != main ]] || fail 'nothing was promoted to staging yet' 'ENVIRONMENT=staging VERSION=…'
else
    need gh 'install it: https://cli.github.com'
    [[ -n ${VERSION:-} ]] || fail 'which release is not said' 'VERSION=1.2.3'
    tag=v${VERSION#v}
    from=$(gh release download "$tag" --pattern digests.txt --output -)
fi
[[ $tag =~ ^v[0-9]+\.[0-9]+\.[0-9]+$ ]] || fail "'$tag' is no release" 'a version like 1.2.3'

for name in items sidecar; do
    artifact=$(grep -E "/$name@sha256:[0-9a-f]{64}$" <<<"$from") || fail "there is no digest of $name" 'look at digests.txt of the release'
    [[ -n ${DRY_RUN:-} ]] || .github/release/verify.sh "$artifact"
    sed -i "s|^\( *- registry\.example/$name=\).*|\1$artifact|" "$file"
    grep -q -- "- registry\.example/$name=$artifact\$" "$file" || fail "$file has no place for $name" 'see its images'
done
sed -i "s|\(path: /spec/source/targetRevision, value: \).* }\$|\1$tag }|" "$file"
grep -q "path: /spec/source/targetRevision, value: $tag }\$" "$file" || fail "$file has no place for the release" 'see its targetRevision'
if [[ -z $(git diff --name-only -- "$file") ]]; then
    say "$ENVIRONMENT has $tag already"
    exit
fi
[[ -z ${DRY_RUN:-} ]] || exit 0

# Named by all that the file says: the same promotion again, after a failure or a revert, has the same branch.
branch=promote/$ENVIRONMENT-$(git hash-object "$file" | cut -c1-12)
title="Promote $tag to $ENVIRONMENT"
opened=$(gh pr list --head "$branch" --state open --json url --jq '.[].url')
if [[ -n $opened ]]; then
    git restore -- "$file"
    say "is asked for already: $opened"
    exit
fi
git switch --quiet --force-create "$branch"
git commit --quiet --message "$title" -- "$file"
git -c credential.helper='!gh auth git-credential' push --quiet --force --set-upstream origin "$branch"
gh pr create --base main --head "$branch" --title "$title" --body "Signed by the release workflow; verified before this was opened. To go back, revert it.

$(grep -E '/(items|sidecar)@' <<<"$from" | sed 's/.*/    &/')"
