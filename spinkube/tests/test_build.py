"""Checks what every variant builds to: valid resources in one namespace, with the order and labels for deploy.sh."""

import json

import build
import crds
import pytest
import schemas
from spin_operator import expand


def distinct():
    """Every resource of every variant, of the platform and of Argo CD, once."""
    builds = [expand(build.variant(name)) for name in build.VARIANTS] + [build.platform(), build.argocd()]
    builds += [build.argocd(f"environments/{name}/applications") for name in build.ENVIRONMENTS]
    return list({json.dumps(resource, sort_keys=True): resource for resource in sum(builds, [])}.values())


def test_every_resource_is_valid_in_each_version_of_kubernetes():
    found = distinct()
    assert len(found) > 50
    assert [fault for version in schemas.VERSIONS for r in found for fault in schemas.faults(r, version)] == []
    used = {(resource["apiVersion"], resource["kind"]) for resource in found}
    ours = {(version, kind) for version, kinds in schemas.SCHEMAS.items() for kind in kinds}
    assert ours - used == set(), "a schema that nothing uses"


def test_every_custom_resource_is_valid_by_its_definition():
    custom = [r for r in distinct() if schemas.SCHEMAS.get(r["apiVersion"], {}).get(r["kind"])]
    try:
        assert [fault for resource in custom for fault in crds.faults(resource)] == []
    except crds.Unreachable as error:
        pytest.skip(f"not run: {error}")
    app = next(resource for resource in custom if resource["kind"] == "SpinApp")
    probe = {"httpGet": {"path": "/livez"}}
    [fault] = crds.faults(app | {"spec": app["spec"] | {"checks": {"liveness": probe}}})
    assert "liveness.httpGet.httpHeaders: None is not of type 'array'" in fault


def test_every_resource_is_in_the_namespace_items_and_the_executor_comes_before_the_spinapps(rendered):
    assert rendered[0]["kind"] == "Namespace" and build.name(rendered[0]) == "items"
    assert [r["kind"] for r in rendered[1:] if r["metadata"].get("namespace") != "items"] == []
    kinds = [r["kind"] for r in rendered]
    assert kinds.index("SpinAppExecutor") < kinds.index("SpinApp")


def test_a_label_says_at_which_step_deploy_applies_a_resource(rendered):
    for resource in rendered:
        step = resource["metadata"].get("labels", {}).get("app.kubernetes.io/component")
        fields = resource["kind"] == "Deployment" and build.name(resource) in build.kind(rendered, "SpinApp")
        assert step == {"SpinApp": "app", "Job": "schema"}.get(resource["kind"], "pods" if fields else None)


def test_hashed_names_and_images_are_rewritten_inside_a_spinapp():
    rendered = build.overlay(
        "overlays/local",
        namespace="items",
        secretGenerator=[{"name": name, "literals": ["password=x"]} for name in ("items-db", "audit-db")],
        images=[{"name": "registry.example/items", "newName": "other.example/i", "digest": "sha256:" + "0" * 64}],
    )
    app = build.specs(rendered, "SpinApp")["items"]
    assert app["image"] == "other.example/i@sha256:" + "0" * 64
    named = [next(iter(v["valueFrom"].values()))["name"] for v in app["variables"] if "valueFrom" in v]
    assert len(named) == 6
    assert set(named) <= build.kind(rendered, "Secret").keys() | build.kind(rendered, "ConfigMap").keys()
    env = build.pod(rendered, "Job", "schema")["containers"][0]["env"]
    hashed = {e["valueFrom"]["secretKeyRef"]["name"] for e in env if "secretKeyRef" in e.get("valueFrom", {})}
    assert {name for name in named if name.startswith(("items-db-", "audit-db-"))} <= hashed
