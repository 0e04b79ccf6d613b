"""Checks the namespace's roles: no role reads Secrets, only a deployer writes, and no right reaches beyond it."""

import build

FORBIDDEN = {"*", "secrets", "configmaps", "pods/exec", "pods/portforward"}


def test_roles_only_read_except_that_a_deployer_writes_spinapps(rendered):
    for name, role in build.kind(rendered, "Role").items():
        for rule in role["rules"]:
            assert rule.keys() == {"apiGroups", "resources", "verbs"}
            assert not FORBIDDEN & {*rule["resources"], *rule["apiGroups"]}, name
            writes = set(rule["verbs"]) - {"get", "list", "watch"}
            expected = {"create", "update", "patch", "delete"} if rule["resources"] == ["spinapps"] else set()
            assert writes == (expected if name == "deployer" else set()), rule
    assert not build.kind(rendered, "ClusterRole") and not build.kind(rendered, "ClusterRoleBinding")


def test_each_role_is_bound_to_the_group_in_the_readme_or_to_alloy(rendered):
    readme = (build.SPINKUBE / "README.md").read_text()
    bindings = build.kind(rendered, "RoleBinding")
    for name, binding in bindings.items():
        assert (binding["roleRef"]["kind"], binding["roleRef"]["name"]) == ("Role", name)
        [subject] = binding["subjects"]
        if subject["kind"] == "Group":
            assert f"| `{subject['name']}` | `{name}` |" in readme
        else:
            account = build.kind(build.platform(), "ServiceAccount")[subject["name"]]["metadata"]
            assert (name, subject["namespace"]) == ("log-reader", account["namespace"])
    assert bindings.keys() == build.kind(rendered, "Role").keys()
