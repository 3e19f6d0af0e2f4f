# SPDX-License-Identifier: Apache-2.0
"""The commands, from outside: what they print and the status they exit with."""
import json
import re
import signal

import pytest

from harness.command import DONE, FAILED, REFUSED, UNREACHABLE, USAGE, sendpost
from harness.fake.worker import Plan
from harness.http import free_port
from harness.waiting import wait_for

NOWHERE = ("--server", "http://127.0.0.1:1")


@pytest.fixture
def agent(fake, start_on):
    failing = Plan(end="FAILED", message="it broke", tasks=[("explode", "FAILED", "boom")], logs=[(40, "ask the shop team")])
    agent = start_on(fake, deployments={"mailing/main": Plan(), "mailing/bad": failing, "mailing/slow": Plan(seconds=60)},
                     parameters={"limit": {"type": "integer", "default": 1}})
    agent.define("broken", "name: broken\nstages:\n  - {name: prices, run: mailing/bad}\n")
    agent.define("slow", "name: slow\nstages:\n  - {name: only, run: mailing/slow}\n")
    return agent.restart()


def test_version_and_help():
    for arguments in (("version",), ("--version",), ("help",), ("help", "run"), ("run", "--help")):
        result = sendpost(*arguments)
        assert (result.returncode, result.stderr) == (DONE, ""), arguments
        assert result.stdout
    assert "0." in sendpost("version").stdout


@pytest.mark.parametrize("arguments", [("nonsense",), ("run",), ("block", "daily"), ("backup",), ("follow",), ("resume",), ("cancel", "a", "b"), ("run", "daily", "--nonsense"), ("check", "--format", "nonsense"), ()])
def test_wrong_usage(arguments):
    result = sendpost(*arguments)
    assert (result.returncode, result.stdout) == (USAGE, "")
    assert result.stderr.startswith("sendpost: ") or "usage" in result.stderr.lower()


@pytest.mark.parametrize("command", [("list",), ("show", "daily"), ("runs",), ("status",), ("run", "daily"), ("cancel", "daily"), ("healthcheck",), ("follow", "daily"), ("backup", "copy.db")])
def test_nobody_there(tmp_path, command):
    result = sendpost(*command, *NOWHERE, cwd=tmp_path)
    assert result.returncode == UNREACHABLE
    assert result.stderr.startswith("sendpost: ")


def test_looking(agent):
    agent.wait_ended(agent.trigger("daily"))
    for command in (("list",), ("show", "daily"), ("runs",), ("runs", "daily"), ("status",)):
        text, data = agent.command_line(*command), agent.command_line(*command, "--json")
        assert (text.returncode, data.returncode) == (DONE, DONE), command
        assert text.stdout and json.loads(data.stdout)
    assert "daily" in agent.command_line("list").stdout
    assert "completed" in agent.command_line("runs", "daily").stdout
    assert agent.command_line("show", "nothing").returncode == REFUSED
    assert agent.command_line("healthcheck").returncode == DONE


def test_a_healthcheck_does_not_wait_for_long(agent):
    """Who asks is about to restart a container: an agent that is silent is none."""
    agent.process.send_signal(signal.SIGSTOP)
    result = agent.command_line("healthcheck", timeout=20)
    agent.process.send_signal(signal.SIGCONT)
    assert result.returncode == UNREACHABLE and "Timeout" in result.stderr


def test_run_and_follow(agent):
    result = agent.command_line("run", "daily", "-p", "limit=3", "--reason", "a test", "--follow")
    assert result.returncode == DONE, result.stdout + result.stderr
    assert "completed" in result.stdout
    run = agent.get("/v1/runs?sendpost=daily")["runs"][0]
    assert agent.run(run["id"])["parameters"] == {"limit": 3}
    assert agent.run(run["id"])["trigger_reason"] == "a test"


def test_run_and_follow_a_failure(agent):
    result = agent.command_line("run", "broken", "--follow")
    assert result.returncode == FAILED
    output = result.stdout + result.stderr
    for expected in ("prices", "it broke", "explode", "ask the shop team", "/flow-run"):
        assert expected in output, expected


def test_run_without_following(agent):
    result = agent.command_line("run", "daily")
    assert result.returncode == DONE
    assert agent.get("/v1/runs?sendpost=daily")["runs"][0]["id"] in result.stdout


@pytest.mark.parametrize("arguments", [("run", "nothing"), ("runs", "nothing"), ("run", "daily", "-p", "limit=x"), ("run", "daily", "-p", "nothing=1"), ("cancel", "nothing")])
def test_refused(agent, arguments):
    result = agent.command_line(*arguments)
    assert result.returncode == REFUSED
    assert result.stderr.startswith("sendpost: ")


def test_a_refusal_is_said_once(agent):
    one = agent.command_line("run", "daily", "-p", "limit=x")
    assert one.stderr == "sendpost: run: /parameters/limit: must be of type integer, not string\n"
    several = agent.command_line("run", "daily", "-p", "limit=x", "-p", "nothing=1")
    assert several.stderr.count("/parameters/limit: ") == several.stderr.count("/parameters/nothing: ") == 1


