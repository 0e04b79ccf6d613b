#!/usr/bin/env bash
# Checks a running deployment: through the ingress, in the database, in the metrics, and from another namespace. Prints
# one line per fact and stops at the first that does not hold, with its fix. Leaves only audit events behind.
#   URL=https://items.example.com   the ingress (default: found in the cluster)
#   TRAIL_URL=postgres://…          the audit trail, where the database has no pod (a login in the role auditor)
#   LOAD=yes                        also replaces the pods under load and sends a flood
#   PATIENCE=0                      seconds to wait for each fact, instead of its own time
set -euo pipefail
cd "$(dirname "$0")"
# shellcheck source=spinkube/lib.sh
. ./lib.sh
need_cluster
need curl 'install it'
URL=$(address)
login=verify-$(date +%s) pod=
work=$(mktemp -d)
forwards=()
cleanup() {
    [[ -z $pod ]] || sql <<<"DROP ROLE IF EXISTS \"$login\"" || true
    # `wait` keeps macOS's bash from printing that they ended.
    ((${#forwards[@]} == 0)) || { kill "${forwards[@]}" && wait "${forwards[@]}"; } 2>/dev/null || true
    [[ ! -e $work/probe ]] ||
        kubectl delete namespace items-verify --ignore-not-found --wait=false >/dev/null 2>&1 || true
    rm -rf "$work"
}
trap cleanup EXIT

facts=0
# fact WHAT FIX COMMAND...: the command must succeed within FOR seconds; otherwise what it printed last is shown.
fact() {
    local what=$1 fix=$2 start=$SECONDS
    shift 2
    until "$@" >"$work/output" 2>&1; do
        if ((SECONDS - start >= ${PATIENCE:-${FOR:-0}})); then
            printf 'FAIL %s\n' "$what"
            tail -n 30 "$work/output" | awk '{ print "     " $0 }'
            printf 'fix: %s\n' "$fix"
            exit 1
        fi
        sleep 2
    done
    facts=$((facts + 1))
    printf 'ok   %s\n' "$what"
}

# answers STATUS URL
answers() {
    local status
    status=$(curl -sS --max-time 15 -o "$work/body" -w '%{http_code}' "$2") || return 1
    [[ $status == "$1" ]] || {
        printf 'status %s, not %s: curl %s\n' "$status" "$1" "$2"
        head -c 500 "$work/body"
        return 1
    }
}

# The database's pod, which is empty where the database is outside the cluster, and its Service.
pod=statefulset/postgres database=postgres
if ! kubectl -n items get statefulset postgres >/dev/null 2>&1; then
    pod=$(kubectl -n items get pods -l cnpg.io/cluster=postgres,cnpg.io/instanceRole=primary -o name)
    database=postgres-rw
fi
# Reads SQL from standard input.
sql() { kubectl -n items exec -i "$pod" -c postgres -- psql -qX -v ON_ERROR_STOP=1 -U postgres -d itemsdb; }

# forward NAMESPACE TARGET PORT: sets $forwarded to an address on this machine that leads there.
forward() {
    # The redirection below empties the file later, when the background process starts.
    : >"$work/forward"
    kubectl -n "$1" port-forward "$2" ":$3" >>"$work/forward" 2>&1 &
    forwards+=("$!")
    local _
    for _ in {1..50}; do
        forwarded=$(sed -n 's/^Forwarding from 127.0.0.1:\([0-9]*\).*/127.0.0.1:\1/p' "$work/forward" | head -n 1)
        [[ -z $forwarded ]] || return 0
        sleep 0.2
    done
    fail "kubectl cannot forward a port to $2 in $1: $(<"$work/forward")" "kubectl -n $1 get pods"
}
# metric NAME: the sidecar must report it with a value above zero.
metric() {
    curl -fsS --max-time 10 "http://$sidecar/metrics" >"$work/metrics" || return 1
    grep -Eq "^$1(\{[^}]*\})? ([1-9]|[0-9]*\.[0-9]*[1-9])" "$work/metrics" || { echo "absent or zero: $1"; return 1; }
}
# prometheus QUERY: must find a series.
prometheus() {
    curl -fsS --max-time 10 -G "http://$prometheus/api/v1/query" --data-urlencode "query=$1" >"$work/query" || return 1
    grep -q '"metric"' "$work/query" || { echo "no series: $1"; return 1; }
}

echo "Verifying $URL, context $(kubectl config current-context)"
echo '-- It runs'
FOR=120 fact 'every SpinApp is available' 'kubectl -n items get spinapps,pods; make deploy OVERLAY=…' \
    kubectl -n items wait --for=condition=Available --timeout=1s spinapp --all
if kubectl -n items get certificate items-tls >/dev/null 2>&1; then
    FOR=600 fact 'the certificate is issued' 'the host name must lead here: kubectl -n items describe certificate,challenge' \
        kubectl -n items wait --for=condition=Ready --timeout=1s certificate/items-tls
fi
FOR=60 fact "GET $URL/readyz answers 200" \
    'kubectl -n items get ingressroutes,pods; kubectl -n kube-system get service traefik' answers 200 "$URL/readyz"

echo '-- It keeps its contract, and every operation is in the audit trail once'
accepted() { RUST_BACKTRACE=0 make -C .. --silent acceptance; }
export URL
if [[ -n $pod ]]; then
    # A login that can read the trail and nothing else, until this script ends.
    password=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
    sql <<<"SELECT format('CREATE ROLE \"$login\" LOGIN PASSWORD ''$password'' IN ROLE auditor VALID UNTIL %L',
        now() + interval '1 hour') \\gexec"
    forward items "$pod" 5432
    export TRAIL_URL=postgres://$login:$password@$forwarded/itemsdb
elif [[ -z ${TRAIL_URL:-} ]]; then
    echo 'not run: audit_logs (the database has no pod here; fix: TRAIL_URL=postgres://…)'
fi
echo '     make acceptance runs; the first time, its tests are compiled for some minutes'
fact "make acceptance URL=$URL" \
    'the message above; kubectl -n items logs -l core.spinkube.dev/app-name=items --tail=20; curl '"$URL/readyz" accepted

echo '-- It is backed up'
job=postgres-verify-$(date +%s)
if kubectl -n items get cronjob postgres-backup >/dev/null 2>&1; then
    kubectl -n items create job "$job" --from=cronjob/postgres-backup >/dev/null
    FOR=300 fact 'a dump of the database was made' "kubectl -n items logs job/$job" \
        kubectl -n items wait --for=condition=Complete --timeout=1s "job/$job"
elif [[ -n $pod ]]; then
    FOR=300 fact 'the transaction log reaches the object store' 'observability/RUNBOOK.md#databasearchivingfails' \
        kubectl -n items wait --for=condition=ContinuousArchiving --timeout=1s cluster.postgresql.cnpg.io/postgres
    backed_up() {
        kubectl -n items get backups.postgresql.cnpg.io -o jsonpath='{.items[*].status.phase}' | grep -qw completed
    }
    FOR=600 fact 'there is a backup of the database' 'observability/RUNBOOK.md#databasebackupold' backed_up
else
    echo 'not run: backups (the database is outside the cluster)'
fi

echo '-- It is monitored'
forward items deployment/sidecar 9464
sidecar=$forwarded
for name in database_up items_created_total items_retrieved_total audit_events_processed_total; do
    FOR=30 fact "the sidecar counts: $name" 'kubectl -n items logs deployment/sidecar --tail=20' metric "$name"
done
FOR=60 fact 'spans arrive: http_server_request_duration_seconds' \
    'kubectl -n items get spinappexecutor -o yaml: otel; network policy items → sidecar:4318' \
    metric http_server_request_duration_seconds_count
forward monitoring svc/prometheus-operated 9090
prometheus=$forwarded
FOR=120 fact 'Prometheus reaches the sidecar' 'observability/RUNBOOK.md#sidecarabsent' \
    prometheus 'up{job="sidecar"} == 1'
FOR=120 fact "Traefik's series of the route items have the 250 ms bucket" 'observability/RUNBOOK.md#ingressmetricsabsent' \
    prometheus 'traefik_router_request_duration_seconds_bucket{router=~"items-items-[^-]+@kubernetescrd", le="0.25"}'
FOR=120 fact 'the rules are loaded' 'kubectl -n items get prometheusrules' prometheus 'items:http_requests:rate2m'

echo '-- Nothing else is reachable from outside'
for path in /.well-known/spin/health /.well-known/spin/info /.well-known/spin/%69nfo /items/1/events; do
    fact "$path answers 404" 'spinkube/base/ingress.yaml lists what is public' answers 404 "$URL$path"
done

echo '-- Nothing is reachable from another namespace'
cat >"$work/probe" <<'EOF'
    for target in "$@"; do
        host=${target%:*} port=${target#*:}
        if ! getent hosts "$host" >/dev/null; then echo "$target unknown"
        elif timeout 5 bash -c "exec 3<>/dev/tcp/$host/$port" 2>/dev/null; then echo "$target open"
        else echo "$target closed"; fi
    done
EOF
targets=(items.items.svc.cluster.local:80 sidecar.items.svc.cluster.local:9464 sidecar.items.svc.cluster.local:4318)
[[ -z $pod ]] || targets+=("$database.items.svc.cluster.local:5432")
if kubectl -n items get service audit >/dev/null 2>&1; then
    targets+=(audit.items.svc.cluster.local:80)
else
    echo '     (audit has no address: it runs inside items)'
fi
kubectl create namespace items-verify --dry-run=client -o yaml | kubectl apply --server-side -f - >/dev/null
kubectl -n items-verify delete pod probe --ignore-not-found --wait >/dev/null
kubectl -n items-verify run probe --restart=Never \
    --image="$(kubectl -n items get job schema -o jsonpath='{.spec.template.spec.containers[0].image}')" \
    --command -- bash -c "$(<"$work/probe")" probe kubernetes.default.svc.cluster.local:443 "${targets[@]}" >/dev/null
FOR=120 fact 'a pod of another namespace ran' 'kubectl -n items-verify describe pod probe' \
    kubectl -n items-verify wait --for=jsonpath='{.status.phase}'=Succeeded --timeout=1s pod/probe
kubectl -n items-verify logs probe >"$work/reached"
reached() { grep -qx "$1" "$work/reached" || { cat "$work/reached"; return 1; }; }
# Otherwise a pod without any network would pass the rest.
fact 'it reaches the API server' 'the pod has no network: check its node' \
    reached 'kubernetes.default.svc.cluster.local:443 open'
for target in "${targets[@]}"; do
    fact "it does not reach $target" \
        'kubectl -n items get networkpolicies; is K3s run with --disable-network-policy?' reached "$target closed"
done

echo '-- Pods have no rights that they do not need'
hardened() {
    local found
    found=$(kubectl -n items get pods -l core.spinkube.dev/app-name -o jsonpath='{range .items[*].spec.containers[*]}{.securityContext.capabilities.drop} {.securityContext.allowPrivilegeEscalation} {.lifecycle.preStop.sleep.seconds}{"\n"}{end}' | sort -u)
    [[ $found == '["ALL"] false 5' ]] || { echo "$found"; return 1; }
}
fact 'the pods of Spin drop all capabilities, and wait five seconds before they end' \
    'make deploy: it applies spinkube/base/pods.yaml' hardened

if [[ ${LOAD:-} == yes ]]; then
    echo '-- It stands load'
    # ask NUMBER: one request after another as long as the file `asking` is there; each writes its status.
    ask() {
        while [[ -e $work/asking ]]; do
            curl -s -o /dev/null -w '%{http_code}\n' --max-time 15 -H "X-Request-Id: $login-$1-$SECONDS" \
                "$URL/items?limit=1" >>"$work/asked-$1" || true
            sleep 0.05
        done
    }
    touch "$work/asking"
    callers=()
    for caller in 1 2 3 4; do
        ask "$caller" &
        callers+=("$!")
    done
    kubectl -n items rollout restart deployment/items >/dev/null
    fact 'the pods were replaced' 'kubectl -n items get pods' \
        kubectl -n items rollout status deployment/items --timeout=180s
    sleep 3
    rm "$work/asking"
    wait "${callers[@]}"
    nothing_lost() { ! cat "$work"/asked-* | sort | uniq -c | grep -v ' 200$'; }
    fact "none of the $(cat "$work"/asked-* | grep -c .) requests meanwhile was lost" \
        'kubectl -n items get deployment items -o yaml: lifecycle; serverstransport items: dialTimeout' nothing_lost

    restarts() {
        kubectl -n items get pods -l core.spinkube.dev/app-name \
            -o jsonpath='{.items[*].status.containerStatuses[*].restartCount}' | tr ' ' '\n' | awk '{ n += $1 } END { print n + 0 }'
    }
    before=$(restarts)
    curl -sZ --no-progress-meter --parallel-max 200 -o /dev/null -w '%{http_code}\n' "$URL/items?limit=100#[1-5000]" >"$work/flood" || true
    refused() {
        sort "$work/flood" | uniq -c
        ! grep -qvE '^(200|429)$' "$work/flood" && grep -q 429 "$work/flood" && (($(restarts) <= before))
    }
    fact 'a flood of 5000 requests is answered by 200 and 429, and no pod restarts' \
        'kubectl -n items get middlewares; kubectl -n items describe pods: OOMKilled' refused
fi

printf '%s facts hold.\n' "$facts"
