"""The schemas of custom resources, from the CustomResourceDefinitions of the versions in use. Downloaded once."""

import urllib.error
import urllib.request
from functools import cache

import build
import jsonschema
import yaml

# {a path on GitHub: names of files there}
SOURCES = {
    "argoproj/argo-cd/v3.5.1/manifests/crds/{}-crd.yaml": ["application", "appproject"],
    "cert-manager/cert-manager/v1.21.1/deploy/crds/cert-manager.io_{}.yaml": ["certificates", "issuers"],
    "cloudnative-pg/cloudnative-pg/v1.30.0/config/crd/bases/postgresql.cnpg.io_{}.yaml": [
        "clusters",
        "poolers",
        "scheduledbackups",
    ],
    "cloudnative-pg/plugin-barman-cloud/v0.13.0/config/crd/bases/barmancloud.cnpg.io_{}.yaml": ["objectstores"],
    "external-secrets/external-secrets/v2.9.0/config/crds/bases/external-secrets.io_{}.yaml": ["externalsecrets"],
    "k3s-io/helm-controller/v0.17.7/pkg/crds/yaml/generated/helm.cattle.io_{}.yaml": ["helmcharts", "helmchartconfigs"],
    "prometheus-operator/prometheus-operator/v0.93.0/example/prometheus-operator-crd/monitoring.coreos.com_{}.yaml": [
        "podmonitors",
        "prometheusrules",
        "servicemonitors",
    ],
    "spinframework/spin-operator/v0.6.1/config/crd/bases/core.spinkube.dev_{}.yaml": ["spinapps", "spinappexecutors"],
    "traefik/traefik/v3.6.13/docs/content/reference/dynamic-configuration/{}.yml": ["kubernetes-crd-definition-v1"],
}
KEPT = build.ROOT / "target" / "crds"


class Unreachable(Exception):
    """A definition could not be downloaded."""


def _definitions():
    for path in [pattern.format(name) for pattern, names in SOURCES.items() for name in names]:
        file = KEPT / path.replace("/", "+")
        if not file.exists():
            url = f"https://raw.githubusercontent.com/{path}"
            try:
                with urllib.request.urlopen(url, timeout=20) as response:
                    text = response.read()
            except (urllib.error.URLError, TimeoutError) as error:
                raise Unreachable(f"{url}: {error}") from error
            KEPT.mkdir(parents=True, exist_ok=True)
            file.write_bytes(text)
        yield from filter(None, yaml.load_all(file.read_text(), yaml.CSafeLoader))


def _strict(schema):
    """A schema of Kubernetes' dialect as JSON Schema, in which a field without a definition is an error."""
    schema = dict(schema)
    if schema.pop("x-kubernetes-int-or-string", None):
        schema = {"type": ["integer", "string"]}
    if schema.pop("nullable", False) and "type" in schema:
        schema["type"] = [schema["type"], "null"]
    if "properties" in schema:
        schema["properties"] = {name: _strict(field) for name, field in schema["properties"].items()}
        if not schema.get("x-kubernetes-preserve-unknown-fields"):
            schema.setdefault("additionalProperties", False)
    for nested in ("items", "additionalProperties"):
        if isinstance(schema.get(nested), dict):
            schema[nested] = _strict(schema[nested])
    return schema


@cache
def validators():
    """{(apiVersion, kind): validator} of every version of every definition."""
    return {
        (f"{spec['group']}/{version['name']}", spec["names"]["kind"]): jsonschema.Draft7Validator(
            _strict(version["schema"]["openAPIV3Schema"])
        )
        for spec in (definition["spec"] for definition in _definitions())
        for version in spec["versions"]
    }


def defaulted(resource):
    """A resource as spin-operator's webhook returns it: a list of headers that is absent from a probe becomes null."""
    if resource["kind"] != "SpinApp":
        return resource
    checks = resource["spec"].get("checks", {})
    probes = {name: probe | {"httpGet": {"httpHeaders": None, **probe["httpGet"]}} for name, probe in checks.items()}
    return resource | {"spec": resource["spec"] | {"checks": probes}}


def faults(resource):
    """What of a custom resource its definition does not allow."""
    errors = validators()[resource["apiVersion"], resource["kind"]].iter_errors(defaulted(resource))
    return [f"{resource['kind']} {build.name(resource)}: {error.json_path}: {error.message}" for error in errors]
