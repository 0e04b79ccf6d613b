import os
import re
import subprocess
import tempfile
from pathlib import Path

import build
import pytest
import scripts
import yaml

SCRIPTS = sorted(
    path
    for path in build.SPINKUBE.rglob("*")
    if path.is_file() and "argocd" not in path.parts and path.read_text().startswith("#!/usr/bin/env bash")
)


def test_every_script_is_clean():
    assert len(SCRIPTS) >= 10
    files = [str(path.relative_to(build.ROOT)) for path in [*SCRIPTS, build.ROOT / "spinkube/tests/run.sh"]]
    done = subprocess.run(["shellcheck", "-x", *files], cwd=build.ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_a_script_stops_at_the_first_error_and_says_what_it_is(path):
    text = path.read_text()
    assert re.match(r"#!/usr/bin/env bash\n(# .+\n)+set -euo pipefail\n", text)
    assert path.stat().st_mode & 0o111


# A cluster in which everything goes well.
CERTIFICATE = "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCg=="
WELL = {
    r"api-resources": (0, "things\n"),
    r"get certificate items-tls": (1, ""),
    r"get secret postgres-server": (0, CERTIFICATE),
    r"get secret items-db audit-db": (0, "c2VjcmV0"),
    r"get spinapp -o": (0, "items"),
    r"get (spinapp|deployment) items -o": (0, "registry.test/items:1.2.3 mark"),
    r"current-context": (0, "k3d-items"),
}


def deploy(answers=None, **environment):
    environment = {"REGISTRY": "registry.test", "VERSION": "1.2.3", **environment}
    run = scripts.Run("deploy", scripts.first(answers, WELL), **environment)
    return run, yaml.safe_load_all((build.ROOT / "target/deploy/rendered.yaml").read_text())


def steps(run):
    """What was done to the cluster, in order, as far as the order matters."""
    named = {
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
    found = []
    for _, arguments, _ in run.calls:
        found += [step for pattern, step in named.items() if re.search(pattern, " ".join(arguments))][:1]
    return found


def test_a_deployment_goes_in_the_order_that_works():
    run, _ = deploy(OVERLAY="local")
    assert run.code == 0, run.output
    order = ["settings", "database", "old schema job", "schema", "schema applied", "applications", "ready"]
    assert steps(run) == order
    assert "Serving: http://localhost:8080" in run.output


def test_a_deployment_waits_for_what_it_applied_and_not_for_what_was_there():
    late = [(1, ""), (0, "registry.test/items:1.2.2 mark"), (0, "registry.test/items:1.2.3 mark")]
    run, _ = deploy({r"get deployment items -o": late})
    assert run.code == 0, run.output
    done = [" ".join(arguments) for _, arguments, _ in run.calls]
    asked = [n for n, line in enumerate(done) if "get deployment items -o" in line]
    assert len(asked) == 3 and asked[-1] < next(n for n, line in enumerate(done) if "rollout status deployment/items" in line)


def test_a_capital_in_the_registry_is_made_small():
    run, rendered = deploy(REGISTRY="registry.test/Team")
    assert run.code == 0, run.output
    assert build.one([r for r in rendered if r], "SpinApp", "items")["spec"]["image"] == "registry.test/team/items:1.2.3"


def test_with_cloudnative_pg_applications_find_the_databases_authority():
    run, _ = deploy(OVERLAY="production")
    assert run.code == 0, run.output
    assert steps(run)[:4] == ["settings", "trust", "database", "old schema job"]
    assert run.called("wait", "externalsecret")


def test_what_is_deployed_has_the_registry_and_the_version_that_were_asked_for():
    _, rendered = deploy(OVERLAY="split", REGISTRY="registry.test:5000/team", VERSION="9.8.7")
    images = {app["spec"]["image"] for app in build.kind([r for r in rendered if r], "SpinApp")}
    assert images == {f"registry.test:5000/team/{name}:9.8.7" for name in ("items-alone", "audit-alone")}


def test_a_changed_secret_changes_the_pods():
    marks = []
    for secret in ("b25l", "dHdv", "dHdv"):
        _, rendered = deploy({r"get secret items-db audit-db": (0, secret)})
        app = build.one([r for r in rendered if r], "SpinApp", "items")
        marks.append(app["spec"]["podAnnotations"]["checksum/secrets"])
    assert marks[0] != marks[1] == marks[2]


@pytest.fixture
def outside(tmp_path):
    """An overlay whose database is none of the cluster's."""
    build.BUILDS.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=build.BUILDS) as folder:
        kustomization = {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization", "namespace": "items"}
        up = os.path.relpath(build.SPINKUBE, folder)
        kustomization |= {"resources": [f"{up}/base"], "components": [f"{up}/components/rds", f"{up}/images"]}
        (Path(folder) / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
        yield os.path.relpath(folder, build.ROOT)


def test_for_a_database_outside_of_the_cluster_nothing_is_waited_for(outside):
    run, _ = deploy({r"statefulset": (1, "not found")}, OVERLAY=outside)
    assert run.code == 0, run.output
    assert steps(run) == ["settings", "old schema job", "schema", "schema applied", "applications", "ready"]
    run, _ = deploy({r"get secret items-ca": (1, "")}, OVERLAY=outside)
    assert run.code != 0 and "no Secret items-ca" in run.output and steps(run) == ["settings"]


@pytest.mark.parametrize(
    ("answers", "environment", "said", "last"),
    [
        ({r"^version": (1, "")}, {}, "reaches no cluster", []),
        ({}, {"OVERLAY": "nowhere"}, "there is no overlay", []),
        ({}, {"REGISTRY": ""}, "the images have no registry", []),
        ({r"api-resources": (0, "")}, {}, "knows nothing of", []),
        ({r"get secret metrics-db": (1, "")}, {}, "no Secret metrics-db; fix: make secrets", []),
        ({r"notin \(app, schema\)": (1, "refused")}, {}, "refused", ["settings"]),
        ({r"rollout status statefulset": (1, "timed out")}, {}, "timed out", ["settings", "database"]),
        ({r"rollout status deployment/items": (1, "late")}, {}, "items does not become ready", None),
    ],
)
def test_a_deployment_that_fails_stops_there_and_says_so(answers, environment, said, last):
    run, _ = deploy(answers, **environment)
    assert run.code != 0 and said in run.output, run.output
    assert "Serving" not in run.output
    if last is not None:
        assert steps(run) == last


PLATFORM = {r"get nodes -l spin=true": (0, "node/one"), r"get deployments": (0, "deployment/one")}


def test_the_platform_goes_in_the_order_that_works():
    run = scripts.Run("platform/install", scripts.first({r"get secret grafana-admin": (1, "")}, PLATFORM))
    assert run.code == 0, run.output
    done = [" ".join(arguments) for _, arguments, _ in run.calls]
    order = ["-k . -l app.kubernetes.io/name=cert-manager", "-n cert-manager wait", "spin-operator.crds.yaml", "-f -", "-k .", "-n spin-operator wait"]
    positions = [max(n for n, line in enumerate(done) if line.endswith(step) or f"{step} --for" in line) for step in order]
    assert positions == sorted(positions), done
    operator = build.one(build.platform(), "HelmChart", "spin-operator")["spec"]["version"]
    assert run.called(f"/releases/download/v{operator}/spin-operator.crds.yaml")


def test_grafana_keeps_the_password_it_has():
    run = scripts.Run("platform/install", PLATFORM)
    assert run.code == 0 and not run.called("-f -"), run.output


@pytest.mark.parametrize(
    ("answers", "said"),
    [({r"get crd helmcharts": (1, "")}, "no helm-controller"), ({r"get nodes": (0, "")}, "no node says that it has the shim")],
)
def test_the_platform_asks_for_what_it_cannot_bring(answers, said):
    run = scripts.Run("platform/install", scripts.first(answers, PLATFORM))
    assert run.code != 0 and said in run.output and not run.called("apply"), run.output


def test_trust_joins_the_public_roots_and_the_databases_authority(tmp_path):
    roots = tmp_path / "roots.crt"
    roots.write_text("the public roots\n")
    answers = {r"get secret postgres-server": (0, CERTIFICATE), r"create secret": (0, "a manifest\n")}
    run = scripts.Run("components/cloudnative-pg/trust", answers, SSL_CERT_FILE=str(roots))
    assert run.code == 0, run.output
    [made] = run.called("create", "secret", "items-ca", "--from-file=ca-certificates.crt=")
    assert [stdin for _, _, stdin in run.called("apply", "--server-side", "-f -")] == ["a manifest\n"]


@pytest.mark.parametrize(
    ("environment", "answers", "said"),
    [
        ({"SSL_CERT_FILE": "/nowhere"}, {}, "no public roots"),
        ({"SSL_CERT_FILE": "/etc/passwd"}, {r"get secret": (0, "")}, "has no ca.crt"),
    ],
)
def test_trust_makes_no_bundle_that_lacks_something(environment, answers, said):
    run = scripts.Run("components/cloudnative-pg/trust", answers, **environment)
    assert run.code != 0 and said in run.output and not run.called("apply")


@pytest.mark.parametrize(
    ("environment", "answers", "address"),
    [
        ({"URL": "http://here:1"}, {}, "http://here:1"),
        ({}, {r"get certificate": (0, "items.test")}, "https://items.test"),
        ({}, {r"get certificate": (1, ""), r"current-context": (0, "k3d-items")}, "http://localhost:8080"),
        ({}, {r"get certificate": (1, ""), r"current-context": (0, "x"), r"get service traefik": (0, "192.0.2.1")}, "http://192.0.2.1"),
    ],
)
def test_where_the_ingress_is(environment, answers, address):
    run = scripts.Run("address", answers, **environment)
    assert (run.code, run.output.strip()) == (0, address)


@pytest.mark.parametrize("answer", [(0, ""), (1, "")])
def test_an_ingress_without_an_address_is_no_address(answer):
    run = scripts.Run("address", {r"get certificate": (1, ""), r"current-context": (0, "x"), r"get service traefik": answer})
    assert run.code != 0 and "http://" not in run.output and "fix: URL=" in run.output, run.output
    run, _ = deploy({r"current-context": (0, "x"), r"get service traefik": answer})
    assert run.code != 0 and "Serving" not in run.output


def test_undeploy_asks_first():
    asked = scripts.Run("undeploy")
    assert asked.code != 0 and not asked.called("delete")
    told = scripts.Run("undeploy", CONFIRM="items")
    assert told.code == 0 and told.called("delete namespace items")
