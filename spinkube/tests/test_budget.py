"""Checks the budget of connections: what all pods together may open fits into the database's max_connections."""

import math
import re

import build

# Spin's pool has 64 connections per address and process, and each role is an address of its own.
PER_ROLE = 64
# spin-operator's Deployments surge by a quarter, rounded up.
SURGE = 0.25
# The sidecar twice during an update, the schema Job, people with psql, a backup; PostgreSQL's reserve for superusers.
OTHERS = 2 + 1 + 5 + 2 + 3


def needed(rendered):
    total = OTHERS
    for spec in build.specs(rendered, "Pooler").values():
        # Only the pooler connects for the components, with so many connections for each of their two roles.
        return total + spec["instances"] * 2 * int(spec["pgbouncer"]["parameters"]["default_pool_size"])
    return total + clients(rendered)


def clients(rendered):
    """The connections that all pods of the components may open."""
    total = 0
    scalers = build.specs(rendered, "HorizontalPodAutoscaler").values()
    for name, app in build.specs(rendered, "SpinApp").items():
        roles = sum(variable["name"].endswith("_db_password") for variable in app["variables"])
        assert roles
        maximum = [scaler["maxReplicas"] for scaler in scalers if scaler["scaleTargetRef"]["name"] == name]
        replicas = maximum[0] if maximum else app["replicas"]
        total += (replicas + math.ceil(SURGE * replicas)) * roles * PER_ROLE
    return total


def classes():
    """What the README of `rds` says: connections per GiB, then two pairs of connections and GiB."""
    [line] = re.findall(r"RDS allows about .*", (build.SPINKUBE / "components/rds/README.md").read_text())
    each, *pairs = map(int, re.findall(r"\d+", line))
    return each, pairs


def allowed(rendered):
    if clusters := build.specs(rendered, "Cluster"):
        return int(clusters["postgres"]["postgresql"]["parameters"]["max_connections"])
    if build.kind(rendered, "StatefulSet"):
        arguments = " ".join(build.pod(rendered, "StatefulSet", "postgres")["containers"][0]["args"])
        return int(re.search(r"-cmax_connections=(\d+)", arguments)[1])
    each, (_, memory, *_) = classes()
    return each * memory


def test_all_connections_fit_into_the_database(rendered):
    assert needed(rendered) <= allowed(rendered)


def test_one_pgbouncer_takes_the_connections_of_all_pods(rendered):
    for spec in build.specs(rendered, "Pooler").values():
        assert clients(rendered) <= int(spec["pgbouncer"]["parameters"]["max_client_conn"])


def test_the_requests_in_flight_leave_a_pod_half_of_its_memory(rendered):
    """A request in a pod of Spin takes 1.3 MB, an idle pod 90 MB (measured); each of three Traefiks counts for itself."""
    limit = build.specs(rendered, "Middleware")["in-flight-total"]["inFlightReq"]["amount"]
    traefiks, pods = (3, 2) if build.kind(rendered, "Cluster") and limit == 80 else (1, 2)
    memory = build.specs(rendered, "SpinApp")["items"]["resources"]["limits"]["memory"]
    assert 90 + 1.3 * limit * traefiks / pods <= int(memory.removesuffix("Mi")) / 1.5


def test_the_instance_classes_in_the_readme_of_rds_are_large_enough():
    each, (most, memory, few, less) = classes()
    assert (most, few) == (needed(build.variant("+autoscaling+rds")), needed(build.variant("+rds")))
    assert most <= each * memory and few <= each * less
