"""Checks images: each has one version, and ours are named in one place."""

import re
import tomllib
from functools import cache

import build
import pods

IMAGE = re.compile(r"^[a-z0-9.-]+[.][a-z]+(:[0-9]+)?(/[a-z0-9._-]+)+:(?P<tag>[A-Za-z0-9._-]+)(@sha256:[0-9a-f]{64})?$")


def images(rendered):
    for _, template in pods.templates(rendered):
        yield from (container["image"] for container in template["spec"]["containers"])
    yield from (cluster["imageName"] for cluster in build.specs(rendered, "Cluster").values())


@cache
def everywhere():
    return {image for name in build.VARIANTS for image in images(build.variant(name))} | set(images(build.platform()))


def test_every_image_has_a_registry_and_a_version():
    assert len(everywhere()) >= 8
    for image in everywhere():
        matched = IMAGE.match(image)
        assert matched and matched["tag"] != "latest", image


def test_an_image_has_the_same_version_everywhere():
    found = everywhere()
    assert len({image.partition("@")[0].rpartition(":")[0] for image in found}) == len(found), sorted(found)


def test_both_kinds_of_database_run_the_same_version_of_postgresql():
    versions = {re.search(r":([0-9]+[.][0-9]+)", image)[1] for image in everywhere() if "postgres" in image}
    assert len(versions) == 1


def test_registry_and_version_of_our_images_are_named_in_one_file():
    version = tomllib.loads((build.ROOT / "Cargo.toml").read_text())["workspace"]["package"]["version"]
    ours = {image for image in everywhere() if image.startswith("registry.example/")}
    assert ours == {f"registry.example/{name}:{version}" for name in ("items", "items-alone", "audit-alone", "sidecar")}
    # argocd/ pins digests of its own for each environment.
    files = [path for path in build.SPINKUBE.rglob("*.yaml") if "argocd" not in path.parts]
    holding = [path for path in files if "registry.example" in path.read_text()]
    assert holding == [build.SPINKUBE / "images" / "kustomization.yaml"]


def test_the_operator_that_elects_a_primary_survives_the_loss_of_a_node():
    assert build.values("cloudnative-pg")["replicaCount"] == 2
