# SPDX-License-Identifier: Apache-2.0
"""GET /v1/openapi.json: a valid document, whose schemas are exactly what the agent answers and whose examples hold."""
import gzip
import json
import subprocess
import urllib.request

import pytest

from harness.agent import Agent
from harness.clock import Clock
from harness.definitions import sendpost, stage
from harness.event_stream import EventStream
from harness.fake import FakePrefect
from harness.fake.worker import Plan
from harness.openapi import Document
from harness.paths import openapi_tool
from harness.waiting import wait_for

RUN, VERBS = "/v1/sendposts/{name}/run", "/v1/runs/{id}/"
PLANS = {"mailing/main": Plan(seconds=0.05), "mailing/slow": Plan(seconds=3600),
         "mailing/bad": Plan(end="FAILED", message="no route", tasks=[("send", "FAILED", "no route to host")], logs=[(40, "no route to host")])}
DEFINITIONS = {
    "daily": sendpost("daily", stage("mailing/main"), description="of the day", owner="growth", labels={"team": "growth"}, timeout="2h", deadline="1h", freshness="1d",
                      parameters={"limit": {"type": "integer", "default": 1, "enum": [1, 2]}, "any": None}, schedule=[{"cron": "0 * * * *", "catch_up": "latest"}]),
    "failing": sendpost("failing", stage("mailing/main", "first"), {"name": "group", "parallel": [stage("mailing/bad", "second"), stage("mailing/main", "third")]}),
    "slow": sendpost("slow", stage("mailing/slow"), concurrency="forbid"),
    "off": sendpost("off", stage("mailing/main"), enabled=False),
    "broken": "name: broken\nstags: []\n",
}


@pytest.fixture(scope="module")
def agent(tmp_path_factory):
    with FakePrefect() as fake:
        for name, plan in PLANS.items():
            fake.deploy(name, plan)
        directory = tmp_path_factory.mktemp("agent")
        clock = Clock(directory / "clock")
        agent = Agent(directory, fake.url, environment=clock.environment)
        for name, text in DEFINITIONS.items():
            agent.define(name, text)
        agent.start()
        clock.jump(hours=1)
        wait_for("a tick", lambda: agent.get("/v1/sendposts/daily")["ticks"])
        yield agent
        agent.stop()
        agent.check_log()


@pytest.fixture(scope="module")
def document(agent):
    return Document(agent.get("/v1/openapi.json"))


@pytest.fixture(scope="module")
def failed(agent):
    return agent.wait_ended(agent.trigger("failing"))["id"]


