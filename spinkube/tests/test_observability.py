"""Checks that the cluster uses the rules, dashboards and log settings of observability/, with the labels they need."""

import re
import subprocess

import build
import yaml

OBSERVABILITY = build.ROOT / "observability"
RULES = OBSERVABILITY / "prometheus" / "rules"


def test_the_rules_are_those_of_observability(rendered):
    files = {f"items-{path.stem}": path for path in RULES.glob("*.yml")}
    files |= {f"items-cluster-{path.stem}": path for path in (RULES / "cluster").glob("*.yml")}
    expected = {name: yaml.safe_load(path.read_text()) for name, path in files.items()}
    assert build.specs(rendered, "PrometheusRule") == expected


def test_rules_yaml_is_what_its_command_writes():
    written = subprocess.run([build.SPINKUBE / "generate-rules.sh", "-"], capture_output=True, check=True).stdout
    assert (build.SPINKUBE / "base" / "rules.yaml").read_bytes() == written, "fix: spinkube/generate-rules.sh"


def test_the_dashboards_are_those_of_observability_and_grafana_loads_them(rendered):
    files = {path.name: path.read_text() for path in (OBSERVABILITY / "grafana" / "dashboards").glob("*.json")}
    maps = build.kind(rendered, "ConfigMap").values()
    maps = [r for r in maps if r["metadata"].get("labels", {}).get("grafana_dashboard") == "1"]
    assert len(files) >= 2 and {file: text for r in maps for file, text in r["data"].items()} == files
    # With a hash in the name, the previous version would stay next to the new one.
    assert all(re.fullmatch(r"dashboard-[a-z-]+", build.name(r)) for r in maps)
    loader = build.values("kube-prometheus-stack")["grafana"]["sidecar"]["dashboards"]
    assert (loader["label"], loader["labelValue"], loader["searchNamespace"]) == ("grafana_dashboard", "1", "ALL")


def mounts(pod):
    """{name of a volume: where the pod's container mounts it}"""
    return {mount["name"]: mount["mountPath"] for mount in pod["containers"][0]["volumeMounts"]}


def configuration(pod):
    """The data of the ConfigMap that a pod of the platform mounts."""
    [source] = [volume["configMap"]["name"] for volume in pod["volumes"] if "configMap" in volume]
    return build.kind(build.platform(), "ConfigMap")[source]["data"]


def test_alloy_and_loki_run_with_the_files_of_observability():
    # Alloy reads every file of its folder.
    for kind, name, files, argument in (
        ("DaemonSet", "alloy", ("cluster.alloy", "lines.alloy"), "{}"),
        ("StatefulSet", "loki", ("loki.yml",), "-config.file={}/loki.yml"),
    ):
        pod = build.pod(build.platform(), kind, name)
        assert configuration(pod) == {file: (OBSERVABILITY / "logs" / file).read_text() for file in files}
        assert argument.format(mounts(pod)["configuration"]) in pod["containers"][0]["args"]


def test_alloy_has_the_variables_that_its_files_read():
    pod = build.pod(build.platform(), "DaemonSet", "alloy")
    env = {entry["name"]: entry for entry in pod["containers"][0]["env"]}
    text = "".join(configuration(pod).values())
    assert set(re.findall(r'sys\.env\("(\w+)"\)', text)) == env.keys()
    assert env["HOSTNAME"]["valueFrom"] == {"fieldRef": {"fieldPath": "spec.nodeName"}}
    loki = build.kind(build.platform(), "Service")["loki"]
    address = f"http://loki.{loki['metadata']['namespace']}.svc.cluster.local:{loki['spec']['ports'][0]['port']}"
    assert env["LOKI_URL"]["value"] == address
    assert 'names = ["items"]' in text


def test_loki_writes_to_its_volume():
    loki = build.specs(build.platform(), "StatefulSet")["loki"]
    settings = yaml.safe_load((OBSERVABILITY / "logs" / "loki.yml").read_text())
    [claim] = loki["volumeClaimTemplates"]
    assert settings["common"]["path_prefix"] == mounts(loki["template"]["spec"])[build.name(claim)]
    assert loki["replicas"] == 1


