# SPDX-License-Identifier: Apache-2.0
"""The rules: checked and unit-tested by promtool, with a runbook for each, on metrics and labels that the agent really has."""
import re
import subprocess
from pathlib import Path

import pytest

from harness.dashboards import DASHBOARDS, variables
from harness.definitions import sendpost, stage
from harness.fake.worker import Plan
from harness.metrics import Metrics
from harness.monitoring import ALERTS, RULES, Prometheus
from harness.paths import sendpost_binary, tool
from harness.waiting import wait_for

UNIT_TESTS = sorted(Path(__file__).parent.glob("*.test.yml"))
RUNBOOKS = ALERTS / "runbooks"
SECTIONS = ["Meaning", "Impact", "Diagnosis", "Remedy"]
TARGET = {"job", "instance"}  # labels that Prometheus adds
NAME = re.compile(r"\b((?:sendpost|process)_\w+)(?:\{([^{}]*)\})?")
MATCHER = re.compile(r"(\w+)\s*(?:=~|!~|!=|=)")
LISTED = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([\w\s,]*)\)")
DERIVED = re.compile(r"_(bucket|sum|count)$")


def promtool(*arguments: str) -> str:
    result = subprocess.run([tool("promtool"), *arguments], capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def test_promtool_check_rules():
    assert re.fullmatch(r"Checking \S+\n  SUCCESS: \d+ rules found\n\n", promtool("check", "rules", str(RULES)))


@pytest.mark.parametrize("path", UNIT_TESTS, ids=lambda path: path.name.removesuffix(".test.yml"))
def test_unit(path):
    assert "SUCCESS" in promtool("test", "rules", str(path))


@pytest.fixture(scope="module")
def rules(tmp_path_factory):
    """As Prometheus has read them."""
    with Prometheus(tmp_path_factory.mktemp("prometheus"), RULES.read_text()) as prometheus:
        return wait_for("the rules are loaded", prometheus.rules)


@pytest.fixture(scope="module")
def alerts(rules):
    return {rule["name"]: rule for rule in rules if rule["type"] == "alerting"}


def test_every_alert_is_unit_tested(alerts):
    """That it is silent, and that it fires, with its texts."""
    text = "\n".join(path.read_text() for path in UNIT_TESTS)
    for name in alerts:
        assert re.search(rf"alertname: {name}\n\s+exp_alerts:(?: &\w+)?\n\s+- exp_labels: .*\n\s+exp_annotations:", text), f"{name} never fires"
        if name != "SendpostWatchdog":
            assert f"alertname: {name}, exp_alerts: []" in text, f"{name} is never silent"


def test_labels_and_annotations(alerts):
    for name, alert in alerts.items():
        assert len(name) <= 40
        assert alert["labels"]["severity"] in ("critical", "warning", "none")
        assert {"summary", "description", "runbook_url", "dashboard_url"} <= alert["annotations"].keys(), name
        assert "{{" not in alert["annotations"]["summary"]
        assert alert["annotations"]["runbook_url"].endswith(f"/{name.lower()}.md{{{{ end }}}}")
        assert "$value" not in str(alert["labels"])


def test_addresses_stand_once():
    """Whoever installs the rules changes them in one place."""
    hosts = re.findall(r"https?://([\w.:-]+)", RULES.read_text())
    assert sorted(host for host in hosts if not host.endswith("prefect.cloud")) == ["localhost:3000", "runbooks.example.org"]


def test_dashboards_exist(alerts):
    """Those that alerts link to, with the variables that the links set."""
    for name, alert in alerts.items():
        uid, variable = re.search(r"/(sendpost-\w+)(?:\?var-(\w+)=)?", alert["annotations"]["dashboard_url"]).groups()
        assert DASHBOARDS[uid]["uid"] == uid, name
        assert variable is None or variable in variables(uid), name


def test_each_alert_has_its_runbook(alerts):
    assert {path.name for path in RUNBOOKS.iterdir()} == {f"{name.lower()}.md" for name in alerts}
    for name in alerts:
        text = (RUNBOOKS / f"{name.lower()}.md").read_text()
        assert text.startswith(f"# {name}\n")
        assert re.findall(r"^## (.*)$", text, re.M) == SECTIONS, name


def test_runbooks_name_commands_that_exist():
    listed = subprocess.run([sendpost_binary(), "help"], capture_output=True, text=True, timeout=20).stdout
    commands = set(re.findall(r"^  (\w+) ", listed, re.M))
    for path in sorted(RUNBOOKS.iterdir()):
        used = set(re.findall(r"(?:^|`)sendpost ([a-z]+)", path.read_text(), re.M))
        assert used <= commands, path.name


@pytest.fixture
def exposed(fake, start_agent):
    """What an agent exposes that has a failed run, a broken file and a stage whose deployment does not exist."""
    fake.deploy("mailing/main", Plan(end="FAILED", message="boom", tasks=[("explode", "FAILED", "boom")]))
    agent = start_agent(fake.url, {"daily": sendpost("daily", stage("mailing/main", retries=0), owner="crm-team"),
                                   "lost": sendpost("lost", stage("mailing/gone")), "broken": "name: [\n"},
                        {"prefect.inventory.enabled": "true"})
    agent.wait_ended(agent.trigger("daily"))
    wait_for("the reference is checked", lambda: agent.metrics().find("sendpost_stage_reference_problem_info", sendpost="lost"))
    wait_for("Prefect was looked at", lambda: agent.metrics().find("sendpost_prefect_work_queue_flow_runs_late"))
    return agent.metrics()


def labels_of(metrics: Metrics) -> dict[str, set[str]]:
    """name → the labels that its series have."""
    found: dict[str, set[str]] = {}
    for name, labels in metrics.samples:
        found.setdefault(DERIVED.sub("", name), set()).update(dict(labels))
    return found


def test_every_metric_and_label_exists(rules, exposed):
    """Of the expressions, and of the queries and labels in annotations."""
    texts = [text for rule in rules for text in (rule["query"], *rule.get("annotations", {}).values())]
    uses = [(DERIVED.sub("", name), set(MATCHER.findall(selector))) for text in texts for name, selector in NAME.findall(text)]
    found = labels_of(exposed)
    missing = {name for name, _ in uses} - found.keys()
    assert not missing
    for name, labels in uses:
        assert labels <= found[name] | TARGET, f"{name} has no {labels - found[name]}"
    everywhere = set().union(*found.values()) | TARGET
    listed = {label for text in texts for labels in LISTED.findall(text) for label in re.findall(r"\w+", labels)}
    named = {label for text in texts for label in re.findall(r"\$labels\.(\w+)", text)}
    assert listed <= everywhere and named <= everywhere, (listed | named) - everywhere
