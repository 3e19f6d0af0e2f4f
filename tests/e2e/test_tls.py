# SPDX-License-Identifier: Apache-2.0
"""Listeners that speak TLS: with whom, with which certificate, and what becomes of it when it is renewed."""
import itertools
import os
import re
import resource
import shutil
import socket
import ssl
import time
from datetime import datetime
from pathlib import Path

import pytest

from harness.agent import Agent
from harness.certificates import Authority, Pair, openssl
from harness.fake.worker import Plan
from harness.http import request
from harness.waiting import wait_for

EXPIRY = "sendpost_http_certificate_expiry_timestamp_seconds"
GOOD = "sendpost_http_certificate_last_reload_successful"
FAILED_HANDSHAKES = "sendpost_http_tls_handshake_failures_total"


@pytest.fixture
def agent(fake, start_on, authority) -> Agent:
    return start_on(fake, authority=authority)


def shown(agent: Agent) -> bytes:
    """The certificate that a new connection sees."""
    with agent.connect() as connection:
        return connection.getpeercert(binary_form=True)


def content(pair: Pair) -> bytes:
    return ssl.PEM_cert_to_DER_cert(pair.certificate.read_text())


def wait_shown(agent: Agent, pair: Pair) -> None:
    wait_for("the new certificate is shown", lambda: shown(agent) == content(pair))


def expiry(agent: Agent) -> float:
    return agent.metrics().value(EXPIRY)


def test_what_is_spoken(agent):
    with agent.connect() as connection:
        assert (connection.version(), connection.selected_alpn_protocol()) == ("TLSv1.3", None)
    for offered, chosen in ((["h2", "http/1.1"], "http/1.1"), (["http/1.1"], "http/1.1")):
        agent.tls.set_alpn_protocols(offered)
        with agent.connect() as connection:
            assert connection.selected_alpn_protocol() == chosen
    agent.tls.set_alpn_protocols(["h2"])
    with pytest.raises(ssl.SSLError, match="(?i)no.application.protocol"):
        agent.connect()


@pytest.mark.parametrize("ciphers, good", [
    ("ECDHE-ECDSA-AES128-GCM-SHA256", True), ("ECDHE-ECDSA-AES256-GCM-SHA384", True), ("ECDHE-ECDSA-CHACHA20-POLY1305", True),
    ("ECDHE-ECDSA-AES256-SHA384", False), ("AES128-GCM-SHA256", False)])
def test_ciphers_of_tls_1_2(agent, ciphers, good):
    agent.tls.maximum_version = ssl.TLSVersion.TLSv1_2
    agent.tls.set_ciphers(ciphers)
    if good:
        with agent.connect() as connection:
            assert connection.version() == "TLSv1.2" and connection.cipher()[0] == ciphers
    else:
        with pytest.raises(ssl.SSLError):
            agent.connect()


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
def test_old_versions_are_refused(agent):
    agent.tls.set_ciphers("ALL:@SECLEVEL=0")
    agent.tls.minimum_version = ssl.TLSVersion.TLSv1
    agent.tls.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises(ssl.SSLError):
        agent.connect()


def test_no_session_is_resumed(agent):
    """Nothing is kept by which what was said could be read later."""
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        agent.tls.maximum_version = version
        with agent.connect() as connection:
            connection.sendall(b"GET /-/healthy HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            while connection.recv(4096):
                pass
            assert not connection.session or not connection.session.has_ticket
            assert not connection.session_reused


def test_plain_http_is_told_so(agent):
    reply = request("GET", f"http://127.0.0.1:{agent.port}/-/healthy")
    assert reply.status == 400 and "https" in reply.json()["detail"]
    assert agent.metrics().value(FAILED_HANDSHAKES) == 1


def test_who_does_not_speak_it(agent):
    for said in (b"\x16\x03\x01", b"SSH-2.0-OpenSSH_9.2\r\n", os.urandom(2000), b""):
        with socket.create_connection(("127.0.0.1", agent.port)) as connection:
            connection.sendall(said)
    wait_for("all are gone", lambda: agent.metrics().value(FAILED_HANDSHAKES) == 4)


def test_a_handshake_that_is_never_done(agent):
    """It is cut when its headers would be, and others do not wait for it."""
    silent = [socket.create_connection(("127.0.0.1", agent.port), timeout=20) for _ in range(50)]
    began = time.monotonic()
    assert agent.send("GET", "/-/healthy").status == 200
    for connection in silent:
        assert connection.recv(1) == b""
    assert 8 < time.monotonic() - began < 20
    assert agent.metrics().value(FAILED_HANDSHAKES) == 0


def lowest_free(pid: int) -> int:
    taken = {int(name) for name in os.listdir(f"/proc/{pid}/fd")}
    return next(number for number in itertools.count() if number not in taken)


@pytest.mark.parametrize("left", [0, 1])
def test_no_descriptors(agent, left):
    """None for the connection, or none for what is behind it: others wait, or are turned away, and it goes on as soon as there are some."""
    pid = agent.pid()
    usual = resource.prlimit(pid, resource.RLIMIT_NOFILE)

    def refused() -> bool:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (lowest_free(pid) + left, usual[1]))
        try:
            agent.connect(timeout=0.5).close()
            return False
        except OSError:
            return True

    wait_for("there is no room", refused)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, usual)
    assert agent.send("GET", "/-/healthy").status == 200


