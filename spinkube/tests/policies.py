"""Evaluates NetworkPolicies: may one peer open a connection to another?"""

import ipaddress
from itertools import product

# Every port that anything here listens on, and some that nothing may reach.
TCP = (22, 53, 80, 443, 3100, 4318, 5432, 6443, 8000, 8089, 9127, 9187, 9464, 10250)
PORTS = [("UDP", 53)] + [("TCP", port) for port in TCP]

# An address of a pod in K3s's default cluster-cidr.
POD = "10.42.0.9"


def selects(selector, labels):
    """Whether a label selector matches. Fails on a selector that this does not evaluate."""
    assert not selector.keys() - {"matchLabels", "matchExpressions"}, selector
    labels = dict(labels)
    expressions = selector.get("matchExpressions", [])
    assert {expression["operator"] for expression in expressions} <= {"In", "DoesNotExist"}, expressions
    return selector.get("matchLabels", {}).items() <= labels.items() and all(
        labels.get(expression["key"]) in expression.get("values", [None]) for expression in expressions
    )


def _peer(rule, peer, namespace):
    assert not rule.keys() - {"podSelector", "namespaceSelector", "ipBlock"}, rule
    if "ipBlock" in rule:
        # A range of addresses matches pods in it, too.
        address = ipaddress.ip_address(peer.address or POD)
        blocks = (rule["ipBlock"]["cidr"], *rule["ipBlock"].get("except", []))
        included, *excluded = [address in ipaddress.ip_network(block) for block in blocks]
        return included and not any(excluded)
    if peer.namespace is None:
        return False
    if "namespaceSelector" in rule:
        # Kubernetes sets this label on every namespace.
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
    """Whether the policies of `pod` permit it. A pod that no policy selects, and an address, permit everything."""
    if pod.namespace is None:
        return True
    selecting = [
        policy
        for policy in policies
        if policy["metadata"]["namespace"] == pod.namespace
        and direction in policy["spec"]["policyTypes"]
        and selects(policy["spec"]["podSelector"], pod.labels)
    ]
    key, side = ("ingress", "from") if direction == "Ingress" else ("egress", "to")
    return not selecting or any(
        (side not in rule or any(_peer(peer, other, pod.namespace) for peer in rule[side]))
        and _ports(rule, protocol, port)
        for policy in selecting
        for rule in policy["spec"].get(key, [])
    )


def flows(policies, own, neighbours):
    """{(from, to, "PORT/PROTOCOL")} of all permitted connections that begin or end at one of the own pods."""
    everybody = [*own, *neighbours]
    return {
        (source.name, target.name, f"{port}/{protocol}")
        for source, target, (protocol, port) in product(everybody, everybody, PORTS)
        if (source in own or target in own)
        and _side(policies, "Egress", source, target, protocol, port)
        and _side(policies, "Ingress", target, source, protocol, port)
    }
