"""Checks every pod against the Pod Security Standards, as an API server does, and against this project's own rules."""

import build
import pods

VOLUMES = set("configMap downwardAPI emptyDir ephemeral persistentVolumeClaim projected secret csi".split())


def faults(spec, restricted=True):
    """What a pod does that the level `restricted` forbids, or only what `baseline` forbids."""
    pod = spec.get("securityContext", {})
    yield from (field for field in ("hostNetwork", "hostPID", "hostIPC") if spec.get(field))
    volumes = [set(volume) - {"name"} for volume in spec.get("volumes", [])]
    yield from (kinds for kinds in volumes if "hostPath" in kinds or (restricted and not kinds <= VOLUMES))
    for container in spec["containers"] + spec.get("initContainers", []):
        # What a container does not set applies from its pod.
        context = pod | container.get("securityContext", {})
        capabilities = context.get("capabilities", {})
        profile = context.get("seccompProfile", {}).get("type")
        forbidden = {
            "privileged": context.get("privileged"),
            "capabilities": capabilities.get("add") or (restricted and capabilities.get("drop") != ["ALL"]),
            "procMount": context.get("procMount", "Default") != "Default",
            "hostPort": any("hostPort" in port for port in container.get("ports", [])),
            "seccompProfile": profile == "Unconfined" or (restricted and profile is None),
            "allowPrivilegeEscalation": restricted and context.get("allowPrivilegeEscalation") is not False,
            "runAsNonRoot": restricted and context.get("runAsNonRoot") is not True,
            "runAsUser": restricted and 0 in (pod.get("runAsUser"), context.get("runAsUser")),
        }
        yield from (f"{container['name']}: {field}" for field, found in forbidden.items() if found)


def test_the_namespace_admits_every_pod_and_only_those_of_spin_operator_need_baseline(rendered):
    labels = build.kind(rendered, "Namespace")["items"]["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "baseline"
    for owner, template in pods.templates(rendered):
        ours = build.name(owner) not in build.kind(rendered, "SpinApp")
        assert list(faults(template["spec"], restricted=ours)) == [], build.name(owner)


def test_every_pod_has_limits_and_ours_are_read_only_without_service_links_and_token():
    for resources in [*map(build.variant, build.VARIANTS), build.platform()]:
        for owner, template in pods.templates(resources):
            name, spec = build.name(owner), template["spec"]
            ours = name not in build.kind(resources, "SpinApp")
            for container in spec["containers"]:
                assert {"cpu", "memory"} <= container["resources"]["requests"].keys(), name
                assert "memory" in container["resources"]["limits"], name
                assert not ours or container["securityContext"]["readOnlyRootFilesystem"] is True, name
            if ours:
                assert spec["enableServiceLinks"] is False, name
                # Only Alloy talks to the API server.
                assert name == "alloy" or spec["automountServiceAccountToken"] is False, name


def test_the_pods_of_the_platform_are_restricted():
    for owner, template in pods.templates(build.platform()):
        assert list(faults(template["spec"])) == [], build.name(owner)
