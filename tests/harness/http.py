# SPDX-License-Identifier: Apache-2.0
"""A small HTTP client: one connection a request, never follows a redirect, never raises on a status."""
import http.client
import json
import random
import socket
import ssl
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit


@dataclass
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def text(self) -> str:
        return self.body.decode()


def request(method: str, url: str, body: Any = None, headers: dict[str, str] | None = None, timeout: float = 30.0,
            tls: ssl.SSLContext | None = None) -> Reply:
    """body: bytes as they are, anything else as JSON."""
    parts = urlsplit(url)
    sent = dict(headers or {})
    if body is not None and not isinstance(body, bytes):
        body = json.dumps(body).encode()
        sent.setdefault("Content-Type", "application/json")
    plain = http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout)
    connection = http.client.HTTPSConnection(parts.hostname, parts.port, timeout=timeout, context=tls) if tls else plain
    try:
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        connection.request(method, target or "/", body=body, headers=sent)
        reply = connection.getresponse()
        return Reply(reply.status, {name.lower(): value for name, value in reply.getheaders()}, reply.read())
    finally:
        connection.close()


def answers(url: str, tls: ssl.SSLContext | None = None) -> bool:
    """True if a GET of this address gives 200."""
    try:
        return request("GET", url, timeout=2, tls=tls).status == 200
    except (OSError, http.client.HTTPException):
        return False


FIRST_PORT, LAST_PORT = 10000, 32767  # below those that the system chooses for connections: none of them takes it meanwhile


def free_port() -> int:
    while True:
        port = random.SystemRandom().randint(FIRST_PORT, LAST_PORT)
        with socket.socket() as listener, suppress(OSError):
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(("127.0.0.1", port))
            return port
