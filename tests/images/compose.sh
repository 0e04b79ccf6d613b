#!/usr/bin/env bash
# Builds the images, from base images of Debian's packages and the programs as built last, and tests Compose's core
# profile: the README's commands work, metrics count, nothing runs as root, and data outlives the containers.
set -euo pipefail
cd "$(dirname "$0")/../.."
# A newer client may lack the builder; Debian's has it.
docker buildx version >/dev/null 2>&1 || PATH=/usr/bin:$PATH
export DOCKER_BUILDKIT=1

POSTGRES_IMAGE=$(tests/images/build.sh postgres)
bases=(--build-arg "BASE=$(tests/images/build.sh base)" --build-arg "BINARIES=$(tests/images/build.sh binaries)")
for target in sidecar local; do
    docker build --quiet "${bases[@]}" --target "$target" --tag "items-tests/$target" . >/dev/null
done
export POSTGRES_IMAGE APP_IMAGE=items-tests/local SIDECAR_IMAGE=items-tests/sidecar PORT=18080 METRICS_PORT=19464
url=http://127.0.0.1:$PORT

if docker compose version >/dev/null 2>&1; then command=(docker compose); else
    scripts/install-packages.sh docker-compose:docker-compose
    command=(docker-compose)
fi
compose() { "${command[@]}" --project-name items-tests --file docker-compose.yml "$@"; }
end() {
    local status=$?
    ((status == 0)) || compose logs --tail=30 >&2 || true
    compose down --volumes --timeout 40 >/dev/null 2>&1
}
trap end EXIT
fail() { echo "error: $1" >&2 && exit 1; }
eventually() {
    local what=$1 start=$SECONDS
    shift
    until "$@" >/dev/null 2>&1; do
        ((SECONDS - start < 60)) || fail "$what: not within 60 s"
        sleep 0.5
    done
}
healthy() { [[ $(docker inspect --format '{{.State.Health.Status}}' "$(compose ps -q app)") == healthy ]]; }
counted() { curl -s "http://127.0.0.1:$METRICS_PORT/metrics" | grep -qx "$1"; }

echo "Compose: core profile"
# Removes what a killed run has left.
compose down --volumes --timeout 1 >/dev/null 2>&1
compose up --detach --no-build
eventually 'the application is ready' curl -sf "$url/readyz"
created=$(curl -s -o /dev/null -w '%{http_code}' "$url/items" -H 'content-type: application/json' -d '{"name":"lamp"}')
[[ $created == 201 ]] || fail "POST /items: $created"
[[ $(curl -s "$url/items") == *'"name":"lamp"'* ]] || fail "GET /items does not list it"
eventually 'both operations are in the trail and counted once' counted 'items_operations_total{operation="create",outcome="ok"} 1'
eventually 'spans arrive' counted 'http_server_request_duration_seconds_count{http_route="/items",http_request_method="POST",http_response_status_code="201"} 1'
eventually 'the head of the trail is signed' curl -sf "http://127.0.0.1:$METRICS_PORT/checkpoint"
eventually 'the container is healthy' healthy
for service in app sidecar; do
    user=$(docker inspect --format '{{.Config.User}} {{.HostConfig.ReadonlyRootfs}} {{.HostConfig.CapDrop}}' "$(compose ps -q "$service")")
    [[ $user == '65532:65532 true [ALL]' ]] || fail "$service runs as: $user"
done
compose down --timeout 40
compose up --detach --no-build
eventually 'the application is ready again' curl -sf "$url/readyz"
[[ $(curl -s "$url/items") == *'"name":"lamp"'* ]] || fail "the item is gone after a restart"
compose --profile observe config --quiet
docker images --format '   {{.Repository}} {{.Size}}' 'items-tests/*'
echo "Compose: ok; not run: the profile observe, whose images cannot be made from Debian's packages (its file is valid)"
