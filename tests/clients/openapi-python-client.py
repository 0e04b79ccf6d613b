"""The client of openapi-python-client: functions that return the status, the headers and the parsed body."""

import sys
from datetime import timedelta

from client import Client
from client.api.items import create_item, delete_item, get_item, head_item, list_items, update_item
from client.api.service import get_readiness
from client.models import ItemInput

api = Client(sys.argv[1], raise_on_unexpected_status=True)
key = "openapi-python-client"


def problem(response, status):
    assert (response.status_code, response.parsed.status) == (status, status), response
    assert response.parsed.request_id == response.headers["X-Request-Id"]
    return response.parsed


created = create_item.sync_detailed(client=api, body=ItemInput("lamp", "brass"), idempotency_key=key)
lamp, first = created.parsed, created.headers["ETag"]
assert (created.status_code, lamp.name, lamp.description) == (201, "lamp", "brass")
assert lamp.created_at.utcoffset() == timedelta(0)
again = create_item.sync_detailed(client=api, body=ItemInput("lamp", "brass"), idempotency_key=key)
assert (again.parsed, again.headers["Idempotency-Replayed"]) == (lamp, "true")
problem(create_item.sync_detailed(client=api, body=ItemInput("desk"), idempotency_key=key), 422)
[wrong] = problem(create_item.sync_detailed(client=api, body=ItemInput("")), 422).errors
assert wrong.field == "name"

other = create_item.sync(client=api, body=ItemInput("chair"))
seen, page = [], list_items.sync_detailed(client=api, limit=1, after=lamp.id - 1)
while page.parsed:
    seen += [item.id for item in page.parsed]
    assert ("Link" in page.headers) == (page.parsed[-1] != other)
    page = list_items.sync_detailed(client=api, limit=1, after=seen[-1])
assert seen == [lamp.id, other.id]
problem(list_items.sync_detailed(client=api, limit=0), 400)

assert get_item.sync(client=api, id=lamp.id, if_none_match='"9", W/"8"') == lamp
assert get_item.sync_detailed(client=api, id=lamp.id, if_none_match=first).status_code == 304
updated = update_item.sync_detailed(client=api, id=lamp.id, body=ItemInput("lamp"), if_match=first)
assert (updated.parsed.description, updated.headers["ETag"] != first) == ("", True)
problem(update_item.sync_detailed(client=api, id=lamp.id, body=ItemInput("old"), if_match=first), 412)
assert head_item.sync_detailed(client=api, id=lamp.id).headers["ETag"] == updated.headers["ETag"]
problem(delete_item.sync_detailed(client=api, id=lamp.id, if_match=first), 412)
for item in lamp, other:
    assert delete_item.sync_detailed(client=api, id=item.id, if_match="*").status_code == 204
problem(get_item.sync_detailed(client=api, id=lamp.id), 404)
assert get_readiness.sync(client=api).startswith("database: ok\n")
