# SPDX-License-Identifier: Apache-2.0
"""Events by WebSocket: the same as server-sent ones, and what clients may and may not do."""
import contextlib
import itertools
import time

import pytest

from harness.agent import Agent
from harness.event_stream import EventStream
from harness.fake.worker import Plan
from harness.history import write_history
from harness.waiting import wait_for
from harness.websocket import CLOSE, PING, PONG, TEXT, Refused, WebSocket

PATH = "/v1/sendposts/daily/run/ws"
GOING_AWAY, PROTOCOL_ERROR, NORMAL = 1001, 1002, 1000


@pytest.fixture
def agent(fake, start_on_either) -> Agent:
    return start_on_either(fake)


def streams(agent: Agent) -> float:
    return agent.metrics().value("sendpost_event_streams")


def until_end(socket: WebSocket, run_id: str) -> list[dict]:
    """All events up to the one that ends the run."""
    found = []
    for event in socket.events():
        found.append(event)
        if event["type"] == "run.state" and event["run"] == run_id and event["to"] in ("completed", "failed"):
            return found
    raise AssertionError(f"ended before: {found}")


def refusal(agent: Agent, path: str = PATH, **headers: str | None) -> Refused:
    with pytest.raises(Refused) as refused:
        WebSocket(agent, path, {name.replace("_", "-"): value for name, value in headers.items()})
    assert '"status":' in refused.value.text
    return refused.value


def test_the_events_of_a_run(agent):
    stream = EventStream(agent, "/v1/events?sendpost=daily").wait_connected()
    socket = WebSocket(agent, PATH)
    run_id = agent.trigger("daily")
    events = until_end(socket, run_id)
    stream.wait_state(run_id, "completed")
    assert events == [event.data for event in stream.events]
    again = WebSocket(agent, f"{PATH}?after={events[1]['id']}")
    assert until_end(again, run_id) == events[2:]


def test_an_id_that_the_journal_does_not_have(agent):
    socket = WebSocket(agent, f"{PATH}?after={10**9}")
    assert next(socket.events())["type"] == "reset"
    run_id = agent.trigger("daily")
    assert until_end(socket, run_id)


def test_refused_handshakes(agent):
    assert refusal(agent, "/v1/sendposts/unknown/run/ws").status == 404
    assert refusal(agent, f"{PATH}?after=x").status == 400
    assert refusal(agent, Upgrade=None).status == 426
    assert refusal(agent, Upgrade="h2c").status == 426
    assert refusal(agent, Connection="keep-alive").status == 426
    assert refusal(agent, Sec_WebSocket_Version="8").status == 426
    assert refusal(agent, Sec_WebSocket_Version=None).status == 426
    for key in (None, "", "short==", "x" * 24, "dGhlIHNhbXBsZSBub25jZQ=!"):
        assert refusal(agent, Sec_WebSocket_Key=key).status == 400
    assert refusal(agent, Origin="http://elsewhere.example").status == 403
    assert agent.send("GET", PATH).status == 426
    assert agent.send("HEAD", PATH).status == 426
    assert streams(agent) == 0


def test_origins(fake, start_on):
    agent = start_on(fake, settings={"http.cors_origins": "https://desk.example"})
    for origin in ("https://desk.example", "http://localhost"):
        WebSocket(agent, PATH, {"Origin": origin}).close()
    assert refusal(agent, Origin="https://other.example").status == 403
    assert refusal(agent, Origin="null").status == 403


def test_what_clients_say(agent):
    socket = WebSocket(agent, PATH)
    socket.send(TEXT, b"hello", final=False)
    socket.send(PING, b"are you there?")
    socket.send(0, b" and so on" * 1000)
    frame = socket.receive()
    assert frame and (frame.opcode, frame.payload) == (PONG, b"are you there?")
    run_id = agent.trigger("daily")
    assert until_end(socket, run_id)
    socket.send(CLOSE, NORMAL.to_bytes(2))
    frame = socket.receive()
    assert frame and frame.opcode == CLOSE and frame.code == NORMAL
    assert socket.receive() is None
    wait_for("it is gone", lambda: streams(agent) == 0)
    assert agent.metrics().sum("sendpost_http_requests_total", code="101") == 1


