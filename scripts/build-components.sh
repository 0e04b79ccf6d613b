#!/bin/sh
# Builds components as target/wasm32-wasip1/release/PACKAGE.wasm, where spin.toml expects them; `spin build` calls it, too.
# The last step removes the descriptions of interfaces that a component does not use.
# Usage: scripts/build-components.sh PACKAGE...
#   WASM_TOOLCHAIN=rustup|debian   default: rustup if its wasm32-wasip1 target is installed
set -eu
cd "$(dirname "$0")/.."

toolchain=${WASM_TOOLCHAIN:-}
if [ -z "$toolchain" ]; then
    toolchain=debian
    [ ! -d "$(rustc --print sysroot)/lib/rustlib/wasm32-wasip1" ] || toolchain=rustup
fi

compile() (
    set -- build --target wasm32-wasip1 --release --target-dir target ${CI:+--locked} "$@"
    if [ "$toolchain" = rustup ]; then
        exec cargo "$@"
    fi
    # Debian has this target's standard library as source only, so it is built too; RUSTC_BOOTSTRAP permits -Zbuild-std.
    export RUSTC_BOOTSTRAP=1 RUSTC=/usr/bin/rustc
    export CARGO_TARGET_WASM32_WASIP1_LINKER=wasm-ld-19
    export CARGO_TARGET_WASM32_WASIP1_RUSTFLAGS='-L native=/usr/lib/wasm32-wasi'
    exec /usr/bin/cargo "$@" -Zbuild-std=std,panic_abort
)

packages=$*
for package; do
    shift
    set -- "$@" --package "$package"
done
compile "$@"
# --workspace even for one binary: a smaller selection resolves other features and rebuilds the dependencies.
cargo build ${CI:+--locked} --workspace --bin trim
for package in $packages; do
    "${CARGO_TARGET_DIR:-target}/debug/trim" "target/wasm32-wasip1/release/$package.wasm"
done
