# SPDX-License-Identifier: Apache-2.0
"""An agent on each backend, with deployments of its own."""
import uuid
from dataclasses import dataclass, field
from typing import Any, Callable

import pytest

from harness import definitions
from harness.agent import Agent
from harness.prefect_client import PrefectClient
from harness.waiting import wait_for


@dataclass
class World:
    """One test's flow and deployments; and its agent, once started."""
    backend: Any
    start_agent: Callable[..., Agent]
    flow: str = field(default_factory=lambda: f"flow-{uuid.uuid4().hex[:8]}")
    agent: Agent | None = None

    @property
    def driver(self) -> PrefectClient:
        return self.backend.driver

    def deploy(self, name: str, **fields: Any) -> dict:
        return self.driver.deployment_create(self.flow, name, **fields)

    def full(self, name: str) -> str:
        return f"{self.flow}/{name}"

    def start(self, *stages: dict, name: str = "daily", settings: dict[str, str] | None = None, **fields: Any) -> Agent:
        """An agent with one sendpost of these stages."""
        self.agent = self.start_agent(self.backend.url, {name: definitions.sendpost(name, *stages, **fields)}, settings)
        return self.agent

    def stage(self, deployment: str, name: str = "only", **fields: Any) -> dict:
        return definitions.stage(self.full(deployment), name, **fields)

    def flow_run(self, deployment: dict, number: int = 1) -> dict:
        """The n-th flow run of a deployment, once it is there."""
        def look() -> list[dict]:
            runs = self.driver.runs_of(deployment["id"])
            return sorted(runs, key=lambda run: run["created"]) if len(runs) >= number else []
        return wait_for(f"flow run {number} of {deployment['name']} is created", look)[number - 1]

    def finish(self, deployment: dict, *kinds: str, number: int = 1, message: str | None = None) -> dict:
        """Takes that flow run through these states."""
        run = self.flow_run(deployment, number)
        self.driver.drive(run["id"], *kinds, message=message)
        return run

    def only(self, deployment: dict) -> dict:
        runs = self.driver.runs_of(deployment["id"])
        assert len(runs) == 1, [run["name"] for run in runs]
        return runs[0]


@pytest.fixture
def world(backend, start_agent) -> World:
    return World(backend, start_agent)
