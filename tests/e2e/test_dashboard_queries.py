# SPDX-License-Identifier: Apache-2.0
"""What the dashboards ask exists, and a real Prometheus that scraped a real agent has an answer to every query."""
import re
import time
from pathlib import Path
from typing import Iterator
from urllib.parse import urlencode

import pytest

from harness.agent import Agent
from harness.clock import Clock
from harness.dashboards import DASHBOARDS, annotations, concrete, expressions, panels, variables
from harness.definitions import sendpost, stage
from harness.fake import FakePrefect, faults
from harness.fake.worker import Plan
from harness.monitoring import ALERTS, Prometheus
from harness.waiting import wait_for

CHOICE = 'job=~"$job",instance=~"$instance"'
OF_PROMETHEUS = {"up": {"job", "instance"}}
PLANS = {"mailing/main": Plan(), "mailing/slow": Plan(seconds=600),
         "mailing/bad": Plan(end="FAILED", message="boom", tasks=[("load_prices", "FAILED", "boom")])}
VALUES = {"$job": ".+", "$instance": ".+", "$stage_name": ".+", "$__rate_interval": "5m", "$__range": "10m"}
SETTINGS = {"http.external_url": "http://sendpost.example.org/", "prefect.inventory.enabled": "true", "prefect.inventory.interval": "1s"}
NOT_SHOWN = {"sendpost_state", "sendpost_stage_state", "sendpost_last_run_end_timestamp_seconds", "sendpost_last_tick_timestamp_seconds",
             "sendpost_deadline_objective_seconds"}
EMPTY = {"Definitions changed": "needs another revision, and two minutes of it"}


class Observed:
    """An agent on which everything has happened, and a Prometheus that has seen it."""

    def __init__(self, directory: Path, fake: FakePrefect):
        self.fake, self.clock = fake, Clock(directory / "clock")
        self.agent = Agent(directory / "agent", fake.url, SETTINGS, environment=self.clock.environment)
        self.prometheus = Prometheus(directory / "prometheus", "groups: []")

    def define(self) -> None:
        self.fake.driver.ok("POST", "/work_pools/", {"name": "pool", "type": "process"})
        self.fake.driver.send("POST", "/work_pools/pool/workers/heartbeat", {"name": "worker"})
        for name, plan in PLANS.items():
            self.fake.deploy(name, plan, work_pool_name="pool")
        self.agent.define("daily", sendpost("daily", stage("mailing/main", "extract", expected="10m"), stage("mailing/main", "send"), owner="crm-team",
                                            freshness="1d", timeout="1h", schedule={"cron": "* * * * *"}))
        self.agent.define("broken", sendpost("broken", stage("mailing/bad", "prices", retries=1, retry_delay="100ms")))
        self.agent.define("slow", sendpost("slow", stage("mailing/slow", "render", expected="1s")))
        self.agent.define("lost", sendpost("lost", stage("mailing/none")))
        self.agent.define("wrong", "name: [\n")

    def live(self) -> None:
        """Seen at rest first: what counts from 0 must be seen at 0."""
        self.prometheus.aim(self.agent.url)
        wait_for("the agent is seen", lambda: self.ask("count_over_time(sendpost_info[1m]) > 1"))
        self.fake.faults.add(faults.status(503), path="create_flow_run")
        assert self.agent.send("POST", "/v1/sendposts/daily/run", {"parameters": {"unknown": 1}}).status == 422
        assert self.agent.send("GET", "/v1/nothing").status == 404
        runs = [self.agent.trigger(name) for name in ("daily", "broken", "slow")]
        assert [self.agent.wait_ended(run)["state"] for run in runs[:2]] == ["completed", "failed"]
        self.agent.wait_stage(runs[2], "render", "running")
        self.clock.jump(seconds=59 - self.clock.now().second)
        for expr in ('increase(sendpost_ticks_total{verdict="started"}[5m]) > 0', "sendpost_prefect_request_failures_total > 0",
                     'sendpost_http_requests_total{code="404"} > 0', "sendpost_last_failure_info", 'sendpost_stage_state_code{sendpost="slow"} == 5',
                     'increase(sendpost_prefect_deployment_flow_runs_ended_total{deployment="mailing/main",state="completed"}[5m]) > 0',
                     "sendpost_prefect_worker_online == 1", 'sendpost_prefect_deployment_flow_runs_running{deployment="mailing/slow"} == 1'):
            wait_for(f"{expr} has been seen", lambda: self.ask(expr))

    def ask(self, expr: str, **range_: float) -> list[dict]:
        """Its series with their samples: now, or over a range."""
        answer = self.prometheus.get(f"/api/v1/{'query_range' if range_ else 'query'}?{urlencode({'query': expr} | range_)}")
        assert answer["status"] == "success"
        return answer["data"]["result"]

    def label_values(self, selector: str, label: str) -> list[str]:
        return self.prometheus.get(f"/api/v1/label/{label}/values?{urlencode({'match[]': selector})}")["data"]


