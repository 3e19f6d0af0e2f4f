# SPDX-License-Identifier: Apache-2.0
"""As much of JSON Schema as Prefect asks of the parameters of plain flows."""
from typing import Any, Iterator

TYPES = {"integer": (int, float), "number": (int, float), "string": str, "boolean": bool, "array": list, "object": dict, "null": type(None)}


def is_of(value: Any, kind: str) -> bool:
    if isinstance(value, bool) or kind == "boolean":
        return isinstance(value, bool) and kind == "boolean"
    return isinstance(value, TYPES[kind]) and (kind != "integer" or value == int(value))


def complaint(value: Any, rule: dict, root: dict) -> str:
    """What is wrong with the value; "": nothing."""
    while "$ref" in rule:
        where = root
        for step in rule["$ref"].removeprefix("#/").split("/"):
            where = where[step]
        rule = where
    if "type" in rule and not is_of(value, rule["type"]):
        return f"{value!r} is not of type '{rule['type']}'"
    if "enum" in rule and value not in rule["enum"]:
        return f"{value!r} is not one of {rule['enum']}"
    if rule.get("anyOf") and all(complaint(value, one, root) for one in rule["anyOf"]):
        return f"{value!r} is not valid under any of the given schemas"
    found = [complaint(value, one, root) for one in rule.get("allOf", [])]
    if isinstance(value, list) and "items" in rule:
        found += [complaint(item, rule["items"], root) for item in value]
    if isinstance(value, dict):
        found += [why for _, why in faults(value, rule, root)]
    return next((one for one in found if one), "")


def faults(value: dict, schema: dict, root: dict) -> Iterator[tuple[str | None, str]]:
    """What is wrong with an object's members: which one (None: it is missing), and why."""
    required = schema.get("required", [])
    for name in required:
        if name not in value:
            yield None, f"'{name}' is a required property"
    for name, rule in schema.get("properties", {}).items():
        optional = name not in required and "type" in rule and "default" not in rule
        why = complaint(value[name], rule, root) if name in value and not (value[name] is None and optional) else ""
        if why:
            yield name, why
