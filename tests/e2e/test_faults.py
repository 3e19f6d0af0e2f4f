# SPDX-License-Identifier: Apache-2.0
"""Prefect away, hanging, slow, refusing or lying: nothing fails, nothing advances, and it recovers by itself."""
import email.utils
import time

import pytest

from harness.agent import stage
from harness.fake import FakePrefect, faults
from harness.fake.server import basic
from harness.fake.worker import Plan
from harness.survival import check_one_flow_run_an_attempt
from harness.waiting import holds_for, wait_for

DEEP = b"[" * 5000
FAULTS = {
    "dropped": faults.drop_before,
    "reply-lost": faults.drop_after,
    "too-slow": faults.delay_after(3),
    "hanging": faults.delay_before(3),
    "trickle": faults.trickle,
    "truncated": faults.truncated,
    "not-json": faults.text(b"<html>Bad gateway</html>", "text/html"),
    "empty": faults.text(b""),
    "null": faults.text(b"null"),
    "wrong-type": faults.text(b'{"id": 5, "state": [], "detail": "no"}'),
    "number": faults.text(b"1e999"),
    "deep": faults.text(DEEP),
    "bad-utf8": faults.text(b'{"id": "\xff\xfe"}'),
    "endless": faults.endless,
    "500": faults.status(500),
    "500-processed": faults.status(500, processed=True),
    "502-text": faults.status(502, "bad gateway"),
    "503": faults.status(503, {"exception_message": "Service Unavailable"}, {"Retry-After": "1"}),
    "429": faults.too_many("1"),
    "429-nonsense": faults.too_many("soon"),
    "401": faults.status(401, {"exception_message": "Unauthorized"}),
    "403": faults.status(403, {"detail": "no"}),
    "408": faults.status(408),
    "425": faults.status(425),
    "407": faults.status(407),
    "404-of-a-proxy": faults.text(b"default backend - 404", "text/plain", 404),
    "503-nan": faults.status(503, headers={"Retry-After": "nan"}),
    "redirect": faults.redirect("http://127.0.0.1:1/api"),
}
FAILING = Plan(end="FAILED", message="broken", tasks=[("explode", "FAILED", "boom")], logs=[(40, "why")])
RESULT_PATHS = {"lookup": "/deployments/name/", "create": "/create_flow_run$", "poll": "/flow_runs/filter$"}


@pytest.mark.parametrize("where", RESULT_PATHS)
@pytest.mark.parametrize("name", FAULTS)
def test_nothing_fails(fake, start_on, where, name):
    fake.faults.add(FAULTS[name], path=RESULT_PATHS[where], count=2)
    agent = start_on(fake)
    run_id = agent.trigger("daily")
    run = agent.wait_ended(run_id, timeout=60)
    assert run["state"] == "completed", run["failure"]
    check_one_flow_run_an_attempt(agent, fake, [run_id])
    assert len(fake.store.flow_runs) == 1


@pytest.mark.parametrize("name", FAULTS)
def test_a_cancellation_gets_through(fake, start_on, name):
    agent = start_on(fake, deployments={"mailing/main": Plan(seconds=60)})
    run_id = agent.trigger("daily")
    agent.wait_stage(run_id, "only", "running")
    fake.faults.add(FAULTS[name], path="/set_state$", count=2)
    agent.cancel(run_id)
    assert agent.wait_ended(run_id, timeout=60)["state"] == "cancelled"


@pytest.mark.parametrize("where", ["/task_runs/filter$", "/logs/filter$"])
@pytest.mark.parametrize("name", FAULTS)
def test_a_failure_is_told_in_time(fake, start_on, where, name):
    """With half a report if need be: 10 s are its limit."""
    agent = start_on(fake, deployments={"mailing/main": FAILING})
    fake.faults.add(FAULTS[name], path=where, count=None)
    run = agent.wait_ended(agent.trigger("daily"), timeout=30)
    assert (run["state"], run["reason"], run["failure"]["message"]) == ("failed", "failed", "broken")


