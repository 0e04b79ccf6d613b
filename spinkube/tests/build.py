"""Builds the kustomizations of spinkube/ as `kubectl apply -k` would, and finds resources in the results."""

import itertools
import os
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
SPINKUBE = ROOT / "spinkube"
# Installed with the requirements, so that every machine builds with the same kustomize.
KUBECTL = Path(sys.executable).parent / "kubectl"
BUILDS = ROOT / "target" / "manifests"

OVERLAYS = sorted(path.name for path in (SPINKUBE / "overlays").iterdir())
# These two come last: they change what other components add.
COMPONENTS = sorted(path.name for path in (SPINKUBE / "components").iterdir())
COMPONENTS.sort(key=lambda name: name in ("pooler", "rds"))
# Each replaces the base's database, so a variant has at most one of them.
DATABASES = {"cloudnative-pg", "rds"}
# What Argo CD keeps in step.
ENVIRONMENTS = sorted(path.name for path in (SPINKUBE / "argocd" / "environments").iterdir())


def possible(chosen):
    """Whether these components go together: at most one database, and the pooler only with CloudNativePG's."""
    return not DATABASES <= chosen and ("pooler" not in chosen or "cloudnative-pg" in chosen)


SETS = [{one, two} for one, two in itertools.product(COMPONENTS, COMPONENTS)]
SETS += [{one, "pooler", "cloudnative-pg"} for one in COMPONENTS]
SETS += [{*COMPONENTS} - {"rds"}, {*COMPONENTS} - {"cloudnative-pg", "pooler"}]
# Every overlay, every pair of components, and all at once: +NAME+NAME.
VARIANTS = OVERLAYS + sorted({"+" + "+".join(c for c in COMPONENTS if c in chosen) for chosen in SETS if possible(chosen)})
# As Kubernetes reads YAML, a date is text.
yaml.CSafeLoader.add_constructor("tag:yaml.org,2002:timestamp", yaml.CSafeLoader.construct_yaml_str)


def kustomize(folder):
    """The resources that a folder builds to."""
    done = subprocess.run([KUBECTL, "kustomize", folder], capture_output=True, text=True)
    assert done.returncode == 0, f"kubectl kustomize {folder}: {done.stderr}"
    # kustomize warns here about what it will no longer accept one day.
    assert not done.stderr, done.stderr
    return [resource for resource in yaml.load_all(done.stdout, yaml.CSafeLoader) if resource]


@contextmanager
def kustomization(resource, components=(), **fields):
    """A folder with a kustomization of a resource and components, both given as paths below spinkube/."""
    BUILDS.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=BUILDS) as folder:
        up = os.path.relpath(SPINKUBE, folder)
        content = {
            "apiVersion": "kustomize.config.k8s.io/v1beta1",
            "kind": "Kustomization",
            "sortOptions": {"order": "fifo"},
            "resources": [f"{up}/{resource}"],
            "components": [f"{up}/{component}" for component in components],
            **fields,
        }
        (Path(folder) / "kustomization.yaml").write_text(yaml.safe_dump(content))
        yield folder


def overlay(resource, components=(), **fields):
    """The resources that such a kustomization builds to."""
    with kustomization(resource, components, **fields) as folder:
        return kustomize(folder)


@cache
def variant(name):
    """The resources of a variant. They are shared between tests: do not change them."""
    if name in OVERLAYS:
        return kustomize(SPINKUBE / "overlays" / name)
    chosen = [f"components/{component}" for component in name.strip("+").split("+")]
    return overlay("base", [*chosen, "images"], namespace="items")


def components(name):
    """The components that a variant contains."""
    if name not in OVERLAYS:
        return set(name.strip("+").split("+"))
    content = yaml.safe_load((SPINKUBE / "overlays" / name / "kustomization.yaml").read_text())
    return {Path(path).name for path in content["components"]} & set(COMPONENTS)


@cache
def platform():
    """The resources of the platform."""
    return kustomize(SPINKUBE / "platform")


@cache
def argocd(path=""):
    """The resources of a folder of argocd/; without a path Argo CD itself."""
    return kustomize(SPINKUBE / "argocd" / path)


def name(resource):
    return resource["metadata"]["name"]


def kind(resources, wanted):
    """The resources of a kind, by name."""
    return {name(resource): resource for resource in resources if resource["kind"] == wanted}


def database(resources):
    """The ConfigMap with the database's address; its name ends in a hash of its content."""
    [found] = [r for n, r in kind(resources, "ConfigMap").items() if n.startswith("database-")]
    return found


def specs(resources, wanted):
    """The specifications of the resources of a kind, by name."""
    return {name: resource["spec"] for name, resource in kind(resources, wanted).items()}


def pod(resources, kind, name):
    """The specification of the pods of a Deployment, StatefulSet, DaemonSet or Job."""
    return specs(resources, kind)[name]["template"]["spec"]


def values(chart):
    """The Helm values of a HelmChart or HelmChartConfig of the platform."""
    [found] = [r for r in platform() if r["kind"].startswith("HelmChart") and name(r) == chart]
    return yaml.safe_load(found["spec"]["valuesContent"])
