# SPDX-License-Identifier: Apache-2.0
"""The HTTP API from outside: its errors, its refusals, and what an unkind client may send."""
import json
import re
import signal
import socket
import threading

import pytest

from harness.fake.worker import Plan
from harness.waiting import wait_for

PARAMETERS = {"limit": {"type": "integer", "minimum": 1, "default": 1}, "audience": {"default": "all", "enum": ["all", "test"]},
              "needed": {"type": "string"}}
RUN = "/v1/sendposts/daily/run"


@pytest.fixture
def agent(fake, start_on):
    agent = start_on(fake, deployments={"mailing/main": Plan(seconds=60)}, parameters=PARAMETERS)
    agent.define("off", "name: off\nenabled: false\nstages:\n  - {name: only, run: mailing/main}\n")
    agent.define("free", "name: free\nconcurrency: queue\nstages:\n  - {name: only, run: mailing/main}\n")
    return agent.restart()


def problem(reply, status):
    assert reply.status == status, reply.text
    assert reply.headers["content-type"].startswith("application/problem+json")
    body = reply.json()
    assert body["status"] == status and body["type"] == "about:blank" and body["title"] and body["detail"]
    return body


@pytest.mark.parametrize("body", [b"{", b"[]", b"5", b'{"unknown": 1}', b'{"parameters": []}', b'{"paused": "yes"}', b'{"for": "soon"}', b'{"a":1}{',
                                  b'{"reason": "\xff"}', b"[" * 5000])
def test_bad_bodies(agent, body):
    problem(agent.send("POST", RUN, body), 400)


@pytest.mark.parametrize("parameters, pointer", [
    ({}, "/parameters/needed"),
    ({"needed": "x", "limit": 0}, "/parameters/limit"),
    ({"needed": "x", "limit": "5"}, "/parameters/limit"),
    ({"needed": "x", "audience": "nobody"}, "/parameters/audience"),
    ({"needed": "x", "unknown": 1}, "/parameters/unknown"),
    ({"needed": 5}, "/parameters/needed"),
])
def test_bad_parameters(agent, parameters, pointer):
    body = problem(agent.send("POST", RUN, {"parameters": parameters}), 422)
    assert [error["pointer"] for error in body["errors"]] == [pointer]
    assert agent.metrics().value("sendpost_triggers_refused_total", sendpost="daily", cause="parameters") == 1


def test_not_found(agent):
    for path in ("/v1/sendposts/nothing", "/v1/runs/00000000-0000-0000-0000-000000000000", "/v1/runs/nonsense", "/nothing"):
        problem(agent.send("GET", path), 404)
    problem(agent.send("POST", "/v1/sendposts/nothing/run", {}), 404)


def test_disabled(agent):
    assert problem(agent.send("POST", "/v1/sendposts/off/run", {}), 409)["enabled"] is False


def test_wrong_method(agent):
    for method, path, allowed in (("DELETE", "/v1/sendposts", "GET"), ("GET", RUN, "POST"), ("POST", "/metrics", "GET")):
        reply = agent.send(method, path)
        assert reply.status == 405 and allowed in reply.headers["allow"]


def test_head(agent):
    run = agent.trigger("free")
    agent.wait_stage(run, "only", "running")
    for path in ("/-/healthy", "/-/ready", "/v1/status", "/v1/sendposts", "/v1/sendposts/free", "/v1/sendposts/free/definition", "/v1/runs",
                 f"/v1/runs/{run}", "/v1/prefect/deployments", "/v1/prefect/deployments/mailing/main", "/nothing", "/v1/sendposts/nothing"):
        get, head = agent.send("GET", path), agent.send("HEAD", path)
        assert (head.status, head.body, head.headers["content-type"]) == (get.status, b"", get.headers["content-type"])
        assert path == "/v1/status" or head.headers["content-length"] == get.headers["content-length"]
    metrics = agent.send("HEAD", "/metrics")
    assert (metrics.status, metrics.body, int(metrics.headers["content-length"]) > 1000) == (200, b"", True)
    assert agent.send("HEAD", RUN).headers["allow"] == "POST"


def test_too_large(agent):
    problem(agent.send("POST", RUN, b'{"reason": "' + b"x" * (256 * 1024) + b'"}'), 413)


