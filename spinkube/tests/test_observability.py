"""What is watched in the cluster is what observability/ says, and what its rules take for granted holds."""

import re
import subprocess

import build
import yaml

OBSERVABILITY = build.ROOT / "observability"
RULES = OBSERVABILITY / "prometheus" / "rules"


def test_the_rules_are_those_of_observability(rendered):
    files = {path.stem: path for path in RULES.glob("*.yml")} | {f"cluster-{p.stem}": p for p in (RULES / "cluster").glob("*.yml")}
    found = {rule["metadata"]["name"]: rule["spec"] for rule in build.kind(rendered, "PrometheusRule")}
    assert found == {f"items-{name}": yaml.safe_load(path.read_text()) for name, path in files.items()}


def test_the_generated_file_is_what_its_command_writes():
    written = subprocess.run([build.SPINKUBE / "generate-rules.sh", "-"], capture_output=True, text=True, check=True).stdout
    assert (build.SPINKUBE / "base" / "rules.yaml").read_text() == written, "fix: spinkube/generate-rules.sh"


def test_the_dashboards_are_those_of_observability(rendered):
    files = {path.name: path.read_text() for path in (OBSERVABILITY / "grafana" / "dashboards").glob("*.json")}
    maps = [r for r in build.kind(rendered, "ConfigMap") if r["metadata"].get("labels", {}).get("grafana_dashboard") == "1"]
    found = {name: text for r in maps for name, text in r["data"].items()}
    assert len(files) >= 2 and found == files
    # A name with a hash would leave the dashboard of yesterday beside that of today.
    assert all(re.fullmatch(r"dashboard-[a-z-]+", r["metadata"]["name"]) for r in maps)
    values = yaml.safe_load(build.one(build.platform(), "HelmChart", "kube-prometheus-stack")["spec"]["valuesContent"])
    dashboards = values["grafana"]["sidecar"]["dashboards"]
    assert (dashboards["label"], dashboards["labelValue"], dashboards["searchNamespace"]) == ("grafana_dashboard", "1", "ALL")


def test_alloy_and_loki_run_with_the_files_of_observability():
    platform = build.platform()
    # Alloy takes every file of its folder.
    for kind, name, files, argument in (
        ("DaemonSet", "alloy", ("cluster.alloy", "lines.alloy"), "{}"),
        ("StatefulSet", "loki", ("loki.yml",), "-config.file={}/loki.yml"),
    ):
        pod = build.one(platform, kind, name)["spec"]["template"]["spec"]
        [source] = [volume["configMap"]["name"] for volume in pod["volumes"] if "configMap" in volume]
        expected = {file: (OBSERVABILITY / "logs" / file).read_text() for file in files}
        assert build.one(platform, "ConfigMap", source)["data"] == expected
        [container] = pod["containers"]
        [mount] = [m["mountPath"] for m in container["volumeMounts"] if m["name"] == "configuration"]
        assert argument.format(mount) in container["args"]


def test_alloy_has_the_variables_its_files_read():
    pod = build.one(build.platform(), "DaemonSet", "alloy")["spec"]["template"]["spec"]
    env = {entry["name"]: entry for entry in pod["containers"][0]["env"]}
    [source] = [volume["configMap"]["name"] for volume in pod["volumes"] if "configMap" in volume]
    text = "".join(build.one(build.platform(), "ConfigMap", source)["data"].values())
    assert set(re.findall(r'sys\.env\("(\w+)"\)', text)) == env.keys()
    assert env["HOSTNAME"]["valueFrom"] == {"fieldRef": {"fieldPath": "spec.nodeName"}}
    loki = build.one(build.platform(), "Service", "loki")
    assert env["LOKI_URL"]["value"] == f"http://loki.{loki['metadata']['namespace']}.svc.cluster.local:{loki['spec']['ports'][0]['port']}"
    assert 'names = ["items"]' in text


def test_loki_writes_to_its_volume():
    loki = build.one(build.platform(), "StatefulSet", "loki")["spec"]
    settings = yaml.safe_load((OBSERVABILITY / "logs" / "loki.yml").read_text())
    mounts = {m["name"]: m["mountPath"] for m in loki["template"]["spec"]["containers"][0]["volumeMounts"]}
    assert settings["common"]["path_prefix"] == mounts[loki["volumeClaimTemplates"][0]["metadata"]["name"]]
    assert loki["replicas"] == 1