def test_away_when_triggered(fake, start_on):
    agent = start_on(fake)
    fake.stop()
    run_id = agent.trigger("daily")
    wait_for("it is noticed", lambda: agent.metrics().value("sendpost_prefect_up") == 0)
    holds_for("still to be started", lambda: agent.run(run_id)["state"] == "scheduled", 1)
    assert agent.send("GET", "/-/ready").status == 200
    assert agent.send("GET", "/v1/prefect/deployments").status == 502
    fake.start()
    assert agent.wait_ended(run_id, timeout=60)["state"] == "completed"
    wait_for("it is noticed", lambda: agent.metrics().value("sendpost_prefect_up") == 1)
    check_one_flow_run_an_attempt(agent, fake, [run_id])


def test_away_while_running(fake, start_on):
    agent = start_on(fake, {"name": "one", "run": "mailing/main"}, {"name": "two", "run": "mailing/main"},
                     deployments={"mailing/main": Plan(seconds=0.5)})
    run_id = agent.trigger("daily")
    agent.wait_stage(run_id, "one", "running")
    fake.stop()
    wait_for("it ends in Prefect", lambda: [run["state_type"] for run in fake.store.flow_runs.values()] == ["COMPLETED"])
    holds_for("still running for us", lambda: agent.run(run_id)["state"] == "running" and
              agent.metrics().value("sendpost_stage_state_code", sendpost="daily", stage_name="one") == 5, 1)
    fake.start()
    assert agent.wait_ended(run_id, timeout=60)["state"] == "completed"


def test_away_when_started(fake, start_on):
    agent = start_on(fake)
    run_id = agent.trigger("daily")
    agent.kill()
    fake.stop()
    agent.start()
    holds_for("it is still there", lambda: agent.run(run_id)["state"] in ("scheduled", "running"), 0.5)
    fake.start()
    assert agent.wait_ended(run_id, timeout=60)["state"] == "completed"
    check_one_flow_run_an_attempt(agent, fake, [run_id])


def test_dead_keep_alive(fake, start_on):
    """Each reused connection is cut when the next request arrives: libcurl sends it again by itself."""
    agent = start_on(fake, *({"name": f"s{number}", "run": "mailing/main"} for number in range(4)))
    fake.dead_keep_alive = 10
    run_id = agent.trigger("daily")
    assert agent.wait_ended(run_id, timeout=60)["state"] == "completed"
    check_one_flow_run_an_attempt(agent, fake, [run_id])
    assert len(fake.store.flow_runs) == 4


def test_resent_by_the_library_itself(fake, start_on):
    """Processed, then closed without a byte on a reused connection."""
    agent = start_on(fake)
    wait_for("the name is known", lambda: fake.requests("/deployments/"))
    fake.faults.add(faults.drop_after, path="/create_flow_run$", count=3)
    run_id = agent.trigger("daily")
    assert agent.wait_ended(run_id, timeout=60)["state"] == "completed"
    creates = fake.creates()
    assert len(creates) >= 4 and len({request.body["idempotency_key"] for request in creates}) == 1
    check_one_flow_run_an_attempt(agent, fake, [run_id])


@pytest.mark.parametrize("status", [200, 201])
def test_another_deployments_flow_run_is_never_adopted(fake, start_on, status):
    other = fake.deploy("mailing/other")
    stolen = fake.driver.create(other["id"]).json()
    fake.faults.add(faults.status(status, stolen), path="/create_flow_run$", count=None)
    agent = start_on(fake)
    run = agent.wait_ended(agent.trigger("daily"))
    assert (run["state"], run["reason"], stage(run, "only")["flow_run"]) == ("failed", "rejected", None)
    assert fake.store.flow_runs[stolen["id"]]["state_type"] == "SCHEDULED"


