#!/usr/bin/env bash
# Holds the crates in Cargo.lock against deny.toml: licences, second versions, registries; and against RustSec's advisories where their
# database can be had. Where it cannot, that is printed as `not run: …` and does not count as passed.
set -euo pipefail
cd "$(dirname "$0")/.."

version=0.20.2
deny=target/tools/bin/cargo-deny
if [[ $("$deny" --version 2>/dev/null) != "cargo-deny $version" ]]; then
    echo "Installing cargo-deny $version into target/tools (some minutes)"
    # Not optimised: that takes several times as long, and here a run takes seconds anyway.
    cargo install cargo-deny --version "$version" --locked --debug --quiet --root target/tools --target-dir target/tools/build
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
