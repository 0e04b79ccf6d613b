#!/usr/bin/env bash
# Asks a running deployment whether it is what it should be: through the ingress, in the database, in the metrics, and where nobody
# may get. One line for each fact; ends at the first that does not hold, with its fix. Leaves nothing behind but its audit events.
#   URL=https://items.example.com   where the ingress is (default: found by spinkube/address.sh)
#   PATIENCE=0                      seconds to wait for each fact, in place of what each is given
set -euo pipefail
cd "$(dirname "$0")"
# shellcheck source=spinkube/lib.sh
. ./lib.sh
need_cluster
need curl 'install it'
URL=$(./address.sh)
request=verify-$(date +%s)-$$
work=$(mktemp -d)
forwards=()
cleanup() {
    [[ ! -s $work/id ]] || curl -s -o "$work/gone" --max-time 10 -X DELETE "$URL/items/$(<"$work/id")" || true
    ((${#forwards[@]} == 0)) || kill "${forwards[@]}" 2>/dev/null || true
    [[ ! -e $work/probe ]] || kubectl delete namespace items-verify --ignore-not-found --wait=false >/dev/null 2>&1 || true
    rm -rf "$work"
}
trap cleanup EXIT

facts=0
# fact WHAT MEND COMMAND...: within FOR seconds the command must succeed once. What it printed last is shown if it does not.
fact() {
    local what=$1 fix=$2 start=$SECONDS
    shift 2
    until "$@" >"$work/said" 2>&1; do
        if ((SECONDS - start >= ${PATIENCE:-${FOR:-0}})); then
            printf 'FAIL %s\n' "$what"
            tail -n 20 "$work/said" | awk '{ print "     " $0 }'
            printf 'fix: %s\n' "$fix"
            exit 1
        fi
        sleep 2
    done
    facts=$((facts + 1))
    printf 'ok   %s\n' "$what"
}

# ask STATUS ARGUMENTS...: curl must be answered with this status; the answer is in $work/head and $work/body.
ask() {
    local expected=$1 status
    shift
    status=$(curl -sS --max-time 15 -D "$work/head" -o "$work/body" -w '%{http_code}' -H "X-Request-Id: $request" "$@") || return 1
    [[ $status == "$expected" ]] || {
        printf 'answered %s, not %s: curl %s\n' "$status" "$expected" "$*"
        head -c 500 "$work/body"
        return 1
    }
}
answer_has() { grep -qi -- "$2" "$work/$1" || { echo "the $1 of the answer lacks: $2"; return 1; }; }

# The database: its pod and its Service; none where it is outside of the cluster.
pod=statefulset/postgres database=postgres
if ! kubectl -n items get statefulset postgres >/dev/null 2>&1; then
    pod=$(kubectl -n items get pods -l cnpg.io/cluster=postgres,cnpg.io/instanceRole=primary -o name) database=postgres-rw
fi
sql() { kubectl -n items exec "$pod" -c postgres -- psql -U postgres -d itemsdb "${@:2}" -c "$1"; }
counts() {
    local found
    found=$(sql "$2" -AtX) || return 1
    [[ $found == "$1" ]] || { echo "counted $found, not $1: $2"; return 1; }
}

# forward NAMESPACE TARGET PORT: prints nothing; $forwarded is the address on this machine.
forward() {
    # Emptied here and not by the redirection, which comes when the background gets its turn.
    : >"$work/forward"
    kubectl -n "$1" port-forward "$2" ":$3" >>"$work/forward" 2>&1 &
    forwards+=("$!")
    local _
    for _ in {1..50}; do
        forwarded=$(sed -n 's/^Forwarding from 127.0.0.1:\([0-9]*\).*/127.0.0.1:\1/p' "$work/forward" | head -n 1)
        [[ -z $forwarded ]] || return 0
        sleep 0.2
    done
    fail "no way to $2 in $1: $(<"$work/forward")" "kubectl -n $1 get pods"
}
metric() {
    curl -fsS --max-time 10 "http://$sidecar/metrics" >"$work/metrics" || return 1
    grep -Eq "^$1(\{[^}]*\})? ([1-9]|[0-9]*\.[0-9]*[1-9])" "$work/metrics" || { echo "absent or nought: $1"; return 1; }
}
prometheus() {
    curl -fsS --max-time 10 -G "http://$prometheus/api/v1/query" --data-urlencode "query=$1" >"$work/query" || return 1
    grep -q '"metric"' "$work/query" || { echo "nothing found: $1"; return 1; }
}

echo "Verifying $URL, context $(kubectl config current-context)"
echo '-- It runs'
FOR=120 fact 'every SpinApp is available' 'kubectl -n items get spinapps,pods; make deploy' \
    kubectl -n items wait --for=condition=Available --timeout=1s spinapp --all
FOR=60 fact "GET $URL/readyz answers 200" 'kubectl -n items get ingressroutes,pods; kubectl -n kube-system get service traefik' ask 200 "$URL/readyz"

echo '-- It does what it is for'
fact "curl -X POST $URL/items -H 'content-type: application/json' -d '{\"name\":\"…\"}' answers 201" 'kubectl -n items logs -l core.spinkube.dev/app-name=items --tail=20' \
    ask 201 -X POST "$URL/items" -H 'content-type: application/json' -d "{\"name\":\"$request\"}"
sed -n 's/^{"id":\([0-9]*\),.*/\1/p' "$work/body" >"$work/id"
complete() { test -s "$work/id" && answer_has head "^location: /items/$(<"$work/id")" && answer_has head '^etag:'; }
fact 'the answer has the item, its place and its version' 'is it items that answers? make deploy' \
    complete
listed() { ask 200 "$URL/items" && answer_has body "\"name\":\"$request\""; }
fact "curl $URL/items lists it" 'make deploy' listed
fact 'it can be changed' 'kubectl -n items get ingressroute items -o yaml' \
    ask 200 -X PUT "$URL/items/$(<"$work/id")" -H 'content-type: application/json' -d "{\"name\":\"$request\",\"description\":\"changed\"}"

echo '-- Every operation is in the audit trail, once'
if [[ -n $pod ]]; then
    FOR=30 fact 'create, list and update are in audit_logs, once each' 'curl '"$URL"'/readyz says how the relay does; observability/RUNBOOK.md#auditoutboxnotdraining' \
        counts 3 "SELECT count(DISTINCT action) FROM audit_logs WHERE request_id = '$request' AND action IN ('create', 'list', 'update') HAVING count(*) = 3"
    sql 'SELECT * FROM audit_logs ORDER BY created_at DESC LIMIT 5' | cut -c1-160 | sed 's/^/     /'
else
    echo 'not run: audit_logs, and who reaches the database (it has no pod here; its security group decides)'
fi

echo '-- It is watched'
forward items deployment/sidecar 9464
sidecar=$forwarded
for name in database_up items_created_total items_retrieved_total audit_events_processed_total; do
    FOR=30 fact "the sidecar counts: $name" 'kubectl -n items logs deployment/sidecar --tail=20' metric "$name"
done
FOR=60 fact 'spans arrive: http_server_request_duration_seconds' 'kubectl -n items get spinappexecutor -o yaml: otel; network policy items → sidecar:4318' \
    metric http_server_request_duration_seconds_count
forward monitoring svc/prometheus-operated 9090
prometheus=$forwarded
FOR=120 fact 'Prometheus reaches the sidecar' 'observability/RUNBOOK.md#sidecarabsent' prometheus 'up{job="sidecar"} == 1'
FOR=120 fact "Traefik's series for items have the 250 ms bucket" 'observability/RUNBOOK.md#ingressmetricsabsent' \
    prometheus 'traefik_service_request_duration_seconds_bucket{service=~"items-items-.+", le="0.25"}'
FOR=120 fact 'the rules are loaded' 'kubectl -n items get prometheusrules' prometheus 'items:http_requests:rate2m'

echo '-- From outside, nothing else'
for path in /events /.well-known/spin/health /.well-known/spin/info /.well-known/spin/%69nfo /items/1/events; do
    fact "$path answers 404" 'spinkube/base/ingress.yaml lists what is public' ask 404 "$URL$path"
done
unheard() { ask 404 -X POST "$URL/events" -d '[]' && ask 404 -X POST "$URL/events" -H 'Host: audit.spin.internal' -d '[]'; }
fact 'POST /events answers 404, under the name of audit too' 'the same' unheard
head -c 70000 /dev/zero | tr '\0' ' ' >"$work/large"
fact 'a body over 64 KiB answers 413' 'kubectl -n items get middleware body' \
    ask 413 -X POST "$URL/items" -H 'content-type: application/json' --data-binary "@$work/large"
guarded() { ask 200 "$URL/items?limit=1" && answer_has head '^x-content-type-options: nosniff' && answer_has head '^x-frame-options: deny'; }
fact 'answers carry security headers' 'kubectl -n items get middleware headers' guarded

echo '-- From another pod, nothing'
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
    echo '     (audit has no address at all: it is inside items)'
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
# Without this, a pod that gets nowhere at all would prove the rest.
fact 'it reaches the API server' 'the probe has no network: look at the node' reached 'kubernetes.default.svc.cluster.local:443 open'
for target in "${targets[@]}"; do
    fact "it does not reach $target" 'kubectl -n items get networkpolicies; is K3s run with --disable-network-policy?' reached "$target closed"
done

printf '%s facts hold.\n' "$facts"
