# SPDX-License-Identifier: Apache-2.0
"""The bodies of POST …/filter: unknown keys inside of a filter are refused, at the top they are ignored, as Prefect does."""
import uuid
from typing import Any, Callable

from harness.fake.store import Problem, Store, parse_time
from harness.fake.transitions import TYPES

LIMIT_MAX = 200
FLOW_RUN_SORTS = ("ID_DESC", "START_TIME_ASC", "START_TIME_DESC", "EXPECTED_START_TIME_ASC", "EXPECTED_START_TIME_DESC", "NAME_ASC",
                  "NAME_DESC", "NEXT_SCHEDULED_START_TIME_ASC", "END_TIME_DESC")
SORTS = {
    "flow_runs": FLOW_RUN_SORTS,
    "task_runs": tuple(sort for sort in FLOW_RUN_SORTS if not sort.startswith("START_TIME")),
    "logs": ("TIMESTAMP_ASC", "TIMESTAMP_DESC"),
    "deployments": ("CREATED_DESC", "UPDATED_DESC", "NAME_ASC", "NAME_DESC"),
    "work_pools": (),
    "work_queues": (),
    "flows": ("CREATED_DESC", "UPDATED_DESC", "NAME_ASC", "NAME_DESC"),
}
TIMES = {"before_", "after_", "is_null_"}
IDS = {"any_", "not_any_"}
STATE = {"operator": None, "type": {"any_", "not_any_"}, "name": {"any_", "not_any_"}}
# entity → field → the keys it knows; a dict is one level deeper
KNOWN: dict[str, dict[str, Any]] = {
    "flow_runs": {"operator": None, "id": IDS, "name": {"any_", "like_"}, "tags": {"operator", "all_", "any_", "is_null_"},
                  "deployment_id": {"operator", "any_", "is_null_"}, "work_queue_name": {"operator", "any_", "is_null_"}, "state": STATE,
                  "flow_version": {"any_"}, "start_time": TIMES, "end_time": TIMES, "expected_start_time": {"before_", "after_"},
                  "next_scheduled_start_time": {"before_", "after_"}, "parent_flow_run_id": {"operator", "any_", "is_null_"},
                  "parent_task_run_id": {"operator", "any_", "is_null_"}, "idempotency_key": IDS, "created_by": {"id_", "type_", "is_null_"}},
    "task_runs": {"operator": None, "id": {"any_"}, "name": {"any_", "like_"}, "state": STATE, "flow_run_id": {"operator", "any_", "is_null_"}},
    "logs": {"operator": None, "level": {"ge_", "le_"}, "timestamp": {"before_", "after_"}, "flow_run_id": {"any_"},
             "task_run_id": {"any_", "is_null_"}},
    "deployments": {"operator": None, "id": IDS, "name": {"any_", "like_"}, "flow_or_deployment_name": {"like_"}, "paused": {"eq_"},
                    "tags": {"operator", "all_", "any_", "is_null_"}, "work_queue_name": {"any_"}},
    "flows": {"operator": None, "id": {"any_"}, "name": {"any_", "like_"}, "tags": {"operator", "all_", "is_null_"}},
    "work_pools": {"operator": None, "id": {"any_"}, "name": {"any_"}, "type": {"any_"}},
    "work_queues": {"operator": None, "id": {"any_"}, "name": {"any_", "startswith_"}},
}
# (entity, field, key) or (entity, field) that 2.20 does not know
NOT_IN_OLD = {("flow_runs", "end_time"), ("flow_runs", "created_by"), ("flow_runs", "tags", "any_"), ("flow_runs", "state", "type", "not_any_"),
              ("flow_runs", "state", "name", "not_any_"), ("deployments", "flow_or_deployment_name"), ("deployments", "tags", "any_"),
              ("deployments", "id", "not_any_")}


def check(store: Store, path: tuple[str, ...], known: Any, given: Any) -> None:
    if given is None or known is None:
        return
    if not isinstance(given, dict):
        raise Problem.invalid(list(path), "Input should be a valid dictionary", "dict_type")
    for key, value in given.items():
        here = (*path, key)
        if key not in known or (store.old and here in NOT_IN_OLD):
            raise Problem.invalid(list(here), "Extra inputs are not permitted")
        if isinstance(known, dict):
            check(store, here, known[key], value)
        else:
            check_value(here, key, value)


def check_value(path: tuple[str, ...], key: str, value: Any) -> None:
    if key in ("any_", "not_any_") and path[1] in ("id", "deployment_id", "flow_run_id", "task_run_id", "parent_flow_run_id"):
        for item in value or []:
            try:
                uuid.UUID(item)
            except (ValueError, AttributeError, TypeError):
                raise Problem.invalid(list(path), "Input should be a valid UUID", "uuid_parsing") from None
    if path[1:3] == ("state", "type") and any(item not in TYPES for item in value or []):
        raise Problem.invalid(list(path), "Input should be a state type", "enum")
    if key in ("before_", "after_") and value is not None:
        try:
            parse_time(value)
        except (ValueError, TypeError):
            raise Problem.invalid(list(path), "Input should be a valid datetime", "datetime_parsing") from None


