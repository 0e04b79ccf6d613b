"""Checks every pod against the Pod Security Standards, as an API server does, and against this project's own rules."""

import build
import pods

RESTRICTED_VOLUMES = set("configMap downwardAPI emptyDir ephemeral persistentVolumeClaim projected secret csi".split())


def containers(spec):
    return [*spec["containers"], *spec.get("initContainers", [])]


def baseline(spec):
    """What a pod does that the level `baseline` forbids."""
    yield from (field for field in ("hostNetwork", "hostPID", "hostIPC") if spec.get(field))
    yield from (f"hostPath {volume['name']}" for volume in spec.get("volumes", []) if "hostPath" in volume)
    if spec.get("securityContext", {}).get("sysctls"):
        yield "sysctls"
    for container in containers(spec):
        context = container.get("securityContext", {})
        profiles = [where.get("seccompProfile", {}).get("type") for where in (context, spec.get("securityContext", {}))]
        forbidden = {
            "privileged": context.get("privileged"),
            "capabilities": context.get("capabilities", {}).get("add"),
            "procMount": context.get("procMount", "Default") != "Default",
            "hostPort": any("hostPort" in port for port in container.get("ports", [])),
            "seccompProfile": "Unconfined" in profiles,
        }
        yield from (f"{container['name']}: {field}" for field, found in forbidden.items() if found)


def restricted(spec):
    """What a pod does that the level `restricted` forbids."""
    yield from baseline(spec)
    pod = spec.get("securityContext", {})
    yield from (f"volume {v['name']}" for v in spec.get("volumes", []) if not set(v) - {"name"} <= RESTRICTED_VOLUMES)
    for container in containers(spec):
        # What a container does not set applies from its pod.
        context = pod | container.get("securityContext", {})
        forbidden = {
            "allowPrivilegeEscalation": context.get("allowPrivilegeEscalation") is not False,
            "runAsNonRoot": context.get("runAsNonRoot") is not True,
            "runAsUser": 0 in (pod.get("runAsUser"), context.get("runAsUser")),
            "seccompProfile": context.get("seccompProfile", {}).get("type") not in ("RuntimeDefault", "Localhost"),
            "capabilities": context.get("capabilities", {}).get("drop") != ["ALL"],
        }
        yield from (f"{container['name']}: {field}" for field, found in forbidden.items() if found)


def test_the_namespace_is_baseline_and_admits_every_pod(rendered):
    labels = build.kind(rendered, "Namespace")["items"]["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "baseline"
    for owner, template in pods.templates(rendered):
        assert list(baseline(template["spec"])) == [], build.name(owner)


def test_only_the_pods_that_spin_operator_creates_are_not_restricted(rendered):
    found = {build.name(owner) for owner, template in pods.templates(rendered) if list(restricted(template["spec"]))}
    assert found == build.kind(rendered, "SpinApp").keys()


def test_the_pods_of_the_platform_are_restricted():
    for owner, template in pods.templates(build.platform()):
        assert list(restricted(template["spec"])) == [], build.name(owner)


def test_every_pod_has_limits_and_ours_are_read_only_without_service_links_and_token():
    for resources in [*map(build.variant, build.VARIANTS), build.platform()]:
        for owner, template in pods.templates(resources):
            name, spec = build.name(owner), template["spec"]
            ours = name not in build.kind(resources, "SpinApp")
            for container in containers(spec):
                assert {"cpu", "memory"} <= container["resources"]["requests"].keys(), name
                assert "memory" in container["resources"]["limits"], name
                assert not ours or container["securityContext"]["readOnlyRootFilesystem"] is True, name
            if ours:
                assert spec["enableServiceLinks"] is False, name
                # Only Alloy talks to the API server.
                assert name == "alloy" or spec["automountServiceAccountToken"] is False, name
