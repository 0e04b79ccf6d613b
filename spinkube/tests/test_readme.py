"""spinkube/README.md and the READMEs of the components: what they name is there."""

import re

import build
import pytest
import schemas
import scripts
import yaml
from spin_operator import expand

DOCUMENTS = sorted([build.SPINKUBE / "README.md", *build.SPINKUBE.glob("components/*/README.md")])
MAKEFILE = (build.ROOT / "Makefile").read_text()


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.parent.name)
def test_every_make_target_is_there(path):
    # `make X` in code, with any further targets and variables; words such as "make it" are not in code.
    for words in re.findall(r"(?:^|`)make ((?:[A-Za-z-]+(?: |`|$))+)", path.read_text(), re.M):
        for target in words.strip("` ").split():
            assert re.search(rf"^{target}:", MAKEFILE, re.M), f"{path}: make {target}"


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.parent.name)
def test_every_link_and_path_is_there(path):
    text = path.read_text()
    for link in re.findall(r"\]\(([^)#]+)", text):
        assert link.startswith("https://") or (path.parent / link).exists(), link
    for name in re.findall(r"`((?:spinkube|components|overlays|platform|base|images|target|tests|observability)/[\w./-]*)`", text):
        assert name.startswith("target/") or (build.ROOT / name).exists() or (build.SPINKUBE / name).exists(), name
    for name in re.findall(r"^(spinkube/\S+)|=… (spinkube/\S+)", text, re.M):
        assert (build.ROOT / "".join(name)).exists(), name


