# SPDX-License-Identifier: Apache-2.0
"""The journal when things go wrong: a full disk, a damaged file, two agents, restarts."""
import contextlib
import sqlite3
import subprocess
import time

import pytest

from harness.agent import Agent, stage
from harness.fake.worker import Plan
from harness.survival import check_one_flow_run_an_attempt
from harness.waiting import holds_for, wait_for


def small_disk(path) -> bool:
    """A file system of 2 MB there, if we may mount."""
    path.mkdir()
    return subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(path)], capture_output=True).returncode == 0


@pytest.fixture
def disk(tmp_path):
    """(directory, fill, free): a really full file system where mounting is permitted, else files that may not grow."""
    directory = tmp_path / "disk"
    mounted = small_disk(directory)
    ballast = directory / "ballast"

    def fill(agent: Agent) -> None:
        if not mounted:
            agent.fill_disk()
            return
        with contextlib.suppress(OSError), open(ballast, "wb", buffering=0) as file:
            while True:
                file.write(b"x" * 4096)

    def free(agent: Agent) -> None:
        if mounted:
            ballast.unlink()
        else:
            agent.fill_disk(False)

    yield directory, fill, free
    if mounted:
        subprocess.run(["umount", "--lazy", str(directory)], check=True)


@pytest.mark.parametrize("way", ["full", "limited"])
def test_a_full_disk(fake, start_on, disk, way):
    """503, no call to Prefect, metrics go on, and it recovers by itself."""
    directory, fill, free = disk
    if way == "limited":
        fill, free = Agent.fill_disk, lambda agent: agent.fill_disk(False)
    agent = start_on(fake, {"name": "one", "run": "mailing/main"}, {"name": "two", "run": "mailing/main"}, concurrency="queue",
                     deployments={"mailing/main": Plan(seconds=1)}, settings={"journal.path": str(directory / "journal.db")})
    ended = agent.trigger("daily")
    agent.wait_ended(ended)
    before = agent.trigger("daily")
    agent.wait_stage(before, "one", "running")
    fill(agent)

    def refused() -> bool:
        reply = agent.send("POST", "/v1/sendposts/daily/run", {"idempotency_key": f"full-{time.monotonic()}"})
        return reply.status == 503 and "retry-after" in reply.headers

    wait_for("triggers are refused", refused)
    created = len(fake.store.flow_runs)
    holds_for("no flow run is created", lambda: len(fake.store.flow_runs) == created, 2)
    assert refused()
    metrics = agent.metrics()
    assert metrics.value("sendpost_journal_writable") == 0
    state = stage(agent.run(before), "one")["state"]
    assert metrics.value("sendpost_stage_state", sendpost="daily", stage_name="one", sendpost_stage_state=state) == 1
    counted = metrics.sum("sendpost_triggers_refused_total", sendpost="daily", cause="unavailable")
    assert counted >= 1
    assert agent.send("POST", f"/v1/runs/{ended}/retry", {}).status == 503
    assert agent.metrics().sum("sendpost_triggers_refused_total", sendpost="daily", cause="unavailable") == counted + 1
    assert agent.send("GET", "/-/ready").status == 503
    assert agent.send("GET", "/-/healthy").status == 200
    free(agent)
    wait_for("it recovers", lambda: agent.send("GET", "/-/ready").status == 200, timeout=30)
    assert agent.wait_ended(before)["state"] == "completed"
    after = agent.trigger("daily")
    assert agent.wait_ended(after, timeout=60)["state"] == "completed"
    assert agent.metrics().value("sendpost_journal_writable") == 1
    runs = [run["id"] for run in agent.get("/v1/runs")["runs"]]
    for run_id in runs:
        agent.wait_ended(run_id, timeout=60)
    check_one_flow_run_an_attempt(agent, fake, runs)


