"""What schemathesis reports about a run, in target/fuzz/events.ndjson."""

import base64
import json

PHASES = ("examples", "coverage", "fuzzing", "stateful")


def unfinished(file):
    """Phases that ended early: schemathesis ends a phase at an error of its own, and may still count it as passed."""
    statuses = {}
    for kind, event in read(file):
        if kind == "PhaseFinished":
            statuses[event["phase"]["name"]] = event["status"]
        elif kind == "ScenarioFinished" and event["status"] == "error":
            yield f"a scenario of the phase {event['phase']} ended with an error"
    for phase in PHASES:
        if statuses.get(phase) not in ("success", "failure"):
            yield f"the phase {phase} was not completed: {statuses.get(phase)}"


def responses(file):
    """Headers and body of every response, as one text."""
    texts = []
    for _, event in read(file):
        for interaction in event.get("recorder", {}).get("interactions", {}).values():
            if response := interaction.get("response"):
                content = (response.get("content") or {}).get("$base64", "")
                texts += [json.dumps(response["headers"]), base64.b64decode(content).decode(errors="replace")]
    assert texts, f"{file} has no response"
    return "\n".join(texts)


def read(file):
    with file.open() as lines:
        for line in lines:
            yield from json.loads(line).items()
