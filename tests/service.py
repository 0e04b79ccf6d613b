"""The stack as a process, and its API as a client uses it."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).parents[1]
BINARY = ROOT / os.environ.get("CARGO_TARGET_DIR", "target") / "debug/stack"


class Service:
    """Starts the stack on free ports and new data; `stop` ends it as Ctrl-C does and removes the data."""

    def __init__(self, folder):
        assert BINARY.exists(), f"{BINARY} is missing; fix: make build"
        self.port, metrics, otlp = free_ports(3)
        self.address = f"http://127.0.0.1:{self.port}"
        self.metrics = f"http://127.0.0.1:{metrics}/metrics"
        self.data = folder / "stack/data"
        self.log = folder / "stack.log"
        self._forget()
        self.data.parent.mkdir(parents=True)
        environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [BINARY, "--listen", f"127.0.0.1:{self.port}", "--metrics-listen", f"127.0.0.1:{metrics}",
                 "--otlp-listen", f"127.0.0.1:{otlp}", "--db-port", "0", "--data", self.data],
                cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT)
        self._wait_until_ready(seconds=120)

    def _wait_until_ready(self, seconds):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            assert self.process.poll() is None, f"the stack ended at its start:\n{self.log.read_text()}"
            try:
                with urllib.request.urlopen(f"{self.address}/readyz", timeout=5):
                    return
            except OSError:
                time.sleep(0.1)
        self.stop()
        raise AssertionError(f"the stack was not ready after {seconds} s:\n{self.log.read_text()}")

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        assert self.process.wait(timeout=60) == 0, f"the stack failed at its end:\n{self.log.read_text()}"
        self._forget()

    def _forget(self):
        # The server's data may be elsewhere, behind a link.
        shutil.rmtree((self.data / "postgres").resolve(), ignore_errors=True)
        shutil.rmtree(self.data.parent, ignore_errors=True)

    def call(self, method, path, fields=None, **headers):
        """Sends a request and returns the decoded body; raises an HTTP error."""
        data = None
        if fields is not None:
            data = json.dumps(fields).encode()
            headers["Content-Type"] = "application/json"
        request = urllib.request.Request(self.address + path, data, headers, method=method)
        with urllib.request.urlopen(request, timeout=10) as response:
            body = response.read()
        return json.loads(body) if body else None

    def fetch(self, url):
        with urllib.request.urlopen(url, timeout=10) as response:
            return response.read().decode()

    def create(self, name, description=""):
        return self.call("POST", "/items", {"name": name, "description": description})

    def update(self, item, **fields):
        return self.call("PUT", f"/items/{item['id']}", fields)

    def delete(self, item):
        self.call("DELETE", f"/items/{item['id']}")

    def items(self):
        return self.call("GET", "/items")

    def sql(self, statement):
        """Runs a statement as the superuser and returns its rows, unaligned and without headings."""
        passwords = self.data / "pgpass"
        host, port, _, user, _ = passwords.read_text().split(":")
        command = ["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-h", host, "-p", port, "-U", user, "-c", statement,
                   "itemsdb"]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        result = subprocess.run(command, env=environment | {"PGPASSFILE": passwords}, check=True, capture_output=True,
                                timeout=30, text=True)
        return result.stdout.strip()

    def passwords(self):
        """The passwords of the superuser and of the application's roles."""
        roles = [line.partition("=")[2] for line in (self.data / "passwords").read_text().splitlines()]
        return [(self.data / "pgpass").read_text().strip().split(":")[4], *roles]

    def lock_out(self):
        """Keeps items out of the database: every operation answers 503 until `let_in`."""
        self.sql("ALTER ROLE items NOLOGIN")
        self.sql("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = 'items'")

    def let_in(self):
        self.sql("ALTER ROLE items LOGIN")
        self._wait_until_ready(seconds=30)

    def clear(self):
        for item in self.items():
            self.delete(item)


def free_ports(count):
    """All opened at the same time, so that they differ."""
    with contextlib.ExitStack() as stack:
        return [stack.enter_context(socket.create_server(("127.0.0.1", 0))).getsockname()[1] for _ in range(count)]
