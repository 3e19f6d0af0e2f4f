# SPDX-License-Identifier: Apache-2.0
"""Schedules are promises: each tick gets one verdict and at most one run, whatever happens to the agent and its clock."""
import json

import pytest

from harness.agent import Agent
from harness.clock import Clock
from harness.definitions import sendpost
from harness.fake.worker import Plan
from harness.survival import check_one_flow_run_an_attempt
from harness.waiting import wait_for

ONLY = {"name": "only", "run": "mailing/main"}
HOURLY = {"cron": "0 * * * *"}
NOON = "2027-03-10T12:00:00.000Z"


@pytest.fixture
def clock(tmp_path):
    clock = Clock(tmp_path / "clock")
    clock.set("2027-03-10T11:30:00Z")
    return clock


@pytest.fixture
def start_scheduled(fake, clock, start_on):
    """start_scheduled(schedule, …): an agent with «daily» on that schedule, at half past eleven of its own clock."""
    def start(schedule, plan=Plan(), settings=None, **fields):
        return start_on(fake, ONLY, deployments={"mailing/main": plan}, environment=clock.environment, settings=settings, schedule=schedule, **fields)
    return start


def ticks(agent: Agent) -> list[tuple[str, str]]:
    """(time, verdict), oldest first."""
    return [(tick["at"], tick["verdict"]) for tick in reversed(agent.get("/v1/sendposts/daily")["ticks"])]


def wait_ticks(agent: Agent, count: int) -> list[tuple[str, str]]:
    wait_for(f"{count} ticks", lambda: len(ticks(agent)) >= count)
    return ticks(agent)


def runs(agent: Agent) -> list[dict]:
    """Oldest first."""
    return agent.get("/v1/runs?sendpost=daily")["runs"][::-1]


def wait_idle(agent: Agent, count: int) -> list[dict]:
    def idle() -> bool:
        found = runs(agent)
        return len(found) == count and all(run["ended_at"] for run in found)

    wait_for(f"{count} runs have ended", idle)
    return runs(agent)


def verdicts(agent: Agent) -> dict[str, float]:
    series = agent.metrics().find("sendpost_ticks_total", sendpost="daily")
    return {dict(labels)["verdict"]: value for labels, value in series.items() if value}


def test_a_tick_is_a_run(fake, clock, start_scheduled):
    agent = start_scheduled(HOURLY, timezone="Europe/Berlin", parameters={"day": "${run.date}"})
    shown = agent.get("/v1/sendposts/daily")
    assert shown["schedule"] == [{"cron": "0 * * * *", "timezone": "Europe/Berlin", "catch_up": "none", "next_run_at": NOON}]
    assert agent.get("/v1/sendposts")["sendposts"][0]["next_run_at"] == NOON
    clock.set("2027-03-10T11:59:59Z")
    assert wait_ticks(agent, 1) == [(NOON, "started")]
    run, = wait_idle(agent, 1)
    assert (run["state"], run["trigger"], run["for"]) == ("completed", "schedule", NOON)
    assert agent.get("/v1/sendposts/daily")["ticks"][0]["run"] == run["id"]
    assert agent.run(run["id"])["parameters"] == {"day": "2027-03-10"}
    metrics = agent.metrics()
    assert verdicts(agent) == {"started": 1}
    assert metrics.value("sendpost_runs_total", sendpost="daily", trigger="schedule") == 1
    assert metrics.value("sendpost_last_tick_timestamp_seconds", sendpost="daily") == 1804680000
    assert metrics.value("sendpost_next_run_timestamp_seconds", sendpost="daily") == 1804680000 + 3600
    check_one_flow_run_an_attempt(agent, fake, [run["id"]])


def test_two_copies_of_the_agent_make_one_flow_run(fake, clock, start_scheduled):
    agents = [start_scheduled(HOURLY, settings={"namespace": "shared"}) for _ in range(2)]
    clock.set("2027-03-10T11:59:59Z")
    found = [wait_idle(agent, 1)[0] for agent in agents]
    assert found[0]["id"] == found[1]["id"]
    assert [run["state"] for run in found] == ["completed"] * 2
    assert len(fake.store.flow_runs) == 1


def test_killed_around_a_tick(fake, clock, start_scheduled):
    """Again and again, at moments before, in and after the second of the tick: no tick twice, none dropped."""
    agent = start_scheduled({"cron": "* * * * *"}, concurrency="queue")
    for minute in range(12):
        clock.set(f"2027-03-10T11:{30 + minute}:59.{minute * 8:02}0Z")
        agent.restart()
    wait_for("the last tick", lambda: clock.now().minute == 42)
    found = wait_ticks(agent, 12)
    assert [at for at, _ in found] == [f"2027-03-10T11:{31 + minute}:00.000Z" for minute in range(12)]
    started = [run["id"] for run in wait_idle(agent, len([verdict for _, verdict in found if verdict == "started"]))]
    check_one_flow_run_an_attempt(agent, fake, started)


