"""Kubernetes gives each pod variables named after the namespace's Services (AUDIT_PORT=tcp://…), and the shim takes a container's
variable X before SPIN_VARIABLE_X: an application's variable must have none of these names, nor one a container has anyway."""

import re

import build
from spin_operator import expand

# hostname, path and home are set in every container; the rest the shim reads.
TAKEN = {"HOSTNAME", "PATH", "HOME", "PWD", "TERM", "LANG"}


def is_link(name, services):
    for service in services:
        prefix = re.escape(service.upper().replace("-", "_"))
        if re.fullmatch(prefix + r"_(SERVICE_(HOST|PORT(_\w+)?)|PORT(_\d+_(TCP|UDP)(_(PROTO|PORT|ADDR))?)?)", name):
            return True
    return False


def test_what_counts_as_a_link():
    for name in ("AUDIT_PORT", "AUDIT_SERVICE_HOST", "AUDIT_PORT_80_TCP_ADDR", "AUDIT_SERVICE_PORT_HTTP"):
        assert is_link(name, ["audit"]), name
    assert not is_link("AUDIT_URL", ["audit"]) and not is_link("AUDIT_PORTAL", ["audit"])


def test_no_variable_is_named_like_a_service_link(rendered):
    services = [service["metadata"]["name"] for service in build.kind(expand(rendered), "Service")] + ["kubernetes"]
    services += [c["metadata"]["name"] + suffix for c in build.kind(rendered, "Cluster") for suffix in ("-rw", "-ro", "-r")]
    names = {variable["name"].upper() for app in build.kind(rendered, "SpinApp") for variable in app["spec"]["variables"]}
    assert names
    assert [name for name in names if is_link(name, services) or name in TAKEN or name.startswith(("SPIN_", "OTEL_"))] == []
