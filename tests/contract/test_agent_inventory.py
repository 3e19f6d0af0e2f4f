# SPDX-License-Identifier: Apache-2.0
"""The inventory of an agent: what it counts and shows of a Prefect that others use too."""
import uuid

import pytest

from harness.waiting import holds_for, wait_for

LONG_AGO = "2020-01-01T00:00:00Z"
ENDED = "sendpost_prefect_deployment_flow_runs_ended_total"
STATES = ("completed", "failed", "crashed", "cancelled")


@pytest.fixture
def settings(world):
    """Of an agent that looks at this test's deployments alone, often."""
    return {"prefect.inventory.enabled": "true", "prefect.inventory.interval": "1s", "prefect.inventory.deployments": f"{world.flow}/*"}


class Shown:
    """What one agent shows."""

    def __init__(self, agent):
        self.agent = agent

    def value(self, name, **labels):
        found = self.agent.metrics().find(f"sendpost_prefect_{name}", **labels)
        return next(iter(found.values())) if found else None

    def wait(self, wanted, name, **labels):
        wait_for(f"{name} {labels} is {wanted}", lambda: self.value(name, **labels) == wanted, timeout=60)

    def ends(self, deployment):
        metrics = self.agent.metrics()
        return {state: metrics.sum(ENDED, deployment=deployment, state=state) for state in STATES}

    def wait_ends(self, deployment, **wanted):
        every = dict.fromkeys(STATES, 0) | wanted
        wait_for(f"the ends of {deployment} are {every}", lambda: self.ends(deployment) == every, timeout=60)


@pytest.fixture
def shown(world, settings):
    """Call it when the deployments are there: an agent that has begun to count."""
    def start():
        agent = Shown(world.start_agent(world.backend.url, {}, settings))
        wait_for("all was asked for", lambda: agent.value("inventory_last_success_timestamp_seconds"), timeout=60)
        return agent
    return start


def test_ends_are_counted_from_the_first_look_on(world, shown):
    deployment, name = world.deploy("main"), world.full("main")
    run = lambda *kinds: world.driver.drive(world.driver.create(deployment["id"]).json()["id"], *kinds)  # noqa: E731
    run("RUNNING", "COMPLETED")
    run("CANCELLED")
    agent = shown()
    agent.wait_ends(name)
    for kinds in (("RUNNING", "COMPLETED"), ("RUNNING", "FAILED"), ("RUNNING", "CRASHED"), ("CANCELLED",), ("RUNNING", "COMPLETED")):
        run(*kinds)
    agent.wait_ends(name, completed=2, failed=1, crashed=1, cancelled=1)
    assert agent.agent.metrics().value("sendpost_prefect_deployment_flow_run_duration_seconds_count", deployment=name) == 2
    holds_for("nothing counts twice", lambda: sum(agent.ends(name).values()) == 5, 3)
    agent.agent.restart()
    run("RUNNING", "FAILED")
    agent.wait_ends(name, completed=2, failed=2, crashed=1, cancelled=1)


def test_what_ended_meanwhile_is_counted_after_a_kill(world, shown):
    deployment, name = world.deploy("main"), world.full("main")
    agent = shown()
    agent.agent.kill()
    for kinds in (("RUNNING", "FAILED"), ("CANCELLED",)):
        world.driver.drive(world.driver.create(deployment["id"]).json()["id"], *kinds)
    agent.agent.start()
    agent.wait_ends(name, failed=1, cancelled=1)


def test_a_flow_run_that_is_run_again_ends_again(world, shown):
    deployment, name = world.deploy("main"), world.full("main")
    agent = shown()
    run = world.driver.create(deployment["id"]).json()["id"]
    world.driver.drive(run, "RUNNING", "FAILED")
    agent.wait_ends(name, failed=1)
    world.driver.drive(run, "SCHEDULED", "RUNNING", "COMPLETED")
    agent.wait_ends(name, failed=1, completed=1)


def test_what_runs_and_since_when(world, shown):
    deployment, name = world.deploy("main"), world.full("main")
    agent = shown()
    agent.wait(0, "deployment_flow_runs_running", deployment=name)
    run = world.driver.create(deployment["id"]).json()["id"]
    world.driver.drive(run, "RUNNING")
    agent.wait(1, "deployment_flow_runs_running", deployment=name)
    since = agent.value("deployment_oldest_running_start_timestamp_seconds", deployment=name)
    assert abs(since - agent.value("last_success_timestamp_seconds")) < 60
    world.driver.drive(run, "COMPLETED")
    agent.wait(0, "deployment_oldest_running_start_timestamp_seconds", deployment=name)


def test_only_what_was_chosen_is_shown(world, shown, settings):
    world.deploy("main")
    world.deploy("other", paused=True)
    settings["prefect.inventory.deployments"] = world.full("ma*")
    agent = shown()
    metrics = agent.agent.metrics()
    assert {dict(labels)["deployment"] for labels in metrics.find("sendpost_prefect_deployment_paused")} == {world.full("main")}
    assert metrics.sum("sendpost_prefect_deployments") >= 2


def test_paused_deployments(world, shown):
    world.deploy("main")
    world.deploy("other", paused=True)
    agent = shown()
    agent.wait(0, "deployment_paused", deployment=world.full("main"))
    agent.wait(1, "deployment_paused", deployment=world.full("other"))


def late(world, deployment):
    run = world.driver.create(deployment["id"]).json()["id"]
    answer = world.driver.set_state(run, "SCHEDULED", name="Late", scheduled_time=LONG_AGO)
    assert answer["status"] == "ACCEPT", answer
    return run


def pooled(world, **fields):
    """A deployment in a pool of its own."""
    pool = f"pool-{uuid.uuid4().hex[:8]}"
    world.driver.ok("POST", "/work_pools/", {"name": pool, "type": "process"})
    return pool, world.deploy("main", work_pool_name=pool, **fields)


def test_why_flow_runs_are_late(world, shown):
    pool, deployment = pooled(world)
    queue = {"work_pool": pool, "work_queue": "default"}
    late(world, deployment)
    agent = shown()
    agent.wait(1, "work_queue_flow_runs_late", cause="no_worker", **queue)
    assert agent.value("work_queue_oldest_late_timestamp_seconds", **queue) > 0
    assert agent.value("work_pool_ready", work_pool=pool) == 0
    assert agent.value("work_pool_workers_online", work_pool=pool) == 0


@pytest.mark.parametrize("fields, cause", [({"is_paused": True}, "paused"), ({"concurrency_limit": 1}, "slots_full"), ({}, "other")])
def test_with_a_worker_there_are_other_causes(world, shown, fields, cause):
    pool, deployment = pooled(world)
    world.driver.send("POST", f"/work_pools/{pool}/workers/heartbeat", {"name": "w"})
    if fields:
        assert world.driver.send("PATCH", f"/work_pools/{pool}", fields).status == 204
    late(world, deployment)
    world.driver.drive(world.driver.create(deployment["id"]).json()["id"], "RUNNING")
    agent = shown()
    agent.wait(1, "work_queue_flow_runs_late", cause=cause, work_pool=pool, work_queue="default")
    agent.wait(1, "work_pool_flow_runs_active", work_pool=pool)
    agent.wait(1, "work_pool_workers_online", work_pool=pool)
    assert agent.value("worker_last_heartbeat_timestamp_seconds", work_pool=pool, worker="w") > 0
