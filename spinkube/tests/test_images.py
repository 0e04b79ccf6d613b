"""Checks images: each has one version, and ours are named in one place."""

import re
import tomllib
from functools import cache

import build
import pods

IMAGE = re.compile(r"(?P<name>[a-z0-9.-]+[.][a-z]+(:\d+)?(/[a-z0-9._-]+)+):(?P<tag>[\w.-]+)(@sha256:[0-9a-f]{64})?")


@cache
def images():
    """Every image of every variant and of the platform."""
    builds = [*map(build.variant, build.VARIANTS), build.platform()]
    specs = [template["spec"] for built in builds for _, template in pods.templates(built)]
    clusters = [cluster for built in builds for cluster in build.specs(built, "Cluster").values()]
    return {c["image"] for spec in specs for c in spec["containers"]} | {c["imageName"] for c in clusters}


def test_every_image_has_a_registry_and_the_same_version_everywhere():
    found = [IMAGE.fullmatch(image) for image in images()]
    assert all(image and image["tag"] != "latest" for image in found) and len(found) >= 8, images()
    assert len({image["name"] for image in found}) == len(found), sorted(images())
    # The single server and CloudNativePG run the same PostgreSQL.
    assert len({image["tag"].partition("-")[0] for image in found if "postgres" in image["name"]}) == 1


def test_registry_and_version_of_our_images_are_named_in_one_file():
    version = tomllib.loads((build.ROOT / "Cargo.toml").read_text())["workspace"]["package"]["version"]
    ours = {image for image in images() if image.startswith("registry.example/")}
    assert ours == {f"registry.example/{name}:{version}" for name in ("items", "items-alone", "audit-alone", "sidecar")}
    # argocd/ pins digests of its own for each environment.
    files = [path for path in build.SPINKUBE.rglob("*.yaml") if "argocd" not in path.parts]
    holding = [path for path in files if "registry.example" in path.read_text()]
    assert holding == [build.SPINKUBE / "images" / "kustomization.yaml"]