def test_a_large_answer_and_a_large_body(fake, start_on, authority):
    agent = start_on(fake, authority=authority, deployments={"mailing/main": Plan(seconds=60)}, parameters={"text": {"default": ""}})
    text = "x" * 200_000
    run_id = agent.trigger("daily", parameters={"text": text})
    assert agent.run(run_id)["parameters"]["text"] == text
    with agent.connect(receive_buffer=4096) as connection:
        for _ in range(20):
            connection.sendall(f"GET /v1/runs/{run_id} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        time.sleep(1)  # nothing is read: what is to be sent waits
        received = 0
        while received < 20 * len(text):
            received += len(connection.recv(65536))
    assert agent.send("POST", "/v1/sendposts/daily/run", b"x" * 300_000).status == 413


def test_the_last_answer_before_the_end(fake, start_on, authority):
    """What was answered before SIGTERM is still delivered, and its end is said."""
    agent = start_on(fake, authority=authority, deployments={"mailing/main": Plan(seconds=60)}, parameters={"text": {"default": ""}})
    run_id = agent.trigger("daily", parameters={"text": "x" * 200_000})
    with agent.connect(receive_buffer=4096) as connection:
        connection.sendall(f"GET /v1/runs/{run_id} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        wait_for("answers are on the way", lambda: agent.metrics().sum("sendpost_http_requests_total", handler="/v1/runs/{id}") >= 1)
        agent.process.terminate()
        wait_for("it ends", lambda: "stopping" in agent.log())
        received = b""
        while chunk := connection.recv(65536):  # an end without a goodbye raises
            received += chunk
    head, _, body = received.partition(b"\r\n\r\n")
    assert f"\r\nContent-Length: {len(body)}\r\n".encode() in head + b"\r\n"
    assert agent.wait_end() == 0


def test_links_and_commands(agent, tmp_path):
    assert agent.get("/v1/sendposts/daily")["links"]["self"].startswith(f"https://127.0.0.1:{agent.port}/")
    assert agent.command_line("healthcheck").returncode == 0
    followed = agent.command_line("run", "daily", "--follow")
    assert followed.returncode == 0 and re.search(r"(?m)^\S+Z  only  completed", followed.stdout), followed
    assert agent.command_line("list", "--ca-file", str(agent.authority.certificate)).returncode == 0
    stranger = Authority(tmp_path, "stranger").create()
    refused = agent.command_line("list", "--ca-file", str(stranger.certificate))
    assert refused.returncode == 3 and "certificate" in refused.stderr


def test_a_local_socket_stays_plain(fake, start_on, authority, tmp_path):
    agent = start_on(fake, authority=authority, ready=False)
    agent.settings["http.listen"] += f",unix:{tmp_path}/socket"
    agent.start()
    assert agent.command_line("healthcheck", "--server", f"unix:{tmp_path}/socket").returncode == 0


# --- renewal ---

def by_rename(served: Pair, new: Pair) -> None:
    for old, fresh in ((served.certificate, new.certificate), (served.key, new.key)):
        draft = old.with_suffix(".draft")
        shutil.copy(fresh, draft)
        draft.rename(old)


def by_writing(served: Pair, new: Pair) -> None:
    served.key.write_bytes(new.key.read_bytes())
    served.certificate.write_bytes(new.certificate.read_bytes())


def point(link: Path, target: Path) -> None:
    draft = link.with_name(link.name + ".new")
    draft.symlink_to(target)
    draft.rename(link)


def by_each_link(served: Pair, new: Pair) -> None:
    """As certbot does."""
    point(served.certificate, new.certificate)
    point(served.key, new.key)


def by_the_directorys_link(served: Pair, new: Pair) -> None:
    """As Kubernetes does."""
    directory = served.certificate.parent
    version = directory.with_name("version-2")
    version.mkdir()
    shutil.copy(new.certificate, version / served.certificate.name)
    shutil.copy(new.key, version / served.key.name)
    point(directory, version)


@pytest.fixture
def served(agent, authority, tmp_path) -> Pair:
    """Files to be renewed, below a link."""
    version = tmp_path / "version-1"
    version.mkdir()
    (tmp_path / "current").symlink_to(version)
    pair = Pair(tmp_path / "current" / "server.pem", tmp_path / "current" / "server.key")
    by_writing(pair, authority.issue("IP:127.0.0.1", "-first"))
    agent.use(pair)
    agent.restart()
    return pair


@pytest.mark.parametrize("renew", [by_rename, by_writing, by_each_link, by_the_directorys_link])
def test_renewal(agent, served, authority, renew):
    open_before = agent.connect()
    before = expiry(agent)
    new = authority.issue("IP:127.0.0.1", "-second", days=30)
    renew(served, new)
    wait_shown(agent, new)
    assert expiry(agent) > before + 20 * 86400
    assert agent.metrics().value(GOOD) == 1
    assert "a new certificate is in use" in agent.log() and "level=error" not in agent.log()
    open_before.sendall(b"GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert open_before.recv(4096).startswith(b"HTTP/1.1 200")


def another_key(served: Pair, new: Pair) -> None:
    shutil.copy(new.key, served.key)


def no_certificate(served: Pair, new: Pair) -> None:
    served.certificate.write_text("nothing\n")


def half_a_chain(served: Pair, new: Pair) -> None:
    text = new.certificate.read_text()
    shutil.copy(new.key, served.key)
    served.certificate.write_text(text + text[:len(text) // 2])


def nothing_there(served: Pair, new: Pair) -> None:
    served.key.unlink()


def a_weak_key(served: Pair, new: Pair) -> None:
    openssl("req", "-x509", "-newkey", "rsa:1024", "-nodes", "-keyout", str(served.key), "-out", str(served.certificate), "-subj", "/CN=weak")


def an_encrypted_key(served: Pair, new: Pair) -> None:
    openssl("pkcs8", "-topk8", "-in", str(new.key), "-out", str(served.key), "-passout", "pass:x")
    shutil.copy(new.certificate, served.certificate)


BREAKS = [another_key, no_certificate, half_a_chain, nothing_there, a_weak_key, an_encrypted_key]


def problems(agent) -> set[str]:
    return {problem["code"] for problem in agent.get("/v1/status")["problems"]}


@pytest.mark.parametrize("spoil", BREAKS)
def test_what_cannot_be_used(agent, served, authority, spoil):
    """The last good one stays, it is told, and mended as soon as the files are."""
    before, until = shown(agent), expiry(agent)
    new = authority.issue("IP:127.0.0.1", "-second", days=30)
    spoil(served, new)
    wait_for("it alarms", lambda: agent.metrics().value(GOOD) == 0)
    status = agent.get("/v1/status")["certificate"]
    assert status["error"] and str(served.certificate.parent) in status["error"] or "cannot be used" in status["error"]
    assert datetime.fromisoformat(status["expires_at"]).timestamp() == until == expiry(agent)
    assert shown(agent) == before
    assert problems(agent) >= {"certificate_broken", "certificate_expires"}  # that which is shown lasts a day
    assert agent.log().count("the certificate cannot be replaced") == 1
    by_writing(served, new)
    wait_shown(agent, new)
    assert agent.get("/v1/status")["certificate"]["error"] is None
    assert not {code for code in problems(agent) if code.startswith("certificate")}


def test_one_that_has_ended(fake, start_on, authority, tmp_path):
    """No client takes it, so it is asked by the local socket."""
    served = authority.issue("IP:127.0.0.1", "-served")
    agent = start_on(fake, authority=authority, ready=False)
    agent.settings["http.listen"] += f",unix:{tmp_path}/socket"
    agent.use(served)
    agent.start()
    by_writing(served, authority.issue("IP:127.0.0.1", "-late", days=-1))
    wait_for("it is told", lambda: "certificate_expired" in agent.command_line("status", "--server", f"unix:{tmp_path}/socket").stdout)


@pytest.mark.parametrize("spoil", BREAKS)
def test_it_does_not_start_without_one(agent, served, authority, spoil):
    spoil(served, authority.issue("IP:127.0.0.1", "-second"))
    agent.kill()
    agent.launch()
    assert agent.wait_end() == 1
    assert "http.tls.certificate_file" in agent.log() or "http.tls.key_file" in agent.log()


def test_without_tls(fake, start_on):
    agent = start_on(fake)
    assert agent.get("/v1/status")["certificate"] is None
    assert (expiry(agent), agent.metrics().value(GOOD), agent.metrics().value(FAILED_HANDSHAKES)) == (0, 1, 0)
