#!/usr/bin/env bash
# Opens the pull request that moves a release to an environment: its tag, for manifests and schema, and its digests.
#   ENVIRONMENT=staging VERSION=1.2.3     that release
#   ENVIRONMENT=production                the release that staging has
#   DRY_RUN=1                             only changes the file
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=spinkube/lib.sh
. spinkube/lib.sh
environments=spinkube/argocd/environments
file=$environments/${ENVIRONMENT:-}/applications/kustomization.yaml
[[ -n ${ENVIRONMENT:-} && -e $file ]] ||
    fail "there is no environment '${ENVIRONMENT:-}'" "ENVIRONMENT= one of $(cd "$environments" && echo *)"
[[ -z $(git status --porcelain) || -n ${DRY_RUN:-} ]] || fail 'there are uncommitted changes' 'commit or stash them'

# `digests` has lines like REGISTRY/items@sha256:…
if [[ $ENVIRONMENT == production ]]; then
    [[ -z ${VERSION:-} ]] || fail 'production takes the release that staging has' 'leave VERSION out'
    staging=$environments/staging/applications/kustomization.yaml
    tag=$(sed -n 's|.*path: /spec/source/targetRevision, value: \(.*\) }$|\1|p' "$staging")
    digests=$(sed -n 's|^ *- registry\.example/[a-z-]*=||p' "$staging")
    [[ $tag != main ]] || fail 'nothing was promoted to staging yet' 'ENVIRONMENT=staging VERSION=…'
else
    need gh 'install it: https://cli.github.com'
    [[ -n ${VERSION:-} ]] || fail 'no release to promote' 'VERSION=1.2.3'
    tag=v${VERSION#v}
    digests=$(gh release download "$tag" --pattern digests.txt --output -)
fi
[[ $tag =~ ^v[0-9]+\.[0-9]+\.[0-9]+$ ]] || fail "'$tag' is not a release" 'a version like 1.2.3'

for name in items sidecar; do
    artifact=$(grep -E "/$name@sha256:[0-9a-f]{64}$" <<<"$digests") ||
        fail "there is no digest of $name" 'see digests.txt of the release'
    [[ -n ${DRY_RUN:-} ]] || .github/release/verify.sh "$artifact"
    sed -i.old "s|^\( *- registry\.example/$name=\).*|\1$artifact|" "$file"
    grep -q -- "- registry\.example/$name=$artifact\$" "$file" || fail "$file has no line for $name" 'see its images'
done
sed -i.old "s|\(path: /spec/source/targetRevision, value: \).* }\$|\1$tag }|" "$file"
rm "$file.old"
grep -q "path: /spec/source/targetRevision, value: $tag }\$" "$file" ||
    fail "$file has no line for the release" 'see its targetRevision'
if [[ -z $(git diff --name-only -- "$file") ]]; then
    say "$ENVIRONMENT already has $tag"
    exit
fi
[[ -z ${DRY_RUN:-} ]] || exit 0

# Named by the content of the file, so the same promotion again, after a failure or a revert, has the same branch.
branch=promote/$ENVIRONMENT-$(git hash-object "$file" | cut -c1-12)
title="Promote $tag to $ENVIRONMENT"
open=$(gh pr list --head "$branch" --state open --json url --jq '.[].url')
if [[ -n $open ]]; then
    git restore -- "$file"
    say "already open: $open"
    exit
fi
git switch --quiet --force-create "$branch"
git commit --quiet --message "$title" -- "$file"
git -c credential.helper='!gh auth git-credential' push --quiet --force --set-upstream origin "$branch"
body="Signed by the release workflow; the signatures were verified. To roll back, revert this pull request.

$(grep -E '/(items|sidecar)@' <<<"$digests" | sed 's/.*/    &/')"
gh pr create --base main --head "$branch" --title "$title" --body "$body"
