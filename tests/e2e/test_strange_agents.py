# SPDX-License-Identifier: Apache-2.0
"""Commands whose agent is none, or whose output goes nowhere: the exit status and one line say so."""
import http.server
import re
import subprocess
import threading

import pytest

from harness.paths import sendpost_binary

DONE, FAILED, USAGE, UNREACHABLE, REFUSED = range(5)
ASKING = [("list",), ("show", "daily"), ("runs",), ("status",), ("run", "daily"), ("cancel", "daily"), ("follow", "daily")]
RUN_ID = "01920000-0000-7000-8000-000000000000"


class Strange(http.server.BaseHTTPRequestHandler):
    def answer(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.paths.append(self.path)
        if self.command in self.server.lost:
            return
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(self.server.body)))
        self.send_header("Location", "/elsewhere")
        self.end_headers()
        self.wfile.write(self.server.body[:self.server.sent])

    do_GET = do_POST = answer

    def log_message(self, *arguments):
        pass


@pytest.fixture
def strange():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Strange)
    server.status, server.body, server.sent, server.paths, server.lost = 200, b"{}", None, [], ()
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def sendpost(*arguments, server=None, **options):
    address = ("--server", f"http://127.0.0.1:{server.server_port}") if server else ("--server", "http://127.0.0.1:1")
    options = {"stdout": subprocess.PIPE, "stdin": subprocess.DEVNULL} | options
    return subprocess.run([str(sendpost_binary()), *arguments, *address], stderr=subprocess.PIPE, text=True, timeout=30, **options)


def assert_one_complaint(result, status):
    assert result.returncode == status, result.stderr
    assert result.stderr.startswith("sendpost: ") and result.stderr.count("\n") == 1, result.stderr


@pytest.mark.parametrize("body", [b"<html>", b"", b"[]", b"null", b'{"runs": 1', b"\xff"])
@pytest.mark.parametrize("command", ASKING)
def test_an_answer_that_is_no_object(strange, command, body):
    strange.body = body
    assert_one_complaint(sendpost(*command, server=strange), UNREACHABLE)


@pytest.mark.parametrize("command", ASKING)
def test_an_answer_that_breaks_off(strange, command):
    strange.body, strange.sent = b"{}" + b" " * 100, 10
    assert_one_complaint(sendpost(*command, server=strange), UNREACHABLE)


@pytest.mark.parametrize("command, status", [(("run", "daily"), UNREACHABLE), (("follow", RUN_ID), UNREACHABLE), (("cancel", "daily"), REFUSED)])
def test_an_object_without_what_is_needed(strange, command, status):
    assert_one_complaint(sendpost(*command, server=strange), status)


def test_an_object_without_anything_is_shown_as_such(strange):
    for command in (("list",), ("show", "daily"), ("runs",), ("status",)):
        result = sendpost(*command, server=strange)
        assert (result.returncode, result.stderr) == (DONE, ""), command
        assert "null" not in result.stdout


@pytest.mark.parametrize("status, exits", [(302, REFUSED), (404, REFUSED), (500, UNREACHABLE), (503, UNREACHABLE)])
def test_a_status_without_a_problem(strange, status, exits):
    strange.status, strange.body = status, b"<html>"
    assert_one_complaint(sendpost("list", server=strange), exits)
    assert strange.paths == ["/v1/sendposts?limit=1000"]


@pytest.mark.parametrize("options, key", [((), r"[0-9a-f-]{36}"), (("--idempotency-key", "mine"), "mine")])
def test_an_answer_that_is_lost(strange, options, key):
    """It may have been accepted: who tries again is told how to start no second run."""
    strange.lost = ("POST",)
    result = sendpost("run", "daily", *options, server=strange)
    assert result.returncode == UNREACHABLE and strange.paths == ["/v1/sendposts/daily", "/v1/sendposts/daily/run"]
    assert re.search(rf"\nsendpost: run: whether it was accepted is not known; with '--idempotency-key {key}' the same", result.stderr), result.stderr


