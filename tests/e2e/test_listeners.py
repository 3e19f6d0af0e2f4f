# SPDX-License-Identifier: Apache-2.0
"""Several addresses, some for machines that watch alone; addresses that others reach; pages of other origins."""
import http.client
import socket

import pytest

from harness.http import free_port, request
from harness.tokens import Tokens

FRIEND = "https://dash.example"


@pytest.fixture
def tokens(tmp_path) -> Tokens:
    return Tokens(tmp_path / "tokens.yaml")


class LocalConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=20)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(str(self.path))


def ask_local(path, method, target, headers=None) -> int:
    connection = LocalConnection(path)
    connection.request(method, target, headers=headers or {})
    status = connection.getresponse().status
    connection.close()
    return status


def test_a_private_and_a_public_port(fake, start_on, tokens, tmp_path):
    public, local, second = free_port(), tmp_path / "socket", free_port()
    agent = start_on(fake, settings={"http.tokens_file": str(tokens.path), "http.metrics_listen": f"127.0.0.1:{public},127.0.0.1:{second}"})
    agent.settings["http.listen"] += f",unix:{local}"
    agent.restart()
    agent.token = tokens["operator"]
    authorized = agent.authorization()

    def status(method: str, path: str, headers: dict[str, str] | None = None, port: int = public) -> int:
        return request(method, f"http://127.0.0.1:{port}{path}", headers=headers).status

    for path in ("/metrics", "/-/healthy", "/-/ready"):
        assert status("GET", path) == status("GET", path, port=second) == agent.send("GET", path).status == 200
    assert (status("POST", "/-/reload"), status("POST", "/-/reload", authorized), status("POST", "/metrics")) == (401, 200, 405)
    for method, path in (("GET", "/v1/status"), ("POST", "/v1/sendposts/daily/run"), ("PUT", "/v1/runs"), ("GET", "/v1/events"), ("GET", "/")):
        assert status(method, path, authorized) == 404, path
    upgrade = {"Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}
    assert status("GET", "/v1/sendposts/daily/run/ws", authorized | upgrade) == 404
    assert agent.get("/v1/status")["caller"]["name"] == "the-operator"
    assert (ask_local(local, "GET", "/v1/status"), ask_local(local, "GET", "/v1/status", authorized)) == (401, 200)
    assert agent.wait_ended(agent.trigger("daily"))["state"] == "completed"


@pytest.mark.parametrize("name", ["http.listen", "http.metrics_listen"])
def test_others_reach_it_only_with_tokens_or_when_said(fake, start_on, tokens, name):
    agent = start_on(fake, settings={name: "0.0.0.0:0"}, ready=False)
    agent.launch()
    assert agent.wait_end() == 1
    assert f"'{name}': 0.0.0.0:0 can be reached from other machines: that needs http.tokens_file, or http.allow_anonymous: true" in agent.log()
    agent.settings[name] = f"0.0.0.0:{agent.port if name == 'http.listen' else free_port()}"
    agent.settings["http.tokens_file"] = str(tokens.path)
    agent.start()
    assert agent.send("GET", "/v1/status").status == 401
    agent.stop()
    agent.settings["http.tokens_file"] = ""
    agent.settings["http.allow_anonymous"] = "true"
    agent.start()
    assert agent.send("GET", "/v1/status").status == 200


def test_anonymous_callers_beside_tokens(fake, start_on, tokens):
    agent = start_on(fake, settings={"http.tokens_file": str(tokens.path), "http.allow_anonymous": "true"})
    assert agent.send("POST", "/-/reload").status == 200
    assert agent.send("POST", "/-/reload", headers=tokens.header("reader")).status == 403
    assert agent.send("GET", "/v1/status", headers={"Authorization": "Bearer wrong"}).status == 401
    assert "who sends no token may do everything" in agent.log()


def test_a_page_of_another_origin(fake, start_on, tokens):
    """As a browser would: it asks, then sends its token, and may read the answer."""
    agent = start_on(fake, settings={"http.tokens_file": str(tokens.path), "http.cors_origins": FRIEND})
    path, origin = "/v1/sendposts/daily/run", {"Origin": FRIEND}
    asked = agent.send("OPTIONS", path, headers=origin | {"Access-Control-Request-Method": "POST",
                                                          "Access-Control-Request-Headers": "authorization,content-type,idempotency-key"})
    assert asked.status == 204
    assert asked.headers["access-control-allow-origin"] == FRIEND
    allowed = {name.strip().lower() for name in asked.headers["access-control-allow-headers"].split(",")}
    assert {"authorization", "content-type", "idempotency-key", "last-event-id"} <= allowed
    started = agent.send("POST", path, {}, origin | tokens.header("operator"))
    assert (started.status, started.headers["access-control-allow-origin"]) == (202, FRIEND)
    assert "location" in started.headers["access-control-expose-headers"].lower()
    refused = agent.send("POST", path, {}, origin)
    assert (refused.status, refused.headers["access-control-allow-origin"]) == (401, FRIEND)
    forged = agent.send("POST", path, {}, {"Origin": "https://evil.example"} | tokens.header("operator"))
    assert forged.status == 403 and "access-control-allow-origin" not in forged.headers
    form = agent.send("POST", path, b"{}", origin | tokens.header("operator") | {"Content-Type": "text/plain"})
    assert form.status == 415
    rebound = agent.send("GET", "/v1/status", headers={"Host": "evil.example", "Origin": "http://evil.example"} | tokens.header("operator"))
    assert rebound.status == 403
