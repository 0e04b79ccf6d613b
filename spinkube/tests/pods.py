"""The pods that exist once a rendering is applied: also those that operators write, and the neighbours they talk to."""

from dataclasses import dataclass

from spin_operator import expand


@dataclass(frozen=True)
class Peer:
    """One side of a connection: a pod with its labels, or an address outside of all pods."""

    name: str
    namespace: str | None = None
    labels: tuple = ()
    address: str | None = None


def templates(rendered):
    """(owner, pod template) of every workload, those of SpinApps included."""
    for resource in expand(rendered):
        if resource["kind"] in ("Deployment", "StatefulSet", "DaemonSet", "Job"):
            yield resource, resource["spec"]["template"]


def own(rendered):
    """The pods of a rendering, named as the README's table names them."""
    names = {"postgres": "database", "schema": "schema Job"}
    for resource, template in templates(rendered):
        name = resource["metadata"]["name"]
        yield Peer(names.get(name, name), resource["metadata"]["namespace"], tuple(template["metadata"]["labels"].items()))
    for cluster in (r for r in rendered if r["kind"] == "Cluster"):
        # By CloudNativePG's source: the labels of its pods, and of the jobs that create a server.
        labels = (("cnpg.io/cluster", cluster["metadata"]["name"]), ("app.kubernetes.io/component", "database"))
        yield Peer("database", cluster["metadata"]["namespace"], labels)
    if any(r["kind"] == "Issuer" and "acme" in r["spec"] for r in rendered):
        yield Peer("certificate proof", "items", (("acme.cert-manager.io/http01-solver", "true"),))


def outside(rendered):
    """The database where it is no pod."""
    return [] if any(peer.name == "database" for peer in own(rendered)) else [Peer("database", address="10.0.128.9")]


NAME = "app.kubernetes.io/name"
NEIGHBOURS = [
    Peer("Traefik", "kube-system", ((NAME, "traefik"),)),
    Peer("DNS", "kube-system", (("k8s-app", "kube-dns"),)),
    Peer("Prometheus", "monitoring", ((NAME, "prometheus"),)),
    Peer("CloudNativePG operator", "cnpg-system", ((NAME, "cloudnative-pg"),)),
    # Who must get nowhere: labels alone, or a namespace alone, open no door.
    Peer("a stranger in the namespace", "items", (("app", "stranger"),)),
    Peer("a pod called Traefik elsewhere", "default", ((NAME, "traefik"),)),
    Peer("a pod called Prometheus elsewhere", "default", ((NAME, "prometheus"),)),
    Peer("a pod called items elsewhere", "default", (("core.spinkube.dev/app-name", "items"), (NAME, "items"))),
    Peer("another pod of kube-system", "kube-system", (("k8s-app", "metrics-server"),)),
    Peer("another pod of monitoring", "monitoring", ((NAME, "grafana"),)),
    Peer("API server", address="10.0.0.10"),
    Peer("object store", address="203.0.113.7"),
    Peer("node's metadata", address="169.254.169.254"),
]
