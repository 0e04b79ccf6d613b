"""Checks spinkube/argocd: images by digest, the order of a sync, what a project allows, health checks."""

import re
from functools import cache

import build
import lupa
import pytest
import yaml

CLUSTER_KINDS = {("", "Namespace"), ("node.k8s.io", "RuntimeClass")}


@pytest.fixture(params=build.ENVIRONMENTS)
def environment(request):
    return request.param


def objects(environment):
    """The Applications and the projects of an environment."""
    return build.argocd(f"environments/{environment}/applications")


def sources(environment):
    """{name of the Application: its source}"""
    return {name: spec["source"] for name, spec in build.specs(objects(environment), "Application").items()}


def images(environment):
    """The images that the Application `items` sets: NAME=NEW NAME@DIGEST."""
    return sources(environment)["items"]["kustomize"]["images"]


@cache
def items(environment):
    """The resources that Argo CD applies for `items`: those of the folder, with these images."""
    found = [re.fullmatch(r"(\S+)=(\S+)@(sha256:[0-9a-f]{64})", image).groups() for image in images(environment)]
    replaced = [{"name": name, "newName": new, "digest": digest} for name, new, digest in found]
    return build.overlay(f"argocd/environments/{environment}/items", images=replaced)


def annotation(resource, name):
    return resource["metadata"].get("annotations", {}).get(f"argocd.argoproj.io/{name}")


def wave(resource):
    return int(annotation(resource, "sync-wave") or 0)


def test_both_of_our_images_are_named_by_digest(environment):
    resources = items(environment)
    found = [app["image"] for app in build.specs(resources, "SpinApp").values()]
    assert build.kind(resources, "Deployment").keys() == {"sidecar", "items"}
    found += [container["image"] for container in build.pod(resources, "Deployment", "sidecar")["containers"]]
    assert all(re.fullmatch(r"ghcr\.io/\S+@sha256:[0-9a-f]{64}", image) for image in found) and len(found) == 2, found


def test_manifests_and_schema_come_from_the_tag_of_the_release_whose_digests_run(environment):
    """With `main` instead, every merge would be in production within minutes."""
    revisions = {name: source["targetRevision"] for name, source in sources(environment).items()}
    # `root` follows main, where promotions are merged.
    assert revisions["root"] == "main" and revisions["platform"] == revisions["items"]
    if {image.rpartition(":")[2] for image in images(environment)} == {"0" * 64}:
        assert revisions["items"] == "main", "nothing was promoted yet"
    else:
        assert re.fullmatch(r"v\d+\.\d+\.\d+", revisions["items"])


def test_a_sync_applies_the_database_then_the_schema_then_what_serves(environment):
    resources = items(environment)
    [schema] = build.kind(resources, "Job").values()
    assert annotation(schema, "hook") == "Sync" and annotation(schema, "hook-delete-policy") == "BeforeHookCreation"
    later = {(wave(r), r["kind"]) for r in resources if wave(r)}
    serving = {(2, kind) for kind in ("SpinApp", "Deployment", "HorizontalPodAutoscaler")}
    # What waits for DNS comes last, and the fields of a Deployment that spin-operator has to make first.
    assert later == {(1, "Job"), *serving, (3, "Certificate"), (3, "Deployment")}
    assert {build.name(r) for r in resources if wave(r) == 3} == {"items-tls", "items"}


def test_no_commit_deletes_data(environment):
    kept = {r["kind"] for r in items(environment) if annotation(r, "sync-options") == "Prune=false,Delete=false"}
    assert kept == {"Namespace", "Cluster", "ObjectStore"}


def test_a_project_allows_what_its_applications_contain_and_nothing_else(environment):
    contents = {"items": items(environment), "platform": build.platform() + objects(environment)}
    projects = build.specs(objects(environment), "AppProject")
    assert projects.keys() == contents.keys()
    for name, resources in contents.items():
        kinds = {(r["apiVersion"].rpartition("/")[0], r["kind"]) for r in resources}
        for scope, expected in (("cluster", kinds & CLUSTER_KINDS), ("namespace", kinds - CLUSTER_KINDS)):
            allowed = projects[name][f"{scope}ResourceWhitelist"]
            assert {(entry["group"], entry["kind"]) for entry in allowed} == expected, scope
        spaces = {r["metadata"].get("namespace") for r in resources if r["kind"] not in ("Namespace", "RuntimeClass")}
        destinations = {destination["namespace"] for destination in projects[name]["destinations"]}
        assert None not in spaces and ("*" in destinations or spaces <= destinations), spaces
    assert [destination["namespace"] for destination in projects["items"]["destinations"]] == ["items"]


def test_applications_are_in_order_and_in_this_repository(environment):
    found, projects = (build.kind(objects(environment), kind) for kind in ("Application", "AppProject"))
    assert {r["metadata"]["namespace"] for r in objects(environment)} == {"argocd"}
    [repository] = {source["repoURL"] for source in sources(environment).values()}
    assert all(project["spec"]["sourceRepos"] == [repository] for project in projects.values())
    assert all(application["spec"]["project"] in projects for application in found.values())
    assert all(application["spec"]["syncPolicy"]["automated"] for application in found.values())
    assert sorted(found, key=lambda name: wave(found[name])) == ["root", "platform", "items"]
    paths = {name: source["path"] for name, source in sources(environment).items()}
    folder = f"spinkube/argocd/environments/{environment}"
    assert paths == {"root": f"{folder}/applications", "platform": "spinkube/platform", "items": f"{folder}/items"}


def health(kind, resource):
    """The health of a resource by Argo CD's script for its kind, run as Argo CD runs it: with the resource as `obj`."""
    values = yaml.safe_load(build.specs(build.argocd(), "HelmChart")["argo-cd"]["valuesContent"])
    lua = lupa.LuaRuntime()
    lua.globals().obj = lua.table_from(resource, recursive=True)
    return lua.execute(values["configs"]["cm"][f"resource.customizations.health.{kind}"])["status"]


def spin_app(replicas=2, ready=2, available="True", progressing="True"):
    spec = {"replicas": replicas} if replicas else {"enableAutoscaling": True}
    conditions = {"Progressing": progressing, "Available": available}
    conditions = [{"type": type_, "status": status, "message": "a message"} for type_, status in conditions.items()]
    return {"spec": spec, "status": {"conditions": conditions, "readyReplicas": ready}}


@pytest.mark.parametrize(
    "resource, expected",
    [
        ({"spec": {"replicas": 2}}, "Progressing"),
        ({"spec": {"replicas": 2}, "status": {}}, "Progressing"),
        (spin_app(), "Healthy"),
        (spin_app(progressing="False"), "Healthy"),
        (spin_app(ready=1), "Progressing"),
        (spin_app(available="False", ready=0), "Progressing"),
        (spin_app(available="False", ready=0, progressing="False"), "Degraded"),
        (spin_app(available="Unknown"), "Progressing"),
        (spin_app(replicas=None, ready=5), "Healthy"),
        (spin_app(replicas=None, ready=0), "Progressing"),
    ],
)
def test_a_spinapp_is_healthy_when_all_its_replicas_are_ready(resource, expected):
    assert health("core.spinkube.dev_SpinApp", resource) == expected


@pytest.mark.parametrize("status", [None, "Degraded", "Healthy"])
def test_an_application_is_as_healthy_as_its_status(status):
    resource = {"status": {"health": {"status": status}}} if status else {}
    assert health("argoproj.io_Application", resource) == (status or "Progressing")
