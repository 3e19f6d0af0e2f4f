# SPDX-License-Identifier: Apache-2.0
"""Following a run: plain lines in a pipe, a live picture on a terminal; by events, over restarts of the agent."""
import re
import signal
import subprocess
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Iterator

import pytest

from harness.agent import Agent
from harness.clock import Clock
from harness.command import DONE, FAILED, REFUSED, UNREACHABLE
from harness.fake.worker import Plan
from harness.paths import sendpost_binary
from harness.terminal import Terminal
from harness.waiting import wait_for

INTERRUPTED = 130
LINE = re.compile(r"^(\S+Z)  (\S+)  (\S+)(?:  (\S+))?(?:  (http\S+))?$")
BROKEN = Plan(seconds=1, end="FAILED", message="it broke", tasks=[("explode", "FAILED", "boom")], logs=[(40, "ask the shop team \x1b[2J f\u00fcr Gr\u00fc\u00dfe")])
STAGES = ({"name": "extract", "run": "etl/extract"},
          {"name": "deliver", "parallel": [{"name": "mail", "run": "mailing/mail"}, {"name": "push", "run": "mailing/push"}]})


@pytest.fixture
def start(fake, start_on):
    def start(**plans: Plan) -> Agent:
        names = {"extract": "etl/extract", "mail": "mailing/mail", "push": "mailing/push"}
        return start_on(fake, *STAGES, deployments={names[name]: plans.get(name, Plan()) for name in names})
    return start


@pytest.fixture
def open_terminal():
    terminals: list[Terminal] = []

    def open_terminal(agent: Agent, *arguments: str, columns: int = 100, rows: int = 30, **variables: str) -> Terminal:
        environment = agent.environment() | {"SENDPOST_SERVER": agent.url, "TERM": "xterm", "LC_ALL": "C.UTF-8"} | variables
        terminals.append(Terminal([sendpost_binary(), *arguments], {name: value for name, value in environment.items() if value},
                                  columns, rows, cwd=agent.directory))
        return terminals[-1]

    yield open_terminal
    for terminal in terminals:
        terminal.close()


def lines(output: str) -> list[tuple[str, str]]:
    """(stage, state) of each change."""
    found = [LINE.match(line) for line in output.splitlines()]
    times = [match[1] for match in found if match]
    assert times == sorted(times)
    return [(match[2], match[3]) for match in found if match]


def of(output: str, path: str) -> list[str]:
    return [state for stage, state in lines(output) if stage == path]


