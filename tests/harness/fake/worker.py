# SPDX-License-Identifier: Apache-2.0
"""Plays the part of flows that really run: takes each scheduled flow run of a planned deployment through its states."""
import heapq
import itertools
import threading
import time
from dataclasses import dataclass, field
from typing import Callable

from harness.fake.store import Store
from harness.fake.transitions import TERMINAL


@dataclass
class Plan:
    """How the flow runs of one deployment go. Seconds count from the step before."""
    pending: float = 0.05
    running: float = 0.05
    seconds: float = 0.1
    end: str = "COMPLETED"
    message: str | None = None
    tasks: list[tuple[str, str, str]] = field(default_factory=list)  # name, state type, message
    logs: list[tuple[int, str]] = field(default_factory=list)  # level, message
    detail_lag: float = 0.0  # how much later than the end the tasks and logs arrive
    cancels: bool = True  # ends a CANCELLING flow run


class Worker(threading.Thread):
    def __init__(self, store: Store):
        super().__init__(name="fake-prefect-worker", daemon=True)
        self.store = store
        self.plans: dict[str, Plan] = {}  # deployment id → plan
        self.taken: set[str] = set()
        self.cancelling: set[str] = set()
        self.due: list[tuple[float, int, Callable[[], None]]] = []
        self.order = itertools.count()
        self.stopping = False

    def plan(self, deployment_id: str, plan: Plan) -> None:
        with self.store.changed:
            self.plans[deployment_id] = plan
            self.store.changed.notify_all()

    def later(self, seconds: float, step: Callable[[], None]) -> None:
        heapq.heappush(self.due, (time.monotonic() + seconds, next(self.order), step))

    def stop(self) -> None:
        with self.store.changed:
            self.stopping = True
            self.store.changed.notify_all()
        self.join()

    def run(self) -> None:
        with self.store.changed:
            while not self.stopping:
                self.look()
                while self.due and self.due[0][0] <= time.monotonic():
                    heapq.heappop(self.due)[2]()
                wait = self.due[0][0] - time.monotonic() if self.due else None
                if wait is None or wait > 0:
                    self.store.changed.wait(wait)

    def look(self) -> None:
        for run in self.store.flow_runs.values():
            plan = self.plans.get(run["deployment_id"])
            if plan is None:
                continue
            if run["id"] not in self.taken:
                self.taken.add(run["id"])
                self.advance(run["id"], plan, plan.pending, "PENDING")
            if run["state_type"] == "CANCELLING" and plan.cancels and run["id"] not in self.cancelling:
                self.cancelling.add(run["id"])
                self.advance(run["id"], plan, 0.05, "CANCELLED")

    def advance(self, run_id: str, plan: Plan, seconds: float, kind: str) -> None:
        self.later(seconds, lambda: self.step(run_id, plan, kind))

    def step(self, run_id: str, plan: Plan, kind: str) -> None:
        """A transition that Prefect does not accept ends the flow, as it would end a real one."""
        if run_id not in self.store.flow_runs:
            return
        message = plan.message if kind == plan.end else None
        if self.store.set_state(run_id, {"type": kind, "message": message})[1]["status"] != "ACCEPT":
            return
        if kind == "PENDING":
            self.advance(run_id, plan, plan.running, "RUNNING")
        elif kind == "RUNNING" and plan.end != "RUNNING":
            self.advance(run_id, plan, plan.seconds, plan.end)
        elif kind in TERMINAL and kind == plan.end:
            self.later(plan.detail_lag, lambda: self.report(run_id, plan))

    def report(self, run_id: str, plan: Plan) -> None:
        for number, (name, kind, message) in enumerate(plan.tasks):
            suffix = str(number) if self.store.old else f"a{number:02}"
            self.store.task_run_create({"name": f"{name}-{suffix}", "flow_run_id": run_id, "task_key": name, "dynamic_key": suffix,
                                        "state": {"type": kind, "message": message}})
        for level, message in plan.logs:
            self.store.log_create({"name": "prefect.task_runs", "level": level, "message": message, "timestamp": self.store.time(),
                                   "flow_run_id": run_id})
