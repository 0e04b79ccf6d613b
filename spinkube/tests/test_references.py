"""Whatever a manifest names is there: in the rendering, in the platform, made by spin-operator, or by `spinkube/secrets.sh`."""

import re
from urllib.parse import urlsplit

import build
import pods
import pytest
import scripts
from policies import selects
from spin_operator import expand


def configmaps(rendered):
    return {r["metadata"]["name"]: set(r["data"]) for r in build.kind(rendered, "ConfigMap")}


def secrets(rendered, variant):
    """{name: keys} of the Secrets that exist in the end."""
    password = {"username", "password"}
    if "external-secrets" in build.components(variant):
        found = {r["metadata"]["name"]: set(r["spec"]["target"]["template"]["data"]) for r in build.kind(rendered, "ExternalSecret")}
    else:
        found = {name: set(secret["stringData"]) for name, secret in scripts.made_secrets().items()}
    assert all(keys == password for keys in found.values())
    for certificate in build.kind(rendered, "Certificate"):
        found[certificate["spec"]["secretName"]] = {"tls.crt", "tls.key", "ca.crt"}
    found["spin-ca"] = {"ca-certificates.crt"}
    if build.DATABASES & build.components(variant):
        found["items-ca"] = {"ca-certificates.crt"}
    return found


def containers(rendered):
    for owner, template in pods.templates(rendered):
        for container in template["spec"]["containers"]:
            yield owner, template, container


def test_every_configmap_and_secret_has_the_key_that_is_asked_for(variant, rendered):
    held = {"configMapKeyRef": configmaps(rendered), "secretKeyRef": secrets(rendered, variant)}
    asked = 0
    for owner, _, container in containers(rendered):
        for entry in container.get("env", []):
            for source, reference in entry.get("valueFrom", {}).items():
                where = f"{owner['kind']} {owner['metadata']['name']}, {entry['name']}: {reference}"
                assert reference["key"] in held[source].get(reference["name"], ()), where
                asked += 1
    assert asked > 10


def test_every_volume_has_its_source(variant, rendered):
    maps, held = configmaps(rendered), secrets(rendered, variant)
    for owner, template in pods.templates(rendered):
        volumes = {volume["name"]: volume for volume in template["spec"].get("volumes", [])}
        claims = {claim["metadata"]["name"] for claim in owner["spec"].get("volumeClaimTemplates", [])}
        for container in template["spec"]["containers"]:
            mounted = {mount["name"] for mount in container.get("volumeMounts", [])}
            assert mounted <= volumes.keys() | claims, owner["metadata"]["name"]
        for volume in volumes.values():
            if "configMap" in volume:
                assert volume["configMap"]["name"] in maps, volume
            if "secret" in volume:
                keys = held[volume["secret"]["secretName"]]
                assert {item["key"] for item in volume["secret"].get("items", [])} <= keys, volume


def test_the_schema_job_has_every_file_that_schema_sql_includes(rendered):
    job = build.one(rendered, "Job", "schema")["spec"]["template"]["spec"]
    name = next(volume["configMap"]["name"] for volume in job["volumes"] if volume["name"] == "schema")
    held = build.one(rendered, "ConfigMap", name)["data"]
    files = {path.name: path.read_text() for path in (build.ROOT / "schema").glob("*.sql")}
    assert held == files
    assert set(re.findall(r"^\\ir (\S+)", files["schema.sql"], re.M)) | {"schema.sql"} == set(files)


def test_the_schema_job_gives_every_password_that_schema_sql_reads(rendered):
    asked = set(re.findall(r"^\\getenv \S+ (\S+)", (build.ROOT / "schema" / "schema.sql").read_text(), re.M))
    job = build.one(rendered, "Job", "schema")["spec"]["template"]["spec"]["containers"][0]
    given = {e["name"]: e["valueFrom"]["secretKeyRef"]["name"] for e in job["env"] if "secretKeyRef" in e.get("valueFrom", {})}
    assert asked and asked <= given.keys()
    # The role whose password a variable sets is the one in that Secret.
    for variable in asked:
        assert given[variable] == variable.lower().replace("_", "-").removesuffix("-password")


def test_every_service_account_is_there_and_without_a_token(rendered):
    accounts = {r["metadata"]["name"]: r for r in build.kind(rendered, "ServiceAccount")}
    assert all(account["automountServiceAccountToken"] is False for account in accounts.values())
    used = {template["spec"]["serviceAccountName"] for _, template in pods.templates(rendered)}
    assert used == accounts.keys(), "used, and there"


