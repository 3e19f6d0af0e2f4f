# SPDX-License-Identifier: Apache-2.0
"""What Grafana's dashboards are made of, as dicts of its classic JSON. In every expression `@` stands for the labels of what the dashboard's
variables choose, `@@` for those of the agents alone."""
from typing import Any

DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
AGENT = 'job=~"$job",instance=~"$instance"'

# Colours that people of any colour vision tell apart (Okabe and Ito); none is the only sign of anything.
BLUE, SKY, GREEN, YELLOW, ORANGE, VERMILION, PURPLE = "#0072B2", "#56B4E9", "#009E73", "#F0E442", "#E69F00", "#D55E00", "#CC79A7"
DARK, GREY, LIGHT = "#4D4D4D", "#8C8C8C", "#BFBFBF"

STATES = [("never run", DARK), ("waiting", GREY), ("blocked", YELLOW), ("scheduled", LIGHT), ("pending", LIGHT), ("running", SKY), ("paused", YELLOW),
          ("cancelling", GREY), ("completed", BLUE), ("failed", VERMILION), ("crashed", PURPLE), ("cancelled", GREY), ("skipped", DARK)]
CIRCUIT = [("closed", BLUE), ("half open", YELLOW), ("open", VERMILION)]
YES_NO = [("no", VERMILION), ("yes", BLUE)]
ENABLED = [("no", GREY), ("yes", BLUE)]

GOOD_BELOW = [(None, BLUE), (0.8, ORANGE), (1, VERMILION)]  # a part of what is allowed
NONE_IS_GOOD = [(None, BLUE), (1, VERMILION)]
NEUTRAL = [(None, BLUE)]

# Bands and lines end this long after the last sample before a gap. Longer than a step of a month across the whole screen, as steps are no gaps.
DISCONNECT_MS = 3_600_000

# Runs are rare. A bar counts what came since the one before it: a quarter of an hour, or more where the range shown is long; a day in trends.
PERIOD, LONG_PERIOD, TREND = "15m", "1d", "30d"


def value_mappings(names: list[tuple[str, str]]) -> list[dict]:
    """Numbers from 0 as words with colours."""
    return [{"type": "value", "options": {str(code): {"text": text, "color": color, "index": code} for code, (text, color) in enumerate(names)}}]


NEVER = [{"type": "value", "options": {"0": {"text": "never", "index": 0}}}]
NO_TIME = [{"type": "value", "options": {"0": {"text": "none", "index": 0}}}]
AS_LINK = [{"type": "regex", "options": {"pattern": ".+", "result": {"text": "open", "index": 0}}}]


def thresholds(steps: list[tuple[float | None, str]]) -> dict:
    return {"mode": "absolute", "steps": [{"value": value, "color": color} for value, color in steps]}


def link(title: str, url: str) -> dict:
    return {"title": title, "url": url, "targetBlank": not url.startswith("/d/")}


def to_dashboard(uid: str, **variables: str) -> str:
    """Its address with the same choice and time, and these variables."""
    chosen = "".join(f"&var-{name}={value}" for name, value in variables.items())
    return f"/d/{uid}?${{datasource:queryparam}}&${{job:queryparam}}&${{instance:queryparam}}{chosen}&${{__url_time_range}}"


def query(expr: str, legend: str = "", **fields: Any) -> dict:
    return {"datasource": DATASOURCE, "expr": " ".join(expr.split()), "legendFormat": legend or "__auto", "range": True, "instant": False,
            "editorMode": "code"} | fields


def instant(expr: str, legend: str = "", **fields: Any) -> dict:
    return query(expr, legend, range=False, instant=True, **fields)


