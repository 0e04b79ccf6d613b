import re
import tomllib

import build
import pods
import yaml

IMAGE = re.compile(r"^[a-z0-9.-]+[.][a-z]+(:[0-9]+)?(/[a-z0-9._-]+)+:(?P<tag>[A-Za-z0-9._-]+)(@sha256:[0-9a-f]{64})?$")


def images(rendered):
    for _, template in pods.templates(rendered):
        yield from (container["image"] for container in template["spec"]["containers"])
    for cluster in build.kind(rendered, "Cluster"):
        yield cluster["spec"]["imageName"]


def everywhere():
    return {image for name in build.VARIANTS for image in images(build.variant(name))} | set(images(build.platform()))


def test_every_image_has_a_registry_and_a_version():
    found = everywhere()
    assert len(found) >= 8
    for image in found:
        matched = IMAGE.match(image)
        assert matched, image
        assert matched["tag"] != "latest", image


def test_an_image_has_the_same_version_everywhere():
    found = everywhere()
    assert len({image.partition("@")[0].rpartition(":")[0] for image in found}) == len(found), sorted(found)


def test_the_two_kinds_of_server_are_of_one_version():
    versions = {re.search(r":([0-9]+[.][0-9]+)", image)[1] for image in everywhere() if "postgres" in image}
    assert len(versions) == 1


def test_registry_and_version_of_our_images_stand_in_one_place():
    version = tomllib.loads((build.ROOT / "Cargo.toml").read_text())["workspace"]["package"]["version"]
    ours = {image for image in everywhere() if image.startswith("registry.example/")}
    assert ours == {f"registry.example/{name}:{version}" for name in ("items", "items-alone", "audit-alone", "sidecar")}
    # An environment (argocd) pins digests of its own.
    files = [path for path in build.SPINKUBE.rglob("*.yaml") if "argocd" not in path.parts]
    holding = [path for path in files if "registry.example" in path.read_text()]
    assert holding == [build.SPINKUBE / "images" / "kustomization.yaml"]


def test_every_chart_has_one_version():
    charts = build.kind(build.platform(), "HelmChart")
    assert len(charts) == 5
    for chart in charts:
        assert chart["metadata"]["namespace"] == "kube-system"
        assert chart["spec"]["chart"].startswith("oci://") or "repo" in chart["spec"]


def test_who_elects_a_primary_survives_a_node():
    chart = build.one(build.platform(), "HelmChart", "cloudnative-pg")
    assert yaml.safe_load(chart["spec"]["valuesContent"])["replicaCount"] == 2
