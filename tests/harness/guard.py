# SPDX-License-Identifier: Apache-2.0
"""python -m harness.guard OWNER COMMAND...: runs a command in a session of its own and ends it, with all that it started,
when the owner process is gone or when told to by SIGTERM. So that no test server outlives the tests, however they end."""
import os
import select
import signal
import subprocess
import sys


def session_kill(session: int, number: int) -> None:
    try:
        os.killpg(session, number)
    except ProcessLookupError:
        pass


def main(owner: int, command: list[str]) -> int:
    wake_read, wake_write = os.pipe()
    os.set_blocking(wake_write, False)
    signal.signal(signal.SIGTERM, lambda *_: None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.set_wakeup_fd(wake_write)
    try:
        owner_fd = os.pidfd_open(owner)
    except ProcessLookupError:
        return 1
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    child = subprocess.Popen(command, env=environment, start_new_session=True)
    child_fd = os.pidfd_open(child.pid)
    select.select([wake_read, owner_fd, child_fd], [], [])
    session_kill(child.pid, signal.SIGTERM)
    select.select([child_fd], [], [], 10)
    session_kill(child.pid, signal.SIGKILL)
    return child.wait()


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2:]))
