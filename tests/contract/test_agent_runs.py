# SPDX-License-Identifier: Apache-2.0
"""A run from its trigger to its end, on every Prefect."""
import pytest

from harness.agent import stage
from harness.waiting import holds_for

COMPLETED, FAILED = 8, 9
DONE = ("PENDING", "RUNNING", "COMPLETED")


def test_a_run_completes(world):
    deployment = world.deploy("main", parameters={"kept": "yes"})
    agent = world.start(world.stage("main", parameters={"date": "${params.date}", "limit": "${params.limit}", "run": "run ${run.id}"}, tags=["t"]),
                        parameters={"date": "${run.date}", "limit": {"type": "integer", "default": 5}})
    run_id = agent.trigger("daily", parameters={"limit": 7}, **{"for": "2026-03-01T12:00:00Z"})
    created = world.flow_run(deployment)
    assert created["parameters"] == {"kept": "yes", "date": "2026-03-01", "limit": 7, "run": f"run {run_id}"}
    assert created["name"] == "daily/only #1"
    assert {"sendpost:daily", f"sendpost-run:{run_id}", "t"} <= set(created["tags"])
    assert created["idempotency_key"]
    world.driver.drive(created["id"], "PENDING", "RUNNING")
    running = agent.wait_stage(run_id, "only", "running")
    assert running["flow_run"]["id"] == created["id"] and running["flow_run"]["adopted"] is False
    assert running["prefect_state"]["type"] == "RUNNING"
    assert agent.run(run_id)["state"] == "running"
    world.driver.drive(created["id"], "COMPLETED")
    run = agent.wait_ended(run_id)
    assert (run["state"], run["reason"], run["failure"], run["trigger"]) == ("completed", None, None, "api")
    assert run["duration_seconds"] >= 0 and run["ended_at"].endswith("Z")
    only = stage(run, "only")
    assert (only["state"], only["attempt"], len(only["attempts"])) == ("completed", 1, 1)
    assert only["deployment"] == {"id": deployment["id"], "name": world.full("main")}
    assert created["id"] in only["flow_run"]["url"]
    metrics = agent.metrics()
    assert metrics.value("sendpost_state_code", sendpost="daily") == COMPLETED
    assert metrics.value("sendpost_runs_total", sendpost="daily", trigger="api") == 1
    assert metrics.sum("sendpost_flow_runs_created_total") == 1
    assert metrics.value("sendpost_stage_state_code", sendpost="daily", stage_name="only") == COMPLETED
    assert metrics.value("sendpost_prefect_up") == 1
    assert metrics.find("sendpost_prefect_info", version=world.backend.version)
    world.only(deployment)


def test_stages_follow_one_another(world):
    first, second = world.deploy("first"), world.deploy("second")
    agent = world.start(world.stage("first", "one"),
                        world.stage("second", "two", parameters={"before": "${stages.one.flow_run_id}"}))
    run_id = agent.trigger("daily")
    before = world.flow_run(first)
    assert stage(agent.run(run_id), "two")["state"] == "waiting"
    assert world.driver.runs_of(second["id"]) == []
    world.driver.drive(before["id"], *DONE)
    assert world.flow_run(second)["parameters"] == {"before": before["id"]}
    world.finish(second, *DONE)
    assert agent.wait_ended(run_id)["state"] == "completed"


def test_branches_run_side_by_side(world):
    email, prepare, send, report = (world.deploy(name) for name in ("email", "prepare", "send", "report"))
    push = {"name": "push", "stages": [world.stage("prepare", "prepare"), world.stage("send", "send")]}
    agent = world.start({"name": "deliver", "parallel": [world.stage("email", "email"), push]}, world.stage("report", "report"))
    run_id = agent.trigger("daily")
    world.finish(prepare, *DONE)
    world.flow_run(email)
    world.finish(send, *DONE)
    assert world.driver.runs_of(report["id"]) == []
    world.finish(email, *DONE)
    world.finish(report, *DONE)
    run = agent.wait_ended(run_id)
    assert run["state"] == "completed"
    assert stage(run, "deliver/push/send")["state"] == "completed" and stage(run, "deliver")["kind"] == "parallel"


def test_deployment_by_uuid(world):
    deployment = world.deploy("main")
    agent = world.start({"name": "only", "run": deployment["id"]})
    run_id = agent.trigger("daily")
    world.finish(deployment, *DONE)
    assert agent.wait_ended(run_id)["state"] == "completed"


def test_what_comes_after_a_failure(world):
    bad, next_one, alarm, clean_up = (world.deploy(name) for name in ("bad", "next", "alarm", "clean-up"))
    agent = world.start(world.stage("bad", "bad"), world.stage("next", "next"), world.stage("alarm", "alarm", needs=["bad"], when="failure"),
                        world.stage("clean-up", "clean-up", when="always"))
    run_id = agent.trigger("daily")
    world.finish(bad, "RUNNING", "FAILED", message="it broke")
    world.finish(alarm, *DONE)
    world.finish(clean_up, *DONE)
    run = agent.wait_ended(run_id)
    assert (run["state"], run["reason"], run["failure"]["stage"]) == ("failed", "failed", "bad")
    assert {path: stage(run, path)["state"] for path in ("bad", "next", "alarm", "clean-up")} == {
        "bad": "failed", "next": "skipped", "alarm": "completed", "clean-up": "completed"}
    assert world.driver.runs_of(next_one["id"]) == []


