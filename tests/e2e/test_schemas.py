# SPDX-License-Identifier: Apache-2.0
"""The JSON Schemas say what the parser takes: what the one refuses the other refuses, but for what a schema cannot say (BEYOND)."""
import json
import subprocess

import pytest
from jsonschema import Draft202012Validator

from harness.paths import ROOT, sendpost_binary
from harness.yaml_core import load

FILES = {"definition": ROOT / "config" / "sendpost.schema.json", "agent": ROOT / "config" / "agent.schema.json"}
STAGES = "stages: [{name: a, run: f/a}]\n"
UUID = "01920000-0000-7000-8000-00000000000A"


def top(text: str) -> str:
    return f"name: x\n{text}\n{STAGES}"


def run(text: str) -> str:
    return f"name: x\nstages: [{{name: a, run: f/a, {text}}}]\n"


def observe(text: str) -> str:
    return f"name: x\nstages: [{{name: a, observe: f/a, {text}}}]\n"


def group(text: str) -> str:
    return f"name: x\nstages: [{{name: g, {text}}}]\n"


def every(shape, texts: list[str]) -> list[str]:
    return [shape(text) for text in texts]


GOOD = [
    STAGES + "name: 5\n", STAGES + "name: true\n", STAGES + f"name: {'x' * 63}\n",
    *every(top, [
        "description: 5", "owner: no", "owner: 0755", "labels: {a: 1, b: true, c: x, d: 1.5}", "enabled: false", "timezone: Europe/Berlin",
        "parameters: {a: ~, b: 1, c: [1], d: '${run.date}', e: {}, f: {type: integer, default: 1, minimum: 0.5, maximum: 2, enum: [1, 2], description: 5}}",
        "schedule: {cron: '0 7 * * mon-fri', catch_up: latest, timezone: UTC}", "schedule: [{cron: '@Daily'}, {cron: ' * * * * * '}]", "schedule: []",
        "webhook: {secret_file: /run/secret}", "webhook: {secret_file: 5}", "concurrency: queue", "timeout: 1h30m", "deadline: 1ms", "freshness: '04d'"]),
    *every(run, [
        "needs: []", "when: always", "parameters: {a: {b: [1, ~, x]}}", "tags: [a, 1, true]", "job_variables: {}", "timeout: 30m, retries: 100",
        "timeout: 5m, on_timeout: leave", "timeout: 5m, on_timeout: leave, retries: 0", "on_timeout: cancel", "retries: 2, retry_delay: 0s", "expected: 10m",
        "allow_failure: true, blocked: True", "description: 1.5"]),
    f"name: x\nstages: [{{name: 5, run: {UUID}}}, {{name: b, run: 'my flow/a b', needs: [5]}}]\n",
    *every(observe, ["within: today", "within: 24h", "wait: 0s", "match: {}", "match: {parameters: {a: 1}, tags: [a, 1]}", "allow_failure: true, expected: 1m"]),
    group("parallel: [{name: a, run: f/a}], on_failure: cancel, max_concurrent: 1"),
    group("stages: [{name: a, run: f/a}, {name: b, parallel: [{name: c, observe: f/a}]}], description: x"),
]

