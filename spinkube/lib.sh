# For the scripts beside it: how they speak, fail and wait. Bash.
# shellcheck shell=bash

say() { printf '== %s\n' "$1"; }
fail() {
    printf 'error: %s; fix: %s\n' "$1" "$2" >&2
    exit 1
}

# need COMMAND HOW-TO-GET-IT
need() { command -v "$1" >/dev/null || fail "$1 is missing" "$2"; }

need_cluster() {
    need kubectl 'install it: https://kubernetes.io/docs/tasks/tools'
    kubectl version --request-timeout=10s >/dev/null 2>&1 ||
        fail 'kubectl reaches no cluster' 'make local-cluster, or set KUBECONFIG'
}

# until_true SECONDS WHAT COMMAND...: asks every two seconds, with a sign of life, until the command succeeds.
# What the command said last is shown if it never does.
until_true() {
    local seconds=$1 what=$2 start=$SECONDS told=$SECONDS said
    shift 2
    until said=$("$@" 2>&1); do
        if ((SECONDS - start >= seconds)); then
            printf 'error: %s: not after %s s\n%s\n' "$what" "$seconds" "$said" >&2
            return 1
        fi
        if ((SECONDS - told >= 10)); then
            printf '   … %s (%s s)\n' "$what" "$((SECONDS - start))"
            told=$SECONDS
        fi
        sleep 2
    done
    printf '   %s\n' "$what"
}

# The version of a working copy, as images are tagged with it: its tag, or tag, distance and commit. Before a first tag: the commit.
version() {
    local version
    version=$(git describe --tags --always --dirty --match 'v[0-9]*') ||
        fail 'this is no working copy of git, so it has no version' 'VERSION=…'
    printf '%s' "${version#v}"
}
