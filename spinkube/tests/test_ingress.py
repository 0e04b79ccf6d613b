"""Checks the ingress: which requests pass, and through which middlewares."""

import json
import re
from itertools import product

import build
import routes
from spin_operator import expand

CONTRACT = json.loads((build.ROOT / "components/items/assets/openapi.json").read_text())["paths"]
PUBLIC = [path.replace("{id}", "7") for path in CONTRACT]
READING = ("GET", "HEAD", "OPTIONS")
METHODS = (*READING, "POST", "PUT", "DELETE", "PATCH")
REQUESTS = list(product(METHODS, PUBLIC))
HIDDEN = """/.well-known/spin/health /.well-known/spin/info /.well-known/spin/%69nfo /items/../.well-known/spin/info
    /items/.well-known/spin/info /items/ //items /items/7/ /items/7/x /items/7%2Fx /ITEMS /x/items
    /events /livez/ /readyz/x /metrics /openapi.jsonx""".split()


def take(variant, rendered, request, **more):
    return routes.taken(rendered, *request, "websecure" if "tls" in build.components(variant) else "web", **more)


def test_every_path_of_the_contract_is_public_and_no_other(variant, rendered):
    assert len(PUBLIC) == 6
    for request in REQUESTS:
        [service] = take(variant, rendered, request)["services"]
        assert service == {"name": "items", "port": 80, "serversTransport": "items"}, request
    for request in product(METHODS, HIDDEN):
        assert take(variant, rendered, request) is None, request
    for request in REQUESTS:
        assert take(variant, rendered, request, host="AUDIT.spin.internal") is None, request


def test_every_request_passes_the_limits_and_then_what_its_method_needs(variant, rendered):
    for method, path in REQUESTS:
        expected = ["headers", "rate", "in-flight", "in-flight-total"]
        if method not in READING:
            # Traefik's limit on bodies would also hold back the response, and lists are streamed.
            expected += ["auth"] if "auth" in build.components(variant) else []
            # Keeps the body, so that a retry sends all of it again.
            expected += ["body"]
        found = routes.middlewares(rendered, take(variant, rendered, (method, path)))
        assert list(found) == [*expected, "retry"], (method, path)
        assert found["headers"]["headers"]["contentTypeNosniff"] and found["headers"]["headers"]["frameDeny"]


def test_a_pod_that_is_gone_is_noticed_before_a_caller_does(rendered):
    """A dial that failed has sent nothing, so that Traefik may retry it, a POST too."""
    [transport] = build.specs(rendered, "ServersTransport").values()
    assert transport["forwardingTimeouts"]["dialTimeout"] == "500ms"
    for deployment in (r for r in expand(rendered) if build.name(r) in build.kind(rendered, "SpinApp")):
        if deployment["kind"] == "Deployment":
            [container] = deployment["spec"]["template"]["spec"]["containers"]
            assert container["lifecycle"]["preStop"] == {"sleep": {"seconds": 5}}


def test_bodies_are_limited_to_what_items_accepts(rendered):
    source = "".join(path.read_text() for path in (build.ROOT / "components/items/src").rglob("*.rs"))
    factors = re.search(r"MAX_BODY: usize = ([0-9* ]+);", source)[1].split("*")
    limit = build.specs(rendered, "Middleware")["body"]["buffering"]["maxRequestBodyBytes"]
    assert limit == int(factors[0]) * int(factors[1])


def test_one_caller_cannot_use_all_connections_of_a_pod_and_all_are_counted_under_one_key(rendered):
    held = build.specs(rendered, "Middleware")
    assert held["in-flight"]["inFlightReq"]["amount"] < 64
    [key] = held["in-flight-total"]["inFlightReq"]["sourceCriterion"].values()
    assert held["headers"]["headers"]["customRequestHeaders"][key] == "items", "a caller must not choose it"


def test_only_the_service_that_authorises_sets_the_actor(variant, rendered):
    held = build.specs(rendered, "Middleware")
    added = held["auth"]["forwardAuth"]["authResponseHeaders"] if "auth" in build.components(variant) else []
    removed = [header for header, value in held["headers"]["headers"]["customRequestHeaders"].items() if not value]
    assert removed == added


def test_with_tls_everything_unencrypted_is_redirected(variant, rendered):
    held = build.specs(rendered, "IngressRoute")
    if "tls" not in build.components(variant):
        assert all("tls" not in route for route in held.values())
        return
    for path in [*PUBLIC, "/anything"]:
        route = routes.taken(rendered, "GET", path, "web")
        assert routes.middlewares(rendered, route) == {"redirect": {"redirectScheme": {"scheme": "https", "permanent": True}}}
        # Lower than the Ingress of Let's Encrypt's challenge, whose priority is the length of its rule.
        assert route["priority"] == 1
    assert held["items"]["tls"] and build.specs(rendered, "Middleware")["headers"]["headers"]["stsSeconds"] >= 31536000
