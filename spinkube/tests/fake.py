"""A fake kubectl or curl, depending on the name it is called by. It appends each call to FAKE_CALLS and answers from FAKE_ANSWERS:
of the patterns there that match the call, the first one counts."""

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
    for pattern, found in json.loads(Path(os.environ["FAKE_ANSWERS"]).read_text()).items():
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
    options = {"-H": [], "--data-urlencode": [""], "-X": [], "-d": [""], "-o": [], "-D": [], "-w": [], "--max-time": [], "--data-binary": []}
    urls, words = [], iter(arguments)
    for word in words:
        if word in options:
            options[word].append(next(words))
        elif not word.startswith("-"):
            urls.append(word)
    file = next(iter(options["--data-binary"]), "")
    method = next(iter(options["-X"]), "POST" if file else "GET")
    line = " ".join([method, *urls, options["--data-urlencode"][-1], *options["-H"]])
    line += f" body={Path(file[1:]).stat().st_size}" if file.startswith("@") else ""
    line += " " + options["-d"][-1]
    record(line)
    status, head, body = answer(line)[1] or (404, "", "404 page not found")
    # A body can contain the request id, which the script chooses.
    body = body.replace("REQUEST_ID", next((h.split(": ")[1] for h in options["-H"] if h.startswith("X-Request-Id")), ""))
    for option, text in (("-D", head), ("-o", body)):
        for path in options[option]:
            Path(path).write_text(text)
    sys.stdout.write("" if options["-o"] else body)
    sys.stdout.write(str(status) if options["-w"] else "")


{"kubectl": kubectl, "curl": curl}[command]()
