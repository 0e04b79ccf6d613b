#!/usr/bin/env bash
# Runs COMMAND with a Docker engine: the running one, otherwise one of its own (Debian's docker.io, as root) that ends
# with COMMAND. If there is neither, it prints `not run: ...` and runs nothing.
# Usage: tests/images/with-engine.sh COMMAND...
set -euo pipefail
cd "$(dirname "$0")/../.."

not_run() { echo "not run: $* ($why)"; }
why="building an image of Debian's packages needs root, or sudo without a password, on Debian"
if ! command -v apt-get >/dev/null || { ((EUID != 0)) && ! sudo -n true 2>/dev/null; }; then
    not_run "$@" && exit
fi
if command -v docker >/dev/null && docker version >/dev/null 2>&1; then
    exec "$@"
fi
why="no Docker engine answers, and starting one needs root"
if ((EUID != 0)); then
    not_run "$@" && exit
fi
scripts/install-packages.sh dockerd:docker.io iptables:iptables >/dev/null

# The path of a socket must be short. The engine's images stay for the next run.
folder=$PWD/target/engine socket=$(mktemp -d)/docker.sock
mkdir -p "$folder"
dockerd --data-root "$folder/data" --exec-root "$folder/run" --pidfile "$folder/pid" --host "unix://$socket" \
    >"$folder/log" 2>&1 &
engine=$!
stop() {
    kill "$engine" 2>/dev/null || true
    wait "$engine" || true
    rm -rf "${socket%/*}"
}
trap stop EXIT
export DOCKER_HOST=unix://$socket
for ((patience = 30; patience > 0; patience--)); do
    docker version >/dev/null 2>&1 && break
    kill -0 "$engine" 2>/dev/null || patience=1
    sleep 1
done
if ((patience == 0)); then
    why="dockerd does not start here; the end of target/engine/log: $(tail -n 1 "$folder/log")"
    not_run "$@" && exit
fi
"$@"
