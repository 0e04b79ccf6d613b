"""Checks that what a manifest names exists: in the variant, in the platform, or made by spin-operator or secrets.sh."""

import json
import re

import build
import pods
import yaml
from policies import selects
from spin_operator import expand


SECRETS = (build.SPINKUBE / "secrets.sh").read_text()
LABELS = re.search(r"namespace: items, labels: (\{.*?\})", SECRETS)[1]
# {name: user} of the Secrets that secrets.sh creates.
CREATED = dict(re.findall(r"\b([a-z-]+):([a-z]+)\b", re.search(r"for pair in (.*);", SECRETS)[1]))


def configmaps(rendered):
    """{name: keys} of the ConfigMaps."""
    return {name: set(r["data"]) for name, r in build.kind(rendered, "ConfigMap").items()}


def secrets(rendered, variant):
    """{name: keys} of the Secrets that exist once the variant runs."""
    if "external-secrets" in build.components(variant):
        external = build.specs(rendered, "ExternalSecret")
        found = {name: set(spec["target"]["template"]["data"]) for name, spec in external.items()}
    else:
        found = {name: {"username", "password"} for name in CREATED} | {"audit-key": {"seed"}}
    assert found.pop("audit-key") == {"seed"}
    assert all(keys == {"username", "password"} for keys in found.values())
    found["audit-key"] = {"seed"}
    for certificate in build.specs(rendered, "Certificate").values():
        found[certificate["secretName"]] = {"tls.crt", "tls.key", "ca.crt"}
    found["spin-ca"] = {"ca-certificates.crt"}
    if build.DATABASES & build.components(variant):
        found["items-ca"] = {"ca-certificates.crt"}
    return found


def test_every_configmap_and_secret_has_the_key_that_a_variable_names(variant, rendered):
    held = {"configMapKeyRef": configmaps(rendered), "secretKeyRef": secrets(rendered, variant)}
    containers = [c for _, template in pods.templates(rendered) for c in template["spec"]["containers"]]
    sources = [entry["valueFrom"] for c in containers for entry in c.get("env", []) if "valueFrom" in entry]
    assert len(sources) > 10
    for kind, reference in (pair for source in sources for pair in source.items()):
        assert reference["key"] in held[kind].get(reference["name"], ()), reference


def test_every_mount_has_its_volume_and_every_volume_its_source(variant, rendered):
    maps, held = configmaps(rendered), secrets(rendered, variant)
    for owner, template in pods.templates(rendered):
        volumes = {volume["name"]: volume for volume in template["spec"].get("volumes", [])}
        claims = {build.name(claim) for claim in owner["spec"].get("volumeClaimTemplates", [])}
        for container in template["spec"]["containers"]:
            mounted = {mount["name"] for mount in container.get("volumeMounts", [])}
            assert mounted <= volumes.keys() | claims, build.name(owner)
        for volume in volumes.values():
            if "persistentVolumeClaim" in volume:
                assert volume["persistentVolumeClaim"]["claimName"] in build.kind(rendered, "PersistentVolumeClaim")
            if "configMap" in volume:
                assert volume["configMap"]["name"] in maps, volume
            if "secret" in volume:
                keys = held[volume["secret"]["secretName"]]
                assert {item["key"] for item in volume["secret"].get("items", [])} <= keys, volume


def test_the_schema_job_has_every_file_that_schema_sql_includes(rendered):
    job = build.pod(rendered, "Job", "schema")
    [name] = [volume["configMap"]["name"] for volume in job["volumes"] if volume["name"] == "schema"]
    files = {path.name: path.read_text() for path in (build.ROOT / "schema").glob("*.sql")}
    assert build.kind(rendered, "ConfigMap")[name]["data"] == files
    assert set(re.findall(r"^\\ir (\S+)", files["schema.sql"], re.M)) | {"schema.sql"} == set(files)


def test_the_schema_job_sets_every_password_that_schema_sql_reads(rendered):
    names = re.findall(r"^\\getenv \S+ (\S+_PASSWORD)$", (build.ROOT / "schema" / "schema.sql").read_text(), re.M)
    [job] = build.pod(rendered, "Job", "schema")["containers"]
    env = {entry["name"]: entry.get("valueFrom", {}) for entry in job["env"]}
    assert names
    # ITEMS_DB_PASSWORD comes from the Secret items-db.
    for name in names:
        assert env[name]["secretKeyRef"]["name"] == name.lower().replace("_", "-").removesuffix("-password")


