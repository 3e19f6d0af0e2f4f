# SPDX-License-Identifier: Apache-2.0
"""SIGTERM in the middle of everything, SIGHUP, and a clock that stands still while the process sleeps."""
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness.fake import faults
from harness.fake.worker import Plan
from harness.survival import check_one_flow_run_an_attempt
from harness.waiting import wait_for


def test_idle(fake, start_on):
    agent = start_on(fake)
    began = time.monotonic()
    assert agent.stop() == 0
    assert time.monotonic() - began < 2


@pytest.mark.parametrize("path", ["/deployments/name/", "/create_flow_run$", "/flow_runs/filter$"])
def test_while_a_request_is_under_way(fake, start_on, path):
    """It is finished within 10 s, or left to the next start; nothing is done twice."""
    unknown = fake.faults.add(faults.status(503), path="/deployments/name/", count=None)  # names are asked for at the start
    agent = start_on(fake, deployments={"mailing/main": Plan(seconds=0.5)}, settings={"prefect.timeout": "5s"})
    rule = fake.faults.add(faults.delay_after(1), path=path)
    fake.faults.remove(unknown)
    run_id = agent.trigger("daily")
    wait_for("the request is under way", lambda: rule.struck == 1)
    assert agent.stop() == 0
    agent.start()
    assert agent.wait_ended(run_id)["state"] == "completed"
    check_one_flow_run_an_attempt(agent, fake, [run_id])


def test_while_prefect_hangs(fake, start_on):
    agent = start_on(fake, settings={"prefect.timeout": "60s"})
    rule = fake.faults.add(faults.hang, path="/create_flow_run$")
    run_id = agent.trigger("daily")
    wait_for("the request is under way", lambda: rule.struck == 1)
    began = time.monotonic()
    assert agent.stop(timeout=14) == 0
    assert time.monotonic() - began < 13
    agent.start()
    assert agent.wait_ended(run_id)["state"] == "completed"
    check_one_flow_run_an_attempt(agent, fake, [run_id])


def test_while_people_wait_for_an_answer_of_prefect(fake, start_on):
    """Their question has not left, as all places are taken: it is answered at once, and does not hold up the end."""
    agent = start_on(fake, settings={"prefect.timeout": "60s", "prefect.max_concurrent_requests": "1"})
    rule = fake.faults.add(faults.hang, path="/create_flow_run$")
    agent.trigger("daily")
    wait_for("the only place is taken", lambda: rule.struck == 1)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(agent.send, "GET", "/v1/prefect/deployments")
        wait_for("it has come in", lambda: agent.metrics().sum("sendpost_http_requests_in_flight") >= 2)
        began = time.monotonic()
        os.kill(agent.pid(), signal.SIGTERM)
        assert waiting.result().status == 502
        assert time.monotonic() - began < 5
    assert agent.wait_end() == 0


def test_interrupt_is_the_same(fake, start_on):
    agent = start_on(fake)
    os.kill(agent.pid(), signal.SIGINT)
    assert agent.process.wait(15) == 0


def test_hangup_reloads(fake, start_on):
    agent = start_on(fake)
    before = agent.metrics().value("sendpost_definitions_last_reload_success_timestamp_seconds")
    time.sleep(0.01)
    os.kill(agent.pid(), signal.SIGHUP)
    wait_for("reloaded", lambda: agent.metrics().value("sendpost_definitions_last_reload_success_timestamp_seconds") > before)
    assert agent.alive


def test_stopped_for_a_while(fake, start_on):
    agent = start_on(fake, deployments={"mailing/main": Plan(seconds=0.5)})
    run_id = agent.trigger("daily")
    agent.wait_stage(run_id, "only", "running")
    os.kill(agent.pid(), signal.SIGSTOP)
    wait_for("Prefect goes on", lambda: [run["state_type"] for run in fake.store.flow_runs.values()] == ["COMPLETED"])
    os.kill(agent.pid(), signal.SIGCONT)
    assert agent.wait_ended(run_id)["state"] == "completed"