def test_an_idempotency_key(agent):
    body = {"parameters": {"needed": "x"}}
    first = agent.send("POST", RUN, body, {"Idempotency-Key": "k"})
    again = agent.send("POST", RUN, {"parameters": {"needed": "x"}, "idempotency_key": "k"})
    assert (first.status, again.status, again.json()["id"]) == (202, 200, first.json()["id"])
    assert first.headers["location"] == f"/v1/runs/{first.json()['id']}"
    problem(agent.send("POST", RUN, {"parameters": {"needed": "y"}}, {"Idempotency-Key": "k"}), 422)
    problem(agent.send("POST", RUN, body | {"idempotency_key": "one"}, {"Idempotency-Key": "two"}), 400)
    agent.restart()
    assert agent.send("POST", RUN, body, {"Idempotency-Key": "k"}).status == 200


def test_a_known_key_comes_before_everything_else(agent):
    """Its run has ended, the sendpost is disabled, the disk is full: the answer is still that of the first time."""
    body = {"parameters": {"needed": "x"}, "idempotency_key": "k"}
    first = agent.send("POST", RUN, body).json()["id"]
    agent.cancel(first)
    agent.wait_ended(first)
    agent.define("daily", "name: daily\nenabled: false\nstages:\n  - {name: only, run: mailing/main}\n")
    agent.process.send_signal(signal.SIGHUP)
    wait_for("it is disabled", lambda: not agent.get("/v1/sendposts/daily")["enabled"])
    agent.fill_disk()
    problem(agent.send("POST", RUN, {}), 503)
    again = agent.send("POST", RUN, body)
    assert (again.status, again.json()["id"]) == (200, first)
    problem(agent.send("POST", RUN, {"idempotency_key": "k"}), 422)
    agent.fill_disk(False)


