"""NetworkPolicy, evaluated: may this peer open a connection to that one?"""

import ipaddress
from itertools import product

# Every port that anything here listens on, and some that nobody should ask.
PORTS = [("UDP", 53)] + [("TCP", port) for port in (22, 53, 80, 443, 3100, 4318, 5432, 6443, 8000, 8089, 9187, 9464, 10250)]

# Where K3s's pods are, unless cluster-cidr says otherwise.
POD = "10.42.0.9"


def selects(selector, labels):
    """Whether a label selector matches; what this does not know it refuses."""
    assert not selector.keys() - {"matchLabels", "matchExpressions"}, selector
    labels = dict(labels)
    if any(labels.get(key) != value for key, value in selector.get("matchLabels", {}).items()):
        return False
    for expression in selector.get("matchExpressions", []):
        assert expression["operator"] == "In", expression
        if labels.get(expression["key"]) not in expression["values"]:
            return False
    return True


def _peer(rule, peer, namespace):
    assert not rule.keys() - {"podSelector", "namespaceSelector", "ipBlock"}, rule
    if "ipBlock" in rule:
        # A range takes in the addresses of pods too.
        address = ipaddress.ip_address(peer.address or POD)
        inside = [address in ipaddress.ip_network(block) for block in (rule["ipBlock"]["cidr"], *rule["ipBlock"].get("except", []))]
        return inside[0] and not any(inside[1:])
    if peer.namespace is None:
        return False
    if "namespaceSelector" in rule:
        # The label every namespace has by itself.
        if not selects(rule["namespaceSelector"], {"kubernetes.io/metadata.name": peer.namespace}):
            return False
    elif peer.namespace != namespace:
        return False
    return selects(rule.get("podSelector", {}), peer.labels)


def _ports(rule, protocol, port):
    if "ports" not in rule:
        return True
    assert all(isinstance(entry["port"], int) for entry in rule["ports"]), rule
    return any(entry.get("protocol", "TCP") == protocol and entry["port"] == port for entry in rule["ports"])


def _side(policies, direction, pod, other, protocol, port):
    """Whether `pod` itself permits it: an unselected pod, or one outside of these policies' namespaces, permits everything."""
    if pod.namespace is None:
        return True
    binding = [
        policy
        for policy in policies
        if policy["metadata"]["namespace"] == pod.namespace
        and direction in policy["spec"]["policyTypes"]
        and selects(policy["spec"]["podSelector"], pod.labels)
    ]
    key, side = ("ingress", "from") if direction == "Ingress" else ("egress", "to")
    return not binding or any(
        (side not in rule or any(_peer(peer, other, pod.namespace) for peer in rule[side])) and _ports(rule, protocol, port)
        for policy in binding
        for rule in policy["spec"].get(key, [])
    )


def permits(policies, source, target, protocol, port):
    return _side(policies, "Egress", source, target, protocol, port) and _side(
        policies, "Ingress", target, source, protocol, port
    )


def flows(policies, own, neighbours):
    """{(from, to, "PROTOCOL port")} of all that is permitted and begins or ends at one of the own pods."""
    everybody = [*own, *neighbours]
    return {
        (source.name, target.name, f"{port}/{protocol}")
        for source, target, (protocol, port) in product(everybody, everybody, PORTS)
        if (source in own or target in own) and permits(policies, source, target, protocol, port)
    }