def test_every_service_account_is_used_exists_and_has_no_token(rendered):
    accounts = build.kind(rendered, "ServiceAccount")
    # A SpinApp cannot refuse the token itself.
    assert all(account["automountServiceAccountToken"] is False for account in accounts.values())
    assert {template["spec"]["serviceAccountName"] for _, template in pods.templates(rendered)} == accounts.keys()


def test_the_executor_and_its_runtime_class_exist(rendered):
    executors, classes = build.specs(rendered, "SpinAppExecutor"), build.kind(build.platform(), "RuntimeClass")
    assert {app["executor"] for app in build.specs(rendered, "SpinApp").values()} == executors.keys()
    for executor in executors.values():
        assert classes[executor["deploymentConfig"]["runtimeClassName"]]["handler"] == "spin"


def selected(rendered, selector):
    """{name of a workload: its pod template} of those whose pods a selector matches."""
    found = [(build.name(owner), t) for owner, t in pods.templates(rendered)]
    return {name: template for name, template in found if selects(selector, template["metadata"]["labels"])}


def test_every_service_selects_one_workload_and_one_of_its_ports(rendered):
    for name, service in build.kind(expand(rendered), "Service").items():
        [template] = selected(rendered, {"matchLabels": service["spec"]["selector"]}).values()
        ports = {port["name"] for container in template["spec"]["containers"] for port in container.get("ports", [])}
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= ports, name


def test_every_workload_selects_only_its_own_pods(rendered):
    for owner, _ in pods.templates(rendered):
        if "selector" in owner["spec"]:
            assert selected(rendered, owner["spec"]["selector"]).keys() == {build.name(owner)}


def test_every_spinapp_has_a_disruption_budget_that_lets_one_pod_go(rendered):
    budgets = build.specs(rendered, "PodDisruptionBudget")
    for name, budget in budgets.items():
        found = set(selected(rendered, budget["selector"]))
        found |= {peer.name for peer in pods.own(rendered) if peer.name == "pooler" and selects(budget["selector"], peer.labels)}
        assert found == {"pooler" if name in build.kind(rendered, "Pooler") else name}
        assert budget["maxUnavailable"] == 1
    assert budgets.keys() == build.kind(rendered, "SpinApp").keys() | build.kind(rendered, "Pooler").keys()


def test_an_autoscaler_has_its_deployment_and_the_requests_it_divides_by(rendered):
    for scaler in build.specs(rendered, "HorizontalPodAutoscaler").values():
        target = scaler["scaleTargetRef"]
        deployment = build.specs(expand(rendered), target["kind"])[target["name"]]
        assert "replicas" not in deployment, "both would set the replicas"
        assert "cpu" in deployment["template"]["spec"]["containers"][0]["resources"]["requests"]
        assert scaler["minReplicas"] >= 2


def test_every_monitor_finds_its_service_and_port(rendered):
    resources = expand(rendered) + build.platform()
    services = build.kind(resources, "Service").values()
    for name, monitor in build.kind(resources, "ServiceMonitor").items():
        spec, namespace = monitor["spec"], monitor["metadata"]["namespace"]
        [service] = [s for s in services if selects(spec["selector"], s["metadata"].get("labels", {}))]
        assert service["metadata"]["namespace"] == namespace, name
        assert {endpoint["port"] for endpoint in spec["endpoints"]} <= {p.get("name") for p in service["spec"]["ports"]}
    for name, monitor in build.specs(rendered, "PodMonitor").items():
        [peer] = [p for p in pods.own(rendered) if selects(monitor["selector"], p.labels)]
        assert peer.name == {"postgres": "database", "postgres-pooler": "pooler"}[name]
        assert [endpoint["port"] for endpoint in monitor["podMetricsEndpoints"]] == ["metrics"]


def service_ports(resources):
    """{NAME.NAMESPACE of a Service: its ports}, those of operators included."""
    services = build.kind(expand(resources), "Service").items()
    found = {f"{n}.{s['metadata']['namespace']}": {port["port"] for port in s["spec"]["ports"]} for n, s in services}
    found |= {f"{name}-rw.items": {5432} for name in build.kind(resources, "Cluster")}
    return found | {f"{name}.items": {5432} for name in build.kind(resources, "Pooler")}


def test_every_route_has_its_service_and_its_middlewares(rendered):
    services, used = service_ports(rendered), set()
    for route in (route for r in build.specs(rendered, "IngressRoute").values() for route in r["routes"]):
        used |= {middleware["name"] for middleware in route.get("middlewares", [])}
        # A route without a service has children.
        [service] = route.get("services", [{"kind": "TraefikService", "name": "noop@internal"}])
        if service.get("kind") == "TraefikService":
            assert service["name"] == "noop@internal"
        else:
            assert service["port"] in services[f"{service['name']}.items"]
            assert service["serversTransport"] in build.kind(rendered, "ServersTransport")
    assert used == build.kind(rendered, "Middleware").keys()


