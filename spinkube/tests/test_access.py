"""Checks the namespace's roles: who may read and write what, and that nothing reaches beyond the namespace."""

import build

READ = {"get", "list", "watch"}


def rights(rendered, role):
    """{"group/resource": verbs} of a Role."""
    found = {}
    for rule in build.kind(rendered, "Role")[role]["rules"]:
        assert rule.keys() == {"apiGroups", "resources", "verbs"}
        for group in rule["apiGroups"]:
            for resource in rule["resources"]:
                found.setdefault(f"{group}/{resource}", set()).update(rule["verbs"])
    return found


def test_a_deployer_writes_spinapps_and_reads_their_status_and_nothing_else(rendered):
    assert rights(rendered, "deployer") == {
        "core.spinkube.dev/spinapps": READ | {"create", "update", "patch", "delete"},
        "core.spinkube.dev/spinapps/status": {"get"},
        "apps/deployments": READ,
        "/pods": READ,
        "/events": READ,
        "/pods/log": {"get"},
    }


def test_a_viewer_only_reads_and_never_a_secret(rendered):
    found = rights(rendered, "viewer")
    assert all(verbs <= READ for verbs in found.values())
    assert not {"/secrets", "/configmaps", "/pods/exec", "/pods/portforward"} & found.keys()
    assert not any("*" in resource for resource in found)
    kinds = "spinapps spinappexecutors ingressroutes networkpolicies poddisruptionbudgets statefulsets jobs"
    assert set(kinds.split()) <= {resource.rpartition("/")[2] for resource in found}


def test_alloy_reads_pods_and_their_logs_only(rendered):
    assert rights(rendered, "log-reader") == {"/pods": READ, "/pods/log": {"get"}}


def test_each_role_is_bound_to_its_group_or_service_account(rendered):
    bindings = build.kind(rendered, "RoleBinding")
    found = {name: (r["roleRef"]["kind"], r["roleRef"]["name"], r["subjects"]) for name, r in bindings.items()}
    group = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Group"}
    assert found == {
        "deployer": ("Role", "deployer", [{**group, "name": "items-deployers"}]),
        "viewer": ("Role", "viewer", [{**group, "name": "items-viewers"}]),
        "log-reader": ("Role", "log-reader", [{"kind": "ServiceAccount", "name": "alloy", "namespace": "monitoring"}]),
    }
    assert found.keys() == build.kind(rendered, "Role").keys()
    assert build.kind(build.platform(), "ServiceAccount")["alloy"]["metadata"]["namespace"] == "monitoring"


def test_no_right_reaches_beyond_the_namespace(rendered):
    assert not build.kind(rendered, "ClusterRole") and not build.kind(rendered, "ClusterRoleBinding")
