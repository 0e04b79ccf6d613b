import json
import re

import build
import pytest
from routes import Request, middlewares, taken

CONTRACT = json.loads((build.ROOT / "components/items/assets/openapi.json").read_text())["paths"]
PUBLIC = [path.replace("{id}", "7") for path in CONTRACT]
READING = ("GET", "HEAD", "OPTIONS")
METHODS = (*READING, "POST", "PUT", "DELETE", "PATCH")
KEYED = {"idempotency-key": "k"}


@pytest.fixture(scope="session")
def take(variant, rendered):
    entry_point = "websecure" if "tls" in build.components(variant) else "web"
    return lambda method, path, headers=None: taken(rendered, Request(method, path, headers or {}), entry_point)


@pytest.fixture(scope="session")
def kinds(rendered):
    return lambda route: [kind for kind, _ in middlewares(rendered, route)]


def test_the_contract_is_public(take):
    assert len(PUBLIC) == 6
    for path in PUBLIC:
        for method in METHODS:
            assert take(method, path)["services"] == [{"name": "items", "port": 80}], (method, path)


def test_nothing_else_is_public(take):
    paths = """/.well-known/spin/health /.well-known/spin/info /.well-known/spin/%69nfo /items/../.well-known/spin/info /events
        /items/ //items /items/7/ /items/7/x /items/7%2Fx /items/.well-known/spin/info /livez/ /readyz/x /metrics /openapi.jsonx
        /ITEMS /x/items /""".split()[:-1]
    for path in paths:
        for method in METHODS:
            assert take(method, path, KEYED) is None, (method, path)


def test_lists_are_not_held_back(take, kinds):
    """Traefik's limit on bodies collects the whole answer before it sends the first byte."""
    for path in PUBLIC:
        for method in READING:
            assert "buffering" not in kinds(take(method, path))


def test_bodies_are_limited_to_what_items_takes(rendered, take, kinds):
    source = (build.ROOT / "components/items/src/input.rs").read_text()
    factors = re.search(r"MAX_BODY: usize = ([0-9* ]+);", source)[1].split("*")
    limit = build.one(rendered, "Middleware", "body")["spec"]["buffering"]["maxRequestBodyBytes"]
    assert limit == int(factors[0]) * int(factors[1])
    for path in PUBLIC:
        for method in set(METHODS) - set(READING):
            for headers in ({}, KEYED):
                assert "buffering" in kinds(take(method, path, headers)), (method, path)


def test_only_what_may_be_repeated_is_retried(take, kinds):
    for path in PUBLIC:
        assert all("retry" in kinds(take(method, path)) for method in READING)
    for method, path, headers, retried in (
        ("POST", "/items", {}, False),
        ("POST", "/items", KEYED, True),
        ("POST", "/items/7", KEYED, False),
        ("PUT", "/items/7", {}, True),
        ("DELETE", "/items/7", {}, True),
        ("PATCH", "/items/7", {}, False),
    ):
        assert ("retry" in kinds(take(method, path, headers))) == retried, (method, path, headers)


def test_a_retry_has_the_whole_body_again(take, kinds):
    """Whoever holds the body must stand before who repeats the request."""
    order = kinds(take("PUT", "/items/7"))
    assert order.index("buffering") < order.index("retry")


def test_every_request_is_limited_and_guarded(rendered, take):
    for path in PUBLIC:
        for method in METHODS:
            found = dict(middlewares(rendered, take(method, path)))
            assert {"headers", "rateLimit", "inFlightReq"} <= found.keys()
            assert found["headers"]["contentTypeNosniff"] and found["headers"]["frameDeny"]


def test_one_caller_never_has_all_of_a_pods_connections(rendered):
    """Traefik makes a middleware anew for each route that names it: each has its own count."""
    routes = [route for r in build.kind(rendered, "IngressRoute", "items") for route in r["spec"]["routes"]]
    amounts = [dict(middlewares(rendered, route))["inFlightReq"]["amount"] for route in routes]
    assert len(amounts) == 3 and sum(amounts) < 64


def test_with_auth_every_write_is_asked_about_and_no_caller_names_himself(variant, rendered, take, kinds):
    present = "auth" in build.components(variant)
    for path in PUBLIC:
        for method in METHODS:
            for headers in ({}, KEYED):
                order = kinds(take(method, path, headers))
                assert ("forwardAuth" in order) == (present and method not in READING), (method, path)
                if "forwardAuth" in order:
                    assert order.index("headers") < order.index("rateLimit") < order.index("forwardAuth") < order.index("buffering")
    stripped = build.one(rendered, "Middleware", "headers")["spec"]["headers"].get("customRequestHeaders", {})
    told = [m["spec"]["forwardAuth"]["authResponseHeaders"] for m in build.kind(rendered, "Middleware") if "forwardAuth" in m["spec"]]
    assert stripped == {header: "" for headers in told for header in headers}


def test_with_tls_nothing_is_answered_in_the_clear(variant, rendered):
    if "tls" not in build.components(variant):
        assert all("tls" not in route["spec"] for route in build.kind(rendered, "IngressRoute"))
        return
    for path in [*PUBLIC, "/anything"]:
        route = taken(rendered, Request("GET", path), "web")
        assert middlewares(rendered, route) == [("redirectScheme", {"scheme": "https", "permanent": True})]
        # The proof of a certificate comes by an Ingress: its rule is longer than 1.
        assert route["priority"] == 1
    assert build.one(rendered, "IngressRoute", "items")["spec"]["tls"] == {"secretName": "items-tls"}
    assert build.one(rendered, "Middleware", "headers")["spec"]["headers"]["stsSeconds"] >= 31536000