def test_every_role_is_there(rendered):
    roles = {r["metadata"]["name"] for r in build.kind(rendered, "Role")}
    assert {r["roleRef"]["name"] for r in build.kind(rendered, "RoleBinding")} == roles


def test_executor_and_runtime_class_are_there(rendered):
    executors = {r["metadata"]["name"]: r for r in build.kind(rendered, "SpinAppExecutor")}
    classes = {r["metadata"]["name"]: r for r in build.kind(build.platform(), "RuntimeClass")}
    assert {app["spec"]["executor"] for app in build.kind(rendered, "SpinApp")} == executors.keys()
    for executor in executors.values():
        assert classes[executor["spec"]["deploymentConfig"]["runtimeClassName"]]["handler"] == "spin"


def _ports(template):
    return {port["name"]: port["containerPort"] for c in template["spec"]["containers"] for port in c.get("ports", [])}


def test_every_service_selects_one_workload_and_a_port_of_it(rendered):
    templates = list(pods.templates(rendered))
    for service in build.kind(expand(rendered), "Service"):
        selector = {"matchLabels": service["spec"]["selector"]}
        selected = [(o, t) for o, t in templates if selects(selector, t["metadata"]["labels"])]
        assert len(selected) == 1, service["metadata"]["name"]
        for port in service["spec"]["ports"]:
            assert port["targetPort"] in _ports(selected[0][1]), service["metadata"]["name"]


def test_every_deployment_selects_its_own_pods_alone(rendered):
    templates = list(pods.templates(rendered))
    for owner, _ in templates:
        if owner["kind"] != "Job":
            found = [t for _, t in templates if selects(owner["spec"]["selector"], t["metadata"]["labels"])]
            assert len(found) == 1, owner["metadata"]["name"]


def test_every_disruption_budget_selects_the_pods_of_an_application(rendered):
    apps = {app["metadata"]["name"] for app in build.kind(rendered, "SpinApp")}
    found = set()
    for budget in build.kind(rendered, "PodDisruptionBudget"):
        selected = [o for o, t in pods.templates(rendered) if selects(budget["spec"]["selector"], t["metadata"]["labels"])]
        assert [o["metadata"]["name"] for o in selected] == [budget["metadata"]["name"]]
        # A budget that lets nobody go would stop every drain.
        assert budget["spec"]["maxUnavailable"] == 1
        found.add(budget["metadata"]["name"])
    assert found == apps


def test_an_autoscaler_has_its_deployment_and_the_requests_it_divides_by(rendered):
    for scaler in build.kind(rendered, "HorizontalPodAutoscaler"):
        target = scaler["spec"]["scaleTargetRef"]
        deployment = build.one(expand(rendered), target["kind"], target["name"])
        assert "replicas" not in deployment["spec"], "two would set it"
        assert "cpu" in deployment["spec"]["template"]["spec"]["containers"][0]["resources"]["requests"]
        assert scaler["spec"]["minReplicas"] >= 2


def test_every_monitor_finds_its_port(rendered):
    everything = expand(rendered)
    for monitor in build.kind(rendered, "ServiceMonitor"):
        services = [s for s in build.kind(everything, "Service") if selects(monitor["spec"]["selector"], s["metadata"].get("labels", {}))]
        assert len(services) == 1, monitor["metadata"]["name"]
        assert {e["port"] for e in monitor["spec"]["endpoints"]} <= {port.get("name") for port in services[0]["spec"]["ports"]}
    for monitor in build.kind(rendered, "PodMonitor"):
        assert monitor["spec"]["selector"]["matchLabels"] == {"cnpg.io/cluster": build.kind(rendered, "Cluster")[0]["metadata"]["name"]}
        assert [e["port"] for e in monitor["spec"]["podMetricsEndpoints"]] == ["metrics"]


def test_every_route_has_its_service_and_its_middlewares(rendered):
    services = {s["metadata"]["name"]: {p["port"] for p in s["spec"]["ports"]} for s in build.kind(expand(rendered), "Service")}
    middlewares = {m["metadata"]["name"] for m in build.kind(rendered, "Middleware")}
    used = set()
    for route in (route for r in build.kind(rendered, "IngressRoute") for route in r["spec"]["routes"]):
        [service] = route["services"]
        if service.get("kind") == "TraefikService":
            assert service["name"] == "noop@internal"
        else:
            assert service["port"] in services[service["name"]]
        used |= {middleware["name"] for middleware in route.get("middlewares", [])}
    assert used == middlewares


