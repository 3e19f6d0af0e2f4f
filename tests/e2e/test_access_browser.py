# SPDX-License-Identifier: Apache-2.0
"""What a real browser lets pages do with an agent: its own, one of an origin that is allowed, and any other."""
import http.server
import threading

import pytest

from harness.tokens import Tokens
from harness.waiting import wait_for

ASK = """async ([url, options]) => {
  try {
    const reply = await fetch(url, options);
    return {status: reply.status, location: reply.headers.get('Location'), detail: (await reply.json()).detail};
  } catch (error) { return error.name; }
}"""
FOLLOW = """async ([url, token]) => {
  const reply = await fetch(url, {headers: {Authorization: `Bearer ${token}`}});
  const {value} = await reply.body.getReader().read();
  return new TextDecoder().decode(value);
}"""
CONNECT = """([url, protocols]) => new Promise(resolve => {
  const socket = new WebSocket(url, protocols);
  socket.onopen = () => resolve(`open, ${socket.protocol}`);
  socket.onclose = ({code}) => resolve(`closed, ${code}`);
})"""
SUBMIT = """url => {
  const form = document.createElement('form');
  form.method = 'POST'; form.action = url; form.enctype = 'text/plain';
  form.append(Object.assign(document.createElement('input'), {name: '{"reason":"', value: '"}'}));
  document.body.append(form);
  form.submit();
}"""


class Blank(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>a page</title><body>")

    def log_message(self, *arguments):
        pass


@pytest.fixture(scope="module")
def elsewhere():
    """The address of a page of another origin."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Blank)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def page(browser):
    context = browser.new_context()
    yield context.new_page()
    context.close()


@pytest.fixture
def tokens(tmp_path) -> Tokens:
    return Tokens(tmp_path / "tokens.yaml")


def socket_url(agent) -> str:
    return agent.url.replace("http", "ws") + "/v1/sendposts/daily/run/ws"


def count(agent, code: str) -> float:
    return agent.metrics().sum("sendpost_http_requests_total", handler="/v1/sendposts/{name}/run", code=code)


@pytest.fixture(params=["its own", "one that is allowed"])
def welcome(request, fake, start_on, tokens, page, elsewhere):
    """An agent that wants tokens, and a page that may use it."""
    agent = start_on(fake, settings={"http.tokens_file": str(tokens.path), "http.cors_origins": elsewhere})
    agent.token = tokens["operator"]
    page.goto(agent.url if request.param == "its own" else elsewhere)
    return agent


def test_the_page_comes_without_a_token_and_asks_for_it(fake, start_on, tokens, page):
    agent = start_on(fake, settings={"http.tokens_file": str(tokens.path)})
    assert page.goto(agent.url).status == 401
    page.get_by_role("dialog").get_by_role("textbox").fill(tokens["reader"])
    page.keyboard.press("Enter")
    page.get_by_role("link", name="daily").wait_for()
    program = agent.send("GET", "/", headers={"Authorization": ""})
    assert (program.status, program.headers["content-type"]) == (401, "application/problem+json")


def test_a_page_that_may(welcome, tokens, page):
    run = f"{welcome.url}/v1/sendposts/daily/run"
    send = {"method": "POST", "body": "{}", "headers": {"Content-Type": "application/json", "Idempotency-Key": "x"}}
    refused = page.evaluate(ASK, [run, send])
    assert (refused["status"], refused["detail"]) == (401, "this needs a token")
    send["headers"] |= tokens.header("operator")
    started = page.evaluate(ASK, [run, send])
    assert started["status"] == 202 and started["location"].startswith("/v1/runs/")
    assert page.evaluate(ASK, [f"{welcome.url}/v1/status", {"headers": tokens.header("metrics")}])["status"] == 403
    assert page.evaluate(FOLLOW, [f"{welcome.url}/v1/events", tokens["reader"]]).startswith(":")
    assert page.evaluate(CONNECT, [socket_url(welcome), ["sendpost", "sendpost.bearer." + tokens["reader"]]]) == "open, sendpost"
    for protocols in ([], ["sendpost"], ["sendpost", "sendpost.bearer.guess"]):
        assert page.evaluate(CONNECT, [socket_url(welcome), protocols]) == "closed, 1006"


def test_a_page_that_may_not(fake, start_on, page, elsewhere):
    """Of an agent that wants no token: the page must not even be able to start anything blindly."""
    agent = start_on(fake)
    page.goto(elsewhere)
    run = f"{agent.url}/v1/sendposts/daily/run"
    assert page.evaluate(ASK, [f"{agent.url}/v1/status", {}]) == "TypeError"
    blind = [{"method": "POST", "body": "{}", "mode": "no-cors"}, {"method": "POST", "body": "{}"},
             {"method": "POST", "body": "{}", "headers": {"Content-Type": "application/json"}}]
    for options in blind:
        assert page.evaluate(ASK, [run, options]) in ("TypeError", "SyntaxError")
    assert page.evaluate(CONNECT, [socket_url(agent), []]) == "closed, 1006"
    page.evaluate(SUBMIT, run)
    wait_for("all four are refused, one of them when the browser asked beforehand", lambda: count(agent, "403") == 4)
    assert agent.get("/v1/runs")["runs"] == []
    assert count(agent, "202") == 0
