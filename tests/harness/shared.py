# SPDX-License-Identifier: Apache-2.0
"""Services that cost seconds to start, shared by all test processes of one run. Whoever needs one first starts it, under a file
lock; a guard ends it when the run's owner is gone, or `stop_all` does so at the end."""
import fcntl
import json
import os
import select
import signal
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Callable

from harness.paths import ROOT
from harness.waiting import wait_for


@dataclass
class Service:
    """What a starter returns: how to run it, and what its users must know."""
    command: list[str]
    environment: dict[str, str]
    url: str
    ready: Callable[[], bool]


@dataclass
class Running:
    name: str
    url: str
    pid: int
    log: str


def owner() -> int:
    return int(os.environ.get("SENDPOST_TEST_OWNER", os.getpid()))


def directory() -> Path:
    """Of the run: set by tests/run.sh, else by the first pytest process."""
    return Path(os.environ["SENDPOST_TEST_SERVICES"])


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def ensure(name: str, starter: Callable[[Path], Service]) -> Running:
    """The running service of that name, started now if need be."""
    base = directory()
    base.mkdir(parents=True, exist_ok=True)
    state = base / f"{name}.json"
    with open(base / f"{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if state.exists():
            running = Running(**json.loads(state.read_text()))
            if alive(running.pid):
                return running
        home = base / name
        home.mkdir(exist_ok=True)
        running = start(name, home, starter(home))
        state.write_text(json.dumps(asdict(running)))
        return running


def start(name: str, home: Path, service: Service) -> Running:
    log = home / "log"
    command = [sys.executable, "-m", "harness.guard", str(owner()), *service.command]
    environment = service.environment | {"PYTHONPATH": str(ROOT / "tests")}
    with open(log, "ab") as output:
        guard = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True)

    def ready() -> bool:
        assert guard.poll() is None, f"{name} ended at its start:\n{log.read_text()[-4000:]}"
        return service.ready()

    wait_for(f"{name} is ready", ready, timeout=120, interval=0.2)
    return Running(name, service.url, guard.pid, str(log))


def stop_all() -> None:
    guards = [json.loads(state.read_text())["pid"] for state in directory().glob("*.json")]
    waiting = []
    for pid in guards:
        try:
            waiting.append(os.pidfd_open(pid))
            os.kill(pid, signal.SIGTERM)
        except ProcessLookupError:
            continue
    for fd in waiting:
        select.select([fd], [], [], 20)
        os.close(fd)
    for state in directory().glob("*.json"):
        state.unlink()
