# SPDX-License-Identifier: Apache-2.0
"""Deployments compared with what definitions want of them, on every Prefect: what `check --live` refuses, Prefect refuses too."""
import json

import pytest

from harness.command import DONE, FAILED, sendpost
from harness.waiting import wait_for

# As pydantic 1 (2.20) and pydantic 2 (3.x) write the schemas of flows.
SCHEMA = {
    "title": "Parameters", "type": "object", "required": ["date", "limit"],
    "definitions": {"Colour": {"title": "Colour", "enum": ["red", "blue"], "type": "string"},
                    "Address": {"title": "Address", "type": "object", "required": ["street"],
                                "properties": {"street": {"title": "Street", "type": "string"}, "number": {"title": "Number", "type": "integer"}}}},
    "properties": {
        "date": {"title": "date", "type": "string", "format": "date", "position": 0},
        "limit": {"title": "limit", "type": "integer", "position": 1},
        "share": {"title": "share", "type": "number", "default": 0.5, "position": 2},
        "audience": {"title": "audience", "enum": ["all", "test"], "default": "all", "type": "string", "position": 3},
        "note": {"title": "note", "anyOf": [{"type": "string"}, {"type": "null"}], "position": 4},
        "old": {"title": "old", "type": "string", "position": 5},
        "colour": {"title": "colour", "allOf": [{"$ref": "#/definitions/Colour"}], "default": "red", "position": 6},
        "address": {"$ref": "#/definitions/Address", "title": "address", "position": 7},
        "to": {"title": "to", "type": "array", "items": {"type": "string"}, "position": 8},
    },
}
GOOD = {"date": "2026-03-01", "limit": 3}
VALUES = [
    {}, {"limit": 3.0}, {"limit": 3.5}, {"limit": "3"}, {"limit": True}, {"limit": None}, {"date": 1}, {"date": None}, {"share": 1}, {"share": "1"},
    {"share": None}, {"audience": "test"}, {"audience": "nobody"}, {"audience": None}, {"note": None}, {"note": "x"}, {"note": 1}, {"old": None},
    {"old": []}, {"colour": "blue"}, {"colour": "green"}, {"address": {"street": "x"}}, {"address": {"street": "x", "number": None}},
    {"address": {"street": "x", "number": "1"}}, {"address": {}}, {"address": "x"}, {"to": []}, {"to": ["x"]}, {"to": ["x", 1]}, {"to": "x"},
]


@pytest.fixture
def check(world, tmp_path):
    """check(stage…): status and the findings' severities and messages."""
    def run(*stages: dict, text: str | None = None) -> tuple[int, list[tuple[str, str]]]:
        file = tmp_path / "daily.yaml"
        file.write_text(text or "name: daily\nparameters: {number: {type: integer, required: true}, word: x}\nstages:\n"
                        + "".join(f"  - {json.dumps(stage)}\n" for stage in stages))
        result = sendpost("check", file, "--live", "--format", "json", prefect=world.backend.url)
        assert result.stdout, result.stderr
        return result.returncode, [(one["severity"], one["message"]) for one in json.loads(result.stdout)["findings"]]
    return run


def errors(findings: list[tuple[str, str]]) -> list[str]:
    return [message for severity, message in findings if severity == "error"]


def test_what_is_refused_is_what_prefect_refuses(world, check):
    deployment = world.deploy("main", parameter_openapi_schema=SCHEMA, enforce_parameter_schema=True)
    stages = [world.stage("main", f"s{number}", parameters=GOOD | value) for number, value in enumerate(VALUES)]
    stages += [world.stage("main", "no-date", parameters={"limit": 3}), world.stage("main", "nothing")]
    for stage in stages:
        status, findings = check(stage)
        reply = world.driver.create(deployment["id"], parameters=stage.get("parameters", {}))
        assert reply.status in (201, 409), reply.text
        assert (status, bool(errors(findings))) == ((FAILED, True) if reply.status == 409 else (DONE, False)), (stage, findings, reply.text)


def test_defaults_of_the_deployment_count(world, check):
    world.deploy("main", parameter_openapi_schema=SCHEMA, enforce_parameter_schema=True, parameters={"date": "2026-03-01", "limit": 1})
    assert errors(check(world.stage("main"))[1]) == []


