import pytest

import build


def test_nothing_is_built_twice(rendered):
    names = [(r["apiVersion"], r["kind"], r["metadata"]["name"]) for r in rendered]
    assert len(names) == len(set(names))


def test_everything_is_in_the_namespace(rendered):
    assert rendered[0]["kind"] == "Namespace" and rendered[0]["metadata"]["name"] == "items"
    outside = [r["kind"] for r in rendered[1:] if r["metadata"].get("namespace") != "items"]
    assert outside == []


def test_an_executor_comes_before_who_needs_it(rendered):
    kinds = [r["kind"] for r in rendered]
    assert kinds.index("SpinAppExecutor") < kinds.index("SpinApp")


def test_the_steps_of_a_deployment_are_told_by_label(rendered):
    """`deploy` applies by this label: the database's settings first, then the schema, then the applications."""
    for resource in rendered:
        step = resource["metadata"].get("labels", {}).get("app.kubernetes.io/component")
        assert step == {"SpinApp": "app", "Job": "schema"}.get(resource["kind"]), resource["metadata"]["name"]


def test_hashed_names_and_images_are_rewritten_inside_a_spinapp():
    rendered = build.kustomize_text(
        {
            "apiVersion": "kustomize.config.k8s.io/v1beta1",
            "kind": "Kustomization",
            "namespace": "items",
            "resources": ["ROOT/spinkube/overlays/local"],
            "secretGenerator": [{"name": name, "literals": ["password=x"]} for name in ("items-db", "audit-db")],
            "images": [{"name": "registry.example/items", "newName": "other.example/i", "digest": "sha256:" + "0" * 64}],
        }
    )
    app = build.one(rendered, "SpinApp", "items")["spec"]
    assert app["image"] == "other.example/i@sha256:" + "0" * 64
    made = {r["metadata"]["name"] for r in rendered if r["kind"] in ("Secret", "ConfigMap")}
    named = [next(iter(variable["valueFrom"].values()))["name"] for variable in app["variables"]]
    assert len(named) == 6 and set(named) <= made
    job = build.one(rendered, "Job", "schema")["spec"]["template"]["spec"]["containers"][0]["env"]
    hashed = {e["valueFrom"]["secretKeyRef"]["name"] for e in job if "secretKeyRef" in e.get("valueFrom", {})}
    assert {name for name in named if name.startswith(("items-db-", "audit-db-"))} <= hashed


def test_a_changed_setting_of_the_database_restarts_who_uses_it():
    """Its ConfigMap is named by its content."""
    local, production = (build.kind(build.variant(name), "ConfigMap") for name in ("local", "production"))
    names = [next(r["metadata"]["name"] for r in found if r["metadata"]["name"].startswith("database-")) for found in (local, production)]
    assert names[0] != names[1]


@pytest.mark.parametrize("overlay", build.OVERLAYS)
def test_an_overlay_differs_from_the_others(overlay):
    assert all(build.variant(overlay) != build.variant(other) for other in build.OVERLAYS if other != overlay)


@pytest.mark.parametrize("component", build.COMPONENTS)
def test_a_component_says_what_it_is(component):
    assert (build.SPINKUBE / "components" / component / "README.md").read_text().startswith(f"# {component}\n")
