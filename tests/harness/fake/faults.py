# SPDX-License-Identifier: Apache-2.0
"""Faults on demand. A fault is a function of one exchange: it may process the request or not, and answer what it likes.
Each has a rule that says which requests it befalls: add(drop_after, path="create_flow_run", skip=1, count=2)."""
import json
import re
import threading
from dataclasses import dataclass, field
from typing import Any, Callable, Protocol


class Exchange(Protocol):
    """One request, as a fault may handle it (server.py)."""
    path: str
    stopping: threading.Event

    def process(self) -> tuple[int, Any]: ...
    def answer(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None: ...
    def raw(self, data: bytes) -> None: ...
    def drop(self) -> None: ...


Fault = Callable[[Exchange], None]


@dataclass
class Rule:
    fault: Fault
    method: str = ""
    path: str = ""  # searched in the path as a regular expression
    skip: int = 0
    count: int | None = 1  # None: until removed
    seen: int = 0
    struck: int = 0

    def strikes(self, method: str, path: str) -> bool:
        if (self.method and self.method != method) or not re.search(self.path, path):
            return False
        self.seen += 1
        if self.seen <= self.skip or (self.count is not None and self.struck >= self.count):
            return False
        self.struck += 1
        return True


@dataclass
class Faults:
    rules: list[Rule] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, fault: Fault, **options: Any) -> Rule:
        rule = Rule(fault, **options)
        with self.lock:
            self.rules.append(rule)
        return rule

    def remove(self, rule: Rule) -> None:
        with self.lock:
            self.rules.remove(rule)

    def clear(self) -> None:
        with self.lock:
            self.rules.clear()

    def find(self, method: str, path: str) -> Rule | None:
        """The first rule that strikes here; the ones before it count the request as seen."""
        with self.lock:
            return next((rule for rule in self.rules if rule.strikes(method, path)), None)


def drop_before(exchange: Exchange) -> None:
    """The connection closes, nothing was done."""
    exchange.drop()


def drop_after(exchange: Exchange) -> None:
    """It was done, the reply is lost."""
    exchange.process()
    exchange.drop()


def delay_before(seconds: float) -> Fault:
    def fault(exchange: Exchange) -> None:
        exchange.stopping.wait(seconds)
        exchange.answer(*exchange.process())
    return fault


def delay_after(seconds: float) -> Fault:
    """Done at once, answered late: with more than the client's patience, a reply that it never sees."""
    def fault(exchange: Exchange) -> None:
        answer = exchange.process()
        exchange.stopping.wait(seconds)
        exchange.answer(*answer)
    return fault


def hang(exchange: Exchange) -> None:
    """Not processed, never answered, until the server stops."""
    exchange.stopping.wait()
    exchange.drop()


def status(code: int, body: Any = None, headers: dict[str, str] | None = None, processed: bool = False) -> Fault:
    def fault(exchange: Exchange) -> None:
        if processed:
            exchange.process()
        exchange.answer(code, {"exception_message": "made up"} if body is None else body, headers)
    return fault


def too_many(retry_after: str) -> Fault:
    return status(429, headers={"Retry-After": retry_after})


def redirect(location: str) -> Fault:
    return status(307, {}, {"Location": location})


def text(body: bytes, content_type: str = "application/json", code: int = 200) -> Fault:
    """Any bytes as a complete answer, after processing."""
    def fault(exchange: Exchange) -> None:
        exchange.process()
        head = f"HTTP/1.1 {code} Text\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n"
        exchange.raw(head.encode() + body)
    return fault


def truncated(exchange: Exchange) -> None:
    """Half of the body that Content-Length announces."""
    code, body = exchange.process()
    data = json.dumps(body).encode()
    head = f"HTTP/1.1 {code} OK\r\nContent-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n"
    exchange.raw(head.encode() + data[:len(data) // 2])
    exchange.drop()


def endless(exchange: Exchange) -> None:
    """Chunks for as long as the client takes them."""
    exchange.process()
    exchange.raw(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
    chunk = b"10000\r\n" + b"[" * 65536 + b"\r\n"
    try:
        while not exchange.stopping.is_set():
            exchange.raw(chunk)
    except OSError:
        exchange.drop()


def trickle(exchange: Exchange) -> None:
    """One byte a second."""
    code, body = exchange.process()
    data = json.dumps(body).encode()
    exchange.raw(f"HTTP/1.1 {code} OK\r\nContent-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n".encode())
    try:
        for position in range(len(data)):
            if exchange.stopping.wait(1):
                break
            exchange.raw(data[position:position + 1])
    except OSError:
        pass
    exchange.drop()


def changed(change: Callable[[Any], Any]) -> Fault:
    """Processed; the answer is what `change` makes of it."""
    def fault(exchange: Exchange) -> None:
        code, body = exchange.process()
        exchange.answer(code, change(body))
    return fault


def other_flow_run(run: dict) -> Fault:
    """200 with a flow run that is not the one asked for."""
    return status(200, run)


def before(hook: Callable[[], None]) -> Fault:
    """Something happens when the request has arrived; it is then processed, and answered if anybody still listens."""
    def fault(exchange: Exchange) -> None:
        hook()
        exchange.answer(*exchange.process())
    return fault


def after(hook: Callable[[], None]) -> Fault:
    """Something happens between processing and answering."""
    def fault(exchange: Exchange) -> None:
        answer = exchange.process()
        hook()
        exchange.answer(*answer)
    return fault


def instead(hook: Callable[[], None]) -> Fault:
    """Something happens, and the request is never processed."""
    def fault(exchange: Exchange) -> None:
        hook()
        exchange.drop()
    return fault
