# SPDX-License-Identifier: Apache-2.0
"""Short sendposts for tests. JSON in flow style is YAML."""
import json
from typing import Any


def stage(deployment: str, name: str = "only", **fields: Any) -> dict:
    return {"name": name, "run": deployment} | fields


def sendpost(name: str, *stages: dict, **fields: Any) -> str:
    """The file's text."""
    lines = [f"name: {name}"]
    lines += [f"{key}: {json.dumps(value)}" for key, value in fields.items()]
    lines += ["stages:"] + [f"  - {json.dumps(one)}" for one in stages]
    return "\n".join(lines) + "\n"
