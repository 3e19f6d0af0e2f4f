# SPDX-License-Identifier: Apache-2.0
"""Tokens and roles from outside: every route, what becomes of the file, and that no token is ever shown."""
import re
import signal
import sqlite3

import pytest

from harness.event_stream import EventStream
from harness.monitoring import Prometheus
from harness.tokens import ROLES, Tokens
from harness.waiting import wait_for
from harness.websocket import Refused, WebSocket

GUESS = {"Authorization": "Bearer sendpost_a-guess-that-is-wrong"}
LET_IN = {"metrics": {"metrics", "reader", "operator"}, "reader": {"reader", "operator"}, "operator": {"operator"}}
ANYBODY = ("/docs", "/pages/{page}/{file}", "/v1/openapi.json", "/-/healthy", "/-/ready")  # no page holds data: it asks for it with the token of who looks


@pytest.fixture
def tokens(tmp_path) -> Tokens:
    return Tokens(tmp_path / "tokens.yaml")


@pytest.fixture
def agent(fake, start_on, tokens):
    agent = start_on(fake, settings={"http.tokens_file": str(tokens.path), "http.metrics_requires_token": "true"})
    agent.token = tokens["operator"]
    return agent


def routes(agent) -> list[tuple[str, str]]:
    """Each has its own series, and says by its 405 what it takes."""
    handlers = {dict(labels)["handler"] for labels in agent.metrics().find("sendpost_http_requests_total")} - {"other"}
    found = []
    for handler in sorted(handlers):
        allow = agent.send("PATCH", re.sub(r"{\w+}", "something", handler)).headers["allow"]
        found += [(method, handler) for method in allow.split(", ")]
    assert len(found) > 30
    return found


def needed_role(method: str, handler: str) -> str:
    reads = method in ("GET", "HEAD") and handler != "/v1/backup"  # all that there is, in one file
    return "metrics" if handler == "/metrics" else "reader" if reads else "operator"


def test_every_route(agent, tokens):
    for method, handler in routes(agent):
        path = re.sub(r"{\w+}", "something", handler).replace("/v1/events", "/v1/events?after=x")
        callers = {"nobody": {"Authorization": ""}, "a guess": GUESS} | {role: tokens.header(role) for role in ROLES}
        statuses = {caller: agent.send(method, path, {} if method == "POST" else None, headers).status for caller, headers in callers.items()}
        if handler in ANYBODY or handler.endswith("/webhook"):
            assert not {401, 403} & set(statuses.values()), (method, handler, statuses)
            continue
        let_in = LET_IN[needed_role(method, handler)]
        assert (statuses["nobody"], statuses["a guess"]) == (401, 401), (method, handler)
        for role in ROLES:
            assert (statuses[role] not in (401, 403)) if role in let_in else statuses[role] == 403, (method, handler, role, statuses)


def test_refusals_say_what_is_missing(agent, tokens):
    missing, low = agent.send("GET", "/v1/status", headers={"Authorization": ""}), agent.send("POST", "/-/reload", headers=tokens.header("reader"))
    assert (missing.status, missing.headers["www-authenticate"]) == (401, 'Bearer realm="sendpost", error="invalid_token"')
    assert (low.status, low.headers["content-type"]) == (403, "application/problem+json")
    assert "insufficient_scope" in low.headers["www-authenticate"]
    assert low.json()["detail"] == "the token of the-reader has the role reader, and this needs operator"


def test_no_token_is_ever_shown(agent, tokens, tmp_path):
    """Wherever it was sent, right or wrong, whole or with too much."""
    secret = tokens["operator"]
    run = agent.wait_ended(agent.trigger("daily"))
    assert run["triggered_by"] == "the-operator"
    seen = [agent.send("GET", f"/v1/status?token={secret}").text]
    for header in (f"Basic {secret}", f"Bearer {secret}x", f"Bearer {secret} {secret}", secret, f"Bearer  {tokens['reader']}"):
        seen += [str(vars(agent.send(method, path, {}, {"Authorization": header}))) for method, path in
                 [("POST", f"/v1/runs/{run['id']}/retry"), ("GET", "/v1/status"), ("GET", "/metrics")]]
    for protocols in (f"sendpost, sendpost.bearer.{secret}", f"sendpost.bearer.{secret}x"):
        try:
            socket = WebSocket(agent, "/v1/sendposts/daily/run/ws", {"Sec-WebSocket-Protocol": protocols})
            seen.append(str(socket.headers))
            socket.close()
        except Refused as refused:
            seen.append(refused.text)
    for arguments in (("status",), ("status", "--json"), ("runs", "daily"), ("cancel", "daily")):
        for token in (secret, secret + "x"):
            result = agent.command_line(*arguments, token=token)
            seen.append(result.stdout + result.stderr)
    tokens.lines["broken"] = f"- {{name: {secret}, role: {secret}, sha256: {secret}, token: {secret}}}"
    tokens.write()
    agent.process.send_signal(signal.SIGHUP)
    wait_for("the broken file is noticed", lambda: agent.get("/v1/status")["tokens_error"])
    seen += [agent.send("GET", path).text for path in ("/v1/status", "/metrics", "/v1/runs", f"/v1/runs/{run['id']}", "/v1/sendposts/daily")]
    agent.stop()
    seen += [agent.log(), "".join(path.read_bytes().decode("latin-1") for path in agent.directory.glob("journal.db*"))]
    assert all("the-operator" in text for text in seen[-2:])
    for token in tokens.secrets.values():
        assert not [text for text in seen if token in text]


