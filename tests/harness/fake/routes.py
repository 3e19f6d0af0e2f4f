# SPDX-License-Identifier: Apache-2.0
"""Method and path → what the store does, as Prefect's routers say."""
import re
import uuid
from typing import Any, Callable
from urllib.parse import unquote

from harness.fake.filters import chosen, select
from harness.fake.store import Problem, Store
from harness.fake.transitions import TYPES

Answer = tuple[int, Any]
Handler = Callable[[Store, dict[str, str], Any, dict[str, str]], Answer]
ROUTES: list[tuple[str, re.Pattern[str], Handler]] = []

CREATE_KEYS = {"state", "name", "parameters", "enforce_parameter_schema", "context", "infrastructure_document_id", "empirical_policy", "tags",
               "idempotency_key", "labels", "parent_task_run_id", "work_queue_name", "job_variables"}
STATE_KEYS = {"type", "name", "message", "data", "state_details"}


def route(method: str, pattern: str) -> Callable[[Handler], Handler]:
    """{name} is one segment; {id} must be a UUID."""
    regex = re.compile("^" + re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", pattern) + "$")

    def add(handler: Handler) -> Handler:
        ROUTES.append((method, regex, handler))
        return handler

    return add


def check_id(store: Store, text: str) -> None:
    try:
        uuid.UUID(text)
    except ValueError:
        raise Problem.invalid(["id"], "value is not a valid uuid") if store.old else Problem.detail(404, "Not Found") from None


def dispatch(store: Store, method: str, path: str, body: Any, query: dict[str, str]) -> Answer:
    seen = False
    for wanted, regex, handler in ROUTES:
        match = regex.match(path)
        if not match:
            continue
        seen = True
        if wanted == method:
            places = {name: unquote(value) for name, value in match.groupdict().items()}
            if "id" in places:
                check_id(store, places["id"])
            if method == "POST" and body is None:
                raise Problem.invalid([], "Field required", "missing")
            return handler(store, places, body, query)
    raise Problem.detail(405, "Method Not Allowed") if seen else Problem.detail(404, "Not Found")


def refuse_unknown(body: dict, known: set[str], where: list[str]) -> None:
    for key in body:
        if key not in known:
            raise Problem.invalid([*where, key], "Extra inputs are not permitted")


@route("GET", "/health")
def health(store, places, body, query):
    return 200, True


@route("GET", "/ready")
def ready(store, places, body, query):
    return 200, {"message": "OK"}


@route("GET", "/version")
def version(store, places, body, query):
    return 200, "0.8.4"


@route("GET", "/admin/version")
def admin_version(store, places, body, query):
    return 200, store.dialect


@route("POST", "/flows/")
def flow_create(store, places, body, query):
    return store.flow_create(body["name"])


@route("GET", "/flows/{id}")
def flow_read(store, places, body, query):
    if places["id"] not in store.flows:
        raise Problem.detail(404, "Flow not found")
    return 200, store.flows[places["id"]]


@route("POST", "/flows/filter")
def flow_filter(store, places, body, query):
    return 200, select(store, "flows", list(store.flows.values()), body)


@route("POST", "/deployments/")
def deployment_create(store, places, body, query):
    return 201, store.deployment_create(body)


@route("POST", "/deployments/filter")
def deployment_filter(store, places, body, query):
    return 200, select(store, "deployments", list(store.deployments.values()), body)


@route("POST", "/deployments/count")
def deployment_count(store, places, body, query):
    return 200, len(chosen(store, "deployments", list(store.deployments.values()), body))


@route("GET", "/deployments/name/{flow}/{deployment}")
def deployment_named(store, places, body, query):
    return 200, store.deployment_named(places["flow"], places["deployment"])


@route("GET", "/deployments/{id}")
def deployment_read(store, places, body, query):
    return 200, store.deployment(places["id"])


@route("PATCH", "/deployments/{id}")
def deployment_update(store, places, body, query):
    store.deployment(places["id"]).update(body)
    return 204, None


@route("DELETE", "/deployments/{id}")
def deployment_delete(store, places, body, query):
    store.deployment_delete(places["id"])
    return 204, None


@route("POST", "/deployments/{id}/create_flow_run")
def flow_run_create(store, places, body, query):
    if not isinstance(body, dict):
        raise Problem.invalid([], "Input should be a valid dictionary", "dict_type")
    refuse_unknown(body, CREATE_KEYS - {"labels"} if store.old else CREATE_KEYS, [])
    if not isinstance(body.get("parameters", {}), dict):
        raise Problem.invalid(["parameters"], "Input should be a valid dictionary", "dict_type")
    status, run = store.flow_run_create(places["id"], body)
    return status, store.shown(run)


@route("POST", "/flow_runs/filter")
def flow_run_filter(store, places, body, query):
    return 200, [store.shown(run) for run in select(store, "flow_runs", list(store.flow_runs.values()), body)]


@route("POST", "/flow_runs/count")
def flow_run_count(store, places, body, query):
    return 200, len(chosen(store, "flow_runs", list(store.flow_runs.values()), body))


@route("GET", "/flow_runs/{id}")
def flow_run_read(store, places, body, query):
    return 200, store.shown(store.flow_run(places["id"]))


@route("DELETE", "/flow_runs/{id}")
def flow_run_delete(store, places, body, query):
    store.flow_run_delete(places["id"])
    return 204, None


@route("GET", "/flow_run_states/")
def flow_run_states(store, places, body, query):
    return 200, store.states.get(query.get("flow_run_id", ""), [])


def proposed_state(body: Any) -> dict:
    if not isinstance(body, dict) or "state" not in body:
        raise Problem.invalid(["state"], "Field required", "missing")
    refuse_unknown(body["state"], STATE_KEYS, ["state"])
    if body["state"].get("type") not in TYPES:
        raise Problem.invalid(["state", "type"], "Input should be a state type", "enum")
    return body["state"]


@route("POST", "/flow_runs/{id}/set_state")
def flow_run_set_state(store, places, body, query):
    return store.set_state(places["id"], proposed_state(body), bool(body.get("force")))


@route("POST", "/flow_runs/{id}/resume")
def flow_run_resume(store, places, body, query):
    return store.resume(places["id"])


@route("POST", "/task_runs/")
def task_run_create(store, places, body, query):
    return 201, store.task_run_create(body)


@route("POST", "/task_runs/{id}/set_state")
def task_run_set_state(store, places, body, query):
    if places["id"] not in store.task_runs:
        raise Problem.detail(404, "Task run not found")
    return 201, store.task_state_write(store.task_runs[places["id"]], proposed_state(body))


@route("POST", "/task_runs/filter")
def task_run_filter(store, places, body, query):
    return 200, select(store, "task_runs", list(store.task_runs.values()), body)


@route("POST", "/logs/")
def log_create(store, places, body, query):
    for entry in body:
        store.log_create(entry)
    return 201, None


@route("POST", "/logs/filter")
def log_filter(store, places, body, query):
    return 200, select(store, "logs", store.logs, body)


@route("POST", "/work_pools/")
def work_pool_create(store, places, body, query):
    return 201, store.work_pool_create(body["name"], body.get("type", "process"))


@route("POST", "/work_pools/filter")
def work_pool_filter(store, places, body, query):
    return 200, select(store, "work_pools", list(store.work_pools.values()), body)


@route("GET", "/work_pools/{name}")
def work_pool_read(store, places, body, query):
    return 200, store.work_pool(places["name"])


@route("PATCH", "/work_pools/{name}")
def work_pool_update(store, places, body, query):
    store.work_pool_update(places["name"], body)
    return 204, None


@route("POST", "/work_pools/{name}/queues")
def work_queue_create(store, places, body, query):
    return 201, store.work_queue_create(places["name"], body["name"])


@route("POST", "/work_queues/filter")
def work_queue_filter(store, places, body, query):
    return 200, select(store, "work_queues", list(store.work_queues.values()), body)


@route("PATCH", "/work_queues/{id}")
def work_queue_update(store, places, body, query):
    store.work_queue(places["id"]).update(body)
    return 204, None


@route("POST", "/work_pools/{name}/workers/heartbeat")
def work_pool_heartbeat(store, places, body, query):
    store.heartbeat(places["name"], body["name"])
    return 204, None


@route("POST", "/work_pools/{name}/workers/filter")
def work_pool_workers(store, places, body, query):
    store.work_pool(places["name"])
    return 200, list(store.workers[places["name"]].values())
