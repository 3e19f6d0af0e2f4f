# SPDX-License-Identifier: Apache-2.0
"""How Prefect is reached: TLS, proxies, addresses, and what must never go to anybody else."""
import socket
import threading
from typing import Iterator

import pytest

from harness.certificates import Authority
from harness.fake import FakePrefect
from harness.fake.worker import Plan
from harness.waiting import wait_for

PROXIES = ("http_proxy", "https_proxy", "all_proxy", "HTTPS_PROXY", "ALL_PROXY")


@pytest.fixture
def secure(authority) -> Iterator[FakePrefect]:
    """A Prefect with a certificate of the authority. Its store is filled directly: the test's own client speaks no TLS."""
    server = FakePrefect()
    server.tls = authority.server("IP:127.0.0.1")
    with server:
        yield server


def start(start_agent, fake: FakePrefect, settings: dict[str, str], **options):
    with fake.store.lock:
        _, flow = fake.store.flow_create("mailing")
        deployment = fake.store.deployment_create({"name": "main", "flow_id": flow["id"]})
    fake.worker.plan(deployment["id"], Plan())
    text = "name: daily\nstages:\n- {name: only, run: mailing/main}\n"
    return start_agent(fake.url, {"daily": text}, settings, **options)


def test_an_authority_that_is_trusted(secure, authority, start_agent):
    agent = start(start_agent, secure, {"prefect.ca_file": str(authority.certificate)})
    assert agent.wait_ended(agent.trigger("daily"))["state"] == "completed"
    assert agent.metrics().sum("sendpost_prefect_request_failures_total") == 0


def refused(agent) -> None:
    run_id = agent.trigger("daily")
    wait_for("it is refused", lambda: agent.metrics().sum("sendpost_prefect_request_failures_total", cause="tls") > 0)
    assert agent.metrics().value("sendpost_prefect_up") == 0
    assert "certificate" in agent.get("/v1/status")["prefect"]["error"].lower()
    assert agent.run(run_id)["state"] == "scheduled"


def test_an_authority_that_is_not(secure, tmp_path, start_agent):
    other = Authority(tmp_path, "other").create()
    refused(start(start_agent, secure, {"prefect.ca_file": str(other.certificate)}, environment={"PREFECT_API_KEY": "secret"}))
    assert secure.requests() == []


def test_the_systems_authorities_do_not_know_it(secure, start_agent):
    refused(start(start_agent, secure, {}))


def test_a_certificate_of_another_host(authority, start_agent):
    server = FakePrefect()
    server.tls = authority.server("DNS:elsewhere.example")
    with server:
        refused(start(start_agent, server, {"prefect.ca_file": str(authority.certificate)}, environment={"PREFECT_API_KEY": "secret"}))
        assert server.requests() == []


def test_unverified_is_warned_of(secure, start_agent):
    agent = start(start_agent, secure, {"prefect.insecure_skip_verify": "true"})
    assert agent.wait_ended(agent.trigger("daily"))["state"] == "completed"
    assert "level=warn" in agent.log() and "insecure_skip_verify" in agent.log()


def test_https_where_http_is_spoken(fake, start_on):
    agent = start_on(fake, settings={"prefect.api_url": fake.url.replace("http:", "https:")})
    wait_for("it is noticed", lambda: agent.metrics().sum("sendpost_prefect_request_failures_total", cause="tls") > 0)


@pytest.mark.parametrize("path", ["/api/", "/api//"])
def test_a_slash_at_the_end(fake, start_on, path):
    agent = start_on(fake, settings={"prefect.api_url": f"http://127.0.0.1:{fake.port}{path}"})
    assert agent.wait_ended(agent.trigger("daily"))["state"] == "completed"


def test_a_proxy_is_not_asked_about_this_machine(fake, start_on):
    with FakePrefect() as proxy:
        agent = start_on(fake, environment=dict.fromkeys(PROXIES, f"http://127.0.0.1:{proxy.port}"))
        assert agent.wait_ended(agent.trigger("daily"))["state"] == "completed"
        assert proxy.requests() == []


def test_a_proxy_of_the_environment(fake, start_on):
    """It gets the whole URL; the fake answers for that host."""
    settings = {"prefect.api_url": "http://prefect.invalid/api"}
    agent = start_on(fake, settings=settings, environment={"http_proxy": f"http://127.0.0.1:{fake.port}"})
    assert agent.wait_ended(agent.trigger("daily"))["state"] == "completed"
    assert {request.headers["host"] for request in fake.requests()} == {"prefect.invalid"}


def test_no_proxy(fake, start_on):
    settings = {"prefect.api_url": "http://prefect.invalid/api"}
    agent = start_on(fake, settings=settings, environment={"http_proxy": f"http://127.0.0.1:{fake.port}", "no_proxy": "prefect.invalid"})
    wait_for("it is noticed", lambda: agent.metrics().sum("sendpost_prefect_request_failures_total", cause="connect") > 0)
    assert fake.requests() == []


@pytest.fixture
def talker() -> Iterator[tuple[int, list[bytes]]]:
    """A port where each connection gets these bytes, over and over, whatever it says."""
    chunks: list[bytes] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def talk(connection: socket.socket) -> None:
        try:
            connection.recv(65536)
            connection.sendall(chunks[0])
            while len(chunks) > 1:
                connection.sendall(chunks[1])
        except OSError:
            pass
        finally:
            connection.close()

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=talk, args=(connection,), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    yield listener.getsockname()[1], chunks
    chunks.clear()
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()


@pytest.mark.parametrize("chunks", [
    [b"SSH-2.0-OpenSSH_9.2\r\n"],
    [b"HTTP/1.1 200 OK\r\n", b"X-Filler: " + b"x" * 1000 + b"\r\n"],
    [b"HTTP/1.1 100 Continue\r\n\r\n"] * 2,
], ids=["not-http", "endless-headers", "endless-interim-answers"])
def test_what_is_no_answer(talker, start_agent, chunks):
    port, said = talker
    said.extend(chunks)
    agent = start_agent(f"http://127.0.0.1:{port}/api", {"daily": "name: daily\nstages:\n- {name: only, run: mailing/main}\n"})
    run_id = agent.trigger("daily")
    wait_for("it is noticed", lambda: agent.metrics().sum("sendpost_prefect_request_failures_total", cause="body") > 0)
    assert agent.metrics().value("sendpost_prefect_up") == 0
    assert agent.run(run_id)["state"] == "scheduled"
