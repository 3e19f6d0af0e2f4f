# SPDX-License-Identifier: Apache-2.0
"""From a flow whose task fails to the message that somebody reads: Prefect, the agent, Prometheus with the shipped rules, Alertmanager with the
shipped configuration, Slack. Only intervals are shortened; where an alert waits minutes before it fires, in a copy of the rules."""
import re
import subprocess

import pytest
from playwright.sync_api import expect

from harness import flows_process
from harness.agent import Agent
from harness.definitions import sendpost, stage
from harness.fake.worker import Plan
from harness.monitoring import RULES, Monitoring, with_for
from harness.paths import PREFECT_VERSIONS, sendpost_binary, tool
from harness.waiting import holds_for, wait_for

LINK = re.compile(r"<([^|>]+)\|(\w+)>")


@pytest.fixture
def watch(tmp_path):
    """watch(agent, "1s"): all that follows the agent's metrics; alerts that wait minutes wait that long."""
    started: list[Monitoring] = []

    def start(*agents: Agent, patience: str | None = None) -> Monitoring:
        rules = RULES.read_text()
        monitoring = Monitoring(tmp_path / "monitoring", with_for(rules, patience) if patience else rules)
        monitoring.prometheus.aim(*(agent.url for agent in agents))
        started.append(monitoring)
        monitoring.__enter__()
        wait_for("all are scraped", lambda: len(monitoring.prometheus.query("up == 1")) == len(agents))
        return monitoring

    yield start
    for monitoring in started:
        monitoring.__exit__()


def told(monitoring: Monitoring, *words: str, timeout: float = 40):
    """The first message with these words."""
    return wait_for(f"a message with {words} among {monitoring.slack.messages}", lambda: monitoring.slack.find(*words), timeout)[0]


def failing(fake, name: str = "mailing/main") -> dict:
    """A stage on a deployment whose task fails."""
    fake.deploy(name, Plan(end="FAILED", message="boom", tasks=[("explode", "FAILED", "boom")]))
    return stage(name, "render", retries=0)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("version", PREFECT_VERSIONS)
def test_a_flow_fails_and_is_mended(version, start_agent, watch, visit):
    """Shipped rules, unchanged. The message has the stage, the task, the reason and links that lead there; its end says how long it lasted."""
    prefect = flows_process.ensure(version).url
    agent = start_agent(prefect, ready=False, settings={"prefect.poll.max": "500ms", "prefect.timeout": "10s"})
    agent.settings["http.external_url"] = agent.url
    agent.define("letters", sendpost("letters", stage("shop/import-prices", "prices", parameters={"date": "${run.date}"}, retries=0), owner="crm-team"))
    agent.start()
    monitoring = watch(agent)
    run = agent.wait_ended(agent.trigger("letters"), timeout=120)

    message = told(monitoring, "SendpostRunFailed letters")
    assert (message.channel, message.color, message.title) == ("crm-team", "warning", "[FIRING] SendpostRunFailed letters (crm-team)")
    assert "stage `prices`  task `load_prices`  reason `failed`" in message.text
    assert re.search(r"since 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)? UTC, last success never", message.text)
    links = {name: address for address, name in LINK.findall(message.text)}
    assert links["Run"] == f"{agent.url}/#/runs/{run['id']}"
    page = visit(agent).page
    page.goto(links["Run"])
    expect(page.get_by_label("Failure")).to_contain_text("has no column 'currency': ask the shop team")
    assert links["Prefect"] == run["failure"]["flow_run_url"]
    assert links["Runbook"].endswith("/sendpostrunfailed.md")
    assert links["Dashboard"] == message.link and message.link.endswith("?var-sendpost=letters")

    agent.define("letters", sendpost("letters", stage("etl/extract", "prices"), owner="crm-team"))
    wait_for("it is mended", lambda: agent.get("/v1/sendposts/letters")["stages"][0]["deployment"] == "etl/extract")
    assert agent.wait_ended(agent.trigger("letters"), timeout=120)["state"] == "completed"
    over = told(monitoring, "[RESOLVED] SendpostRunFailed letters")
    assert (over.channel, over.color) == ("crm-team", "good")
    assert re.search(r"\*Resolved after (\d+m)?\d+s:\* A run of a sendpost failed", over.text) and "task `load_prices`" in over.text
    assert len(monitoring.slack.find("letters")) == 2


