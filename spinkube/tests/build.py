"""Builds kustomizations, as `kubectl apply -k` would."""

import itertools
import os
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
SPINKUBE = ROOT / "spinkube"
# The one that came with the requirements: the same kustomize everywhere.
KUBECTL = Path(sys.executable).parent / "kubectl"
BUILDS = ROOT / "target" / "manifests"

OVERLAYS = sorted(path.name for path in (SPINKUBE / "overlays").iterdir())
# Last what takes away from what the others add.
COMPONENTS = sorted((path.name for path in (SPINKUBE / "components").iterdir()), key=lambda name: (name == "rds", name))
# Each in place of the base's database.
DATABASES = {"cloudnative-pg", "rds"}


class Loader(yaml.CSafeLoader):
    """As Kubernetes reads YAML: a date is text."""


Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


def kustomize(folder):
    done = subprocess.run([KUBECTL, "kustomize", folder], capture_output=True, text=True)
    assert done.returncode == 0, f"kubectl kustomize {folder}: {done.stderr}"
    # A note on standard error is something kustomize would no longer take one day.
    assert not done.stderr, done.stderr
    return [resource for resource in yaml.load_all(done.stdout, Loader) if resource]


def kustomize_text(kustomization, files=None):
    """Builds a kustomization given as a mapping; its paths begin at the repository's root as `ROOT/…`."""
    BUILDS.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=BUILDS) as folder:
        up = os.path.relpath(ROOT, folder)
        text = yaml.safe_dump(kustomization, sort_keys=False).replace("ROOT/", up + "/")
        (Path(folder) / "kustomization.yaml").write_text(text)
        for name, content in (files or {}).items():
            (Path(folder) / name).write_text(content)
        return kustomize(folder)


def with_components(components):
    return kustomize_text(
        {
            "apiVersion": "kustomize.config.k8s.io/v1beta1",
            "kind": "Kustomization",
            "namespace": "items",
            "sortOptions": {"order": "fifo"},
            "resources": ["ROOT/spinkube/base"],
            "components": [f"ROOT/spinkube/components/{name}" for name in components] + ["ROOT/spinkube/images"],
        }
    )


def sets(names):
    return itertools.chain.from_iterable(itertools.combinations(names, count) for count in range(len(names) + 1))


# What is built: every overlay, and every set of components that has one database.
VARIANTS = OVERLAYS + ["+".join(chosen) for chosen in sets(COMPONENTS) if len(chosen) > 1 and not set(chosen) >= DATABASES] + [f"+{name}" for name in COMPONENTS]


@cache
def variant(name):
    """The resources of a variant. Not to be changed: they are shared."""
    return kustomize(SPINKUBE / "overlays" / name) if name in OVERLAYS else with_components(name.strip("+").split("+"))


def components(name):
    """The components that a variant contains."""
    if name not in OVERLAYS:
        return set(name.strip("+").split("+"))
    kustomization = yaml.safe_load((SPINKUBE / "overlays" / name / "kustomization.yaml").read_text())
    return {Path(path).name for path in kustomization["components"]} & set(COMPONENTS)


@cache
def platform():
    return kustomize(SPINKUBE / "platform")


def kind(resources, kind, name=None):
    return [r for r in resources if r["kind"] == kind and name in (None, r["metadata"]["name"])]


def one(resources, kind_, name):
    found = kind(resources, kind_, name)
    assert len(found) == 1, f"{kind_} {name}: {len(found)} of them"
    return found[0]
