# SPDX-License-Identifier: Apache-2.0
"""schemathesis, with what it must be told of an agent: names that exist, and what no schema can say."""
import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from harness.agent import Agent
from harness.paths import ROOT, openapi_tool

TO_BE_SIGNED = "to-be-signed"


@dataclass
class Known:
    """What there is: values of parameters, which are taken more often than not, for all operations and for one; cursors; the webhook's secret; an operator's token."""
    values: dict[str, list[str]]
    own: dict[str, dict[str, list[str]]]
    cursors: dict[str, str]
    secret: str
    token: str


def toml(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name} = {toml(one)}" for name, one in value.items()) + "}"
    return json.dumps(value)


class Settings:
    """A schemathesis.toml. Dictionaries stand before the operations that use them."""

    def __init__(self, general: dict[str, object]):
        self.head = [f"{name} = {toml(value)}" for name, value in general.items()]
        self.dictionaries: list[str] = []
        self.operations: list[str] = []

    def dictionary(self, values: list[str]) -> dict[str, object]:
        name = f"known{len(self.dictionaries)}"
        self.dictionaries.append(f"[dictionaries.{name}]\nvalues = {toml(values)}")
        return {"dictionary": name, "probability": 0.7}

    def operation(self, path: str, settings: dict[str, object]) -> None:
        self.operations += ["[[operations]]", f'include-path = "{path}"', *(f"{name} = {toml(value)}" for name, value in settings.items())]

    def text(self) -> str:
        return "\n".join(self.head + self.dictionaries + self.operations) + "\n"


def expected(check: str, *statuses: str) -> dict[str, object]:
    return {f"checks.{check}.expected-statuses": statuses}


def parameter(name: str, value: object) -> dict[str, object]:
    return {f'parameters."{name}"': value}


def configuration(known: Known, seed: int, examples: int) -> str:
    """What no schema says: 422 depends on what there is; a cursor comes from a page; a stream without `after` may wait for ever; this client
    opens no WebSocket; headers that nobody knows are no mistake; NUL is refused in every text."""
    settings = Settings({"seed": seed, "request-timeout": 20, "max-stream-events": 1, "continue-on-failure": True, "warnings": False,
                         "generation.max-examples": examples, "generation.allow-x00": False, "auth.openapi.token.bearer": known.token, "auth.openapi.signature.api_key": TO_BE_SIGNED}
                        | expected("positive_data_acceptance", "2xx", "3xx", "401", "403", "404", "409", "422", "503"))
    for name, values in known.values.items():
        settings.head += [f"{key} = {toml(value)}" for key, value in parameter(name, settings.dictionary(values)).items()]
    for path, values in known.own.items():
        settings.operation(path, {key: value for name, one in values.items() for key, value in parameter(name, settings.dictionary(one)).items()})
    for path, cursor in known.cursors.items():
        settings.operation(path, parameter("query.cursor", cursor))
    settings.operation("/v1/events", parameter("query.after", 0) | parameter("query.sendpost", known.values["path.name"][0]))
    settings.operation("/v1/runs/{id}/events", parameter("query.after", 0))
    settings.operation("/v1/sendposts/{name}/run/ws",
                       expected("positive_data_acceptance", "404", "426") | expected("negative_data_rejection", "400", "401", "404", "426"))
    settings.operation("/v1/sendposts/{name}/webhook", {"generation.allow-extra-parameters": False} | parameter("path.name", known.values["path.name"][0]))
    return settings.text()


def run(agent: Agent, known: Known, directory: Path, *, seed: int = 1, examples: int = 12, timeout: float = 240) -> subprocess.CompletedProcess[str]:
    settings, environment = directory / "schemathesis.toml", dict(os.environ)
    settings.write_text(configuration(known, seed, examples))
    environment |= {"SCHEMATHESIS_HOOKS": "harness.schemathesis_hooks", "PYTHONPATH": str(ROOT / "tests"), "WEBHOOK_SECRET": known.secret, "TO_BE_SIGNED": TO_BE_SIGNED, "NO_COLOR": "1"}
    command = [str(openapi_tool("st")), "--config-file", str(settings), "run", "--checks", "all", f"{agent.url}/v1/openapi.json"]
    return subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=timeout)