BAD = [
    STAGES, "name: x\n", "- name: x\n", "x", "name: x\nstages: []\n", "name: x\nstages: {}\n", "name: x\nstages: [a]\n", "name: x\nstages: [~]\n",
    STAGES + "name: X\n", STAGES + "name: -1\n", STAGES + "name: 1.5\n", STAGES + "name: ~\n", STAGES + f"name: {'x' * 64}\n", STAGES + "name: x-\n",
    *every(top, [
        "ownr: x", "owner: ~", "owner: [a]", "labels: [a]", "labels: {a: ~}", "labels: {a: [1]}", "labels: {" + ", ".join(f"k{i}: v" for i in range(17)) + "}",
        "enabled: no", "enabled: 'true'", "enabled: 1", "timezone: ~", "timezone: 5", "parameters: [a]", "parameters: {a: {typ: string}}", "parameters: {a: {type: int}}",
        "parameters: {a: {enum: []}}", "parameters: {a: {enum: x}}", "parameters: {a: {minimum: '1'}}", "parameters: {a: {required: 1}}", "parameters: {'a b': 1}",
        "parameters: {'': 1}", "schedule: '@daily'", "schedule: {}", "schedule: {cron: 5}", "schedule: {cron: '* * * *'}", "schedule: {cron: '* * * * * *'}",
        "schedule: {cron: '@daily', catch_up: last}", "schedule: [x]", "schedule: [" + "{cron: '@daily'}," * 33 + "]", "webhook: {}", "webhook: x", "webhook: {secret_file: ~}",
        "concurrency: Forbid", "concurrency: ~", "timeout: 5", "timeout: 0s", "timeout: ''", "timeout: 1.5h", "timeout: 30m1h", "timeout: -5m", "deadline: 0h", "freshness: ~"]),
    *every(run, [
        "parameter: {}", "needs: a", "needs: [~]", "when: sometimes", "parameters: []", "parameters: ~", "tags: x", "tags: [~]", "tags: [" + "a," * 65 + "]",
        "job_variables: []", "timeout: 0s", "timeout: 5m, on_timeout: kill", "on_timeout: leave", "timeout: 5m, on_timeout: leave, retries: 1", "retries: -1", "retries: 101",
        "retries: x", "retries: 1.5", "retry_delay: 5", "expected: 0s", "allow_failure: yes", "blocked: 1", "wait: 5m", "match: {}", "within: 1h", "max_concurrent: 1",
        "on_failure: wait", "observe: f/a", "parallel: []", "stages: []"]),
    "name: x\nstages: [{name: a}]\n", "name: x\nstages: [{run: f/a}]\n",
    *[f"name: x\nstages: [{{name: a, run: {wrong}}}]\n" for wrong in ("f", "/a", "f/", "f/a/b", "5", "~", UUID[:-1], "[a]")],
    *every(observe, ["within: Today", "within: 0s", "wait: 5", "match: x", "match: {tag: []}", "match: {tags: x}", "match: {parameters: []}", "retries: 1", "timeout: 1m", "tags: [a]"]),
    *every(group, ["parallel: []", "parallel: {}", "parallel: [{name: a}]", "parallel: [{name: a, run: f/a}], max_concurrent: 0", "parallel: [{name: a, run: f/a}], on_failure: x",
                   "stages: []", "stages: [{name: a, run: f/a}], on_failure: wait", "parallel: [{name: a, run: f/a}], blocked: true"]),
]

BEYOND = [  # what relates places of a file to each other, or to the machine; what the digits of a number decide
    *every(top, ["timezone: Mars/Olympus", "schedule: {cron: '61 * * * *'}", "schedule: {cron: '@dayly'}", "timeout: 36601d", "parameters: {a: 9007199254740993}",
                 "parameters: {a: {type: integer, default: x}}", "parameters: {a: '${params.b}'}", "parameters: {a: {required: true, default: 1}}"]),
    *every(run, ["needs: [b]", "needs: [a]", "when: failure", "parameters: {a: '${run.dat}'}", "retries: 1.0"]),
    "name: x\nstages: [{name: a, run: f/a}, {name: a, run: f/a}]\n",
    "name: x\nstages: [{name: a, run: f/a, needs: [b]}, {name: b, run: f/a}]\n",
]

AGENT_GOOD = [
    "{}", "namespace: 5", "prefect: {api_url: 'https://x.example:4200/api', headers: {A: 5, B: true}, timeout: 100ms, poll: {min: 1s, max: 1m}}",
    "prefect: {insecure_skip_verify: true, settle: 0s, max_concurrent_requests: 256, ui_url: 'http://[::1]:8080'}", "journal: {path: 5, retention: 90d}",
    "http: {listen: '127.0.0.1:1, unix:/x', hosts: [a, 5], cors_origins: https://a.example, metrics_listen: [], rate_limit: {requests_per_second: 0, burst: 1}}",
    "http: {listen: ['127.0.0.1:1', '[::1]:2'], external_url: '', allow_anonymous: false}", "metrics: {stage_state_set: false, histograms: True}", "prefect: {max_concurrent_requests: 0x1F}", "# nothing\n{}", "log: {level: debug, format: json}",
]