def test_a_collision_of_keys_with_another_deployment(fake, start_on):
    """As Prefect itself does it: the key belongs to the flow, and another deployment of that flow took it."""
    agent = start_on(fake, deployments={"mailing/main": None, "mailing/other": None})
    other = fake.store.deployment_named("mailing", "other")

    def steal(exchange) -> None:
        with fake.store.lock:
            fake.store.flow_run_create(other["id"], {"idempotency_key": fake.creates()[-1].body["idempotency_key"]})
        exchange.answer(*exchange.process())

    fake.faults.add(steal, path="/create_flow_run$")
    run = agent.wait_ended(agent.trigger("daily"))
    assert (run["state"], run["reason"]) == ("failed", "rejected")


@pytest.mark.parametrize("code", [400, 404, 405, 409, 410, 413, 422, 451])
def test_refused_for_good(fake, start_on, code):
    fake.faults.add(faults.status(code, {"detail": "because"}), path="/create_flow_run$", count=None)
    agent = start_on(fake)
    run = agent.wait_ended(agent.trigger("daily"))
    assert (run["state"], run["reason"]) == ("failed", "rejected")
    assert "because" in run["failure"]["message"]


def test_absent_once_is_not_lost(fake, start_on):
    agent = start_on(fake, deployments={"mailing/main": Plan(seconds=1.5)})
    run_id = agent.trigger("daily")
    agent.wait_stage(run_id, "only", "running")
    fake.faults.add(faults.changed(lambda runs: []), path="/flow_runs/filter$", count=1)
    assert agent.wait_ended(run_id)["state"] == "completed"


def test_flow_runs_that_nobody_asked_for_are_ignored(fake, start_on):
    agent = start_on(fake, deployments={"mailing/main": Plan(seconds=1)})
    stranger = fake.driver.create(fake.deploy("mailing/other")["id"]).json() | {"state_type": "FAILED"}
    fake.faults.add(faults.changed(lambda runs: [stranger, *runs, 5, None, {}]), path="/flow_runs/filter$", count=3)
    assert agent.wait_ended(agent.trigger("daily"))["state"] == "completed"


def test_unknown_members_and_states_are_no_problem(fake, start_on):
    agent = start_on(fake, deployments={"mailing/main": Plan(seconds=1)})
    fake.faults.add(faults.changed(lambda runs: [run | {"new_in_4": {"a": [1]}} for run in runs]), path="/flow_runs/filter$", count=3)
    unknown = faults.changed(lambda runs: [run | {"state_type": "PONDERING", "state": run["state"] | {"type": "PONDERING"}} for run in runs])
    fake.faults.add(unknown, path="/flow_runs/filter$", count=2)
    assert agent.wait_ended(agent.trigger("daily"))["state"] == "completed"


def test_retry_after_is_obeyed(fake, start_on):
    agent = start_on(fake, deployments={"mailing/main": Plan(seconds=60)})
    run_id = agent.trigger("daily")
    agent.wait_stage(run_id, "only", "running")
    rule = fake.faults.add(faults.too_many("2"), path="/flow_runs/filter$")
    wait_for("refused", lambda: rule.struck == 1)
    refused = next(request for request in fake.requests("/flow_runs/filter$") if request.status == 429)
    wait_for("asked again", lambda: [one for one in fake.requests("/flow_runs/filter$") if one.at > refused.at])
    following = min(one.at for one in fake.requests() if one.at > refused.at + 0.05)
    assert following - refused.at >= 1.9
    agent.cancel(run_id)


def test_a_date_to_retry_after_is_obeyed(fake, start_on):
    agent = start_on(fake, deployments={"mailing/main": Plan(seconds=60)})
    run_id = agent.trigger("daily")
    agent.wait_stage(run_id, "only", "running")
    rule = fake.faults.add(faults.too_many(email.utils.formatdate(time.time() + 4, usegmt=True)), path="/flow_runs/filter$")
    wait_for("refused", lambda: rule.struck == 1)
    refused = next(request for request in fake.requests("/flow_runs/filter$") if request.status == 429)
    wait_for("asked again", lambda: [one for one in fake.requests() if one.at > refused.at + 0.05])
    following = min(one.at for one in fake.requests() if one.at > refused.at + 0.05)
    assert 2 <= following - refused.at <= 6
    assert agent.metrics().value("sendpost_prefect_up") == 1


