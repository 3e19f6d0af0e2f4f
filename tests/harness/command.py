# SPDX-License-Identifier: Apache-2.0
"""The binary as a person or a CI job calls it, without an agent."""
import os
import subprocess
from pathlib import Path

from harness.paths import sendpost_binary

DONE, FAILED, USAGE, UNREACHABLE, REFUSED = range(5)


def sendpost(*arguments: str | Path, prefect: str = "", **options) -> subprocess.CompletedProcess[str]:
    """prefect: the api_url that its environment names."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "SENDPOST_"))}
    if prefect:
        environment["PREFECT_API_URL"] = prefect
    environment |= options.pop("environment", {})
    return subprocess.run([str(sendpost_binary()), *map(str, arguments)], env=environment, capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=60, **options)
