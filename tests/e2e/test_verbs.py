# SPDX-License-Identifier: Apache-2.0
"""Operators: retry above all, and a flow run that Prefect paused."""
import contextlib
import http.client
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness.agent import stage, stages
from harness.fake import faults
from harness.fake.worker import Plan
from harness.survival import kill_by_request
from harness.waiting import wait_for

BROKEN = Plan(end="FAILED", message="broken", tasks=[("explode", "FAILED", "boom")], logs=[(40, "why")])
STAGES = (
    {"name": "extract", "run": "etl/extract"},
    {"name": "render", "run": "etl/render", "parameters": {"of": "${stages.extract.flow_run_id}"}},
    {"name": "deliver", "run": "mailing/deliver"},
)
DEPLOYMENTS = {"etl/extract": Plan(), "etl/render": BROKEN, "mailing/deliver": Plan()}


@pytest.fixture
def failed(fake, start_on):
    """An agent, and a run that failed at its second stage."""
    agent = start_on(fake, *STAGES, deployments=DEPLOYMENTS, parameters={"limit": {"type": "integer", "default": 1}})
    run = agent.wait_ended(agent.trigger("daily", parameters={"limit": 5}))
    assert run["state"] == "failed"
    return agent, run


def retry(agent, run_id, **body):
    return agent.send("POST", f"/v1/runs/{run_id}/retry", body)


def mend(fake):
    fake.worker.plan(fake.store.deployment_named("etl", "render")["id"], Plan())


def flow_runs(fake, deployment):
    wanted = fake.store.deployment_named(*deployment.split("/"))["id"]
    return [run for run in fake.store.flow_runs.values() if run["deployment_id"] == wanted]


def test_it_goes_on_where_it_failed(fake, failed):
    agent, old = failed
    mend(fake)
    reply = retry(agent, old["id"])
    new = reply.json()
    assert reply.status == 202 and reply.headers["location"] == f"/v1/runs/{new['id']}"
    assert (new["trigger"], new["retry_of"], new["for"], new["parameters"]) == ("retry", old["id"], old["for"], {"limit": 5})
    assert new["definition_sha256"] == old["definition_sha256"]
    ended = agent.wait_ended(new["id"])
    assert ended["state"] == "completed"
    extract = stage(ended, "extract")
    assert (extract["state"], extract["flow_run"]) == ("completed", stage(old, "extract")["flow_run"])
    assert stage(ended, "render")["parameters"] == {"of": extract["flow_run"]["id"]}
    assert [len(flow_runs(fake, name)) for name in DEPLOYMENTS] == [1, 2, 1]
    after = agent.run(old["id"])
    assert after["retried_by"] == new["id"]
    assert {key: after[key] for key in after if key != "retried_by"} == {key: old[key] for key in old if key != "retried_by"}
    assert agent.metrics().value("sendpost_runs_total", sendpost="daily", trigger="retry") == 1


def test_what_was_completed_by_hand_is_taken_over(fake, failed):
    agent, old = failed
    fake.driver.set_state(stage(old, "render")["flow_run"]["id"], "COMPLETED")
    ended = agent.wait_ended(retry(agent, old["id"]).json()["id"])
    assert ended["state"] == "completed"
    assert stage(ended, "render")["flow_run"]["id"] == stage(old, "render")["flow_run"]["id"]
    assert [len(flow_runs(fake, name)) for name in DEPLOYMENTS] == [1, 1, 1]


def test_from_a_stage(fake, failed):
    agent, old = failed
    mend(fake)
    unknown = retry(agent, old["id"], **{"from": "nowhere"})
    assert unknown.status == 422 and unknown.json()["errors"][0]["pointer"] == "/from"
    ended = agent.wait_ended(retry(agent, old["id"], **{"from": "extract"}).json()["id"])
    assert ended["state"] == "completed"
    assert [len(flow_runs(fake, name)) for name in DEPLOYMENTS] == [2, 2, 1]


def test_once_only_and_by_one_of_two(fake, failed):
    agent, old = failed
    mend(fake)
    with ThreadPoolExecutor(8) as people:
        replies = list(people.map(lambda _: retry(agent, old["id"]), range(8)))
    accepted = [reply.json()["id"] for reply in replies if reply.status == 202]
    refused = [reply.json() for reply in replies if reply.status == 409]
    assert len(accepted) == 1 and len(refused) == 7
    assert {problem["retried_by"] for problem in refused} == set(accepted)
    assert agent.wait_ended(accepted[0])["state"] == "completed"
    again = agent.wait_ended(retry(agent, accepted[0]).json()["id"])
    assert again["state"] == "completed" and len(flow_runs(fake, "mailing/deliver")) == 1


def test_refusals(fake, failed):
    agent, old = failed
    assert retry(agent, "00000000-0000-4000-8000-000000000000").status == 404
    active = agent.trigger("daily", paused=True)
    early = retry(agent, active)
    assert early.status == 409 and early.json()["state"] == "paused"
    busy = retry(agent, old["id"])
    assert busy.status == 409 and busy.json()["active_run"] == active
    agent.cancel(active)
    agent.wait_ended(active)
    keyed = [retry(agent, old["id"], idempotency_key="k") for _ in range(2)]
    assert [reply.status for reply in keyed] == [202, 200]
    assert keyed[0].json()["id"] == keyed[1].json()["id"]
    assert retry(agent, old["id"], idempotency_key="k", **{"from": "extract"}).status == 422