def page(body: dict) -> tuple[int, int]:
    numbers = {}
    for name, default in (("limit", LIMIT_MAX), ("offset", 0)):
        value = body.get(name)
        try:
            numbers[name] = default if value is None else int(value)
        except (ValueError, TypeError):
            raise Problem.invalid([name], "Input should be a valid integer", "int_parsing") from None
    if numbers["offset"] < 0:
        raise Problem.invalid(["offset"], "Input should be greater than or equal to 0", "greater_than_equal")
    if numbers["limit"] > LIMIT_MAX:
        raise Problem.detail(422, f"Invalid limit: must be less than or equal to {LIMIT_MAX}.")
    if numbers["limit"] < 0:
        raise Problem.detail(422, "Invalid limit: must be greater than or equal to 0.")
    return numbers["limit"], numbers["offset"]


def moment_of(store: Store, entity: str, row: dict, field: str) -> str | None:
    """3.x lets a run that has not started stand at its expected start."""
    if field == "start_time" and entity == "flow_runs" and not store.old:
        return row["start_time"] or row["expected_start_time"]
    return row.get(field)


def field_matches(store: Store, entity: str, row: dict, field: str, rule: dict) -> bool:
    if field == "state":
        return all(member_matches(row[f"state_{part}"], rule[part]) for part in ("type", "name") if rule.get(part))
    if field in ("tags",):
        return set(rule.get("all_") or []) <= set(row["tags"]) and (not rule.get("any_") or bool(set(rule["any_"]) & set(row["tags"])))
    if field == "flow_or_deployment_name":
        return rule["like_"].lower() in f"{store.flows[row['flow_id']]['name']}/{row['name']}".lower()
    if field == "paused":
        return row["paused"] == rule["eq_"]
    if field == "level":
        return rule.get("ge_", 0) <= row["level"] <= rule.get("le_", 1000)
    if TIMES & rule.keys():
        return time_matches(moment_of(store, entity, row, field), rule)
    return member_matches(row.get(field), rule)


def member_matches(value: Any, rule: dict) -> bool:
    if rule.get("any_") is not None and value not in rule["any_"]:
        return False
    if rule.get("not_any_") and value in rule["not_any_"]:
        return False
    return not rule.get("like_") or rule["like_"].lower() in (value or "").lower()


def time_matches(text: str | None, rule: dict) -> bool:
    if rule.get("is_null_") is not None and (text is None) != rule["is_null_"]:
        return False
    if rule.get("before_") and (text is None or parse_time(text) > parse_time(rule["before_"])):
        return False
    return not rule.get("after_") or (text is not None and parse_time(text) >= parse_time(rule["after_"]))


def matches(store: Store, entity: str, row: dict, given: dict | None) -> bool:
    rules = [(field, rule) for field, rule in (given or {}).items() if field != "operator" and rule is not None]
    answers = [field_matches(store, entity, row, field, rule) for field, rule in rules]
    return any(answers) if answers and (given or {}).get("operator") == "or_" else all(answers)


def sort_key(store: Store, entity: str, name: str) -> Callable[[dict], Any]:
    field = name.rsplit("_", 1)[0].lower()
    if field == "start_time":
        return lambda row: row["start_time"] or row["expected_start_time"] or ""
    return lambda row: row.get(field) or ""


def related(store: Store, body: dict, entity: str, row: dict) -> bool:
    """Filters on the things that a row belongs to."""
    if entity == "flow_runs":
        deployment = store.deployments.get(row["deployment_id"])
        if body.get("deployments") and (deployment is None or not matches(store, "deployments", deployment, body["deployments"])):
            return False
    if entity == "task_runs" and body.get("flow_runs"):
        run = store.flow_runs.get(row["flow_run_id"])
        if run is None or not matches(store, "flow_runs", run, body["flow_runs"]):
            return False
    if entity in ("flow_runs", "deployments") and body.get("flows"):
        return matches(store, "flows", store.flows[row["flow_id"]], body["flows"])
    return True


def chosen(store: Store, entity: str, rows: list[dict], body: dict) -> list[dict]:
    """The rows that the body's filters name; raises Problem as Prefect would refuse them."""
    for name in KNOWN:
        if name in body:
            check(store, (name,), KNOWN[name], body[name])
    return [row for row in rows if matches(store, entity, row, body.get(entity)) and related(store, body, entity, row)]


def select(store: Store, entity: str, rows: list[dict], body: dict) -> list[dict]:
    """One page of them."""
    found = chosen(store, entity, rows, body)
    limit, offset = page(body)
    sort = body.get("sort") or ""
    if sort and sort not in SORTS[entity]:
        raise Problem.invalid(["sort"], "Input should be one of " + ", ".join(SORTS[entity]), "enum")
    if sort or entity in ("flow_runs", "task_runs"):
        sort = sort or "ID_DESC"
        found.sort(key=sort_key(store, entity, sort), reverse=sort.endswith("DESC"))
    return found[offset:offset + limit]
