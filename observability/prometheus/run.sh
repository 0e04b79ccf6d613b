#!/usr/bin/env bash
# Runs Prometheus with the rules of this folder on the sidecar of `make up`, until Ctrl-C.
# PROMETHEUS_LISTEN=HOST:PORT sets where it listens; default: 127.0.0.1:9090.
set -euo pipefail
cd "$(dirname "$0")/../.."
listen=${PROMETHEUS_LISTEN:-127.0.0.1:9090}
url=http://$listen

scripts/install-packages.sh curl:curl prometheus:prometheus
answers() { curl --silent --fail --output /dev/null --max-time 2 "$1"; }
if ! answers http://127.0.0.1:9464/livez; then
    echo "error: no sidecar on 127.0.0.1:9464, which prometheus.yml scrapes; fix: run make up in another terminal" >&2
    exit 1
fi
if (exec 3<>"/dev/tcp/${listen%:*}/${listen##*:}") 2>/dev/null; then
    echo "error: $listen is in use; fix: PROMETHEUS_LISTEN=127.0.0.1:9091 make observe" >&2
    exit 1
fi
prometheus --log.level=warn --web.listen-address="$listen" --config.file=observability/prometheus/prometheus.yml \
    --storage.tsdb.path=.data/prometheus --storage.tsdb.retention.time=15d &
trap 'kill $! 2>/dev/null; wait; exit' HUP INT TERM
for ((attempts = 60; attempts > 0; attempts--)); do
    answers "$url/-/ready" && break
    kill -0 $! 2>/dev/null || exit 1
    sleep 0.5
done
# Debian's package has only the classic pages.
answers "$url/alerts" && pages=$url || pages=$url/classic
cat <<TEXT
Prometheus is ready on $url

  Targets:  $pages/targets
  Alerts:   $pages/alerts
  Requests: $pages/graph?g0.tab=0&g0.range_input=15m&g0.expr=sum%20by%20(http_route)(rate(http_server_request_duration_seconds_count[1m]))

Ctrl-C stops it.
TEXT
wait
