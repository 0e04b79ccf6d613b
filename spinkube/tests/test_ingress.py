"""Checks the ingress: which requests pass, and through which middlewares."""

import json
import re
from itertools import product

import build
import routes

CONTRACT = json.loads((build.ROOT / "components/items/assets/openapi.json").read_text())["paths"]
PUBLIC = [path.replace("{id}", "7") for path in CONTRACT]
READING = ("GET", "HEAD", "OPTIONS")
METHODS = (*READING, "POST", "PUT", "DELETE", "PATCH")
REQUESTS = list(product(METHODS, PUBLIC, ({}, {"idempotency-key": "k"})))
HIDDEN = """/.well-known/spin/health /.well-known/spin/info /.well-known/spin/%69nfo /items/../.well-known/spin/info
    /items/.well-known/spin/info /items/ //items /items/7/ /items/7/x /items/7%2Fx /ITEMS /x/items
    /events /livez/ /readyz/x /metrics /openapi.jsonx""".split()


def take(variant, rendered, request):
    return routes.taken(rendered, *request, "websecure" if "tls" in build.components(variant) else "web")


def test_every_path_of_the_contract_is_public_and_no_other(variant, rendered):
    assert len(PUBLIC) == 6
    for request in REQUESTS:
        assert take(variant, rendered, request)["services"] == [{"name": "items", "port": 80}], request
    for method, path in product(METHODS, HIDDEN):
        assert take(variant, rendered, (method, path, {"idempotency-key": "k"})) is None, (method, path)


def test_each_kind_of_request_passes_its_middlewares_in_this_order(variant, rendered):
    for method, path, headers in REQUESTS:
        expected = ["headers", "rateLimit", "inFlightReq"]
        if method in READING:
            # Traefik's limit on bodies would also hold back the response, and lists are streamed.
            expected += ["retry"]
        else:
            expected += ["forwardAuth"] if "auth" in build.components(variant) else []
            # Keeps the body, so that a retry sends all of it again.
            expected += ["buffering"]
            repeatable = method in ("PUT", "DELETE") if path == "/items/7" else method == "POST" and headers
            expected += ["retry"] if repeatable and path.startswith("/items") else []
        found = routes.middlewares(rendered, take(variant, rendered, (method, path, headers)))
        assert list(found) == expected, (method, path, headers)
        assert found["headers"]["contentTypeNosniff"] and found["headers"]["frameDeny"]


def test_bodies_are_limited_to_what_items_accepts(rendered):
    source = "".join(path.read_text() for path in (build.ROOT / "components/items/src").rglob("*.rs"))
    factors = re.search(r"MAX_BODY: usize = ([0-9* ]+);", source)[1].split("*")
    limit = build.specs(rendered, "Middleware")["body"]["buffering"]["maxRequestBodyBytes"]
    assert limit == int(factors[0]) * int(factors[1])


def test_one_caller_cannot_use_all_connections_of_a_pod(rendered):
    """Traefik creates a middleware for each route that names it, and each counts for itself."""
    found = build.specs(rendered, "IngressRoute")["items"]["routes"]
    amounts = [routes.middlewares(rendered, route)["inFlightReq"]["amount"] for route in found]
    assert len(amounts) == 3 and sum(amounts) < 64


def test_only_the_service_that_authorises_sets_the_actor(variant, rendered):
    held = build.specs(rendered, "Middleware")
    added = held["auth"]["forwardAuth"]["authResponseHeaders"] if "auth" in build.components(variant) else []
    assert held["headers"]["headers"].get("customRequestHeaders", {}) == {header: "" for header in added}


def test_with_tls_everything_unencrypted_is_redirected(variant, rendered):
    held = build.specs(rendered, "IngressRoute")
    if "tls" not in build.components(variant):
        assert all("tls" not in route for route in held.values())
        return
    for path in [*PUBLIC, "/anything"]:
        route = routes.taken(rendered, "GET", path, {}, "web")
        assert routes.middlewares(rendered, route) == {"redirectScheme": {"scheme": "https", "permanent": True}}
        # Lower than the Ingress of Let's Encrypt's challenge, whose priority is the length of its rule.
        assert route["priority"] == 1
    assert held["items"]["tls"] and build.specs(rendered, "Middleware")["headers"]["headers"]["stsSeconds"] >= 31536000
