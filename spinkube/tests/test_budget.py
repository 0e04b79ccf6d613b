"""Connections: what all pods together may open must fit into the database."""

import math
import re

import build

# Spin's pool: 64 per address and process, fixed; each role is an address of its own.
PER_ROLE = 64
# Spin's Deployments surge by a quarter, rounded up; nobody can say otherwise in a SpinApp.
SURGE = 0.25
# The sidecar twice while it is replaced, the schema Job, people with psql, a backup; and what PostgreSQL keeps for superusers.
OTHERS, RESERVED = 2 + 1 + 5 + 2, 3


def most_replicas(rendered, app):
    for scaler in build.kind(rendered, "HorizontalPodAutoscaler"):
        if scaler["spec"]["scaleTargetRef"]["name"] == app["metadata"]["name"]:
            return scaler["spec"]["maxReplicas"]
    return app["spec"]["replicas"]


def wanted(rendered):
    total = OTHERS + RESERVED
    for app in build.kind(rendered, "SpinApp"):
        roles = sum(variable["name"].endswith("_db_password") for variable in app["spec"]["variables"])
        assert roles
        replicas = most_replicas(rendered, app)
        total += (replicas + math.ceil(SURGE * replicas)) * roles * PER_ROLE
    return total


def classes():
    """(connections, GiB) that the README of `rds` names."""
    text = (build.SPINKUBE / "components/rds/README.md").read_text()
    found = re.search(r"about (\d+) for each GiB.* The (\d+) of the largest deployment need a class with (\d+) GiB; two replicas without `autoscaling` \((\d+)\) one with (\d+) GiB", text)
    each, *pairs = map(int, found.groups())
    return each, pairs


def test_the_classes_of_rds_are_those_that_suffice():
    each, (most, memory, few, less) = classes()
    assert (most, few) == (wanted(build.variant("autoscaling+rds")), wanted(build.variant("+rds")))
    assert most <= each * memory and few <= each * less


def allowed(rendered):
    if not build.kind(rendered, "Cluster") and not build.kind(rendered, "StatefulSet"):
        each, (_, memory, *_) = classes()
        return each * memory
    for cluster in build.kind(rendered, "Cluster"):
        return int(cluster["spec"]["postgresql"]["parameters"]["max_connections"])
    arguments = build.one(rendered, "StatefulSet", "postgres")["spec"]["template"]["spec"]["containers"][0]["args"]
    return int(next(re.fullmatch(r"-cmax_connections=(\d+)", word)[1] for word in arguments if "max_connections" in word))


def test_all_connections_fit(rendered):
    assert wanted(rendered) <= allowed(rendered)


def test_the_largest_deployment_comes_close():
    """Else the numbers above say nothing."""
    assert max(wanted(build.variant(name)) for name in build.VARIANTS) > 600
