"""spinkube/argocd: what an environment is made of, in which order, what a project lets through, and when a SpinApp is healthy."""

import os
import re
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import lupa
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
ARGOCD = ROOT / "spinkube" / "argocd"
ENVIRONMENTS = sorted(folder.name for folder in (ARGOCD / "environments").iterdir())
WAVE, OPTIONS, HOOK = (f"argocd.argoproj.io/{name}" for name in ("sync-wave", "sync-options", "hook"))


@cache
def build(folder):
    built = subprocess.run(["kubectl", "kustomize", str(folder)], capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    return list(yaml.safe_load_all(built.stdout))


@cache
def application(environment):
    """What Argo CD applies: the folder, with the images that the Application names put into it."""
    images = argo(environment, "Application")["items"]["spec"]["source"]["kustomize"]["images"]
    (ROOT / "target").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=ROOT / "target") as folder:
        found = [re.fullmatch(r"(\S+)=(\S+)@(sha256:[0-9a-f]{64})", image).groups() for image in images]
        kustomization = {
            "apiVersion": "kustomize.config.k8s.io/v1beta1",
            "kind": "Kustomization",
            "sortOptions": {"order": "fifo"},
            "resources": [os.path.relpath(ARGOCD / "environments" / environment / "items", folder)],
            "images": [{"name": name, "newName": new, "digest": digest} for name, new, digest in found],
        }
        (Path(folder) / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
        return build(folder)


def argo(environment, kind):
    return {d["metadata"]["name"]: d for d in build(ARGOCD / "environments" / environment / "applications") if d["kind"] == kind}


def group_and_kind(document):
    version = document["apiVersion"]
    return (version.split("/")[0] if "/" in version else "", document["kind"])


def annotation(document, name, default=None):
    return (document["metadata"].get("annotations") or {}).get(name, default)


def wave(document):
    return int(annotation(document, WAVE, "0"))


def test_there_are_two_environments():
    assert ENVIRONMENTS == ["production", "staging"]


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_every_image_of_ours_is_named_by_digest(environment):
    images = [d["spec"]["image"] for d in application(environment) if d["kind"] == "SpinApp"]
    images += [c["image"] for d in application(environment) if d["kind"] == "Deployment" for c in d["spec"]["template"]["spec"]["containers"]]
    assert len(images) == 2
    for image in images:
        assert image.startswith("ghcr.io/") and "@sha256:" in image and "registry.example" not in image, image


def test_environments_run_the_same_artifacts_by_name():
    names = {tuple(i.partition("@")[0] for i in argo(e, "Application")["items"]["spec"]["source"]["kustomize"]["images"]) for e in ENVIRONMENTS}
    assert len(names) == 1


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_manifests_and_schema_are_those_of_the_release_whose_digests_run(environment):
    """With `main` here every merge would be in production within minutes."""
    applications = argo(environment, "Application")
    revision = {name: a["spec"]["source"]["targetRevision"] for name, a in applications.items()}
    # What promotes must itself be read from where promotions are merged.
    assert revision["root"] == "main" and revision["platform"] == revision["items"]
    digests = {image.rpartition(":")[2] for image in applications["items"]["spec"]["source"]["kustomize"]["images"]}
    if digests == {"0" * 64}:
        assert revision["items"] == "main", "nothing was promoted yet"
    else:
        assert re.fullmatch(r"v\d+\.\d+\.\d+", revision["items"])
    for file in ("items", "platform"):
        assert yaml.safe_load((ARGOCD / "applications" / f"{file}.yaml").read_text())["spec"]["source"]["targetRevision"].startswith("set by")


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_database_is_before_the_schema_and_the_schema_before_what_serves(environment):
    documents = application(environment)
    schema = [d for d in documents if d["kind"] == "Job"]
    assert [annotation(d, HOOK) for d in schema] == ["Sync"]
    assert annotation(schema[0], "argocd.argoproj.io/hook-delete-policy") == "BeforeHookCreation"
    serving = [d for d in documents if d["kind"] in ("SpinApp", "Deployment", "HorizontalPodAutoscaler")]
    assert len(serving) == 3
    assert {wave(d) for d in serving} == {2} and wave(schema[0]) == 1
    later = {(d["kind"], d["metadata"]["name"]) for d in documents if wave(d) > 2}
    assert later == {("Certificate", "items-tls")}, "it waits for DNS, and must hold up nothing"
    for document in documents:
        if document["kind"] in ("Namespace", "Cluster", "ExternalSecret", "ConfigMap", "SpinAppExecutor", "NetworkPolicy"):
            assert wave(document) == 0, document["metadata"]["name"]


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_no_commit_removes_data(environment):
    kept = {d["kind"] for d in application(environment) if annotation(d, OPTIONS) == "Prune=false,Delete=false"}
    assert kept == {"Namespace", "Cluster", "ObjectStore"}


def allowed(project, scope):
    return {(entry["group"], entry["kind"]) for entry in project["spec"][scope]}


CLUSTER_KINDS = {("", "Namespace"), ("node.k8s.io", "RuntimeClass")}


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_a_project_lets_through_what_its_applications_bring_and_nothing_else(environment):
    projects = argo(environment, "AppProject")
    brings = {
        "items": application(environment),
        "platform": build(ROOT / "spinkube" / "platform") + build(ARGOCD / "environments" / environment / "applications"),
    }
    assert set(projects) == set(brings)
    for name, documents in brings.items():
        kinds = {group_and_kind(d) for d in documents}
        assert allowed(projects[name], "clusterResourceWhitelist") == kinds & CLUSTER_KINDS
        assert allowed(projects[name], "namespaceResourceWhitelist") == kinds - CLUSTER_KINDS
        spaces = {d["metadata"].get("namespace") for d in documents if group_and_kind(d) not in CLUSTER_KINDS}
        destinations = {d["namespace"] for d in projects[name]["spec"]["destinations"]}
        assert None not in spaces and ("*" in destinations or spaces <= destinations), spaces
    assert {d["namespace"] for d in projects["items"]["spec"]["destinations"]} == {"items"}


# Fields of argoproj.io/v1alpha1 that are used here: a name that is misspelt is silently ignored by a server-side apply of old.
FIELDS = {
    "Application": {
        "spec": {"project", "source", "destination", "syncPolicy"},
        "spec.source": {"repoURL", "targetRevision", "path", "kustomize"},
        "spec.destination": {"server", "namespace"},
        "spec.syncPolicy": {"automated", "syncOptions", "retry"},
        "spec.syncPolicy.automated": {"prune", "selfHeal"},
        "spec.syncPolicy.retry": {"limit", "backoff"},
        "spec.syncPolicy.retry.backoff": {"duration", "factor", "maxDuration"},
    },
    "AppProject": {"spec": {"description", "sourceRepos", "destinations", "clusterResourceWhitelist", "namespaceResourceWhitelist"}},
    "HelmChart": {"spec": {"chart", "repo", "version", "targetNamespace", "valuesContent"}},
}


def check_fields(document):
    for path, fields in FIELDS[document["kind"]].items():
        value = document
        for part in path.split("."):
            value = value[part]
        assert set(value) <= fields, f"{document['kind']} {document['metadata']['name']}: {path} has {set(value) - fields}"


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_applications_are_whole_in_order_and_point_into_this_repository(environment):
    applications, projects = argo(environment, "Application"), argo(environment, "AppProject")
    repositories = {a["spec"]["source"]["repoURL"] for a in applications.values()} | {r for p in projects.values() for r in p["spec"]["sourceRepos"]}
    assert len(repositories) == 1 and repositories.pop().startswith("https://")
    for name, document in {**applications, **projects}.items():
        check_fields(document)
        assert document["metadata"]["namespace"] == "argocd", name
    for name, document in applications.items():
        path = document["spec"]["source"]["path"]
        assert (ROOT / path / "kustomization.yaml").is_file(), path
        assert document["spec"]["project"] in projects
        assert document["spec"]["syncPolicy"]["automated"] == {"prune": True, "selfHeal": True}
        # Settings are named by their content: the old ones stay until nothing that runs reads them.
        last = {"PruneLast=true"} if name == "items" else set()
        assert set(document["spec"]["syncPolicy"]["syncOptions"]) == {"ServerSideApply=true", "SkipDryRunOnMissingResource=true"} | last
    assert [name for name, _ in sorted(applications.items(), key=lambda item: wave(item[1]))] == ["root", "platform", "items"]
    assert applications["items"]["spec"]["source"]["path"].endswith(f"environments/{environment}/items")
    assert applications["root"]["spec"]["source"]["path"].endswith(f"environments/{environment}/applications")


def in_order(text, *words):
    positions = [text.find(word) for word in words]
    assert -1 not in positions, dict(zip(words, positions, strict=True))
    assert positions == sorted(positions), dict(zip(words, positions, strict=True))


def test_the_steps_of_the_readme_are_in_the_order_that_works():
    text = (ARGOCD / "README.md").read_text()
    in_order(
        text.partition("## Begin")[2],
        "kubectl apply -k spinkube/argocd\n",
        "wait --for=create --timeout=300s deployment/argo-cd-argocd-server",
        "rollout status deployment/argo-cd-argocd-server",
        "kubectl apply -k spinkube/argocd/environments/staging/applications",
        "certificate/postgres-server",
        "spinkube/components/cloudnative-pg/trust.sh",
    )
    # `root` owns `items` and would undo it.
    in_order(text.partition("## Every day")[2], "argocd app set root --sync-policy none", "argocd app set items --sync-policy none")
    in_order(text.partition("## Rotate")[2], "annotate externalsecret", "argocd app sync items", "rollout restart")


def chart():
    return next(d for d in build(ARGOCD) if d["kind"] == "HelmChart")


def test_argo_cd_is_pinned():
    document = chart()
    check_fields(document)
    assert document["spec"]["version"].count(".") == 2


def health(kind, resource):
    """What Argo CD would say of a resource: its script run as Argo CD runs it, with the resource as `obj`."""
    values = yaml.safe_load(chart()["spec"]["valuesContent"])
    script = values["configs"]["cm"][f"resource.customizations.health.{kind}"]
    lua = lupa.LuaRuntime()
    lua.globals().obj = lua.table_from(resource, recursive=True)
    return lua.execute(script)["status"]


def spin_app(replicas=2, ready=2, available="True", progressing="True"):
    spec = {"replicas": replicas} if replicas else {"enableAutoscaling": True}
    conditions = [{"type": "Progressing", "status": progressing, "message": ""}, {"type": "Available", "status": available, "message": "said"}]
    return {"spec": spec, "status": {"conditions": conditions, "readyReplicas": ready}}


@pytest.mark.parametrize(
    "resource, expected",
    [
        ({"spec": {"replicas": 2}}, "Progressing"),
        ({"spec": {"replicas": 2}, "status": {}}, "Progressing"),
        (spin_app(), "Healthy"),
        (spin_app(progressing="False"), "Healthy"),
        (spin_app(ready=1), "Progressing"),
        (spin_app(available="False", ready=0), "Degraded"),
        (spin_app(available="Unknown"), "Progressing"),
        (spin_app(replicas=None, ready=5), "Healthy"),
        (spin_app(replicas=None, ready=0), "Progressing"),
    ],
)
def test_a_spin_app_is_healthy_when_all_its_replicas_serve(resource, expected):
    assert health("core.spinkube.dev_SpinApp", resource) == expected


@pytest.mark.parametrize("resource, expected", [({}, "Progressing"), ({"status": {"health": {"status": "Degraded"}}}, "Degraded"), ({"status": {"health": {"status": "Healthy"}}}, "Healthy")])
def test_an_application_is_as_healthy_as_it_says(resource, expected):
    assert health("argoproj.io_Application", resource) == expected
