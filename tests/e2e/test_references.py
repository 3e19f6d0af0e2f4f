# SPDX-License-Identifier: Apache-2.0
"""The deployments that stages name, compared with Prefect by the running agent: the metrics and the log say what is wrong."""
from harness.fake import faults
from harness.fake.worker import Plan
from harness.waiting import holds_for, wait_for

SCHEMA = {"type": "object", "properties": {"limit": {"type": "integer"}}}
STAGES = ({"name": "good", "run": "mailing/main", "parameters": {"limit": 1}}, {"name": "wrong", "run": "mailing/main", "parameters": {"limits": 1}},
          {"name": "gone", "observe": "mailing/nothing"})


def problems(agent) -> dict[str, str]:
    found = agent.metrics().find("sendpost_stage_reference_problem_info", sendpost="daily")
    assert all(value == 1 for value in found.values())
    return {dict(labels)["stage_name"]: dict(labels)["problem"] for labels in found}


def not_ok(agent) -> set[str]:
    found = agent.metrics().find("sendpost_stage_reference_ok", sendpost="daily")
    return {dict(labels)["stage_name"] for labels, value in found.items() if value == 0}


def start(fake, start_on, *stages):
    fake.deploy("mailing/main", Plan(), parameter_openapi_schema=SCHEMA, enforce_parameter_schema=True)
    return start_on(fake, *stages, deployments={"mailing/other": Plan()})


def test_what_is_wrong_is_shown_soon(fake, start_on):
    agent = start(fake, start_on, *STAGES)
    wait_for("both are found", lambda: problems(agent) == {"wrong": "parameters", "gone": "missing"})
    assert not_ok(agent) == {"wrong", "gone"}
    assert "limits" in agent.log() and "not fine" in agent.log()
    assert agent.metrics().sum("sendpost_prefect_request_failures_total", endpoint="/deployments/filter") == 0


def test_a_changed_definition_is_looked_at_again(fake, start_on):
    agent = start(fake, start_on, *STAGES)
    wait_for("they are found", lambda: len(problems(agent)) == 2)
    agent.define("daily", "name: daily\nstages:\n  - {name: wrong, run: mailing/main, parameters: {limit: 1}}\n  - {name: gone, run: mailing/nothing}\n")
    wait_for("one is fine again", lambda: problems(agent) == {"gone": "missing"}, timeout=30)
    assert not_ok(agent) == {"gone"}


def test_prefect_away_changes_nothing(fake, start_on):
    fake.faults.add(faults.status(500), path="/flows/filter", count=None)
    agent = start(fake, start_on, *STAGES)
    wait_for("it has asked", lambda: fake.requests("/flows/filter"))
    holds_for("everything is as before the first check", lambda: not problems(agent) and not not_ok(agent), 1)


def test_few_requests(fake, start_on):
    agent = start(fake, start_on, *[{"name": f"s{number}", "run": f"mailing/d{number}"} for number in range(90)])
    wait_for("all are found", lambda: len(problems(agent)) == 90)
    assert len(fake.requests("/(flows|deployments|work_pools)/filter")) == 2  # no pool is named
