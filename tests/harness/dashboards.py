# SPDX-License-Identifier: Apache-2.0
"""The dashboards as they lie in the checkout, and what they ask Prometheus."""
import json
import re
from typing import Any, Iterator

from harness.paths import ROOT

FOLDER = ROOT / "dashboards"
DASHBOARDS = {path.stem: json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))}


def panels(name: str) -> list[dict]:
    return [panel for panel in DASHBOARDS[name]["panels"] if panel["type"] != "row"]


def variables(name: str) -> dict[str, dict]:
    return {one["name"]: one for one in DASHBOARDS[name]["templating"]["list"]}


def annotations(name: str) -> list[dict]:
    return DASHBOARDS[name]["annotations"]["list"]


def expressions(name: str) -> Iterator[tuple[str, str]]:
    """(title, PromQL) of every panel and annotation."""
    yield from ((panel["title"], target["expr"]) for panel in panels(name) for target in panel["targets"])
    yield from ((one["name"], one["expr"]) for one in annotations(name))


def concrete(expr: str, values: dict[str, str]) -> str:
    """With values for Grafana's variables."""
    return re.sub(r"\$[a-z_]+", lambda found: values[found.group()], expr)


def parts(value: Any) -> Iterator[dict]:
    """Every object in it."""
    if isinstance(value, dict):
        yield value
    if isinstance(value, (dict, list)):
        for part in value.values() if isinstance(value, dict) else value:
            yield from parts(part)
