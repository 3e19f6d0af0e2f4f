# SPDX-License-Identifier: Apache-2.0
"""The dashboards' files: as generated, and as Grafana and its users want them."""
import itertools
import json
import re
import subprocess
import sys
from typing import Any, Callable, Iterator

import pytest
import yaml
from grafana_foundation_sdk.cog import plugins
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from harness.dashboards import DASHBOARDS, FOLDER, concrete, expressions, panels, parts, variables
from harness.monitoring import RULES
from harness.paths import tool

UNITS = {"none", "short", "s", "percentunit", "bytes", "reqps", "ops", "cps", "dateTimeFromNow", "dateTimeAsLocal"}  # of Grafana's, those used

# Grafana has these, its published model does not: the fields of Prometheus' annotations, and where bands end.
BEYOND_THE_MODEL = {"annotations.list.step", "annotations.list.tagKeys", "annotations.list.textFormat", "annotations.list.titleFormat",
                    "annotations.list.useValueForTime", "panels.fieldConfig.defaults.custom.insertNulls", "panels.fieldConfig.defaults.custom.spanNulls",
                    "templating.list.definition"}

each = pytest.mark.parametrize("name", DASHBOARDS)


# The files

def test_the_files_are_those_that_are_generated(tmp_path):
    subprocess.run([sys.executable, "-B", str(FOLDER / "generate.py"), str(tmp_path)], check=True, timeout=60)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {path.name: path.read_text() for path in FOLDER.glob("*.json")}


def test_alerts_and_links_find_them():
    assert {name: one["uid"] for name, one in DASHBOARDS.items()} == {name: name for name in ("sendpost-overview", "sendpost-detail", "sendpost-agent", "sendpost-prefect")}
    assert len({one["title"] for one in DASHBOARDS.values()}) == 4
    linked = {uid for one in DASHBOARDS.values() for uid in re.findall(r'"/d/([\w-]+)', json.dumps(one))}
    assert linked and linked <= DASHBOARDS.keys()
    from_alerts = set(re.findall(r'label "dashboards" \}\}/([\w-]+)(?:\?var-(\w+))?', RULES.read_text()))
    assert from_alerts and all(uid in DASHBOARDS and (not name or name in variables(uid)) for uid, name in from_alerts)


@each
def test_dashboard(name):
    one = DASHBOARDS[name]
    assert one["editable"] is False and one["schemaVersion"] == 38 and "__inputs" not in one and "id" not in one
    assert one["tags"] == ["sendpost"] and one["description"]
    assert [(link["type"], link["title"]) for link in one["links"]] == [("dashboards", "sendpost"), ("link", "Prefect")]
    assert {"Runs failed", "Definitions changed"} <= {annotation["name"] for annotation in one["annotations"]["list"]}
    used = set(re.findall(r"\$\{?(\w+)", json.dumps(one["panels"] + one["links"] + one["annotations"]["list"] + one["templating"]["list"])))
    of_grafana = {"__rate_interval", "__range", "__value", "__field", "__url_time_range", "__all", "1", "2"}
    assert used - of_grafana == variables(name).keys()


def lost(sent: Any, kept: Any, path: str = "") -> Iterator[str]:
    """Where the two differ."""
    if isinstance(sent, dict) and isinstance(kept, dict):
        for key, value in sent.items():
            yield from lost(value, kept.get(key), f"{path}.{key}".strip("."))
    elif isinstance(sent, list) and isinstance(kept, list):
        for one, other in itertools.zip_longest(sent, kept):
            yield from lost(one, other, path)
    elif sent != kept:
        yield path


@each
def test_grafanas_own_model_knows_every_field(name):
    plugins.register_default_plugins()
    kept = json.loads(JSONEncoder().encode(Dashboard.from_json(DASHBOARDS[name])))
    assert set(lost(DASHBOARDS[name], kept)) <= BEYOND_THE_MODEL


