#!/bin/sh
# Builds components: scripts/build-components.sh PACKAGE...
# Each ends up as target/wasm32-wasip1/release/PACKAGE.wasm, where spin.toml looks for it, whichever toolchain built it. `spin build`
# makes the same but for the last step, which takes out what a component says about interfaces it does not use.
#   WASM_TOOLCHAIN=rustup|debian   default: rustup where its wasm32-wasip1 target is installed
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
    # Debian's Rust has no standard library for this target, but its source: build that too. The variable permits the unstable option.
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
# The whole workspace, of it one program: with other packages left out, features and so dependencies would be built anew for the rest.
cargo build ${CI:+--locked} --workspace --bin trim
for package in $packages; do
    "${CARGO_TARGET_DIR:-target}/debug/trim" "target/wasm32-wasip1/release/$package.wasm"
done
