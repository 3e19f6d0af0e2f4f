# SPDX-License-Identifier: Apache-2.0
"""Unkind clients, on plain listeners and on those that speak TLS: requests that two readers would split in two ways, whatever is too large
or too slow, and many at once."""
import contextlib
import json
import re
import selectors
import socket
import ssl
import time
from dataclasses import dataclass
from typing import Callable

import pytest

from harness.agent import Agent
from harness.fake.worker import Plan
from harness.waiting import wait_for

LAST = b"GET /-/healthy HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
RUN = b"POST /v1/sendposts/daily/run HTTP/1.1\r\nHost: localhost\r\n"
CHUNKED = RUN + b"Transfer-Encoding: chunked\r\n\r\n"
HOSTLESS = b"GET /v1/status HTTP/1.1\r\n"


@pytest.fixture
def agent(fake, start_on_either) -> Agent:
    return start_on_either(fake, deployments={"mailing/main": Plan(seconds=60)}, concurrency="queue")


def received_until_end(connection: socket.socket) -> bytes:
    received = b""
    with contextlib.suppress(ConnectionError, ssl.SSLError):  # it was closed while something was on its way
        while chunk := connection.recv(65536):
            received += chunk
    return received


def answers(agent: Agent, said: bytes) -> list[int]:
    """The statuses that come back until the agent closes; refusals are whole problems."""
    with agent.connect() as connection:
        with contextlib.suppress(ConnectionError, ssl.SSLError):  # refused before all was said
            connection.sendall(said)
        received = received_until_end(connection)
    for status, length, body in re.findall(rb"HTTP/1\.1 ([45]\d\d) .*?\r\nContent-Length: (\d+).*?\r\n\r\n(\{.*?\})", received, re.DOTALL):
        assert int(length) == len(body) and json.loads(body)["status"] == int(status)
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d\d\d) ", received)]


def runs(agent: Agent) -> int:
    return len(agent.get("/v1/runs?limit=200")["runs"])


TWO_WAYS = {
    "both framings": RUN + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    "coding twice": RUN + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "coding identity": RUN + b"Transfer-Encoding: identity\r\n\r\n",
    "two codings": RUN + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "chunked is not last": RUN + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "unknown coding": RUN + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "coding after a vertical tab": RUN + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    "coding in quotes": RUN + b'Transfer-Encoding: "chunked"\r\n\r\n0\r\n\r\n',
    "space before the colon": RUN + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "chunked in HTTP/1.0": RUN.replace(b"1.1", b"1.0") + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "length, space before the colon": RUN + b"Content-Length : 2\r\n\r\n{}",
    "length with a sign": RUN + b"Content-Length: +2\r\n\r\n{}",
    "hexadecimal length": RUN + b"Content-Length: 0x2\r\n\r\n{}",
    "empty length": RUN + b"Content-Length:\r\n\r\n{}",
    "two numbers": RUN + b"Content-Length: 2 2\r\n\r\n{}",
    "a fraction": RUN + b"Content-Length: 2.0\r\n\r\n{}",
    "space after the length": RUN + b"Content-Length: 2 \r\n\r\n{}",
    "the same length twice": RUN + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
    "continued line": RUN + b"X-One: a\r\n b\r\nContent-Length: 2\r\n\r\n{}",
    "continued by a tab": RUN + b"X-One: a\r\n\tContent-Length: 50\r\nContent-Length: 2\r\n\r\n{}",
    "continued request line": b"POST /v1/sendposts/daily/run HTTP/1.1\r\n Host: localhost\r\nContent-Length: 2\r\n\r\n{}",
    "bare carriage return": RUN + b"X-One: a\rContent-Length: 2\r\n\r\n{}",
    "NUL in a value": RUN + b"X-One: a\0b\r\nContent-Length: 2\r\n\r\n{}",
    "NUL in the length": RUN + b"Content-Length: 2\x007\r\n\r\n{}",
    "NUL in a name": RUN + b"X\0One: a\r\nContent-Length: 2\r\n\r\n{}",
    "space in a name": RUN + b"X One: a\r\nContent-Length: 2\r\n\r\n{}",
    "no name": RUN + b": a\r\nContent-Length: 2\r\n\r\n{}",
    "nothing but a colon": RUN + b":\r\nContent-Length: 2\r\n\r\n{}",
    "no colon": RUN + b"Content-Length\r\nContent-Length: 2\r\n\r\n{}",
    "hexadecimal chunk with 0x": CHUNKED + b"0x2\r\n{}\r\n0\r\n\r\n",
    "chunk with a sign": CHUNKED + b"+2\r\n{}\r\n0\r\n\r\n",
    "negative chunk": CHUNKED + b"-2\r\n{}\r\n0\r\n\r\n",
    "space after the chunk's size": CHUNKED + b"2 \r\n{}\r\n0\r\n\r\n",
    "space before the chunk's size": CHUNKED + b" 2\r\n{}\r\n0\r\n\r\n",
    "no size of a chunk": CHUNKED + b"\r\n{}\r\n0\r\n\r\n",
    "chunk longer than it says": CHUNKED + b"2\r\n{}XX0\r\n\r\n",
    "two hosts": HOSTLESS + b"Host: localhost\r\nHost: evil.example\r\n\r\n",
    "the same host twice": HOSTLESS + b"Host: localhost\r\nHost: localhost\r\n\r\n",
    "empty host": HOSTLESS + b"Host:\r\n\r\n",
    "no host": HOSTLESS + b"\r\n",
    "no host in HTTP/1.0": b"GET /v1/status HTTP/1.0\r\n\r\n",
    "HTTP/0.9": b"GET /v1/status\r\n\r\n",
    "version in lower case": b"GET /v1/status http/1.1\r\nHost: localhost\r\n\r\n",
    "version of three digits": b"GET /v1/status HTTP/1.10\r\nHost: localhost\r\n\r\n",
}
TOO_LARGE = {
    "length over 2^64": RUN + b"Content-Length: 18446744073709551618\r\n\r\n{}",
    "chunk over 2^64": CHUNKED + b"10000000000000002\r\n{}\r\n0\r\n\r\n",
}


