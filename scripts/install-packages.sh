#!/bin/sh
# Installs missing Debian packages, without starting their services; on other systems, prints which are missing.
# Usage: scripts/install-packages.sh [COMMAND:]PACKAGE ...    (with COMMAND: only if that command does not exist)
set -eu

fail() {
    printf 'error: %s; fix: %s\n' "$1" "$2" >&2
    exit 1
}

missing=
for package in "$@"; do
    case $package in *:*) command -v "${package%%:*}" >/dev/null 2>&1 && continue ;; esac
    missing="$missing ${package#*:}"
done
[ -n "$missing" ] || exit 0

command -v apt-get >/dev/null 2>&1 ||
    fail "packages are missing, by their names in Debian:$missing" "install them with this system's package manager"
root=
if [ "$(id -u)" -ne 0 ]; then
    # Without a terminal sudo cannot ask for a password.
    if command -v sudo >/dev/null 2>&1 && { [ -t 0 ] || sudo -n true 2>/dev/null; }; then root=sudo; else
        fail "packages are missing:$missing" "run as root: apt-get install$missing"
    fi
fi
printf '== installing Debian packages:%s\n' "$missing" >&2

# One file keeps packages from starting services (exit status 101), the other keeps PostgreSQL's from creating a server.
policy=/usr/sbin/policy-rc.d
cluster=/etc/postgresql-common/createcluster.d/00-programs-only.conf
made=
# shellcheck disable=SC2086
tidy() { [ -z "$made" ] || $root rm -f $made; }
trap tidy EXIT
# A shell that a signal ends runs no EXIT trap.
trap 'exit 130' HUP INT TERM
if [ ! -e "$policy" ]; then
    made=$policy
    printf '#!/bin/sh\nexit 101\n' | $root tee "$policy" >/dev/null
    $root chmod 755 "$policy"
fi
if [ ! -e "$cluster" ]; then
    made="$made $cluster"
    $root mkdir -p "${cluster%/*}"
    echo 'create_main_cluster = false' | $root tee "$cluster" >/dev/null
fi
$root apt-get -qq -o DPkg::Lock::Timeout=300 update
# shellcheck disable=SC2086
$root env DEBIAN_FRONTEND=noninteractive \
    apt-get -y -qq -o DPkg::Lock::Timeout=300 install --no-install-recommends $missing
