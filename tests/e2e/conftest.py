# SPDX-License-Identifier: Apache-2.0
"""An agent against the fake Prefect."""
from pathlib import Path
from typing import Any, Callable

import pytest

from harness.agent import Agent
from harness.definitions import sendpost
from harness.fake import FakePrefect
from harness.fake.worker import Plan


@pytest.fixture
def start_on(start_agent: Callable[..., Agent]) -> Callable[..., Agent]:
    """start_on(fake, stage…, deployments={"mailing/main": Plan()}): the deployments, then an agent with the sendpost «daily»."""
    def start(fake: FakePrefect, *stages: dict, deployments: dict[str, Plan | None] | None = None, settings: dict[str, str] | None = None,
              environment: dict[str, str] | None = None, binary: Path | None = None, ready: bool = True, **fields: Any) -> Agent:
        for name, plan in (deployments or {"mailing/main": Plan()}).items():
            fake.deploy(name, plan)
        chosen = stages or ({"name": "only", "run": "mailing/main"},)
        return start_agent(fake.url, {"daily": sendpost("daily", *chosen, **fields)}, settings, environment=environment, binary=binary, ready=ready)
    return start