def test_is_valid(agent, tmp_path):
    file = tmp_path / "openapi.json"
    file.write_text(agent.send("GET", "/v1/openapi.json").text)
    done = subprocess.run([openapi_tool("openapi-spec-validator"), "--schema", "3.1.0", "--errors", "all", file], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def examples(document):
    """Each with its schema."""
    for method, path, operation in document.operations():
        for parameter in operation["parameters"]:
            yield f"{method} {path} {parameter['name']}", parameter["schema"], parameter["example"] if parameter.get("required") else parameter["schema"]["examples"][0]
        answers = [document.resolved(answer) for answer in operation["responses"].values()]
        for content in [answer.get("content", {}) for answer in answers] + [operation.get("requestBody", {}).get("content", {})]:
            for media_type, media in content.items():
                yield f"{method} {path} {media_type}", media["schema"], media["example"]
        body = operation.get("requestBody", {"content": {"application/json": {"schema": {}}}})["content"]["application/json"]["schema"]
        for name, member in body.get("properties", {}).items():
            yield f"{method} {path} {name}", member, member["examples"][0]
    for name, header in document.content["components"]["headers"].items():
        yield name, header["schema"], header["example"]


def test_examples_hold(document):
    found = list(examples(document))
    assert len(found) > 100
    for where, schema, example in found:
        try:
            document.check(schema, example)
        except Exception as wrong:
            raise AssertionError(f"{where}: {wrong}") from None


def test_every_component_is_used(document):
    text = json.dumps(document.content)
    for kind, components in document.content["components"].items():
        for name in components:
            used = f'"{name}": [' if kind == "securitySchemes" else f'"#/components/{kind}/{name}"'
            assert used in text or name == "Event", f"{kind}/{name}"


@pytest.mark.parametrize("path", ["/v1/status", "/v1/sendposts", "/v1/runs", "/v1/prefect/deployments", "/metrics", "/-/healthy", "/-/ready", "/"])
def test_reads(document, agent, failed, path):
    reply = agent.send("GET", path)
    assert reply.status == 200
    document.check_answer("GET", path, reply)


@pytest.mark.parametrize("name", [name for name in DEFINITIONS if name != "broken"])
def test_sendposts(document, agent, failed, name):
    for path in ("/v1/sendposts/{name}", "/v1/sendposts/{name}/definition"):
        reply = agent.send("GET", path.format(name=name))
        assert reply.status == 200
        document.check_answer("GET", path, reply)


def test_runs(document, agent, failed):
    runs = agent.get("/v1/runs?limit=200")["runs"]
    assert {run["trigger"] for run in runs} == {"api", "schedule"}
    for run in runs:
        document.check_answer("GET", "/v1/runs/{id}", agent.send("GET", f"/v1/runs/{run['id']}"))


def test_deployments(document, agent):
    one = agent.get("/v1/prefect/deployments")["deployments"][0]
    by_id, by_name = "/v1/prefect/deployments/{uuid}", "/v1/prefect/deployments/{flow}/{deployment}"
    document.check_answer("GET", by_id, agent.send("GET", by_id.format(uuid=one["id"])))
    document.check_answer("GET", by_name, agent.send("GET", f"/v1/prefect/deployments/{one['name']}"))
    document.check_answer("GET", by_id, agent.send("GET", by_id.format(uuid="none")))


def test_commands(document, agent, failed):
    """Each with each status that what there is brings about."""
    def command(path, status, body=None, **names):
        reply = agent.send("POST", path.format(**names), body)
        assert reply.status == status, reply.text
        document.check_answer("POST", path, reply)
        return reply.json()

    slow = command(RUN, 202, {}, name="slow")["id"]
    assert command(RUN, 409, {}, name="slow")["active_run"] == slow
    assert command(RUN, 409, {}, name="off")["enabled"] is False
    assert command(RUN, 422, {"parameters": {"limit": 7, "lmit": 1}}, name="daily")["errors"]
    command(RUN, 400, {"reson": "x"}, name="daily")
    command(RUN, 404, {}, name="none")
    command(RUN, 413, "x" * 300_000, name="daily")
    assert command(VERBS + "block", 422, {"stage": "none"}, id=slow)["errors"][0]["pointer"] == "/stage"
    for verb in ("pause", "step", "resume", "cancel"):
        command(VERBS + verb, 202, {}, id=slow)
    assert command(VERBS + "pause", 409, {}, id=failed)["state"] == "failed"
    retried = command(VERBS + "retry", 202, {}, id=failed)["id"]
    assert command(VERBS + "retry", 409, {}, id=failed)["retried_by"] == retried
    held = command(RUN, 202, {"paused": True, "idempotency_key": "x"}, name="daily")["id"]
    command(RUN, 200, {"paused": True, "idempotency_key": "x"}, name="daily")
    assert command(RUN, 422, {"paused": False, "idempotency_key": "x"}, name="daily")["run"] == held
    assert command("/-/reload", 422, {})["file_errors"]
    command(VERBS + "cancel", 202, {}, id=held)


def test_events(document, agent, failed):
    schema = {"$ref": "#/components/schemas/Event"}
    for path, count in ((f"/v1/runs/{failed}/events?after=0", 5), ("/v1/events?after=1000000", 1)):
        stream = EventStream(agent, path)
        wait_for("events", lambda: len(stream.events) >= count)
        stream.close()
        for event in stream.events:
            document.check(schema, event.data)


def test_is_for_everybody_and_kept(agent):
    plain = agent.send("GET", "/v1/openapi.json")
    assert plain.headers["cache-control"] == "no-cache"
    request = urllib.request.Request(f"{agent.url}/v1/openapi.json", headers={"Accept-Encoding": "gzip"})
    with urllib.request.urlopen(request, timeout=20) as reply:
        assert reply.headers["content-encoding"] == "gzip" and reply.headers["etag"] == plain.headers["etag"]
        assert gzip.decompress(reply.read()).decode() == plain.text
    assert agent.send("GET", "/v1/openapi.json", headers={"If-None-Match": plain.headers["etag"]}).status == 304
