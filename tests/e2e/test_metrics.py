# SPDX-License-Identifier: Apache-2.0
"""/metrics from outside: what promtool says, what exists from the start, what a scrape costs Prefect."""
import subprocess

from harness.fake.worker import Plan
from harness.waiting import wait_for

STATES = {"never_run", "scheduled", "running", "paused", "cancelling", "completed", "failed", "crashed", "cancelled"}
REASONS = {"failed", "crashed", "cancelled", "timed_out", "not_observed", "rejected", "lost"}


def lint(text: str) -> str:
    result = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True)
    return result.stdout + result.stderr


def test_promtool_finds_nothing(fake, start_on):
    failing = Plan(end="FAILED", message='it "broke"\\\n', tasks=[("explode", "FAILED", "boom")])
    agent = start_on(fake, deployments={"mailing/main": failing}, labels={"tier": 'go"ld\\'}, description="x")
    assert lint(agent.metrics().text) == ""
    agent.wait_ended(agent.trigger("daily"))
    reply = agent.send("GET", "/metrics")
    assert lint(reply.text) == ""
    assert reply.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"


def test_everything_exists_before_anything_happens(fake, start_on):
    agent = start_on(fake, {"name": "one", "run": "mailing/main"}, {"name": "seen", "observe": "mailing/main", "within": "1h"}, freshness="4d")
    metrics = agent.metrics()
    assert {dict(labels)["sendpost_state"] for labels in metrics.find("sendpost_state", sendpost="daily")} == STATES
    assert metrics.value("sendpost_state", sendpost="daily", sendpost_state="never_run") == 1
    assert metrics.sum("sendpost_state", sendpost="daily") == 1
    assert {dict(labels)["reason"] for labels in metrics.find("sendpost_run_failures_total", sendpost="daily")} == REASONS
    assert metrics.sum("sendpost_run_failures_total") == 0
    assert metrics.value("sendpost_last_success_timestamp_seconds", sendpost="daily") == 0
    assert metrics.value("sendpost_freshness_objective_seconds", sendpost="daily") == 345600
    for stage_name in ("one", "seen"):
        assert metrics.value("sendpost_stage_failures_total", sendpost="daily", stage_name=stage_name) == 0
        assert metrics.value("sendpost_stage_reference_ok", sendpost="daily", stage_name=stage_name) == 1
    assert metrics.find("sendpost_stage_info", sendpost="daily", stage_name="seen", kind="observe", deployment="mailing/main")
    assert metrics.value("sendpost_definition_error", file="daily.yaml") == 0
    assert metrics.value("process_start_time_seconds") > 0


def test_exactly_one_state_at_any_time(fake, start_on):
    agent = start_on(fake)
    run_id = agent.trigger("daily")

    def ended() -> bool:
        metrics = agent.metrics()
        assert metrics.sum("sendpost_state", sendpost="daily") == 1
        assert metrics.sum("sendpost_stage_state", sendpost="daily", stage_name="only") == 1
        return agent.run(run_id)["state"] == "completed"

    wait_for("the run ends", ended, interval=0.01)


def test_a_scrape_asks_prefect_nothing(fake, start_on):
    agent = start_on(fake)
    wait_for("the name is known", lambda: fake.requests("/deployments/"))
    fake.stop()
    for _ in range(50):
        assert agent.metrics().find("sendpost_info", sendpost="daily")


def test_series_go_when_the_sendpost_goes(fake, start_on):
    agent = start_on(fake)
    agent.define("other", "name: other\nstages:\n  - {name: only, run: mailing/main}\n")
    wait_for("it is there", lambda: agent.metrics().find("sendpost_info", sendpost="other"))
    (agent.definitions / "other.yaml").unlink()
    wait_for("it is gone", lambda: 'sendpost="other"' not in agent.metrics().text)
    assert agent.metrics().find("sendpost_info", sendpost="daily")


def test_without_state_sets(fake, start_on):
    agent = start_on(fake, settings={"metrics.stage_state_set": "false", "metrics.histograms": "false"})
    metrics = agent.metrics()
    assert not metrics.find("sendpost_stage_state") and metrics.find("sendpost_stage_state_code")
    assert not metrics.find("sendpost_run_duration_seconds_bucket")
