# SPDX-License-Identifier: Apache-2.0
"""The document against the agent that serves it: schemathesis makes requests of it, good and bad ones, and finds nothing."""
import pytest

from harness import schemathesis
from harness.definitions import sendpost, stage
from harness.fake.worker import Plan
from harness.tokens import Tokens

SECRET = "the secret of this test"
PLANS = {"mailing/main": Plan(seconds=0.05), "mailing/slow": Plan(seconds=3600),
         "mailing/bad": Plan(end="FAILED", message="no route to host", logs=[(40, "no route to host")])}
DEFINITIONS = {
    "daily": sendpost("daily", stage("mailing/main"), concurrency="queue", labels={"team": "growth"}, parameters={"limit": 1},
                      schedule=[{"cron": "0 7 * * *"}], webhook={"secret_file": "../secret"}),
    "failing": sendpost("failing", stage("mailing/main", "first"), stage("mailing/bad", "second"), concurrency="queue"),
    "off": sendpost("off", stage("mailing/main"), enabled=False),
}
VERBS = {"cancel": {}, "pause": {}, "resume": {"paused": True}, "block": {"paused": True}, "step": {"paused": True}}  # and how their run begins
COMMANDS = ["/v1/sendposts/{name}/run", "/v1/sendposts/{name}/webhook", *(f"/v1/runs/{{id}}/{verb}" for verb in [*VERBS, "retry"])]


def long(name):
    return sendpost(name, stage("mailing/main", "first"), {"name": "group", "parallel": [stage("mailing/slow", "second"), stage("mailing/main", "third")]})


@pytest.fixture
def tokens(tmp_path):
    return Tokens(tmp_path / "tokens.yaml")


@pytest.fixture
def agent(fake, start_agent, tokens):
    for name, plan in PLANS.items():
        fake.deploy(name, plan)
    settings = {"http.tokens_file": str(tokens.path), "http.metrics_requires_token": "true"}
    agent = start_agent(fake.url, DEFINITIONS | {verb: long(verb) for verb in VERBS}, settings, ready=False)
    agent.token = tokens["operator"]
    agent.start()
    (agent.directory / "secret").write_text(SECRET + "\n")
    return agent


def known(agent):
    """A run of its own for each verb, in a state that the verb fits, and what else has a name."""
    runs = {verb: agent.trigger(verb, **begin) for verb, begin in VERBS.items()} | {"retry": agent.trigger("failing")}
    agent.wait_ended(runs["retry"])
    deployment = agent.get("/v1/prefect/deployments")["deployments"][0]
    return schemathesis.Known(
        {"path.name": list(DEFINITIONS), "path.id": list(runs.values()), "path.uuid": [deployment["id"]], "path.flow": ["mailing"],
         "path.deployment": ["main", "slow"], "path.page": ["status"], "path.file": ["main.js", "page.css"], "query.label": ["team:growth"],
         "body.stage": ["first", "group/third"], "body.from": ["first", "second"]},
        {f"/v1/runs/{{id}}/{verb}": {"path.id": [run]} for verb, run in runs.items()},
        {path: agent.get(f"{path}?limit=1")["next"] for path in ("/v1/sendposts", "/v1/runs")}, SECRET, agent.token)


def test_finds_nothing(agent, tmp_path):
    report = schemathesis.run(agent, known(agent), tmp_path)
    assert report.returncode == 0, report.stdout[-20000:] + report.stderr[-2000:]
    metrics = agent.metrics()
    assert not [path for path in COMMANDS if not metrics.value("sendpost_http_requests_total", handler=path, code="202")]
