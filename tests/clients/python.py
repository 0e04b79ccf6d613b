"""OpenAPI Generator's client for Python: methods that return the body, or raise an exception that has the problem."""

import sys
from datetime import timedelta

from client import ApiClient, ApiException, Configuration, ItemInput, ItemsApi, ServiceApi

client = ApiClient(Configuration(host=sys.argv[1]))
api, key = ItemsApi(client), "python"


def problem(status, call, *arguments, **more):
    try:
        call(*arguments, **more)
    except ApiException as error:
        assert (error.status, error.data.status) == (status, status), error
        assert error.data.request_id == error.headers["X-Request-Id"]
        return error.data
    raise AssertionError(f"{call} did not fail")


created = api.create_item_with_http_info(ItemInput(name="lamp", description="brass"), idempotency_key=key)
lamp, first = created.data, created.headers["etag"]
assert (created.status_code, lamp.name, lamp.description) == (201, "lamp", "brass")
assert lamp.created_at.utcoffset() == timedelta(0)
again = api.create_item_with_http_info(ItemInput(name="lamp", description="brass"), idempotency_key=key)
assert (again.data, again.headers["idempotency-replayed"]) == (lamp, "true")
problem(422, api.create_item, ItemInput(name="desk"), idempotency_key=key)
# The client refuses this name itself, unless its checks are left out.
[wrong] = problem(422, api.create_item, ItemInput.model_construct(name="")).errors
assert wrong.var_field == "name"

other = api.create_item(ItemInput(name="chair"))
seen, page = [], api.list_items_with_http_info(limit=1, after=lamp.id - 1)
while page.data:
    seen += [item.id for item in page.data]
    assert ("link" in page.headers) == (page.data[-1] != other)
    page = api.list_items_with_http_info(limit=1, after=seen[-1])
assert seen == [lamp.id, other.id]

assert api.get_item(lamp.id, if_none_match='"9", W/"8"') == lamp
try:
    raise AssertionError(api.get_item(lamp.id, if_none_match=first))
except ApiException as error:
    assert error.status == 304
updated = api.update_item_with_http_info(lamp.id, ItemInput(name="lamp"), if_match=first)
assert (updated.data.description, updated.headers["etag"] != first) == ("", True)
problem(412, api.update_item, lamp.id, ItemInput(name="old"), if_match=first)
assert api.head_item_with_http_info(lamp.id).headers["etag"] == updated.headers["etag"]
problem(412, api.delete_item, lamp.id, if_match=first)
for item in lamp, other:
    assert api.delete_item_with_http_info(item.id, if_match="*").status_code == 204
problem(404, api.get_item, lamp.id)
assert ServiceApi(client).get_readiness().startswith("database: ok\n")
