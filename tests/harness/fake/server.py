# SPDX-License-Identifier: Apache-2.0
"""The fake Prefect's HTTP side: threads, keep-alive as uvicorn's, authentication, faults, and a log of all requests. It can go
away and come back on the same port with the same state."""
import base64
import json
import re
import select
import socket
import socketserver
import ssl
import struct
import threading
import time
import uuid
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from harness.fake.faults import Faults
from harness.fake.routes import dispatch
from harness.fake.store import Problem, Store
from harness.fake.worker import Plan, Worker
from harness.prefect_client import PrefectClient

DRIVER = "X-Test-Driver"  # requests of the test itself: no faults, no log, no authentication


@dataclass
class Request:
    at: float
    method: str
    path: str  # without /api and query
    headers: dict[str, str]
    body: Any
    connection: int
    status: int | None = None  # None: not answered
    fault: str = ""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "Listener"

    def setup(self) -> None:
        if self.server.fake.tls:
            self.request = self.server.fake.tls.wrap_socket(self.request, server_side=True)
        super().setup()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.stopping = self.server.fake.stopping
        self.answered = 0
        self.dropped = False

    def handle_one_request(self) -> None:
        """Waits for a request as uvicorn does; a dead keep-alive is cut at the moment when the next one arrives."""
        fake = self.server.fake
        readable, _, _ = select.select([self.connection], [], [], fake.keep_alive)
        if not readable or self.stopping.is_set():
            self.close_connection = True
            return
        if self.answered and fake.dead_keep_alive:
            fake.dead_keep_alive -= 1
            self.drop()
            return
        try:
            super().handle_one_request()
        except OSError:
            self.close_connection = True

    def handle_any(self) -> None:
        fake = self.server.fake
        length = int(self.headers.get("Content-Length") or 0)
        self.data = self.rfile.read(length)
        parts = urlsplit(self.path)
        self.query = dict(parse_qsl(parts.query))
        self.path = parts.path.removeprefix("/api")
        self.request_log: Request | None = None
        if DRIVER in self.headers:
            self.answer(*self.process())
            return
        self.request_log = fake.log_add(self, self.read_body())
        rule = fake.faults.find(self.command, self.path)
        if rule is None:
            self.answer(*self.process())
            return
        self.request_log.fault = getattr(rule.fault, "__name__", "fault")
        rule.fault(self)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = handle_any

    def read_body(self) -> Any:
        try:
            return json.loads(self.data) if self.data else None
        except ValueError:
            return self.data

    # What faults use

    def process(self) -> tuple[int, Any]:
        fake = self.server.fake
        try:
            if DRIVER not in self.headers:
                fake.authorize(self.command, self.path, self.headers)
            if self.path == "/csrf-token" and self.command == "GET":
                return fake.csrf_token(self.query.get("client", ""))
            body = self.read_body()
            if isinstance(body, bytes):
                raise Problem.invalid([1], "JSON decode error", "json_invalid")
            with fake.store.lock:
                status, answer = dispatch(fake.store, self.command, self.path, body, self.query)
                return status, json.loads(json.dumps(answer))
        except Problem as problem:
            return problem.status, problem.body

    def answer(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        data = b"" if status == 204 else json.dumps(body, separators=(",", ":")).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        if status != 204:
            self.send_header("Content-Length", str(len(data)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if self.request_log:
            self.request_log.status = status  # before the client can have the answer, and look
        self.end_headers()
        self.wfile.write(b"" if self.command == "HEAD" else data)
        self.answered += 1

    def raw(self, data: bytes) -> None:
        self.connection.sendall(data)
        self.answered += 1

    def drop(self) -> None:
        """Closes at once, with a reset when the client's bytes were not read."""
        self.close_connection = True
        self.dropped = True
        try:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def log_message(self, *_: Any) -> None:
        pass


class Listener(socketserver.ThreadingMixIn, socketserver.TCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], fake: "FakePrefect"):
        self.fake = fake
        self.open: dict[int, socket.socket] = {}
        super().__init__(address, Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        self.open[id(request)] = request
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self.open.pop(id(request), None)
        super().shutdown_request(request)

    def handle_error(self, *_: Any) -> None:
        """A client that was killed is no error here."""

    def close_all(self) -> None:
        for connection in list(self.open.values()):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


class FakePrefect:
    """with FakePrefect("3.8.8") as fake: fake.url, fake.driver, fake.faults, fake.requests()"""

    def __init__(self, dialect: str = "3.8.8"):
        self.dialect = dialect
        self.store = Store(dialect)
        self.worker = Worker(self.store)
        self.faults = Faults()
        self.keep_alive = 5.0
        self.dead_keep_alive = 0  # so many reused connections are cut when their next request arrives
        self.authorization = ""  # the Authorization header that is asked for; "": none
        self.csrf = False
        self.csrf_tokens: dict[str, str] = {}
        self.log: list[Request] = []
        self.log_lock = threading.Lock()
        self.stopping = threading.Event()
        self.tls: ssl.SSLContext | None = None  # set before the start: https
        self.listener: Listener | None = None
        self.port = 0

    def __enter__(self) -> "FakePrefect":
        self.start()
        self.worker.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self.stop()
        self.worker.stop()

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}/api"

    @property
    def driver(self) -> PrefectClient:
        return PrefectClient(self.url, {DRIVER: "1"})

    def start(self) -> None:
        """Also after stop(): on the same port, with the same state."""
        self.stopping = threading.Event()
        self.listener = Listener(("127.0.0.1", self.port), self)
        self.port = self.listener.server_address[1]
        threading.Thread(target=self.listener.serve_forever, args=(0.02,), name="fake-prefect", daemon=True).start()

    def stop(self) -> None:
        if self.listener is None:
            return
        self.stopping.set()
        self.listener.shutdown()
        self.listener.server_close()
        self.listener.close_all()
        self.listener = None

    def deploy(self, full_name: str, plan: Plan | None = None, **fields: Any) -> dict:
        """A deployment by flow/name; with a plan its flow runs go by themselves."""
        flow, name = full_name.split("/")
        deployment = self.driver.deployment_create(flow, name, **fields)
        if plan:
            self.worker.plan(deployment["id"], plan)
            self.serve(full_name)
        return deployment

    def serve(self, full_name: str, served: bool = True) -> None:
        """Somebody polls for its flow runs, or no longer does."""
        with self.store.lock:
            deployment = self.store.deployment_named(*full_name.split("/"))
            deployment |= {"status": "READY" if served else "NOT_READY", "last_polled": self.store.time()}

    # The log

    def log_add(self, handler: Handler, body: Any) -> Request:
        headers = {name.lower(): value for name, value in handler.headers.items()}
        entry = Request(time.monotonic(), handler.command, handler.path, headers, body, handler.client_address[1])
        with self.log_lock:
            self.log.append(entry)
        return entry

    def requests(self, path: str = "", method: str = "") -> list[Request]:
        """What clients other than the test sent; path is searched as a regular expression."""
        with self.log_lock:
            return [entry for entry in self.log if re.search(path, entry.path) and method in ("", entry.method)]

    def creates(self) -> list[Request]:
        return self.requests("/create_flow_run$")

    # Access

    def authorize(self, method: str, path: str, headers: Any) -> None:
        if self.authorization and path != "/health" and headers.get("Authorization") != self.authorization:
            raise Problem(401, {"exception_message": "Unauthorized"})
        if self.csrf and method in ("POST", "PUT", "PATCH", "DELETE"):
            token = headers.get("Prefect-Csrf-Token")
            if not token:
                raise Problem.detail(403, "Missing CSRF token.")
            if self.csrf_tokens.get(headers.get("Prefect-Csrf-Client", "")) != token:
                raise Problem.detail(403, "Invalid CSRF token or client identifier.")

    def csrf_token(self, client: str) -> tuple[int, Any]:
        if not self.csrf:
            raise Problem.detail(422, "CSRF protection is disabled.")
        token = self.csrf_tokens[client] = uuid.uuid4().hex
        with self.store.lock:
            return 200, self.store.row(token=token, client=client, expiration=self.store.time())


def basic(credentials: str) -> str:
    return "Basic " + base64.b64encode(credentials.encode()).decode()

