# Functions of the scripts in spinkube/ and .github/release: printing, failing, waiting. Bash.
# shellcheck shell=bash

say() { printf '== %s\n' "$1"; }
# fail WHAT FIX
fail() {
    printf 'error: %s; fix: %s\n' "$1" "$2" >&2
    exit 1
}

# need COMMAND FIX: fails unless the command is installed.
need() { command -v "$1" >/dev/null || fail "$1 is missing" "$2"; }

need_cluster() {
    need kubectl 'install it: https://kubernetes.io/docs/tasks/tools'
    kubectl version --request-timeout=10s >/dev/null 2>&1 ||
        fail 'kubectl reaches no cluster' 'make local-cluster, or set KUBECONFIG'
}

# until_true SECONDS WHAT COMMAND...: runs the command every two seconds until it succeeds, and prints that it still
# waits. If it never does, prints what the command printed last.
until_true() {
    local seconds=$1 what=$2 start=$SECONDS reported=$SECONDS output
    shift 2
    until output=$("$@" 2>&1); do
        if ((SECONDS - start >= seconds)); then
            printf 'error: %s: not after %s s\n%s\n' "$what" "$seconds" "$output" >&2
            return 1
        fi
        if ((SECONDS - reported >= 10)); then
            printf '   … %s (%s s)\n' "$what" "$((SECONDS - start))"
            reported=$SECONDS
        fi
        sleep 2
    done
    printf '   %s\n' "$what"
}

random_password() { LC_ALL=C tr -dc 'A-Za-z0-9' </dev/urandom | head -c 32 || true; }

# The version of the working copy: its tag, or tag, distance and commit; before the first tag, the commit.
version() {
    local version
    version=$(git describe --tags --always --dirty --match 'v[0-9]*') ||
        fail 'this is not a git working copy, so it has no version' 'VERSION=…'
    printf '%s' "${version#v}"
}

# Prints the URL of the ingress: URL if it is set, else the name in the certificate, k3d's port, or Traefik's address.
address() {
    local found
    if [[ -n ${URL:-} ]]; then
        echo "$URL"
    elif found=$(kubectl -n items get certificate items-tls -o jsonpath='{.spec.dnsNames[0]}' 2>/dev/null) &&
        [[ -n $found ]]; then
        echo "https://$found"
    elif [[ $(kubectl config current-context 2>/dev/null) == k3d-* ]]; then
        echo http://localhost:8080
    elif found=$(kubectl -n kube-system get service traefik \
        -o jsonpath='{.status.loadBalancer.ingress[0].ip}{.status.loadBalancer.ingress[0].hostname}') &&
        [[ -n $found ]]; then
        echo "http://$found"
    else
        fail 'Traefik has no address' 'URL=… if you know it; kubectl -n kube-system get service traefik'
    fi
}