@each
def test_variables(name):
    found = variables(name)
    assert list(found)[:3] == ["datasource", "job", "instance"]
    assert (found["datasource"]["type"], found["datasource"]["query"], found["datasource"]["label"]) == ("datasource", "prometheus", "Data source")
    for variable in ("job", "instance"):
        assert found[variable]["multi"] and found[variable]["includeAll"] and found[variable]["allValue"] == ".+"
        assert found[variable]["label"].lower() == variable
    for variable in list(found.values())[1:]:
        assert variable["type"] == "query" and variable["refresh"] == 2 and variable["datasource"]["uid"] == "${datasource}"
        assert re.match(r"(label_values|query_result)\(.+\)$", variable["query"]["query"])
    if name == "sendpost-detail":
        assert {"sendpost", "stage_name", "prefect_url"} <= found.keys()


@each
def test_panels(name):
    titles = [panel["title"] for panel in panels(name)]
    assert len(set(titles)) == len(titles)
    assert {panel["id"] for panel in DASHBOARDS[name]["panels"]} == set(range(1, len(DASHBOARDS[name]["panels"]) + 1))
    for panel in panels(name):
        assert panel["title"] and panel["description"].endswith("."), panel["title"]
        assert panel["datasource"]["uid"] == "${datasource}" and panel["targets"], panel["title"]
        assert all(target["datasource"]["uid"] == "${datasource}" for target in panel["targets"])
        units = {panel["fieldConfig"]["defaults"]["unit"]} | {one["value"] for one in parts(panel["fieldConfig"]["overrides"]) if one.get("id") == "unit"}
        assert units <= UNITS, panel["title"]


@each
def test_no_panel_covers_another(name):
    taken = set()
    for spot in (panel["gridPos"] for panel in DASHBOARDS[name]["panels"]):
        cells = set(itertools.product(range(spot["x"], spot["x"] + spot["w"]), range(spot["y"], spot["y"] + spot["h"])))
        assert not cells & taken and spot["x"] + spot["w"] <= 24
        taken |= cells


@each
def test_rates_and_counters(name):
    for where, expr in expressions(name):
        assert all(span == "$__rate_interval" for span in re.findall(r"\brate\([^()]*\[([^]]+)\]", expr)), (where, expr)
        assert set(re.findall(r"\[([^]]+)\]", re.sub(r'"[^"]*"', '""', expr))) <= {"$__rate_interval", "$__range"}, (where, expr)
        counters = re.findall(r"(\w+\()?\b\w+_(?:total|bucket|sum|count)\{", expr)
        assert all(call in ("rate(", "increase(") for call in counters), (where, expr)


@each
def test_states_are_words_with_colours(name):
    """Every number of a state has its word, and what went well does not look like what failed, whatever eyes one has."""
    states = ["never run", "waiting", "blocked", "scheduled", "pending", "running", "paused", "cancelling", "completed", "failed",
              "crashed", "cancelled", "skipped"]
    mapped = [one["options"] for one in parts(DASHBOARDS[name]["panels"]) if one.get("type") == "value" and "12" in one["options"]]
    assert bool(mapped) == (name in ("sendpost-overview", "sendpost-detail"))
    for options in mapped:
        assert [options[str(code)]["text"] for code in range(13)] == states
        seen = {option["text"]: option["color"] for option in options.values()}
        for one, other in itertools.combinations(("running", "completed", "failed", "paused"), 2):
            assert all(distance(eyes(seen[one]), eyes(seen[other])) > 0.15 for eyes in EYES), (one, other)


def linear(color: str) -> list[float]:
    return [(int(color[at:at + 2], 16) / 255) ** 2.2 for at in (1, 3, 5)]


def seen_with(matrix: list[list[float]]) -> Callable[[str], list[float]]:
    return lambda color: [sum(weight * part for weight, part in zip(line, linear(color))) ** (1 / 2.2) for line in matrix]


