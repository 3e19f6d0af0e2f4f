# SPDX-License-Identifier: Apache-2.0
"""What an agent counts of all flow runs that end in Prefect: each once, whatever happens to either; and what asking costs."""
import collections
import random
import threading

import pytest

from harness.fake import FakePrefect, faults
from harness.metrics import Metrics
from harness.survival import kill_by_request
from harness.waiting import holds_for, wait_for

ENDS = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")
SETTINGS = {"prefect.inventory.enabled": "true", "prefect.inventory.interval": "1s"}
ENDED = "sendpost_prefect_deployment_flow_runs_ended_total"


@pytest.fixture(params=["3.8.8", "2.20.25"])
def prefect(request):
    with FakePrefect(request.param) as fake:
        fake.deploy("etl/main")
        yield fake


def end_some(fake: FakePrefect, count: int, choose: random.Random) -> None:
    """Flow runs that end now, in any way, some without having run."""
    with fake.store.lock:
        deployment = next(iter(fake.store.deployments))
        for _ in range(count):
            _, run = fake.store.flow_run_create(deployment, {})
            for kind in (*choose.choice([("RUNNING",), ()]), choose.choice(ENDS)):
                fake.store.set_state(run["id"], {"type": kind})


def expected(fake: FakePrefect, before: set[str]) -> dict[str, int]:
    with fake.store.lock:
        runs = [run for run in fake.store.flow_runs.values() if run["id"] not in before and run["state_type"] in ENDS]
    return {kind.lower(): count for kind, count in collections.Counter(run["state_type"] for run in runs).items()}


def counted(metrics: Metrics) -> dict[str, int]:
    every = {state.lower(): int(metrics.sum(ENDED, state=state.lower())) for state in ENDS}
    return {state: count for state, count in every.items() if count}


def start(fake, start_agent, **settings):
    agent = start_agent(fake.url, {}, SETTINGS | settings)
    wait_for("all was asked for", lambda: agent.metrics().sum("sendpost_prefect_inventory_last_success_timestamp_seconds"), timeout=60)
    return agent


def check_counted(fake: FakePrefect, agent, before: set[str]) -> None:
    """Sooner or later, and then for good."""
    wanted = expected(fake, before)
    wait_for(f"the ends are {wanted}", lambda: counted(agent.metrics()) == wanted, timeout=60)
    holds_for("nothing counts twice", lambda: counted(agent.metrics()) == wanted, 1.5)


@pytest.mark.parametrize("moment", ["before", "after", "instead"])
@pytest.mark.parametrize("skip", [1, 3])
def test_killed_within_a_pass(prefect, start_agent, moment, skip):
    """A pass of some pages: killed at one of them, so that what came before had been read and not written."""
    end_some(prefect, 10, random.Random(0))
    before = set(prefect.store.flow_runs)
    agent = start(prefect, start_agent)
    agent.kill()
    end_some(prefect, 900, random.Random(skip))
    agent.launch()
    struck = kill_by_request(agent, prefect, moment, "/flow_runs/(filter|count)$", skip)
    wait_for("the kill", struck.is_set, timeout=60)
    prefect.faults.clear()
    agent.start()
    check_counted(prefect, agent, before)


def test_killed_at_any_moment(prefect, start_agent):
    """Flow runs end all the while."""
    choose = random.Random(7)
    agent = start(prefect, start_agent)
    stop = threading.Event()

    def live() -> None:
        while not stop.is_set():
            end_some(prefect, choose.randrange(4), choose)
            stop.wait(0.02)

    living = threading.Thread(target=live)
    living.start()
    try:
        for _ in range(8):
            stop.wait(choose.random())
            agent.restart()
    finally:
        stop.set()
        living.join()
    check_counted(prefect, agent, set())


def test_a_full_disk_counts_later(prefect, start_agent):
    agent = start(prefect, start_agent)
    agent.fill_disk()
    end_some(prefect, 5, random.Random(1))
    wait_for("it cannot be written", lambda: agent.metrics().value("sendpost_journal_writable") == 0)
    assert counted(agent.metrics()) == {}
    agent.fill_disk(False)
    check_counted(prefect, agent, set())


def test_pages_that_are_lost_or_broken(prefect, start_agent):
    agent = start(prefect, start_agent)
    for number, fault in enumerate((faults.drop_after, faults.truncated, faults.status(503), faults.text(b"[{}]"), faults.text(b"[1"), faults.text(b"{}"))):
        rule = prefect.faults.add(fault, path="/flow_runs/(filter|count)$", skip=number % 3, count=1)
        end_some(prefect, 30, random.Random(number))
        wait_for("it has struck", lambda rule=rule: rule.struck, timeout=60)
    check_counted(prefect, agent, set())


def test_what_is_scheduled_for_later_costs_nothing(prefect, start_agent):
    agent = start(prefect, start_agent)

    def cost() -> int:
        """Requests of some rounds."""
        before = len(prefect.requests())
        rounds = len(prefect.requests("/deployments/count"))
        wait_for("ten rounds", lambda: len(prefect.requests("/deployments/count")) >= rounds + 20, timeout=60)
        return len(prefect.requests()) - before

    alone = cost()
    with prefect.store.lock:
        deployment = next(iter(prefect.store.deployments))
        for _ in range(1000):
            prefect.store.flow_run_create(deployment, {"state": {"type": "SCHEDULED", "state_details": {"scheduled_time": "2099-01-01T00:00:00Z"}}})
    stop = threading.Event()
    scraping = threading.Thread(target=lambda: [agent.metrics() for _ in iter(lambda: stop.wait(0.01), True)])
    scraping.start()
    try:
        assert cost() <= alone + 8  # a list that is read each minute may fall into it
    finally:
        stop.set()
        scraping.join()


def test_what_prefect_refuses_is_said_once(prefect, start_agent):
    """And what is shown of it never counts as new, while all else is."""
    prefect.faults.add(faults.status(403, {"detail": "not for you"}), path="/work_queues/", count=None)
    agent = start_agent(prefect.url, {}, SETTINGS)
    wait_for("it was asked again", lambda: len(prefect.requests("/deployments/count")) >= 6)
    assert agent.log().count("cannot be read") == 1
    assert agent.metrics().find("sendpost_prefect_deployment_paused")
    assert agent.metrics().value("sendpost_prefect_inventory_last_success_timestamp_seconds") == 0


def test_that_nothing_could_be_read_yet_is_shown(prefect, start_agent):
    prefect.faults.add(faults.status(500), path="/deployments/filter", count=None)
    agent = start_agent(prefect.url, {}, SETTINGS)
    wait_for("it was asked", lambda: prefect.requests("/deployments/filter"))
    assert agent.metrics().value("sendpost_prefect_inventory_last_success_timestamp_seconds") == 0
    assert not agent.metrics().find("sendpost_prefect_deployments")


def test_an_idle_agent_notices_that_prefect_is_away(fake, start_agent):
    agent = start_agent(fake.url, {})
    wait_for("Prefect is there", lambda: agent.metrics().value("sendpost_prefect_up") == 1)
    scrapes = len(fake.requests())
    for _ in range(20):
        agent.metrics()
    assert len(fake.requests()) <= scrapes + 2
    fake.stop()
    wait_for("it is noticed", lambda: agent.metrics().value("sendpost_prefect_up") == 0, timeout=30)
    fake.start()
    wait_for("it is noticed too", lambda: agent.metrics().value("sendpost_prefect_up") == 1, timeout=60)
