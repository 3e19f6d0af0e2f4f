# SPDX-License-Identifier: Apache-2.0
"""Commands and tokens: made, checked, sent, and never sent to anybody else."""
import hashlib
import http.server
import json
import re
import threading

import pytest

from harness.command import DONE, FAILED, REFUSED, USAGE, sendpost
from harness.tokens import Tokens
from harness.yaml_core import load


def make(*arguments):
    result = sendpost("token", *arguments)
    assert result.returncode == DONE, result.stderr
    return result.stdout.splitlines()


@pytest.mark.parametrize("name, role", [("ci", "operator"), ("Ädä Ö'Neil: yes", "metrics"), ("no", "reader")])
def test_a_token_and_its_line(name, role):
    token, line = make("--name", name, "--role", role)
    assert re.fullmatch(r"sendpost_[A-Za-z0-9_-]{43}", token)
    assert load(line) == [{"name": name, "role": role, "sha256": hashlib.sha256(token.encode()).hexdigest()}]


def test_each_is_another_one_and_reads_only():
    one, two = make(), make()
    assert one[0] != two[0]
    assert load(one[1])[0]["role"] == "reader"


@pytest.mark.parametrize("arguments", [("--role", "admin"), ("--name", ""), ("--name", "x" * 64), ("--name", "a\tb"), ("now",)])
def test_wrong_usage(arguments):
    result = sendpost("token", *arguments)
    assert (result.returncode, result.stdout) == (USAGE, "")


def test_check_reads_the_file_too(tmp_path):
    tokens = Tokens(tmp_path / "tokens.yaml")
    (tmp_path / "sendposts").mkdir()
    config = tmp_path / "agent.yaml"
    config.write_text("http: {listen: '0.0.0.0:9847', tokens_file: tokens.yaml}\n")
    assert sendpost("check", "--config", config).returncode == DONE
    tokens.path.chmod(0o644)
    warned = json.loads(sendpost("check", "--config", config, "--format", "json").stdout)
    assert [(one["severity"], one["file"]) for one in warned["findings"]] == [("warning", str(tokens.path))]
    tokens.lines["x"] = "- {name: x, role: reader, sha256: my-password}"
    tokens.write()
    found = sendpost("check", "--config", config)
    assert found.returncode == FAILED and f"{tokens.path}:4:35: error: 'sha256' must be" in found.stdout
    assert "my-password" not in found.stdout + found.stderr
    tokens.path.unlink()
    assert f"{config}:1:" in sendpost("check", "--config", config).stdout


@pytest.fixture
def tokens(tmp_path):
    return Tokens(tmp_path / "tokens.yaml")


@pytest.fixture
def agent(fake, start_on, tokens):
    return start_on(fake, settings={"http.tokens_file": str(tokens.path)})


def test_commands_send_their_token(agent, tokens, tmp_path):
    without = agent.command_line("list")
    assert without.returncode == REFUSED
    assert without.stderr == "sendpost: list: this needs a token: --token-file, or SENDPOST_TOKEN\n"
    assert agent.command_line("list", token="wrong").returncode == REFUSED
    assert agent.command_line("list", token=tokens["reader"]).returncode == DONE
    assert agent.command_line("run", "daily", token=tokens["reader"]).returncode == REFUSED
    file = tmp_path / "token"
    file.write_text(tokens["operator"] + "\n")
    assert agent.command_line("run", "daily", "--follow", "--token-file", str(file), token="weaker").returncode == DONE
    assert agent.command_line("healthcheck").returncode == DONE


@pytest.mark.parametrize("url", ["http://me:secret@127.0.0.1:1", "https://secret@localhost/x"])
def test_an_address_with_credentials(url):
    result = sendpost("list", "--server", url)
    assert (result.returncode, result.stderr) == (USAGE, "sendpost: list: --server must not hold credentials: use --token-file\n")


@pytest.mark.parametrize("url", ["", "http://", "http://?x", "http://127.0.0.1:99999", "http://127.0.0.1/?a=b", "http://127.0.0.1/#x", "localhost:9847", "ftp://localhost", "unix:socket"])
def test_an_address_that_is_none(url):
    result = sendpost("list", "--server", url)
    assert (result.returncode, result.stderr) == (USAGE, "sendpost: list: --server is a URL such as http://127.0.0.1:9847, or unix:/path\n")


@pytest.mark.parametrize("how", ["--token-file", "--ca-file", "SENDPOST_CA_FILE"])
def test_a_file_that_is_not_there(how):
    """Said before anybody is asked, and by its name."""
    options, environment = ([], {how: "/nothing/there"}) if how.isupper() else ([how, "/nothing/there"], {})
    result = sendpost("list", "--server", "https://127.0.0.1:1", *options, environment=environment)
    assert (result.returncode, result.stderr) == (FAILED, "sendpost: list: /nothing/there: No such file or directory\n")


class Elsewhere(http.server.BaseHTTPRequestHandler):
    """Sends everybody to another host, and remembers who came with what."""
    def answer(self):
        self.server.seen.append((self.path, self.headers.get("Authorization")))
        self.send_response(307)
        self.send_header("Location", self.server.location)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_POST = answer

    def log_message(self, *arguments):
        pass


@pytest.fixture
def elsewhere():
    servers = [http.server.ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere) for _ in range(2)]
    threads = [threading.Thread(target=server.serve_forever, args=(0.05,)) for server in servers]
    for server, thread in zip(servers, threads):
        server.seen, server.location = [], f"http://localhost:{servers[1].server_port}/taken"
        thread.start()
    yield servers
    for server, thread in zip(servers, threads):
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize("command", [("list",), ("status",), ("run", "daily"), ("cancel", "daily"), ("follow", "daily")])
def test_a_redirect_gets_nothing(elsewhere, command):
    first, second = elsewhere
    environment = {"SENDPOST_TOKEN": "secret"}
    result = sendpost(*command, "--server", f"http://127.0.0.1:{first.server_port}", environment=environment)
    assert result.returncode == REFUSED
    assert [token for _, token in first.seen] == ["Bearer secret"]
    assert second.seen == []
    assert "secret" not in result.stdout + result.stderr
