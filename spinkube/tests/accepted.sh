#!/usr/bin/env bash
# Asks the cluster that kubectl points at whether it accepts every overlay: its API server, its CRDs and the webhooks of
# its operators check each resource, and nothing is changed. The platform must be installed and an overlay deployed.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=spinkube/lib.sh
. ./lib.sh
need_cluster

for overlay in overlays/*; do
    # Another name: the schema Job of an earlier deployment cannot be changed.
    resources=$(kubectl kustomize "$overlay" | sed 's/^  name: schema$/  name: schema-accepted/')
    # Of a group that is not installed, nothing can be checked.
    groups=$(sed -n 's|^apiVersion: \(.*[.].*\)/.*|\1|p' <<<"$resources" | sort -u)
    for group in $groups; do
        [[ -z $(kubectl api-resources --api-group="$group" -o name) ]] || continue
        say "not run: $group in $overlay"
        resources=$(awk -v RS='---\n' -v group="apiVersion: $group/" '!index($0, group) { printf "---\n%s", $0 }' <<<"$resources")
    done
    # The label: fields of Deployments that exist only once spin-operator has made them.
    kubectl apply --server-side --force-conflicts --dry-run=server -f - -l app.kubernetes.io/component!=pods \
        <<<"$resources" >/dev/null
    say "accepted: $overlay"
done
