"""Checks that passwords are references, and that SpinApps set the variables they declare under names that are free."""

import re
import tomllib

import build
import pods
from spin_operator import expand

TOKEN = r"\b(ghp|github_pat|xox[bp]|AKIA|eyJhbGci)[A-Za-z0-9_]{8,}"
SECRET = re.compile(rf"BEGIN [A-Z ]*PRIVATE KEY|{TOKEN}|://[^/\s:$]+:[^@\s$]+@")
# Set in every container, or read by the shim.
TAKEN = re.compile("HOSTNAME|PATH|HOME|PWD|TERM|LANG|(SPIN|OTEL)_.*")


def test_no_secret_is_rendered(rendered):
    assert build.kind(rendered, "Secret") == {}


def test_no_file_holds_what_looks_like_a_secret():
    for path in [*build.SPINKUBE.rglob("*"), *(build.ROOT / "schema").glob("*")]:
        if path.is_file():
            found = SECRET.search(path.read_text())
            assert not found, f"{path}: {found[0]}"


def test_a_password_is_always_a_reference_and_never_on_a_command_line(rendered):
    passwords = 0
    for owner, template in pods.templates(rendered):
        for container in template["spec"]["containers"]:
            for entry in container.get("env", []):
                if "PASSWORD" in entry["name"] and not entry["name"].endswith("_FILE"):
                    assert "secretKeyRef" in entry["valueFrom"], f"{build.name(owner)}: {entry['name']}"
                    passwords += 1
            for word in [*container.get("command", []), *container.get("args", [])]:
                assert "PASSWORD" not in word.upper(), "everybody can read a command line"
    assert passwords >= 6


def manifest(app):
    """The spin.toml of an application's image."""
    image = app["spec"]["image"].rpartition(":")[0].rpartition("/")[2]
    folder = {"items": ".", "items-alone": "components/items", "audit-alone": "components/audit"}[image]
    return tomllib.loads((build.ROOT / folder / "spin.toml").read_text())


def test_a_spinapp_sets_the_variables_that_its_manifest_declares(rendered):
    for app in build.kind(rendered, "SpinApp").values():
        declared = manifest(app)["variables"]
        values = {variable["name"]: variable for variable in app["spec"]["variables"]}
        assert values.keys() <= declared.keys(), "a variable that nothing reads"
        assert {name for name, variable in declared.items() if variable.get("required")} <= values.keys()
        for name, variable in declared.items():
            if variable.get("secret"):
                assert "secretKeyRef" in values[name]["valueFrom"], name
        # The defaults of these are for one machine; that of audit_url too, unless audit is in the same application.
        assert {"db_host", "db_port", "db_name", "db_sslmode"} <= values.keys()
        assert ("audit_url" in values) == ("audit_url" in declared and "audit" not in manifest(app)["component"])


def test_no_variable_has_the_name_of_a_service_link_or_of_the_container(rendered):
    """The shim prefers a container's variable X to SPIN_VARIABLE_X. Kubernetes sets some for each Service."""
    services = [*build.kind(expand(rendered), "Service"), "kubernetes"]
    services += [name + suffix for name in build.kind(rendered, "Cluster") for suffix in ("-rw", "-ro", "-r")]
    links = "|".join(service.upper().replace("-", "_") for service in services)
    apps = build.specs(rendered, "SpinApp").values()
    names = [variable["name"].upper() for app in apps for variable in app["variables"]]
    assert names and not [n for n in names if re.match(f"({links})_(PORT|SERVICE)(_|$)", n) or TAKEN.fullmatch(n)]
