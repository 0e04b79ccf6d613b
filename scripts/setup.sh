#!/bin/sh
# Installs what this repository needs and this machine lacks, and prints each installation.
# Usage: scripts/setup.sh [compile]    with `compile` only what compiling needs, without PostgreSQL
#   WASM_TOOLCHAIN=rustup|debian   Rust for the components (default: rustup if it can install the target, else Debian)
#   DATABASE_URL=…                 there is a PostgreSQL server: no other is installed
set -eu

log() { printf '== %s\n' "$1" >&2; }
fail() {
    printf 'error: %s; fix: %s\n' "$1" "$2" >&2
    exit 1
}
have() { command -v "$1" >/dev/null 2>&1; }
rustup_add() {
    have rustup || return 1
    log "rustup $1 add $2"
    rustup "$1" add "$2"
}

have cargo || fail "Rust is missing" "install it from https://rustup.rs and open a new terminal"
version=$(rustc --version)
minor=${version#rustc 1.}
minor=${minor%%.*}
[ "$minor" -ge 95 ] || fail "Rust 1.95 or newer is needed, this is $version" "rustup update stable"
sysroot=$(rustc --print sysroot)
for component in rustfmt clippy; do
    command=cargo-${component#rust}
    [ -x "$sysroot/bin/$command" ] || rustup_add component $component ||
        fail "$command is missing" "install $component for this Rust"
done

missing=
have cc || missing="$missing gcc libc6-dev"

toolchain=${WASM_TOOLCHAIN:-rustup}
if [ "$toolchain" = rustup ] && [ ! -d "$sysroot/lib/rustlib/wasm32-wasip1" ] && ! rustup_add target wasm32-wasip1; then
    [ -z "${WASM_TOOLCHAIN:-}" ] || fail "Rust's target wasm32-wasip1 is missing" "rustup target add wasm32-wasip1"
    log "rustup cannot install the target wasm32-wasip1: using Debian's toolchain"
    toolchain=debian
fi
if [ "$toolchain" = debian ]; then
    [ -x /usr/bin/rustc ] || missing="$missing rustc-web"
    [ -x /usr/bin/cargo ] || missing="$missing cargo-web"
    [ -d /usr/lib/rustlib/src/rust/library/std ] || missing="$missing rust-web-src"
    [ -d /usr/lib/wasm32-wasi ] || missing="$missing wasi-libc"
    have wasm-ld-19 || missing="$missing lld-19"
fi

installed() {
    set -- /usr/lib/postgresql/*/bin/"$1"
    [ -x "$1" ] || have "${1##*/}"
}
if [ "${1:-}" != compile ]; then
    [ -n "${DATABASE_URL:-}" ] || installed postgres || missing="$missing postgresql"
    installed psql || case $missing in *postgresql*) ;; *) missing="$missing postgresql-client" ;; esac
fi

# shellcheck disable=SC2086
exec "${0%/*}/install-packages.sh" $missing