@pytest.mark.parametrize("moment", ["before", "after", "instead"])
@pytest.mark.parametrize("path, skip", [("/flow_runs/filter$", 0), ("/create_flow_run$", 0), ("/create_flow_run$", 1)])
def test_killed_while_it_retries(fake, failed, path, skip, moment):
    agent, old = failed
    mend(fake)
    struck = kill_by_request(agent, fake, moment, path, skip)
    with contextlib.suppress(OSError, http.client.HTTPException):  # the kill may come before the answer
        retry(agent, old["id"], idempotency_key="k")
    wait_for("the kill", struck.is_set)
    agent.start()
    new = retry(agent, old["id"], idempotency_key="k")
    assert new.status == 200
    ended = agent.wait_ended(new.json()["id"])
    assert ended["state"] == "completed" and agent.run(old["id"])["retried_by"] == ended["id"]
    assert [len(flow_runs(fake, name)) for name in DEPLOYMENTS] == [1, 2, 1]
    assert all(len(one["attempts"]) == 1 for one in stages(ended))
    assert len(agent.get("/v1/runs")["runs"]) == 2


def test_from_the_terminal(fake, failed):
    agent, old = failed
    mend(fake)
    done = agent.command_line("retry", "daily", "--current", "--follow")
    assert done.returncode == 0, done.stderr
    new = agent.run(agent.run(old["id"])["retried_by"])
    assert new["state"] == "completed" and f"run {new['id']} of daily" in done.stdout
    again = agent.command_line("retry", old["id"])
    assert again.returncode == 4 and new["id"] in again.stderr
    assert agent.command_line("retry", new["id"], "--from", "nowhere").returncode == 4
    assert agent.command_line("retry", new["id"], "--from", "deliver").stdout.endswith(f"follow it: sendpost follow {agent.run(new['id'])['retried_by']}\n")


@pytest.fixture
def paused(fake, start_on):
    """An agent, a run, and its flow run, which Prefect has paused."""
    agent = start_on(fake, deployments={"mailing/main": None})
    run_id = agent.trigger("daily")
    flow_run = agent.wait_run(run_id, "has a flow run", lambda run: stage(run, "only")["flow_run"])["stages"][0]["flow_run"]["id"]
    fake.driver.drive(flow_run, "PENDING", "RUNNING", "PAUSED")
    agent.wait_stage(run_id, "only", "paused")
    return agent, run_id, flow_run


def test_resume_what_prefect_paused(fake, paused):
    agent, run_id, flow_run = paused
    fake.faults.add(faults.status(503), path="/resume$", count=2)
    assert agent.send("POST", f"/v1/runs/{run_id}/resume", {}).status == 202
    agent.wait_stage(run_id, "only", "running")
    late = agent.send("POST", f"/v1/runs/{run_id}/resume", {"stage": "only"})
    assert late.status == 409 and "nor is its flow run paused" in late.json()["detail"]
    fake.driver.drive(flow_run, "COMPLETED")
    assert agent.wait_ended(run_id)["state"] == "completed"


def test_prefect_says_why_it_does_not_resume(fake, paused):
    agent, run_id, _ = paused
    fake.faults.add(faults.status(200, {}), path="/resume$")  # says nothing: asked again
    refusal = {"state": None, "status": "REJECT", "details": {"reason": "it wants an input"}}
    fake.faults.add(faults.status(200, refusal), path="/resume$")
    assert agent.send("POST", f"/v1/runs/{run_id}/resume", {}).status == 202
    message = "Prefect did not resume it: it wants an input"
    agent.wait_run(run_id, "says why", lambda run: stage(run, "only")["message"] == message)
    assert stage(agent.run(run_id), "only")["state"] == "paused"


def test_a_second_cancel_reaches_what_runs_always(fake, start_on):
    """The first time spares it, also when it hangs; with a kill -9 in between."""
    agent = start_on(fake, {"name": "send", "run": "mailing/main"}, {"name": "tidy", "run": "mailing/tidy", "when": "always"},
                     deployments={"mailing/main": Plan(seconds=3600), "mailing/tidy": Plan(seconds=3600)})
    run = agent.trigger("daily")
    agent.wait_stage(run, "send", "running")
    assert agent.cancel(run).status == 202
    agent.wait_stage(run, "tidy", "running")
    agent.restart()
    assert agent.wait_stage(run, "tidy", "running") and agent.run(run)["state"] == "cancelling"
    assert agent.cancel(run).status == 202
    agent.restart()
    ended = agent.wait_ended(run)
    assert (ended["state"], ended["reason"]) == ("cancelled", "cancelled")
    assert {one["path"]: one["state"] for one in ended["stages"]} == {"send": "cancelled", "tidy": "cancelled"}
    assert [one["state"]["type"] for one in flow_runs(fake, "mailing/tidy")] == ["CANCELLED"]
