#!/usr/bin/env bash
# Checks the crates in Cargo.lock with cargo-deny and deny.toml: licences, duplicate versions, registries, and RustSec's
# advisories; `not run: …` if their database cannot be downloaded. Usage: scripts/check-dependencies.sh
set -euo pipefail
cd "$(dirname "$0")/.."

version=0.20.2
deny=target/tools/bin/cargo-deny
if [[ $("$deny" --version 2>/dev/null) != "cargo-deny $version" ]]; then
    echo "Installing cargo-deny $version into target/tools (some minutes)"
    # Without optimisation: compiling with it takes several times as long, and a run takes only seconds either way.
    cargo install cargo-deny --version "$version" --locked --debug --quiet \
        --root target/tools --target-dir target/tools/build
    rm -rf target/tools/build
fi

echo '== licences, versions, registries'
"$deny" --locked check --hide-inclusion-graph licenses bans sources

echo '== advisories'
if reason=$(timeout 120 "$deny" fetch db 2>&1); then
    "$deny" --locked --offline check --hide-inclusion-graph advisories
else
    echo "not run: advisories ($(grep -m1 -e fatal: <<<"$reason" || tail -n 1 <<<"$reason"))"
fi