@pytest.fixture(scope="module")
def observed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Observed]:
    with FakePrefect() as fake:
        observed = Observed(tmp_path_factory.mktemp("observed"), fake)
        observed.define()
        try:
            observed.agent.start()
            with observed.prometheus:
                observed.live()
                yield observed
            observed.agent.stop()
        finally:
            observed.agent.kill()
        observed.agent.check_log()


def catalogue(agent: Agent) -> dict[str, set[str]]:
    """The labels of every series' name."""
    found: dict[str, set[str]] = dict(OF_PROMETHEUS)
    for name, labels in agent.metrics().samples:
        found.setdefault(name, {"job", "instance"}).update(dict(labels))
    return found


def selectors(expr: str) -> list[tuple[str, set[str], str]]:
    """(metric, labels, all within the braces) of each; a metric without braces would be none."""
    found = re.findall(r'(\w+)\{((?:[^"}]|"[^"]*")*)\}', expr)
    bare = re.sub(r'"[^"]*"|\{[^}]*\}|\b(?:by|on|ignoring|group_left) \([^)]*\)', "", re.sub(r'"[^"]*"', "", expr))
    assert re.findall(r"\b(?:(?:sendpost|process)_\w+|up)\b", bare) == [metric for metric, _ in found], expr
    return [(metric, set(re.findall(r'(\w+)(?:=~?|!=|!~)"', inner)), inner) for metric, inner in found]


def test_every_metric_and_label_exists(observed):
    known = catalogue(observed.agent)
    for name in DASHBOARDS:
        for where, expr in expressions(name):
            used = selectors(expr)
            assert used and all(inner.startswith(CHOICE) for _, _, inner in used), (where, expr)
            for metric, labels, _ in used:
                assert metric in known and labels <= known[metric], (where, metric, labels)
            grouped = {label for labels in re.findall(r"\b(?:by|on|ignoring|group_left) \(([^)]*)\)", expr) for label in labels.split(", ")}
            made = set(re.findall(r'label_replace\(.*, "(\w+)", "[^"]*", "\w+", "[^"]*"\)', expr))
            assert grouped <= set().union(made, *(known[metric] for metric, _, _ in used)), (where, expr)


def test_every_metric_is_shown(observed):
    """On a dashboard, or an alert tells what it says."""
    rules = (ALERTS / "sendpost.rules.yml").read_text()
    used = {metric for name in DASHBOARDS for _, expr in expressions(name) for metric, _, _ in selectors(expr)} | set(re.findall(r"\bsendpost_\w+", rules))
    parts = ("_bucket", "_sum", "_count")
    assert {metric for metric in catalogue(observed.agent) if metric.startswith("sendpost_")
            and not metric.endswith(parts)} - used == NOT_SHOWN