def test_templates(world, check):
    world.deploy("main", parameter_openapi_schema=SCHEMA, enforce_parameter_schema=True)
    good = {"date": "${run.date}", "limit": "${params.number}", "note": "${run.id}"}
    assert errors(check(world.stage("main", parameters=good))[1]) == []
    assert len(errors(check(world.stage("main", parameters=good | {"limit": "${params.word}"}))[1])) == 1


def test_names_must_be_exact(world, check):
    made = world.deploy("main")
    for reference, there in ((world.full("main"), True), (made["id"], True), (world.full("mai"), False), (world.full("Main"), False),
                             (f"other-{world.flow}/main", False), ("00000000-0000-0000-0000-000000000001", False)):
        status, findings = check({"name": "only", "observe": reference})
        assert bool(errors(findings)) != there, (reference, findings)
    assert "did you mean" in check({"name": "only", "observe": world.full("mai")})[1][0][1]


def test_same_names_in_other_flows(world, check):
    """Filtered by flows and by names, Prefect answers with all of their combinations that there are."""
    world.deploy("one", paused=True)
    flow, world.flow = world.flow, f"{world.flow}-second"
    world.deploy("one")
    world.deploy("two", paused=True)
    stages = [{"name": f"s{number}", "observe": name} for number, name in enumerate([f"{flow}/one", f"{world.flow}/two", f"{flow}/two"])]
    found = check(*stages)[1]
    assert errors(found) == [message for severity, message in found if f"'{flow}/two'" in message] and len(errors(found)) == 1
    assert len([message for _, message in found if "is paused" in message]) == 2


def test_paused(world, check):
    world.deploy("main", paused=True)
    status, findings = check(world.stage("main"))
    assert status == DONE and ("warning", f"the deployment {world.full('main')} is paused in Prefect") in findings


def test_nobody_serves(world, check):
    world.deploy("main")
    assert check(world.stage("main")) == (DONE, [("warning", f"nobody serves {world.full('main')}: last seen never")])


def test_work_pools(world, check):
    pool = f"pool-{world.flow}"
    world.driver.ok("POST", "/work_pools/", {"name": pool, "type": "process"})
    world.deploy("main", work_pool_name=pool)
    assert check(world.stage("main")) == (DONE, [("warning", f"the work pool '{pool}' of {world.full('main')} has no worker online")])
    assert world.driver.send("POST", f"/work_pools/{pool}/workers/heartbeat", {"name": "worker"}).status == 204
    assert check(world.stage("main")) == (DONE, [])


def test_a_paused_work_pool(world, check):
    pool = f"pool-{world.flow}"
    world.driver.ok("POST", "/work_pools/", {"name": pool, "type": "process"})
    assert world.driver.send("PATCH", f"/work_pools/{pool}", {"is_paused": True}).status == 204
    world.deploy("main", work_pool_name=pool)
    assert check(world.stage("main")) == (DONE, [("warning", f"the work pool '{pool}' of {world.full('main')} is paused in Prefect")])


def test_init_writes_what_prefect_takes(world, check, tmp_path):
    deployment = world.deploy("main", parameter_openapi_schema=SCHEMA, enforce_parameter_schema=True, parameters={"limit": 7, "to": ["${x}"]})
    made = sendpost("init", world.full("main"), "--name", "made", prefect=world.backend.url)
    assert (made.returncode, made.stderr) == (DONE, "")
    status, findings = check(text=made.stdout)
    assert (status, errors(findings)) == (DONE, []), made.stdout
    agent = world.start_agent(world.backend.url, {"made": made.stdout})
    agent.trigger("made", parameters={"date": "2026-03-01"})
    sent = world.flow_run(deployment)["parameters"]
    assert sent == {"date": "2026-03-01", "limit": 7, "share": 0.5, "audience": "all", "colour": "red", "to": ["${x}"]}


def test_the_agent_shows_it(world):
    world.deploy("main", parameter_openapi_schema=SCHEMA, enforce_parameter_schema=True)
    agent = world.start(world.stage("main", "wrong", parameters=GOOD | {"limit": "many"}), world.stage("nothing", "gone"))

    def problems() -> dict[str, str]:
        found = agent.metrics().find("sendpost_stage_reference_problem_info", sendpost="daily")
        return {dict(labels)["stage_name"]: dict(labels)["problem"] for labels in found}

    wait_for("both are found", lambda: problems() == {"wrong": "parameters", "gone": "missing"})
