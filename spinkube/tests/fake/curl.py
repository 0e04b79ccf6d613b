"""Answers requests as the test says: {regex of "METHOD URL": [status, head, body]}, first match wins; else 404."""

import json
import os
import re
import sys
from pathlib import Path

OPTIONS = {"-o", "-D", "-w", "-H", "-X", "-d", "--max-time", "--data-binary", "--data-urlencode"}
arguments, given, headers, urls = sys.argv[1:], {}, [], []
position = 0
while position < len(arguments):
    word = arguments[position]
    if word in OPTIONS:
        position += 1
        given[word] = arguments[position]
        if word == "-H":
            headers.append(arguments[position])
    elif not word.startswith("-"):
        urls.append(word)
    position += 1
line = " ".join([given.get("-X", "POST" if "--data-binary" in given else "GET"), *urls, given.get("--data-urlencode", ""), *headers])
if given.get("--data-binary", "").startswith("@"):
    line += f" body={Path(given['--data-binary'][1:]).stat().st_size}"
line += " " + given.get("-d", "")
with open(os.environ["FAKE_LOG"], "a") as log:
    log.write(json.dumps(["curl", [line], ""]) + "\n")
status, head, body = 404, "", "404 page not found"
for pattern, answer in json.loads(Path(os.environ["FAKE_ANSWERS"]).read_text()).get("curl", {}).items():
    if re.search(pattern, line):
        status, head, body = answer
        # What a request was named, so that a list can name it again.
        body = body.replace("NAME", next((h.split(": ")[1] for h in headers if h.startswith("X-Request-Id")), ""))
        break
for option, text in (("-D", head), ("-o", body)):
    if option in given:
        Path(given[option]).write_text(text)
if "-o" not in given:
    sys.stdout.write(body)
if "-w" in given:
    sys.stdout.write(str(status))
