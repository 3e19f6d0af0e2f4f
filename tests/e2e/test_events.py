# SPDX-License-Identifier: Apache-2.0
"""Server-sent events: in order, none left out and none twice, over restarts, for many at once and for who does not read."""
import time

import pytest

from harness.agent import Agent
from harness.event_stream import EventStream
from harness.fake.worker import Plan
from harness.history import write_history
from harness.waiting import wait_for

MANY = 100_000
MEMBERS = ["id", "type", "at", "sendpost", "run", "stage", "from", "to", "reason"]
BROKEN = Plan(end="FAILED", message="broken")


@pytest.fixture
def agent(fake, start_on_either) -> Agent:
    return start_on_either(fake)


@pytest.fixture
def aged(agent) -> tuple[Agent, int]:
    """An agent with a long history, and its newest event."""
    assert agent.stop() == 0
    newest = write_history(agent.journal, MANY)
    return agent.start(), newest


def test_a_run(agent):
    stream = EventStream(agent).wait_connected()
    run_id = agent.trigger("daily")
    stream.wait_state(run_id, "completed")
    told = [event for event in stream.events if event.data["run"] == run_id]
    assert all(list(event.data) == MEMBERS and event.data["id"] == event.id and event.data["type"] == event.type for event in stream.events)
    assert [(event.data["from"], event.data["to"]) for event in told if event.type == "run.state"] == [("scheduled", "running"), ("running", "completed")]
    assert (told[0].type, told[0].data["from"], told[0].data["to"]) == ("run.created", None, "scheduled")
    stages = [(event.data["stage"], event.data["to"]) for event in told if event.type == "stage.state"]
    assert stages[0][0] == "only" and stages[-1] == ("only", "completed")
    assert stream.ids == sorted(set(stream.ids))
    assert {event.data["sendpost"] for event in told} == {"daily"}


def test_the_reason_of_a_failure(fake, start_on):
    agent = start_on(fake, deployments={"mailing/main": BROKEN})
    stream = EventStream(agent).wait_connected()
    run_id = agent.trigger("daily")
    assert stream.wait_state(run_id, "failed").data["reason"] == "failed"


def test_filters(fake, start_on):
    agent = start_on(fake)
    agent.define("other", "name: other\nstages:\n- {name: only, run: mailing/main}\n")
    wait_for("the other sendpost", lambda: agent.send("GET", "/v1/sendposts/other").status == 200, timeout=30)
    daily, other = (EventStream(agent, f"/v1/events?sendpost={name}").wait_connected() for name in ("daily", "other"))
    first, second = agent.trigger("daily"), agent.trigger("other")
    of_run = EventStream(agent, f"/v1/runs/{second}/events?after=0")
    for stream, run_id in ((daily, first), (other, second), (of_run, second)):
        stream.wait_state(run_id, "completed")
        assert {event.data["run"] for event in stream.events} == {run_id}
    assert of_run.events == other.events


def test_a_file_that_breaks_goes_and_comes_back_as_it_was(agent):
    text = (agent.definitions / "daily.yaml").read_text()
    stream = EventStream(agent, "/v1/events?sendpost=daily").wait_connected()

    def then(expected: list[str]) -> None:
        wait_for(expected[-1], lambda: [event.type.removeprefix("definition.") for event in stream.events] == expected, timeout=30)

    agent.define("daily", "name: daily\nstages: 1\n")
    then(["broken"])
    agent.define("daily", text)
    then(["broken", "loaded"])
    (agent.definitions / "daily.yaml").unlink()
    then(["broken", "loaded", "retired"])
    agent.define("daily", text)
    then(["broken", "loaded", "retired", "loaded"])


