# SPDX-License-Identifier: Apache-2.0
"""kill -9 at every point between receiving a trigger and the end of a run, with restart: each accepted run ends, and each
attempt has exactly one flow run in Prefect."""
import contextlib
import http.client
import random
import threading
import time
import uuid

import pytest

from harness.fake import faults
from harness.fake.worker import Plan
from harness.survival import check_one_flow_run_an_attempt, kill_by_request
from harness.waiting import wait_for

BROKEN = Plan(end="FAILED", message="broken", tasks=[("explode", "FAILED", "boom")], logs=[(40, "why")])
STAGES = (
    {"name": "extract", "run": "etl/extract"},
    {"name": "deliver", "parallel": [{"name": "email", "run": "mailing/email"},
                                     {"name": "push", "run": "mailing/push", "retries": 1, "retry_delay": "100ms", "allow_failure": True}]},
    {"name": "report", "run": "mailing/report"},
)
DEPLOYMENTS = {"etl/extract": Plan(), "mailing/email": Plan(), "mailing/push": BROKEN, "mailing/report": Plan()}
POINTS = [(path, skip) for path, skips in (("/deployments/name/", (0, 2)), ("/create_flow_run$", (0, 1, 2, 3, 4)), ("/flow_runs/filter$", (0, 3, 8)),
                                            ("/task_runs/filter$", (0,)), ("/logs/filter$", (0,))) for skip in skips]


@pytest.mark.parametrize("moment", ["before", "after", "instead"])
@pytest.mark.parametrize("path, skip", POINTS)
def test_killed_by_a_request(fake, start_on, path, skip, moment):
    """When Prefect receives the n-th request of a kind: before it is processed, after, or instead."""
    unknown = fake.faults.add(faults.status(503), path="/deployments/name/", count=None)  # names are asked for at the start
    agent = start_on(fake, *STAGES, deployments=DEPLOYMENTS)
    struck = kill_by_request(agent, fake, moment, path, skip)
    fake.faults.remove(unknown)
    run_id = str(uuid.uuid4())
    with contextlib.suppress(OSError, http.client.HTTPException):  # the kill may come before the answer
        agent.trigger("daily", idempotency_key=run_id)
    wait_for("the kill", struck.is_set)
    agent.start()
    accepted = accepted_by(agent, run_id)
    assert agent.wait_ended(accepted)["state"] == "completed"
    check_one_flow_run_an_attempt(agent, fake, [accepted])
    assert len(fake.store.flow_runs) == 5


@pytest.mark.parametrize("moment", ["before", "after", "instead"])
def test_killed_while_cancelling(fake, start_on, moment):
    agent = start_on(fake, deployments={"mailing/main": Plan(seconds=60)})
    run_id = agent.trigger("daily")
    agent.wait_stage(run_id, "only", "running")
    struck = kill_by_request(agent, fake, moment, "/set_state$")
    with contextlib.suppress(OSError, http.client.HTTPException):  # the kill may come before the answer
        assert agent.cancel(run_id).status == 202
    wait_for("the kill", struck.is_set)
    agent.start()
    assert agent.wait_ended(run_id)["state"] == "cancelled"
    check_one_flow_run_an_attempt(agent, fake, [run_id])


def accepted_by(agent, key):
    """The run that this key has, asked for until somebody answers: an agent that was killed may have accepted it or not."""
    def send() -> str:
        try:
            reply = agent.send("POST", "/v1/sendposts/daily/run", {"idempotency_key": key})
        except (OSError, http.client.HTTPException):
            return ""
        return reply.json()["id"] if reply.status in (200, 202) else ""
    return wait_for(f"trigger {key} is accepted", send)


@pytest.mark.parametrize("seed", range(3))
def test_killed_at_random_moments(fake, start_on, seed):
    """Twelve kills at moments from a seeded list, while triggers keep coming."""
    delays = [random.Random(seed).uniform(0, 0.6) for _ in range(12)]
    agent = start_on(fake, *STAGES, deployments=DEPLOYMENTS, concurrency="queue")
    runs: dict[str, str] = {}

    def client() -> None:
        for number in range(8):
            runs[str(number)] = accepted_by(agent, f"trigger-{number}")

    thread = threading.Thread(target=client)
    thread.start()
    for delay in delays:
        time.sleep(delay)
        agent.restart()
    thread.join()
    for run_id in runs.values():
        assert agent.wait_ended(run_id, timeout=60)["state"] == "completed"
    assert len(set(runs.values())) == 8
    assert {runs[key]: accepted_by(agent, f"trigger-{key}") for key in runs} == {run: run for run in runs.values()}
    check_one_flow_run_an_attempt(agent, fake, list(runs.values()))
    assert agent.metrics().value("sendpost_runs_total", sendpost="daily", trigger="api") == 8
