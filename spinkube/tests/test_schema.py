import json

import build
import schemas


def test_every_resource_is_valid_in_each_version_of_kubernetes():
    everything = [r for name in build.VARIANTS for r in build.variant(name)] + build.platform()
    # Most are the same in every variant.
    distinct = {json.dumps(resource, sort_keys=True): resource for resource in everything}.values()
    assert len(distinct) > 50
    assert [fault for version in schemas.VERSIONS for r in distinct for fault in schemas.faults(r, version)] == []


def test_no_schema_is_left_over():
    used = {(r["apiVersion"], r["kind"]) for name in build.VARIANTS for r in build.variant(name) + build.platform()}
    assert set(schemas.ours()) - used == set()
