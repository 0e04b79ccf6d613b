"""Validates resources: Kubernetes' own kinds by a package, the others by schemas/. Unknown fields are errors."""

from functools import cache
from pathlib import Path

import jsonschema
import kubernetes_validate
import yaml

# K3s's stable line, and the Kubernetes in the shim's K3s image.
VERSIONS = ["1.35", "1.36"]
FOLDER = Path(__file__).parent / "schemas"
STRINGS = {"type": "object", "additionalProperties": "string"}
METADATA = {
    "required": ["name"],
    "properties": {
        "name": {"type": "string", "pattern": "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"},
        "namespace": "string",
        "labels": STRINGS,
        "annotations": STRINGS,
    },
}


def strict(schema):
    """A schema that allows only the properties it names. In schemas/, `string` is short for `{ type: string }`."""
    if not isinstance(schema, dict):
        return schema if isinstance(schema, bool) else {"type": schema}
    schema = dict(schema)
    for key in schema.keys() & {"items", "additionalProperties"}:
        schema[key] = strict(schema[key])
    for key in schema.keys() & {"properties", "$defs"}:
        schema[key] = {name: strict(value) for name, value in schema[key].items()}
    return {"type": "object", "additionalProperties": False} | schema if "properties" in schema else schema


@cache
def ours():
    """{(apiVersion, kind): validator} of the schemas in schemas/."""
    found = {}
    for file in FOLDER.glob("*.yaml"):
        content = yaml.safe_load(file.read_text())
        for kind, spec in content["kinds"].items():
            schema = {
                "required": ["apiVersion", "kind", "metadata", "spec"],
                "properties": {"apiVersion": {}, "kind": {}, "metadata": METADATA, "spec": spec},
                "$defs": content.get("$defs", {}),
            }
            schema = strict(schema)
            jsonschema.Draft202012Validator.check_schema(schema)
            validator = jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())
            found[content["apiVersion"], kind] = validator
    return found


def faults(resource, version):
    """What is wrong with a resource in a version of Kubernetes."""
    where = f"{resource['kind']} {resource['metadata'].get('name')}"
    if validator := ours().get((resource["apiVersion"], resource["kind"])):
        return [f"{where}: {error.json_path}: {error.message}" for error in validator.iter_errors(resource)]
    try:
        kubernetes_validate.validate(resource, version, strict=True)
    except kubernetes_validate.ValidationError as error:
        return [f"{where}: {'.'.join(map(str, error.path))}: {error.message}"]
    except kubernetes_validate.SchemaNotFoundError:
        return [f"{where}: no schema for {resource['apiVersion']}; fix: write one in spinkube/tests/schemas"]
    return []
