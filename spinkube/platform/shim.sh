#!/usr/bin/env bash
# Installs the Spin shim on this node; run it as root, before K3s starts. K3s then finds it on its path and adds the
# runtime `spin`. If K3s runs already, this prints how to restart it. Needs no other file of this repository.
# Usage: SHIM_SHA256=… shim.sh        the checksum of the release file, from a source that you trust
set -euo pipefail
version=0.24.0
fail() {
    echo "error: $1; fix: $2" >&2
    exit 1
}
architecture=$(uname -m)
[[ $architecture =~ ^(x86_64|aarch64)$ ]] || fail "there is no shim for $architecture" 'use an x86_64 or aarch64 node'
file=containerd-shim-spin-v2-linux-$architecture.tar.gz
: "${SHIM_SHA256:?set it to the checksum of $file, version $version}"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
curl -fsSL --retry 5 --retry-connrefused -o "$work/shim.tar.gz" \
    "${SHIM_URL:-https://github.com/spinframework/containerd-shim-spin/releases/download/v$version/$file}"
echo "$SHIM_SHA256  $work/shim.tar.gz" | sha256sum --check --quiet ||
    fail 'the downloaded file has another checksum' 'find out why before you go on'
tar -xzf "$work/shim.tar.gz" -C "$work" containerd-shim-spin-v2
install -m 0755 "$work/containerd-shim-spin-v2" /usr/local/bin/containerd-shim-spin-v2
echo "installed: /usr/local/bin/containerd-shim-spin-v2 $version"
for unit in k3s k3s-agent; do
    ! systemctl is-active --quiet "$unit" 2>/dev/null || echo "K3s runs already; fix: systemctl restart $unit"
done
