# SPDX-License-Identifier: Apache-2.0
"""How runs end badly, and what is said about it, on every Prefect."""
import pytest

from harness.agent import stage
from harness.waiting import holds_for, wait_for

SCHEMA = {"type": "object", "properties": {"limit": {"type": "integer"}}}


def test_a_failure_explains_itself(world):
    deployment = world.deploy("main")
    agent = world.start(world.stage("main"))
    run_id = agent.trigger("daily")
    flow_run = world.finish(deployment, "PENDING", "RUNNING")
    task = world.driver.task_run_create(flow_run["id"], "load_prices", "FAILED", "Task run encountered an exception ValueError: no currency")
    world.driver.log(flow_run["id"], 20, "a detail that nobody asked for", "2026-01-01T00:00:01Z")
    world.driver.log(flow_run["id"], 40, "ask the shop team", "2026-01-01T00:00:02Z", task["id"])
    world.driver.log(flow_run["id"], 40, "Encountered exception during execution:\nTraceback (most recent call last):\n" + "x" * 3000,
                     "2026-01-01T00:00:03Z")
    world.driver.drive(flow_run["id"], "FAILED", message="Flow run encountered an exception: ValueError: no currency")
    run = agent.wait_ended(run_id)
    failure = run["failure"]
    assert (run["state"], failure["stage"], failure["reason"]) == ("failed", "only", "failed")
    assert failure["message"] == "Flow run encountered an exception: ValueError: no currency"
    assert failure["task"] == {"name": "load_prices", "message": "Task run encountered an exception ValueError: no currency"}
    assert failure["logs"][0]["message"] == "ask the shop team"
    assert "a detail that nobody asked for" not in str(failure["logs"]) and len(failure["logs"]) <= 5
    assert flow_run["id"] in failure["flow_run_url"]
    metrics = agent.metrics()
    assert metrics.value("sendpost_last_failure_info", sendpost="daily", stage_name="only", task="load_prices", reason="failed") == 1
    assert metrics.value("sendpost_last_failure_run_info", sendpost="daily", run_id=run_id, flow_run_id=flow_run["id"]) == 1
    assert metrics.value("sendpost_run_failures_total", sendpost="daily", reason="failed") == 1
    assert metrics.value("sendpost_stage_failures_total", sendpost="daily", stage_name="only") == 1


def test_task_runs_that_come_late_are_waited_for(world):
    deployment = world.deploy("main")
    agent = world.start(world.stage("main"))
    run_id = agent.trigger("daily")
    flow_run = world.finish(deployment, "RUNNING", "FAILED", message="broken")
    wait_for("the failure is seen", lambda: stage(agent.run(run_id), "only")["prefect_state"]["type"] == "FAILED")
    holds_for("unpublished while the report may grow", lambda: agent.metrics().sum("sendpost_last_failure_info") == 0, 1)
    world.driver.task_run_create(flow_run["id"], "explode", "FAILED", "late")
    run = agent.wait_ended(run_id)
    assert run["failure"]["task"] == {"name": "explode", "message": "late"}


def test_cancelled_through_sendpost(world):
    deployment = world.deploy("main")
    agent = world.start(world.stage("main"))
    run_id = agent.trigger("daily")
    flow_run = world.finish(deployment, "PENDING", "RUNNING")
    agent.wait_stage(run_id, "only", "running")
    assert agent.cancel(run_id).status == 202
    wait_for("Prefect is told", lambda: world.driver.flow_run(flow_run["id"])["state_type"] == "CANCELLING")
    assert agent.run(run_id)["state"] == "cancelling"
    world.driver.drive(flow_run["id"], "CANCELLED")
    run = agent.wait_ended(run_id)
    assert (run["state"], run["reason"], stage(run, "only")["state"]) == ("cancelled", "cancelled", "cancelled")
    assert agent.cancel(run_id).status == 409
    assert agent.metrics().value("sendpost_run_cancellations_total", sendpost="daily") == 1


def test_cancelled_before_anything_took_it(world):
    deployment = world.deploy("main")
    agent = world.start(world.stage("main"))
    run_id = agent.trigger("daily")
    flow_run = world.flow_run(deployment)
    agent.cancel(run_id)
    assert agent.wait_ended(run_id)["state"] == "cancelled"
    assert world.driver.flow_run(flow_run["id"])["state_type"] == "CANCELLED"


def test_cancelling_that_nobody_ends_is_ended_after_its_grace(world):
    deployment = world.deploy("main")
    agent = world.start(world.stage("main"), settings={"prefect.cancel_grace": "1s"})
    run_id = agent.trigger("daily")
    flow_run = world.finish(deployment, "RUNNING")
    agent.wait_stage(run_id, "only", "running")
    agent.cancel(run_id)
    assert agent.wait_ended(run_id)["state"] == "cancelled"
    assert world.driver.flow_run(flow_run["id"])["state_type"] == "CANCELLED"


