# SPDX-License-Identifier: Apache-2.0
"""The programs that are measured or measure: the agent, the Prefect that answers at once, the load, the bare server."""
import http.client
import json
import os
import selectors
import shutil
import socket
import ssl
import struct
import subprocess
import threading
import time
from pathlib import Path
from typing import Any, Callable

ROOT = Path(__file__).resolve().parents[2]
BINARY = Path(os.environ.get("SENDPOST_BINARY", ROOT / "build" / "release" / "sendpost"))
TOOLS = Path(os.environ.get("BENCH_TOOLS", ROOT / "build" / "release" / "tests" / "bench"))
WORK = ROOT / "build" / "bench"  # on a disk, as the journal would be


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def unverified() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def get(port: int, path: str, tls: ssl.SSLContext | None = None) -> bytes:
    plain = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=20, context=tls) if tls else plain
    try:
        connection.request("GET", path)
        reply = connection.getresponse()
        body = reply.read()
        assert reply.status == 200, f"GET {path}: {reply.status}"
        return body
    finally:
        connection.close()


def wait_until(what: str, probe: Callable[[], Any], timeout: float = 30, interval: float = 0.02) -> None:
    deadline = time.monotonic() + timeout
    while not probe():
        assert time.monotonic() < deadline, f"not within {timeout:g} s: {what}"
        time.sleep(interval)


def listening(port: int) -> bool:
    with socket.socket() as connection:
        return connection.connect_ex(("127.0.0.1", port)) == 0