def addresses(rendered):
    """(host, port) of everything that pods are told to connect to."""
    [database] = [r["data"] for r in build.kind(rendered, "ConfigMap") if r["metadata"]["name"].startswith("database-")]
    yield database["host"], int(database["port"])
    for _, _, container in containers(rendered):
        for entry in container["env"] if "env" in container else []:
            if str(entry.get("value", "")).startswith("http://"):
                url = urlsplit(entry["value"])
                yield url.hostname, url.port or 80


def test_every_address_is_that_of_a_service(variant, rendered):
    services = {}
    for service in build.kind(expand(rendered), "Service"):
        services[service["metadata"]["name"]] = {port["port"] for port in service["spec"]["ports"]}
    for cluster in build.kind(rendered, "Cluster"):
        services[cluster["metadata"]["name"] + "-rw"] = {5432}
    found = set(addresses(rendered))
    assert len(found) >= 2
    if "rds" in build.components(variant):
        # Nothing that could be somebody's: an overlay must say it.
        found.remove(("set-in-your-overlay.invalid", 5432))
    for host, port in found:
        name, rest = host.split(".", 1)
        assert rest == "items.svc.cluster.local" and port in services[name], (host, port)


def test_the_certificate_of_the_database_names_its_address(rendered):
    for certificate in build.kind(rendered, "Certificate", "postgres-server"):
        assert next(addresses(rendered))[0] in certificate["spec"]["dnsNames"]


def test_a_database_with_tls_is_verified_by_everybody(variant, rendered):
    present = bool(build.DATABASES & build.components(variant))
    [database] = [r["data"] for r in build.kind(rendered, "ConfigMap") if r["metadata"]["name"].startswith("database-")]
    # Spin's `require` verifies chain and name.
    assert database["sslmode"] == ("require" if present else "disable")
    settings = build.one(rendered, "SpinAppExecutor", "containerd-shim-spin")["spec"]["deploymentConfig"]
    assert (settings.get("caCertSecret"), settings["installDefaultCACerts"]) == (("items-ca", False) if present else (None, True))
    if not present:
        return
    env = {}
    for kind, name in (("Job", "schema"), ("Deployment", "sidecar")):
        pod = build.one(rendered, kind, name)["spec"]["template"]["spec"]
        [container] = pod["containers"]
        env |= {entry["name"]: entry.get("value") for entry in container["env"]}
        [mount] = [m["mountPath"] for m in container["volumeMounts"] if m["name"] == "database-ca"]
        [secret] = [v["secret"] for v in pod["volumes"] if v["name"] == "database-ca"]
        held = {item["path"] for item in secret.get("items", [])} or secrets(rendered, variant)[secret["secretName"]]
        root = env.get("PGSSLROOTCERT") if kind == "Job" else env["DATABASE_TLS"].removeprefix("verify-full&sslrootcert=")
        assert root in {f"{mount}/{file}" for file in held}, name
    assert env["PGSSLMODE"] == "verify-full"


def test_the_database_cluster_finds_what_it_names(variant, rendered):
    for cluster in build.kind(rendered, "Cluster"):
        spec, held = cluster["spec"], secrets(rendered, variant)
        assert spec["superuserSecret"]["name"] in held
        assert set(spec["certificates"].values()) <= held.keys()
        stores = {r["metadata"]["name"] for r in build.kind(rendered, "ObjectStore")}
        plugins = {plugin["name"]: plugin["parameters"]["barmanObjectName"] for plugin in spec["plugins"]}
        assert set(plugins.values()) == stores
        for backup in build.kind(rendered, "ScheduledBackup"):
            assert backup["spec"]["cluster"]["name"] == cluster["metadata"]["name"]
            assert backup["spec"]["pluginConfiguration"]["name"] in plugins
        # What a client was told must be on two servers, and stay there.
        assert spec["postgresql"]["synchronous"] == {"method": "any", "number": 1, "dataDurability": "required", "failoverQuorum": True}
        assert spec["instances"] >= 3


@pytest.mark.parametrize("kind", ["Issuer", "Certificate"])
def test_every_certificate_has_its_issuer(rendered, kind):
    issuers = {r["metadata"]["name"] for r in build.kind(rendered, "Issuer")}
    certified = {r["spec"]["secretName"] for r in build.kind(rendered, "Certificate")}
    if kind == "Certificate":
        assert {r["spec"]["issuerRef"]["name"] for r in build.kind(rendered, "Certificate")} == issuers
    else:
        for issuer in build.kind(rendered, "Issuer"):
            assert issuer["spec"].get("ca", {}).get("secretName", "") in certified | {""}
    for route in build.kind(rendered, "IngressRoute"):
        assert route["spec"].get("tls", {}).get("secretName", "") in certified | {""}
