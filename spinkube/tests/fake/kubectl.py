"""Answers as the test says (several answers: one for each call, the last from then on) and writes down how it was called. What needs no cluster (kustomize, dry runs) is really done."""

import json
import os
import re
import sys
from pathlib import Path

arguments = sys.argv[1:]
line = " ".join(arguments)
if arguments[0] == "kustomize":
    os.execv(os.environ["FAKE_KUBECTL"], ["kubectl", *arguments])
stdin = sys.stdin.read() if line.endswith("-f -") else ""
log = Path(os.environ["FAKE_LOG"])
with log.open("a") as file:
    file.write(json.dumps(["kubectl", arguments, stdin]) + "\n")
for pattern, answer in json.loads(Path(os.environ["FAKE_ANSWERS"]).read_text()).get("kubectl", {}).items():
    if re.search(pattern, line):
        if isinstance(answer[0], list):
            times = sum(bool(re.search(pattern, " ".join(json.loads(call)[1]))) for call in log.read_text().splitlines())
            answer = answer[min(times, len(answer)) - 1]
        code, output = answer
        sys.stdout.write(output)
        sys.exit(code)