def test_variables_have_values(observed):
    found = {}
    for name in DASHBOARDS:
        for variable in list(variables(name).values())[1:]:
            query = concrete(variable["query"]["query"], VALUES | {"$sendpost": "daily"})
            if call := re.fullmatch(r"label_values\((.+), (\w+)\)", query):
                found[variable["name"]] = observed.label_values(call[1], call[2])
            else:
                series, = observed.ask(re.fullmatch(r"query_result\((.+)\)", query)[1])
                text = "{" + ",".join(f'{label}="{value}"' for label, value in series["metric"].items()) + "}"
                found[variable["name"]] = re.findall(variable["regex"].strip("/"), text)
    assert found == {"job": ["sendpost"], "instance": [observed.agent.url.removeprefix("http://")], "sendpost": ["broken", "daily", "lost", "slow"],
                     "stage_name": ["extract", "send"], "prefect_url": [observed.fake.url.removesuffix("/api")]}


def answers(observed: Observed, target: dict) -> list[dict]:
    """To a query of a panel, over the last minute, for whichever sendpost has something to show."""
    found = []
    for name in ("daily", "broken", "slow", "lost") if "$sendpost" in target["expr"] else ("",):
        expr, now = concrete(target["expr"], VALUES | {"$sendpost": name}), time.time()
        found += observed.ask(expr) if target["instant"] else observed.ask(expr, start=now - 60, end=now, step=1)
    return [one for one in found if any(value != "NaN" for _, value in one.get("values", [one.get("value")]))]


def test_every_query_has_an_answer(observed):
    """With the labels that its legend names."""
    for name in DASHBOARDS:
        for panel in panels(name):
            for target in panel["targets"]:
                series = answers(observed, target)
                assert series, (name, panel["title"], target["expr"])
                named = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
                assert all(named <= one["metric"].keys() for one in series), (name, panel["title"], target["legendFormat"])


def test_tables_have_their_columns(observed):
    """Each that a table names or leaves out is a label or a value of its queries."""
    for name in DASHBOARDS:
        for panel in [panel for panel in panels(name) if panel["type"] == "table"]:
            targets, organize = panel["targets"], panel["transformations"][1]["options"]
            values = {f"Value #{target['refId']}" for target in targets} if len(targets) > 1 else {"Value"}
            labels = {label for target in targets for one in answers(observed, target) for label in one["metric"]}
            assert organize["renameByName"].keys() | organize["excludeByName"].keys() == values | labels | {"Time"}, (name, panel["title"])
            titles = {override["matcher"]["options"] for override in panel["fieldConfig"]["overrides"]}
            assert titles <= set(organize["renameByName"].values()), (name, panel["title"])


def test_annotations_have_their_times_and_words(observed):
    for name in DASHBOARDS:
        for one in annotations(name):
            series = answers(observed, one | {"instant": True})
            assert bool(series) != (one["name"] in EMPTY), one["name"]
            for found in series:
                assert abs(float(found["value"][1]) / 1000 - time.time()) < 180, one["name"]
                assert set(re.findall(r"\{\{(\w+)\}\}", one["titleFormat"] + one["textFormat"])) <= found["metric"].keys(), one["name"]


def test_links_lead_to_what_failed(observed):
    """The run at the agent, by how people reach it; the flow run and the deployments at Prefect."""
    panel, = [panel for panel in panels("sendpost-detail") if panel["title"] == "Last failure"]
    labels = {label: value for target in panel["targets"] for one in answers(observed, target) for label, value in one["metric"].items()}
    run = observed.agent.get("/v1/runs?sendpost=broken")["runs"][0]
    assert labels["run_url"] == f"http://sendpost.example.org/#/runs/{run['id']}"
    assert labels["flow_run_id"] in observed.fake.store.flow_runs
    assert (labels["stage_name"], labels["task"], labels["reason"]) == ("prices", "load_prices", "failed")
    stages, = [panel for panel in panels("sendpost-detail") if panel["title"] == "Stages" and panel["type"] == "table"]
    ids = {one["metric"].get("deployment_id") for target in stages["targets"] for one in answers(observed, target)} - {None}
    assert ids == set(observed.fake.store.deployments)