def test_the_labels_that_the_rules_select_are_those_of_the_manifests(rendered):
    text = "".join(path.read_text() for path in RULES.rglob("*.yml") if path.parent.name != "local")
    selected = {label: set(re.findall(rf'{label}="([^"]+)"', text)) for label in ("namespace", "deployment", "job")}
    assert selected == {"namespace": {"items"}, "deployment": {"items"}, "job": {"sidecar"}}
    assert build.kind(rendered, "SpinApp")["items"]["metadata"]["namespace"] == "items"
    # Prometheus' label `job` is the name of the Service that the monitor selects.
    monitor = build.specs(rendered, "ServiceMonitor")["sidecar"]["selector"]["matchLabels"]
    assert monitor.items() <= build.kind(rendered, "Service")["sidecar"]["metadata"]["labels"].items()
    # Traefik calls the service of a route NAMESPACE-INGRESSROUTE-HASH@kubernetescrd.
    [pattern] = set(re.findall(r'service=~"([^"]+)"', text))
    for name, route in build.kind(rendered, "IngressRoute").items():
        if any(service["name"] == "items" for entry in route["spec"]["routes"] for service in entry["services"]):
            assert re.fullmatch(pattern, f"{route['metadata']['namespace']}-{name}-0123456789abcdef0123@kubernetescrd")


def test_traefik_reports_the_bucket_of_the_latency_objective_under_its_own_labels():
    buckets = [float(bucket) for bucket in build.values("traefik")["metrics"]["prometheus"]["buckets"].split(",")]
    assert 0.25 in buckets and buckets == sorted(buckets)
    monitor = build.kind(build.platform(), "ServiceMonitor")["traefik"]
    service = build.kind(build.platform(), "Service")["traefik-prometheus"]
    assert [endpoint["honorLabels"] for endpoint in monitor["spec"]["endpoints"]] == [True]
    assert monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    assert monitor["metadata"]["namespace"] == service["metadata"]["namespace"] == "kube-system"
    assert [e["port"] for e in monitor["spec"]["endpoints"]] == [port["name"] for port in service["spec"]["ports"]]


def test_callers_keep_their_address_and_every_node_has_an_ingress():
    values = build.values("traefik")
    assert (values["service"]["spec"]["externalTrafficPolicy"], values["deployment"]["kind"]) == ("Local", "DaemonSet")


def test_everything_is_scraped_at_least_every_thirty_seconds(rendered):
    monitors = build.specs(rendered + build.platform(), "ServiceMonitor") | build.specs(rendered, "PodMonitor")
    for monitor in monitors.values():
        for endpoint in monitor.get("endpoints", []) + monitor.get("podMetricsEndpoints", []):
            assert endpoint["interval"].endswith("s") and int(endpoint["interval"][:-1]) <= 30


def test_prometheus_selects_every_monitor_and_keeps_the_thirty_days_of_the_objectives():
    values = build.values("kube-prometheus-stack")
    spec = values["prometheus"]["prometheusSpec"]
    nil = [key for key in spec if key.endswith("SelectorNilUsesHelmValues")]
    assert len(nil) == 5 and not any(spec[key] for key in nil)
    assert spec["retention"] == "30d" and spec["scrapeInterval"] == "30s"
    # K3s runs none of these as a pod, so their alerts would always fire.
    for name in ("kubeControllerManager", "kubeScheduler", "kubeProxy", "kubeEtcd"):
        assert values[name]["enabled"] is False
    assert values["grafana"]["admin"]["existingSecret"] == "grafana-admin" and "adminPassword" not in values["grafana"]


def test_the_sidecar_gets_only_variables_that_it_reads_in_an_order_that_expands(rendered):
    [container] = build.pod(rendered, "Deployment", "sidecar")["containers"]
    sources = "".join(path.read_text() for path in (OBSERVABILITY / "sidecar/src").rglob("*.rs"))
    values = {entry["name"]: entry.get("value") for entry in container["env"]}
    assert {name for name in values if not name.startswith("DATABASE_")} <= set(re.findall(r'env = "(\w+)"', sources))
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert values["SIDECAR_METRICS_LISTEN"] == f"0.0.0.0:{ports['metrics']}"
    assert values["SIDECAR_OTLP_LISTEN"] == f"0.0.0.0:{ports['otlp']}"
    # Kubernetes expands $(NAME) only where NAME comes before it.
    order = list(values)
    for name in re.findall(r"\$\((\w+)\)", values["SIDECAR_DATABASE_URL"]):
        assert order.index(name) < order.index("SIDECAR_DATABASE_URL")