def test_nothing_is_missed_over_a_kill(fake, start_on):
    agent = start_on(fake, deployments={"mailing/main": Plan(seconds=1)})
    stream = EventStream(agent).wait_connected()
    run_id = agent.trigger("daily")
    stream.wait_state(run_id, "running")
    agent.kill()
    wait_for("the stream has ended", lambda: stream.ended)
    agent.start()
    again = EventStream(agent, last_id=stream.ids[-1])
    again.wait_state(run_id, "completed")
    whole = EventStream(agent, f"/v1/events?after={stream.ids[0] - 1}")
    whole.wait_state(run_id, "completed")
    told = stream.ids + again.ids
    assert "reset" not in {event.type for event in again.events}
    assert told == whole.ids[:len(told)] and told == list(range(told[0], told[-1] + 1))


def test_ids_that_the_journal_does_not_have(agent):
    newest = EventStream(agent, "/v1/events?after=0").wait("the first event", lambda event: True).id
    for stream in (EventStream(agent, last_id=10**9), EventStream(agent, last_id="unknown"), EventStream(agent, f"/v1/events?after={10**9}")):
        assert stream.wait("an event", lambda event: True).type == "reset"
        run_id = agent.trigger("daily")
        stream.wait_state(run_id, "completed")
        assert stream.ids[0] >= newest and stream.ids[1:] == sorted(set(stream.ids[1:]))


def test_a_long_replay(aged):
    """100,000 events, while others are served."""
    agent, newest = aged
    stream = EventStream(agent, "/v1/events?after=0")
    while not stream.ids or stream.ids[-1] < newest:
        assert agent.send("GET", "/-/healthy").status == 200
        assert not stream.ended
    assert stream.ids[:newest] == list(range(1, newest + 1))
    run_id = agent.trigger("daily")
    stream.wait_state(run_id, "completed")
    assert stream.ids == list(range(1, stream.ids[-1] + 1))


def test_who_does_not_read(aged):
    agent, newest = aged
    with agent.connect(receive_buffer=4096) as slow:
        slow.sendall(b"GET /v1/events?after=0 HTTP/1.1\r\nHost: localhost\r\n\r\n")
        reading = EventStream(agent, f"/v1/events?after={newest - 10}")
        wait_for("both streams", lambda: agent.metrics().value("sendpost_event_streams") == 2)
        wait_for("it was dropped", lambda: agent.metrics().value("sendpost_event_streams_dropped_total") == 1, timeout=60)
        wait_for("it is gone", lambda: agent.metrics().value("sendpost_event_streams") == 1)
        reading.wait_state(agent.trigger("daily"), "completed")
        assert reading.comments >= 2  # the first, and a heartbeat meanwhile


def test_many_at_once(agent):
    wait_for("Prefect was reached, which is an event, too", lambda: agent.metrics().value("sendpost_prefect_up") == 1)
    streams = [EventStream(agent) for _ in range(200)]
    for stream in streams:
        stream.wait_connected()
    run_id = agent.trigger("daily")
    for stream in streams:
        stream.wait_state(run_id, "completed")
    for stream in streams:
        assert stream.events == streams[0].events
    for stream in streams:
        stream.close()
    wait_for("all are gone", lambda: agent.metrics().value("sendpost_event_streams") == 0)
    assert agent.metrics().value("sendpost_event_streams_dropped_total") == 0


def test_sigterm(fake, start_on_either):
    agent = start_on_either(fake, deployments={"mailing/main": Plan(seconds=60)})
    streams = [EventStream(agent).wait_connected() for _ in range(20)]
    run_id = agent.trigger("daily")
    streams[0].wait_state(run_id, "running")
    began = time.monotonic()
    assert agent.stop() == 0
    assert time.monotonic() - began < 5
    for stream in streams:
        wait_for("the stream has ended", lambda: stream.ended)
        assert not stream.broken


def test_refusals(agent):
    for path, status in (("/v1/events?after=yesterday", 400), ("/v1/events?since=1", 400), ("/v1/runs/00000000-0000-7000-8000-000000000000/events", 404)):
        reply = agent.send("GET", path)
        assert (reply.status, reply.headers["content-type"]) == (status, "application/problem+json")
    assert agent.send("HEAD", "/v1/events").status == 200
    assert agent.send("POST", "/v1/events").status == 405