@pytest.mark.parametrize("catch_up, expected", [("none", ["missed"] * 3), ("latest", ["missed", "missed", "caught_up"]), ("all", ["caught_up"] * 3)])
def test_downtime(fake, clock, start_scheduled, catch_up, expected):
    agent = start_scheduled(HOURLY | {"catch_up": catch_up})
    agent.kill()
    clock.set("2027-03-10T14:20:00Z")
    agent.start()
    found = wait_ticks(agent, 3)
    assert found == [(f"2027-03-10T{hour}:00:00.000Z", verdict) for hour, verdict in zip((12, 13, 14), expected)]
    caught_up = [at for at, verdict in found if verdict == "caught_up"]
    assert [run["for"] for run in sorted(wait_idle(agent, len(caught_up)), key=lambda run: run["started_at"])] == caught_up
    agent.restart()
    assert ticks(agent) == found


def test_jumping_clocks(clock, start_scheduled):
    agent = start_scheduled({"cron": "*/20 * * * *"})
    clock.jump(hours=1)
    assert wait_ticks(agent, 3) == [(f"2027-03-10T{time}:00.000Z", "missed") for time in ("11:40", "12:00", "12:20")]
    clock.jump(hours=-1)
    clock.set("2027-03-10T11:39:58Z")
    wait_for("the clock is past a tick that has had its verdict", lambda: clock.now().minute == 40 and clock.now().second >= 1)
    assert len(ticks(agent)) == 3
    clock.set("2027-03-10T12:39:59Z")
    assert wait_ticks(agent, 4)[3] == ("2027-03-10T12:40:00.000Z", "started")
    assert verdicts(agent) == {"missed": 3, "started": 1}


def test_daylight_saving(clock, start_scheduled):
    clock.set("2027-03-28T00:59:50Z")
    agent = start_scheduled({"cron": "30 2 * * *", "timezone": "Europe/Berlin"})
    clock.set("2027-03-28T00:59:59Z")
    assert wait_ticks(agent, 1) == [("2027-03-28T01:00:00.000Z", "started")]


@pytest.mark.parametrize("concurrency, verdict", [("forbid", "skipped"), ("queue", "started"), ("replace", "started")])
def test_while_a_run_is_active(fake, clock, start_scheduled, concurrency, verdict):
    agent = start_scheduled(HOURLY, plan=Plan(seconds=60), concurrency=concurrency)
    first = agent.trigger("daily")
    agent.wait_stage(first, "only", "running")
    clock.set("2027-03-10T11:59:59Z")
    assert wait_ticks(agent, 1) == [(NOON, verdict)]
    if concurrency == "queue":
        assert agent.metrics().value("sendpost_runs_queued", sendpost="daily") == 1
    elif concurrency == "replace":
        second = agent.get("/v1/sendposts/daily")["ticks"][0]["run"]
        assert agent.wait_ended(first)["state"] == "cancelled"
        agent.wait_stage(second, "only", "running")
        old, new = (fake.store.flow_runs[agent.run(run)["stages"][0]["flow_run"]["id"]] for run in (first, second))
        assert old["state_type"] == "CANCELLED"
        assert old["end_time"] <= new["created"]
    else:
        assert [run["id"] for run in runs(agent)] == [first]


def test_disabled_and_changed(clock, start_scheduled):
    agent = start_scheduled(HOURLY, enabled=False)
    assert agent.get("/v1/sendposts/daily")["schedule"][0]["next_run_at"] is None
    clock.set("2027-03-10T11:59:59Z")
    assert wait_ticks(agent, 1) == [(NOON, "disabled")]
    agent.define("daily", sendpost("daily", ONLY, schedule={"cron": "5 * * * *"}))
    wait_for("the change is seen", lambda: agent.get("/v1/sendposts/daily")["schedule"][0]["next_run_at"] == "2027-03-10T12:05:00.000Z")
    clock.set("2027-03-10T12:04:59Z")
    assert wait_ticks(agent, 2)[1] == ("2027-03-10T12:05:00.000Z", "started")
    shown = agent.command_line("show", "daily").stdout
    assert "\nschedule 5 * * * *  UTC  next 2027-03-10T13:05:00Z\n\nTICK                  VERDICT   RUN\n2027-03-10T12:05:00Z  started   " in shown
    assert "\n2027-03-10T12:00:00Z  disabled  -\n" in shown


