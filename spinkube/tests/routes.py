"""Evaluates Traefik's routing rules, as far as they are used here: which route takes a request?"""

import re
from dataclasses import dataclass, field
from urllib.parse import unquote

import build

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
            values = [value for key, value in request.headers.items() if key.lower() == header.lower()]
            return any(re.search(pattern, value) for value in values)
    raise AssertionError(f"unknown matcher {name}({arguments})")


def matches(rule, request):
    python, position = [], 0
    while position < len(rule.rstrip()):
        token = TOKENS.match(rule, position)
        assert token, f"cannot parse from here: {rule[position:]}"
        name, arguments, operator = token.groups()
        if name:
            python.append(str(_matches(name, re.findall("`([^`]*)`", arguments), request)))
        else:
            python.append({"&&": "and", "||": "or"}.get(operator, operator))
        position = token.end()
    # Only True, False, and, or and brackets are left.
    return eval(" ".join(python))  # noqa: S307


def taken(rendered, request, entry_point):
    """The matching route with the highest priority; None means that Traefik answers 404."""
    routes = [
        route
        for resource in build.kind(rendered, "IngressRoute").values()
        if entry_point in resource["spec"]["entryPoints"]
        for route in resource["spec"]["routes"]
        if matches(route["match"], request)
    ]
    priorities = [route["priority"] for route in routes]
    assert len(priorities) == len(set(priorities)), "two matching routes have the same priority"
    return max(routes, key=lambda route: route["priority"], default=None)


def middlewares(rendered, route):
    """The middlewares of a route in order: (kind, settings)."""
    held = build.kind(rendered, "Middleware")
    return [next(iter(held[middleware["name"]]["spec"].items())) for middleware in route.get("middlewares", [])]
