# SPDX-License-Identifier: Apache-2.0
"""/metrics from outside: what promtool says, what exists from the start, what a scrape costs Prefect."""
import gzip
import subprocess
import time

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from harness.definitions import sendpost
from harness.fake import faults
from harness.fake.worker import Plan
from harness.monitoring import Prometheus
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


OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
TEXT = "text/plain; version=0.0.4; charset=utf-8"
AS_PROMETHEUS = {"Accept": "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
                 "Accept-Encoding": "gzip"}


def openmetrics(agent) -> dict:
    """Family by name, as a parser reads it that refuses what the specification does not allow."""
    reply = agent.send("GET", "/metrics", headers={"Accept": OPENMETRICS})
    assert reply.headers["content-type"] == OPENMETRICS
    return {family.name: family for family in text_string_to_metric_families(reply.text)}


def test_openmetrics_by_a_strict_parser(fake, start_on):
    failing = Plan(end="FAILED", message="no", tasks=[("explode", "FAILED", "boom")])
    agent = start_on(fake, deployments={"mailing/main": failing}, labels={"tier": 'go"ld\\'}, description="x")
    families = openmetrics(agent)
    assert families["sendpost"].type == "info" and families["sendpost_state"].type == "stateset"
    assert families["sendpost_runs"].type == "counter" and families["process_cpu_seconds"].unit == "seconds"
    assert families["sendpost_run_duration_seconds"].unit == "seconds"
    agent.wait_ended(agent.trigger("daily"))
    assert openmetrics(agent).keys() == families.keys()
    samples = {sample.name for family in families.values() for sample in family.samples}
    assert not [name for name in samples if name.endswith("_created")]


def test_both_formats_say_the_same(fake, start_on):
    agent = start_on(fake)
    names = {name for name, _ in agent.metrics().samples}
    assert {sample.name for family in openmetrics(agent).values() for sample in family.samples} == names


def test_exemplars_are_the_newest_completed_runs(fake, start_on):
    agent = start_on(fake)
    began = time.time()
    _, run = (agent.wait_ended(agent.trigger("daily")) for _ in range(2))
    buckets = [sample for sample in openmetrics(agent)["sendpost_run_duration_seconds"].samples if sample.exemplar]
    assert [(bucket.labels["le"], bucket.exemplar.labels) for bucket in buckets] == [("5.0", {"run_id": run["id"]})]
    assert buckets[0].exemplar.value == run["duration_seconds"]
    assert began - 1 < float(buckets[0].exemplar.timestamp) < time.time() + 1


@pytest.mark.parametrize("headers, media_type, encoding", [
    ({}, TEXT, None),
    ({"Accept": "*/*", "Accept-Encoding": "identity"}, TEXT, None),
    (AS_PROMETHEUS, OPENMETRICS, "gzip"),
    ({"Accept": "application/openmetrics-text;q=0.4, text/plain;q=0.5", "Accept-Encoding": "gzip;q=0"}, TEXT, None),
    ({"Accept-Encoding": "br, gzip;q=0.1"}, TEXT, "gzip"),
], ids=["nothing", "curl", "Prometheus", "rather not", "gzip"])
def test_what_was_asked_for(fake, start_on, headers, media_type, encoding):
    agent = start_on(fake)
    replies = [agent.send(method, "/metrics", headers=headers) for method in ("GET", "HEAD")]
    for reply in replies:
        assert reply.status == 200 and reply.headers["content-type"] == media_type
        assert reply.headers.get("content-encoding") == encoding
        assert reply.headers["vary"] == "Accept, Accept-Encoding"
    body = gzip.decompress(replies[0].body) if encoding else replies[0].body
    assert body.endswith(b"\n# EOF\n") == (media_type == OPENMETRICS)
    assert b"\nsendpost_enabled{sendpost=\"daily\"} 1\n" in body and not replies[1].body


def test_a_large_body_is_not_compressed(fake, start_on):
    agent = start_on(fake)
    for number in range(10):
        stages = [{"name": f"stage-{i}", "run": "mailing/main"} for i in range(100)]
        agent.define(f"wide-{number}", sendpost(f"wide-{number}", *stages))
    wait_for("they are loaded", lambda: agent.get("/v1/status")["counts"]["sendposts"] == 11)
    reply = agent.send("GET", "/metrics", headers=AS_PROMETHEUS)
    assert len(reply.body) > 1024 * 1024 and "content-encoding" not in reply.headers
    assert reply.text.endswith("\n# EOF\n")


