"""What spin-operator 0.6.1 creates from a SpinApp: a Deployment and a Service, which other manifests refer to. The
Deployment then gets the fields of base/pods.yaml."""

import build


def resources(app, executor):
    """The Deployment and the Service of a SpinApp."""
    name, namespace, spec = build.name(app), app["metadata"]["namespace"], app["spec"]
    deployment = executor["spec"]["deploymentConfig"]
    metadata = {"name": name, "namespace": namespace, "labels": {"core.spinkube.dev/app-name": name}}
    status = {f"core.spinkube.dev/app.{name}.status": "ready"}
    env = [{**variable, "name": f"SPIN_VARIABLE_{variable['name'].upper()}"} for variable in spec.get("variables", [])]
    env.append({"name": "SPIN_HTTP_LISTEN_ADDR", "value": "0.0.0.0:80"})
    if endpoint := deployment.get("otel", {}).get("exporter_otlp_endpoint"):
        env.append({"name": "OTEL_EXPORTER_OTLP_ENDPOINT", "value": endpoint})
    bundle = deployment.get("caCertSecret") or ("spin-ca" if deployment.get("installDefaultCACerts") else None)
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
        "volumes": [{"name": "spin-ca", "secret": {"secretName": bundle, "optional": True}}] if bundle else [],
    }
    labels = metadata["labels"] | status
    return [
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": metadata,
            "spec": {
                **({} if spec.get("enableAutoscaling") else {"replicas": spec["replicas"]}),
                "selector": {"matchLabels": labels},
                "template": {"metadata": {"labels": spec.get("podLabels", {}) | labels}, "spec": pod},
            },
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": metadata,
            "spec": {"type": "ClusterIP", "ports": [{"port": 80, "targetPort": "http-app"}], "selector": status},
        },
    ]


def applied_later(resource):
    """Whether a resource is only some fields of a Deployment that spin-operator makes."""
    return resource["metadata"].get("labels", {}).get("app.kubernetes.io/component") == "pods"


def expand(rendered):
    """The resources of a variant, with those that spin-operator creates from its SpinApps."""
    executors = build.kind(rendered, "SpinAppExecutor")
    apps = build.kind(rendered, "SpinApp").values()
    found = [resource for resource in rendered if not applied_later(resource)]
    found += [made for app in apps for made in resources(app, executors[app["spec"]["executor"]])]
    for fields in filter(applied_later, rendered):
        [container] = build.pod(found, "Deployment", build.name(fields))["containers"]
        [more] = fields["spec"]["template"]["spec"]["containers"]
        assert more["name"] == container["name"]
        container |= more
    return found
