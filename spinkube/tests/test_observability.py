"""Checks that the cluster uses the rules, dashboards and log settings of observability/, with the labels they need."""

import re
import subprocess

import build
import yaml

OBSERVABILITY = build.ROOT / "observability"
RULES = OBSERVABILITY / "prometheus" / "rules"


def test_rules_yaml_is_what_its_command_writes_and_has_the_rules_of_observability():
    written = subprocess.run([build.SPINKUBE / "generate-rules.sh", "-"], capture_output=True, check=True).stdout
    assert (build.SPINKUBE / "base" / "rules.yaml").read_bytes() == written, "fix: spinkube/generate-rules.sh"
    files = {f"items-{path.stem}": path for path in RULES.glob("*.yml")}
    files |= {f"items-cluster-{path.stem}": path for path in (RULES / "cluster").glob("*.yml")}
    expected = {name: yaml.safe_load(path.read_text()) for name, path in files.items()}
    assert build.specs(build.variant("local"), "PrometheusRule") == expected


def test_helmfile_yaml_is_what_its_command_writes_and_has_the_charts_of_the_platform():
    written = subprocess.run([build.SPINKUBE / "platform/generate-helmfile.sh", "-"], capture_output=True, check=True).stdout
    file = build.SPINKUBE / "platform" / "helmfile.yaml"
    assert file.read_bytes() == written, "fix: spinkube/platform/generate-helmfile.sh"
    document = yaml.safe_load(written)
    urls = {repository["name"]: repository["url"] for repository in document["repositories"]}
    found, expected = {}, {}
    for release in document["releases"]:
        repository, _, chart = release["chart"].partition("/")
        chart, repo = (chart, urls[repository]) if repository in urls else (release["chart"], None)
        found[release["name"]] = (chart, repo, release["version"], release["namespace"], release.get("values"))
    for name, spec in build.specs(build.platform(), "HelmChart").items():
        values = [build.values(name)] if "valuesContent" in spec else None
        expected[name] = (spec["chart"], spec.get("repo"), spec["version"], spec["targetNamespace"], values)
    assert found.pop("traefik")[3:] == ("kube-system", [build.values("traefik")])
    assert found == expected


def test_the_dashboards_are_those_of_observability_and_grafana_loads_them():
    files = {path.name: path.read_text() for path in (OBSERVABILITY / "grafana" / "dashboards").glob("*.json")}
    loader = build.values("kube-prometheus-stack")["grafana"]["sidecar"]["dashboards"]
    assert loader["searchNamespace"] == "ALL"
    maps = build.kind(build.variant("local"), "ConfigMap").values()
    maps = [r for r in maps if r["metadata"].get("labels", {}).get(loader["label"]) == loader["labelValue"]]
    assert len(files) >= 2 and {file: text for r in maps for file, text in r["data"].items()} == files
    # With a hash in the name, the previous version would stay next to the new one.
    assert all(re.fullmatch(r"dashboard-[a-z-]+", build.name(r)) for r in maps)


def test_alloy_and_loki_run_with_the_files_of_observability():
    # Alloy reads every file of its folder.
    for kind, name, files, argument in (
        ("DaemonSet", "alloy", ("cluster.alloy", "lines.alloy"), "{}"),
        ("StatefulSet", "loki", ("loki.yml",), "-config.file={}/loki.yml"),
    ):
        pod = build.pod(build.platform(), kind, name)
        [container], [source] = pod["containers"], [v["configMap"]["name"] for v in pod["volumes"] if "configMap" in v]
        files = {file: (OBSERVABILITY / "logs" / file).read_text() for file in files}
        assert build.kind(build.platform(), "ConfigMap")[source]["data"] == files
        mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
        assert argument.format(mounts["configuration"]) in container["args"]
        read = re.findall(r'sys\.env\("(\w+)"\)', "".join(files.values()))
        assert {entry["name"] for entry in container.get("env", [])} == set(read)
    assert yaml.safe_load(files["loki.yml"])["common"]["path_prefix"] == mounts["data"], "the volume"


def test_the_labels_that_the_rules_select_are_those_of_the_manifests(rendered):
    text = "".join(path.read_text() for path in RULES.rglob("*.yml") if path.parent.name != "local")
    selected = {label: set(re.findall(rf'\b{label}="([^"]+)"', text)) for label in ("namespace", "deployment", "job", "cronjob")}
    cronjob = selected.pop("cronjob")
    assert selected == {"namespace": {"items"}, "deployment": {"items"}, "job": {"sidecar"}}
    assert build.kind(rendered, "CronJob").keys() <= cronjob == {"postgres-backup"}
    assert build.kind(rendered, "SpinApp")["items"]["metadata"]["namespace"] == "items"
    # Prometheus' label `job` is the name of the Service that the monitor selects.
    monitor = build.specs(rendered, "ServiceMonitor")["sidecar"]["selector"]["matchLabels"]
    assert monitor.items() <= build.kind(rendered, "Service")["sidecar"]["metadata"]["labels"].items()
    # Traefik calls a route NAMESPACE-INGRESSROUTE-HASH@kubernetescrd. A child would count each request again.
    [pattern] = set(re.findall(r'router=~"([^"]+)"', text))
    routes = build.kind(rendered, "IngressRoute")
    counted = [n for n in routes if re.fullmatch(pattern, f"items-{n}-0123456789abcdef0123@kubernetescrd")]
    assert counted == ["items"] and "parentRefs" not in routes["items"]["spec"]


def test_traefik_counts_by_route_and_reports_the_bucket_of_the_latency_objective():
    settings = build.values("traefik")["metrics"]["prometheus"]
    buckets = [float(bucket) for bucket in settings["buckets"].split(",")]
    assert settings["addRoutersLabels"] and 0.25 in buckets and buckets == sorted(buckets)


def test_prometheus_keeps_what_the_rules_look_back_on_and_scrapes_often_enough(rendered):
    spec = build.values("kube-prometheus-stack")["prometheus"]["prometheusSpec"]
    days = re.findall(r"\[(\d+)d", "".join(path.read_text() for path in RULES.rglob("*.yml")))
    assert int(spec["retention"].removesuffix("d")) >= max(map(int, days))
    monitors = build.specs(rendered + build.platform(), "ServiceMonitor") | build.specs(rendered, "PodMonitor")
    for monitor in monitors.values():
        for endpoint in monitor.get("endpoints", []) + monitor.get("podMetricsEndpoints", []):
            assert re.fullmatch(r"[12]?\d|30", endpoint["interval"].removesuffix("s")), "at most 30 s"


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