def test_people_are_told_at_once_while_nothing_may_leave(fake, start_on):
    agent = start_on(fake, deployments={"mailing/main": Plan(seconds=60)})
    agent.wait_stage(agent.trigger("daily"), "only", "running")
    rule = fake.faults.add(faults.too_many("60"), path="/flow_runs/filter$")
    wait_for("refused", lambda: rule.struck == 1)
    began = time.monotonic()
    wait_for("told", lambda: agent.send("GET", "/v1/prefect/deployments").status == 502)
    assert time.monotonic() - began < 10


def test_a_lower_limit_of_prefect_is_met_with_smaller_batches(fake, start_on):
    """PREFECT_API_DEFAULT_LIMIT=60 there."""
    def limited(exchange) -> None:
        if exchange.read_body().get("limit", 0) > 60:
            exchange.answer(422, {"detail": "Invalid limit: must be less than or equal to 60."})
        else:
            exchange.answer(*exchange.process())

    fake.faults.add(limited, path="/flow_runs/filter$", count=None)
    stages = [{"name": "all", "parallel": [{"name": f"s{number}", "run": "mailing/main"} for number in range(100)]}]
    agent = start_on(fake, *stages, deployments={"mailing/main": Plan(seconds=2)}, settings={"prefect.timeout": "20s"})
    assert agent.wait_ended(agent.trigger("daily"), timeout=60)["state"] == "completed"
    refused = [request for request in fake.requests("/flow_runs/filter$") if request.status == 422]
    assert 1 <= len(refused) <= 8  # it is remembered


