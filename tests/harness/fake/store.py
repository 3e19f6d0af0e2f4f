# SPDX-License-Identifier: Apache-2.0
"""What the fake Prefect knows: flows, deployments, flow runs with their states, task runs, logs, work pools."""
import copy
import threading
import uuid
from datetime import datetime, timedelta, timezone
from typing import Any

from harness.fake import schema, transitions
from harness.fake.transitions import TERMINAL, Verdict

NAMES = {"SCHEDULED": "Scheduled", "PENDING": "Pending", "RUNNING": "Running", "COMPLETED": "Completed", "FAILED": "Failed",
         "CRASHED": "Crashed", "CANCELLED": "Cancelled", "PAUSED": "Paused", "CANCELLING": "Cancelling"}


class Problem(Exception):
    """An answer that is not a success."""

    def __init__(self, status: int, body: Any):
        super().__init__(f"{status} {body}")
        self.status, self.body = status, body

    @classmethod
    def detail(cls, status: int, text: str) -> "Problem":
        return cls(status, {"detail": text})

    @classmethod
    def invalid(cls, location: list[Any], message: str, kind: str = "extra_forbidden") -> "Problem":
        entry = {"type": kind, "loc": ["body", *location], "msg": message}
        return cls(422, {"exception_message": "Invalid request received.", "exception_detail": [entry], "request_body": None})


def now() -> datetime:
    return datetime.now(timezone.utc)


