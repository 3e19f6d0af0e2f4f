# SPDX-License-Identifier: Apache-2.0
"""What all tests share. Real servers start once per run, whatever the number of test processes."""
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest

from harness import prefect_server, shared
from harness.agent import Agent
from harness.fake import FakePrefect
from harness.paths import PREFECT_VERSIONS
from harness.prefect_client import PrefectClient


def pytest_configure(config: pytest.Config) -> None:
    """The first process of a run owns the services; xdist's workers inherit the environment."""
    if "SENDPOST_TEST_SERVICES" not in os.environ:
        config.own_services = tempfile.mkdtemp(prefix="sendpost-services-")
        os.environ["SENDPOST_TEST_SERVICES"] = config.own_services
        os.environ["SENDPOST_TEST_OWNER"] = str(os.getpid())


def pytest_unconfigure(config: pytest.Config) -> None:
    if getattr(config, "own_services", None):
        shared.stop_all()
        shutil.rmtree(config.own_services, ignore_errors=True)


@dataclass
class Backend:
    """A Prefect to run a scenario against. driver acts as people and workers would."""
    version: str
    url: str
    driver: PrefectClient
    fake: FakePrefect | None = None

    @property
    def old(self) -> bool:
        return self.version.startswith("2.")


@pytest.fixture(params=[f"{kind}-{version}" for kind in ("fake", "real") for version in PREFECT_VERSIONS])
def backend(request: pytest.FixtureRequest) -> Iterator[Backend]:
    """Each test runs on the fake in both dialects and on both real servers."""
    kind, version = request.param.split("-")
    if kind == "real":
        url = prefect_server.ensure(version).url
        yield Backend(version, url, PrefectClient(url))
        return
    with FakePrefect(version) as fake:
        yield Backend(version, fake.url, fake.driver, fake)


@pytest.fixture
def fake() -> Iterator[FakePrefect]:
    with FakePrefect() as server:
        yield server


@pytest.fixture
def start_agent(tmp_path: Path) -> Iterator[Callable[..., Agent]]:
    """start_agent(prefect_url, {"name": yaml}, {"setting": "value"}): a ready agent; all are stopped, and their logs checked."""
    agents: list[Agent] = []

    def start(url: str, definitions: dict[str, str] | None = None, settings: dict[str, str] | None = None, **options: Any) -> Agent:
        ready = options.pop("ready", True)
        agent = Agent(tmp_path / f"agent-{len(agents)}", url, settings, **options)
        for name, text in (definitions or {}).items():
            agent.define(name, text)
        agents.append(agent)
        return agent.start() if ready else agent

    yield start
    for agent in agents:
        if agent.process:
            agent.stop()
        agent.check_log()