def test_next_says_what_the_agent_will_do(clock, start_scheduled):
    agent = start_scheduled([HOURLY, {"cron": "30 2 * * *", "timezone": "Europe/Berlin"}])
    after = agent.command_line("next", "sendposts/daily.yaml", "--after", "2027-03-28T00:00:00Z", "--count", "2")
    assert after.stdout.splitlines() == [
        "2027-03-28T01:00:00+00:00  0 * * * *  UTC;  30 2 * * *  Europe/Berlin  daylight saving skips 02:30: right after the gap",
        "2027-03-28T02:00:00+00:00  0 * * * *  UTC"]
    now = agent.command_line("next", "sendposts/daily.yaml", "-n", "1")
    assert now.stdout.startswith("2027-03-10T12:00:00+00:00  ")


SWALLOWED = {"*/20 2 * * *": ("2027-03-28T03:00:00+02:00", "02:00, 02:20, 02:40: right after the gap"),
             "30 1-4 * * *": ("2027-03-28T03:00:00+02:00", "02:30: right after the gap"),
             "*/30 * * * *": ("2027-03-28T03:00:00+02:00", "02:00, 02:30: no tick then"),
             "*/5 * * * *": ("2027-03-28T03:00:00+02:00", ", ".join(f"02:{minute:02}" for minute in range(0, 60, 5)) + ": no tick then"),
             "* * * * *": ("2027-03-28T03:00:00+02:00", "60 times from 02:00 to 02:59: no tick then")}


@pytest.mark.parametrize("cron", SWALLOWED)
def test_next_names_each_wall_time_that_a_gap_swallows(tmp_path, cron):
    agent = Agent(tmp_path, "http://127.0.0.1:1/api")
    agent.define("daily", sendpost("daily", ONLY, timezone="Europe/Berlin", schedule={"cron": cron}))
    shown = agent.command_line("next", "sendposts/daily.yaml", "--after", "2027-03-28T00:59:59Z", "--count", "1")
    at, said = SWALLOWED[cron]
    assert shown.stdout == f"{at}  {cron}  Europe/Berlin  daylight saving skips {said}\n"


@pytest.mark.parametrize("cron, said", [("*/20 0-23 * * *", "72 times from 2011-12-30 00:00 to 2011-12-30 23:40: right after the gap"),
                                        ("0 * * * *", "24 times from 2011-12-30 00:00 to 2011-12-30 23:00: no tick then"),
                                        ("0 12 * * *", "2011-12-30 12:00: right after the gap")])
def test_next_where_a_whole_day_is_missing(tmp_path, cron, said):
    agent = Agent(tmp_path, "http://127.0.0.1:1/api")
    agent.define("daily", sendpost("daily", ONLY, timezone="Pacific/Apia", schedule={"cron": cron}))
    shown = agent.command_line("next", "sendposts/daily.yaml", "--after", "2011-12-30T09:59:59Z", "--count", "1").stdout
    assert shown == f"2011-12-31T00:00:00+14:00  {cron}  Pacific/Apia  daylight saving skips {said}\n"


@pytest.mark.parametrize("text, arguments, status, complaint", [
    (sendpost("daily", ONLY), [], 1, "sendpost: next: it has no schedule\n"),
    (sendpost("daily", ONLY, schedule={"cron": "61 * * * *"}), [], 1, "minute: 61 is not within 0 to 59"),
    (sendpost("daily", ONLY, schedule=HOURLY, enabled=False), ["-n", "1"], 0, "sendpost: next: it is disabled: its ticks start nothing\n"),
    (sendpost("daily", ONLY, schedule=HOURLY), ["--count", "0"], 2, "--count needs a number"),
    (sendpost("daily", ONLY, schedule=HOURLY), ["--after", "tomorrow"], 2, "--after needs a time"),
    (sendpost("daily", ONLY, schedule=HOURLY), ["--after", "9999-12-30T23:30:00Z"], 0, ""),
    (None, [], 1, "No such file"),
])
def test_next_refuses(tmp_path, text, arguments, status, complaint):
    agent = Agent(tmp_path, "http://127.0.0.1:1/api")
    if text:
        agent.define("daily", text)
    ended = agent.command_line("next", "sendposts/daily.yaml", *arguments)
    assert ended.returncode == status, json.dumps([ended.stdout, ended.stderr])
    assert complaint in ended.stderr and (ended.stdout == "" or "-n" in arguments)
