"""Checks the scripts with shellcheck, and with a fake kubectl what they do, in which order, and when they fail."""

import os
import re
import subprocess

import build
import pytest
import scripts
import yaml

SCRIPTS = sorted(path for path in build.SPINKUBE.rglob("*.sh") if path.name != "lib.sh")


def test_every_script_passes_shellcheck_is_executable_and_stops_at_the_first_error():
    assert len(SCRIPTS) >= 10
    command = ["shellcheck", "-x", *[path.relative_to(build.ROOT) for path in SCRIPTS]]
    done = subprocess.run(command, cwd=build.ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    for path in SCRIPTS:
        assert re.match(r"#!/usr/bin/env bash\n(# .+\n)+set -euo pipefail\n", path.read_text()), path
        assert path.stat().st_mode & 0o111, path


CERTIFICATE = "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCg=="
# A cluster in which everything goes well.
WELL = {
    r"api-resources": (0, "things\n"),
    r"get certificate items-tls": (1, ""),
    r"get secret postgres-server": (0, CERTIFICATE),
    r"get secret items-db audit-db": (0, "c2VjcmV0"),
    r"get spinapp -o": (0, "items"),
    r"get (spinapp|deployment) items -o": (0, "registry.test/items:1.2.3 mark"),
    r"current-context": (0, "k3d-items"),
}
# The calls whose order matters.
STEPS = {
    "apply.*-l app.kubernetes.io/component notin": "settings",
    "rollout status statefulset/postgres": "database",
    "wait.*cluster.postgresql": "database",
    "apply -f - ": "trust",
    "create secret generic items-ca": "trust",
    "delete job schema": "old schema job",
    "apply.*component=schema": "schema",
    "wait.*job/schema": "schema applied",
    "apply.*component=app": "applications",
    "rollout status deployment/items": "ready",
}
AFTER_DATABASE = ["old schema job", "schema", "schema applied", "applications", "ready"]


def deploy(answers=None, **environment):
    environment = {"REGISTRY": "registry.test", "VERSION": "1.2.3", **environment}
    return scripts.Run("deploy", answers, WELL, **environment)


def deployed():
    """{name: specification} of the SpinApps as deploy.sh applied them last."""
    documents = yaml.safe_load_all((build.ROOT / "target/deploy/rendered.yaml").read_text())
    return build.specs([document for document in documents if document], "SpinApp")


def steps(run):
    return [step for line, _ in run.calls for pattern, step in STEPS.items() if re.search(pattern, line)]


@pytest.mark.parametrize(("overlay", "before"), [("local", ["database"]), ("production", ["trust", "database"])])
def test_deploy_applies_settings_database_schema_and_applications_in_this_order(overlay, before):
    run = deploy(OVERLAY=overlay)
    assert run.code == 0, run.output
    assert steps(run) == ["settings", *before, *AFTER_DATABASE]
    assert bool(run.called("wait", "externalsecret")) == (overlay == "production")
    assert "Serving: http://localhost:8080" in run.output


def test_deploy_waits_for_the_version_that_it_applied():
    late = [(1, ""), (0, "registry.test/items:1.2.2 mark"), (0, "registry.test/items:1.2.3 mark")]
    run = deploy({r"get deployment items -o": late})
    assert run.code == 0, run.output
    words = [line.split()[2] for line, _ in run.calls if re.search("(get deployment |status deployment/)items", line)]
    assert words == ["get", "get", "get", "rollout"]


def test_deploy_sets_registry_in_small_letters_and_version_of_every_image():
    assert deploy(OVERLAY="split", REGISTRY="registry.test:5000/Team", VERSION="9.8.7").code == 0
    images = {app["image"] for app in deployed().values()}
    assert images == {f"registry.test:5000/team/{name}:9.8.7" for name in ("items-alone", "audit-alone")}


def test_a_changed_secret_restarts_the_pods_and_an_unchanged_one_does_not():
    marks = []
    for secret in ("b25l", "dHdv", "dHdv"):
        deploy({r"get secret items-db audit-db": (0, secret)})
        marks.append(deployed()["items"]["podAnnotations"]["checksum/secrets"])
    assert marks[0] != marks[1] == marks[2]


def test_deploy_does_not_wait_for_a_database_outside_the_cluster_but_needs_its_authority():
    with build.kustomization("base", ["components/rds", "images"], namespace="items") as folder:
        overlay = os.path.relpath(folder, build.ROOT)
        run = deploy({r"statefulset": (1, "not found")}, OVERLAY=overlay)
        assert run.code == 0, run.output
        assert steps(run) == ["settings", *AFTER_DATABASE]
        run = deploy({r"get secret items-ca": (1, "")}, OVERLAY=overlay)
    assert run.code != 0 and "no Secret items-ca" in run.output and steps(run) == ["settings"]


@pytest.mark.parametrize(
    ("answers", "environment", "message", "done"),
    [
        ({r"^version": (1, "")}, {}, "reaches no cluster", []),
        ({}, {"OVERLAY": "nowhere"}, "there is no overlay", []),
        ({}, {"REGISTRY": ""}, "the images have no registry", []),
        ({r"api-resources": (0, "")}, {}, "the cluster does not have", []),
        ({r"get secret metrics-db": (1, "")}, {}, "no Secret metrics-db; fix: make secrets", []),
        ({r"notin \(app, schema\)": (1, "refused")}, {}, "refused", ["settings"]),
        ({r"rollout status statefulset": (1, "timed out")}, {}, "timed out", ["settings", "database"]),
        ({r"rollout status dep": (1, "late")}, {}, "not become ready", ["settings", "database", *AFTER_DATABASE]),
        ({r"current-context": (0, "x")}, {}, "Traefik has no address", ["settings", "database", *AFTER_DATABASE]),
    ],
)
def test_deploy_stops_at_the_step_that_fails_and_says_why(answers, environment, message, done):
    run = deploy(answers, **environment)
    assert run.code != 0 and message in run.output, run.output
    assert "Serving" not in run.output and steps(run) == done


PLATFORM = {r"get nodes -l spin=true": (0, "node/one"), r"get deployments": (0, "deployment/one")}


@pytest.mark.parametrize("installed", [False, True])
def test_the_platform_gets_the_crds_of_its_operator_and_grafana_a_password_if_it_has_none(installed):
    run = scripts.Run("platform/install", {r"get secret grafana-admin": (0 if installed else 1, "")}, PLATFORM)
    assert run.code == 0, run.output
    admin = build.values("kube-prometheus-stack")["grafana"]["admin"]
    wanted = {admin["existingSecret"]: {admin["userKey"], admin["passwordKey"]}}
    made = [yaml.safe_load(stdin) for _, stdin in run.called("apply", "-f -")]
    assert {build.name(secret): set(secret["stringData"]) for secret in made} == ({} if installed else wanted)
    operator = build.specs(build.platform(), "HelmChart")["spin-operator"]["version"]
    assert run.called(f"/releases/download/v{operator}/spin-operator.crds.yaml")


@pytest.mark.parametrize(
    ("answers", "message"),
    [({r"get crd": (1, "")}, "no helm-controller"), ({r"get nodes": (0, "")}, "no node has the label spin=true")],
)
def test_the_platform_is_not_installed_without_helm_controller_and_shim(answers, message):
    run = scripts.Run("platform/install", answers, PLATFORM)
    assert run.code != 0 and message in run.output and not run.called("apply"), run.output


@pytest.mark.parametrize(("roots", "message"), [("/nowhere", "no public roots"), ("/etc/passwd", "has no ca.crt")])
def test_trust_makes_no_bundle_that_lacks_a_part(roots, message):
    run = scripts.Run("components/cloudnative-pg/trust", {r"get secret": (0, "")}, SSL_CERT_FILE=roots)
    assert run.code != 0 and message in run.output and not run.called("apply")


# Neither a certificate nor k3d.
PLAIN = {r"get certificate": (1, ""), r"current-context": (0, "x")}


@pytest.mark.parametrize(
    ("environment", "answers", "printed"),
    [
        ({"URL": "http://here:1"}, {}, "http://here:1"),
        ({}, {r"get certificate": (0, "items.test")}, "https://items.test"),
        ({}, PLAIN | {r"current-context": (0, "k3d-items")}, "http://localhost:8080"),
        ({}, PLAIN | {r"get service traefik": (0, "192.0.2.1")}, "http://192.0.2.1"),
        ({}, PLAIN | {r"get service traefik": (0, "")}, "fix: URL="),
        ({}, PLAIN | {r"get service traefik": (1, "")}, "fix: URL="),
    ],
)
def test_address_prints_the_url_of_the_ingress_or_how_to_find_it(environment, answers, printed):
    run = scripts.Run("address", answers, **environment)
    assert printed in run.output and (run.code == 0) == (run.output.strip() == printed), run.output


def test_undeploy_deletes_only_after_a_confirmation():
    unconfirmed, confirmed = scripts.Run("undeploy"), scripts.Run("undeploy", CONFIRM="items")
    assert unconfirmed.code != 0 and not unconfirmed.called("delete")
    assert confirmed.code == 0 and confirmed.called("delete namespace items")


@pytest.mark.parametrize("rotated", [(), ("items-db",), ("items-db", "audit-db", "metrics-db")])
def test_secrets_keeps_existing_passwords_unless_they_are_rotated(rotated):
    run = scripts.Run("secrets", ROTATE=" ".join(rotated))
    assert run.code == 0, run.output
    assert len(run.called("apply", "-f -")) == len(rotated)
    assert all(f"Secret {name}: created" in run.output for name in rotated)


@pytest.mark.parametrize("name", ["postgres-superuser", "item-db"])
def test_secrets_refuses_to_rotate_other_names_before_it_changes_anything(name):
    run = scripts.Run("secrets", ROTATE=f"items-db {name}")
    assert run.code != 0 and not run.called("apply", "-f -"), run.output


def test_passwords_are_long_and_different_and_on_no_command_line():
    created = scripts.created_secrets()
    assert re.fullmatch("[0-9a-f]{64}", created.pop("audit-key")["stringData"]["seed"])
    passwords = {secret["stringData"]["password"] for secret in created.values()}
    assert len(passwords) == 4 and all(re.fullmatch("[A-Za-z0-9]{32}", password) for password in passwords)
    assert all(secret["type"] == "kubernetes.io/basic-auth" for secret in created.values())
    run = scripts.Run("secrets", {"get secret": (1, "")})
    assert not re.search(r"\b([A-Za-z0-9]{32}|[0-9a-f]{64})\b", " ".join(line for line, _ in run.calls) + run.output)
