# SPDX-License-Identifier: Apache-2.0
"""The example flows, served against a real server: what really executes in the e2e tests."""
from pathlib import Path

from harness import prefect_server, shared
from harness.paths import DEPLOY, prefect_environment
from harness.prefect_client import PrefectClient


def starter(version: str):
    def describe(home: Path) -> shared.Service:
        server = prefect_server.ensure(version)
        client = PrefectClient(server.url)
        environment = prefect_server.environment(home, 0) | {"PREFECT_API_URL": server.url, "PREFECT_RUNNER_POLL_FREQUENCY": "1"}
        command = [str(prefect_environment(version) / "bin" / "python"), str(DEPLOY / "flows" / "mailings.py")]
        return shared.Service(command, environment, server.url, lambda: served(client))

    return describe


def served(client: PrefectClient) -> bool:
    """The last deployment that mailings.py registers is there."""
    return client.send("GET", "/deployments/name/shop/import-prices").status == 200


def ensure(version: str) -> shared.Running:
    return shared.ensure(f"flows-{version}", starter(version))
