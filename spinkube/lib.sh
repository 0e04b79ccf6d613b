# Functions of the scripts in spinkube/ and .github/release: printing, failing, waiting. Bash, also macOS's 3.2.
# shellcheck shell=bash

say() { printf '== %s\n' "$1"; }
# fail WHAT FIX
fail() {
    printf 'error: %s; fix: %s\n' "$1" "$2" >&2
    exit 1
}

# need COMMAND FIX: fails unless the command is installed.
need() { command -v "$1" >/dev/null || fail "$1 is missing" "$2"; }

# need_version NAME FOUND WANTED FIX: fails unless the version FOUND is WANTED or later.
need_version() {
    [[ $(printf '%s\n%s\n' "$3" "$2" | sort -V | head -n 1) == "$3" ]] ||
        fail "$1 ${2:-without a version} is too old: $3 or later is needed" "$4"
}

need_kubectl() {
    local fix='install a newer one: https://kubernetes.io/docs/tasks/tools'
    need kubectl "$fix"
    need_version kubectl \
        "$(kubectl version --client -o json 2>/dev/null | sed -n 's/.*"gitVersion": "v\([0-9.]*\).*/\1/p')" 1.31 "$fix"
}

need_docker() {
    need docker 'install it: https://docs.docker.com/engine/install'
    docker info >/dev/null 2>&1 || fail 'Docker does not answer' "start it; docker info shows why"
}

need_cluster() {
    need_kubectl
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

# Names of images are in small letters; an owner on GitHub may have capitals.
small_letters() { tr '[:upper:]' '[:lower:]' <<<"$1"; }

# Sets REGISTRY, if it is not set and kubectl points at the cluster of local-cluster.sh, to the registry beside it.
local_registry() {
    if [[ -z ${REGISTRY:-} && $(kubectl config current-context 2>/dev/null) == k3d-items ]]; then
        REGISTRY=localhost:$(docker port items-registry 5000/tcp | sed -n '1s/.*://p') ||
            fail 'the registry of the local cluster does not run' 'make local-cluster'
        # shellcheck disable=SC2034  # package.sh reads it
        INSECURE=1
    fi
}

# confirm WHAT: asks, unless CONFIRM=items, and fails without the answer `items`.
confirm() {
    [[ ${CONFIRM:-} != items ]] || return 0
    local answer
    printf 'This %s (context %s). Type the name of its namespace: ' "$1" "$(kubectl config current-context)"
    read -r answer || echo
    [[ $answer == items ]] || fail 'not confirmed, so nothing was changed' 'type items, or set CONFIRM=items'
}

random_password() { LC_ALL=C tr -dc 'A-Za-z0-9' </dev/urandom | head -c 32 || true; }

# The version of the working copy: its tag, or tag, distance and commit; before the first tag, the commit.
version() {
    local version
    version=$(git describe --tags --always --dirty --match 'v[0-9]*') ||
        fail 'this is not a git working copy, so it has no version' 'VERSION=…'
    printf '%s' "${version#v}"
}

# Prints the URL of the ingress: URL if it is set, else the name in the certificate, k3d's port, or Traefik's address if
# this machine reaches it: in a cloud it may be the private address of a node behind a load balancer.
address() {
    local found
    if [[ -n ${URL:-} ]]; then
        echo "$URL"
    elif found=$(kubectl -n items get certificate items-tls -o jsonpath='{.spec.dnsNames[0]}' 2>/dev/null) &&
        [[ -n $found ]]; then
        echo "https://$found"
    elif [[ $(kubectl config current-context 2>/dev/null) == k3d-items ]]; then
        echo "http://localhost:$(docker port k3d-items-serverlb 80/tcp | sed -n '1s/.*://p')"
    elif found=$(kubectl -n kube-system get service traefik \
        -o jsonpath='{.status.loadBalancer.ingress[0].ip}{.status.loadBalancer.ingress[0].hostname}') &&
        [[ -n $found ]]; then
        curl -s -o /dev/null --max-time 5 "http://$found/" ||
            fail "nothing answers at Traefik's address http://$found" \
                'URL=http://… of the load balancer (on AWS: terraform output address)'
        echo "http://$found"
    else
        fail 'Traefik has no address' 'URL=… if you know it; kubectl -n kube-system get service traefik'
    fi
}