def test_follow_says_what_it_waits_for(strange):
    strange.status, strange.body = 503, b'{"detail": "the journal \\u001b[31mcannot be written"}'
    command = [str(sendpost_binary()), "follow", RUN_ID, "--server", f"http://127.0.0.1:{strange.server_port}"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as follow:
        assert follow.stderr
        line = follow.stderr.readline()
        follow.terminate()
    assert line == "sendpost: follow: the agent answers HTTP 503: the journal  [31mcannot be written; waiting for it\n"


def test_a_refusal_is_an_answer(strange):
    strange.status = 503
    assert "whether it was accepted" not in sendpost("run", "daily", server=strange).stderr


def test_healthcheck_of_something_else(strange):
    strange.status = 404
    assert_one_complaint(sendpost("healthcheck", server=strange), FAILED)


@pytest.mark.parametrize("arguments", [
    ("run", "daily", "-p", "limit"), ("run", "daily", "-p", "=1"), ("run", "daily", "-p", "a=1", "-p", "a=2"), ("run", "daily", "-p", "a=\udcff"),
    ("run", "daily", "--params-json", "/nothing/there"), ("run", "daily", "--idempotency-key", "a\nX-Other: b"), ("run", "daily", "--idempotency-key", ""),
    ("run", "daily", "--idempotency-key", "k" * 256), ("runs", "--limit", "0"), ("runs", "--limit", "5&sendpost=x"), ("runs", "a", "b"), ("show",),
    ("run", "daily", "--for"), ("run", "daily", "--paused=1"), ("run", "daily", "--reason", "a", "--reason", "b")])
def test_wrong_usage_is_found_before_the_agent_is_asked(strange, arguments):
    result = sendpost(*arguments, server=strange)
    assert result.returncode == USAGE, result.stderr
    assert result.stderr.startswith("sendpost: ")
    assert strange.paths == []


def test_params_json_on_standard_input_must_be_an_object(strange):
    result = sendpost("run", "daily", "--params-json", "-", server=strange, stdin=None, input="[1]")
    assert_one_complaint(result, USAGE)
    assert "must be a JSON object" in result.stderr


def test_parameters_that_are_too_large(strange):
    result = sendpost("run", "daily", *(word for i in range(4) for word in ("-p", f"p{i}={'x' * 100000}")), server=strange)
    assert_one_complaint(result, USAGE)
    assert "larger than" in result.stderr


@pytest.mark.parametrize("command", [("list",), ("run", "--help"), ("help",)])
def test_output_that_cannot_be_written(strange, command):
    with open("/dev/full", "w") as full:
        if command == ("list",):
            result = sendpost(*command, server=strange, stdout=full)
        else:
            result = subprocess.run([str(sendpost_binary()), *command], stdout=full, stderr=subprocess.PIPE, text=True, timeout=30)
    assert_one_complaint(result, FAILED)


@pytest.mark.parametrize("command", [("version",), ("list",)])
def test_an_output_that_is_closed(strange, command):
    """What is printed does not get into a connection or a file that took its number."""
    address = ["--server", f"http://127.0.0.1:{strange.server_port}"] if command == ("list",) else []
    result = subprocess.run(["sh", "-c", 'exec "$@" >&-', "sh", str(sendpost_binary()), *command, *address], stderr=subprocess.PIPE, text=True, timeout=30)
    assert_one_complaint(result, FAILED)


def test_an_input_that_is_closed(strange):
    words = [str(sendpost_binary()), "run", "daily", "--params-json", "-", "--server", f"http://127.0.0.1:{strange.server_port}"]
    result = subprocess.run(["sh", "-c", 'exec "$@" <&-', "sh", *words], stderr=subprocess.PIPE, text=True, timeout=30)
    assert_one_complaint(result, USAGE)
    assert "standard input: " in result.stderr and strange.paths == []


def test_suggestions():
    for arguments, suggestion in ((("lst",), "did you mean 'list'?"), (("help", "chekc"), "did you mean 'check'?")):
        result = subprocess.run([str(sendpost_binary()), *arguments], capture_output=True, text=True, timeout=30)
        assert_one_complaint(result, USAGE)
        assert suggestion in result.stderr
    assert "did you mean '--reason'?" in sendpost("run", "daily", "--reson", "x").stderr
