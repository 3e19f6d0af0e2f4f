# SPDX-License-Identifier: Apache-2.0
"""Alertmanager's configuration: read, routed, inhibited and grouped by a real one; and what its template makes of an alert."""
import datetime
import json
import re
import subprocess

import pytest

from harness.monitoring import ALERTS, Alertmanager, Slack, with_addresses, with_intervals
from harness.paths import tool
from harness.waiting import holds_for, wait_for

CONFIGURATION = ALERTS / "alertmanager.yml"
OF_AGENT = ["DefinitionsUnreadable", "TokensUnreadable", "JournalNotWritable", "LoopLag", "FdsHigh", "PrefectErrors", "CircuitOpen", "PrefectUnreachable",
            "CertificateBroken", "CertificateExpiring", "JournalQuarantined", "BackupOld", "PrefectInventoryGaps"]
OF_PREFECT = ["PrefectNoWorker", "PrefectRunsLate", "PrefectQueueBacklog", "PrefectInventoryStale"]
OF_SENDPOST = ["RunFailed", "NoSuccess", "Stale", "RunLate", "RunSlow", "StageStuck", "TicksMissed", "ReferenceBroken", "DefinitionBroken"]
CRITICAL = {"Absent", "Down", "PrefectUnreachable", "NoSuccess", "Stale", "DefinitionsUnreadable", "JournalNotWritable", "JournalQuarantined"}
LATE = ["NoSuccess", "Stale", "RunLate"]