def test_the_restore_builds_a_database_from_the_backup_of_the_old_one():
    text = (build.SPINKUBE / "components/cloudnative-pg/README.md").read_text()
    [snippet] = re.findall(r"^```yaml\n(.*?)^```", text, re.M | re.S)
    overlay = {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization", "resources": ["ROOT/spinkube/overlays/production"]}
    cluster = build.one(build.kustomize_text(overlay | yaml.safe_load(snippet)), "Cluster", "postgres")
    assert schemas.faults(cluster, schemas.VERSIONS[0]) == []
    spec, usual = cluster["spec"], build.one(build.variant("production"), "Cluster", "postgres")["spec"]
    assert spec["bootstrap"].keys() == {"recovery"}
    for field in ("database", "owner"):
        assert spec["bootstrap"]["recovery"][field] == usual["bootstrap"]["initdb"][field]
    [source] = spec["externalClusters"]
    assert source["name"] == spec["bootstrap"]["recovery"]["source"]
    archive, [plugin] = source["plugin"]["parameters"], spec["plugins"]
    assert archive["barmanObjectName"] == plugin["parameters"]["barmanObjectName"]
    # The backup is under the old cluster's name; its heir writes elsewhere.
    assert archive["serverName"] == cluster["metadata"]["name"] != plugin["parameters"]["serverName"]


def test_the_lines_for_a_database_of_your_own_do_what_they_say():
    text = (build.SPINKUBE / "components/rds/README.md").read_text()
    [snippet] = re.findall(r"^```yaml\n(.*?)^```", text, re.M | re.S)
    owner = re.search(r"`(\{ op: replace, path: /spec/data.*?\} \})`", text)[1].replace("ARN", "arn:aws:x")
    overlay = yaml.safe_load(snippet.replace("10.0.128.0/17", "10.9.0.0/17"))
    overlay["patches"].append({"target": {"kind": "ExternalSecret", "name": "postgres-superuser"}, "patch": f"- {owner}"})
    usual = {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization", "namespace": "items", "resources": ["ROOT/spinkube/base"]}
    components = {"components": [f"ROOT/spinkube/{path}" for path in ("components/external-secrets", "components/rds", "images")]}
    rendered = build.kustomize_text(usual | components | overlay)
    [database] = [r["data"] for r in build.kind(rendered, "ConfigMap") if r["metadata"]["name"].startswith("database-")]
    assert database["host"].endswith(".rds.amazonaws.com") and database["sslmode"] == "require" and database["name"] == "itemsdb"
    # Named by its content still, and by whoever asks it.
    [named] = {r["metadata"]["name"] for r in build.kind(rendered, "ConfigMap") if r["metadata"]["name"].startswith("database-")}
    assert named != next(r["metadata"]["name"] for r in build.kind(build.variant("+rds"), "ConfigMap") if r["metadata"]["name"].startswith("database-"))
    assert build.one(rendered, "SpinApp", "items")["spec"]["variables"][0]["valueFrom"]["configMapKeyRef"]["name"] == named
    assert build.one(rendered, "NetworkPolicy", "rds")["spec"]["egress"][0]["to"] == [{"ipBlock": {"cidr": "10.9.0.0/17"}}]
    secret = build.one(rendered, "ExternalSecret", "postgres-superuser")
    assert secret["spec"]["data"] == [{"secretKey": "password", "remoteRef": {"key": "arn:aws:x", "property": "password"}}]
    assert schemas.faults(secret, schemas.VERSIONS[0]) == []


def test_every_component_and_overlay_is_listed():
    text = (build.SPINKUBE / "README.md").read_text()
    assert all(f"[{name}](components/{name}/README.md)" in text for name in build.COMPONENTS)
    assert all(f"`{name}`" in text for name in build.OVERLAYS)


def test_kubectl_asks_for_what_is_there():
    everything = [r for name in build.OVERLAYS for r in expand(build.variant(name))] + build.platform()
    named = {(r["kind"].lower(), r["metadata"]["name"]) for r in everything}
    # Made by scripts or by the charts of the platform.
    named |= {("secret", name) for name in scripts.made_secrets()} | {("secret", "grafana-admin"), ("secret", "items-ca")}
    text = "".join(path.read_text() for path in [*DOCUMENTS, build.SPINKUBE / "verify.sh", build.SPINKUBE / "deploy.sh"])
    kinds = "statefulset|deployment|spinapp|job|middleware|ingressroute|networkpolicy|secret|certificate"
    found = set(re.findall(rf"kubectl [^\n`]*?\b({kinds})[ /]([a-z][a-z-]+)\b", text))
    assert len(found) >= 8
    # `kubectl create secret generic`: a word of kubectl, no name.
    missing = {pair for pair in found if pair not in named} - {("secret", "generic")}
    assert missing == set()
    labels = set(re.findall(r"-l (core\.spinkube\.dev/app-name)=([a-z]+)", text))
    assert labels == {("core.spinkube.dev/app-name", "items")}


def test_the_numbers_are_those_of_the_manifests():
    text = (build.SPINKUBE / "README.md").read_text()
    production, local = build.variant("production"), build.variant("local")
    replicas = build.one(production, "HorizontalPodAutoscaler", "items")["spec"]["maxReplicas"]
    assert f"({replicas} + 1) x 128 = {(replicas + 1) * 128} of `max_connections` 700" in text
    assert build.kind(production, "Cluster")[0]["spec"]["postgresql"]["parameters"]["max_connections"] == "700"
    assert "-cmax_connections=700" in build.one(local, "StatefulSet", "postgres")["spec"]["template"]["spec"]["containers"][0]["args"]
    rate = build.one(local, "Middleware", "rate")["spec"]["rateLimit"]["average"]
    in_flight = build.one(local, "Middleware", "in-flight")["spec"]["inFlightReq"]["amount"]
    assert f"Per caller {rate} requests a second and {in_flight} at a time, for each of three kinds" in text
    readiness = build.one(local, "SpinApp", "items")["spec"]["checks"]["readiness"]
    assert f"pods unready after {readiness['periodSeconds'] * readiness['failureThreshold']} s" in text
    assert readiness["httpGet"]["path"] == "/readyz" and (readiness["periodSeconds"], readiness["failureThreshold"]) == (3, 6)


def test_versions_are_the_same_in_all_places():
    shim = re.search(r"^version=(\S+)$", (build.SPINKUBE / "platform/shim.sh").read_text(), re.M)[1]
    assert f"k3d:v{shim} " in (build.SPINKUBE / "local-cluster.sh").read_text()
    operator = build.one(build.platform(), "HelmChart", "spin-operator")["spec"]["version"]
    assert f"With spin-operator {operator} and the shim {shim}:" in (build.SPINKUBE / "README.md").read_text()
