import build
import pods
import policies
import readme


def test_exactly_the_listed_flows_pass(variant, rendered):
    own = set(pods.own(rendered))
    found = policies.flows(build.kind(rendered, "NetworkPolicy"), own, pods.NEIGHBOURS + pods.outside(rendered))
    listed = readme.flows(build.components(variant))
    assert found - listed == set(), "permitted, but not in the table of spinkube/README.md"
    assert listed - found == set(), "in the table of spinkube/README.md, but not permitted"


def test_every_row_of_the_table_is_about_something_that_is_built():
    known = {peer.name for name in build.VARIANTS for peer in pods.own(build.variant(name))} | {p.name for p in pods.NEIGHBOURS}
    for row in readme.table("Network"):
        assert {*row["From"].split(", "), *row["To"].split(", ")} <= known, row
        assert row["With"] in {"", *build.COMPONENTS}, row


def test_every_pod_is_denied_first(rendered):
    denying = [
        policy
        for policy in build.kind(rendered, "NetworkPolicy")
        if policy["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    ]
    assert {policy["metadata"]["namespace"] for policy in denying} == {pod.namespace for pod in pods.own(rendered)}


def test_every_policy_selects_a_pod(rendered):
    own = list(pods.own(rendered))
    for policy in build.kind(rendered, "NetworkPolicy"):
        assert any(policies.selects(policy["spec"]["podSelector"], pod.labels) for pod in own), policy["metadata"]["name"]
