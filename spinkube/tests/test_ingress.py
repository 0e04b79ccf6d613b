"""Checks the ingress: which requests pass, and through which middlewares."""

import json
import re

import build
import pytest
from routes import Request, middlewares, taken

CONTRACT = json.loads((build.ROOT / "components/items/assets/openapi.json").read_text())["paths"]
PUBLIC = [path.replace("{id}", "7") for path in CONTRACT]
READING = ("GET", "HEAD", "OPTIONS")
WRITING = ("POST", "PUT", "DELETE", "PATCH")
METHODS = (*READING, *WRITING)
KEYED = {"idempotency-key": "k"}


@pytest.fixture(scope="session")
def take(variant, rendered):
    """The route that takes a request."""
    entry_point = "websecure" if "tls" in build.components(variant) else "web"
    return lambda method, path, headers=None: taken(rendered, Request(method, path, headers or {}), entry_point)


@pytest.fixture(scope="session")
def kinds(rendered, take):
    """The kinds of the middlewares that a request passes."""
    return lambda *request: [kind for kind, _ in middlewares(rendered, take(*request))]


def test_every_path_of_the_contract_is_public(take):
    assert len(PUBLIC) == 6
    for path in PUBLIC:
        for method in METHODS:
            assert take(method, path)["services"] == [{"name": "items", "port": 80}], (method, path)


def test_no_other_path_is_public(take):
    paths = """/.well-known/spin/health /.well-known/spin/info /.well-known/spin/%69nfo /items/../.well-known/spin/info
        /items/.well-known/spin/info /items/ //items /items/7/ /items/7/x /items/7%2Fx /ITEMS /x/items
        /events /livez/ /readyz/x /metrics /openapi.jsonx"""
    assert [(method, path) for path in paths.split() for method in METHODS if take(method, path, KEYED)] == []


def test_reading_has_no_limit_on_bodies(kinds):
    """Traefik's limit would also hold back the response, and lists are streamed."""
    for path in PUBLIC:
        assert all("buffering" not in kinds(method, path) for method in READING)


def test_writing_is_limited_to_the_bodies_that_items_accepts(rendered, kinds):
    source = "".join(path.read_text() for path in (build.ROOT / "components/items/src").rglob("*.rs"))
    factors = re.search(r"MAX_BODY: usize = ([0-9* ]+);", source)[1].split("*")
    limit = build.specs(rendered, "Middleware")["body"]["buffering"]["maxRequestBodyBytes"]
    assert limit == int(factors[0]) * int(factors[1])
    for path in PUBLIC:
        for method in WRITING:
            assert "buffering" in kinds(method, path) and "buffering" in kinds(method, path, KEYED), (method, path)


def test_only_requests_that_may_be_repeated_are_retried(kinds):
    for path in PUBLIC:
        assert all("retry" in kinds(method, path) for method in READING)
    for method, path, headers, retried in (
        ("POST", "/items", {}, False),
        ("POST", "/items", KEYED, True),
        ("POST", "/items/7", KEYED, False),
        ("PUT", "/items/7", {}, True),
        ("DELETE", "/items/7", {}, True),
        ("PATCH", "/items/7", {}, False),
    ):
        assert ("retry" in kinds(method, path, headers)) == retried, (method, path, headers)


def test_a_retry_sends_the_whole_body_again(kinds):
    """The middleware that keeps the body comes before the one that repeats the request."""
    order = kinds("PUT", "/items/7")
    assert order.index("buffering") < order.index("retry")


def test_every_request_is_limited_and_gets_security_headers(rendered, take):
    for path in PUBLIC:
        for method in METHODS:
            found = dict(middlewares(rendered, take(method, path)))
            assert {"headers", "rateLimit", "inFlightReq"} <= found.keys()
            assert found["headers"]["contentTypeNosniff"] and found["headers"]["frameDeny"]


def test_one_caller_cannot_use_all_connections_of_a_pod(rendered):
    """Traefik creates a middleware for each route that names it, and each counts for itself."""
    routes = build.specs(rendered, "IngressRoute")["items"]["routes"]
    amounts = [dict(middlewares(rendered, route))["inFlightReq"]["amount"] for route in routes]
    assert len(amounts) == 3 and sum(amounts) < 64


def test_with_auth_every_write_is_authorised_and_no_caller_sets_the_actor(variant, rendered, kinds):
    present = "auth" in build.components(variant)
    for path in PUBLIC:
        for method in METHODS:
            for headers in ({}, KEYED):
                order = kinds(method, path, headers)
                assert ("forwardAuth" in order) == (present and method not in READING), (method, path)
                if "forwardAuth" in order:
                    expected = ("headers", "rateLimit", "forwardAuth", "buffering")
                    assert [kind for kind in order if kind in expected] == list(expected)
    held = build.specs(rendered, "Middleware")
    removed = held["headers"]["headers"].get("customRequestHeaders", {})
    added = held["auth"]["forwardAuth"]["authResponseHeaders"] if present else []
    assert removed == {header: "" for header in added}


def test_with_tls_everything_unencrypted_is_redirected(variant, rendered):
    held = build.specs(rendered, "IngressRoute")
    if "tls" not in build.components(variant):
        assert all("tls" not in route for route in held.values())
        return
    for path in [*PUBLIC, "/anything"]:
        route = taken(rendered, Request("GET", path), "web")
        assert middlewares(rendered, route) == [("redirectScheme", {"scheme": "https", "permanent": True})]
        # Lower than the Ingress of Let's Encrypt's challenge, whose priority is the length of its rule.
        assert route["priority"] == 1
    assert held["items"]["tls"] == {"secretName": "items-tls"}
    assert build.specs(rendered, "Middleware")["headers"]["headers"]["stsSeconds"] >= 31536000
