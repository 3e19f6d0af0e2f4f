# SPDX-License-Identifier: Apache-2.0
"""Signed triggers from outside: who may start what, and that one signed request is one run whatever happens in between."""
import hmac
import http.client
import re
import sqlite3
import subprocess
import sys
import threading
import time

import pytest

from harness.fake.worker import Plan
from harness.paths import ROOT
from harness.waiting import wait_for

HANDLER = "/v1/sendposts/{name}/webhook"
SECRET = "the first secret of this test"


def signed(body=b"{}", secret=SECRET, at=None):
    """The headers of a body that is sent now, or at another time."""
    timestamp = str(int(time.time() if at is None else at))
    digits = hmac.new(secret.encode(), timestamp.encode() + b"." + body, "sha256").hexdigest()
    return {"X-Sendpost-Timestamp": timestamp, "X-Sendpost-Signature": f"sha256={digits}"}


def send(agent, body=b"{}", headers=None, name="daily"):
    return agent.send("POST", f"/v1/sendposts/{name}/webhook", body, signed(body) if headers is None else headers)


def accepted(reply, status=202):
    """The run's id."""
    assert reply.status == status, reply.text
    return reply.json()["id"]


def refused(reply, status):
    assert reply.status == status, reply.text
    assert reply.headers["content-type"] == "application/problem+json"
    return reply.json()


def write_secret(agent, secret):
    draft = agent.directory / "secret.draft"
    draft.write_text(secret + "\n")
    draft.rename(agent.directory / "secret")


@pytest.fixture
def agent(fake, start_on):
    """Its secret lies beside the directory of definitions."""
    agent = start_on(fake, deployments={"mailing/main": Plan(seconds=0.1)}, concurrency="queue", parameters={"limit": 1},
                     webhook={"secret_file": "../secret"})
    write_secret(agent, SECRET)
    return agent


def run_count(agent):
    return len(agent.get("/v1/runs?limit=200")["runs"])


def test_right(agent):
    body = b'{"reason": "a push", "parameters": {"limit": 3}}'
    run = agent.wait_ended(accepted(send(agent, body)))
    assert (run["state"], run["trigger"], run["trigger_reason"], run["parameters"]) == ("completed", "webhook", "a push", {"limit": 3})
    metrics = agent.metrics()
    assert metrics.value("sendpost_runs_total", sendpost="daily", trigger="webhook") == 1
    assert metrics.value("sendpost_http_requests_total", handler=HANDLER, code="202") == 1
    agent.stop()
    with sqlite3.connect(agent.journal) as journal:
        assert journal.execute("SELECT what, run, status FROM audit").fetchall() == [("webhook daily", run["id"], 202)]


def test_no_body_and_any_bytes(agent):
    """What is signed is what came, not what it means."""
    accepted(agent.send("POST", "/v1/sendposts/daily/webhook", headers=signed(b"")))
    refused(send(agent, b" {}", signed(b"{}")), 401)
    refused(send(agent, b"\x00\xff"), 400)


def test_all_faults_of_a_signature_look_the_same(agent):
    now = time.time()
    right = signed()
    faults = {
        "missing": {},
        "no timestamp": {"X-Sendpost-Signature": right["X-Sendpost-Signature"]},
        "no signature": {"X-Sendpost-Timestamp": right["X-Sendpost-Timestamp"]},
        "garbled": right | {"X-Sendpost-Signature": right["X-Sendpost-Signature"][:-1]},
        "of another scheme": right | {"X-Sendpost-Signature": right["X-Sendpost-Signature"].replace("sha256", "sha1")},
        "with another secret": signed(secret="a guess"),
        "of another body": signed(b'{"paused": true}'),
        "of another second": right | {"X-Sendpost-Timestamp": str(int(right["X-Sendpost-Timestamp"]) - 1)},
        "too late": signed(at=now - 310),
        "too early": signed(at=now + 310),
        "in milliseconds": signed(at=now * 1000),
    }
    replies = {fault: send(agent, headers=headers) for fault, headers in faults.items()}
    assert {fault: reply.status for fault, reply in replies.items()} == dict.fromkeys(faults, 401)
    assert len({(reply.body, reply.headers["www-authenticate"], reply.headers["content-type"]) for reply in replies.values()}) == 1
    assert run_count(agent) == 0
    wait_for("the log has all of them", lambda: agent.log().count("webhook refused") == len(faults))
    assert agent.metrics().value("sendpost_http_requests_total", handler=HANDLER, code="401") == len(faults)