def panel(kind: str, title: str, description: str, targets: list[dict], unit: str, width: int, height: int, *, options: dict | None = None,
          custom: dict | None = None, mappings: list[dict] | None = None, steps: list | None = None, overrides: list[dict] | None = None,
          defaults: dict | None = None, **fields: Any) -> dict:
    for number, target in enumerate(targets):
        target["refId"] = chr(ord("A") + number)
    field_config = {"unit": unit, "mappings": mappings or [], "thresholds": thresholds(steps or NEUTRAL), "custom": custom or {}} | (defaults or {})
    return {"type": kind, "title": title, "description": description, "datasource": DATASOURCE, "targets": targets,
            "fieldConfig": {"defaults": field_config, "overrides": overrides or []}, "options": options or {},
            "gridPos": {"w": width, "h": height}} | fields


def row(title: str) -> dict:
    return {"type": "row", "title": title, "collapsed": False, "panels": [], "gridPos": {"w": 24, "h": 1}}


def stat(title: str, description: str, expr: str, *, unit: str = "short", steps: list | None = None, mappings: list | None = None, width: int = 4,
         no_value: str = "–") -> dict:
    """One number, now. Coloured by its thresholds, or by its mappings."""
    options = {"colorMode": "value", "graphMode": "none", "justifyMode": "auto", "textMode": "auto", "orientation": "auto",
               "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False}}
    return panel("stat", title, description, [instant(expr)], unit, width, 4, options=options, mappings=mappings, steps=steps,
                 defaults={"noValue": no_value, "color": {"mode": "thresholds"}})


def lines(title: str, description: str, targets: list[dict], unit: str, *, width: int = 12, height: int = 8, bars: bool = False,
          dashed: str = "", minimum: float | None = 0, colors: list[dict] | None = None, interval: str = "", **fields: Any) -> dict:
    """Over time. Series whose name matches `dashed` are what others are compared with."""
    custom = {"drawStyle": "bars" if bars else "line", "lineWidth": 1, "fillOpacity": 60 if bars else 5, "showPoints": "never" if bars else "auto",
              "spanNulls": False, "insertNulls": False if interval or "timeFrom" in fields else DISCONNECT_MS, "axisSoftMin": 0,
              "stacking": {"mode": "normal" if bars else "none", "group": "A"}}
    styles = [{"matcher": {"id": "byRegexp", "options": dashed}, "properties": [
        {"id": "custom.lineStyle", "value": {"fill": "dash", "dash": [10, 10]}}, {"id": "custom.fillOpacity", "value": 0},
        {"id": "color", "value": {"mode": "fixed", "fixedColor": ORANGE}}]}] if dashed else []
    return panel("timeseries", title, description, targets, unit, width, height, custom=custom, overrides=styles + (colors or []),
                 defaults={"color": {"mode": "palette-classic-by-name"}} | ({"min": minimum} if minimum is not None else {}),
                 options={"legend": {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []},
                          "tooltip": {"mode": "multi", "sort": "desc"}}, **({"interval": interval} if interval else {}), **fields)


def coloured(**colors: str) -> list[dict]:
    """Series by their names."""
    return [{"matcher": {"id": "byName", "options": name}, "properties": [{"id": "color", "value": {"mode": "fixed", "fixedColor": color}}]}
            for name, color in colors.items()]


def timeline(title: str, description: str, expr: str, legend: str, names: list[tuple[str, str]], *, height: int = 9, links: list | None = None) -> dict:
    """Numbers from 0 as bands with words. The full width: the narrower, the longer a step."""
    return panel("state-timeline", title, description, [query(expr, legend)], "none", 24, height, mappings=value_mappings(names),
                 custom={"lineWidth": 0, "fillOpacity": 85, "spanNulls": False, "insertNulls": DISCONNECT_MS},
                 options={"mergeValues": True, "showValue": "auto", "alignValue": "left", "rowHeight": 0.85,
                          "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True}, "tooltip": {"mode": "single", "sort": "none"}},
                 defaults={"links": links or [], "color": {"mode": "thresholds"}})


def gauges(title: str, description: str, expr: str, legend: str, unit: str, *, steps: list | None = None, width: int = 12, height: int = 8,
           maximum: float | None = None, no_value: str = "–") -> dict:
    """A bar for each series, now."""
    return panel("bargauge", title, description, [instant(expr, legend)], unit, width, height, steps=steps,
                 options={"displayMode": "basic", "orientation": "horizontal", "showUnfilled": True, "valueMode": "text", "minVizHeight": 16,
                          "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False}},
                 defaults={"min": 0, "noValue": no_value, "color": {"mode": "thresholds"}} | ({"max": maximum} if maximum else {}))


def heatmap(title: str, description: str, expr: str, *, width: int = 12) -> dict:
    """Of a histogram's buckets, with the runs that exemplars name."""
    return panel("heatmap", title, description, [query(expr, "{{le}}", format="heatmap", exemplar=True)], "short", width, 8,
                 options={"calculate": False, "cellGap": 1, "showValue": "never", "exemplars": {"color": VERMILION}, "filterValues": {"le": 1e-9},
                          "color": {"mode": "scheme", "scheme": "Cividis", "steps": 64, "exponent": 0.5, "fill": BLUE, "scale": "exponential",
                                    "reverse": False},
                          "yAxis": {"axisPlacement": "left", "unit": "s"}, "tooltip": {"mode": "single", "yHistogram": False},
                          "legend": {"show": True}}, interval=PERIOD)


def value_column(title: str, expr: str, unit: str = "short", *, mappings: list | None = None, steps: list | None = None, width: int = 0,
                 filled: bool = False) -> dict:
    properties: list[dict] = [{"id": "unit", "value": unit}]
    if mappings:
        properties.append({"id": "mappings", "value": mappings})
    if steps:
        properties.append({"id": "thresholds", "value": thresholds(steps)})
    if filled or steps:
        cell = {"type": "color-background", "mode": "basic"} if filled else {"type": "color-text"}
        properties.append({"id": "custom.cellOptions", "value": cell})
    return {"title": title, "expr": expr, "properties": properties, "width": width}


def label_column(title: str, label: str, *, url: str = "", as_link: bool = False, width: int = 0) -> dict:
    """A label that the values' series have. `as_link`: the label is an id or address, shown as a word that leads there."""
    properties: list[dict] = [{"id": "links", "value": [link(title, url)]}] if url else []
    if as_link:
        properties.append({"id": "mappings", "value": AS_LINK})
    return {"title": title, "label": label, "properties": properties, "width": width}


def only_labels(expr: str) -> dict:
    """Series that bring labels alone; their value, 1, is not shown."""
    return {"expr": expr, "properties": [], "title": ""}


def table(title: str, description: str, columns: list[dict], *, width: int = 24, height: int = 9, hidden: tuple[str, ...] = ("job",),
          no_value: str = "") -> dict:
    """One row for each set of labels that the series have in common."""
    targets, renames, order, excluded, overrides = [], {}, {}, {"Time": True} | {name: True for name in hidden}, []
    for column in columns:
        source = column.get("label", f"Value #{chr(ord('A') + len(targets))}")
        if "expr" in column:
            targets.append(instant(column["expr"], format="table"))
        if not column["title"]:
            excluded[source] = True
            continue
        order[source], renames[source] = len(order), column["title"]
        properties = column["properties"] + ([{"id": "custom.width", "value": column["width"]}] if column["width"] else [])
        if properties:
            overrides.append({"matcher": {"id": "byName", "options": column["title"]}, "properties": properties})
    if len(targets) == 1:  # Grafana names the value of a single query so
        renames, order, excluded = ({"Value" if name == "Value #A" else name: value for name, value in table_.items()}
                                    for table_ in (renames, order, excluded))
    return panel("table", title, description, targets, "short", width, height, overrides=overrides,
                 custom={"align": "auto", "filterable": True, "cellOptions": {"type": "auto"}}, defaults={"noValue": no_value},
                 options={"showHeader": True, "cellHeight": "sm", "footer": {"show": False, "reducer": ["sum"], "countRows": False, "fields": ""}},
                 transformations=[{"id": "merge", "options": {}}, {"id": "organize", "options": {
                     "excludeByName": excluded, "indexByName": order, "renameByName": renames}}])