def test_who_did_what_is_kept(agent, tokens):
    run_id = agent.trigger("daily")
    agent.wait_ended(run_id)
    assert agent.send("POST", f"/v1/runs/{run_id}/cancel", {}).status == 409
    assert agent.send("POST", f"/v1/runs/{run_id}/cancel", {}, tokens.header("reader")).status == 403
    assert agent.send("POST", f"/v1/runs/{run_id}/cancel", {}, GUESS).status == 401
    retry = agent.send("POST", f"/v1/runs/{run_id}/retry", {}).json()["id"]
    assert agent.send("POST", f"/v1/runs/{run_id}/retry", {}).status == 409
    wanted = [("the-operator", "run daily", run_id, 202), ("the-operator", "cancel", run_id, 409), ("the-reader", "cancel", run_id, 403),
              ("the-operator", "retry", run_id, 202), ("the-operator", "retry", run_id, 409)]

    def kept() -> list[tuple]:
        with sqlite3.connect(f"file:{agent.journal}?mode=ro", uri=True) as journal:
            return journal.execute("SELECT who, what, run, status FROM audit ORDER BY rowid").fetchall()

    wait_for("the journal has them", lambda: kept() == wanted)
    assert re.search(rf"message=request who=the-operator address=127.0.0.1 what=retry run={run_id} made={retry} status=202", agent.log())
    assert re.search(rf"message=request who=127.0.0.1 address=127.0.0.1 what=cancel run={run_id} status=401", agent.log())


def test_another_file_counts_at_once(agent, tokens):
    old = agent.token
    stream = WebSocket(agent, "/v1/sendposts/daily/run/ws", tokens.header("reader"))
    new = tokens.add("operator")
    del tokens.lines["the-reader"]
    tokens.write()
    agent.process.send_signal(signal.SIGHUP)
    wait_for("the new token is known", lambda: agent.send("GET", "/v1/status", headers={"Authorization": f"Bearer {new}"}).status == 200)
    assert agent.send("GET", "/v1/status", headers={"Authorization": f"Bearer {old}"}).status == 401
    assert agent.send("GET", "/v1/status", headers=tokens.header("reader")).status == 401
    assert list(stream.events()) == []  # and it ends
    stream.close()


def test_a_change_is_noticed_by_itself(agent, tokens):
    new = tokens.add("operator")
    tokens.write()
    wait_for("the new token is known", lambda: agent.send("GET", "/v1/status", headers={"Authorization": f"Bearer {new}"}).status == 200)


def test_a_broken_file_keeps_the_last_good_one_and_alarms(agent, tokens):
    tokens.path.write_text("- {name: half")
    reply = agent.send("POST", "/-/reload")
    assert (reply.status, "the tokens cannot be read, the last ones stay" in reply.json()["detail"]) == (422, True)
    assert agent.get("/v1/status")["tokens_error"].startswith(f"{tokens.path}:1:")
    assert "tokens_unreadable" in agent.command_line("status", token=tokens["reader"]).stdout
    assert agent.metrics().value("sendpost_tokens_last_reload_successful") == 0
    tokens.write()
    assert agent.send("POST", "/-/reload").status == 200
    assert agent.metrics().value("sendpost_tokens_last_reload_successful") == 1
    assert agent.metrics().value("sendpost_tokens_loaded") == 3
    assert agent.get("/v1/status")["tokens_error"] is None


def test_others_who_may_write_to_it_are_warned_of(agent, tokens):
    tokens.path.chmod(0o666)
    wait_for("the log says so", lambda: "others than its owner may write to it" in agent.log())


@pytest.mark.parametrize("text", ["", "- {name: a}\n"])
def test_a_broken_file_at_the_start(fake, start_on, tmp_path, text):
    path = tmp_path / "tokens.yaml"
    path.write_text(text)
    agent = start_on(fake, settings={"http.tokens_file": str(path)}, ready=False)
    agent.launch()
    assert agent.wait_end() == 1
    assert f"http.tokens_file: {path}:1:" in agent.log()


def test_who_one_is(agent, tokens):
    assert agent.get("/v1/status")["caller"] == {"name": "the-operator", "role": "operator"}
    assert agent.send("GET", "/v1/status", headers=tokens.header("reader")).json()["caller"] == {"name": "the-reader", "role": "reader"}


def test_a_real_prometheus_with_its_token(agent, tokens, tmp_path):
    """Which it reads anew when it changes, so that it can be exchanged."""
    file = tmp_path / "prometheus.token"
    file.write_text("guess")
    with Prometheus(tmp_path / "prometheus", "groups: []", token_file=file) as prometheus:
        prometheus.aim(agent.url)
        wait_for("it is refused", lambda: [one["value"][1] for one in prometheus.query("up")] == ["0"])
        file.write_text(tokens["metrics"])
        wait_for("it scrapes", lambda: [one["value"][1] for one in prometheus.query("sendpost_tokens_loaded")] == ["3"])


def test_events_are_followed_with_a_token(agent):
    stream = EventStream(agent).wait_connected()
    run_id = agent.trigger("daily")
    stream.wait_state(run_id, "completed")
    stream.close()