def test_a_clock_that_is_minutes_off(agent):
    assert accepted(send(agent, headers=signed(at=time.time() - 280))) != accepted(send(agent, headers=signed(at=time.time() + 280)))


def test_no_webhook_is_as_no_sendpost(agent):
    agent.define("plain", "name: plain\nstages:\n  - {name: only, run: mailing/main}\n")
    agent.restart()
    plain, nothing = refused(send(agent, name="plain"), 404), refused(send(agent, name="nothing"), 404)
    assert plain["detail"].replace("plain", "nothing") == nothing["detail"]
    reply = agent.send("GET", "/v1/sendposts/daily/webhook")
    assert (reply.status, reply.headers["allow"]) == (405, "POST")


def test_repeated(agent):
    headers = signed()
    first = accepted(send(agent, headers=headers))
    assert accepted(send(agent, headers=headers), 200) == first
    upper = headers | {"X-Sendpost-Signature": "sha256=" + headers["X-Sendpost-Signature"][7:].upper()}
    assert accepted(send(agent, headers=upper), 200) == first
    assert accepted(send(agent, headers=headers | {"Idempotency-Key": "added on the way"}), 200) == first
    agent.restart()
    assert accepted(send(agent, headers=headers), 200) == first
    agent.wait_ended(first)
    assert accepted(send(agent, headers=headers), 200) == first
    assert run_count(agent) == 1


def test_killed_before_the_answer(agent):
    """What was sent at a kill is sent again until it is answered: each signed request is one run."""
    requests = [signed(b'{"reason": "%d"}' % number) for number in range(30)]
    answers = {}

    def answered(number):
        try:
            reply = send(agent, b'{"reason": "%d"}' % number, requests[number])
        except (OSError, http.client.HTTPException):
            return False
        assert reply.status in (200, 202), reply.text
        answers[number] = reply.json()["id"]
        return True

    def deliver(number):
        wait_for(f"request {number} is answered", lambda: answered(number), 60)

    senders = [threading.Thread(target=deliver, args=(number,)) for number in range(len(requests))]
    for sender in senders:
        sender.start()
    wait_for("some are answered", lambda: len(answers) >= 5, interval=0.001)
    agent.restart()
    for sender in senders:
        sender.join(60)
    for number, run_id in answers.items():
        assert accepted(send(agent, b'{"reason": "%d"}' % number, requests[number]), 200) == run_id
    assert len(set(answers.values())) == len(requests) == run_count(agent)


