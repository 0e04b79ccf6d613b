"""The Pod Security Standards, asked of every pod template: what an API server would refuse, this refuses."""

import build
import pods

RESTRICTED_VOLUMES = {"configMap", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret", "csi"}


def baseline(spec):
    """What the level `baseline` forbids and this pod does."""
    for field in ("hostNetwork", "hostPID", "hostIPC"):
        if spec.get(field):
            yield field
    for volume in spec.get("volumes", []):
        if "hostPath" in volume:
            yield f"hostPath {volume['name']}"
    if spec.get("securityContext", {}).get("sysctls"):
        yield "sysctls"
    for container in everyone(spec):
        context = container.get("securityContext", {})
        if context.get("privileged"):
            yield f"{container['name']}: privileged"
        if context.get("capabilities", {}).get("add"):
            yield f"{container['name']}: capabilities"
        if context.get("procMount", "Default") != "Default":
            yield f"{container['name']}: procMount"
        if any("hostPort" in port for port in container.get("ports", [])):
            yield f"{container['name']}: hostPort"
        for where in (context, spec.get("securityContext", {})):
            if where.get("seccompProfile", {}).get("type") == "Unconfined":
                yield f"{container['name']}: seccomp"


def restricted(spec):
    """What `restricted` asks on top of it."""
    yield from baseline(spec)
    pod = spec.get("securityContext", {})
    for volume in spec.get("volumes", []):
        if not set(volume) - {"name"} <= RESTRICTED_VOLUMES:
            yield f"volume {volume['name']}"
    if pod.get("runAsUser") == 0:
        yield "runAsUser 0"
    for container in everyone(spec):
        context = {**{key: pod[key] for key in ("runAsNonRoot", "seccompProfile") if key in pod}, **container.get("securityContext", {})}
        if context.get("allowPrivilegeEscalation") is not False:
            yield f"{container['name']}: allowPrivilegeEscalation"
        if context.get("runAsNonRoot") is not True:
            yield f"{container['name']}: runAsNonRoot"
        if context.get("runAsUser") == 0:
            yield f"{container['name']}: runAsUser 0"
        if context.get("seccompProfile", {}).get("type") not in ("RuntimeDefault", "Localhost"):
            yield f"{container['name']}: seccompProfile"
        if context.get("capabilities", {}).get("drop") != ["ALL"]:
            yield f"{container['name']}: capabilities"


def everyone(spec):
    return [*spec["containers"], *spec.get("initContainers", [])]


def test_the_namespace_admits_what_the_operator_generates_and_no_more(rendered):
    labels = build.one(rendered, "Namespace", "items")["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "baseline"
    for owner, template in pods.templates(rendered):
        assert list(baseline(template["spec"])) == [], owner["metadata"]["name"]


def test_only_what_the_operator_generates_is_less_than_restricted(rendered):
    generated = {app["metadata"]["name"] for app in build.kind(rendered, "SpinApp")}
    found = {owner["metadata"]["name"] for owner, template in pods.templates(rendered) if list(restricted(template["spec"]))}
    assert found == generated


def test_our_own_pods_read_only_limited_and_without_service_links():
    for rendered in [*map(build.variant, build.VARIANTS), build.platform()]:
        generated = {app["metadata"]["name"] for app in build.kind(rendered, "SpinApp")}
        for owner, template in pods.templates(rendered):
            name, spec = owner["metadata"]["name"], template["spec"]
            for container in everyone(spec):
                assert {"cpu", "memory"} <= container["resources"]["requests"].keys(), name
                assert "memory" in container["resources"]["limits"], name
                if name not in generated:
                    assert container["securityContext"]["readOnlyRootFilesystem"] is True, name
            if name not in generated:
                assert spec["enableServiceLinks"] is False, name
                # Alloy alone speaks to the API server.
                assert name == "alloy" or spec["automountServiceAccountToken"] is False, name


def test_the_platforms_own_pods_are_restricted():
    for owner, template in pods.templates(build.platform()):
        assert list(restricted(template["spec"])) == [], owner["metadata"]["name"]
