# SPDX-License-Identifier: Apache-2.0
"""Talks to a Prefect server, real or fake, as the agent would and as a worker would: tests script flow runs with it."""
import uuid
from typing import Any

from harness.http import Reply, request
from harness.waiting import wait_for

TERMINAL = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")


class PrefectClient:
    def __init__(self, url: str, headers: dict[str, str] | None = None):
        self.url = url
        self.headers = headers or {}

    def send(self, method: str, path: str, body: Any = None) -> Reply:
        """Again while the answer is 503: a real server on SQLite says so now and then, having changed nothing."""
        replies = []

        def done() -> bool:
            replies.append(request(method, self.url + path, body, self.headers))
            return replies[-1].status != 503

        wait_for(f"{method} {path} is not answered 503", done)
        return replies[-1]

    def ok(self, method: str, path: str, body: Any = None) -> Any:
        reply = self.send(method, path, body)
        assert reply.status in (200, 201), f"{method} {path}: {reply.status} {reply.text}"
        return reply.json()

    # What a person or `prefect deploy` does

    def deployment_create(self, flow: str, name: str, **fields: Any) -> dict:
        """The flow is made if it is new. enforce_parameter_schema differs by version when not said, so it is said."""
        flow_id = self.ok("POST", "/flows/", {"name": flow})["id"]
        body = {"name": name, "flow_id": flow_id, "enforce_parameter_schema": False} | fields
        return self.ok("POST", "/deployments/", body)

    def deployment_delete(self, deployment_id: str) -> None:
        assert self.send("DELETE", f"/deployments/{deployment_id}").status == 204

    def flow_run_delete(self, flow_run_id: str) -> None:
        assert self.send("DELETE", f"/flow_runs/{flow_run_id}").status == 204

    # What the agent does

    def create(self, deployment_id: str, **fields: Any) -> Reply:
        return self.send("POST", f"/deployments/{deployment_id}/create_flow_run", fields)

    def flow_run(self, flow_run_id: str) -> dict:
        return self.ok("GET", f"/flow_runs/{flow_run_id}")

    def flow_runs(self, **body: Any) -> list[dict]:
        return self.ok("POST", "/flow_runs/filter", body)

    def runs_of(self, deployment_id: str) -> list[dict]:
        return self.flow_runs(flow_runs={"deployment_id": {"any_": [deployment_id]}})

    def set_state(self, flow_run_id: str, kind: str, name: str | None = None, message: str | None = None, **details: Any) -> dict:
        """The answer's {status, state, details}; `status_code` is added."""
        state: dict[str, Any] = {"type": kind}
        if name:
            state["name"] = name
        if message is not None:
            state["message"] = message
        if details:
            state["state_details"] = details
        reply = self.send("POST", f"/flow_runs/{flow_run_id}/set_state", {"state": state, "force": False})
        assert reply.status in (200, 201), f"set_state: {reply.status} {reply.text}"
        return reply.json() | {"status_code": reply.status}

    # What a worker does

    def drive(self, flow_run_id: str, *kinds: str, message: str | None = None) -> dict:
        """Through these states, each of which must be accepted."""
        answer: dict = {}
        for kind in kinds:
            answer = self.set_state(flow_run_id, kind, message=message if kind == kinds[-1] else None)
            assert answer["status"] == "ACCEPT", answer
        return answer

    def task_run_create(self, flow_run_id: str, name: str, kind: str, message: str | None = None) -> dict:
        """A task run as a flow of that version would report it."""
        suffix = uuid.uuid4().hex[:3]
        created = self.ok("POST", "/task_runs/", {"name": f"{name}-{suffix}", "flow_run_id": flow_run_id, "task_key": name,
                                                   "dynamic_key": suffix, "state": {"type": "RUNNING"}})
        self.ok("POST", f"/task_runs/{created['id']}/set_state", {"state": {"type": kind, "message": message}, "force": True})
        return created

    def log(self, flow_run_id: str, level: int, message: str, timestamp: str, task_run_id: str | None = None) -> None:
        entry = {"name": "prefect.task_runs" if task_run_id else "prefect.flow_runs", "level": level, "message": message,
                 "timestamp": timestamp, "flow_run_id": flow_run_id, "task_run_id": task_run_id}
        assert self.send("POST", "/logs/", [entry]).status == 201
