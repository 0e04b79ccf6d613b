"""A TCP gate between browser and service: passes bytes on, refuses callers, or loses the answers."""

import re
import socket
import threading


class Gate:
    def __init__(self, target):
        self.target = target
        self.mode = "open"
        self.keys = []  # Idempotency-Key of every POST that came in, in order
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def open(self):
        self.mode = "open"

    def refuse(self):
        """Callers are cut off before anything reaches the service."""
        self.mode = "refuse"

    def lose_answers(self):
        """Requests reach the service, their answers never the caller."""
        self.mode = "lose"

    def close(self):
        self.listener.close()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        with client, socket.create_connection(self.target) as service:
            back = threading.Thread(target=self._answers, args=(service, client), daemon=True)
            back.start()
            while data := self._receive(client):
                if data.startswith(b"POST "):
                    self.keys += re.findall(rb"(?i)\r\nidempotency-key: *([^\r]*)", data)
                if self.mode == "refuse":
                    break
                service.sendall(data)
            _hang_up(service)
            _hang_up(client)
            back.join()

    def _answers(self, service, client):
        while data := self._receive(service):
            if self.mode == "lose":
                break
            try:
                client.sendall(data)
            except OSError:
                break
        _hang_up(client)
        _hang_up(service)

    @staticmethod
    def _receive(connection):
        try:
            return connection.recv(1 << 16)
        except OSError:
            return b""


def _hang_up(connection):
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass  # the other side was first
