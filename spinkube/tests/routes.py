"""Traefik's routing, as far as the routes here use it: which route takes a request?"""

import re
from dataclasses import dataclass, field
from urllib.parse import unquote

TOKENS = re.compile(r"\s*(?:(\w+)\(((?:`[^`]*`(?:,\s*)?)+)\)|(&&|\|\||\(|\)))")


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    headers: dict = field(default_factory=dict)


def _matches(name, arguments, request):
    path = unquote(request.path)
    match name, arguments:
        case "Path", [expected]:
            return path == expected
        case "PathPrefix", [prefix]:
            return path.startswith(prefix)
        case "PathRegexp", [pattern]:
            return re.search(pattern, path) is not None
        case "Method", [method]:
            return request.method == method
        case "HeaderRegexp", [header, pattern]:
            return any(key.lower() == header.lower() and re.search(pattern, value) for key, value in request.headers.items())
    raise AssertionError(f"unknown matcher {name}({arguments})")


def matches(rule, request):
    python, position = [], 0
    while position < len(rule.rstrip()):
        token = TOKENS.match(rule, position)
        assert token, f"not understood from here: {rule[position:]}"
        name, arguments, operator = token.groups()
        if name:
            python.append(str(_matches(name, re.findall("`([^`]*)`", arguments), request)))
        else:
            python.append({"&&": "and", "||": "or"}.get(operator, operator))
        position = token.end()
    # Only True, False, and, or and brackets are left.
    return eval(" ".join(python))  # noqa: S307


def taken(rendered, request, entry_point):
    """The route that takes a request: of those that match, the one with the highest priority; None means 404."""
    routes = [
        route
        for resource in rendered
        if resource["kind"] == "IngressRoute" and entry_point in resource["spec"]["entryPoints"]
        for route in resource["spec"]["routes"]
        if matches(route["match"], request)
    ]
    priorities = [route["priority"] for route in routes]
    assert len(priorities) == len(set(priorities)), "which one is left to chance"
    return max(routes, key=lambda route: route["priority"], default=None)


def middlewares(rendered, route):
    """What a route puts before the service, in order: (kind, settings)."""
    held = {r["metadata"]["name"]: r["spec"] for r in rendered if r["kind"] == "Middleware"}
    return [next(iter(held[middleware["name"]].items())) for middleware in route.get("middlewares", [])]
