# SPDX-License-Identifier: Apache-2.0
"""The examples, on real Prefect servers, with flows that really execute; and the quickstart as a newcomer runs it."""
import fcntl
import os
import shutil
import socket
import subprocess
from typing import Iterator

import pytest

from harness import flows_process
from harness.agent import stage
from harness.command import DONE, sendpost
from harness.http import free_port
from harness.paths import PREFECT_VERSIONS, ROOT
from harness.waiting import wait_for

EXAMPLES = ROOT / "config" / "sendposts"


@pytest.fixture(params=PREFECT_VERSIONS)
def agent(request, start_agent):
    agent = start_agent(flows_process.ensure(request.param).url, ready=False, settings={"prefect.poll.max": "500ms", "prefect.timeout": "10s"})
    shutil.copytree(EXAMPLES, agent.definitions, dirs_exist_ok=True)
    return agent.start()


@pytest.mark.timeout(300)
def test_the_examples(agent):
    """One succeeds, one fails and says why, one observes what the first has run."""
    good = agent.command_line("run", "daily-mailing", "-p", "limit=3", "--follow", timeout=180)
    assert good.returncode == 0, good.stdout + good.stderr
    run = agent.run(agent.get("/v1/runs?sendpost=daily-mailing")["runs"][0]["id"])
    assert run["state"] == "completed"
    for path in ("extract", "render", "deliver/email", "deliver/push/prepare", "deliver/push/send", "report"):
        one = stage(run, path)
        assert (one["state"], one["attempt"], one["prefect_state"]["type"]) == ("completed", 1, "COMPLETED"), path
        assert one["duration_seconds"] > 0

    bad = agent.command_line("run", "broken-mailing", "--follow", timeout=120)
    assert bad.returncode == 1
    run = agent.run(agent.get("/v1/runs?sendpost=broken-mailing")["runs"][0]["id"])
    failure = run["failure"]
    assert (run["state"], failure["stage"], failure["reason"]) == ("failed", "prices", "failed")
    assert failure["task"]["name"] == "load_prices"
    assert "missing column: currency" in failure["task"]["message"] and "missing column: currency" in failure["message"]
    assert "ask the shop team" in failure["logs"][0]["message"]
    assert {path: stage(run, path)["state"] for path in ("render", "report")} == {"render": "skipped", "report": "completed"}
    assert "ask the shop team" in bad.stdout + bad.stderr
    assert agent.metrics().value("sendpost_last_failure_info", sendpost="broken-mailing", stage_name="prices", task="load_prices", reason="failed") == 1

    seen = agent.command_line("run", "watch-extract", "--follow", timeout=120)
    assert seen.returncode == 0, seen.stdout + seen.stderr


@pytest.mark.timeout(300)
@pytest.mark.parametrize("version", PREFECT_VERSIONS)
def test_the_examples_fit_the_flows(version):
    """Real flows write their own schemas; that somebody serves them shows when they were polled first."""
    url = flows_process.ensure(version).url

    def check() -> str:
        result = sendpost("check", EXAMPLES, "--live", prefect=url)
        assert (result.returncode, result.stderr) == (DONE, ""), result.stdout
        return result.stdout

    wait_for("nothing is found", lambda: check().startswith("3 files, 3 sendposts, "), timeout=60, interval=0.5)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("version", PREFECT_VERSIONS)
def test_a_definition_made_of_real_flows(version, tmp_path):
    url = flows_process.ensure(version).url
    made = sendpost("init", "etl/extract", "mailing/render", "mailing/send-email", "--name", "made", prefect=url)
    assert (made.returncode, made.stderr) == (DONE, "")
    file = tmp_path / "made.yaml"
    file.write_text(made.stdout)
    result = sendpost("check", file, "--live", prefect=url)
    assert (result.returncode, result.stderr) == (DONE, ""), result.stdout + made.stdout
    assert "0 errors" in result.stdout
    assert "  date: {required: true, type: string}" in made.stdout and "letters: 10" in made.stdout


@pytest.mark.timeout(300)
def test_killed_while_flows_run(agent):
    run_id = agent.trigger("daily-mailing")
    for path in ("extract", "deliver/email"):
        agent.wait_run(run_id, f"has started {path}", lambda run: stage(run, path)["flow_run"], timeout=120)
        agent.restart()
    run = agent.wait_ended(run_id, timeout=180)
    assert run["state"] == "completed"
    assert {one["attempt"] for one in (stage(run, path) for path in ("extract", "render", "report"))} == {1}


def quickstart_process(*arguments, **environment):
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "SENDPOST_"))}
    return subprocess.Popen(["sh", str(ROOT / "deploy" / "quickstart.sh"), *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                            stdin=subprocess.DEVNULL, env=inherited | environment, cwd="/")


def quickstart(*arguments, **environment):
    process = quickstart_process(*arguments, **environment)
    stdout, stderr = process.communicate(timeout=500)
    return subprocess.CompletedProcess(process.args, process.returncode, stdout, stderr)


@pytest.fixture
def alone() -> Iterator[None]:
    """There is one quickstart of a checkout at a time, and tests run side by side."""
    with (ROOT / "build" / "quickstart-tests.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.mark.timeout(600)
def test_quickstart_once(alone):
    port, prefect_port = free_port(), free_port()
    result = quickstart("--once", "--port", str(port), "--prefect-port", str(prefect_port))
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
    assert "completed" in result.stdout
    for left in (port, prefect_port):
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", left)) != 0


@pytest.mark.timeout(600)
def test_quickstart_again_after_it_was_cut_off(alone):
    """On a Prefect that is there, in the middle of a run; nothing of it stays, and the next one works."""
    url, port = flows_process.ensure("3.8.8").url, free_port()
    with quickstart_process("--port", str(port), PREFECT_API_URL=url) as process:
        wait_for("a stage has begun", lambda: "extract" in process.stdout.readline(), 300, 0)
        process.terminate()
        assert process.wait(60) == 143
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0
    result = quickstart("--once", "--port", str(port), PREFECT_API_URL=url)
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
    assert "cut off the last time" in result.stdout


@pytest.mark.timeout(600)
def test_quickstart_with_a_port_in_use(alone):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        for arguments in (("--port", port), ("--port", str(free_port()), "--prefect-port", port)):
            result = quickstart("--once", *arguments)
            assert result.returncode == 1
            assert f"port {port} is in use" in result.stderr
