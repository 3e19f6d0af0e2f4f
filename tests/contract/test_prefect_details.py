# SPDX-License-Identifier: Apache-2.0
"""What failure reports are made of, and the rest that the agent asks: task runs, logs, work pools, versions."""
import uuid

import pytest


@pytest.fixture
def run(backend):
    deployment = backend.driver.deployment_create(f"flow-{uuid.uuid4().hex[:8]}", "main")
    created = backend.driver.create(deployment["id"]).json()
    backend.driver.drive(created["id"], "RUNNING", "FAILED", message="it broke")
    return created["id"]


def failed_tasks(backend, run):
    body = {"flow_runs": {"id": {"any_": [run]}}, "task_runs": {"state": {"type": {"any_": ["FAILED", "CRASHED"]}}}, "limit": 20}
    return backend.driver.ok("POST", "/task_runs/filter", body)


def test_message_of_the_state(backend, run):
    assert backend.driver.flow_run(run)["state"]["message"] == "it broke"


def test_task_runs_may_come_after_the_end(backend, run):
    assert failed_tasks(backend, run) == []
    backend.driver.task_run_create(run, "load", "COMPLETED")
    made = backend.driver.task_run_create(run, "explode", "FAILED", "no such column")
    found = failed_tasks(backend, run)
    assert [(task["name"], task["state"]["message"]) for task in found] == [(made["name"], "no such column")]
    assert found[0]["name"] == f"explode-{found[0]['dynamic_key']}"


def test_error_logs(backend, run):
    other = str(uuid.uuid4())
    for level, message, second, of in ((20, "fine", 1, run), (40, "first", 2, run), (50, "second", 3, run), (40, "of another", 4, other)):
        backend.driver.log(of, level, message, f"2026-01-01T00:00:0{second}Z")
    body = {"logs": {"flow_run_id": {"any_": [run]}, "level": {"ge_": 40}}, "limit": 10}
    for sort, expected in (("TIMESTAMP_DESC", ["second", "first"]), ("TIMESTAMP_ASC", ["first", "second"])):
        found = backend.driver.ok("POST", "/logs/filter", body | {"sort": sort})
        assert [(entry["message"]) for entry in found] == expected
    assert {"level", "message", "timestamp", "name", "flow_run_id", "task_run_id"} <= found[0].keys()


@pytest.mark.parametrize("path, body", [
    ("/logs/filter", {"logs": {"nonsense": 1}}),
    ("/logs/filter", {"sort": "NEWEST"}),
    ("/task_runs/filter", {"task_runs": {"nonsense": 1}}),
    ("/task_runs/filter", {"sort": "START_TIME_DESC"}),
    ("/task_runs/filter", {"limit": 201}),
])
def test_refused_filters(backend, path, body):
    assert backend.driver.send("POST", path, body).status == 422


def test_versions_and_health(backend):
    assert backend.driver.ok("GET", "/admin/version") == backend.version
    assert backend.driver.ok("GET", "/health") is True
    assert backend.driver.send("HEAD", "/health").status == 405
    assert backend.driver.send("GET", "/nothing").status == 404


def test_no_csrf_unless_switched_on(backend):
    reply = backend.driver.send("GET", "/csrf-token?client=sendpost")
    assert (reply.status, reply.json()["detail"]) == (422, "CSRF protection is disabled.")


def test_work_pool_with_and_without_a_worker(backend):
    name = f"pool-{uuid.uuid4().hex[:8]}"
    backend.driver.ok("POST", "/work_pools/", {"name": name, "type": "process"})
    assert backend.driver.ok("GET", f"/work_pools/{name}")["status"] == "NOT_READY"
    assert backend.driver.ok("POST", f"/work_pools/{name}/workers/filter", {}) == []
    assert backend.driver.send("POST", f"/work_pools/{name}/workers/heartbeat", {"name": "one"}).status == 204
    assert [worker["status"] for worker in backend.driver.ok("POST", f"/work_pools/{name}/workers/filter", {})] == ["ONLINE"]
    deployment = backend.driver.deployment_create(name, "main", work_pool_name=name)
    assert (deployment["work_pool_name"], deployment["work_queue_name"]) == (name, "default")
    assert backend.driver.send("GET", f"/work_pools/{name}-nothing").status == 404
