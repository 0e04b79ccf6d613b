"""Validates resources: Kubernetes' own kinds by a package, the others by schemas/. Unknown fields are errors."""

from functools import cache
from pathlib import Path

import jsonschema
import kubernetes_validate
import yaml

# K3s's stable line, and the Kubernetes in the shim's K3s image.
VERSIONS = ["1.35", "1.36"]
FOLDER = Path(__file__).parent / "schemas"
STRINGS = {"type": "object", "additionalProperties": {"type": "string"}}
METADATA = {
    "required": ["name"],
    "properties": {
        "name": {"type": "string", "pattern": "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"},
        "namespace": {"type": "string"},
        "labels": STRINGS,
        "annotations": STRINGS,
    },
}


def strict(schema):
    """A schema that allows no properties but those it names."""
    if isinstance(schema, dict):
        schema = {key: strict(value) for key, value in schema.items()}
        if isinstance(schema.get("properties"), dict):
            schema.setdefault("additionalProperties", False)
            schema.setdefault("type", "object")
    elif isinstance(schema, list):
        schema = [strict(value) for value in schema]
    return schema


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
            jsonschema.Draft202012Validator.check_schema(strict(schema))
            validator = jsonschema.Draft202012Validator(strict(schema), format_checker=jsonschema.FormatChecker())
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
