# SPDX-License-Identifier: Apache-2.0
"""Observing flow runs that somebody else started, on every Prefect: their filters differ, the answers must not."""
from harness.agent import stage
from harness.waiting import holds_for

FUTURE = "2099-01-01T00:00:00Z"


def create(world, deployment, *kinds, **fields):
    run = world.driver.create(deployment["id"], **fields).json()
    world.driver.drive(run["id"], *kinds)
    return run["id"]


def observe(world, **fields):
    return {"name": "seen", "observe": world.full("main"), "within": "1h"} | fields


def test_what_has_completed_counts(world):
    deployment = world.deploy("main")
    flow_run = create(world, deployment, "RUNNING", "COMPLETED")
    agent = world.start(observe(world))
    run = agent.wait_ended(agent.trigger("daily"))
    seen = stage(run, "seen")
    assert (run["state"], seen["state"], seen["kind"], seen["flow_run"]["id"]) == ("completed", "completed", "observe", flow_run)
    world.only(deployment)


def test_nothing_there(world):
    world.deploy("main")
    agent = world.start(observe(world))
    run = agent.wait_ended(agent.trigger("daily"))
    assert (run["state"], run["reason"], run["failure"]["stage"]) == ("failed", "not_observed", "seen")


def test_nothing_there_yet(world):
    deployment = world.deploy("main")
    agent = world.start(observe(world, wait="1m"))
    run_id = agent.trigger("daily")
    agent.wait_state(run_id, "running")  # once Prefect has answered which deployment that is
    holds_for("waits", lambda: agent.run(run_id)["state"] == "running", 1)
    create(world, deployment, "RUNNING", "COMPLETED")
    assert agent.wait_ended(run_id)["state"] == "completed"


def test_an_active_one_is_followed(world):
    deployment = world.deploy("main")
    create(world, deployment, "RUNNING", "FAILED")
    flow_run = create(world, deployment, "RUNNING")
    agent = world.start(observe(world))
    run_id = agent.trigger("daily")
    assert agent.wait_stage(run_id, "seen", "running")["flow_run"]["id"] == flow_run
    world.driver.drive(flow_run, "COMPLETED")
    assert agent.wait_ended(run_id)["state"] == "completed"


def test_the_newest_decides(world):
    deployment = world.deploy("main")
    create(world, deployment, "RUNNING", "COMPLETED")
    create(world, deployment, "RUNNING", "FAILED", )
    agent = world.start(observe(world))
    run = agent.wait_ended(agent.trigger("daily"))
    assert (run["state"], run["reason"]) == ("failed", "not_observed")
    assert "FAILED" in run["failure"]["message"] or "failed" in run["failure"]["message"]


def test_a_rerun_may_come(world):
    deployment = world.deploy("main")
    create(world, deployment, "RUNNING", "FAILED")
    agent = world.start(observe(world, wait="1m"))
    run_id = agent.trigger("daily")
    agent.wait_state(run_id, "running")
    holds_for("waits for a better one", lambda: agent.run(run_id)["state"] == "running", 1)
    create(world, deployment, "RUNNING", "COMPLETED")
    assert agent.wait_ended(run_id)["state"] == "completed"


def test_what_is_planned_does_not_count(world):
    deployment = world.deploy("main")
    create(world, deployment, "RUNNING", "COMPLETED")
    create(world, deployment, state={"type": "SCHEDULED", "state_details": {"scheduled_time": FUTURE}})
    agent = world.start(observe(world))
    assert agent.wait_ended(agent.trigger("daily"))["state"] == "completed"


def test_only_what_matches(world):
    deployment = world.deploy("main")
    wanted = create(world, deployment, "RUNNING", "COMPLETED", parameters={"date": "2026-03-01", "n": 1}, tags=["prod", "x"])
    create(world, deployment, "RUNNING", "FAILED", parameters={"date": "2026-03-02", "n": 1}, tags=["prod"])
    create(world, deployment, "RUNNING", "FAILED", parameters={"date": "2026-03-01", "n": 1}, tags=["test"])
    agent = world.start(observe(world, match={"parameters": {"date": "${params.date}", "n": 1}, "tags": ["prod"]}),
                        parameters={"date": {"type": "string"}})
    run = agent.wait_ended(agent.trigger("daily", parameters={"date": "2026-03-01"}))
    assert (run["state"], stage(run, "seen")["flow_run"]["id"]) == ("completed", wanted)
