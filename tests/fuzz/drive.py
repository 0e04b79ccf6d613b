"""Runs schemathesis against a stack, and judges more than its checks do: whether every phase did its part, the stack's log, the trail."""

import argparse
import subprocess
import sys
import time

import events
from service import ROOT, Service

FOLDER = ROOT / "target/fuzz"
EVENTS = FOLDER / "events.ndjson"


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--minutes", type=float, help="go on with new questions for so long")
    options = options.parse_args()
    amount = ["--max-examples", "100"] if options.minutes is None else ["--max-time", str(int(options.minutes * 60))]

    service = Service(FOLDER)
    try:
        status = schemathesis(service.address, "--seed", str(options.seed), *amount)
        faults = [*events.unfinished(EVENTS), *logged(service), *told(service), *unaudited(service)]
    finally:
        service.stop()
    for fault in faults:
        print(f"error: {fault}", file=sys.stderr)
    if status != 0 or faults:
        sys.exit(f"error: seed {options.seed} found something; the stack's log is {service.log}")


def schemathesis(address, *arguments):
    EVENTS.unlink(missing_ok=True)
    command = [ROOT / "target/fuzz-venv/bin/schemathesis", "--config-file", "tests/fuzz/schemathesis.toml", "run", "--checks", "all"]
    return subprocess.run([*command, *arguments, f"{address}/openapi.json"], cwd=ROOT).returncode


def logged(service):
    """Nothing that a caller sends makes a component fail, or its host say something about it."""
    for line in service.log.read_text().splitlines():
        if line.startswith("host: ") or any(sign in line for sign in ('"level":"warn"', '"level":"error"', "panicked")):
            yield f"logged: {line}"


def told(service):
    """No password of the database gets out."""
    texts = {"log": service.log.read_text(), "metrics": service.fetch(service.metrics), "answers": events.answers(EVENTS)}
    for place, text in texts.items():
        if any(password in text for password in service.passwords()):
            yield f"a password of the database is in the {place}"


def unaudited(service):
    """Whatever was asked: the outbox drains, audit refuses none of it, and each item there was created once."""
    deadline = time.monotonic() + 60
    while (waiting := service.sql("SELECT count(*) FROM audit_outbox")) != "0":
        if time.monotonic() > deadline:
            yield f"{waiting} events still wait for audit"
            return
        time.sleep(0.2)
    if reason := service.sql("SELECT reason FROM audit_refused LIMIT 1"):
        yield f"audit refused an event: {reason}"
    created = "SELECT count(*) FROM audit_logs WHERE item_id = items.id AND action = 'create' AND outcome = 'ok'"
    if item := service.sql(f"SELECT id FROM items WHERE 1 <> ({created}) LIMIT 1"):
        yield f"item {item} has not exactly one event of its creation"


main()