def test_a_body_without_end_is_cut(fake, start_on):
    sent = []

    def endless(exchange) -> None:
        """As faults.endless, and counts."""
        exchange.raw(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
        chunk = b"10000\r\n" + b"[" * 65536 + b"\r\n"
        try:
            for _ in range(1 << 14):  # a gigabyte
                exchange.raw(chunk)
                sent.append(65536)
        except OSError:
            exchange.drop()

    agent = start_on(fake, settings={"prefect.timeout": "60s"}, deployments={"mailing/main": Plan(seconds=2)})
    rule = fake.faults.add(endless, path="/flow_runs/filter$")
    assert agent.wait_ended(agent.trigger("daily"), timeout=60)["state"] == "completed"
    assert rule.struck == 1 and (16 << 20) <= sum(sent) < (64 << 20)


def test_a_storm_of_errors_is_met_with_patience(fake, start_on):
    agent = start_on(fake, deployments={"mailing/main": Plan(seconds=60)})
    run_id = agent.trigger("daily")
    agent.wait_stage(run_id, "only", "running")
    fake.faults.add(faults.status(500), count=None)
    began = time.monotonic()
    holds_for("nothing fails", lambda: agent.run(run_id)["state"] == "running", 5)
    asked = [request for request in fake.requests() if request.at > began]
    assert 1 <= len(asked) <= 25
    metrics = agent.metrics()
    assert metrics.value("sendpost_prefect_up") == 0
    assert metrics.sum("sendpost_prefect_request_failures_total", cause="status_5xx") >= 3
    fake.faults.clear()
    wait_for("it recovers", lambda: agent.metrics().value("sendpost_prefect_up") == 1, timeout=60)
    agent.cancel(run_id)
    assert agent.wait_ended(run_id)["state"] == "cancelled"


def test_a_redirect_gets_nothing_of_ours(fake, start_on):
    with FakePrefect() as elsewhere:
        fake.faults.add(faults.redirect(f"{elsewhere.url}/flow_runs/filter"), path="/flow_runs/filter$", count=3)
        agent = start_on(fake, environment={"PREFECT_API_KEY": "secret-key"})
        assert agent.wait_ended(agent.trigger("daily"), timeout=60)["state"] == "completed"
        assert elsewhere.requests() == []
        assert agent.metrics().sum("sendpost_prefect_request_failures_total", cause="redirect") == 3
    assert "secret-key" not in agent.log()


def test_many_flow_runs_cost_few_requests(fake, start_on):
    stages = [{"name": "all", "parallel": [{"name": f"s{number}", "run": "mailing/main"} for number in range(250)]}]
    agent = start_on(fake, *stages, deployments={"mailing/main": Plan(seconds=600)}, settings={"prefect.poll.max": "500ms"})
    run_id = agent.trigger("daily")
    wait_for("all are running", lambda: agent.metrics().value("sendpost_flow_runs_watched") == 250, timeout=60)
    polls = [request.body["flow_runs"]["id"]["any_"] for request in fake.requests("/flow_runs/filter$") if "id" in request.body["flow_runs"]]
    assert max(len(ids) for ids in polls) <= 200
    began = time.monotonic()
    wait_for("a whole poll", lambda: len({identifier for request in fake.requests("/flow_runs/filter$") if request.at > began
                                          for identifier in request.body["flow_runs"]["id"]["any_"]}) == 250)
    agent.cancel(run_id)
    assert agent.wait_ended(run_id, timeout=60)["state"] == "cancelled"


def test_fat_flow_runs_are_read_in_smaller_batches(fake, start_on):
    """Twenty of a megabyte each are over the cap of one reply."""
    stages = [{"name": "all", "parallel": [{"name": f"s{number}", "run": "mailing/main"} for number in range(20)]}]
    agent = start_on(fake, *stages, deployments={"mailing/main": None}, settings={"prefect.timeout": "20s"})
    run_id = agent.trigger("daily")
    wait_for("all are there", lambda: len(fake.store.flow_runs) == 20)
    with fake.store.lock:
        for run in fake.store.flow_runs.values():
            run["parameters"] = {"fat": "x" * 1_000_000}
            fake.store.set_state(run["id"], {"type": "RUNNING"})
            fake.store.set_state(run["id"], {"type": "COMPLETED"})
    assert agent.wait_ended(run_id, timeout=90)["state"] == "completed"


def test_a_single_fat_flow_run_is_read_by_its_states(fake, start_on):
    agent = start_on(fake, deployments={"mailing/main": None}, settings={"prefect.timeout": "20s"})
    run_id = agent.trigger("daily")
    agent.wait_run(run_id, "knows its flow run", lambda run: stage(run, "only")["flow_run"])
    with fake.store.lock:
        run = next(iter(fake.store.flow_runs.values()))
        run["parameters"] = {"fat": "x" * 18_000_000}
        fake.store.set_state(run["id"], {"type": "RUNNING"})
        fake.store.set_state(run["id"], {"type": "COMPLETED"})
    assert agent.wait_ended(run_id, timeout=90)["state"] == "completed"
    assert fake.requests("/flow_run_states/")


@pytest.mark.parametrize("variable, value, header", [
    ("PREFECT_API_KEY", "key-1", "Bearer key-1"),
    ("PREFECT_API_AUTH_STRING", "user:pass", basic("user:pass")),
])
def test_credentials(fake, start_on, variable, value, header):
    fake.authorization = header
    agent = start_on(fake, environment={variable: value})
    assert agent.wait_ended(agent.trigger("daily"))["state"] == "completed"
    assert value not in agent.log() + agent.metrics().text + agent.send("GET", "/v1/status").text


def test_wrong_credentials_decide_nothing(fake, start_on, tmp_path):
    secret = tmp_path / "key"
    secret.write_text("old\n")
    fake.authorization = "Bearer new"
    agent = start_on(fake, settings={"prefect.api_key_file": str(secret)})
    run_id = agent.trigger("daily")
    wait_for("it is noticed", lambda: agent.metrics().sum("sendpost_prefect_request_failures_total", cause="auth") > 0)
    assert agent.metrics().value("sendpost_prefect_up") == 0
    assert agent.run(run_id)["state"] == "scheduled"
    secret.write_text("new\n")
    assert agent.wait_ended(run_id, timeout=60)["state"] == "completed"


def test_csrf(fake, start_on):
    fake.csrf = True
    agent = start_on(fake, {"name": "one", "run": "mailing/main"}, {"name": "two", "run": "mailing/main"})
    run_id = agent.trigger("daily")
    agent.wait_stage(run_id, "one", "completed")
    fake.csrf_tokens.clear()
    assert agent.wait_ended(run_id, timeout=60)["state"] == "completed"


def test_tokens_that_never_fit_are_no_success(fake, start_on):
    """403 for ever: it is said, nothing fails, and it is not asked all the time."""
    rule = fake.faults.add(faults.status(403, {"detail": "Invalid CSRF token or client identifier."}), path="/flow_runs/filter$|/create_flow_run$",
                           count=None)
    agent = start_on(fake)
    run_id = agent.trigger("daily")
    wait_for("it is noticed", lambda: agent.metrics().sum("sendpost_prefect_request_failures_total", cause="auth") > 0)
    wait_for("it is shown", lambda: agent.metrics().value("sendpost_prefect_up") == 0)
    assert agent.run(run_id)["state"] == "scheduled"
    before = rule.struck
    holds_for("with patience", lambda: rule.struck - before < 40, 2)
    fake.faults.clear()
    assert agent.wait_ended(run_id, timeout=60)["state"] == "completed"


def test_one_token_for_many_requests(fake, start_on):
    """While the new token is on its way, nothing leaves with the old one."""
    fake.csrf = True
    stages = [{"name": "all", "parallel": [{"name": f"s{number}", "run": "mailing/main"} for number in range(20)]}]
    agent = start_on(fake, *stages)
    assert agent.wait_ended(agent.trigger("daily"), timeout=60)["state"] == "completed"
    assert len(fake.requests("/csrf-token")) <= 2
    check_one_flow_run_an_attempt(agent, fake, [agent.get("/v1/runs")["runs"][0]["id"]])


def test_an_answer_about_another_deployment(fake, start_on):
    """Of the lookup by name: believed, it would start another flow."""
    other = fake.deploy("mailing/other")
    fake.faults.add(faults.status(200, other), path="/deployments/name/mailing/main$", count=2)
    agent = start_on(fake)
    assert agent.wait_ended(agent.trigger("daily"), timeout=60)["state"] == "completed"
    assert {run["deployment_id"] for run in fake.store.flow_runs.values()} == {fake.store.deployment_named("mailing", "main")["id"]}


def test_names_are_encoded(fake, start_on):
    agent = start_on(fake, {"name": "only", "run": "für alle/täglich #1?"}, deployments={"für alle/täglich #1?": Plan()})
    assert agent.wait_ended(agent.trigger("daily"))["state"] == "completed"


def test_custom_headers(fake, start_on):
    agent = start_on(fake, environment={"PREFECT_CLIENT_CUSTOM_HEADERS": '{"X-Team": "crm"}'})
    agent.wait_ended(agent.trigger("daily"))
    assert {request.headers.get("x-team") for request in fake.requests()} == {"crm"}


@pytest.mark.parametrize("dialect", ["3.8.8", "2.20.25"])
def test_only_what_both_versions_understand_is_sent(dialect, start_on):
    """The fake refuses unknown keys: no answer but the ones expected."""
    with FakePrefect(dialect) as fake:
        agent = start_on(fake, *({"name": name, "run": f"mailing/{name}"} for name in ("main", "bad")),
                         deployments={"mailing/main": Plan(), "mailing/bad": FAILING})
        agent.wait_ended(agent.trigger("daily"))
        assert agent.metrics().find("sendpost_prefect_info", version=dialect)
        assert {request.status for request in fake.requests() if "csrf" not in request.path} <= {200, 201}
        assert all("transfer-encoding" not in request.headers for request in fake.requests())