def test_what_two_readers_would_split_in_two_ways(agent):
    """One refusal, and the end: nothing of what follows is read as a request, nothing is started."""
    found = {name: answers(agent, said + LAST) for name, said in TWO_WAYS.items()}
    assert found == dict.fromkeys(TWO_WAYS, [400])
    assert {name: answers(agent, said + LAST) for name, said in TOO_LARGE.items()} == dict.fromkeys(TOO_LARGE, [413])
    assert answers(agent, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + LAST) == [505]
    assert runs(agent) == 0


CLEAR = {
    "length": (RUN + b"Content-Length: 2\r\n\r\n{}", 202),
    "leading zero": (RUN + b"Content-Length: 02\r\n\r\n{}", 202),
    "chunked": (CHUNKED + b"2\r\n{}\r\n0\r\n\r\n", 202),
    "chunked in capitals": (RUN + b"TRANSFER-ENCODING:\tCHUNKED\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n", 202),
    "chunk with zeros": (CHUNKED + b"000000000000000000000000002\r\n{}\r\n0\r\n\r\n", 202),
    "chunk with an extension": (CHUNKED + b"2;name=value\r\n{}\r\n0;last\r\n\r\n", 202),
    "trailers that say nothing": (CHUNKED + b"2\r\n{}\r\n0\r\nContent-Length: 50\r\nTransfer-Encoding: chunked\r\n\r\n", 202),
    "bare line feeds": (RUN.replace(b"\r", b"") + b"Content-Length: 2\n\n{}", 202),
    "body of a GET": (b"GET /v1/status HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello", 200),
    "empty lines before": (b"\r\n\r\nGET /v1/status HTTP/1.1\r\nHost: localhost\r\nX-Empty:\r\nX-Blank: \t\r\n\r\n", 200),
    "absolute form": (b"GET http://localhost/v1/status HTTP/1.1\r\nHost: evil.example\r\n\r\n", 200),
    "absolute form, no path": (b"GET HTTP://localhost HTTP/1.1\r\nHost: localhost\r\n\r\n", 200),
    "absolute form of another": (b"GET http://evil.example/v1/status HTTP/1.1\r\nHost: localhost\r\n\r\n", 403),
    "host with a user": (HOSTLESS + b"Host: localhost@evil.example\r\n\r\n", 403),
    "a list of hosts": (HOSTLESS + b"Host: localhost, evil.example\r\n\r\n", 403),
    "asterisk": (b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
    "tunnel": (b"CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
    "another protocol": (HOSTLESS + b"Host: localhost\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n", 200),
    "traversal": (b"GET /v1/../v1/status HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
    "encoded slash": (b"GET /v1%2fstatus HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
    "encoded NUL": (b"GET /v1/sendposts/daily%00 HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
}


def test_what_is_clear_is_followed_by_the_next(agent):
    found = {name: answers(agent, said + LAST) for name, (said, _) in CLEAR.items()}
    assert found == {name: [status, 200] for name, (_, status) in CLEAR.items()}
    assert runs(agent) == sum(status == 202 for _, status in CLEAR.values())


def test_requests_that_come_byte_by_byte(agent):
    with agent.connect() as connection:
        for byte in RUN + b"X-One: \t two\r\nContent-Length: 2\r\n\r\n{}" + LAST:
            connection.sendall(bytes([byte]))
        received = received_until_end(connection)
    assert re.findall(rb"HTTP/1\.1 (\d+)", received) == [b"202", b"200"]


def test_http_1_0(agent):
    once = b"GET /-/healthy HTTP/1.0\r\nHost: localhost\r\n"
    assert answers(agent, once + b"\r\n" + LAST) == [200]
    with agent.connect() as connection:
        connection.sendall(once + b"Connection: keep-alive\r\n\r\n" + LAST)
        assert received_until_end(connection).count(b" 200 OK\r\n") == 2


def test_continue(agent):
    expecting = RUN + b"Expect: 100-continue\r\nContent-Length: "
    with agent.connect() as connection:
        connection.sendall(expecting + b"2\r\n\r\n")
        assert connection.recv(4096) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"{}" + LAST)
        assert received_until_end(connection).startswith(b"HTTP/1.1 202")
    for length in (300_000, 10**12):
        with agent.connect() as connection:
            connection.sendall(expecting + b"%d\r\n\r\n" % length)
            assert received_until_end(connection).startswith(b"HTTP/1.1 413")


# --- too large ---

CLOSING = b"Connection: close\r\n\r\n"
STATUS = HOSTLESS + b"Host: localhost\r\n"
HEADS: dict[str, Callable[[int], bytes]] = {
    "one header": lambda size: STATUS + b"X: " + b"x" * size + b"\r\n" + CLOSING,
    "a name": lambda size: STATUS + b"x" * size + b": x\r\n" + CLOSING,
    "short headers": lambda size: STATUS + b"X: y\r\n" * (size // 6) + CLOSING,
    "headers": lambda size: STATUS + (b"X-" + b"z" * 90 + b": y\r\n") * (size // 97) + CLOSING,
    "body": lambda size: RUN + b"X: " + b"x" * size + b"\r\nContent-Length: 2002\r\n" + CLOSING + b" " * 2000 + b"{}",
    "chunks": lambda size: RUN + b"X: " + b"x" * size + b"\r\nTransfer-Encoding: chunked\r\n" + CLOSING + b"2\r\n{}\r\n" + b"1\r\n \r\n" * 500 + b"0\r\n\r\n",
    "path": lambda size: b"GET /" + b"x" * size + b" HTTP/1.1\r\nHost: localhost\r\n" + CLOSING,
    "query": lambda size: b"GET /v1/runs?sendpost=" + b"x" * size + b" HTTP/1.1\r\nHost: localhost\r\n" + CLOSING,
    "method": lambda size: b"G" * size + b" /v1/status HTTP/1.1\r\nHost: localhost\r\n" + CLOSING,
}
LONG_LINES = [HEADS[name] for name in ("path", "query", "method")]


@pytest.mark.parametrize("make", HEADS.values(), ids=list(HEADS))
def test_heads_around_the_border(agent, make):
    """Up to some size they are understood, from there on refused: with an answer in any case."""
    found = []
    for size in [*range(1000, 22000, 1500), *range(22000, 25500, 61), 60000]:
        statuses = answers(agent, make(size))
        assert len(statuses) == 1, f"{size}: {statuses}"
        found.append(statuses[0])
    border = next(i for i, status in enumerate(found) if status in (414, 431))
    assert border > 0 and set(found[:border]) <= {200, 202, 404, 405, 503} and set(found[border:]) <= {414, 431}
    assert found[-1] == (414 if make in LONG_LINES else 431)
    assert agent.send("GET", "/-/healthy").status == 200


def test_bodies_around_the_border(agent):
    for blanks, status in ((0, 202), (256 * 1024 - 2, 202), (256 * 1024 - 1, 413), ((4 << 20) - 2, 413)):
        body = b" " * blanks + b"{}"
        assert agent.send("POST", "/v1/sendposts/daily/run", body).status == status
        assert answers(agent, CHUNKED + b"%x\r\n" % len(body) + body + b"\r\n0\r\n\r\n" + LAST)[0] == status
    for depth, status in ((60, 422), (70, 400), (100_000, 400)):
        nested = b'{"parameters": {"deep": ' + b"[" * depth + b"]" * depth + b"}}"
        assert agent.send("POST", "/v1/sendposts/daily/run", nested).status == status
    assert answers(agent, b"GET /v1/runs?" + b"state=failed&" * 33 + b"state=failed HTTP/1.1\r\nHost: localhost\r\n" + CLOSING) == [400]


# --- too slow, too many ---

@dataclass
class Slow:
    """Connections that say a little now and then, or read nothing."""
    connections: list[socket.socket]
    bit: bytes
    began: float

    def step(self) -> None:
        for connection in self.connections:
            try:
                connection.send(self.bit)
            except OSError:
                pass

    def ended(self, selector: selectors.BaseSelector) -> list[float]:
        """When each was cut, in seconds; they go on until then."""
        ends: dict[socket.socket, float] = {}
        stepped = self.began
        for connection in self.connections:
            connection.setblocking(False)
            selector.register(connection, selectors.EVENT_READ)
        while len(ends) < len(self.connections):
            assert time.monotonic() - self.began < 90, f"{len(self.connections) - len(ends)} are still there"
            for key, _ in selector.select(0.1):
                if is_over(key.fileobj):
                    selector.unregister(key.fileobj)
                    ends[key.fileobj] = time.monotonic() - self.began
            if time.monotonic() - stepped > 1:
                stepped = time.monotonic()
                self.step()
        return list(ends.values())


def is_over(connection: socket.socket) -> bool:
    try:
        return not connection.recv(65536)
    except (BlockingIOError, ssl.SSLWantReadError):
        return False
    except OSError:
        return True


def many(agent: Agent, count: int, first: bytes, bit: bytes) -> Slow:
    began = time.monotonic()
    connections = [agent.connect() for _ in range(count)]
    for connection in connections:
        connection.sendall(first)
    return Slow(connections, bit, began)


def test_a_thousand_slow_heads(agent):
    """Each is cut 10 s after it came, however alive it is; others are answered all along."""
    slow = many(agent, 1000, b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n", b"X-More: 1\r\n")
    came = time.monotonic() - slow.began
    assert agent.send("GET", "/-/healthy").status == 200
    ends = slow.ended(selectors.DefaultSelector())
    assert 9 < min(ends) and max(ends) < 10 + came + 10
    assert agent.send("GET", "/-/healthy").status == 200
    assert agent.metrics().sum("sendpost_http_requests_total", code="408") == 1000


def test_slow_bodies(agent):
    slow = many(agent, 100, RUN + b"Content-Length: 1000\r\n\r\n", b" ")
    ends = slow.ended(selectors.DefaultSelector())
    assert 29 < min(ends) and max(ends) < 45
    assert agent.metrics().sum("sendpost_http_requests_total", code="408") == 100
    assert runs(agent) == 0


def test_who_reads_no_answer(fake, start_on_either):
    """More than the system takes for them: cut after a minute, and nobody else waits for it."""
    agent = start_on_either(fake, deployments={"mailing/main": Plan(seconds=600)}, parameters={"text": {"default": ""}})
    run_id = agent.trigger("daily", parameters={"text": "x" * 200_000})
    agent.wait_state(run_id, "running")
    before = agent.metrics().value("process_open_fds")
    began = time.monotonic()
    connections = [agent.connect(receive_buffer=4096) for _ in range(20)]
    for connection in connections:
        connection.sendall(f"GET /v1/runs/{run_id} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode() * 50)

    def gone() -> bool:
        assert agent.send("GET", "/-/healthy").status == 200
        return agent.metrics().value("process_open_fds") <= before + 1

    wait_for("they are cut", gone, timeout=90, interval=0.5)
    assert time.monotonic() - began > 55
    for connection in connections:
        connection.close()


def test_half_closed(fake, start_on):
    """Who has said all still gets all answers, and then the end; who has said half gets none."""
    agent = start_on(fake)
    with agent.connect() as connection:
        connection.sendall(LAST.replace(b"Connection: close\r\n", b"") * 3)
        connection.shutdown(socket.SHUT_WR)
        assert received_until_end(connection).count(b" 200 OK\r\n") == 3
    with agent.connect() as connection:
        connection.sendall(RUN + b"Content-Length: 100\r\n\r\n{")
        connection.shutdown(socket.SHUT_WR)
        assert b" 202 " not in received_until_end(connection)
    assert runs(agent) == 0


def test_a_flood_from_one_address(agent):
    """More connections than there is room for: those that have said nothing for longest give way, others get through."""
    flood = []
    for i in range(2500):
        flood.append(agent.connect())
        if i % 250 == 0:
            assert agent.send("GET", "/-/healthy").status == 200
    assert agent.send("GET", "/v1/status").status == 200
    assert agent.metrics().value("process_open_fds") < 7000
    for connection in flood:
        connection.close()
    wait_for("all are gone", lambda: agent.metrics().value("process_open_fds") < 100)
