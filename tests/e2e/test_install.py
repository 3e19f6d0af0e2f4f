# SPDX-License-Identifier: Apache-2.0
"""What cmake --install lays down, used as systemd would use it."""
import re
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from harness.agent import Agent
from harness.http import answers, free_port
from harness.paths import ROOT, sendpost_binary
from harness.waiting import wait_for

UNITS = ("sendpost.service", "sendpost-pull.service", "sendpost-pull.timer")


@pytest.fixture
def prefix(tmp_path: Path) -> Path:
    place = tmp_path / "usr"
    subprocess.run(["cmake", "--install", str(sendpost_binary().parent), "--prefix", str(place)], check=True, capture_output=True, timeout=60)
    return place


def unit(prefix: Path, name: str) -> str:
    return (prefix / "lib/systemd/system" / name).read_text()


def test_the_units_are_valid(prefix):
    files = [str(prefix / "lib/systemd/system" / name) for name in UNITS]
    result = subprocess.run(["systemd-analyze", "verify", "--man=no", *files], capture_output=True, text=True, timeout=60)
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.parametrize("name", ("sendpost.service", "sendpost-pull.service"))
def test_the_units_are_hardened(prefix, name):
    """systemd's own measure, 0 to 10: a service that may do everything is 9.6."""
    result = subprocess.run(["systemd-analyze", "security", "--offline=true", "--threshold=15", str(prefix / "lib/systemd/system" / name)],
                            capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stdout[-500:]


def test_the_service_runs(prefix, tmp_path, fake):
    """Its command, with the example configuration: it says when it is ready, that it lives, and that it stops."""
    configuration, state, port = tmp_path / "agent.yaml", tmp_path / "state", free_port()
    configuration.write_text((prefix / "share/sendpost/config/agent.yaml").read_text())
    (tmp_path / "sendposts").symlink_to(prefix / "share/sendpost/config/sendposts")
    state.mkdir()
    command = re.search(r"^ExecStart=(.*)$", unit(prefix, "sendpost.service"), re.M)[1].replace("/etc/sendpost/agent.yaml", str(configuration)).split()
    assert command[0] == str(prefix / "bin/sendpost")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(20)
        environment = {"STATE_DIRECTORY": str(state), "NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "400000",
                       "SENDPOST__HTTP__LISTEN": f"127.0.0.1:{port}", "PREFECT_API_URL": fake.url}
        process = subprocess.Popen(command, env=environment, cwd="/", stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
        try:
            assert systemd.recv(100) == b"READY=1"
            assert answers(f"http://127.0.0.1:{port}/-/healthy")
            assert (state / "journal.db").is_file()
            process.send_signal(signal.SIGHUP)  # ExecReload
            for _ in range(2):
                assert systemd.recv(100) == b"WATCHDOG=1"
            process.terminate()
            wait_for("it says that it stops", lambda: systemd.recv(100) == b"STOPPING=1", 20)
            assert process.wait(20) == 0
        finally:
            process.kill()
            process.communicate(timeout=20)


def test_grafana_finds_the_dashboards(prefix):
    directory = prefix / "share/sendpost/dashboards"
    assert {path.name for path in directory.glob("*.json")} == {path.name for path in (ROOT / "dashboards").glob("*.json")} > set()
    assert f"path: {directory}\n" in (directory / "provisioning/dashboards/sendpost.yaml").read_text()
    assert (directory / "provisioning/datasources/sendpost.yaml").is_file() and not list(directory.rglob("*.py"))


def commands() -> set[str]:
    listed = subprocess.run([str(sendpost_binary()), "help"], capture_output=True, text=True, check=True, timeout=30).stdout
    return set(re.findall(r"^  ([a-z]+)  ", listed, re.M))


def test_the_manual_has_every_command(prefix):
    manual = (prefix / "share/man/man1/sendpost.1").read_text()
    assert manual.splitlines()[1].startswith(".TH SENDPOST 1")
    assert commands() == set(re.findall(r"^\.SH sendpost ([a-z]+)$", manual, re.M)) > set()
    assert r"\-\-idempotency\-key" in manual


# The timer's command, with a real repository.


def git(directory: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=somebody", "-c", "user.email=somebody@example.org", "-c", "init.defaultBranch=main"]
    return subprocess.run(["git", *identity, *arguments], cwd=directory, check=True, capture_output=True, text=True, timeout=30).stdout.strip()


def definition(name: str) -> str:
    return f"name: {name}\nstages:\n  - {{name: only, run: mailing/main}}\n"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    work = tmp_path / "repository"
    (work / "sendposts").mkdir(parents=True)
    git(work, "init", "-q")
    commit(work, daily=definition("daily"))
    return work


def commit(repository: Path, *options: str, **files: str | None) -> str:
    for name, text in files.items():
        file = repository / "sendposts" / f"{name}.yaml"
        file.write_text(text) if text is not None else file.unlink()
    git(repository, "add", "-A")
    git(repository, "commit", "-q", "-m", "change", *options)
    return git(repository, "rev-parse", "HEAD")


def pull(repository: Path, directory: Path) -> subprocess.CompletedProcess[str]:
    command = [str(ROOT / "deploy" / "sendpost-pull"), f"file://{repository}", "main", str(directory)]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, stdin=subprocess.DEVNULL)


def held(directory: Path) -> set[str]:
    return {path.stem for path in (directory / "sendposts").glob("*.yaml")}


def test_pull_makes_the_directory_what_the_branch_says(repository, tmp_path):
    directory = tmp_path / "definitions"
    assert pull(repository, directory).returncode == 0
    assert held(directory) == {"daily"}
    assert pull(repository, directory).stdout == ""  # nothing to tell
    (directory / "sendposts" / "stray.yaml").write_text("edited by hand")
    (directory / "sendposts" / "daily.yaml").write_text("edited by hand")
    commit(repository, "--amend", weekly=definition("weekly"))  # as a forced push
    assert pull(repository, directory).returncode == 0
    assert held(directory) == {"daily", "weekly"}
    assert (directory / "sendposts" / "daily.yaml").read_text() == definition("daily")
    commit(repository, daily=None)
    assert pull(repository, directory).returncode == 0
    assert held(directory) == {"weekly"}


def test_pull_changes_nothing_while_the_repository_is_away(repository, tmp_path):
    directory = tmp_path / "definitions"
    pull(repository, directory)
    repository.rename(tmp_path / "moved")
    result = pull(repository, directory)
    assert result.returncode != 0 and result.stderr
    assert held(directory) == {"daily"}


def test_the_agent_takes_what_was_pulled(repository, tmp_path, fake, start_agent):
    directory = tmp_path / "definitions"
    pull(repository, directory)
    agent: Agent = start_agent(fake.url, settings={"definitions.directory": str(directory / "sendposts")})
    revision = commit(repository, weekly=definition("weekly"))
    pull(repository, directory)
    wait_for("the agent has it", lambda: {one["name"] for one in agent.get("/v1/sendposts")["sendposts"]} == {"daily", "weekly"}, 20)
    assert agent.get("/v1/sendposts/weekly")["definition"]["revision"] == revision
