"""Runs schemathesis against a stack, then checks that every phase was run, the stack's log and the trail."""

import argparse
import subprocess
import sys
import time

import events
from service import ROOT, Service

FOLDER = ROOT / "target/fuzz"
EVENTS = FOLDER / "events.ndjson"
SIGNS = ('"level":"warn"', '"level":"error"', "panicked")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, help="how long to send new requests")
    arguments = parser.parse_args()
    minutes = arguments.minutes
    amount = ["--max-examples", "100"] if minutes is None else ["--max-time", str(int(minutes * 60))]

    service = Service(FOLDER)
    try:
        status = schemathesis(service.address, "--seed", str(arguments.seed), *amount)
        findings = [*events.unfinished(EVENTS), *logged(service), *leaked(service), *unaudited(service)]
    finally:
        service.stop()
    for finding in findings:
        print(f"error: {finding}", file=sys.stderr)
    if status != 0 or findings:
        sys.exit(f"error: something was found with seed {arguments.seed}; the stack's log is {service.log}")


def schemathesis(address, *arguments):
    EVENTS.unlink(missing_ok=True)
    command = [ROOT / "target/venv/bin/schemathesis", "--config-file", "tests/fuzz/schemathesis.toml", "run"]
    return subprocess.run([*command, "--checks", "all", *arguments, f"{address}/openapi.json"], cwd=ROOT).returncode


def logged(service):
    """Warnings and errors of the components and of the host: no request may cause one."""
    for line in service.log.read_text().splitlines():
        if line.startswith("host: ") or any(sign in line for sign in SIGNS):
            yield f"logged: {line}"


def leaked(service):
    """Passwords of the database: they must be nowhere."""
    metrics, responses = service.fetch(service.metrics), events.responses(EVENTS)
    for place, text in {"log": service.log.read_text(), "metrics": metrics, "responses": responses}.items():
        if any(password in text for password in service.passwords()):
            yield f"a password of the database is in the {place}"


def unaudited(service):
    """Differences in the trail: the outbox becomes empty, audit refuses no event, and each item was created once."""
    deadline = time.monotonic() + 60
    while (waiting := service.sql("SELECT count(*) FROM audit_outbox")) != "0":
        if time.monotonic() > deadline:
            yield f"{waiting} events are still in the outbox"
            return
        time.sleep(0.2)
    if reason := service.sql("SELECT reason FROM audit_refused LIMIT 1"):
        yield f"audit refused an event: {reason}"
    created = "SELECT count(*) FROM audit_logs WHERE item_id = items.id AND action = 'create' AND outcome = 'ok'"
    if item := service.sql(f"SELECT id FROM items WHERE 1 <> ({created}) LIMIT 1"):
        yield f"item {item} does not have exactly one event of its creation"


main()
