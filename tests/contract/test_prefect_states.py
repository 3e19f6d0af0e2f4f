# SPDX-License-Identifier: Apache-2.0
"""What a flow run answers when it is told its next state: what cancelling, waiting and settling rest on."""
import uuid

import pytest

from harness.fake.transitions import ACCEPT, TYPES, rules

TO = {"SCHEDULED": (), "PENDING": ("PENDING",), "RUNNING": ("RUNNING",), "PAUSED": ("RUNNING", "PAUSED"), "CANCELLED": ("CANCELLED",),
      "CANCELLING": ("RUNNING", "CANCELLING")} | {end: ("RUNNING", end) for end in ("COMPLETED", "FAILED", "CRASHED")}
FUTURE = "2099-01-01T00:00:00Z"


@pytest.fixture
def deployment(backend):
    return backend.driver.deployment_create(f"flow-{uuid.uuid4().hex[:8]}", "main")


@pytest.fixture
def run_in(backend, deployment):
    def make(*kinds, **fields):
        run = backend.driver.create(deployment["id"], **fields).json()
        backend.driver.drive(run["id"], *kinds)
        return run["id"]
    return make


@pytest.mark.parametrize("source", TYPES)
def test_every_transition(backend, run_in, source):
    table = rules(backend.version)
    for target in TYPES:
        run = run_in(*TO[source])
        answer = backend.driver.set_state(run, target)
        expected = table.get((source, target), ACCEPT)
        written = expected.instead or (target if expected.status == "ACCEPT" else None)
        assert (answer["status"], answer["details"].get("reason")) == (expected.status, expected.reason), target
        assert answer["status_code"] == (201 if written else 200), target
        assert answer["state"]["type"] == (written or source) == backend.driver.flow_run(run)["state_type"], target


def test_cancelling_what_runs_waits_for_its_worker(backend, run_in):
    run = run_in("RUNNING")
    assert backend.driver.set_state(run, "CANCELLING")["status"] == "ACCEPT"
    again = backend.driver.set_state(run, "CANCELLING")
    assert (again["status"], again["state"]["type"]) == ("REJECT", "CANCELLING")
    assert backend.driver.set_state(run, "CANCELLED")["status"] == "ACCEPT"


def test_too_early(backend, run_in):
    run = run_in(state={"type": "SCHEDULED", "state_details": {"scheduled_time": FUTURE}})
    answer = backend.driver.set_state(run, "RUNNING")
    assert (answer["status"], answer["state"]["type"], answer["status_code"]) == ("WAIT", "SCHEDULED", 200)
    assert answer["details"]["delay_seconds"] > 0


def test_prefects_own_retry_never_shows_as_failed(backend, run_in):
    run = run_in("RUNNING", empirical_policy={"retries": 1, "retry_delay": 0})
    answer = backend.driver.set_state(run, "FAILED", message="first")
    assert (answer["status"], answer["state"]["type"], answer["state"]["name"]) == ("REJECT", "SCHEDULED", "AwaitingRetry")
    assert backend.driver.flow_run(run)["state_type"] == "SCHEDULED"
    backend.driver.drive(run, "RUNNING")
    assert backend.driver.set_state(run, "FAILED", message="second")["status"] == "ACCEPT"


def test_a_transition_id_makes_it_once(backend, run_in):
    run, transition = run_in(), str(uuid.uuid4())
    assert backend.driver.set_state(run, "RUNNING", transition_id=transition)["status"] == "ACCEPT"
    again = backend.driver.set_state(run, "RUNNING", transition_id=transition)
    assert (again["status"], again["status_code"]) == ("REJECT", 200)
    assert backend.driver.flow_run(run)["run_count"] == 1


def test_times_and_counts(backend, run_in):
    ran = backend.driver.flow_run(run_in("PENDING", "RUNNING", "COMPLETED"))
    assert ran["start_time"] and ran["end_time"] and ran["run_count"] == 1 and ran["total_run_time"] > 0
    never = backend.driver.flow_run(run_in("FAILED"))
    assert (never["end_time"] is None) == backend.old
    assert (never["start_time"] is None) == backend.old


def test_a_rerun_leaves_the_end(backend, run_in):
    run = run_in("RUNNING", "CRASHED")
    backend.driver.drive(run, "SCHEDULED", "RUNNING")
    again = backend.driver.flow_run(run)
    assert (again["state_type"], again["end_time"], again["run_count"]) == ("RUNNING", None, 2)


def test_history(backend, run_in):
    run = run_in("PENDING", "RUNNING", "COMPLETED")
    history = backend.driver.ok("GET", f"/flow_run_states/?flow_run_id={run}")
    assert [state["type"] for state in history] == ["SCHEDULED", "PENDING", "RUNNING", "COMPLETED"]


def test_resume(backend, run_in):
    paused = run_in("RUNNING", "PAUSED")
    reply = backend.driver.send("POST", f"/flow_runs/{paused}/resume", {})
    assert (reply.status, reply.json()["status"], reply.json()["state"]["type"]) == (201, "ACCEPT", "RUNNING")
    reply = backend.driver.send("POST", f"/flow_runs/{run_in('RUNNING')}/resume", {})
    assert (reply.status, reply.json()["status"], reply.json()["state"]) == (200, "ABORT", None)
    assert backend.driver.send("POST", f"/flow_runs/{uuid.uuid4()}/resume", {}).status == 500


def test_nobody(backend):
    assert backend.driver.send("POST", f"/flow_runs/{uuid.uuid4()}/set_state", {"state": {"type": "CANCELLING"}}).status == 404


@pytest.mark.parametrize("body", [{"type": "RUNNING"}, {"state": {"type": "NONSENSE"}}, {"state": {"type": "RUNNING", "nonsense": 1}}])
def test_nonsense(backend, run_in, body):
    assert backend.driver.send("POST", f"/flow_runs/{run_in()}/set_state", body).status == 422
