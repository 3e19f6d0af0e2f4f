# SPDX-License-Identifier: Apache-2.0
"""An agent against the fake Prefect, and people who look at its page."""
from functools import partial
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest

from harness.agent import Agent
from harness.browser import Browser, Visitor, chromium
from harness.certificates import Authority
from harness.definitions import sendpost
from harness.fake import FakePrefect
from harness.fake.worker import Plan


@pytest.fixture
def start_on(start_agent: Callable[..., Agent]) -> Callable[..., Agent]:
    """start_on(fake, stage…, deployments={"mailing/main": Plan()}): the deployments, then an agent with the sendpost «daily»."""
    def start(fake: FakePrefect, *stages: dict, deployments: dict[str, Plan | None] | None = None, settings: dict[str, str] | None = None,
              environment: dict[str, str] | None = None, binary: Path | None = None, authority: Authority | None = None, ready: bool = True, **fields: Any) -> Agent:
        for name, plan in (deployments or {"mailing/main": Plan()}).items():
            fake.deploy(name, plan)
        chosen = stages or ({"name": "only", "run": "mailing/main"},)
        return start_agent(fake.url, {"daily": sendpost("daily", *chosen, **fields)}, settings, environment=environment, binary=binary, authority=authority,
                           ready=ready)
    return start


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture
def visit(browser: Browser) -> Iterator[Callable[..., Visitor]]:
    """visit(agent): a browser of one's own; what it complains of fails the test in the end."""
    visitors: list[Visitor] = []

    def begin(agent: Agent, **options: Any) -> Visitor:
        visitors.append(Visitor(browser, agent.url, **options))
        return visitors[-1]

    yield begin
    for visitor in visitors:
        visitor.close()
    for visitor in visitors:
        visitor.check()


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path, "authority").create()


@pytest.fixture(params=["http", "https"])
def start_on_either(request: pytest.FixtureRequest, start_on: Callable[..., Agent], authority: Authority) -> Callable[..., Agent]:
    """As start_on, for what must be so whether listeners speak TLS or not."""
    return partial(start_on, authority=authority if request.param == "https" else None)
