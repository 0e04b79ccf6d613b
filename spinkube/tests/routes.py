"""Evaluates Traefik's routing rules, as far as they are used here: which route takes a request?"""

import re
from urllib.parse import unquote

import build

MATCHER = re.compile(r"(\w+)\((`[^`]*`(?:,\s*`[^`]*`)*)\)")


def matches(rule, method, path, host):
    """Whether a rule matches."""

    def matcher(found):
        match found[1], re.findall("`([^`]*)`", found[2]):
            case "Path", [expected]:
                return str(unquote(path) == expected)
            case "PathPrefix", [prefix]:
                return str(unquote(path).startswith(prefix))
            case "PathRegexp", [pattern]:
                return str(re.search(pattern, unquote(path)) is not None)
            case "HostRegexp", [pattern]:
                return str(re.search(pattern, host) is not None)
            case "Method", [expected]:
                return str(method == expected)
        raise AssertionError(f"unknown matcher {found[0]}")

    python = MATCHER.sub(matcher, rule).replace("&&", " and ").replace("||", " or ").replace("!", " not ")
    assert set(re.findall(r"[^\s()]+", python)) <= {"True", "False", "and", "or", "not"}, f"cannot evaluate {rule}"
    return eval(python)  # noqa: S307


def taken(rendered, method, path, entry_point, host="items.example"):
    """The matching route with the highest priority, and the same of its children, as one route with the middlewares of
    both. None means that Traefik answers 404."""

    def best(specs):
        found = [route | {"of": name} for name, spec in specs.items() for route in spec["routes"]]
        found = [route for route in found if matches(route["match"], method, path, host)]
        assert len({route["priority"] for route in found}) == len(found), "two matching routes have the same priority"
        return max(found, key=lambda route: route["priority"], default=None)

    held = build.specs(rendered, "IngressRoute")
    route = best({name: spec for name, spec in held.items() if entry_point in spec.get("entryPoints", [])})
    if route is None or "services" in route:
        return route
    child = best({name: spec for name, spec in held.items() if {"name": route["of"]} in spec.get("parentRefs", [])})
    return child and child | {"middlewares": route["middlewares"] + child["middlewares"]}


def middlewares(rendered, route):
    """{name: settings} of the middlewares of a route, in their order."""
    held = build.specs(rendered, "Middleware")
    return {entry["name"]: held[entry["name"]] for entry in route["middlewares"]}
