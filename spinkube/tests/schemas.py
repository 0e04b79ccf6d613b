"""Validates resources: Kubernetes' own kinds by a package, the others by schemas.yaml. Unknown fields are errors."""

import re
from pathlib import Path

import kubernetes_validate
import yaml

# K3s's stable line, and the Kubernetes in the shim's K3s image.
VERSIONS = ["1.35", "1.36"]
SCHEMAS = yaml.safe_load(Path(__file__).with_name("schemas.yaml").read_text())
NAMED = SCHEMAS.pop("types")
TYPES = {"string": str, "count": int, "integer": int, "boolean": bool, "object": dict, "array": list}


def wrong(value, schema, where):
    """What of a value its schema does not allow. A schema is { field: schema } (`!`: required, `*`: any other field,
    `one of`: fields of which one must be set), [schema of the entries], a type, /pattern/, `this|that`, or a value."""
    schema = NAMED.get(schema, schema) if isinstance(schema, str) else schema
    match schema:
        case dict() if isinstance(value, dict):
            fields = {key.rstrip("!"): field for key, field in schema.items()}
            alternatives = fields.pop("one of", [])
            if alternatives and len(value.keys() & set(alternatives)) != 1:
                yield f"{where}: not one of {alternatives}"
            yield from (f"{where}: lacks {key}" for key in schema if key.endswith("!") and key[:-1] not in value)
            for key, entry in value.items():
                if key in fields or "*" in fields:
                    yield from wrong(entry, fields.get(key, fields.get("*")), f"{where}.{key}")
                else:
                    yield f"{where}: there is no field {key}"
        case [entry] if isinstance(value, list) and value:
            for number, each in enumerate(value):
                yield from wrong(each, entry, f"{where}[{number}]")
        case str() if schema in TYPES:
            if type(value) is not TYPES[schema] or (schema == "count" and value < 1):
                yield f"{where}: {value!r} is no {schema}"
        case str() if schema.startswith("/"):
            if not isinstance(value, str) or not re.fullmatch(schema[1:-1], value):
                yield f"{where}: {value!r} does not match {schema}"
        case str():
            if value not in schema.split("|"):
                yield f"{where}: {value!r} is not {schema}"
        case _:
            if value != schema or type(value) is not type(schema):
                yield f"{where}: {value!r} is not {schema}"


def faults(resource, version):
    """What is wrong with a resource in a version of Kubernetes."""
    where = f"{resource['kind']} {resource['metadata'].get('name')}"
    if spec := SCHEMAS.get(resource["apiVersion"], {}).get(resource["kind"]):
        schema = {"apiVersion": "string", "kind": "string", "metadata!": "metadata", "spec!": spec}
        return list(wrong(resource, schema, where))
    try:
        kubernetes_validate.validate(resource, version, strict=True)
    except kubernetes_validate.ValidationError as error:
        return [f"{where}: {'.'.join(map(str, error.path))}: {error.message}"]
    except kubernetes_validate.SchemaNotFoundError:
        return [f"{where}: no schema for {resource['apiVersion']}; fix: write one in spinkube/tests/schemas.yaml"]
    return []
