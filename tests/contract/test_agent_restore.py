# SPDX-License-Identifier: Apache-2.0
"""An agent that is restored from a backup which is older than what Prefect has seen, on every Prefect: nothing is done twice, and what was
under way is followed to its end."""
import pytest

from harness.agent import Agent, stage
from harness.clock import Clock
from harness.command import DONE
from harness.definitions import sendpost
from harness.waiting import wait_for

NOON, ONE = "2027-03-10T12:00:00.000Z", "2027-03-10T13:00:00.000Z"


@pytest.fixture
def clock(tmp_path):
    clock = Clock(tmp_path / "clock")
    clock.set("2027-03-10T11:30:00Z")
    return clock


def back_up(agent: Agent, tmp_path):
    result = agent.command_line("backup", str(tmp_path / "backup.db"))
    assert result.returncode == DONE, result.stderr


def restore(agent: Agent, tmp_path) -> None:
    """As docs/backup.md says, where there is nothing of the old journal any more."""
    agent.kill()
    for path in agent.directory.glob("journal.db*"):
        path.unlink()
    (tmp_path / "backup.db").rename(agent.journal)
    agent.start()


def judged(agent: Agent) -> list[dict]:
    """The two ticks, newest first, once both have a verdict."""
    return wait_for("both ticks are judged", lambda: (lambda ticks: ticks if len(ticks) == 2 else None)(agent.get("/v1/sendposts/daily")["ticks"]))


def test_what_was_created_since_is_found_again(world, tmp_path):
    deployments = [world.deploy(name) for name in ("extract", "render", "send")]
    agent = world.start(*(world.stage(name, name) for name in ("extract", "render", "send")))
    run = agent.trigger("daily")
    first = world.flow_run(deployments[0])
    agent.wait_stage(run, "extract", "scheduled")
    wait_for("its flow run is known", lambda: stage(agent.run(run), "extract")["flow_run"])
    back_up(agent, tmp_path)
    world.driver.drive(first["id"], "PENDING", "RUNNING", "COMPLETED")
    world.finish(deployments[1], "PENDING", "RUNNING", "COMPLETED")
    world.finish(deployments[2], "PENDING", "RUNNING")
    agent.wait_stage(run, "send", "running")
    restore(agent, tmp_path)
    agent.wait_stage(run, "send", "running")
    world.driver.drive(world.only(deployments[2])["id"], "COMPLETED")
    ended = agent.wait_ended(run)
    assert ended["state"] == "completed"
    assert [stage(ended, name)["flow_run"]["id"] for name in ("extract", "render", "send")] == [world.only(one)["id"] for one in deployments]
    assert [stage(ended, name)["flow_run"]["adopted"] for name in ("extract", "render", "send")] == [False, True, True]
    metrics = agent.metrics()
    assert metrics.sum("sendpost_flow_runs_created_total") == 1 and metrics.sum("sendpost_flow_runs_adopted_total") == 2


@pytest.mark.parametrize("catch_up, verdicts", [("none", ["missed", "missed"]), ("latest", ["missed", "caught_up"]), ("all", ["caught_up", "caught_up"])])
def test_ticks_since_are_not_run_again(world, clock, start_agent, tmp_path, catch_up, verdicts):
    deployment = world.deploy("main")
    text = sendpost("daily", world.stage("main"), schedule={"cron": "0 * * * *", "catch_up": catch_up}, concurrency="queue")
    agent = start_agent(world.backend.url, {"daily": text}, environment=clock.environment)
    back_up(agent, tmp_path)
    clock.set("2027-03-10T11:59:59Z")
    world.finish(deployment, "PENDING", "RUNNING", "COMPLETED")
    clock.set("2027-03-10T12:59:59Z")
    world.finish(deployment, "PENDING", "RUNNING", number=2)
    before = [tick["run"] for tick in judged(agent)]
    agent.wait_state(before[0], "running")
    clock.jump(minutes=20)
    restore(agent, tmp_path)
    ticks = judged(agent)
    assert [(tick["at"], tick["verdict"]) for tick in reversed(ticks)] == list(zip((NOON, ONE), verdicts))
    again = [(tick["run"], known) for tick, known in zip(ticks, before) if tick["verdict"] == "caught_up"]
    assert all(run == known for run, known in again)
    if again:
        agent.wait_stage(before[0], "only", "running")
        world.driver.drive(world.flow_run(deployment, 2)["id"], "COMPLETED")
    ended = [agent.wait_ended(run) for run, _ in again]
    assert all(run["state"] == "completed" and stage(run, "only")["flow_run"]["adopted"] for run in ended)
    assert len(world.driver.runs_of(deployment["id"])) == 2