def test_a_real_prometheus_stores_it(fake, start_on, tmp_path):
    """With its own Accept; exemplars come only by OpenMetrics."""
    agent = start_on(fake)
    run = agent.wait_ended(agent.trigger("daily"))
    with Prometheus(tmp_path / "prometheus", "groups: []") as prometheus:
        prometheus.aim(agent.url)
        wait_for("a completed run is stored", lambda: prometheus.query('sendpost_runs_total{trigger="api"} == 1'))
        stored = {series["__name__"] for series in prometheus.get("/api/v1/series?match[]={job='sendpost'}")["data"]}
        assert {name for name, _ in agent.metrics().samples} <= stored
        exemplars = prometheus.get(f"/api/v1/query_exemplars?query=sendpost_run_duration_seconds_bucket&start=0&end={time.time() + 60}")["data"]
        assert [exemplar["labels"] for series in exemplars for exemplar in series["exemplars"]] == [{"run_id": run["id"]}]
        assert prometheus.get("/api/v1/metadata?metric=sendpost_state")["data"]["sendpost_state"][0]["type"] == "stateset"
        assert "level=warn" not in prometheus.log()


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


@pytest.mark.parametrize("fault, cause", [
    (faults.drop_before, "connect"),
    (faults.delay_before(3), "timeout"),
    (faults.redirect("http://127.0.0.1:1/"), "redirect"),
    (faults.status(401), "auth"),
    (faults.status(403), "auth"),
    (faults.status(422), "status_4xx"),
    (faults.too_many("1"), "status_429"),
    (faults.status(503), "status_5xx"),
    (faults.text(b"<html>"), "body"),
    (faults.truncated, "body"),
    (faults.endless, "body"),
], ids=["dropped", "late", "redirect", "401", "403", "422", "429", "503", "no json", "truncated", "endless"])
def test_each_failure_has_one_cause(fake, start_on, fault, cause):
    agent = start_on(fake)
    endpoint = "/deployments/filter"
    wait_for("the agent has looked at its deployments", lambda: agent.metrics().value("sendpost_prefect_requests_total", endpoint=endpoint) == 1)
    fake.faults.add(fault, path=f"{endpoint}$", count=None)  # libcurl asks again after a dead keep-alive connection
    assert agent.send("GET", "/v1/prefect/deployments").status == 502
    metrics = agent.metrics()
    failures = metrics.find("sendpost_prefect_request_failures_total", endpoint=endpoint)
    assert {dict(labels)["cause"]: value for labels, value in failures.items() if value} == {cause: 1}
    assert metrics.value("sendpost_prefect_requests_total", endpoint=endpoint) == 2
    assert metrics.value("sendpost_prefect_request_duration_seconds_count", endpoint=endpoint) == 2


def test_no_answer_and_no_tls_have_their_causes(fake, start_on):
    """Nobody listens; somebody listens who does not speak TLS."""
    plain = fake.url.replace("http://", "https://")
    agent = start_on(fake, settings={"prefect.api_url": plain})
    wait_for("it is noticed", lambda: agent.metrics().sum("sendpost_prefect_request_failures_total", cause="tls") > 0)
    assert agent.metrics().value("sendpost_prefect_up") == 0
    fake.stop()
    wait_for("it is noticed", lambda: agent.metrics().sum("sendpost_prefect_request_failures_total", cause="connect") > 0, timeout=60)


def test_the_last_failure_is_told_until_a_success(fake, start_on):
    failing = Plan(end="FAILED", message="no", tasks=[("explode", "FAILED", "boom")])
    agent = start_on(fake, deployments={"mailing/main": failing})
    _, second = (agent.wait_ended(agent.trigger("daily"))["id"] for _ in range(2))
    agent.restart()
    metrics = agent.metrics()
    assert metrics.value("sendpost_last_failure_info", sendpost="daily", stage_name="only", task="explode", reason="failed") == 1
    assert [dict(labels)["run_id"] for labels in metrics.find("sendpost_last_failure_run_info", sendpost="daily")] == [second]
    assert metrics.value("sendpost_run_failures_total", sendpost="daily", reason="failed") == 2
    assert metrics.value("sendpost_last_failure_timestamp_seconds", sendpost="daily") > 0
    fake.deploy("mailing/main", Plan())
    agent.wait_ended(agent.trigger("daily"))
    metrics = agent.metrics()
    assert not metrics.find("sendpost_last_failure_info") and not metrics.find("sendpost_last_failure_run_info")
    assert metrics.value("sendpost_run_failures_total", sendpost="daily", reason="failed") == 2


def test_requests_are_counted_by_route_and_code(fake, start_on):
    agent = start_on(fake)
    etag = agent.send("GET", "/v1/sendposts/daily/definition").headers["etag"]
    agent.send("GET", "/v1/sendposts/daily/definition", headers={"If-None-Match": etag})
    agent.send("GET", "/v1/sendposts/nothing/definition")
    agent.send("GET", "/nothing")
    metrics = agent.metrics()
    definition = "/v1/sendposts/{name}/definition"
    for code in ("200", "304", "404"):
        assert metrics.value("sendpost_http_requests_total", handler=definition, code=code) == 1
    assert metrics.value("sendpost_http_requests_total", handler="other", code="404") == 1
    assert metrics.value("sendpost_http_request_duration_seconds_count", handler=definition) == 3