@contextmanager
def following(agent: Agent, *arguments: str, **variables: str) -> Iterator[subprocess.Popen]:
    """The command at work; whatever becomes of the test, it ends with it."""
    process = subprocess.Popen([str(sendpost_binary()), *arguments], env=agent.environment() | {"SENDPOST_SERVER": agent.url} | variables, text=True,
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        yield process
    finally:
        process.kill()
        with process:
            pass


def test_lines_in_a_pipe(start):
    agent = start(push=BROKEN)
    result = agent.command_line("run", "daily", "--follow")
    assert result.returncode == FAILED and result.stderr == ""
    assert of(result.stdout, "extract")[-1] == "completed" and of(result.stdout, "deliver/push")[-1] == "failed"
    assert "\x1b" not in result.stdout and re.search(r"deliver/push  (running|failed)  http", result.stdout)
    end = result.stdout[result.stdout.index("\nrun "):]
    for expected in ("failed (failed) in ", "failed in stage deliver/push: failed", "explode", "boom", "ask the shop team", "für Grüße", "/flow-run"):
        assert expected in end, expected


def test_what_came_before_is_told_too(start):
    agent = start()
    run = agent.trigger("daily")
    agent.wait_ended(run)
    first, again = agent.command_line("follow", run), agent.command_line("follow", "daily")
    assert first.returncode == DONE and first.stdout == again.stdout
    assert of(first.stdout, "deliver/mail")[0] == "scheduled" and of(first.stdout, "deliver/mail")[-1] == "completed"
    assert agent.command_line("follow", "nothing").returncode == REFUSED
    assert agent.command_line("follow", "00000000-0000-7000-8000-000000000000").returncode == REFUSED


def test_it_does_not_poll(start):
    agent = start(extract=Plan(seconds=4))
    assert agent.command_line("run", "daily", "--follow").returncode == DONE

    def asked(handler: str) -> float:
        return agent.metrics().value("sendpost_http_requests_total", handler=handler, code="200")

    wait_for("its stream is over", lambda: asked("/v1/runs/{id}/events") == 1)
    assert asked("/v1/runs/{id}") <= 14  # once for some changes together


def test_restarts_of_the_agent(start):
    """Nothing is told twice, nothing left out."""
    agent = start(extract=Plan(seconds=2), mail=Plan(seconds=2), push=Plan(seconds=4))
    run = agent.trigger("daily")
    with following(agent, "follow", run) as follow:
        for path in ("extract", "deliver/mail"):
            agent.wait_stage(run, path, "running")
            agent.restart()
        output, errors = follow.communicate(timeout=60)
    assert follow.returncode == DONE, errors
    whole = agent.command_line("follow", run).stdout
    assert lines(output) == lines(whole) and of(output, "extract")[-1] == of(output, "deliver/push")[-1] == "completed"


def test_an_agent_that_does_not_come_back(start, tmp_path):
    """It is waited for, a minute long and no longer."""
    clock = Clock(tmp_path / "clock", passing=True)
    agent = start(extract=Plan(seconds=60))
    run = agent.trigger("daily")
    with following(agent, "follow", run, **clock.environment) as follow:
        assert follow.stdout and follow.stderr
        follow.stdout.readline()
        agent.kill()
        assert "cannot be reached" in (line := follow.stderr.readline()) and line.endswith("; waiting for it\n")
        clock.jump(seconds=30)
        agent.start()
        wait_for("it follows again", lambda: agent.metrics().sum("sendpost_http_requests_total", handler="/v1/runs/{id}") >= 1)
        agent.kill()
        assert follow.stderr.readline().endswith("; waiting for it\n")
        clock.jump(seconds=45)  # more than a minute with those before, which do not count
        with pytest.raises(subprocess.TimeoutExpired):
            follow.wait(1)
        clock.jump(seconds=16)
        output, errors = follow.communicate(timeout=20)
    assert follow.returncode == UNREACHABLE and errors.count("\n") == 1 and "cannot be reached" in errors
    assert "run " + run not in output


def heeds(process: int, number: int) -> bool:
    """Whether it has a handler for the signal, which would end it otherwise."""
    caught = re.search(r"^SigCgt:\s*(\w+)$", Path(f"/proc/{process}/status").read_text(), re.M)
    return caught is not None and bool(int(caught[1], 16) >> (number - 1) & 1)


def test_interrupted_while_the_agent_is_silent(start):
    agent = start(extract=Plan(seconds=60))
    run = agent.trigger("daily")
    agent.process.send_signal(signal.SIGSTOP)
    with following(agent, "follow", run) as follow:
        wait_for("it heeds Ctrl-C", lambda: heeds(follow.pid, signal.SIGINT))
        with pytest.raises(subprocess.TimeoutExpired):
            follow.wait(1)
        follow.send_signal(signal.SIGINT)
        errors = follow.communicate(timeout=10)[1]  # not after the 30 s that an answer may take
    agent.process.send_signal(signal.SIGCONT)
    assert follow.returncode == INTERRUPTED and errors == f"\nthe run goes on; follow it again: sendpost follow {run}\n"


def test_lines_name_the_flow_run_that_they_are_of(start):
    agent = start(extract=Plan(seconds=2))
    output = agent.command_line("run", "daily", "--follow").stdout
    running = [line for line in output.splitlines() if LINE.match(line) and line.split()[1] != "run" and line.split()[2] in ("running", "completed")]
    assert len(running) >= 4 and all("/flow-runs/flow-run/" in line for line in running), output


def test_what_a_run_waits_for_is_said(fake, start_on):
    """Lines alone would say nothing for hours."""
    agent = start_on(fake, {"name": "asked", "run": "mailing/main", "blocked": True}, concurrency="queue")
    with following(agent, "run", "daily", "--follow") as first, following(agent, "run", "daily", "--start-at", "2999-01-01T00:00:00Z", "--follow") as planned:
        assert first.stdout and first.stderr and planned.stdout and planned.stderr
        run = first.stdout.readline().split()[1]
        assert first.stderr.readline() == f"sendpost: run: stage asked waits for 'sendpost resume {run} asked'\n"
        soon = (datetime.now(timezone.utc) + timedelta(seconds=2)).isoformat()
        with following(agent, "run", "daily", "--start-at", soon, "--follow") as queued:  # it has come due before it is told of
            assert queued.stdout and queued.stderr
            behind = queued.stdout.readline().split()[1]
            assert queued.stderr.readline() == "sendpost: run: it has not started: it waits for the run before it\n"
            agent.cancel(behind)
            output, errors = queued.communicate(timeout=20)
        assert output.endswith(f"run {behind} cancelled (cancelled)\n") and (errors, queued.returncode) == ("", FAILED)
        assert planned.stderr.readline() == "sendpost: run: it has not started: it is planned for 2999-01-01T00:00:00.000Z\n"
        for id in (run, planned.stdout.readline().split()[1]):
            agent.cancel(id)


def test_json_is_the_run_at_its_end(start):
    agent = start()
    result = agent.command_line("run", "daily", "--follow", "--json")
    assert result.returncode == DONE and result.stdout.count("\n") == 1
    assert agent.get("/v1/runs?sendpost=daily")["runs"][0]["id"] in result.stdout


@pytest.mark.parametrize("number, status", [(signal.SIGINT, INTERRUPTED), (signal.SIGTERM, 143)])
def test_interrupted_in_a_pipe(start, number, status):
    agent = start(extract=Plan(seconds=60))
    run = agent.trigger("daily")
    with following(agent, "follow", run) as follow:
        assert follow.stdout
        follow.stdout.readline()
        follow.send_signal(number)
        errors = follow.communicate(timeout=20)[1]
    assert follow.returncode == status and f"sendpost follow {run}" in errors
    assert agent.run(run)["state"] == "running"


def test_a_picture_on_a_terminal(start, open_terminal):
    agent = start(extract=Plan(seconds=3), push=BROKEN)
    assert agent.command_line("run", "daily", "--follow").returncode == FAILED
    terminal = open_terminal(agent, "run", "daily", "--follow")
    bar = terminal.wait_for(r"(?m)^  extract +running +([█░]{16})  [\d.]+s of ~[\d.]+s$")[1]
    assert "░" in bar and bar == "".join(sorted(bar, reverse=True))
    assert terminal.wait_end() == FAILED
    text = terminal.text()
    assert len(re.findall(r"(?m)^  extract ", text)) == 1  # drawn again and again, at one place
    assert re.search(r"(?m)^daily +failed +[\d.]+s$", text) and re.search(r"(?m)^    push +failed +[\d.]+s$", text)
    assert text.index("    push") < text.index("\nrun ") < text.index("ask the shop team  [2J für Grüße")  # what the flow says steers nothing
    assert {"31", "32", "36"} <= terminal.screen.colours and not terminal.screen.wrapped


@pytest.mark.parametrize("variables, bar", [({"NO_COLOR": "1", "LC_ALL": "C"}, "[#-]{16}"), ({"LC_ALL": "POSIX"}, "[#-]{16}"), ({"NO_COLOR": ""}, "[█░]{16}")])
def test_what_the_terminal_can_show(start, open_terminal, variables, bar):
    agent = start(extract=Plan(seconds=3), push=BROKEN)
    agent.command_line("run", "daily", "--follow")
    terminal = open_terminal(agent, "run", "daily", "--follow", **variables)
    terminal.wait_for(rf"(?m)^  extract +running +{bar}  ")
    assert terminal.wait_end() == FAILED
    assert bool(terminal.screen.colours) != bool(variables.get("NO_COLOR"))
    assert ("f?r Gr??e" if variables.get("LC_ALL") else "für Grüße") in terminal.text()


def test_a_terminal_that_only_takes_lines(start, open_terminal):
    agent = start()
    terminal = open_terminal(agent, "run", "daily", "--follow", TERM="dumb", columns=200)
    assert terminal.wait_end() == DONE
    assert of(terminal.text(), "deliver/mail")[-1] == "completed" and not terminal.screen.colours


def test_a_narrow_one_that_changes_its_size(start, open_terminal):
    agent = start(extract=Plan(seconds=2), mail=Plan(seconds=6))
    terminal = open_terminal(agent, "run", "daily", "--follow", columns=60)
    terminal.wait_for(r"(?m)^  extract +running")
    terminal.resize(24, 10)
    terminal.wait_for(r"(?m)^    mail +running")
    terminal.resize(120, 40)
    terminal.wait_for(r"(?m)^    mail +running +[\d.]+s$")
    assert terminal.wait_end() == DONE
    assert re.search(r"(?m)^    mail +completed +[\d.]+s$", terminal.text()) and not terminal.screen.wrapped


def test_more_stages_than_rows(fake, start_on, open_terminal):
    stages = [{"name": f"stage-{number}", "run": "mailing/main", "needs": []} for number in range(30)]
    agent = start_on(fake, {"name": "first", "run": "mailing/main", "needs": []}, *stages, deployments={"mailing/main": Plan(seconds=1)})
    terminal = open_terminal(agent, "run", "daily", "--follow", rows=10)
    terminal.wait_for(r"(?m)^  and \d+ more$")
    assert terminal.wait_end() == DONE
    picture = re.search(r"(?ms)^daily .*?(?=^run )", terminal.text()[terminal.text().rindex("\ndaily"):].lstrip("\n"))[0]
    assert 3 <= picture.count("\n") < 10


def test_interrupted_on_a_terminal(start, open_terminal):
    agent = start(extract=Plan(seconds=60))
    terminal = open_terminal(agent, "run", "daily", "--follow")
    terminal.wait_for(r"(?m)^  extract +running")
    terminal.press(b"\x03")
    assert terminal.wait_end() == INTERRUPTED
    run = agent.get("/v1/runs?sendpost=daily")["runs"][0]
    assert f"sendpost follow {run['id']}" in terminal.text() and run["state"] == "running"


def test_the_agent_restarts_behind_a_picture(start, open_terminal):
    agent = start(extract=Plan(seconds=3))
    terminal = open_terminal(agent, "run", "daily", "--follow")
    terminal.wait_for(r"(?m)^  extract +running")
    agent.kill()
    terminal.wait_for("cannot be reached")
    agent.start()
    assert terminal.wait_end() == DONE
    assert re.search(r"(?m)^    push +completed", terminal.text())
