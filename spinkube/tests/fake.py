"""A fake kubectl or curl, depending on its name. It appends each call to FAKE_CALLS, and prints the first of
FAKE_ANSWERS whose pattern matches the call."""

import json
import os
import re
import sys
from pathlib import Path

command, arguments = Path(sys.argv[0]).name, sys.argv[1:]
calls = Path(os.environ["FAKE_CALLS"])


def record(line, stdin=""):
    with calls.open("a") as file:
        file.write(json.dumps([line, stdin]) + "\n")


def answer(line):
    for pattern, found in json.loads(Path(os.environ["FAKE_ANSWERS"]).read_text()):
        if re.search(pattern, line):
            return pattern, found
    return None, None


def kubectl():
    """An answer is [exit code, output], or a list of these: one for each call, and the last one from then on."""
    if arguments[0] == "kustomize":
        # Needs no cluster, so the real one does it.
        os.execv(os.environ["REAL_KUBECTL"], ["kubectl", *arguments])
    line = " ".join(arguments)
    record(line, sys.stdin.read() if line.endswith("-f -") else "")
    pattern, found = answer(line)
    if found and isinstance(found[0], list):
        times = sum(bool(re.search(pattern, json.loads(call)[0])) for call in calls.read_text().splitlines())
        found = found[min(times, len(found)) - 1]
    code, output = found or (0, "")
    sys.stdout.write(output)
    sys.exit(code)


def curl():
    """An answer is [status, head, body]. A call reads: METHOD URL QUERY HEADERS body=SIZE DATA."""
    with_value = ("-H", "--data-urlencode", "-X", "-d", "-o", "-D", "-w", "--max-time", "--data-binary")
    options, urls, words = {option: [] for option in with_value}, [], iter(arguments)
    for word in words:
        if word in options:
            options[word].append(next(words))
        elif not word.startswith("-"):
            urls.append(word)
    files = [word[1:] for word in options["--data-binary"]]
    method = next(iter(options["-X"]), "POST" if files else "GET")
    sizes = [f"body={Path(file).stat().st_size}" for file in files]
    line = " ".join([method, *urls, *options["--data-urlencode"], *options["-H"], *sizes, *options["-d"], ""])
    record(line)
    status, head, body = answer(line)[1] or (404, "", "404 page not found")
    # A body can contain the request id, which the script chooses.
    for header in options["-H"]:
        if header.startswith("X-Request-Id: "):
            body = body.replace("REQUEST_ID", header.partition(": ")[2])
    for option, text in (("-D", head), ("-o", body)):
        for path in options[option]:
            Path(path).write_text(text)
    sys.stdout.write("" if options["-o"] else body)
    sys.stdout.write(str(status) if options["-w"] else "")


{"kubectl": kubectl, "curl": curl}[command]()
