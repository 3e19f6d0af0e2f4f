# SPDX-License-Identifier: Apache-2.0
"""The fake's faults do what their names say; else the tests that use them prove nothing."""
import http.client
import json
import time
from urllib.parse import urlsplit

import pytest

from harness.fake import FakePrefect, faults
from harness.fake.worker import Plan
from harness.http import request
from harness.waiting import wait_for


def ask(fake, body=None, timeout=1.5):
    return request("POST", f"{fake.url}/deployments/filter", body or {}, timeout=timeout)


@pytest.mark.parametrize("fault, processed", [(faults.drop_before, 0), (faults.drop_after, 1), (faults.delay_after(5), 1), (faults.hang, 0)])
def test_no_answer(fake, fault, processed):
    deployment = fake.deploy("a/b")
    fake.faults.add(fault, path="create_flow_run")
    with pytest.raises((OSError, http.client.HTTPException)):
        request("POST", f"{fake.url}/deployments/{deployment['id']}/create_flow_run", {}, timeout=0.5)
    assert len(fake.store.flow_runs) == processed


def test_truncated(fake):
    fake.deploy("a/b")
    fake.faults.add(faults.truncated)
    with pytest.raises(http.client.IncompleteRead):
        ask(fake)


def test_endless(fake):
    fake.faults.add(faults.endless)
    parts = urlsplit(fake.url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=5)
    connection.request("GET", "/api/health")
    reply = connection.getresponse()
    assert all(len(reply.read(1 << 20)) == 1 << 20 for _ in range(20))
    connection.close()


def test_trickle(fake):
    fake.faults.add(faults.trickle)
    with pytest.raises(TimeoutError):
        ask(fake, timeout=0.5)


def test_statuses_and_bodies(fake):
    for fault, status in ((faults.too_many("3"), 429), (faults.status(503), 503), (faults.redirect("http://x/"), 307), (faults.text(b"{"), 200)):
        fake.faults.add(fault)
        assert ask(fake).status == status
    fake.faults.add(faults.changed(lambda rows: [*rows, 5]))
    assert ask(fake).json() == [5]


def test_a_rule_strikes_when_told(fake):
    fake.faults.add(faults.status(500), path="/deployments/", skip=1, count=2)
    assert [ask(fake).status for _ in range(5)] == [200, 500, 500, 200, 200]
    assert [entry.status for entry in fake.requests("/deployments/filter")] == [200, 500, 500, 200, 200]


def test_hooks(fake):
    order = []
    fake.faults.add(faults.before(lambda: order.append(len(fake.store.flow_runs))), path="create_flow_run", count=1)
    fake.faults.add(faults.after(lambda: order.append(len(fake.store.flow_runs))), path="create_flow_run", count=1)
    deployment = fake.deploy("a/b")
    for _ in range(2):
        assert request("POST", f"{fake.url}/deployments/{deployment['id']}/create_flow_run", {}).status == 201
    assert order == [0, 2]


def test_dead_keep_alive(fake):
    parts = urlsplit(fake.url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=5)
    fake.dead_keep_alive = 1
    connection.request("GET", "/api/health")
    assert connection.getresponse().read() == b"true"
    with pytest.raises((OSError, http.client.HTTPException)):
        connection.request("GET", "/api/health")
        connection.getresponse()
    connection.close()
    assert len(fake.requests("/health")) == 1


def test_away_and_back_with_the_same_state(fake):
    deployment = fake.deploy("a/b")
    fake.stop()
    with pytest.raises(OSError):
        ask(fake)
    fake.start()
    assert [row["id"] for row in ask(fake).json()] == [deployment["id"]]


def test_authorization_and_csrf(fake):
    fake.authorization = "Bearer k"
    assert ask(fake).status == 401
    assert request("GET", f"{fake.url}/health").status == 200
    headers = {"Authorization": "Bearer k", "Prefect-Csrf-Client": "me"}
    url = f"{fake.url}/deployments/filter"
    assert request("POST", url, {}, headers).status == 200
    fake.csrf = True
    assert request("POST", url, {}, headers).status == 403
    token = request("GET", f"{fake.url}/csrf-token?client=me", headers=headers).json()["token"]
    assert request("POST", url, {}, headers | {"Prefect-Csrf-Token": token}).status == 200


@pytest.mark.parametrize("dialect, task", [("3.8.8", "explode-a00"), ("2.20.25", "explode-0")])
def test_flows_that_go_by_themselves(dialect, task):
    plan = Plan(end="FAILED", message="no", tasks=[("explode", "FAILED", "boom")], logs=[(40, "why")])
    with FakePrefect(dialect) as fake:
        deployment = fake.deploy("a/b", plan)
        run = fake.driver.create(deployment["id"]).json()
        wait_for("it fails", lambda: fake.driver.flow_run(run["id"])["state_type"] == "FAILED")
        wait_for("its task is there", lambda: [one["name"] for one in fake.driver.ok("POST", "/task_runs/filter", {})] == [task])
        history = fake.driver.ok("GET", f"/flow_run_states/?flow_run_id={run['id']}")
        assert [state["type"] for state in history] == ["SCHEDULED", "PENDING", "RUNNING", "FAILED"]
        assert [entry["message"] for entry in fake.driver.ok("POST", "/logs/filter", {})] == ["why"]


def test_a_worker_ends_what_is_cancelling(fake):
    run = fake.driver.create(fake.deploy("a/b", Plan(seconds=60))["id"]).json()
    wait_for("it runs", lambda: fake.driver.flow_run(run["id"])["state_type"] == "RUNNING")
    fake.driver.set_state(run["id"], "CANCELLING")
    wait_for("it is cancelled", lambda: fake.driver.flow_run(run["id"])["state_type"] == "CANCELLED")


def test_it_is_quick_enough(fake):
    """A poll of 200 flow runs must not be what a test waits for."""
    deployment = fake.deploy("a/b")
    ids = [fake.driver.create(deployment["id"]).json()["id"] for _ in range(200)]
    began = time.monotonic()
    found = request("POST", f"{fake.url}/flow_runs/filter", json.dumps({"flow_runs": {"id": {"any_": ids}}}).encode()).json()
    assert len(found) == 200 and time.monotonic() - began < 0.5
