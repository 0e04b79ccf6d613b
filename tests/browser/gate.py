"""A TCP proxy between browser and service: passes bytes on, refuses connections, or loses responses."""

import re
import socket
import threading


class Gate:
    def __init__(self, target):
        self.target = target
        self.mode = "open"
        self.keys = []  # the Idempotency-Key of every POST, in order
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def open(self):
        self.mode = "open"

    def refuse(self):
        """Connections are closed before a request reaches the service."""
        self.mode = "refuse"

    def lose_responses(self):
        """Requests reach the service, but its responses do not come back."""
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
            back = threading.Thread(target=self._return, args=(service, client), daemon=True)
            back.start()
            while data := _receive(client):
                if data.startswith(b"POST "):
                    self.keys += re.findall(rb"(?i)\r\nidempotency-key: *([^\r]*)", data)
                if self.mode == "refuse":
                    break
                service.sendall(data)
            _hang_up(service)
            _hang_up(client)
            back.join()

    def _return(self, service, client):
        while data := _receive(service):
            if self.mode == "lose":
                break
            try:
                client.sendall(data)
            except OSError:
                break
        _hang_up(client)
        _hang_up(service)


def _receive(connection):
    try:
        return connection.recv(1 << 16)
    except OSError:
        return b""


def _hang_up(connection):
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass  # the other side has closed the connection already
