# SPDX-License-Identifier: Apache-2.0
"""A real Prefect server of a pinned version, one for a whole test run.
python -m harness.prefect_server start VERSION... | stop   (tests/run.sh does so around all tiers)"""
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from harness import shared
from harness.http import answers, free_port
from harness.paths import prefect_environment


def environment(home: Path, port: int) -> dict[str, str]:
    """Nothing of the caller's Prefect settings; no telemetry, no page, no late marking."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    return inherited | {
        "PREFECT_HOME": str(home),
        "PREFECT_API_URL": f"http://127.0.0.1:{port}/api",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "PREFECT_UI_ENABLED": "false",
        "PREFECT_API_BLOCKS_REGISTER_ON_START": "false",
        "PREFECT_API_SERVICES_LATE_RUNS_ENABLED": "false",
        "PREFECT_LOGGING_SERVER_LEVEL": "WARNING",
    }


def starter(version: str):
    def describe(home: Path) -> shared.Service:
        port = free_port()
        url = f"http://127.0.0.1:{port}/api"
        program = str(prefect_environment(version) / "bin" / "prefect")
        command = [program, "server", "start", "--host", "127.0.0.1", "--port", str(port)]
        return shared.Service(command, environment(home, port), url, lambda: answers(f"{url}/health"))

    return describe


def ensure(version: str) -> shared.Running:
    return shared.ensure(f"prefect-{version}", starter(version))


def main(arguments: list[str]) -> None:
    if arguments[0] == "stop":
        shared.stop_all()
        return
    with ThreadPoolExecutor() as pool:
        for running in pool.map(ensure, arguments[1:]):
            print(f"{running.name}: {running.url}")


if __name__ == "__main__":
    main(sys.argv[1:])