# All cones; no long, no medium, no short ones
EYES = [seen_with(matrix) for matrix in (
    [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
    [[0.11238, 0.88762, 0], [0.11238, 0.88762, 0], [0.00401, 0, 0.99599]],
    [[0.29275, 0.70725, 0], [0.29275, 0.70725, 0], [0, 0.02234, 0.97766]],
    [[1, 0.1274, 0], [0, 0.8739, 0.1261], [0, 0.8739, 0.1261]])]


def distance(one: list[float], other: list[float]) -> float:
    return sum((a - b) ** 2 for a, b in zip(one, other)) ** 0.5


@each
def test_bands_end_at_gaps(name):
    timelines = [panel for panel in panels(name) if panel["type"] == "state-timeline"]
    assert timelines
    for panel in timelines:
        assert panel["gridPos"]["w"] == 24 and panel["fieldConfig"]["defaults"]["custom"]["insertNulls"] == 3_600_000


def test_provisioning():
    """Grafana finds a provider of files and a data source there."""
    provider, = yaml.safe_load((FOLDER / "provisioning/dashboards/sendpost.yaml").read_text())["providers"]
    assert provider["type"] == "file" and provider["allowUiUpdates"] is False and provider["options"]["path"] == "/usr/local/share/sendpost/dashboards"
    source, = yaml.safe_load((FOLDER / "provisioning/datasources/sendpost.yaml").read_text())["datasources"]
    destination, = source["jsonData"]["exemplarTraceIdDestinations"]
    assert source["type"] == "prometheus" and destination["name"] == "run_id" and destination["url"].endswith("/#/runs/$${__value.raw}")


# What the expressions mean, in Prometheus' own tests

ALL = {"$job": ".+", "$instance": ".+"}
NAMED = '{job="sendpost",instance="a",sendpost="%s"}'


def expr(name: str, title: str, word: str = "") -> str:
    found, = {one for where, one in expressions(name) if where == title and word in one}
    return concrete(found, ALL)


def of(sendpost: str, **values: object) -> list[dict]:
    """Series of one sendpost, each a constant for ten minutes or as it says."""
    defaults = {"enabled": 1, "last_success_timestamp_seconds": 0, "first_seen_timestamp_seconds": 0, "freshness_objective_seconds": 0,
                "next_run_timestamp_seconds": 0, "success_due_timestamp_seconds": 0, "last_failure_timestamp_seconds": 0}
    return [{"series": f"sendpost_{name}" + NAMED % sendpost, "values": value if isinstance(value, str) else f"{value}x20"}
            for name, value in (defaults | values).items()]


def agent_info(name: str, labels: str, values: str = "1x20") -> dict:
    return {"series": f'sendpost_{name}{{job="sendpost",instance="a",{labels}}}', "values": values}


def check(tmp_path, series: list[dict], *expected: tuple[str, list[dict]], at: str = "10m") -> None:
    """promtool says whether each expression has these samples then."""
    tests = [{"interval": "1m", "input_series": series,
              "promql_expr_test": [{"expr": one, "eval_time": at, "exp_samples": samples} for one, samples in expected]}]
    (tmp_path / "test.yml").write_text(json.dumps({"evaluation_interval": "1m", "tests": tests}))
    result = subprocess.run([tool("promtool"), "test", "rules", str(tmp_path / "test.yml")], capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stdout + result.stderr


def test_stale_late_overdue_and_failing_are_counted_right(tmp_path):
    """At 600 s after the epoch."""
    series = [
        *of("fresh", freshness_objective_seconds=300, last_success_timestamp_seconds=400, next_run_timestamp_seconds=900),
        *of("stale", freshness_objective_seconds=300, last_success_timestamp_seconds=200),
        *of("stale-but-disabled", freshness_objective_seconds=300, last_success_timestamp_seconds=200, enabled=0, next_run_timestamp_seconds=10),
        *of("never-run-and-new", freshness_objective_seconds=300, first_seen_timestamp_seconds=500),
        *of("never-run-and-old", freshness_objective_seconds=300, first_seen_timestamp_seconds=100),
        *of("no-objective-and-failing", last_success_timestamp_seconds=100, last_failure_timestamp_seconds=200),
        *of("mended", last_success_timestamp_seconds=300, last_failure_timestamp_seconds=200),
        *of("late", next_run_timestamp_seconds=200),
        *of("overdue", success_due_timestamp_seconds=500), *of("due", success_due_timestamp_seconds=700),
    ]
    check(tmp_path, series, *((expr("sendpost-overview", title), [{"labels": "{}", "value": count}])
                              for title, count in (("Enabled", 9), ("Overdue", 1), ("Stale", 2), ("Late", 1), ("Failing", 1))))


@pytest.mark.parametrize("api, pages", [
    ("http://prefect:4200/api", "http://prefect:4200"), ("https://prefect.example.org/api/", "https://prefect.example.org"),
    ("https://api.prefect.cloud/api/accounts/1-2/workspaces/3-4", "https://app.prefect.cloud/account/1-2/workspace/3-4"),
])
def test_prefects_pages_from_its_api(tmp_path, api, pages):
    query = concrete(variables("sendpost-overview")["prefect_url"]["query"]["query"], ALL)
    labels = f'{{api_url="{api}",instance="a",job="sendpost",url="{pages}",version="3"}}'
    check(tmp_path, [agent_info("prefect_info", f'api_url="{api}",version="3"')],
          (re.fullmatch(r"query_result\((.*)\)", query)[1], [{"labels": f"sendpost_prefect_info{labels}", "value": 1}]))


@each
@pytest.mark.parametrize("at, changed", [("3m", []), ("4m", ["new"]), ("5m", ["new"]), ("6m", [])])
def test_a_change_of_definitions_is_marked(tmp_path, name, at, changed):
    """Once, and no start of an agent."""
    series = [agent_info("definitions_revision_info", f'applied="{applied}",attempted="{applied}"', values)
              for applied, values in (("old", "1x3 stale"), ("new", "_x4 1x10"))]
    expected = [{"labels": f'{{job="sendpost",instance="a",applied="{applied}"}}', "value": 1} for applied in changed]
    check(tmp_path, series, (expr(name, "Definitions changed"), expected), at=at)
    check(tmp_path, series[:1], (expr(name, "Definitions changed"), []), at="1m")


def test_what_prometheus_did_not_see_end(tmp_path):
    """It was away from minute 4 to 5, and shows what was before beside the new failure and the agent's new address for five minutes."""
    failure, run, agent = ([{"series": f'{name}{{job="sendpost",instance="a",{labels}}}', "values": values}
                            for labels, values in zip(both, ("1x3", "_x6 1x10"))] for name, both in (
        ("sendpost_last_failure_info", ('sendpost="x",stage_name="one",task="",reason="lost"', 'sendpost="x",stage_name="two",task="t",reason="failed"')),
        ("sendpost_last_failure_run_info", ('sendpost="x",run_id="1",flow_run_id="f1"', 'sendpost="x",run_id="2",flow_run_id="f2"')),
        ("sendpost_agent_info", ('namespace="n",external_url="http://old"', 'namespace="n",external_url="http://new/"'))))
    told = {"labels": '{job="sendpost",instance="a",sendpost="x",stage_name="two",task="t",reason="failed"}', "value": 200000}
    addresses = expr("sendpost-overview", "Sendposts", "run_url")
    runs = [{"labels": f'{{job="sendpost",instance="a",sendpost="x",flow_run_id="f{run_id}",run_url="http://new/#/runs/{run_id}"}}', "value": 1} for run_id in "12"]
    check(tmp_path, [*of("x", last_failure_timestamp_seconds="100x3 _ _ 200x10"), *failure, *run, *agent],
          (expr("sendpost-overview", "Runs failed"), [told]), (addresses, runs), at="7m")
