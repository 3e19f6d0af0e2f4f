# SPDX-License-Identifier: Apache-2.0
"""Backups of a running agent: consistent, one at a time, bounded; and what an agent does that was restored from an old one."""
import shutil
import signal
import socket
import sqlite3
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone

import pytest

from harness.agent import Agent, stage
from harness.command import DONE, FAILED, REFUSED, UNREACHABLE
from harness.definitions import sendpost
from harness.fake.worker import Plan
from harness.paths import sendpost_binary
from harness.waiting import wait_for


@pytest.fixture
def agent(fake, start_on):
    return start_on(fake)


def runs_in(path):
    with sqlite3.connect(path) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return {row[0] for row in database.execute("SELECT id FROM run")}


def fatten(agent: Agent, megabytes: int) -> None:
    """A journal as large as one of a long time: audit records are only read by people."""
    agent.stop()
    with sqlite3.connect(agent.journal) as database:
        database.executemany("INSERT INTO audit VALUES(?, ?, 'x', NULL, 202)", ((time.time() * 1000, "w" * 1000) for _ in range(megabytes * 1000)))
    agent.start()


def leftovers(agent: Agent):
    return [path.name for path in agent.directory.iterdir() if ".backup" in path.name or ".part-" in path.name]


def audited(agent) -> list[tuple[int]]:
    with sqlite3.connect(agent.journal) as database:
        return database.execute("SELECT status FROM audit WHERE what = 'backup'").fetchall()


def test_a_copy_of_what_is_there(agent, tmp_path):
    run = agent.trigger("daily")
    agent.wait_ended(run)
    copy = tmp_path / "copy.db"
    result = agent.command_line("backup", str(copy))
    assert (result.returncode, result.stderr) == (DONE, "") and str(copy) in result.stdout
    assert runs_in(copy) == {run} and copy.stat().st_mode & 0o777 == 0o600
    assert leftovers(agent) == [] and sorted(path.name for path in tmp_path.glob("copy*")) == ["copy.db"]
    made = agent.metrics().value("sendpost_journal_last_backup_timestamp_seconds")
    assert time.time() - 60 < made <= time.time()
    assert agent.get("/v1/status")["journal"]["last_backup_at"]
    wait_for("there is a record of who took it", lambda: audited(agent) == [(200,)])
    agent.restart()
    assert agent.metrics().value("sendpost_journal_last_backup_timestamp_seconds") == made
    reply = agent.send("HEAD", "/v1/backup")
    assert (reply.status, reply.headers["content-type"], reply.text) == (200, "application/vnd.sqlite3", "")
    assert agent.send("POST", "/v1/backup", {}).status == 405


def test_an_older_backup_is_replaced_and_nothing_else(agent, tmp_path):
    copy = tmp_path / "copy.db"
    assert agent.command_line("backup", str(copy)).returncode == DONE
    first = copy.stat().st_ino
    run = agent.trigger("daily")
    agent.wait_ended(run)
    assert agent.command_line("backup", str(copy)).returncode == DONE
    assert runs_in(copy) == {run} and copy.stat().st_ino != first
    other = tmp_path / "letter.txt"
    other.write_text("to whom it may concern")
    (tmp_path / "place").mkdir()
    for path, why in ((other, "not a backup"), (agent.journal, "journal of an agent"), (tmp_path / "place", "not a regular file")):
        result = agent.command_line("backup", str(path))
        assert result.returncode == REFUSED and why in result.stderr, result.stderr
    assert other.read_text() == "to whom it may concern"
    missing = agent.command_line("backup", str(tmp_path / "nowhere" / "copy.db"))
    assert missing.returncode == FAILED and "No such file" in missing.stderr
    agent.stop()
    before = copy.read_bytes()
    assert agent.command_line("backup", str(copy)).returncode == UNREACHABLE
    assert copy.read_bytes() == before and sorted(path.name for path in tmp_path.glob("copy*")) == ["copy.db"]


def test_without_an_output(agent, tmp_path):
    """Its report is not written into the copy, which has the lowest number that is free."""
    command = ["sh", "-c", 'exec "$@" >&-', "sh", str(sendpost_binary()), "backup", "copy.db"]
    result = subprocess.run(command, cwd=tmp_path, env=agent.environment() | {"SENDPOST_SERVER": agent.url}, timeout=30)
    assert result.returncode == FAILED  # its report was lost
    assert runs_in(tmp_path / "copy.db") == set() and b"backup:" not in (tmp_path / "copy.db").read_bytes()