def parse_time(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


def validate_parameters(parameters: dict, given: dict) -> None:
    for name, why in schema.faults(parameters, given, given):
        field = f" for field '{name}'" if name else ""
        raise Problem.detail(409, f"Error creating flow run: Validation failed{field}. Failure reason: {why}")


class Store:
    """Not safe by itself: hold `lock` around everything. `changed` is notified when a flow run's state changes."""

    def __init__(self, dialect: str):
        self.dialect = dialect
        self.old = dialect.startswith("2.")
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)
        self.rules = transitions.rules(dialect)
        self.flows: dict[str, dict] = {}
        self.deployments: dict[str, dict] = {}
        self.flow_runs: dict[str, dict] = {}
        self.keys: dict[tuple[str, str], str] = {}  # (flow id, idempotency key) -> flow run id
        self.states: dict[str, list[dict]] = {}
        self.task_runs: dict[str, dict] = {}
        self.logs: list[dict] = []
        self.work_pools: dict[str, dict] = {}
        self.work_queues: dict[str, dict] = {}
        self.workers: dict[str, dict[str, dict]] = {}

    def time(self, moment: datetime | None = None) -> str:
        text = (moment or now()).astimezone(timezone.utc).isoformat(timespec="microseconds")
        return text if self.old else text.replace("+00:00", "Z")

    def row(self, **fields: Any) -> dict:
        stamp = self.time()
        return {"id": str(uuid.uuid4()), "created": stamp, "updated": stamp} | fields

    # Flows and deployments

    def flow_create(self, name: str) -> tuple[int, dict]:
        for flow in self.flows.values():
            if flow["name"] == name:
                return 200, flow
        flow = self.row(name=name, tags=[], labels={})
        self.flows[flow["id"]] = flow
        return 201, flow

    def deployment_create(self, body: dict) -> dict:
        pool = body.get("work_pool_name")
        if pool is not None and pool not in self.work_pools:
            raise Problem.detail(404, f'Work pool "{pool}" not found.')
        fields = {"name": body["name"], "version": None, "description": None, "flow_id": body["flow_id"], "paused": False,
                  "schedules": [], "parameters": {}, "tags": [], "work_queue_name": "default" if pool else None, "last_polled": None,
                  "parameter_openapi_schema": None if self.old else {}, "path": None, "entrypoint": None, "work_pool_name": pool, "status": "NOT_READY",
                  "enforce_parameter_schema": not self.old}
        variables = body.get("job_variables", {})
        fields |= {"infra_overrides": variables} if self.old else {"job_variables": variables, "global_concurrency_limit": None, "labels": {}}
        fields |= {name: value for name, value in body.items() if name in fields}
        for known in self.deployments.values():
            if (known["flow_id"], known["name"]) == (body["flow_id"], body["name"]):
                known.update(fields, updated=self.time())
                return known
        deployment = self.row(**fields)
        self.deployments[deployment["id"]] = deployment
        return deployment

    def deployment(self, deployment_id: str) -> dict:
        if deployment_id not in self.deployments:
            raise Problem.detail(404, "Deployment not found")
        return self.deployments[deployment_id]

    def deployment_named(self, flow: str, name: str) -> dict:
        for deployment in self.deployments.values():
            if deployment["name"] == name and self.flows[deployment["flow_id"]]["name"] == flow:
                return deployment
        raise Problem.detail(404, "Deployment not found")

    def deployment_delete(self, deployment_id: str) -> None:
        self.deployment(deployment_id)
        for run in [run for run in self.flow_runs.values() if run["deployment_id"] == deployment_id]:
            if run["state_type"] == "SCHEDULED" and run["run_count"] == 0:
                self.flow_run_delete(run["id"])
        del self.deployments[deployment_id]

    # Flow runs

    def flow_run_create(self, deployment_id: str, body: dict) -> tuple[int, dict]:
        deployment = self.deployment(deployment_id)
        parameters = copy.deepcopy(deployment["parameters"]) | (body.get("parameters") or {})
        enforce = body.get("enforce_parameter_schema")
        if deployment["enforce_parameter_schema"] if enforce is None else enforce:
            validate_parameters(parameters, deployment["parameter_openapi_schema"] or {})
        key = body.get("idempotency_key")
        known = self.keys.get((deployment["flow_id"], key)) if key is not None else None
        if known and not key:  # not looked up, but unique in the database
            raise Problem.detail(409, "Data integrity conflict. This usually means a unique or foreign key constraint was violated.")
        if known:
            return 200, self.flow_runs[known]
        policy = {"max_retries": 0, "retry_delay_seconds": 0.0, "retries": None, "retry_delay": None} | (body.get("empirical_policy") or {})
        run = self.row(
            name=body.get("name") or f"fake-{uuid.uuid4().hex[:8]}", flow_id=deployment["flow_id"], deployment_id=deployment_id,
            deployment_version=None, parameters=parameters, idempotency_key=key, context={},
            empirical_policy=policy, tags=sorted(set(deployment["tags"]) | set(body.get("tags") or [])), parent_task_run_id=None,
            run_count=0, expected_start_time=None, next_scheduled_start_time=None, start_time=None, end_time=None, total_run_time=0.0,
            auto_scheduled=False, infrastructure_pid=None, created_by=None, work_queue_name=deployment["work_queue_name"],
            work_queue_id=self.work_queue_id(deployment["work_pool_name"], deployment["work_queue_name"]),
            work_pool_name=deployment["work_pool_name"], job_variables=body.get("job_variables") or {})
        if not self.old:
            run["labels"] = body.get("labels") or {}
        self.flow_runs[run["id"]] = run
        if key is not None:
            self.keys[run["flow_id"], key] = run["id"]
        self.state_write(run, body.get("state") or {"type": "SCHEDULED"})
        return 201, run

    def flow_run(self, flow_run_id: str) -> dict:
        if flow_run_id not in self.flow_runs:
            raise Problem.detail(404, "Flow run not found")
        return self.flow_runs[flow_run_id]

    def flow_run_delete(self, flow_run_id: str) -> None:
        run = self.flow_run(flow_run_id)
        self.keys = {key: value for key, value in self.keys.items() if value != flow_run_id}
        self.states.pop(flow_run_id, None)
        del self.flow_runs[run["id"]]

    def state_write(self, run: dict, proposed: dict) -> dict:
        """The new state, and what Prefect derives from it: times and counts."""
        moment, kind, old = now(), proposed["type"], run.get("state")
        details = {"flow_run_id": run["id"], "scheduled_time": None, "pause_reschedule": False, "transition_id": None}
        details |= proposed.get("state_details") or {}
        if kind == "SCHEDULED":
            asked = details["scheduled_time"]
            details["scheduled_time"] = self.time(parse_time(asked) if asked else moment)
        if kind == "PENDING" and old and old["type"] == "SCHEDULED":
            details["scheduled_time"] = old["state_details"]["scheduled_time"]
        state = {"id": str(uuid.uuid4()), "type": kind, "name": proposed.get("name") or NAMES[kind], "timestamp": self.time(moment),
                 "message": proposed.get("message"), "data": proposed.get("data"), "state_details": details}
        if old and old["type"] == "RUNNING":
            run["total_run_time"] += (moment - parse_time(old["timestamp"])).total_seconds()
        if kind == "RUNNING":
            run["run_count"] += 1
            run["start_time"] = run["start_time"] or state["timestamp"]
        if kind in TERMINAL and (run["start_time"] or not self.old):
            run["start_time"] = run["start_time"] or state["timestamp"]
            run["end_time"] = run["end_time"] or state["timestamp"]
        elif kind not in TERMINAL:
            run["end_time"] = None
        run["next_scheduled_start_time"] = details["scheduled_time"] if kind == "SCHEDULED" else None
        run["expected_start_time"] = run["expected_start_time"] or details["scheduled_time"] or state["timestamp"]
        run |= {"state": state, "state_id": state["id"], "state_type": kind, "state_name": state["name"], "updated": state["timestamp"]}
        self.states.setdefault(run["id"], []).append(state)
        self.changed.notify_all()
        return state

    def verdict(self, run: dict, proposed: dict) -> Verdict:
        state, kind = run["state"], proposed["type"]
        transition = (proposed.get("state_details") or {}).get("transition_id")
        if transition and transition == state["state_details"]["transition_id"]:
            return transitions.ALREADY_MADE
        scheduled = state["state_details"]["scheduled_time"]
        if kind == "RUNNING" and state["type"] in ("SCHEDULED", "PENDING") and scheduled and parse_time(scheduled) > now():
            return Verdict("WAIT", "Scheduled time is in the future")
        retries = run["empirical_policy"]["retries"] or 0
        if kind == "FAILED" and state["type"] == "RUNNING" and run["run_count"] <= retries:
            return Verdict("REJECT", "Retrying", "SCHEDULED")
        if kind == "CANCELLING" and state["type"] == "PAUSED" and state["state_details"]["pause_reschedule"]:
            return Verdict("REJECT", "Suspended flow run has no infrastructure to terminate.", "CANCELLED")
        return self.rules.get((state["type"], kind), transitions.ACCEPT)

    def set_state(self, flow_run_id: str, proposed: dict, force: bool = False) -> tuple[int, dict]:
        if flow_run_id not in self.flow_runs:
            raise Problem(404, {"exception_message": f"Flow run with id {flow_run_id} not found"})
        run = self.flow_runs[flow_run_id]
        verdict = transitions.ACCEPT if force else self.verdict(run, proposed)
        details: dict[str, Any] = {"type": f"{verdict.status.lower()}_details"}
        if verdict.reason:
            details["reason"] = verdict.reason
        if verdict.status == "WAIT":
            details["delay_seconds"] = int((parse_time(run["state"]["state_details"]["scheduled_time"]) - now()).total_seconds()) + 1
        if verdict.instead == "SCHEDULED":
            delay = timedelta(seconds=run["empirical_policy"]["retry_delay"] or 0)
            proposed = {"type": "SCHEDULED", "name": "AwaitingRetry", "message": proposed.get("message"),
                        "state_details": {"scheduled_time": self.time(now() + delay)}}
        elif verdict.instead:
            proposed = {"type": verdict.instead}
        written = verdict.status == "ACCEPT" or verdict.instead is not None
        state = self.state_write(run, proposed) if written else run["state"]
        return 201 if written else 200, {"state": state, "status": verdict.status, "details": details}

    def resume(self, flow_run_id: str) -> tuple[int, dict]:
        if flow_run_id not in self.flow_runs:
            raise Problem(500, {"exception_message": "Internal Server Error"})
        state = self.flow_runs[flow_run_id]["state"]
        if state["type"] != "PAUSED":
            reason = "Cannot resume a flow run that is not paused."
            return 200, {"state": None, "status": "ABORT", "details": {"type": "abort_details", "reason": reason}}
        if state["state_details"]["pause_reschedule"]:
            return self.set_state(flow_run_id, {"type": "SCHEDULED", "name": "Resuming"}, force=True)
        return self.set_state(flow_run_id, {"type": "RUNNING"}, force=True)

    def shown(self, run: dict) -> dict:
        """With the estimates that Prefect computes when asked."""
        moment = now()
        running = (moment - parse_time(run["state"]["timestamp"])).total_seconds() if run["state_type"] == "RUNNING" else 0.0
        late = (parse_time(run["start_time"]) if run["start_time"] else moment) - parse_time(run["expected_start_time"])
        return run | {"estimated_run_time": run["total_run_time"] + running, "estimated_start_time_delta": max(0.0, late.total_seconds())}

    # Task runs, logs, work pools

    def task_run_create(self, body: dict) -> dict:
        task = self.row(name=body["name"], flow_run_id=body["flow_run_id"], task_key=body["task_key"], dynamic_key=body["dynamic_key"],
                        tags=[], run_count=0, start_time=None, end_time=None, expected_start_time=None, total_run_time=0.0)
        self.task_runs[task["id"]] = task
        self.task_state_write(task, body.get("state") or {"type": "PENDING"})
        return task

    def task_state_write(self, task: dict, proposed: dict) -> dict:
        stamp = self.time()
        message = proposed.get("message")
        state = {"id": str(uuid.uuid4()), "type": proposed["type"], "name": proposed.get("name") or NAMES[proposed["type"]], "timestamp": stamp,
                 "message": message, "data": None, "state_details": {"flow_run_id": task["flow_run_id"], "task_run_id": task["id"]}}
        if proposed["type"] == "RUNNING":
            task["start_time"], task["run_count"] = task["start_time"] or stamp, task["run_count"] + 1
        if proposed["type"] in TERMINAL:
            task["end_time"] = stamp
        task |= {"state": state, "state_id": state["id"], "state_type": state["type"], "state_name": state["name"], "updated": stamp}
        return {"state": state, "status": "ACCEPT", "details": {"type": "accept_details"}}

    def log_create(self, entry: dict) -> None:
        self.logs.append(self.row(name=entry["name"], level=entry["level"], message=entry["message"], flow_run_id=entry.get("flow_run_id"),
                                  timestamp=self.time(parse_time(entry["timestamp"])), task_run_id=entry.get("task_run_id")))

    def work_pool_create(self, name: str, kind: str) -> dict:
        pool = self.row(name=name, description=None, type=kind, base_job_template={}, is_paused=False, concurrency_limit=None,
                        status="NOT_READY")
        self.work_pools[name], self.workers[name] = pool, {}
        pool["default_queue_id"] = self.work_queue_create(name, "default")["id"]
        return pool

    def work_queue_create(self, pool: str, name: str) -> dict:
        queue = self.row(name=name, description=None, is_paused=False, concurrency_limit=None, priority=1, work_pool_id=self.work_pool(pool)["id"],
                         filter=None, last_polled=None, work_pool_name=pool, status="NOT_READY")
        self.work_queues[queue["id"]] = queue
        return queue

    def work_queue_id(self, pool: str | None, name: str | None) -> str | None:
        return next((queue["id"] for queue in self.work_queues.values() if (queue["work_pool_name"], queue["name"]) == (pool, name)), None)

    def work_queue(self, queue_id: str) -> dict:
        if queue_id not in self.work_queues:
            raise Problem.detail(404, "work queue not found")
        return self.work_queues[queue_id]

    def work_pool(self, name: str) -> dict:
        if name not in self.work_pools:
            raise Problem.detail(404, f'Work pool "{name}" not found.')
        return self.work_pools[name]

    def work_pool_update(self, name: str, fields: dict) -> None:
        pool = self.work_pool(name)
        pool.update(fields)
        pool["status"] = "PAUSED" if pool["is_paused"] else "READY" if self.workers[name] else "NOT_READY"

    def heartbeat(self, pool: str, name: str) -> None:
        row = self.row(name=name, work_pool_id=self.work_pool(pool)["id"], last_heartbeat_time=self.time(), heartbeat_interval_seconds=None,
                       status="ONLINE")
        self.workers[pool][name] = row
        self.work_pools[pool]["status"] = "READY"
