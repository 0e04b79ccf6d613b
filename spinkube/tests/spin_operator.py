"""What spin-operator 0.6.1 writes from a SpinApp: nothing of it stands in the manifests, and everything there relies on it."""


def resources(app, executor):
    """The Deployment and the Service of an application."""
    name, namespace, spec = app["metadata"]["name"], app["metadata"]["namespace"], app["spec"]
    deployment = executor["spec"]["deploymentConfig"]
    own = {"core.spinkube.dev/app-name": name}
    status = {f"core.spinkube.dev/app.{name}.status": "ready"}
    env = [{**variable, "name": f"SPIN_VARIABLE_{variable['name'].upper()}"} for variable in spec.get("variables", [])]
    env.append({"name": "SPIN_HTTP_LISTEN_ADDR", "value": "0.0.0.0:80"})
    if endpoint := deployment.get("otel", {}).get("exporter_otlp_endpoint"):
        env.append({"name": "OTEL_EXPORTER_OTLP_ENDPOINT", "value": endpoint})
    volumes = []
    certificates = deployment.get("caCertSecret") or ("spin-ca" if deployment.get("installDefaultCACerts") else None)
    if certificates:
        volumes.append({"name": "spin-ca", "secret": {"secretName": certificates, "optional": True}})
    container = {
        "name": name,
        "image": spec["image"],
        "command": ["/"],
        "ports": [{"name": "http-app", "containerPort": 80}],
        "env": env,
        "resources": spec.get("resources", {}),
    }
    pod = {
        "runtimeClassName": deployment["runtimeClassName"],
        "serviceAccountName": spec.get("serviceAccountName", "default"),
        "containers": [container],
        "imagePullSecrets": spec.get("imagePullSecrets", []),
        "volumes": volumes,
    }
    replicas = {} if spec.get("enableAutoscaling") else {"replicas": spec["replicas"]}
    return [
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": name, "namespace": namespace, "labels": own},
            "spec": {
                **replicas,
                "selector": {"matchLabels": own | status},
                "template": {"metadata": {"labels": spec.get("podLabels", {}) | own | status}, "spec": pod},
            },
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": name, "namespace": namespace, "labels": own},
            "spec": {"type": "ClusterIP", "ports": [{"port": 80, "targetPort": "http-app"}], "selector": status},
        },
    ]


def expand(rendered):
    """The resources of a rendering, together with those that spin-operator adds."""
    executors = {r["metadata"]["name"]: r for r in rendered if r["kind"] == "SpinAppExecutor"}
    apps = [r for r in rendered if r["kind"] == "SpinApp"]
    return rendered + [made for app in apps for made in resources(app, executors[app["spec"]["executor"]])]