def test_it_goes_on_working_meanwhile(agent, tmp_path):
    """A journal of 100 MB: what is triggered while it is copied is accepted at once, and is in the copy or not, as a whole."""
    fatten(agent, 100)
    with ThreadPoolExecutor(1) as person:
        backup = person.submit(agent.command_line, "backup", str(tmp_path / "copy.db"))
        wait_for("the copy is being made", lambda: backup.done() or leftovers(agent), 30)
        accepted = []
        while not backup.done() and len(accepted) < 90:
            accepted.append(agent.trigger("daily", start_at=(datetime.now(timezone.utc) + timedelta(days=1)).isoformat()))
        assert backup.result().returncode == DONE, backup.result().stderr
    assert len(accepted) > 3
    assert runs_in(tmp_path / "copy.db") <= set(accepted)


def ask_slowly(agent: Agent) -> socket.socket:
    """Asks for a backup, and takes nothing of it."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect(("127.0.0.1", agent.port))
    client.sendall(b"GET /v1/backup HTTP/1.1\r\nHost: localhost\r\n\r\n")
    return client


def slow_client(agent: Agent) -> socket.socket:
    client = ask_slowly(agent)
    assert client.recv(12) == b"HTTP/1.1 200"
    return client


def test_one_at_a_time(agent, tmp_path):
    fatten(agent, 20)
    with slow_client(agent):
        refused = agent.send("GET", "/v1/backup")
        assert refused.status == 503 and refused.headers["retry-after"] and "another backup" in refused.json()["detail"]
        assert agent.command_line("backup", str(tmp_path / "copy.db")).returncode == UNREACHABLE
        assert leftovers(agent) == []  # what is being sent has no name any more
    wait_for("its client is gone", lambda: agent.command_line("backup", str(tmp_path / "copy.db")).returncode == DONE, 30)


def test_nobody_took_it_whole(agent):
    fatten(agent, 20)
    slow_client(agent).close()

    def over() -> bool:
        with ask_slowly(agent) as another:
            return another.recv(12) == b"HTTP/1.1 200"

    wait_for("the first one is over", over, 20)
    assert agent.metrics().value("sendpost_journal_last_backup_timestamp_seconds") == 0


def test_killed_in_the_middle(agent):
    fatten(agent, 100)
    with ask_slowly(agent):
        wait_for("the copy is being made", lambda: leftovers(agent), 30)
        agent.kill()
    assert leftovers(agent) != []
    agent.start()
    assert leftovers(agent) == []


def test_stopped_in_the_middle(agent):
    fatten(agent, 100)
    with ask_slowly(agent) as client:
        wait_for("the copy is being made", lambda: leftovers(agent), 30)
        assert agent.stop() == 0
        assert client.recv(12) == b"HTTP/1.1 503"
    assert leftovers(agent) == []


def test_a_full_disk(agent, tmp_path):
    agent.fill_disk()
    full = agent.send("GET", "/v1/backup")
    assert full.status == 507 and "no room" in full.json()["detail"]
    assert leftovers(agent) == []
    result = agent.command_line("backup", str(tmp_path / "copy.db"))
    assert result.returncode == UNREACHABLE and "no room" in result.stderr and not list(tmp_path.glob("copy*"))
    agent.fill_disk(False)
    assert agent.command_line("backup", str(tmp_path / "copy.db")).returncode == DONE


def test_interrupted(agent, tmp_path):
    agent.process.send_signal(signal.SIGSTOP)  # it takes its time
    process = subprocess.Popen([str(sendpost_binary()), "backup", "copy.db"], cwd=tmp_path, env=agent.environment() | {"SENDPOST_SERVER": agent.url},
                               stderr=subprocess.PIPE, text=True)
    wait_for("it has begun", lambda: list(tmp_path.glob("copy.db.part-*")), 20)
    process.send_signal(signal.SIGINT)
    assert "interrupted" in process.communicate(timeout=20)[1] and process.returncode == FAILED
    agent.process.send_signal(signal.SIGCONT)
    assert list(tmp_path.glob("copy*")) == []
