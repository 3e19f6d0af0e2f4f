# SPDX-License-Identifier: Apache-2.0
"""What Prefect says of itself as a whole: what has ended, in which order, with which filter; numbers; queues and workers."""
import uuid

import pytest

ENDS = ["COMPLETED", "FAILED", "CRASHED", "CANCELLED"]


@pytest.fixture
def deployment(backend):
    return backend.driver.deployment_create(f"flow-{uuid.uuid4().hex[:8]}", "main")


def create(backend, deployment, *kinds):
    run = backend.driver.create(deployment["id"]).json()
    backend.driver.drive(run["id"], *kinds)
    return run["id"]


def ended(backend, deployment, **filters):
    """Newest first."""
    chosen = {"deployment_id": {"any_": [deployment["id"]]}, "state": {"type": {"any_": ENDS}}} | filters
    return backend.driver.flow_runs(flow_runs=chosen, sort="END_TIME_DESC")


def ids(runs):
    return [run["id"] for run in runs]


def test_what_has_ended_newest_first(backend, deployment):
    runs = [create(backend, deployment, "RUNNING", kind) for kind in ("COMPLETED", "FAILED", "CRASHED")]
    create(backend, deployment, "RUNNING")
    found = ended(backend, deployment)
    assert ids(found) == runs[::-1]
    assert [run["end_time"] for run in found] == [run["state"]["timestamp"] for run in found]


def test_pages_of_what_has_ended(backend, deployment):
    runs = [create(backend, deployment, "RUNNING", "COMPLETED") for _ in range(5)]
    mine = {"deployment_id": {"any_": [deployment["id"]]}, "state": {"type": {"any_": ENDS}}}
    pages = [backend.driver.flow_runs(flow_runs=mine, sort="END_TIME_DESC", limit=2, offset=offset) for offset in (0, 2, 4, 6)]
    assert [ids(page) for page in pages] == [runs[:2:-1], runs[2:0:-1], runs[:1], []]


def test_the_end_can_be_filtered_by_in_3(backend, deployment):
    runs = [create(backend, deployment, "RUNNING", "COMPLETED") for _ in range(3)]
    moment = backend.driver.flow_run(runs[1])["end_time"]
    body = {"flow_runs": {"end_time": {"after_": moment}}, "limit": 1}
    if backend.old:
        refusal = backend.driver.send("POST", "/flow_runs/filter", body)
        assert refusal.status == 422 and "end_time" in refusal.text
        return
    assert ids(ended(backend, deployment, end_time={"after_": moment})) == [runs[2], runs[1]]
    assert ids(ended(backend, deployment, end_time={"before_": moment})) == [runs[1], runs[0]]


def test_what_never_ran_has_no_end_in_2(backend, deployment):
    never, ran = create(backend, deployment, "CANCELLED"), create(backend, deployment, "RUNNING", "COMPLETED")
    without = {"start_time": {"is_null_": True}} if backend.old else {"end_time": {"is_null_": True}}
    assert ids(ended(backend, deployment, **without)) == ([never] if backend.old else [])
    assert (backend.driver.flow_run(never)["end_time"] is None) == backend.old
    assert ids(ended(backend, deployment, start_time={"is_null_": False})) == ([ran] if backend.old else [ran, never])


def test_what_runs_again_has_no_end_until_it_ends_again(backend, deployment):
    run = create(backend, deployment, "RUNNING", "FAILED")
    first = backend.driver.flow_run(run)["end_time"]
    backend.driver.drive(run, "SCHEDULED")
    assert backend.driver.flow_run(run)["end_time"] is None
    backend.driver.drive(run, "RUNNING", "COMPLETED")
    assert backend.driver.flow_run(run)["end_time"] > first


def test_another_end_keeps_the_time_of_the_first(backend, deployment):
    run = create(backend, deployment, "RUNNING", "COMPLETED")
    first = backend.driver.flow_run(run)["end_time"]
    backend.driver.drive(run, "FAILED")
    assert backend.driver.flow_run(run)["end_time"] == first


def test_numbers(backend, deployment):
    for kinds in (("RUNNING", "COMPLETED"), ("RUNNING",), ()):
        create(backend, deployment, *kinds)
    mine = {"deployment_id": {"any_": [deployment["id"]]}}
    assert backend.driver.ok("POST", "/flow_runs/count", {"flow_runs": mine}) == 3
    assert backend.driver.ok("POST", "/flow_runs/count", {"flow_runs": mine | {"state": {"type": {"any_": ENDS}}}}) == 1
    chosen = {"id": {"any_": [deployment["id"]]}}
    assert backend.driver.ok("POST", "/deployments/count", {"deployments": chosen}) == 1
    assert backend.driver.ok("POST", "/deployments/count", {"deployments": chosen | {"paused": {"eq_": True}}}) == 0


def test_queues_and_workers(backend):
    pool = f"pool-{uuid.uuid4().hex[:8]}"
    backend.driver.ok("POST", "/work_pools/", {"name": pool, "type": "process"})
    backend.driver.ok("POST", f"/work_pools/{pool}/queues", {"name": "fast"})
    queues = {queue["name"]: queue for queue in backend.driver.ok("POST", "/work_queues/filter", {"limit": 200}) if queue["work_pool_name"] == pool}
    assert set(queues) == {"default", "fast"}
    assert {"id", "is_paused", "concurrency_limit", "last_polled"} <= queues["fast"].keys()
    deployment = backend.driver.deployment_create("flow-of-a-pool", pool, work_pool_name=pool, work_queue_name="fast")
    run = backend.driver.create(deployment["id"]).json()
    assert (run["work_pool_name"], run["work_queue_name"], run["work_queue_id"]) == (pool, "fast", queues["fast"]["id"])
    backend.driver.send("POST", f"/work_pools/{pool}/workers/heartbeat", {"name": "w"})
    [worker] = backend.driver.ok("POST", f"/work_pools/{pool}/workers/filter", {"limit": 200, "offset": 0})
    assert (worker["name"], worker["status"]) == ("w", "ONLINE") and worker["last_heartbeat_time"]