def test_what_others_wrote_does_not_steer_the_terminal(agent):
    agent.define("evil", 'name: evil\ndescription: "red \\e[31m\\r"\nowner: "two\\nlines"\nstages:\n  - {name: only, run: mailing/main}\n')
    wait_for("it is loaded", lambda: "evil" in agent.command_line("list").stdout)
    shown = agent.command_line("show", "evil").stdout
    assert shown.startswith("evil: never_run\nred  [31m \nowner two lines\nfile evil.yaml\n\nSTAGE  ")
    assert agent.command_line("show", "\x1b[31m").stderr == "sendpost: show: there is no sendpost ' [31m'\n"
    assert sendpost("\x1b[2J").stderr.startswith("sendpost:  [2J: no such command")


def test_what_there_is_to_know_of_a_sendpost(agent):
    agent.define("known", 'name: known\nowner: crm\nparameters:\n  day: ${run.date}\n  audience: {default: all, description: "who\\ngets it"}\n'
                          "  limit: {type: integer, required: false}\n  need: {type: string}\nschedule: {cron: 0 0 1 1 *, timezone: Europe/Berlin}\n"
                          "stages: [{name: only, run: mailing/main}]\n")
    wait_for("it is loaded", lambda: "known" in agent.command_line("list").stdout)
    shown = agent.command_line("show", "known").stdout
    assert re.sub(r"\d{4}-\d\d-\d\dT", "DATE-", shown) == """known: never_run
owner crm
file known.yaml

STAGE  KIND  STATE      LAST  DEPLOYMENT
only   run   never_run  -     mailing/main

PARAMETER  TYPE     DEFAULT
day        string   "${run.date}"
audience   string   "all"          who gets it
limit      integer  -
need       string   (required)

schedule 0 0 1 1 *  Europe/Berlin  next DATE-23:00:00Z
"""


def test_what_waits_for_somebody(agent):
    """A run is running while nothing of it does: who looks is told, and how it goes on."""
    agent.define("asking", "name: asking\nstages:\n- name: both\n  parallel:\n  - {name: a, run: mailing/main, blocked: true}\n"
                           "  - {name: b, run: mailing/main, blocked: true}\n")
    wait_for("it is loaded", lambda: "asking" in agent.command_line("list").stdout)
    assert agent.command_line("list").stdout.splitlines()[0].endswith("NEXT RUN")
    run = agent.trigger("asking")
    agent.wait_stage(run, "both/b", "blocked")
    heading, asking, *others = agent.command_line("list").stdout.splitlines()
    assert heading.endswith("NEXT RUN  NOTE") and asking.endswith("waits for somebody: both/a, both/b")
    assert not any("waits" in other for other in others)
    shown = agent.command_line("show", "asking").stdout
    assert f"\nactive run {run}\nstage both/a waits for 'sendpost resume {run} both/a'\nstage both/b waits for " in shown
    assert f"info: asking: stage both/b: waits for somebody, in run {run}\n" in agent.command_line("status").stdout
    assert "4 sendposts, 1 run active, 0 queued\n" in agent.command_line("status").stdout
    for stage in ("both/a", "both/b"):
        assert agent.command_line("resume", "asking", stage).returncode == DONE
    agent.wait_ended(run)
    assert "waits for" not in agent.command_line("list").stdout + agent.command_line("status").stdout


def test_cancel_by_name(agent):
    run_id = agent.trigger("slow")
    agent.wait_stage(run_id, "only", "running")
    assert agent.command_line("cancel", "slow").returncode == DONE
    assert agent.wait_ended(run_id)["state"] == "cancelled"
    assert agent.command_line("cancel", run_id).returncode == REFUSED


@pytest.mark.parametrize("setting", ["nonsense=1", "prefect.timeout=soon", "prefect.api_url=ftp://x", "prefect.ca_file=/nothing/there",
                                     "http.listen=0.0.0.0:0", "log.level=loud", "nonsense"])
def test_an_agent_with_unusable_settings_does_not_start(tmp_path, setting):
    result = sendpost("agent", "--set", f"http.listen=127.0.0.1:{free_port()}", "--set", f"journal.path={tmp_path / 'j.db'}", "--set", setting,
                      cwd=tmp_path)
    assert result.returncode in (FAILED, USAGE)
    assert result.stderr.startswith("sendpost: ")
    assert not (tmp_path / "j.db").exists()


def test_an_agent_with_a_broken_configuration_says_where(tmp_path):
    file = tmp_path / "agent.yaml"
    file.write_text("prefect:\n  timeout: soon\n  polls: {min: 1s}\n")
    result = sendpost("agent", "--config", str(file), cwd=tmp_path)
    assert result.returncode == FAILED
    assert f"{file}:2:12: error:" in result.stderr and f"{file}:3:3: error: unknown key 'polls', did you mean 'poll'?" in result.stderr


@pytest.mark.parametrize("text, place", [("prefect:\n  api_key: hunter2\n", "2:3"), ("prefect: {headers: {Authorization: hunter2}}\n", "1:21"),
                                         ("prefect: {api_url: 'http://u:hunter2@x/api'}\n", "1:20"), ("prefect: {api_key: hunter2\n", "2:1")])
def test_a_secret_in_the_wrong_place_is_not_shown(tmp_path, text, place):
    file = tmp_path / "agent.yaml"
    file.write_text(text)
    result = sendpost("agent", "--config", str(file), cwd=tmp_path)
    assert result.returncode == FAILED
    assert f"{file}:{place}: error:" in result.stderr
    assert "hunter2" not in result.stdout + result.stderr
