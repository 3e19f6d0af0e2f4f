# SPDX-License-Identifier: Apache-2.0
"""YAML 1.2 core as editors read it, numbers with a leading zero left strings: what the schemas are applied to."""
import re
from typing import Any

import yaml


class CoreLoader(yaml.SafeLoader):
    yaml_implicit_resolvers: dict = {}


def resolve(tag: str, pattern: str) -> None:
    CoreLoader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(pattern), None)


resolve("null", r"^(~|null|Null|NULL|)$")
resolve("bool", r"^(true|True|TRUE|false|False|FALSE)$")
resolve("int", r"^([-+]?(0|[1-9][0-9]*)|0o[0-7]+|0x[0-9a-fA-F]+)$")
resolve("float", r"^[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?$")
CoreLoader.add_constructor("tag:yaml.org,2002:float", lambda loader, node: float(loader.construct_scalar(node)))


def load(text: str) -> Any:
    return yaml.load(text, CoreLoader)