def test_a_retired_sendpost_is_shown_while_the_disk_is_full(fake, start_on):
    agent = start_on(fake, deployments={"mailing/main": Plan(seconds=3600)})
    run = agent.trigger("daily")
    agent.wait_stage(run, "only", "running")
    (agent.definitions / "daily.yaml").unlink()
    assert agent.send("POST", "/-/reload").status == 200
    agent.fill_disk()
    agent.send("POST", f"/v1/runs/{run}/pause", {})
    wait_for("the journal cannot be written", lambda: agent.metrics().value("sendpost_journal_writable") == 0)
    assert agent.get("/v1/sendposts/daily")["active_runs"] == [run]
    assert agent.metrics().value("sendpost_stage_state", sendpost="daily", stage_name="only", sendpost_stage_state="running") == 1
    agent.fill_disk(False)
    wait_for("it recovers", lambda: agent.send("GET", "/-/ready").status == 200, timeout=30)
    assert agent.get("/v1/sendposts/daily")["active_runs"] == [run]


def test_a_second_agent_refuses_and_names_the_first(fake, start_on):
    agent = start_on(fake)
    second = agent.command_line(*agent.command()[1:])
    assert second.returncode == 1
    assert str(agent.pid()) in second.stderr
    assert agent.alive


def test_two_agents_race(fake, start_on):
    """One wins, the other names it."""
    agent = start_on(fake, ready=False)
    rivals = [subprocess.Popen(agent.command(), env=agent.environment(), cwd=agent.directory, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                               text=True) for _ in range(4)]
    try:
        wait_for("three give up", lambda: sum(rival.poll() is not None for rival in rivals) == 3)
        winner = next(rival for rival in rivals if rival.poll() is None)
        for loser in rivals:
            if loser is not winner:
                assert loser.returncode == 1
                assert f"process {winner.pid}" in loser.communicate()[1]
    finally:
        for rival in rivals:
            rival.kill()
            rival.wait()


def damage(journal, pages) -> bytes:
    """Those pages of it, overwritten."""
    bad = bytes(range(256)) * 16
    with open(journal, "r+b") as file:
        for page in pages:
            file.seek(page * 4096)
            file.write(bad)
    return bad


def test_a_damaged_journal_is_put_aside(fake, start_on):
    agent = start_on(fake)
    agent.wait_ended(agent.trigger("daily"))
    assert agent.metrics().value("sendpost_journal_quarantined_timestamp_seconds") == 0
    assert agent.stop() == 0
    bad = damage(agent.journal, range(1, 5))
    agent.start()
    assert "damaged" in agent.log() and "level=error" in agent.log()
    aside = [path for path in agent.directory.glob("journal.db.damaged-*") if bad[:64] in path.read_bytes()]
    assert len(aside) == 1
    moved_at = int(aside[0].name.rpartition("-")[2])
    assert agent.metrics().value("sendpost_journal_quarantined_timestamp_seconds") == pytest.approx(moved_at / 1000)
    assert agent.get("/v1/status")["journal"]["quarantined_at"]
    assert agent.wait_ended(agent.trigger("daily"))["state"] == "completed"


