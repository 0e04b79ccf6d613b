"""Checks the network policies: exactly the connections in the table of spinkube/README.md are possible."""

import re
from functools import cache

import build
import pods
import policies


@cache
def table():
    """The rows of the README's table, by column."""
    section = re.search(r"^## Network\n(.*?)^## ", (build.SPINKUBE / "README.md").read_text(), re.M | re.S)[1]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    head, _, *rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [dict(zip(head, row, strict=True)) for row in rows]


def test_exactly_the_connections_in_the_table_are_possible(variant, rendered):
    own, others = set(pods.own(rendered)), pods.NEIGHBOURS + pods.outside(rendered)
    found = policies.flows(build.kind(rendered, "NetworkPolicy").values(), own, others)
    listed = {
        (source, target, port)
        for row in table()
        if not row["With"] or row["With"] in build.components(variant)
        for source in row["From"].split(", ")
        for target in row["To"].split(", ")
        for port in row["Port"].split(", ")
    }
    assert found - listed == set(), "possible, but not in the table of spinkube/README.md"
    assert listed - found == set(), "in the table of spinkube/README.md, but not possible"


def test_every_row_of_the_table_names_pods_and_components_that_exist():
    peers = pods.NEIGHBOURS + [peer for name in build.VARIANTS for peer in pods.own(build.variant(name))]
    known = {peer.name for peer in peers}
    for row in table():
        assert {*row["From"].split(", "), *row["To"].split(", ")} <= known, row
        assert row["With"] in {"", *build.COMPONENTS}, row


def test_one_policy_denies_every_pod_everything(rendered):
    policy = build.kind(rendered, "NetworkPolicy")["deny-all"]
    assert policy["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    assert {policy["metadata"]["namespace"]} == {pod.namespace for pod in pods.own(rendered)}


def test_every_policy_selects_a_pod(rendered):
    own = list(pods.own(rendered))
    for name, policy in build.kind(rendered, "NetworkPolicy").items():
        assert any(policies.selects(policy["spec"]["podSelector"], pod.labels) for pod in own), name
