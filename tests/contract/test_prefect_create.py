# SPDX-License-Identifier: Apache-2.0
"""Creating flow runs: the promise behind «one attempt, one flow run»."""
import uuid

import pytest

NOBODY = "00000000-0000-0000-0000-000000000000"
SCHEMA = {"title": "Parameters", "type": "object", "required": ["limit"],
          "properties": {"limit": {"type": "integer"}, "audience": {"type": "string", "enum": ["all", "test"]}}}


@pytest.fixture
def flow() -> str:
    return f"flow-{uuid.uuid4().hex[:8]}"


def test_same_key_gives_the_same_flow_run_unchanged(backend, flow):
    deployment = backend.driver.deployment_create(flow, "main", parameters={"a": 1, "b": 2}, tags=["ours"])
    first = backend.driver.create(deployment["id"], idempotency_key="k", parameters={"a": 5}, tags=["x"], name="one #1")
    again = backend.driver.create(deployment["id"], idempotency_key="k", parameters={"a": 6}, tags=["y"], name="two #1")
    assert (first.status, again.status) == (201, 200)
    assert again.json()["id"] == first.json()["id"]
    assert again.json()["parameters"] == {"a": 5, "b": 2}
    assert again.json()["name"] == "one #1"
    assert set(again.json()["tags"]) == {"ours", "x"}


def test_key_still_hits_when_the_flow_run_has_ended(backend, flow):
    deployment = backend.driver.deployment_create(flow, "main")
    first = backend.driver.create(deployment["id"], idempotency_key="k").json()
    backend.driver.drive(first["id"], "RUNNING", "COMPLETED")
    again = backend.driver.create(deployment["id"], idempotency_key="k")
    assert (again.status, again.json()["id"], again.json()["state_type"]) == (200, first["id"], "COMPLETED")


def test_keys_are_of_the_flow_not_of_the_deployment(backend, flow):
    one, two = backend.driver.deployment_create(flow, "one"), backend.driver.deployment_create(flow, "two")
    first = backend.driver.create(one["id"], idempotency_key="k")
    stolen = backend.driver.create(two["id"], idempotency_key="k")
    assert stolen.status == 200
    assert stolen.json()["deployment_id"] == one["id"] == first.json()["deployment_id"]


def test_deleting_the_flow_run_frees_its_key(backend, flow):
    deployment = backend.driver.deployment_create(flow, "main")
    first = backend.driver.create(deployment["id"], idempotency_key="k").json()
    backend.driver.flow_run_delete(first["id"])
    again = backend.driver.create(deployment["id"], idempotency_key="k")
    assert again.status == 201 and again.json()["id"] != first["id"]


def test_an_empty_key_is_a_trap(backend, flow):
    """Stored, never looked up: the second is refused."""
    deployment = backend.driver.deployment_create(flow, "main")
    assert [backend.driver.create(deployment["id"], idempotency_key="").status for _ in range(2)] == [201, 409]


def test_flow_run_as_created(backend, flow):
    deployment = backend.driver.deployment_create(flow, "main")
    run = backend.driver.create(deployment["id"], idempotency_key="k" * 255, name="daily/render #1", tags=["sendpost:daily"]).json()
    assert (run["state_type"], run["state"]["name"], run["name"]) == ("SCHEDULED", "Scheduled", "daily/render #1")
    assert (run["deployment_id"], run["flow_id"], run["idempotency_key"]) == (deployment["id"], deployment["flow_id"], "k" * 255)
    assert (run["start_time"], run["end_time"], run["run_count"]) == (None, None, 0)
    assert run["created"].endswith("+00:00" if backend.old else "Z")


@pytest.mark.parametrize("body, status", [
    ({"parameters": {"limit": "many"}}, 409),
    ({"parameters": {}}, 409),
    ({"parameters": {"limit": 1, "audience": "nobody"}}, 409),
    ({"parameters": 5}, 422),
    ({"unknown": 1}, 422),
])
def test_refused(backend, flow, body, status):
    deployment = backend.driver.deployment_create(flow, "main", parameter_openapi_schema=SCHEMA, enforce_parameter_schema=True)
    reply = backend.driver.create(deployment["id"], **body)
    assert reply.status == status
    assert ("detail" if status == 409 else "exception_detail") in reply.json()
    assert backend.driver.runs_of(deployment["id"]) == []


def test_parameters_are_validated_before_the_key_is_looked_up(backend, flow):
    deployment = backend.driver.deployment_create(flow, "main", parameter_openapi_schema=SCHEMA, enforce_parameter_schema=True)
    assert backend.driver.create(deployment["id"], idempotency_key="k", parameters={"limit": 1}).status == 201
    assert backend.driver.create(deployment["id"], idempotency_key="k", parameters={"limit": "x"}).status == 409


def test_labels_are_new_in_3(backend, flow):
    deployment = backend.driver.deployment_create(flow, "main")
    assert backend.driver.create(deployment["id"], labels={"a": "b"}).status == (422 if backend.old else 201)


def test_no_such_deployment(backend, flow):
    assert backend.driver.create(NOBODY).status == 404
    assert backend.driver.create("nonsense").status == (422 if backend.old else 404)
    assert backend.driver.send("GET", f"/deployments/name/{flow}/nothing").status == 404
    assert backend.driver.send("GET", f"/deployments/{NOBODY}").status == 404


def test_a_body_is_required(backend, flow):
    deployment = backend.driver.deployment_create(flow, "main")
    assert backend.driver.send("POST", f"/deployments/{deployment['id']}/create_flow_run").status == 422


def test_deployment_by_name_and_id(backend, flow):
    made = backend.driver.deployment_create(flow, "main", parameter_openapi_schema=SCHEMA, parameters={"limit": 3}, tags=["t"])
    named = backend.driver.ok("GET", f"/deployments/name/{flow}/main")
    assert named["id"] == made["id"] == backend.driver.ok("GET", f"/deployments/{made['id']}")["id"]
    assert (named["parameters"], named["tags"], named["paused"]) == ({"limit": 3}, ["t"], False)
    assert named["parameter_openapi_schema"]["properties"]["limit"]["type"] == "integer"
    assert (named["status"], named["work_pool_name"]) == ("NOT_READY", None)
    assert ("infra_overrides" in named, "job_variables" in named) == (backend.old, not backend.old)


def test_a_paused_deployment_still_takes_flow_runs(backend, flow):
    deployment = backend.driver.deployment_create(flow, "main")
    assert backend.driver.send("PATCH", f"/deployments/{deployment['id']}", {"paused": True}).status == 204
    assert backend.driver.ok("GET", f"/deployments/{deployment['id']}")["paused"] is True
    assert backend.driver.create(deployment["id"]).status == 201


def test_deleting_a_deployment_deletes_what_has_not_started(backend, flow):
    deployment = backend.driver.deployment_create(flow, "main")
    fresh, running = (backend.driver.create(deployment["id"]).json()["id"] for _ in range(2))
    backend.driver.drive(running, "RUNNING")
    backend.driver.deployment_delete(deployment["id"])
    assert backend.driver.send("GET", f"/flow_runs/{fresh}").status == 404
    assert backend.driver.flow_run(running)["state_type"] == "RUNNING"
    assert backend.driver.create(deployment["id"]).status == 404