def test_damaged_while_it_runs(fake, start_on):
    """Found by whatever reads the page, here the retention of old events: it ends, and puts the file aside when it starts."""
    agent = start_on(fake)
    agent.stop()
    with contextlib.closing(sqlite3.connect(agent.journal)) as database, database:
        database.executemany("INSERT INTO event(id, type, at, detail) VALUES(?, 'run.created', 1, ?)",
                             ((-number, "x" * 4000) for number in range(1, 6000)))
    agent.start()
    damage(agent.journal, range(1, agent.journal.stat().st_size // 4096))
    wait_for("it ends", lambda: not agent.alive)
    assert agent.wait_end() == 1
    agent.start()
    assert agent.wait_ended(agent.trigger("daily"))["state"] == "completed"


def test_a_missing_wal(fake, start_on):
    """What was newest is lost, and creations that it knew of are found again by their keys."""
    agent = start_on(fake, {"name": "one", "run": "mailing/one"}, {"name": "two", "run": "mailing/two"},
                     deployments={"mailing/one": None, "mailing/two": None})
    run_id = agent.trigger("daily")
    agent.wait_run(run_id, "knows its flow run", lambda run: stage(run, "one")["flow_run"])
    assert agent.stop() == 0
    agent.start()

    def complete(number: int) -> None:
        with fake.store.lock:
            flow_run = list(fake.store.flow_runs.values())[number]
            fake.store.set_state(flow_run["id"], {"type": "RUNNING"})
            fake.store.set_state(flow_run["id"], {"type": "COMPLETED"})

    complete(0)
    agent.wait_run(run_id, "has the second one", lambda run: stage(run, "two")["flow_run"])
    agent.kill()
    for suffix in ("-wal", "-shm"):
        agent.journal.with_name(agent.journal.name + suffix).unlink()
    agent.start()
    assert "-wal is missing" in agent.log()
    agent.wait_run(run_id, "has it again", lambda run: stage(run, "two")["flow_run"])
    complete(1)
    run = agent.wait_ended(run_id)
    assert run["state"] == "completed" and stage(run, "two")["flow_run"]["adopted"]
    check_one_flow_run_an_attempt(agent, fake, [run_id])


def test_a_journal_that_is_none(fake, start_on):
    agent = start_on(fake)
    agent.stop()
    agent.journal.write_bytes(b"this is not a database\n" * 400)
    for suffix in ("-wal", "-shm"):
        agent.journal.with_name(agent.journal.name + suffix).unlink(missing_ok=True)
    agent.start()
    assert agent.wait_ended(agent.trigger("daily"))["state"] == "completed"


def test_counters_continue_over_restarts(fake, start_on):
    agent = start_on(fake)
    for _ in range(2):
        agent.wait_ended(agent.trigger("daily"))
    names = ("sendpost_runs_total", "sendpost_last_success_timestamp_seconds", "sendpost_run_duration_seconds_count",
             "sendpost_run_duration_seconds_sum", "sendpost_stage_duration_seconds_count", "sendpost_flow_runs_created_total",
             "sendpost_first_seen_timestamp_seconds", "sendpost_stage_last_success_timestamp_seconds", "sendpost_state_code")
    before = agent.metrics()
    agent.restart()
    after = agent.metrics()
    assert {name: after.find(name) for name in names} == {name: before.find(name) for name in names}
    agent.wait_ended(agent.trigger("daily"))
    assert agent.metrics().value("sendpost_runs_total", sendpost="daily", trigger="api") == 3


def test_a_broken_file_keeps_its_last_good_definition_over_a_restart(fake, start_on):
    agent = start_on(fake)
    agent.define("daily", "name: daily\nstages: [\n")
    agent.restart()
    wait_for("it is shown as broken", lambda: agent.metrics().value("sendpost_definition_error", file="daily.yaml") == 1)
    assert agent.get("/v1/sendposts/daily")["definition"]["error"]["line"] >= 2
    assert agent.wait_ended(agent.trigger("daily"))["state"] == "completed"


def test_a_run_keeps_the_definition_it_started_with(fake, start_on):
    agent = start_on(fake, {"name": "one", "run": "mailing/main"}, {"name": "two", "run": "mailing/main"},
                     deployments={"mailing/main": Plan(seconds=1)})
    run_id = agent.trigger("daily")
    agent.wait_stage(run_id, "one", "running")
    old = agent.run(run_id)["definition_sha256"]
    agent.define("daily", "name: daily\nstages:\n  - {name: other, run: mailing/main}\n")
    wait_for("the new one is taken", lambda: [one["name"] for one in agent.get("/v1/sendposts/daily")["stages"]] == ["other"])
    agent.restart()
    run = agent.wait_ended(run_id)
    assert (run["state"], stage(run, "two")["state"], run["definition_sha256"]) == ("completed", "completed", old)


def test_a_run_whose_definition_cannot_be_read_any_more_is_held(fake, start_on):
    """It is shown, refuses every verb, and does no harm to others."""
    agent = start_on(fake, deployments={"mailing/main": Plan(seconds=3600)})
    run = agent.trigger("daily")
    agent.wait_stage(run, "only", "running")
    agent.kill()
    with sqlite3.connect(agent.journal) as journal:
        journal.execute("UPDATE definition SET text = 'name: daily'")
    journal.close()
    agent.start()
    assert "a run is held" in agent.log()
    assert [problem["subject"] for problem in agent.get("/v1/status")["problems"] if problem["code"] == "run_held"] == [run]
    for verb, body in (("pause", {}), ("resume", {}), ("block", {"stage": "only"}), ("step", {}), ("retry", {}), ("cancel", {})):
        reply = agent.send("POST", f"/v1/runs/{run}/{verb}", body)
        assert reply.status == 409 and reply.json()["state"] == "running" and "can no longer be read" in reply.json()["detail"]
    assert agent.run(run)["state"] == "running"
