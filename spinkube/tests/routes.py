"""Evaluates Traefik's routing rules, as far as they are used here: which route takes a request?"""

import re
from urllib.parse import unquote

import build

MATCHER = re.compile(r"(\w+)\((`[^`]*`(?:,\s*`[^`]*`)*)\)")


def matches(rule, method, path, headers):
    """Whether a rule matches. `headers` have names in small letters."""

    def matcher(found):
        match found[1], re.findall("`([^`]*)`", found[2]):
            case "Path", [expected]:
                return str(unquote(path) == expected)
            case "PathPrefix", [prefix]:
                return str(unquote(path).startswith(prefix))
            case "PathRegexp", [pattern]:
                return str(re.search(pattern, unquote(path)) is not None)
            case "Method", [expected]:
                return str(method == expected)
            case "HeaderRegexp", [header, pattern]:
                return str(re.search(pattern, headers.get(header.lower(), "")) is not None)
        raise AssertionError(f"unknown matcher {found[0]}")

    python = MATCHER.sub(matcher, rule).replace("&&", " and ").replace("||", " or ")
    assert set(re.findall(r"[^\s()]+", python)) <= {"True", "False", "and", "or"}, f"cannot evaluate {rule}"
    return eval(python)  # noqa: S307


def taken(rendered, method, path, headers, entry_point):
    """The matching route with the highest priority; None means that Traefik answers 404."""
    ingresses = build.specs(rendered, "IngressRoute").values()
    routes = [route for spec in ingresses if entry_point in spec["entryPoints"] for route in spec["routes"]]
    routes = [route for route in routes if matches(route["match"], method, path, headers)]
    assert len({route["priority"] for route in routes}) == len(routes), "two matching routes have the same priority"
    return max(routes, key=lambda route: route["priority"], default=None)


def middlewares(rendered, route):
    """{kind: settings} of the middlewares of a route, in their order."""
    held = build.specs(rendered, "Middleware")
    return {kind: settings for entry in route["middlewares"] for kind, settings in held[entry["name"]].items()}