@pytest.mark.parametrize("opcode, payload, options", [
    (TEXT, b"hello", {"masked": False}), (3, b"x", {}), (PING, b"x" * 130, {}), (PING, b"x", {"final": False}), (CLOSE, b"x", {}), (CLOSE, b"\x03\xed", {}), (0, b"rest", {})],
    ids=["not masked", "unknown opcode", "long ping", "ping in parts", "half a code", "a code that is none", "the rest of nothing"])
def test_who_breaks_the_protocol(agent, opcode, payload, options):
    socket = WebSocket(agent, PATH)
    socket.send(opcode, payload, **options)
    frame = socket.receive()
    assert frame and (frame.opcode, frame.code) == (CLOSE, PROTOCOL_ERROR)
    assert socket.receive() is None
    wait_for("it is gone", lambda: streams(agent) == 0)


def test_who_speaks_too_early(agent):
    socket = WebSocket(agent, PATH, early=b"\x89\x80\0\0\0\0")
    with contextlib.suppress(ConnectionError):
        assert socket.receive() is None
    wait_for("it is gone", lambda: streams(agent) == 0)


def test_many_pings_that_are_never_read(agent):
    """Answers do not pile up: what is not read stops the reading."""
    socket = WebSocket(agent, PATH, receive_buffer=4096)
    socket.socket.settimeout(1)
    with pytest.raises(TimeoutError):
        for _ in itertools.count():
            socket.send(PING, b"x" * 125)
    wait_for("it was dropped", lambda: agent.metrics().value("sendpost_event_streams_dropped_total") == 1, timeout=60)


def test_who_does_not_read(agent):
    assert agent.stop() == 0
    write_history(agent.journal, 20_000)
    agent.start()
    slow, other = WebSocket(agent, f"{PATH}?after=0", receive_buffer=4096), WebSocket(agent, PATH)
    ping = other.receive()
    assert ping and ping.opcode == PING
    wait_for("it was dropped", lambda: agent.metrics().value("sendpost_event_streams_dropped_total") == 1, timeout=60)
    wait_for("it is gone", lambda: streams(agent) == 1)
    assert until_end(other, agent.trigger("daily"))
    slow.close()


def test_a_long_replay(agent):
    assert agent.stop() == 0
    newest = write_history(agent.journal, 20_000)
    agent.start()
    socket = WebSocket(agent, f"{PATH}?after=0")
    ids = [event["id"] for event in itertools.islice(socket.events(), 20_000)]
    assert ids == sorted(set(ids)) and ids[0] < 10 and newest - ids[-1] < 10


def test_a_client_that_is_gone(agent):
    sockets = [WebSocket(agent, PATH) for _ in range(20)]
    assert streams(agent) == 20
    for socket in sockets:
        socket.close()
    wait_for("all are gone", lambda: streams(agent) == 0)
    assert agent.metrics().value("sendpost_event_streams_dropped_total") == 0


def test_sigterm(fake, start_on_either):
    agent = start_on_either(fake, deployments={"mailing/main": Plan(seconds=60)})
    sockets = [WebSocket(agent, PATH) for _ in range(20)]
    began = time.monotonic()
    assert agent.stop() == 0
    assert time.monotonic() - began < 5
    for socket in sockets:
        frame = socket.receive()
        assert frame and frame.opcode == CLOSE and frame.code == GOING_AWAY
        assert socket.receive() is None


def test_nothing_is_missed_over_a_kill(fake, start_on):
    agent = start_on(fake, deployments={"mailing/main": Plan(seconds=1)})
    socket = WebSocket(agent, PATH)
    run_id = agent.trigger("daily")
    first = [next(socket.events()) for _ in range(2)]
    agent.kill()
    agent.start()
    rest = until_end(WebSocket(agent, f"{PATH}?after={first[-1]['id']}"), run_id)
    whole = until_end(WebSocket(agent, f"{PATH}?after={first[0]['id'] - 1}"), run_id)
    assert first + rest == whole
