"""The pods that exist once a variant is applied, those that operators create included, and the pods they talk to."""

from dataclasses import dataclass

import build
from spin_operator import expand

NAME = "app.kubernetes.io/name"


@dataclass(frozen=True)
class Peer:
    """One side of a connection: a pod with its labels, or an address outside the cluster's pods."""

    name: str
    namespace: str | None = None
    labels: tuple = ()
    address: str | None = None


def templates(rendered):
    """(owner, pod template) of every workload, those of SpinApps included."""
    for resource in expand(rendered):
        if resource["kind"] in ("Deployment", "StatefulSet", "DaemonSet", "Job"):
            yield resource, resource["spec"]["template"]
        if resource["kind"] == "CronJob":
            yield resource, resource["spec"]["jobTemplate"]["spec"]["template"]


def own(rendered):
    """The pods of a variant, named as in the README's table."""
    names = {"postgres": "database", "schema": "schema Job", "postgres-backup": "backup Job"}
    for owner, template in templates(rendered):
        name = build.name(owner)
        yield Peer(names.get(name, name), owner["metadata"]["namespace"], tuple(template["metadata"]["labels"].items()))
    for name, cluster in build.kind(rendered, "Cluster").items():
        # The labels that CloudNativePG's source puts on its servers, and on the jobs that create them.
        labels = (("cnpg.io/cluster", name), ("app.kubernetes.io/component", "database"), ("cnpg.io/podRole", "instance"))
        yield Peer("database", cluster["metadata"]["namespace"], labels)
    for name, pooler in build.kind(rendered, "Pooler").items():
        cluster = pooler["spec"]["cluster"]["name"]
        labels = (("cnpg.io/cluster", cluster), ("cnpg.io/poolerName", name), ("app.kubernetes.io/component", "pooler"))
        yield Peer("pooler", pooler["metadata"]["namespace"], labels)
    if any("acme" in issuer["spec"] for issuer in build.kind(rendered, "Issuer").values()):
        yield Peer("certificate proof", "items", (("acme.cert-manager.io/http01-solver", "true"),))
    # Every pod of the namespace is isolated, also one that no policy knows.
    yield Peer("a stranger in the namespace", "items", (("app", "stranger"),))


def outside(rendered):
    """The database, where it is not a pod."""
    return [] if any(peer.name == "database" for peer in own(rendered)) else [Peer("database", address="10.0.128.9")]


NEIGHBOURS = [
    Peer("Traefik", "kube-system", ((NAME, "traefik"),)),
    Peer("DNS", "kube-system", (("k8s-app", "kube-dns"),)),
    Peer("Prometheus", "monitoring", ((NAME, "prometheus"),)),
    Peer("namespace `trail-heads`", "trail-heads"),
    Peer("CloudNativePG operator", "cnpg-system", ((NAME, "cloudnative-pg"),)),
    # These must reach nothing: the right label in the wrong namespace is not enough, nor the right namespace alone.
    Peer("a pod called Traefik elsewhere", "default", ((NAME, "traefik"),)),
    Peer("a pod called Prometheus elsewhere", "default", ((NAME, "prometheus"),)),
    Peer("a pod called items elsewhere", "default", (("core.spinkube.dev/app-name", "items"), (NAME, "items"))),
    Peer("another pod of kube-system", "kube-system", (("k8s-app", "metrics-server"),)),
    Peer("another pod of monitoring", "monitoring", ((NAME, "grafana"),)),
    Peer("API server", address="10.0.0.10"),
    Peer("object store", address="203.0.113.7"),
    Peer("node's metadata", address="169.254.169.254"),
]