def test_what_the_rules_select_is_what_it_is_called_here(rendered):
    text = "".join(path.read_text() for path in RULES.rglob("*.yml") if path.parent.name != "local")
    assert set(re.findall(r'namespace="([^"]+)"', text)) == {build.one(rendered, "SpinApp", "items")["metadata"]["namespace"]}
    assert set(re.findall(r'deployment="([^"]+)"', text)) == {"items"}
    assert set(re.findall(r'job="([^"]+)"', text)) == {build.one(rendered, "ServiceMonitor", "sidecar")["spec"]["selector"]["matchLabels"]["app.kubernetes.io/name"]} == {
        build.one(rendered, "Service", "sidecar")["metadata"]["name"]
    }
    # Traefik calls the service of a route NAMESPACE-INGRESSROUTE-HASH@kubernetescrd.
    [pattern] = set(re.findall(r'service=~"([^"]+)"', text))
    for route in build.kind(rendered, "IngressRoute"):
        name = f"{route['metadata']['namespace']}-{route['metadata']['name']}-0123456789abcdef0123@kubernetescrd"
        if any(service["name"] == "items" for entry in route["spec"]["routes"] for service in entry["services"]):
            assert re.fullmatch(pattern, name)


def test_traefik_reports_the_bucket_of_the_latency_objective_under_its_own_labels():
    values = yaml.safe_load(build.one(build.platform(), "HelmChartConfig", "traefik")["spec"]["valuesContent"])
    buckets = [float(bucket) for bucket in values["metrics"]["prometheus"]["buckets"].split(",")]
    assert 0.25 in buckets and buckets == sorted(buckets)
    monitor = build.one(build.platform(), "ServiceMonitor", "traefik")
    assert [endpoint["honorLabels"] for endpoint in monitor["spec"]["endpoints"]] == [True]
    service = build.one(build.platform(), "Service", "traefik-prometheus")
    assert monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    assert monitor["metadata"]["namespace"] == service["metadata"]["namespace"] == "kube-system"
    assert [e["port"] for e in monitor["spec"]["endpoints"]] == [port["name"] for port in service["spec"]["ports"]]


def test_callers_keep_their_address_only_with_an_ingress_on_every_node():
    values = yaml.safe_load(build.one(build.platform(), "HelmChartConfig", "traefik")["spec"]["valuesContent"])
    assert values["service"]["spec"]["externalTrafficPolicy"] == "Local"
    assert values["deployment"]["kind"] == "DaemonSet"


def test_everything_is_scraped_at_least_every_thirty_seconds(rendered):
    monitors = build.kind(rendered + build.platform(), "ServiceMonitor") + build.kind(rendered, "PodMonitor")
    for monitor in monitors:
        for endpoint in monitor["spec"].get("endpoints", []) + monitor["spec"].get("podMetricsEndpoints", []):
            assert endpoint["interval"].endswith("s") and int(endpoint["interval"][:-1]) <= 30


def test_prometheus_takes_every_monitor_and_keeps_the_window_of_the_budget():
    values = yaml.safe_load(build.one(build.platform(), "HelmChart", "kube-prometheus-stack")["spec"]["valuesContent"])
    spec = values["prometheus"]["prometheusSpec"]
    nil = [key for key in spec if key.endswith("SelectorNilUsesHelmValues")]
    assert len(nil) == 5 and not any(spec[key] for key in nil)
    assert spec["retention"] == "30d" and spec["scrapeInterval"] == "30s"
    # Alerts on what K3s does not run as pods would fire for ever.
    assert all(values[name]["enabled"] is False for name in ("kubeControllerManager", "kubeScheduler", "kubeProxy", "kubeEtcd"))
    assert values["grafana"]["admin"]["existingSecret"] == "grafana-admin" and "adminPassword" not in values["grafana"]


def test_the_sidecar_has_the_options_it_knows(rendered):
    container = build.one(rendered, "Deployment", "sidecar")["spec"]["template"]["spec"]["containers"][0]
    known = set(re.findall(r'env = "(\w+)"', (OBSERVABILITY / "sidecar/src/cli.rs").read_text()))
    given = {entry["name"]: entry.get("value") for entry in container["env"]}
    assert {name for name in given if not name.startswith("DATABASE_")} <= known
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert given["SIDECAR_METRICS_LISTEN"] == f"0.0.0.0:{ports['metrics']}"
    assert given["SIDECAR_OTLP_LISTEN"] == f"0.0.0.0:{ports['otlp']}"
    # $(NAME) stands for what comes before it only.
    order = list(given)
    for name in re.findall(r"\$\((\w+)\)", given["SIDECAR_DATABASE_URL"]):
        assert order.index(name) < order.index("SIDECAR_DATABASE_URL")