def test_every_address_is_that_of_a_service(variant, rendered):
    services, database = service_ports(rendered + build.platform()), build.database(rendered)["data"]
    found = re.findall(r"http://([a-z.-]+)[.]svc[.]cluster[.]local:?(\d*)", json.dumps(rendered + build.platform()))
    if "rds" not in build.components(variant):
        found.append((database["host"].removesuffix(".svc.cluster.local"), database["port"]))
    assert len(found) >= 3
    for host, port in found:
        # `auth` is an address of the user's.
        assert host == "auth.auth" or int(port or 80) in services[host], (host, port)


def test_a_database_with_tls_is_verified_by_every_client(variant, rendered):
    present = bool(build.DATABASES & build.components(variant))
    # Spin's `require` verifies chain and host name.
    assert build.database(rendered)["data"]["sslmode"] == ("require" if present else "disable")
    settings = build.specs(rendered, "SpinAppExecutor")["items"]["deploymentConfig"]
    assert settings.get("caCertSecret") == ("items-ca" if present else None)
    assert settings["installDefaultCACerts"] is not present
    if not present:
        return
    env = {}
    for kind, name in (("Job", "schema"), ("Deployment", "sidecar")):
        pod = build.pod(rendered, kind, name)
        [container] = pod["containers"]
        env |= {entry["name"]: entry.get("value") for entry in container["env"]}
        [mount] = [m["mountPath"] for m in container["volumeMounts"] if m["name"] == "database-ca"]
        [secret] = [v["secret"] for v in pod["volumes"] if v["name"] == "database-ca"]
        held = {item["path"] for item in secret.get("items", [])} or secrets(rendered, variant)[secret["secretName"]]
        roots = {f"{mount}/{file}" for file in held}
        assert kind != "Job" or (env["PGSSLMODE"] == "verify-full" and env["PGSSLROOTCERT"] in roots)
    assert env["DATABASE_TLS"] in {f"verify-full&sslrootcert={root}" for root in roots}


def test_the_database_cluster_finds_what_it_names_and_commits_on_two_servers(variant, rendered):
    held = secrets(rendered, variant)
    for name, spec in build.specs(rendered, "Cluster").items():
        superuser = spec["superuserSecret"]["name"]
        assert {superuser, *spec["certificates"].values()} <= held.keys()
        external = build.specs(rendered, "ExternalSecret").get(superuser)
        # With this label, the operator sets a changed password in the database.
        labels = external["target"]["template"]["metadata"]["labels"] if external else yaml.safe_load(LABELS)
        assert labels["cnpg.io/reload"] == "true"
        plugins = {plugin["name"]: plugin["parameters"]["barmanObjectName"] for plugin in spec["plugins"]}
        assert set(plugins.values()) == build.kind(rendered, "ObjectStore").keys()
        for backup in build.specs(rendered, "ScheduledBackup").values():
            assert backup["cluster"]["name"] == name and backup["pluginConfiguration"]["name"] in plugins
        synchronous = spec["postgresql"]["synchronous"]
        assert synchronous["dataDurability"] == "required" and synchronous["failoverQuorum"] and spec["instances"] >= 3


def test_certificates_have_their_issuer_their_users_and_the_name_of_the_database(rendered):
    issuers, certificates = build.specs(rendered, "Issuer"), build.specs(rendered, "Certificate")
    routes = build.specs(rendered, "IngressRoute")
    certified = {spec["secretName"] for spec in certificates.values()}
    assert {spec["issuerRef"]["name"] for spec in certificates.values()} == issuers.keys()
    assert {spec["ca"]["secretName"] for spec in issuers.values() if "ca" in spec} <= certified
    assert {spec["tls"]["secretName"] for spec in routes.values() if "tls" in spec} <= certified
    # Pods trust the authority that they read at their start, so its key must outlive a renewal.
    kept = {name for name, spec in certificates.items() if spec["privateKey"]["rotationPolicy"] == "Never"}
    assert kept == {name for name, spec in certificates.items() if spec.get("isCA")}
    if "postgres-server" in certificates:
        hosts = {build.database(rendered)["data"]["host"]}
        hosts |= {f"{name}.items.svc.cluster.local" for name in build.kind(rendered, "Pooler")}
        assert hosts <= set(certificates["postgres-server"]["dnsNames"])