def amtool(*arguments: str) -> str:
    result = subprocess.run([tool("amtool"), *arguments], capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def test_check_config():
    assert re.search(r"alertmanager.yml'  SUCCESS[\s\S]*1 templates\s+SUCCESS", amtool("check-config", str(CONFIGURATION)))


@pytest.mark.parametrize("receiver, labels", [
    ("watchdog", ["severity=none"]),
    ("on-call", ["severity=critical", "sendpost=daily", "owner=crm-team"]),
    ("on-call", ["severity=critical"]),
    ("crm-team", ["severity=warning", "sendpost=daily", "owner=crm-team"]),
    ("mailings", ["severity=warning", "sendpost=daily", "owner=nobody-known"]),
    ("mailings", ["severity=warning"]),
])
def test_routes(receiver, labels):
    amtool("config", "routes", "test", f"--config.file={CONFIGURATION}", f"--verify.receivers={receiver}", *labels)


def test_no_secret_is_in_the_configuration():
    text = CONFIGURATION.read_text()
    assert "api_url:" not in text and "hooks.slack.com" not in text
    assert text.count("api_url_file: /etc/alertmanager/slack/") == text.count("slack_configs:")


# Inhibition and grouping: each test in a job of its own

@pytest.fixture(scope="module")
def slack(tmp_path_factory):
    with Slack(tmp_path_factory.mktemp("slack") / "addresses", CONFIGURATION.read_text()) as slack:
        yield slack
        assert not slack.refused


@pytest.fixture(scope="module")
def alertmanager(tmp_path_factory, slack):
    addresses = next(tmp_path_factory.getbasetemp().glob("slack*/addresses"))
    configuration = with_intervals(with_addresses(CONFIGURATION.read_text(), addresses))
    with Alertmanager(tmp_path_factory.mktemp("alertmanager"), configuration) as alertmanager:
        yield alertmanager


def alert(name: str, job: str, **labels: str) -> dict:
    of_sendpost = {"sendpost": "daily", "owner": "crm-team"} if name in OF_SENDPOST else {}
    target = {} if name == "Absent" else {"instance": "a:9847"}
    severity = "critical" if name in CRITICAL else "warning"
    return {"labels": {"alertname": f"Sendpost{name}", "job": job, "severity": severity} | target | of_sendpost | labels,
            "annotations": {"summary": f"{name}.", "description": f"{name} it is.", "dashboard_url": f"http://localhost/d/{job}"}}


@pytest.mark.parametrize("source, silenced, heard", [
    ("Absent", OF_SENDPOST + OF_AGENT + OF_PREFECT + ["Down", "CrashLooping", "RevisionsDiffer"], []),
    ("Down", OF_SENDPOST + OF_AGENT + OF_PREFECT, ["CrashLooping"]),
    ("PrefectUnreachable", LATE + ["RunSlow", "StageStuck", "ReferenceBroken", "PrefectErrors", "CircuitOpen"] + OF_PREFECT,
     ["RunFailed", "DefinitionBroken", "TicksMissed", "LoopLag", "JournalNotWritable"]),
    ("PrefectNoWorker", ["PrefectRunsLate", "PrefectQueueBacklog"], ["PrefectInventoryStale", "ReferenceBroken"]),
    ("PrefectQueueBacklog", ["PrefectRunsLate"], ["PrefectInventoryStale"]),
    ("JournalNotWritable", LATE + ["TicksMissed"], ["RunFailed", "StageStuck", "PrefectUnreachable"]),
    ("CircuitOpen", ["PrefectErrors"], ["RunFailed", "LoopLag"]),
    ("NoSuccess", ["RunFailed", "RunLate", "RunSlow", "StageStuck", "TicksMissed", "ReferenceBroken", "DefinitionBroken"], ["Stale", "LoopLag"]),
    ("Stale", ["RunFailed"], ["NoSuccess", "LoopLag"]),
    ("StageStuck", ["RunSlow"], ["RunFailed", "RunLate"]),
    ("RunFailed", [], ["RunLate", "ReferenceBroken", "PrefectErrors"]),
    ("CertificateBroken", [], ["CertificateExpiring", "TokensUnreadable"]),
])
def test_inhibition(alertmanager, source, silenced, heard):
    """What follows from the source is silenced on its own agent, and nothing of another one."""
    job = f"inhibition-{source}"
    alertmanager.post(*(alert(name, job) for name in [source, *silenced]))
    wait_for("the others are silenced", lambda: {one["labels"]["alertname"] for one in alertmanager.alerts(job=job)
                                                 if one["status"]["state"] == "suppressed"} == {f"Sendpost{name}" for name in silenced})
    for name in heard:  # each alone, as they may silence each other
        check_heard(alertmanager, alert(source, f"{job}-{name}"), alert(name, f"{job}-{name}"))
    for name in silenced[:2]:
        elsewhere = f"{job}-elsewhere-{name}"
        other = alert(name, elsewhere, instance="b:9847")
        check_heard(alertmanager, *([other] if source == "Absent" else [alert(source, elsewhere), other]))


def check_heard(alertmanager, *alerts):
    """All of them, which are alone in their job, and stay so."""
    alertmanager.post(*alerts)
    job = alerts[0]["labels"]["job"]

    def heard() -> bool:
        return [one["status"]["state"] for one in alertmanager.alerts(job=job)] == ["active"] * len(alerts)

    wait_for(f"{job} is heard", heard)
    holds_for(f"{job} is heard", heard, 0.2)


def test_one_broken_sendpost_is_one_message(alertmanager, slack):
    """Whatever comes together; the critical one tells the cause. Another sendpost is another message."""
    cause = {"cause": "last failure: stage prices, task load_prices, failed"}
    together = [alert(name, "together", **labels) for name, labels in (
        ("RunFailed", {"stage_name": "prices", "task": "load_prices", "reason": "failed"}), ("NoSuccess", {}), ("StageStuck", {"stage_name": "report"}),
        ("RunSlow", {}))]
    together[1]["annotations"] |= cause
    alertmanager.post(*together, alert("RunFailed", "together", sendpost="other", stage_name="only", reason="lost"))
    wait_for("both are told", lambda: len([one for one in slack.messages if one.link.endswith("/together")]) == 2)
    daily, = [one for one in slack.find("SendpostNoSuccess daily") if one.link.endswith("/together")]
    assert (daily.channel, daily.color, daily.title) == ("on-call", "danger", "[FIRING] SendpostNoSuccess daily (crm-team)")
    assert "last failure: stage prices, task load_prices, failed" in daily.text
    assert "RunFailed" not in daily.text and "StageStuck" not in daily.text

    alertmanager.post(*(alert(name, "warnings", stage_name="prices") for name in ("RunFailed", "StageStuck", "TicksMissed")))
    wait_for("the warnings are told", lambda: [one for one in slack.messages if one.link.endswith("/warnings")])
    one, = [one for one in slack.messages if one.link.endswith("/warnings")]
    assert (one.channel, one.color, one.title) == ("crm-team", "warning", "[FIRING:3] daily (crm-team)")
    assert all(f"*{name}.*" in one.text for name in ("RunFailed", "StageStuck", "TicksMissed"))


def test_resolved_after_a_while(alertmanager, slack):
    """The same message says that it is over, and how long it lasted."""
    began = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(hours=1, minutes=2, seconds=3)
    one = alert("RunFailed", "resolved", stage_name="prices", reason="failed") | {"startsAt": began.isoformat()}
    alertmanager.post(one)
    wait_for("it is told", lambda: [seen for seen in slack.messages if seen.link.endswith("/resolved")])
    alertmanager.post(one | {"endsAt": (began + datetime.timedelta(hours=1, seconds=2)).isoformat()})
    wait_for("its end is told", lambda: [seen for seen in slack.messages if seen.link.endswith("/resolved") and "RESOLVED" in seen.title])
    last = [seen for seen in slack.messages if seen.link.endswith("/resolved")][-1]
    assert (last.title, last.color) == ("[RESOLVED] SendpostRunFailed daily (crm-team)", "good")
    assert "*Resolved after 1h0m2s:* RunFailed." in last.text and "stage `prices`" in last.text


# The template by itself

def render(tmp_path, template: str, *alerts: dict, status: str = "firing") -> str:
    labels = [one["labels"].items() for one in alerts]
    common = dict(set.intersection(*(set(items) for items in labels)))
    data = {"receiver": "mailings", "status": status, "alerts": list(alerts), "groupLabels": {"job": "sendpost", "sendpost": "daily"}, "commonLabels": common, "commonAnnotations": {},
            "externalURL": "http://localhost:9093"}
    (tmp_path / "data.json").write_text(json.dumps(data))
    return amtool("template", "render", f"--template.glob={ALERTS / 'slack.tmpl'}", f"--template.data={tmp_path / 'data.json'}",
                  f'--template.text={{{{ template "sendpost.slack.{template}" . }}}}')


FAILED = {"status": "firing", "startsAt": "2026-03-01T07:10:00.4Z", "endsAt": "2026-03-01T08:12:03.4Z",
          "labels": {"alertname": "SendpostRunFailed", "severity": "warning", "sendpost": "daily", "owner": "crm-team", "stage_name": "deliver/email",
                     "task": "load_prices", "reason": "failed"},
          "annotations": {"summary": "A run failed.", "description": "daily failed.", "since": "2026-03-01 07:09:58 UTC",
                          "last_success": "2026-02-28 07:09:00 UTC", "run_url": "http://localhost/v1/runs/1", "prefect_url": "http://localhost/f?a=1&b=2",
                          "dashboard_url": "http://localhost/d?a=1&b=2", "runbook_url": "http://localhost/sendpostrunfailed.md"}}

SILENCE = "<http://localhost:9093/#/silences/new?filter=%7Bjob%3D%22sendpost%22%2Csendpost%3D%22daily%22%2Calertname%3D%22{}%22%7D|Silence>\n"

FAILED_TEXT = """*A run failed.*
daily failed.
stage `deliver/email`  task `load_prices`  reason `failed`  
since 2026-03-01 07:09:58 UTC, last success 2026-02-28 07:09:00 UTC
<http://localhost/v1/runs/1|Run>  <http://localhost/f?a=1&amp;b=2|Prefect>  <http://localhost/d?a=1&amp;b=2|Dashboard>  <http://localhost/sendpostrunfailed.md|Runbook>
"""

RESOLVED_TEXT = """*Resolved after 1h2m3s:* A run failed.
stage `deliver/email`  task `load_prices`  reason `failed`  
2026-03-01 07:10:00 UTC to 2026-03-01 08:12:03 UTC
"""


def test_template_firing_and_resolved(tmp_path):
    silence = SILENCE.format("SendpostRunFailed")
    assert render(tmp_path, "text", FAILED) == FAILED_TEXT + silence
    assert render(tmp_path, "title", FAILED) == "[FIRING] SendpostRunFailed daily (crm-team)"
    assert render(tmp_path, "title_link", FAILED) == "http://localhost/d?a=1&b=2"
    over = FAILED | {"status": "resolved"}
    assert render(tmp_path, "text", over, status="resolved").startswith(RESOLVED_TEXT)
    assert render(tmp_path, "text", FAILED, over).startswith(FAILED_TEXT + silence + RESOLVED_TEXT)


def test_template_colors(tmp_path):
    critical = {**FAILED, "labels": FAILED["labels"] | {"severity": "critical"}}
    assert render(tmp_path, "color", FAILED) == "warning"
    assert render(tmp_path, "color", critical) == "danger"
    assert render(tmp_path, "color", critical | {"status": "resolved"}, status="resolved") == "good"


def test_template_of_an_agent(tmp_path):
    """Neither sendpost nor owner, and links that nobody set."""
    down = {"status": "firing", "startsAt": "2026-03-01T07:10:00Z", "endsAt": "2026-03-01T07:15:00Z",
            "labels": {"alertname": "SendpostDown", "instance": "a:9847", "severity": "critical"},
            "annotations": {"summary": "Down.", "description": "It is.", "run_url": "", "runbook_url": ""}}
    assert render(tmp_path, "title", down) == "[FIRING] SendpostDown a:9847"
    assert render(tmp_path, "text", down) == "*Down.*\nIt is.\nsince 2026-03-01 07:10:00 UTC\n\n" + SILENCE.format("SendpostDown")


def test_template_of_what_others_alert_of(tmp_path):
    """Whatever is missing; neither cause nor times are taken for more than text."""
    bare = {"status": "firing", "startsAt": "2026-03-01T07:10:00Z", "endsAt": "2026-03-01T07:15:00Z", "labels": {"alertname": "Other"}, "annotations": {}}
    assert render(tmp_path, "text", bare).startswith("*Other*\nsince 2026-03-01 07:10:00 UTC\n")
    queue = bare | {"labels": {"alertname": "Other", "work_pool": "pool", "work_queue": "default"},
                    "annotations": {"cause": "no worker is online", "since": "<!here>", "last_success": "x" * 2000}}
    text = render(tmp_path, "text", queue)
    assert "\npool `pool`  queue `default`  no worker is online\nsince &lt;!here&gt;, last success xxx" in text and len(text) < 1000


def test_template_of_hostile_text(tmp_path):
    """Nothing in a name becomes a mention, a link or markup; long texts are cut before they are escaped."""
    hostile = {**FAILED, "labels": FAILED["labels"] | {"task": "<!channel> `x` & </b>", "owner": "<!here>"},
               "annotations": FAILED["annotations"] | {"description": "&" * 5000, "summary": "two\nlines", "run_url": "http://localhost/|x> <!channel>"}}
    text = render(tmp_path, "text", hostile)
    assert "task `&lt;!channel&gt; 'x' &amp; &lt;/b&gt;`" in text and "*two lines*" in text
    assert "&amp;" * 600 + "…\n" in text and "&amp;" * 601 not in text
    assert "<http://localhost/x!channel|Run>" in text
    assert render(tmp_path, "title", hostile) == "[FIRING] SendpostRunFailed daily (&lt;!here&gt;)"


def test_template_of_many(tmp_path):
    """The first three in full, where the others are in a line each: one message that Slack takes and somebody reads."""
    many = [{**FAILED, "labels": FAILED["labels"] | {"stage_name": f"stage-{number}"}} for number in range(60)]
    text = render(tmp_path, "text", *many)
    assert text.count("daily failed.") == 3 and text.count("• SendpostRunFailed  stage `stage-") == 12
    assert "stage `stage-14`" in text and "… 60 are firing; these are the first fifteen.\n" + SILENCE.format("SendpostRunFailed") in text
    assert len(text) < 3500
    assert render(tmp_path, "title", *many) == "[FIRING:60] SendpostRunFailed daily (crm-team)"
    over = render(tmp_path, "text", *(one | {"status": "resolved"} for one in many), status="resolved")
    assert over.count("Resolved after") == 3 and "… 60 are resolved; these are the first three." in over and "Silence" not in over
