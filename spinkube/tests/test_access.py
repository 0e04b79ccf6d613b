import build

READ = {"get", "list", "watch"}


def rights(rendered, role):
    """{"group/resource": verbs} of a Role."""
    found = {}
    for rule in build.one(rendered, "Role", role)["rules"]:
        assert rule.keys() == {"apiGroups", "resources", "verbs"}
        for group in rule["apiGroups"]:
            for resource in rule["resources"]:
                found.setdefault(f"{group}/{resource}", set()).update(rule["verbs"])
    return found


def test_a_deployer_changes_spinapps_and_reads_status_and_nothing_else(rendered):
    assert rights(rendered, "deployer") == {
        "core.spinkube.dev/spinapps": READ | {"create", "update", "patch", "delete"},
        "core.spinkube.dev/spinapps/status": {"get"},
        "apps/deployments": READ,
        "/pods": READ,
        "/events": READ,
        "/pods/log": {"get"},
    }


def test_a_viewer_reads_and_never_a_secret(rendered):
    found = rights(rendered, "viewer")
    assert all(verbs <= READ for verbs in found.values())
    assert not {"/secrets", "/configmaps", "/pods/exec", "/pods/portforward"} & found.keys()
    assert not any("*" in resource for resource in found)
    # It sees everything of which this is made, but for settings and credentials.
    kinds = {"spinapps", "spinappexecutors", "ingressroutes", "networkpolicies", "poddisruptionbudgets", "statefulsets", "jobs"}
    assert kinds <= {resource.rpartition("/")[2] for resource in found}


def test_alloy_reads_pods_and_their_logs(rendered):
    assert rights(rendered, "log-reader") == {"/pods": READ, "/pods/log": {"get"}}


def test_who_has_which_role(rendered):
    found = {r["metadata"]["name"]: (r["roleRef"]["kind"], r["roleRef"]["name"], r["subjects"]) for r in build.kind(rendered, "RoleBinding")}
    group = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Group"}
    assert found == {
        "deployer": ("Role", "deployer", [{**group, "name": "items-deployers"}]),
        "viewer": ("Role", "viewer", [{**group, "name": "items-viewers"}]),
        "log-reader": ("Role", "log-reader", [{"kind": "ServiceAccount", "name": "alloy", "namespace": "monitoring"}]),
    }
    assert build.one(build.platform(), "ServiceAccount", "alloy")["metadata"]["namespace"] == "monitoring"


def test_nothing_reaches_beyond_the_namespace():
    for name in build.VARIANTS:
        assert not any(r["kind"] in ("ClusterRole", "ClusterRoleBinding") for r in build.variant(name))