class Tool:
    """A helper that ends with its standard input."""

    def __init__(self, name: str, *arguments: str):
        self.port = free_port()
        self.process = subprocess.Popen([str(TOOLS / name), str(self.port), *arguments], stdin=subprocess.PIPE)
        wait_until(f"{name} listens", lambda: listening(self.port))

    def stop(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait(10)


class Prefect(Tool):
    def __init__(self, *arguments: str) -> None:
        super().__init__("bench_prefect", *arguments)

    def counts(self) -> dict[str, int]:
        return json.loads(get(self.port, "/bench/counts"))

    def arrivals(self) -> dict[str, int]:
        """run id → when its first flow run was asked for, in µs of the monotonic clock."""
        return runs_read(get(self.port, "/bench/arrivals").decode())


def runs_read(text: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for line in text.splitlines():
        run, at = line.split()
        found.setdefault(run, int(at))
    return found


def load_command(port: int, **options: Any) -> list[str]:
    letters = {"connections": "c", "requests": "n", "seconds": "s", "rate": "r", "method": "m", "path": "u", "body": "b", "record": "o", "range": "g"}
    return [str(TOOLS / "bench_load"), "-p", str(port), *(part for name, value in options.items() for part in (f"-{letters[name]}", str(value)))]


class Load:
    """Requests, going on in the background until they are waited for."""

    def __init__(self, port: int, **options: Any):
        self.process = subprocess.Popen(load_command(port, **options), stdout=subprocess.PIPE, text=True)

    def result(self) -> dict[str, float]:
        output, _ = self.process.communicate(timeout=120)
        assert self.process.returncode == 0, "the load has failed"
        return json.loads(output)


def load(port: int, **options: Any) -> dict[str, float]:
    return Load(port, **options).result()


class Followers:
    """Clients that read events, by SSE or as WebSockets, all in one thread."""

    def __init__(self, port: int, count: int, head: bytes, tls: ssl.SSLContext | None = None):
        self.head, self.tls = head, tls
        self.selector = selectors.DefaultSelector()
        self.events, self.stopping = 0, False
        self.sockets = [self.follow(port) for _ in range(count)]
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def follow(self, port: int) -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", port))
        if self.tls:
            connection = self.tls.wrap_socket(connection)
        connection.sendall(b"GET " + self.head + b"\r\n\r\n")
        self.selector.register(connection, selectors.EVENT_READ)
        return connection

    def read(self) -> None:
        while not self.stopping:
            for key, _ in self.selector.select(0.1):
                assert isinstance(key.fileobj, socket.socket)
                received = key.fileobj.recv(65536)
                assert received, "a stream has ended"
                self.events += received.count(b'"type":')

    def stop(self) -> None:
        self.stopping = True
        self.thread.join()
        for connection in self.sockets:
            connection.close()


SETTINGS = {"metrics.stage_state_set": "false", "http.rate_limit.requests_per_second": "0", "prefect.poll.max": "1s"}


class Agent:
    """In a directory of its own, with `count` sendposts made by `definition(name)`."""

    def __init__(self, name: str, prefect: Prefect, count: int, definition: Callable[[str], str], counts_turns: bool = False,
                 settings: dict[str, str] | None = None):
        self.counts_turns = counts_turns
        self.directory = WORK / name
        shutil.rmtree(self.directory, ignore_errors=True)
        definitions = self.definitions = self.directory / "sendposts"
        definitions.mkdir(parents=True)
        for i in range(count):
            self.define(i, definition)
        (self.directory / "agent.yaml").touch()
        self.tls: ssl.SSLContext | None = None
        self.port = free_port()
        self.settings = SETTINGS | {"http.listen": f"127.0.0.1:{self.port}", "prefect.api_url": f"http://127.0.0.1:{prefect.port}/api",
                                    "definitions.directory": str(definitions), "journal.path": str(self.directory / "journal.db")} | (settings or {})

    def certify(self, key: list[str]) -> None:
        """From its next start it speaks TLS, with a key that openssl makes so."""
        files = {"certificate_file": self.directory / "tls.pem", "key_file": self.directory / "tls.key"}
        subprocess.run(["openssl", "req", "-x509", "-newkey", *key, "-nodes", "-keyout", str(files["key_file"]), "-out", str(files["certificate_file"]),
                        "-subj", "/CN=bench"], check=True, capture_output=True)
        self.settings |= {f"http.tls.{name}": str(path) for name, path in files.items()}
        self.tls = unverified()

    def get(self, path: str) -> bytes:
        return get(self.port, path, self.tls)

    def define(self, number: int, definition: Callable[[str], str], directory: Path | None = None) -> None:
        ((directory or self.definitions) / f"bench-{number:04}.yaml").write_text(definition(f"bench-{number:04}"))

    def define_all(self, count: int, definition: Callable[[str], str]) -> None:
        """Written beside, then put in the place of the old ones, so that it is one change."""
        beside = self.directory / "beside"
        beside.mkdir()
        for number in range(count):
            self.define(number, definition, beside)
        self.definitions.rename(self.directory / "before")
        beside.rename(self.definitions)

    def ready(self) -> bool:
        try:
            self.get("/-/ready")
            return True
        except (OSError, http.client.HTTPException, AssertionError):
            return False

    def start(self) -> float:
        """ms from the start of the process until it says that it is ready."""
        options = [part for name, value in self.settings.items() for part in ("--set", f"{name}={value}")]
        command = [str(BINARY), "agent", "--config", str(self.directory / "agent.yaml"), *options]
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "SENDPOST_"))}
        environment = inherited | (self.turns_environment() if self.counts_turns else {})
        began = time.monotonic()
        with open(self.directory / "agent.log", "ab") as log:
            self.process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_until("the agent is ready", self.ready, interval=0.001)
        return (time.monotonic() - began) * 1000

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.kill()

    def anonymous_mb(self) -> float:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.partition("RssAnon:")[2].split()[0]) / 1024

    def processor_ms(self) -> float:
        """That it has used so far."""
        user, system = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) * 1000 / os.sysconf("SC_CLK_TCK")

    # How long the loop is busy between two waits: see turns.c

    def turns_environment(self) -> dict[str, str]:
        return {"LD_PRELOAD": str(TOOLS / "bench_turns.so"), "BENCH_TURNS": str(self.directory / "turns")}

    def turns_forget(self) -> None:
        with open(self.directory / "turns", "r+b") as turns:
            turns.write(bytes(24))

    def turns(self) -> tuple[int, float, float]:
        """How many, the longest by the clock and by processor time in ms."""
        count, longest_us, processor_us = struct.unpack("qqq", (self.directory / "turns").read_bytes())
        return count, longest_us / 1000, processor_us / 1000