def test_an_allowed_failure(world):
    bad, good = world.deploy("bad"), world.deploy("good")
    agent = world.start(world.stage("bad", "bad", allow_failure=True), world.stage("good", "good"))
    run_id = agent.trigger("daily")
    world.finish(bad, "RUNNING", "FAILED")
    world.finish(good, *DONE)
    run = agent.wait_ended(run_id)
    assert (run["state"], stage(run, "bad")["state"]) == ("completed", "failed")


def test_a_second_attempt(world):
    deployment = world.deploy("main")
    agent = world.start(world.stage("main", retries=1, retry_delay="100ms"))
    run_id = agent.trigger("daily")
    first = world.finish(deployment, "RUNNING", "FAILED")
    second = world.finish(deployment, *DONE, number=2)
    run = agent.wait_ended(run_id)
    only = stage(run, "only")
    assert (run["state"], only["attempt"]) == ("completed", 2)
    assert [(one["number"], one["state"], one["flow_run"]["id"]) for one in only["attempts"]] == [
        (1, "failed", first["id"]), (2, "completed", second["id"])]
    assert (second["name"], second["idempotency_key"] != first["idempotency_key"]) == ("daily/only #2", True)
    assert agent.metrics().value("sendpost_stage_retries_total", sendpost="daily", stage_name="only") == 1


def test_prefects_own_retry_is_no_failure(world):
    deployment = world.deploy("main")
    agent = world.start(world.stage("main"))
    run_id = agent.trigger("daily")
    flow_run = world.finish(deployment, "RUNNING")
    agent.wait_stage(run_id, "only", "running")
    world.driver.set_state(flow_run["id"], "SCHEDULED", "AwaitingRetry")
    agent.wait_stage(run_id, "only", "scheduled")
    world.driver.drive(flow_run["id"], "RUNNING", "COMPLETED")
    assert agent.wait_ended(run_id)["state"] == "completed"
    world.only(deployment)


def test_a_crash_is_believed_only_after_settling(world):
    deployment = world.deploy("main")
    agent = world.start(world.stage("main"), settings={"prefect.settle": "3s"})
    run_id = agent.trigger("daily")
    flow_run = world.finish(deployment, "RUNNING", "CRASHED", message="gone")
    holds_for("not yet crashed", lambda: agent.run(run_id)["state"] == "running", 1)
    world.driver.drive(flow_run["id"], "SCHEDULED", "RUNNING", "COMPLETED")
    assert agent.wait_ended(run_id)["state"] == "completed"


def test_a_crash_that_stays(world):
    deployment = world.deploy("main")
    agent = world.start(world.stage("main"))
    run_id = agent.trigger("daily")
    world.finish(deployment, "RUNNING", "CRASHED", message="gone")
    run = agent.wait_ended(run_id)
    assert (run["state"], run["reason"], stage(run, "only")["state"]) == ("crashed", "crashed", "crashed")
    assert run["failure"]["message"] == "gone"


def test_timeout_of_a_stage(world):
    deployment = world.deploy("main")
    agent = world.start(world.stage("main", timeout="1s"))
    run_id = agent.trigger("daily")
    flow_run = world.finish(deployment, "RUNNING")
    agent.wait_stage(run_id, "only", "cancelling")
    assert world.driver.flow_run(flow_run["id"])["state_type"] == "CANCELLING"
    world.driver.drive(flow_run["id"], "CANCELLED")
    run = agent.wait_ended(run_id)
    assert (run["state"], run["reason"], stage(run, "only")["reason"]) == ("failed", "timed_out", "timed_out")


@pytest.mark.parametrize("concurrency", ["forbid", "queue", "replace"])
def test_a_second_trigger(world, concurrency):
    deployment = world.deploy("main")
    agent = world.start(world.stage("main"), concurrency=concurrency)
    first = agent.trigger("daily")
    flow_run = world.flow_run(deployment)
    reply = agent.send("POST", "/v1/sendposts/daily/run", {})
    if concurrency == "forbid":
        assert (reply.status, reply.json()["active_run"]) == (409, first)
        return
    assert reply.status == 202
    second = reply.json()["id"]
    if concurrency == "queue":
        assert agent.run(second)["state"] == "scheduled"
        world.driver.drive(flow_run["id"], *DONE)
    assert agent.wait_ended(first)["state"] == ("completed" if concurrency == "queue" else "cancelled")
    world.finish(deployment, *DONE, number=2)
    assert agent.wait_ended(second)["state"] == "completed"


def test_deployments_through_the_agent(world):
    deployment = world.deploy("main", parameters={"a": 1}, tags=["t"])
    agent = world.start(world.stage("main"))
    found = agent.get(f"/v1/prefect/deployments?search={world.flow}")
    listed = found["deployments"] if isinstance(found, dict) else found
    assert [(one["id"], one["name"], one["paused"], one["tags"]) for one in listed] == [(deployment["id"], world.full("main"), False, ["t"])]
    for name in (world.full("main"), deployment["id"]):
        assert agent.get(f"/v1/prefect/deployments/{name}")["parameters"] == {"a": 1}
