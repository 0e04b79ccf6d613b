"""Checks the READMEs of spinkube/: every object, number and snippet in them is true of the manifests."""

import re

import build
import schemas
import yaml
from spin_operator import expand
from test_references import CREATED

README = (build.SPINKUBE / "README.md").read_text()
DOCUMENTS = sorted(build.SPINKUBE.rglob("README.md"))


def test_every_component_and_overlay_is_listed():
    assert all(f"[{name}](components/{name}/README.md)" in README for name in build.COMPONENTS)
    assert all(f"`{name}`" in README for name in build.OVERLAYS)


def snippet(component):
    """The README of a component, and the YAML in it that belongs into an overlay."""
    text = (build.SPINKUBE / "components" / component / "README.md").read_text()
    [found] = re.findall(r"^```yaml\n(.*?)^```", text, re.M | re.S)
    return text, found


def test_the_restore_of_cloudnative_pg_makes_a_database_from_the_backup_of_the_old_one():
    fields = yaml.safe_load(snippet("cloudnative-pg")[1])
    cluster = build.kind(build.overlay("overlays/production", **fields), "Cluster")["postgres"]
    assert schemas.faults(cluster, schemas.VERSIONS[0]) == []
    spec, usual = cluster["spec"], build.specs(build.variant("production"), "Cluster")["postgres"]
    assert spec["bootstrap"].keys() == {"recovery"}
    for field in ("database", "owner"):
        assert spec["bootstrap"]["recovery"][field] == usual["bootstrap"]["initdb"][field]
    [source], [plugin] = spec["externalClusters"], spec["plugins"]
    assert source["name"] == spec["bootstrap"]["recovery"]["source"]
    archive = source["plugin"]["parameters"]
    assert archive["barmanObjectName"] == plugin["parameters"]["barmanObjectName"]
    # The backup has the old cluster's name; the new one writes elsewhere.
    assert archive["serverName"] == build.name(cluster) != plugin["parameters"]["serverName"]


def test_the_patches_of_rds_set_the_host_the_addresses_and_the_owners_password():
    text, found = snippet("rds")
    fields = yaml.safe_load(found.replace("10.0.128.0/17", "10.9.0.0/17"))
    owner = re.search(r"`(\{ op: replace, path: /spec/data.*?\} \})`", text)[1].replace("ARN", "arn:aws:x")
    target = {"kind": "ExternalSecret", "name": "postgres-superuser"}
    fields["patches"].append({"target": target, "patch": f"- {owner}"})
    chosen = ["components/external-secrets", "components/rds", "images"]
    rendered = build.overlay("base", chosen, namespace="items", **fields)
    database, usual = build.database(rendered), build.database(build.variant("+rds"))
    assert database["data"]["host"].endswith(".rds.amazonaws.com") and database["data"]["sslmode"] == "require"
    # Still named by its content, also in the SpinApp.
    variable = build.specs(rendered, "SpinApp")["items"]["variables"][0]
    assert variable["valueFrom"]["configMapKeyRef"]["name"] == build.name(database) != build.name(usual)
    egress = build.specs(rendered, "NetworkPolicy")["rds"]["egress"]
    assert egress[0]["to"] == [{"ipBlock": {"cidr": "10.9.0.0/17"}}]
    secret = build.kind(rendered, "ExternalSecret")["postgres-superuser"]
    assert [entry["remoteRef"] for entry in secret["spec"]["data"]] == [{"key": "arn:aws:x", "property": "password"}]
    assert schemas.faults(secret, schemas.VERSIONS[0]) == []


def test_kubectl_commands_name_objects_that_exist():
    resources = [r for name in build.OVERLAYS for r in expand(build.variant(name))] + build.platform()
    existing = {(r["kind"].lower(), build.name(r)) for r in resources}
    # Made by scripts or by charts.
    existing |= {("secret", name) for name in [*CREATED, "audit-key", "grafana-admin", "items-ca"]}
    existing |= {("deployment", "argo-cd-argocd-server")}
    text = "".join(path.read_text() for path in [*DOCUMENTS, *build.SPINKUBE.glob("*.sh")])
    kinds = "statefulset|cronjob|deployment|spinapp|job|middleware|ingressroute|networkpolicy|secret|certificate"
    found = set(re.findall(rf"kubectl [^\n`]*?\b({kinds})[ /]([a-z][a-z-]+)\b", text))
    # A word of kubectl, and what the command creates.
    assert len(found) >= 8 and found - existing - {("secret", "generic"), ("job", "backup")} == set()
    assert set(re.findall(r"-l core\.spinkube\.dev/app-name=([a-z]+)", text)) == {"items"}


def test_numbers_and_versions_are_those_of_the_manifests():
    direct, local = build.variant("+autoscaling+cloudnative-pg"), build.variant("local")
    replicas = build.specs(direct, "HorizontalPodAutoscaler")["items"]["maxReplicas"]
    assert f"({replicas} + 1) x 128 = {(replicas + 1) * 128} of `max_connections` 700" in README
    assert build.specs(direct, "Cluster")["postgres"]["postgresql"]["parameters"]["max_connections"] == "700"
    assert "-cmax_connections=700" in build.pod(local, "StatefulSet", "postgres")["containers"][0]["args"]
    held = build.specs(local, "Middleware")
    rate, in_flight = held["rate"]["rateLimit"]["average"], held["in-flight"]["inFlightReq"]["amount"]
    assert f"Each caller may send {rate} requests per second and have {in_flight} in flight" in README
    total = held["in-flight-total"]["inFlightReq"]["amount"]
    assert f"all callers together {total} (`in-flight-total`)" in README
    readiness = build.specs(local, "SpinApp")["items"]["checks"]["readiness"]
    assert f"pods unready after {readiness['periodSeconds'] * readiness['failureThreshold']} s" in README
    shim = re.search(r"^version=(\S+)$", (build.SPINKUBE / "platform/shim.sh").read_text(), re.M)[1]
    assert f"/k3d:v{shim}\n" in (build.SPINKUBE / "local-cluster.sh").read_text()
    operator = build.specs(build.platform(), "HelmChart")["spin-operator"]["version"]
    assert f"With spin-operator {operator} and the shim {shim}:" in README