def test_at_the_same_time(agent):
    headers, replies = signed(), []
    senders = [threading.Thread(target=lambda: replies.append(send(agent, headers=headers))) for _ in range(8)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join(30)
    assert sorted(reply.status for reply in replies) == [200] * 7 + [202]
    assert len({reply.json()["id"] for reply in replies}) == 1


def test_two_bodies_in_one_second(agent):
    at = time.time()
    bodies = (b'{"reason": "one"}', b'{"reason": "two"}')
    assert len({accepted(send(agent, body, signed(body, at=at))) for body in bodies}) == 2


def test_idempotency_keys(agent):
    now = time.time()
    body, other = b'{"idempotency_key": "k"}', b'{"idempotency_key": "k", "reason": "another"}'
    first = accepted(send(agent, body))
    assert accepted(send(agent, body, signed(body, at=now - 5)), 200) == first
    assert refused(send(agent, other), 422)["run"] == first
    refused(send(agent, body, signed(body) | {"Idempotency-Key": "another"}), 400)
    assert agent.trigger("daily", idempotency_key="k") != first


def test_a_key_taken_away(agent):
    """A header is not signed: without it, the second request is still known."""
    key, now = {"Idempotency-Key": "k"}, time.time()
    first = accepted(send(agent, headers=signed(at=now) | key))
    again = signed(at=now - 5)
    assert accepted(send(agent, headers=again | key), 200) == first
    agent.restart()
    assert accepted(send(agent, headers=again), 200) == first


def test_disabled(agent):
    headers = signed()
    text = (agent.definitions / "daily.yaml").read_text()
    agent.define("daily", text + "enabled: false\n")
    agent.restart()
    assert refused(send(agent, headers=headers), 409)["enabled"] is False
    assert agent.metrics().value("sendpost_triggers_refused_total", sendpost="daily", cause="disabled") == 1
    agent.define("daily", text)
    agent.restart()
    accepted(send(agent, headers=headers))


def test_forbidden_while_active(fake, start_on):
    agent = start_on(fake, deployments={"mailing/main": Plan(seconds=60)}, webhook={"secret_file": "../secret"})
    write_secret(agent, SECRET)
    active, second = accepted(send(agent)), b'{"reason": "second"}'
    assert refused(send(agent, second), 409)["active_run"] == active
    assert agent.metrics().value("sendpost_triggers_refused_total", sendpost="daily", cause="running") == 1


def test_the_secret_changes(agent):
    accepted(send(agent))
    write_secret(agent, "the second secret")
    body = b'{"reason": "after the change"}'
    refused(send(agent, body), 401)
    accepted(send(agent, body, signed(body, "the second secret")))


@pytest.mark.parametrize("content", [None, "", "two\nlines", "long" * 5000], ids=["absent", "empty", "two lines", "too long"])
def test_no_secret_that_can_be_used(agent, content):
    """Not the sender's fault: it may send the same request again."""
    headers = signed()
    (agent.directory / "secret").unlink() if content is None else write_secret(agent, content)
    reply = send(agent, headers=headers)
    assert "retry-after" in reply.headers and str(agent.directory) not in refused(reply, 503)["detail"]
    wait_for("the log names the file", lambda: f"{agent.directory}/sendposts/../secret" in agent.log())
    write_secret(agent, SECRET)
    accepted(send(agent, headers=headers))


def test_rate_limit_and_foreign_host(fake, start_on):
    agent = start_on(fake, settings={"http.rate_limit.requests_per_second": "1", "http.rate_limit.burst": "3"},
                     webhook={"secret_file": "../secret"})
    assert send(agent, headers=signed() | {"Host": "rebound.example"}).status == 403
    replies = [send(agent, headers={}) for _ in range(6)]
    assert 429 in {reply.status for reply in replies}


def test_full_disk(agent):
    headers = signed()
    agent.fill_disk()
    assert "retry-after" in send(agent, headers=headers).headers
    agent.fill_disk(False)
    wait_for("the journal is written again", lambda: send(agent, headers=headers).status != 503)
    accepted(send(agent, headers=headers), 200)


def test_the_secret_is_nowhere(agent):
    run_id = accepted(send(agent))
    send(agent, headers=signed(secret="a guess"))
    agent.wait_ended(run_id)
    paths = ("/v1/status", "/v1/sendposts", "/v1/sendposts/daily", "/v1/sendposts/daily/definition", "/v1/runs", f"/v1/runs/{run_id}", "/metrics")
    for path in paths:
        assert SECRET not in agent.send("GET", path).text, path
    agent.stop()
    assert SECRET not in agent.log()
    for file in agent.directory.rglob("journal.db*"):
        assert SECRET.encode() not in file.read_bytes(), file


def examples():
    text = (ROOT / "docs" / "webhooks.md").read_text()
    return re.findall(r"```(sh|python)\n(.*?)```", text, re.S)


@pytest.mark.parametrize("language, text", examples(), ids=[language for language, _ in examples()])
def test_examples_of_the_documentation(agent, language, text):
    agent.define("daily-mailing", "name: daily-mailing\nparameters: {audience: all}\nwebhook: {secret_file: ../secret}\n"
                                  "stages:\n  - {name: only, run: mailing/main}\n")
    agent.restart()
    here = text.replace("http://localhost:9847", agent.url).replace("/run/secrets/daily-mailing", str(agent.directory / "secret"))
    assert agent.url in here and str(agent.directory) in here
    interpreter = {"sh": ["sh", "-euc"], "python": [sys.executable, "-c"]}[language]
    result = subprocess.run([*interpreter, here], capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stdout + result.stderr
    assert [(run["trigger"], run["sendpost"]) for run in agent.get("/v1/runs")["runs"]] == [("webhook", "daily-mailing")]


def test_check_warns_of_a_secret_that_is_absent(agent):
    (agent.directory / "secret").unlink()
    check = ("check", "--config", "agent.yaml")
    assert "warning: the file '../secret' does not exist here" in agent.command_line(*check).stdout
    write_secret(agent, SECRET)
    assert "warning:" not in agent.command_line(*check).stdout
