"""Answers as the test says and writes down how it was called. What needs no cluster (kustomize, dry runs) is really done."""

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
with open(os.environ["FAKE_LOG"], "a") as log:
    log.write(json.dumps(["kubectl", arguments, stdin]) + "\n")
for pattern, (code, output) in json.loads(Path(os.environ["FAKE_ANSWERS"]).read_text()).get("kubectl", {}).items():
    if re.search(pattern, line):
        sys.stdout.write(output)
        sys.exit(code)
