# SPDX-License-Identifier: Apache-2.0
"""The system fails: a disk that loses writes, memory that runs out, a clock that is set."""
import contextlib
import http.client
import sys
import time

import pytest

from harness.agent import Agent, stage
from harness.clock import Clock
from harness.fake import FakePrefect
from harness.fake.worker import Plan
from harness.paths import release_binary
from harness.survival import check_one_flow_run_an_attempt
from harness.waiting import holds_for, wait_for

TWO_STAGES = ({"name": "one", "run": "mailing/main"}, {"name": "two", "run": "mailing/main"})
ENOUGH = sys.maxsize


def test_nothing_is_promised_before_it_is_on_the_disk(fake, start_on):
    """A power cut takes what was not synced: then neither 202 nor a creation has been sent."""
    agent = start_on(fake, *TWO_STAGES, ready=False)
    faults = agent.load_faults("disk")
    agent.start()
    for _ in range(5):
        agent.wait_ended(agent.trigger("daily"))
    assert faults["promises"] >= 15 and faults["syncs"] >= 10
    assert faults["early_promises"] == 0


def test_a_failed_sync_ends_the_agent(fake, start_on):
    agent = start_on(fake, *TWO_STAGES, ready=False, deployments={"mailing/main": Plan(seconds=1)})
    faults = agent.load_faults("disk")
    agent.start()
    run_id = agent.trigger("daily")
    agent.wait_stage(run_id, "one", "running")
    faults["fail_syncs"] = 1
    wait_for("it ends by itself", lambda: not agent.alive)
    assert agent.wait_end() == 1
    assert "fsync failed" in agent.log()
    faults["fail_syncs"] = 0
    agent.start()
    assert agent.wait_ended(run_id)["state"] == "completed"
    check_one_flow_run_an_attempt(agent, fake, [run_id])


@pytest.mark.parametrize("hours", [1, -1])
def test_a_clock_that_is_set_fires_no_deadline(fake, start_on, tmp_path, hours):
    clock = Clock(tmp_path / "clock")
    agent = start_on(fake, {"name": "only", "run": "mailing/main", "timeout": "30m"}, deployments={"mailing/main": None},
                     environment=clock.environment)
    run_id = agent.trigger("daily")
    agent.wait_run(run_id, "knows its flow run", lambda run: stage(run, "only")["flow_run"])
    clock.jump(hours=hours)
    holds_for("nothing happens", lambda: agent.run(run_id)["state"] in ("scheduled", "running"), 2)
    with fake.store.lock:
        flow_run = next(iter(fake.store.flow_runs.values()))
        fake.store.set_state(flow_run["id"], {"type": "RUNNING"})
        fake.store.set_state(flow_run["id"], {"type": "COMPLETED"})
    run = agent.wait_ended(run_id)
    assert run["state"] == "completed" and run["duration_seconds"] >= 0
    check_one_flow_run_an_attempt(agent, fake, [run_id])


class Scarce:
    """An agent without sanitizers whose memory runs out, and the one run that it is asked for."""

    def __init__(self, fake: FakePrefect, start_on) -> None:
        self.fake = fake
        self.agent: Agent = start_on(fake, *TWO_STAGES, ready=False, binary=release_binary())
        self.faults = self.agent.load_faults("memory")

    def ask(self) -> str:
        """The run's id, or nothing when the agent ended before it answered."""
        until = time.monotonic() + 20
        while self.agent.alive and time.monotonic() < until:
            with contextlib.suppress(OSError, http.client.HTTPException):
                reply = self.agent.send("POST", "/v1/sendposts/daily/run", {"idempotency_key": "only"})
                if reply.status in (200, 202):
                    return reply.json()["id"]
            time.sleep(0.01)
        assert not self.agent.alive, "it neither accepts nor ends"
        return ""

    def ended(self, run_id: str) -> bool:
        with contextlib.suppress(OSError, http.client.HTTPException):
            reply = self.agent.send("GET", f"/v1/runs/{run_id}")
            return reply.status == 200 and reply.json()["state"] == "completed"
        return False

    def attempt(self) -> None:
        """Up to the run's end, or to the agent's."""
        self.agent.launch()
        run_id = self.ask()
        wait_for("the run or the agent ends", lambda: not self.agent.alive or self.ended(run_id), timeout=30)


def test_memory_that_runs_out(fake, start_on):
    """Whichever allocation fails, alone or with all later ones: a clear end or none at all, and nothing is lost or done twice."""
    measure = Scarce(fake, start_on)
    measure.attempt()
    used = measure.faults["allocations"]
    measure.agent.stop()
    assert used > 1000
    for number in range(30):
        with FakePrefect() as own:
            scarce = Scarce(own, start_on)
            scarce.faults["fail_allocation"] = 1 + number * used // 30
            scarce.faults["fail_ever_after"] = number % 2
            scarce.attempt()
            if not scarce.agent.alive:
                assert scarce.agent.wait_end() != 0
                assert "memory" in scarce.agent.log().lower(), scarce.agent.log()
            else:
                scarce.agent.kill()
            scarce.faults["fail_allocation"] = ENOUGH
            scarce.agent.start()
            run_id = scarce.ask()
            assert scarce.agent.wait_ended(run_id)["state"] == "completed"
            check_one_flow_run_an_attempt(scarce.agent, own, [run_id])
            scarce.agent.stop()
