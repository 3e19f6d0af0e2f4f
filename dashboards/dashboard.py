# SPDX-License-Identifier: Apache-2.0
"""A dashboard around its panels: variables, annotations, links, places."""
from typing import Any

from panels import AGENT, BLUE, DATASOURCE, ORANGE, VERMILION

OVERVIEW, SENDPOST, AGENTS, PREFECT = "sendpost-overview", "sendpost-detail", "sendpost-agent", "sendpost-prefect"  # alerts link to these

# Where people see Prefect: from the address of its API, as the agent does.
PREFECT_URL = r"""label_replace(label_replace(sendpost_prefect_info{@}, "url", "$1", "api_url", "(.+?)(/api)?/?"),
    "url", "https://app.prefect.cloud/account/$1/workspace/$2", "api_url", "https://api[.]prefect[.]cloud/api/accounts/([^/]+)/workspaces/([^/]+).*")"""


def choice(name: str, label: str, query: str, *, multi: bool = True, regex: str = "", description: str = "") -> dict:
    everything = {"multi": True, "includeAll": True, "allValue": ".+", "current": {"selected": True, "text": ["All"], "value": ["$__all"]}}
    one = {"multi": False, "includeAll": False, "current": {}}
    return {"name": name, "label": label, "description": description, "type": "query", "datasource": DATASOURCE, "definition": query,
            "query": {"query": query, "refId": name}, "refresh": 2, "regex": regex, "sort": 1, "hide": 0, "skipUrlSync": False,
            "options": []} | (everything if multi else one)


def variables(of_sendpost: bool) -> list[dict]:
    datasource = {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus", "regex": "", "refresh": 1, "hide": 0,
                  "multi": False, "includeAll": False, "current": {}, "options": [], "skipUrlSync": False}
    found = [datasource, choice("job", "Job", "label_values(sendpost_build_info, job)"),
             choice("instance", "Instance", 'label_values(sendpost_build_info{job=~"$job"}, instance)', description="The agent")]
    if of_sendpost:
        found += [choice("sendpost", "Sendpost", "label_values(sendpost_info{@}, sendpost)", multi=False),
                  choice("stage_name", "Stage", 'label_values(sendpost_stage_info{@,sendpost=~"$sendpost"}, stage_name)')]
    return found + [choice("prefect_url", "Prefect", f"query_result({' '.join(PREFECT_URL.split())})", multi=False, regex=r'/\burl="([^"]+)"/',
                           description="Where Prefect's pages are; another address can be typed")]


def annotation(name: str, expr: str, color: str, title: str, text: str, *, at_value: bool = True, shown: bool = True) -> dict:
    """`at_value`: the value is the time, in ms. Else there is one wherever the value is 1."""
    return {"name": name, "datasource": DATASOURCE, "enable": shown, "hide": False, "iconColor": color, "expr": " ".join(expr.split()), "step": "60s",
            "titleFormat": title, "textFormat": text, "tagKeys": "", "useValueForTime": at_value}


# The time of a failure with what failed, once it is known: the newest, where Prometheus has not seen the one of before end. The revision in force that was another one two minutes before.
FAILED = """sendpost_last_failure_timestamp_seconds{@} * 1000
    * on (job, instance, sendpost) group_left (stage_name, task, reason)
        (topk without (stage_name, task, reason) (1, timestamp(sendpost_last_failure_info{@})) > bool 0)"""
CHANGED = """count by (job, instance, applied) (sendpost_definitions_revision_info{@@})
    unless on (job, instance, applied) sendpost_definitions_revision_info{@@} offset 2m
    and on (job, instance) sendpost_definitions_revision_info{@@} offset 2m"""


def annotations(runs: bool) -> list[dict]:
    started = annotation("Runs started", "(sendpost_run_start_timestamp_seconds{@} > 0) * 1000 or (sendpost_last_run_start_timestamp_seconds{@} > 0) * 1000",
                         BLUE, "{{sendpost}} started", "")
    found = [annotation("Runs failed", FAILED, VERMILION, "{{sendpost}} failed", "Stage {{stage_name}}, task {{task}}: {{reason}}"),
             annotation("Definitions changed", CHANGED, ORANGE, "Definitions changed", "Revision {{applied}} on {{instance}}", at_value=False)]
    return [started, *found] if runs else found


def links() -> list[dict]:
    others = {"type": "dashboards", "title": "sendpost", "tags": ["sendpost"], "asDropdown": False, "includeVars": True, "keepTime": True,
              "targetBlank": False, "icon": "external link", "tooltip": "", "url": ""}
    prefect = {"type": "link", "title": "Prefect", "url": "${prefect_url:raw}", "tags": [], "asDropdown": False, "includeVars": False, "keepTime": False,
               "targetBlank": True, "icon": "external link", "tooltip": "Prefect's own pages"}
    return [others, prefect]


def place(panels: list[dict]) -> list[dict]:
    """From left to right; on to the next line when one is full. Panels of a line have one height."""
    x = y = height = 0
    for number, panel in enumerate(panels, 1):
        spot = panel["gridPos"]
        if x + spot["w"] > 24:
            x, y = 0, y + height
        panel["id"] = number
        spot |= {"x": x, "y": y}
        x, height = x + spot["w"], spot["h"]
    return panels


def chosen(value: Any, labels: str) -> Any:
    """With the labels of the choice for each @ of the expressions in it; @@ is the choice of agents alone."""
    if isinstance(value, dict):
        return {key: chosen(part, labels) for key, part in value.items()}
    if isinstance(value, list):
        return [chosen(part, labels) for part in value]
    return value.replace("{@@", "{" + AGENT).replace("{@", "{" + labels) if isinstance(value, str) else value


def dashboard(uid: str, title: str, description: str, panels: list[dict], *, since: str, refresh: str = "1m", of_sendpost: bool = False) -> dict:
    labels = AGENT + (',sendpost=~"$sendpost"' if of_sendpost else "")
    return {
        "uid": uid, "title": title, "description": description, "tags": ["sendpost"], "schemaVersion": 38, "version": 1, "editable": False,
        "timezone": "browser", "weekStart": "", "graphTooltip": 1, "liveNow": False, "fiscalYearStartMonth": 0,
        "time": {"from": since, "to": "now"}, "refresh": refresh,
        "timepicker": {"refresh_intervals": ["30s", "1m", "5m", "15m", "1h"]},
        "templating": {"list": chosen(variables(of_sendpost), AGENT)}, "annotations": {"list": chosen(annotations(runs=of_sendpost), labels)},
        "links": links(), "panels": chosen(place(panels), labels),
    }