@pytest.mark.timeout(240)
def test_prefect_stops(fake, start_agent, watch):
    """Twenty sendposts are stuck, slow and stale for it: one message."""
    fake.deploy("mailing/main", Plan(seconds=600))
    names = [f"mailing-{number}" for number in range(20)]
    agent = start_agent(fake.url, {name: sendpost(name, stage("mailing/main", expected="10s"), freshness="20s") for name in names})
    monitoring = watch(agent, patience="1s")
    for run_id in [agent.trigger(name) for name in names]:
        agent.wait_state(run_id, "running")
    fake.stop()

    message = told(monitoring, "SendpostPrefectUnreachable")
    assert (message.channel, message.color) == ("on-call", "danger")
    assert "(most often: connect)" in message.text and "/sendpostprefectunreachable.md|Runbook>" in message.text
    follow = {"SendpostStageStuck", "SendpostRunSlow", "SendpostStale"}
    wait_for("all of them fire", lambda: sum(alert["alertname"] in follow for alert in monitoring.prometheus.firing()) == 60, timeout=60)
    wait_for("all of them are silenced", lambda: silenced(monitoring, *follow) == 60)
    holds_for("there is one message", lambda: len(monitoring.slack.messages) == 1, 3)

    fake.start()
    assert "Resolved after" in told(monitoring, "[RESOLVED] SendpostPrefectUnreachable").text


def silenced(monitoring: Monitoring, *names: str) -> int:
    alerts = [alert for name in names for alert in monitoring.alertmanager.alerts(alertname=name)]
    return sum(alert["status"]["state"] == "suppressed" and bool(alert["status"]["inhibitedBy"]) for alert in alerts)


@pytest.mark.timeout(240)
def test_the_agent_is_killed(fake, start_agent, watch):
    """Its own end is told, what it said before is silenced; when it is back, what still fails is not told again."""
    agent = start_agent(fake.url, {"daily": sendpost("daily", failing(fake))})
    monitoring = watch(agent, patience="1s")
    agent.wait_ended(agent.trigger("daily"))
    assert told(monitoring, "SendpostRunFailed daily").channel == "mailings"

    agent.kill()
    message = told(monitoring, "SendpostDown")
    assert (message.channel, message.title) == ("on-call", f"[FIRING] SendpostDown 127.0.0.1:{agent.port}")
    wait_for("the rest is silenced", lambda: silenced(monitoring, "SendpostRunFailed") == 1)

    agent.start()
    told(monitoring, "[RESOLVED] SendpostDown")
    wait_for("it fails still", lambda: [alert["status"]["state"] for alert in monitoring.alertmanager.alerts(alertname="SendpostRunFailed")] == ["active"])
    holds_for("nothing is told twice", lambda: len(monitoring.slack.find("daily")) == 1 and len(monitoring.slack.messages) == 3, 3)

    monitoring.prometheus.aim()
    assert told(monitoring, "SendpostAbsent").channel == "on-call"


@pytest.mark.timeout(240)
def test_a_deadline_passes(fake, start_agent, watch):
    """The scheduled run failed: who is on call is told so by the alert of the deadline, which silences that of the failure."""
    every_minute = {"schedule": {"cron": "* * * * *"}, "deadline": "20s"}
    agent = start_agent(fake.url, {"daily": sendpost("daily", failing(fake), **every_minute)})
    monitoring = watch(agent, patience="1s")
    message = told(monitoring, "SendpostNoSuccess daily", timeout=100)
    assert (message.channel, message.color) == ("on-call", "danger")
    assert "last failure: stage render, task explode, failed" in message.text
    wait_for("the failure is silenced", lambda: silenced(monitoring, "SendpostRunFailed") == 1)

    fake.deploy("mailing/mended", Plan())
    agent.define("daily", sendpost("daily", stage("mailing/mended", "render"), **every_minute))
    wait_for("it is mended", lambda: agent.get("/v1/sendposts/daily")["stages"][0]["deployment"] == "mailing/mended")
    assert "Resolved after" in told(monitoring, "[RESOLVED] SendpostNoSuccess daily", timeout=100).text


@pytest.mark.timeout(120)
def test_a_definition_breaks(fake, start_agent, watch):
    """Its file and owner are named, its last good content goes on."""
    agent = start_agent(fake.url, {"daily": sendpost("daily", failing(fake), owner="crm-team")})
    monitoring = watch(agent, patience="1s")
    wait_for("its owner is known", lambda: monitoring.prometheus.query("sendpost:info"))
    agent.define("daily", "name: daily\nstages: [\n")
    message = told(monitoring, "SendpostDefinitionBroken")
    assert message.title == "[FIRING] SendpostDefinitionBroken daily (crm-team)" and message.channel == "crm-team"
    assert "file `daily.yaml`" in message.text and "sendpost check daily.yaml" in message.text


def test_what_is_installed(tmp_path):
    """The files find each other where cmake --install puts them."""
    subprocess.run(["cmake", "--install", str(sendpost_binary().parent), "--prefix", str(tmp_path)], check=True, capture_output=True, timeout=60)
    alerts = tmp_path / "share" / "sendpost" / "alerts"
    for command in ([tool("promtool"), "check", "rules", alerts / "sendpost.rules.yml"], [tool("amtool"), "check-config", alerts / "alertmanager.yml"]):
        result = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert result.returncode == 0, result.stdout + result.stderr
    assert (alerts / "runbooks" / "sendpostdown.md").is_file()
