# SPDX-License-Identifier: Apache-2.0
"""Finding flow runs: polling by ids, searching by key, what observing looks at."""
import uuid

import pytest

NOBODY = "00000000-0000-0000-0000-000000000000"
LONG_AGO = "2020-01-01T00:00:00Z"
FUTURE = "2099-01-01T00:00:00Z"


@pytest.fixture
def deployment(backend):
    return backend.driver.deployment_create(f"flow-{uuid.uuid4().hex[:8]}", "main")


def create(backend, deployment, *kinds, **fields):
    run = backend.driver.create(deployment["id"], **fields).json()
    backend.driver.drive(run["id"], *kinds)
    return run["id"]


def find(backend, deployment, **filters):
    chosen = {"deployment_id": {"any_": [deployment["id"]]}} | filters
    return {run["id"] for run in backend.driver.flow_runs(flow_runs=chosen)}


def test_by_ids_what_is_absent_is_left_out(backend, deployment):
    known = [create(backend, deployment) for _ in range(3)]
    found = backend.driver.flow_runs(flow_runs={"id": {"any_": [*known, NOBODY]}}, limit=200)
    assert {run["id"] for run in found} == set(known)


def test_by_key(backend, deployment):
    wanted = create(backend, deployment, idempotency_key="wanted")
    create(backend, deployment, idempotency_key="other")
    assert find(backend, deployment, idempotency_key={"any_": ["wanted"]}) == {wanted}


def test_by_tags(backend, deployment):
    wanted = create(backend, deployment, tags=["prod", "mailing"])
    create(backend, deployment, tags=["mailing"])
    assert find(backend, deployment, tags={"all_": ["prod", "mailing"]}) == {wanted}


def test_by_state(backend, deployment):
    running, done = create(backend, deployment, "RUNNING"), create(backend, deployment, "RUNNING", "COMPLETED")
    create(backend, deployment)
    assert find(backend, deployment, state={"type": {"any_": ["RUNNING", "COMPLETED"]}}) == {running, done}
    refusal = backend.driver.send("POST", "/flow_runs/filter", {"flow_runs": {"state": {"type": {"not_any_": ["RUNNING"]}}}, "limit": 1})
    assert refusal.status == (422 if backend.old else 200)


def test_start_time_of_what_has_not_started_differs_by_version(backend, deployment):
    ran = create(backend, deployment, "RUNNING", "COMPLETED")
    fresh = create(backend, deployment)
    planned = create(backend, deployment, state={"type": "SCHEDULED", "state_details": {"scheduled_time": FUTURE}})
    found = find(backend, deployment, start_time={"after_": LONG_AGO})
    assert found == ({ran} if backend.old else {ran, fresh, planned})
    assert find(backend, deployment, expected_start_time={"after_": LONG_AGO}) == {ran, fresh, planned}


def test_newest_start_first(backend, deployment):
    runs = [create(backend, deployment, "RUNNING") for _ in range(3)]
    found = backend.driver.flow_runs(flow_runs={"deployment_id": {"any_": [deployment["id"]]}}, sort="START_TIME_DESC")
    assert [run["id"] for run in found] == runs[::-1]


def test_pages(backend, deployment):
    runs = [create(backend, deployment, "RUNNING") for _ in range(5)]
    pages = [backend.driver.flow_runs(flow_runs={"deployment_id": {"any_": [deployment["id"]]}}, sort="START_TIME_ASC", limit=2, offset=offset)
             for offset in (0, 2, 4, 6)]
    assert [[run["id"] for run in page] for page in pages] == [runs[:2], runs[2:4], runs[4:], []]


@pytest.mark.parametrize("body, status", [
    ({"limit": 200}, 200),
    ({"limit": 201}, 422),
    ({"limit": -1}, 422),
    ({"offset": -1}, 422),
    ({"sort": "NEWEST"}, 422),
    ({"flow_runs": {"parameters": {}}}, 422),
    ({"flow_runs": {"nonsense": 1}}, 422),
    ({"flow_runs": {"id": {"any_": ["nonsense"]}}}, 422),
    ({"flow_runs": {"state": {"type": {"any_": ["NONSENSE"]}}}}, 422),
    ({"flow_runs": {"start_time": {"before_": "yesterday"}}}, 422),
    ({"nonsense": 1, "limit": 1}, 200),
    ({"flow_runs": {"id": {"any_": []}}}, 200),
])
def test_what_a_filter_may_say(backend, body, status):
    assert backend.driver.send("POST", "/flow_runs/filter", body).status == status


def test_end_time_is_new_in_3(backend):
    reply = backend.driver.send("POST", "/flow_runs/filter", {"flow_runs": {"end_time": {"after_": LONG_AGO}}, "limit": 1})
    assert reply.status == (422 if backend.old else 200)


def test_deleted_is_absent_and_404(backend, deployment):
    run = create(backend, deployment, "RUNNING")
    backend.driver.flow_run_delete(run)
    assert backend.driver.flow_runs(flow_runs={"id": {"any_": [run]}}) == []
    assert backend.driver.send("GET", f"/flow_runs/{run}").status == 404


def test_deployments(backend, deployment):
    found = backend.driver.ok("POST", "/deployments/filter", {"deployments": {"id": {"any_": [deployment["id"]]}}, "limit": 200})
    assert [one["id"] for one in found] == [deployment["id"]]
    assert backend.driver.send("POST", "/deployments/filter", {"limit": 201}).status == 422
    flow = backend.driver.ok("POST", "/flows/filter", {"flows": {"id": {"any_": [deployment["flow_id"]]}}})
    assert [one["id"] for one in flow] == [deployment["flow_id"]]
