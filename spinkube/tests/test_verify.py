"""Checks verify.sh with a fake kubectl and curl: it passes when all is well, and names each fact that does not hold."""

import pytest
import scripts

REACHED = """kubernetes.default.svc.cluster.local:443 open
items.items.svc.cluster.local:80 closed
postgres.items.svc.cluster.local:5432 closed
sidecar.items.svc.cluster.local:9464 closed
sidecar.items.svc.cluster.local:4318 closed
audit.items.svc.cluster.local:80 closed
"""
HEAD = "HTTP/1.1 200 OK\nlocation: /items/7\netag: \"1\"\nX-Content-Type-Options: nosniff\nX-Frame-Options: DENY\n"
ITEM = '{"id":7,"name":"REQUEST_ID"}'
METRICS = """database_up 1
items_created_total 3
items_retrieved_total 2
audit_events_processed_total{action="create"} 3
http_server_request_duration_seconds_count{http_route="/items"} 3
"""
# A deployment in which everything is well.
WELL = {
    r"port-forward": (0, "Forwarding from 127.0.0.1:40001 -> 1\n"),
    r"psql.*count\(DISTINCT": (0, "3\n"),
    r"psql": (0, " id | action\n"),
    r"logs probe": (0, REACHED),
    r"body=7": (413, HEAD, ""),
    r"^GET \S+/readyz": (200, HEAD, "ok"),
    r"^POST \S+/items ": (201, HEAD, ITEM),
    r"^GET \S+/items(\?limit=1)? ": (200, HEAD, f"[{ITEM}]"),
    r"^PUT \S+/items/7": (200, HEAD, ITEM),
    r"^DELETE \S+/items/7": (204, HEAD, ""),
    r"/metrics": (200, HEAD, METRICS),
    r"/api/v1/query": (200, HEAD, '{"result":[{"metric":{}}]}'),
}


def verify(answers=None):
    return scripts.Run("verify", answers, WELL, URL="http://items.test", PATIENCE="0")


def test_all_facts_hold_when_all_is_well_and_nothing_is_left_behind():
    run = verify()
    assert run.code == 0, run.output
    assert "FAIL" not in run.output and run.output.rstrip().endswith("facts hold.")
    assert run.output.count("\nok   ") == int(run.output.split()[-3])
    assert run.called("DELETE http://items.test/items/7") and run.called("delete namespace items-verify")


def test_without_a_database_pod_it_reports_what_it_did_not_run():
    complete = verify()
    run = verify({r"get statefulset postgres": (1, ""), r"get pods -l cnpg": (0, "")})
    assert run.code == 0 and "not run: audit_logs" in run.output, run.output
    assert "not run" not in complete.output and not run.called("psql")
    assert complete.output.count("\nok   ") - run.output.count("\nok   ") == 2


@pytest.mark.parametrize(
    ("answers", "fact"),
    [
        ({r"wait.*spinapp": (1, "")}, "every SpinApp is available"),
        ({r"/readyz": (503, HEAD, "database: unreachable")}, "/readyz answers 200"),
        ({r"^POST \S+/items .*\{\"name\"": (500, HEAD, "")}, "answers 201"),
        ({r"^POST \S+/items .*\{\"name\"": (201, "", ITEM)}, "the response has the item"),
        ({r"^GET \S+/items ": (200, HEAD, "[]")}, "lists it"),
        ({r"^PUT": (404, HEAD, "")}, "it can be changed"),
        ({r"count\(DISTINCT": (0, "")}, "in audit_logs, once each"),
        ({r"/metrics": (200, HEAD, METRICS.replace("created_total 3", "created_total 0"))}, "items_created_total"),
        ({r"/metrics": (200, HEAD, METRICS.replace("http_server", "x"))}, "spans arrive"),
        ({r"query=up": (200, HEAD, '{"result":[]}')}, "Prometheus reaches the sidecar"),
        ({r'le="0.25"': (200, HEAD, '{"result":[]}')}, "250 ms bucket"),
        ({r"^GET \S+/events": (204, HEAD, "")}, "/events answers 404"),
        ({r"well-known/spin/info": (200, HEAD, "{}")}, "/.well-known/spin/info answers 404"),
        ({r"Host: audit": (204, HEAD, "")}, "with the Host of audit"),
        ({r"body=7": (201, HEAD, ITEM)}, "413"),
        ({r"limit=1 ": (200, "HTTP/1.1 200 OK\n", "[]")}, "security headers"),
        ({r"wait.*pod/probe": (1, "")}, "a pod of another namespace ran"),
        ({r"logs probe": (0, REACHED.replace("443 open", "443 closed"))}, "it reaches the API server"),
        ({r"logs probe": (0, REACHED.removesuffix("closed\n") + "open\n")}, "does not reach audit"),
        ({r"logs probe": (0, REACHED.replace("5432 closed", "5432 unknown"))}, "does not reach postgres"),
    ],
)
def test_a_fact_that_does_not_hold_is_reported_with_its_fix(answers, fact):
    run = verify(answers)
    assert run.code == 1, run.output
    [failed] = [line for line in run.output.splitlines() if line.startswith("FAIL ")]
    assert fact in failed, run.output
    assert run.output.rstrip().splitlines()[-1].startswith("fix: ")
