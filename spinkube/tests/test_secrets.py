import re
import tomllib

import build
import pods
import pytest
import scripts

SECRET = re.compile(r"BEGIN [A-Z ]*PRIVATE KEY|\b(ghp|github_pat|xox[bp]|AKIA|eyJhbGci)[A-Za-z0-9_]{8,}|://[^/\s:$]+:[^@\s$]+@")


def test_no_secret_value_is_rendered(rendered):
    assert build.kind(rendered, "Secret") == []


def test_no_file_holds_what_looks_like_a_secret():
    for path in [*build.SPINKUBE.rglob("*"), *(build.ROOT / "schema").glob("*")]:
        if path.is_file():
            found = SECRET.search(path.read_text())
            assert not found, f"{path}: {found[0]}"


def test_a_password_is_always_a_reference(rendered):
    seen = 0
    for owner, template in pods.templates(rendered):
        for container in template["spec"]["containers"]:
            for entry in container.get("env", []):
                if "PASSWORD" in entry["name"] and not entry["name"].endswith("_FILE"):
                    assert "secretKeyRef" in entry["valueFrom"], f"{owner['metadata']['name']}: {entry['name']}"
                    seen += 1
            for word in [*container.get("command", []), *container.get("args", [])]:
                assert "PASSWORD" not in word.upper(), "a command line is for everybody to read"
    assert seen >= 6


def manifest(app):
    """The spin.toml an application's image is made from."""
    image = app["spec"]["image"].rpartition(":")[0].rpartition("/")[2]
    folder = {"items": ".", "items-alone": "components/items", "audit-alone": "components/audit"}[image]
    return tomllib.loads((build.ROOT / folder / "spin.toml").read_text())


def test_a_spinapp_gives_the_variables_its_manifest_declares(rendered):
    for app in build.kind(rendered, "SpinApp"):
        declared = manifest(app)["variables"]
        given = {variable["name"]: variable for variable in app["spec"]["variables"]}
        assert given.keys() <= declared.keys(), "a variable nobody reads"
        for name, variable in declared.items():
            if variable.get("required"):
                assert name in given, name
            if variable.get("secret"):
                assert "secretKeyRef" in given[name]["valueFrom"], name
        # Their defaults are for one machine.
        assert {"db_host", "db_port", "db_name", "db_sslmode"} <= given.keys()
        # So is that of audit_url, unless audit is in the same application.
        assert ("audit_url" in given) == ("audit_url" in declared and "audit" not in manifest(app)["component"])


def test_the_split_overlay_hands_events_to_the_audit_it_has():
    apps = {app["metadata"]["name"]: app["spec"] for app in build.kind(build.variant("split"), "SpinApp")}
    assert {name: app["image"].rpartition("/")[2].partition(":")[0] for name, app in apps.items()} == {
        "items": "items-alone",
        "audit": "audit-alone",
    }


@pytest.mark.parametrize("rotated", [(), ("items-db",), ("items-db", "audit-db", "metrics-db")])
def test_secrets_that_exist_stay_unless_they_are_to_be_rotated(rotated):
    run = scripts.Run("secrets", ROTATE=" ".join(rotated))
    assert run.code == 0, run.output
    assert len(run.called("apply", "-f -")) == len(rotated)
    assert all(f"Secret {name}: made" in run.output for name in rotated)


def test_passwords_are_long_and_each_its_own_and_on_no_command_line():
    made = scripts.made_secrets()
    passwords = [secret["stringData"]["password"] for secret in made.values()]
    assert len(set(passwords)) == 4 and all(re.fullmatch("[A-Za-z0-9]{32}", password) for password in passwords)
    assert all(secret["type"] == "kubernetes.io/basic-auth" for secret in made.values())
    run = scripts.Run("secrets", {"get secret": (1, "")})
    words = " ".join(" ".join(call[1]) for call in run.calls) + run.output
    assert not any(re.search(r"[A-Za-z0-9]{32}", word) for word in words.split())


@pytest.mark.parametrize("name", ["postgres-superuser", "item-db"])
def test_what_cannot_be_rotated_is_refused_before_anything_is_done(name):
    run = scripts.Run("secrets", ROTATE=f"items-db {name}")
    assert run.code != 0 and not run.called("apply", "-f -"), run.output