def test_cancelling_what_prefect_has_paused(world):
    deployment = world.deploy("main")
    agent = world.start(world.stage("main"), settings={"prefect.cancel_grace": "1s"})
    run_id = agent.trigger("daily")
    flow_run = world.finish(deployment, "RUNNING", "PAUSED")
    agent.wait_stage(run_id, "only", "paused")
    agent.cancel(run_id)
    assert agent.wait_ended(run_id)["state"] == "cancelled"
    assert world.driver.flow_run(flow_run["id"])["state_type"] == "CANCELLED"


def test_cancelled_by_somebody_in_prefect(world):
    deployment = world.deploy("main")
    agent = world.start(world.stage("main", retries=3, retry_delay="100ms"))
    run_id = agent.trigger("daily")
    world.finish(deployment, "RUNNING", "CANCELLED")
    run = agent.wait_ended(run_id)
    assert (run["state"], run["reason"], stage(run, "only")["state"]) == ("failed", "cancelled", "cancelled")
    world.only(deployment)


def test_rejected_no_such_deployment(world):
    world.deploy("main")
    agent = world.start(world.stage("nothing"))
    run = agent.wait_ended(agent.trigger("daily"))
    assert (run["state"], run["reason"], run["failure"]["stage"], run["failure"]["reason"]) == ("failed", "rejected", "only", "rejected")


def test_rejected_parameters(world):
    deployment = world.deploy("main", parameter_openapi_schema=SCHEMA, enforce_parameter_schema=True)
    agent = world.start(world.stage("main", parameters={"limit": "many"}))
    run = agent.wait_ended(agent.trigger("daily"))
    assert (run["state"], run["reason"]) == ("failed", "rejected")
    assert "for field 'limit'" in run["failure"]["message"]
    assert world.driver.runs_of(deployment["id"]) == []


def test_a_deployment_made_again_is_found_by_its_name(world):
    old = world.deploy("main")
    agent = world.start(world.stage("main"))
    first = agent.trigger("daily")
    world.finish(old, "RUNNING", "COMPLETED")
    agent.wait_ended(first)
    world.driver.deployment_delete(old["id"])
    new = world.deploy("main")
    second = agent.trigger("daily")
    world.finish(new, "RUNNING", "COMPLETED")
    assert agent.wait_ended(second)["state"] == "completed"


@pytest.mark.parametrize("kinds", [(), ("RUNNING",)], ids=["scheduled", "running"])
def test_a_deleted_flow_run_is_lost(world, kinds):
    deployment = world.deploy("main")
    agent = world.start(world.stage("main", retries=2, retry_delay="100ms"))
    run_id = agent.trigger("daily")
    flow_run = world.finish(deployment, *kinds)
    agent.wait_run(run_id, "knows its flow run", lambda run: stage(run, "only")["flow_run"])
    world.driver.flow_run_delete(flow_run["id"])
    run = agent.wait_ended(run_id)
    assert (run["state"], run["reason"], run["failure"]["reason"]) == ("failed", "lost", "lost")
    assert world.driver.runs_of(deployment["id"]) == []


def test_killed_and_started_again_it_goes_on(world):
    deployment, after = world.deploy("main"), world.deploy("after")
    agent = world.start(world.stage("main", "main"), world.stage("after", "after"))
    run_id = agent.trigger("daily")
    flow_run = world.finish(deployment, "RUNNING")
    agent.restart()
    assert agent.wait_stage(run_id, "main", "running")["flow_run"]["id"] == flow_run["id"]
    agent.kill()
    world.driver.drive(flow_run["id"], "COMPLETED")
    agent.start()
    world.finish(after, "RUNNING", "COMPLETED")
    run = agent.wait_ended(run_id)
    assert run["state"] == "completed"
    world.only(deployment)
    world.only(after)
    assert agent.metrics().value("sendpost_runs_total", sendpost="daily", trigger="api") == 1


def test_retried_after_somebody_completed_it_in_prefect(world):
    deployment, after = world.deploy("main"), world.deploy("after")
    agent = world.start(world.stage("main", "main"), world.stage("after", "after"))
    old = agent.trigger("daily")
    flow_run = world.finish(deployment, "RUNNING", "FAILED", message="broken")
    world.driver.task_run_create(flow_run["id"], "explode", "FAILED", "late")
    agent.wait_ended(old)
    world.driver.drive(flow_run["id"], "COMPLETED")
    new = agent.send("POST", f"/v1/runs/{old}/retry", {}).json()["id"]
    world.finish(after, "RUNNING", "COMPLETED")
    run = agent.wait_ended(new)
    assert (run["state"], stage(run, "main")["flow_run"]["id"]) == ("completed", flow_run["id"])
    world.only(deployment)
    world.only(after)


def test_what_prefect_paused_is_resumed(world):
    deployment = world.deploy("main")
    agent = world.start(world.stage("main"))
    run_id = agent.trigger("daily")
    flow_run = world.finish(deployment, "PENDING", "RUNNING", "PAUSED")
    agent.wait_stage(run_id, "only", "paused")
    assert agent.send("POST", f"/v1/runs/{run_id}/resume", {}).status == 202
    agent.wait_stage(run_id, "only", "running")
    world.driver.drive(flow_run["id"], "COMPLETED")
    assert agent.wait_ended(run_id)["state"] == "completed"