AGENT_BAD = [
    "[]", "x", "prefct: {}", "prefect: ~", "prefect: 1", "prefect.timeout: 5s", "prefect: {timeout: 5}", "prefect: {timeout: soon}", "prefect: {timeout: 0s}", "prefect: {api_url: ftp://x}",
    "prefect: {api_url: 'http://u:p@x/api'}", "prefect: {api_url: 'http://x:port'}", "prefect: {api_url: 'http://:80'}", "prefect: {api_url: 'http://x/?a'}", "prefect: {api_url: ~}",
    "prefect: {headers: [a]}", "prefect: {headers: {a: ~}}", "prefect: {headers: {a: [b]}}", "prefect: {insecure_skip_verify: 'true'}", "prefect: {insecure_skip_verify: yes}",
    "prefect: {max_concurrent_requests: 0}", "prefect: {max_concurrent_requests: 257}", "prefect: {max_concurrent_requests: '8'}", "prefect: {poll: 1s}", "prefect: {poll: {mn: 1s}}",
    "http: {listen: ~}", "http: {listen: {}}", "http: {listen: [~]}", "http: {rate_limit: 5}", "http: {rate_limit: {burst: 0}}", "http: {external_url: x}", "log: {level: INFO}",
    "log: {format: ~}", "journal: {retention: 90}", "definitions: sendposts", "metrics: {histograms: 1}", "namespace: ~",
]

AGENT_BEYOND = ["http: {listen: nonsense}", "http: {listen: '0.0.0.0:1'}", "http: {listen: []}", "prefect: {ca_file: /nothing/there}", "prefect: {poll: {min: 9s}}", "prefect: {timeout: 1h}",
                "prefect: {headers: {Authorization: x}}", "prefect: {api_url: ''}"]


@pytest.fixture(scope="module")
def validators():
    return {what: Draft202012Validator(json.loads(file.read_text())) for what, file in FILES.items()}


def parser_takes(what: str, text: str, directory) -> bool:
    file = directory / "file.yaml"
    file.write_text(text)
    (directory / "empty").mkdir()
    (directory / "empty.yaml").touch()
    arguments = [file, "--config", directory / "empty.yaml"] if what == "definition" else [directory / "empty", "--config", file]
    result = subprocess.run([str(sendpost_binary()), "check", *map(str, arguments)], capture_output=True, text=True, timeout=30)
    assert result.returncode in (0, 1), result.stderr
    return result.returncode == 0


@pytest.mark.parametrize("what, text, schema, parser", [
    (what, text, schema, parser) for what, texts, schema, parser in (
        ("definition", GOOD, True, True), ("definition", BAD, False, False), ("definition", BEYOND, True, False),
        ("agent", AGENT_GOOD, True, True), ("agent", AGENT_BAD, False, False), ("agent", AGENT_BEYOND, True, False)) for text in texts])
def test_schema_and_parser_agree(validators, tmp_path, what, text, schema, parser):
    complaints = [error.message for error in validators[what].iter_errors(load(text))]
    assert (not complaints, parser_takes(what, text, tmp_path)) == (schema, parser), complaints


@pytest.mark.parametrize("what", FILES)
def test_schemas_are_the_committed_ones(what):
    printed = subprocess.run([str(sendpost_binary()), "schema", what], capture_output=True, text=True, timeout=30)
    assert (printed.returncode, printed.stdout) == (0, FILES[what].read_text())
    assert printed.stdout == json.dumps(json.loads(printed.stdout), indent=2) + "\n"


@pytest.mark.parametrize("what", FILES)
def test_schemas_are_schemas_and_describe_every_key(validators, what):
    schema = validators[what].schema
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    missing, rest = [], [schema]
    while rest:
        at = rest.pop()
        members = at.values() if isinstance(at, dict) else at
        if isinstance(at, dict) and at.get("additionalProperties") is False:
            missing += [key for key, value in at["properties"].items() if not value.get("description")]
        rest += [member for member in members if isinstance(member, (dict, list))]
    assert not missing


@pytest.mark.parametrize("file", sorted((ROOT / "config" / "sendposts").glob("*.yaml")) + [ROOT / "config" / "agent.yaml"], ids=lambda file: file.name)
def test_examples_fit_their_schema(validators, file):
    what = "agent" if file.name == "agent.yaml" else "definition"
    assert not list(validators[what].iter_errors(load(file.read_text())))