def test_the_same_key_at_once(agent):
    replies = []
    threads = [threading.Thread(target=lambda: replies.append(agent.send("POST", "/v1/sendposts/free/run", {"idempotency_key": "same"})))
               for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(reply.status for reply in replies) == [200] * 15 + [202]
    assert len({reply.json()["id"] for reply in replies}) == 1


def test_a_queue_has_an_end(agent):
    statuses = [agent.send("POST", "/v1/sendposts/free/run", {}).status for _ in range(102)]
    assert statuses[:101] == [202] * 101
    assert statuses[101] == 503
    assert agent.metrics().value("sendpost_runs_queued", sendpost="free") == 100


def test_pages(agent):
    for _ in range(5):
        agent.trigger("free")
    first = agent.get("/v1/runs?sendpost=free&limit=2")
    rest = agent.get(f"/v1/runs?sendpost=free&limit=200&cursor={first['next']}")
    assert (len(first["runs"]), len(rest["runs"]), rest["next"]) == (2, 3, None)
    assert len({run["id"] for run in first["runs"] + rest["runs"]}) == 5
    assert agent.send("GET", "/v1/runs?limit=201").status == 400
    assert [one["name"] for one in agent.get("/v1/sendposts")["sendposts"]] == ["daily", "free", "off"]


def test_definition(agent):
    path = "/v1/sendposts/daily/definition"
    reply = agent.send("GET", "/v1/sendposts/daily/definition")
    assert reply.headers["content-type"].startswith("application/yaml")
    assert reply.body == (agent.definitions / "daily.yaml").read_bytes()
    etag = reply.headers["etag"]
    assert etag == f'"{agent.get("/v1/sendposts/daily")["definition"]["sha256"]}"'
    for known in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        same = agent.send("GET", path, headers={"If-None-Match": known})
        assert (same.status, same.body, same.headers["etag"]) == (304, b"", etag)
        assert same.headers["content-length"] == reply.headers["content-length"]
    assert agent.send("GET", path, headers={"If-None-Match": '"other"'}).status == 200
    head = agent.send("HEAD", path)
    assert (head.status, head.body, head.headers["content-length"], head.headers["etag"]) == (200, b"", str(len(reply.body)), etag)


def test_origins(agent):
    foreign = {"Origin": "http://evil.example", "Content-Type": "application/json"}
    assert agent.send("POST", "/v1/sendposts/free/run", {}, foreign).status == 403
    own = {"Origin": agent.url, "Content-Type": "application/json"}
    assert agent.send("POST", "/v1/sendposts/free/run", {}, own).status == 202
    assert agent.send("POST", "/v1/sendposts/free/run", b"{}", {"Origin": agent.url, "Content-Type": "text/plain"}).status in (400, 403, 415)
    assert agent.send("POST", "/v1/sendposts/free/run", b"{}", {"Content-Type": "application/x-www-form-urlencoded"}).status == 202


def test_a_foreign_host_name(agent):
    assert agent.send("GET", "/v1/sendposts", headers={"Host": "evil.example"}).status in (400, 403, 421)
    assert agent.send("GET", "/v1/sendposts", headers={"Host": f"localhost:{agent.port}"}).status == 200


def raw(agent, data, timeout=3.0):
    """All that comes back until the agent closes."""
    with socket.create_connection(("127.0.0.1", agent.port), timeout=timeout) as connection:
        connection.sendall(data)
        received = b""
        try:
            while chunk := connection.recv(65536):
                received += chunk
        except (TimeoutError, ConnectionResetError):
            return received, not isinstance(received, bytes)
        return received, True


HEAD = b"POST /v1/sendposts/free/run HTTP/1.1\r\nHost: localhost\r\n"


@pytest.mark.parametrize("data", [
    HEAD + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n",
    HEAD + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"POST /v1/sendposts/free/run HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}",
], ids=["two framings", "two lengths", "no host"])
def test_ambiguous_requests_are_refused_and_closed(agent, data):
    received, closed = raw(agent, data)
    assert received.startswith(b"HTTP/1.1 400"), received[:200]
    assert received.count(b"HTTP/1.1 ") == 1 and closed
    assert agent.get("/v1/runs?sendpost=free")["runs"] == []


GET = b"GET /v1/status HTTP/1.1\r\nHost: localhost\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize("data, status", [
    (GET + b"X-Large: " + b"x" * 60000 + b"\r\n\r\n", 431),
    (b"GET /" + b"x" * 60000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", 414),
    (b"GET /v1/runs?" + b"state=failed&" * 3000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", 414),
    (b"GET /v1/status HTTP/3.0\r\nHost: localhost\r\n\r\n", 505),
    (GET + b"no colon\r\n\r\n", 400),
    (GET + b"X: a\rContent-Length: 5\r\n\r\nhello", 400),
    (HEAD + b"Content-Length: 2, 2\r\n\r\n{}", 400),
    (HEAD + b"Content-Length: -1\r\n\r\n{}", 400),
    (HEAD + b"Content-Length: 99999999999999999999\r\n\r\n{}", 413),
    (HEAD + b"Transfer-Encoding:\r\n chunked\r\nContent-Length: 2\r\n\r\n{}", 400),
    (CHUNKED + b"zz\r\n{}\r\n0\r\n\r\n", 400),
    (CHUNKED + b"2;" + b"x" * 60000 + b"\r\n{}\r\n0\r\n\r\n", 400),
    (CHUNKED + b"ffffffffffffffffff\r\n{}\r\n0\r\n\r\n", 413),
    (CHUNKED + b"2\r\n{}\r\n0\r\nX: " + b"x" * 60000 + b"\r\n\r\n", 431),
], ids=["headers", "path", "query", "version", "no colon", "bare CR", "two lengths", "negative length", "huge length", "continued line",
        "chunk size", "chunk line", "chunk overflow", "trailer"])
def test_what_cannot_be_parsed_is_one_problem(agent, data, status):
    received, closed = raw(agent, data)
    head, _, body = received.partition(b"\r\n\r\n")
    assert closed and head.startswith(b"HTTP/1.1 %d " % status), received[:200]
    assert b"\r\nContent-Type: application/problem+json\r\n" in head
    assert json.loads(body)["status"] == status
    assert agent.get("/v1/runs?sendpost=free")["runs"] == []
    assert agent.metrics().value("sendpost_http_requests_total", handler="other", code=str(status)) == 1


@pytest.mark.parametrize("line, status", [(b"POST /nothing", 404), (b"POST /metrics", 405), (b"POST /v1/sendposts/free/run?x=1", 400)])
def test_a_body_that_will_be_refused_is_not_asked_for(agent, line, status):
    request = b"%b HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nExpect: %b\r\n\r\n"
    received, closed = raw(agent, request % (line, b"100-Continue"))
    assert received.startswith(b"HTTP/1.1 %d" % status) and closed
    received, _ = raw(agent, request % (line, b"nothing") + b"{}GET /-/healthy HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert re.findall(rb"HTTP/1\.1 (\d+)", received) == [b"%d" % status, b"200"]


def test_a_body_that_is_waited_for_is_asked_for(agent):
    request = HEAD + b"Content-Length: 2\r\nConnection: close\r\nExpect: 100-continue\r\n\r\n"
    with agent.connect() as connection:
        connection.sendall(request)
        assert connection.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"{}")
        assert connection.recv(65536).startswith(b"HTTP/1.1 202")


def test_pipelined_requests_are_answered_in_order(agent):
    """Those that wait for the commit, for Prefect and for a snapshot among those that do not."""
    def trigger(key: bytes) -> bytes:
        return HEAD + b"Idempotency-Key: " + key + b"\r\nContent-Length: 2\r\n\r\n{}"

    def get(path: bytes, more: bytes = b"") -> bytes:
        return b"GET " + path + b" HTTP/1.1\r\nHost: localhost\r\n" + more + b"\r\n"

    received, closed = raw(agent, trigger(b"a") + trigger(b"a") + get(b"/v1/prefect/deployments") + get(b"/metrics") + trigger(b"b")
                           + get(b"/nothing") + get(b"/-/healthy", b"Connection: close\r\n"))
    assert closed
    assert re.findall(rb"HTTP/1\.1 (\d+)", received) == [b"202", b"200", b"200", b"200", b"202", b"404", b"200"]
    first, again, other = re.findall(rb'{"id":"([0-9a-f-]+)","sendpost"', received)
    assert first == again != other


def test_spaces_after_a_value_are_no_part_of_it(agent):
    etag = agent.send("GET", "/v1/sendposts/free/definition").headers["etag"].encode()
    trigger = b"POST /v1/sendposts/free/run HTTP/1.1\r\nHost: localhost \t\r\nContent-Length: 2\r\nIdempotency-Key: k%b\r\n\r\n{}"
    read = b"GET /v1/sendposts/free/definition HTTP/1.1\r\nHost: localhost\r\nIf-None-Match: %b \r\nConnection: close\r\n\r\n"
    received, _ = raw(agent, trigger % b" \t" + trigger % b"" + read % etag)
    assert re.findall(rb"HTTP/1\.1 (\d+)", received) == [b"202", b"200", b"304"]
    received, closed = raw(agent, HEAD + b"Transfer-Encoding: chunked \r\n\r\n2\r\n{}\r\n0\r\n\r\n")
    assert received.startswith(b"HTTP/1.1 400") and closed


def test_slow_headers_are_cut_off(agent):
    """A header a second keeps no connection open beyond 10 s, and nobody else waits."""
    with socket.create_connection(("127.0.0.1", agent.port), timeout=1) as connection:
        connection.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n")

        def closed() -> bool:
            try:
                connection.sendall(b"X-More: 1\r\n")
                return connection.recv(1) == b""
            except TimeoutError:
                return False
            except OSError:
                return True

        wait_for("the connection is cut", closed, timeout=15, interval=0.5)
    assert agent.send("GET", "/-/healthy").status == 200


def test_many_idle_connections(agent):
    connections = [socket.create_connection(("127.0.0.1", agent.port)) for _ in range(1000)]
    assert agent.send("GET", "/-/healthy").status == 200
    assert agent.send("GET", "/metrics").status == 200
    for connection in connections:
        connection.close()


def test_rate_limit(fake, start_on):
    agent = start_on(fake, settings={"http.rate_limit.requests_per_second": "1", "http.rate_limit.burst": "3"})
    replies = [agent.send("GET", "/v1/status") for _ in range(6)]
    assert replies[0].status == 200 and replies[-1].status == 429 and "retry-after" in replies[-1].headers
    assert {agent.send("GET", path).status for path in ("/metrics", "/-/healthy", "/-/ready") for _ in range(5)} == {200}
