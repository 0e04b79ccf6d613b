#!/usr/bin/env bash
# Puts the shim on this node, before K3s starts (as root, on each node that is to run Spin). K3s finds it on its path and makes
# the runtime `spin` of it; one that runs already needs a restart, which this says.
# Usage: SHIM_SHA256=… shim        the checksum of the release's file, from where you trust it: the project publishes none beside it
set -euo pipefail
version=0.24.0
case $(uname -m) in
x86_64 | aarch64) architecture=$(uname -m) ;;
*)
    echo "error: there is no shim for $(uname -m); fix: use an x86_64 or aarch64 node" >&2
    exit 1
    ;;
esac
: "${SHIM_SHA256:?the checksum of containerd-shim-spin-v2-linux-$architecture.tar.gz, version $version}"
url=${SHIM_URL:-https://github.com/spinframework/containerd-shim-spin/releases/download/v$version/containerd-shim-spin-v2-linux-$architecture.tar.gz}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
curl -fsSL --retry 5 --retry-connrefused -o "$work/shim.tar.gz" "$url"
echo "$SHIM_SHA256  $work/shim.tar.gz" | sha256sum --check --quiet || {
    echo "error: the file is not the one of that checksum; fix: find out why before anything else" >&2
    exit 1
}
tar -xzf "$work/shim.tar.gz" -C "$work" containerd-shim-spin-v2
install -m 0755 "$work/containerd-shim-spin-v2" /usr/local/bin/containerd-shim-spin-v2
echo "installed: /usr/local/bin/containerd-shim-spin-v2 $version"
for unit in k3s k3s-agent; do
    ! systemctl is-active --quiet "$unit" 2>/dev/null || echo "K3s runs already; fix: systemctl restart $unit"
done
