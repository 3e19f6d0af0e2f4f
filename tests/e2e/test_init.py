# SPDX-License-Identifier: Apache-2.0
"""`sendpost init` against the fake Prefect: what it writes passes `check --live`, and Prefect takes what it sends."""
import pytest

from harness.command import DONE, FAILED, REFUSED, UNREACHABLE, USAGE, sendpost
from harness.fake.worker import Plan

SCHEMA = {"type": "object", "required": ["date", "limit"], "properties": {
    "limit": {"type": "integer", "position": 1, "description": "How many: at most"},
    "date": {"type": "string", "position": 0},
    "audience": {"type": "string", "enum": ["all", "test"], "default": "all", "position": 2},
    "note": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None, "position": 3},
    "quiet": {"type": "boolean", "position": 4}}}


@pytest.fixture
def init(fake, tmp_path):
    """init(deployment…): what it wrote; checked against Prefect at once."""
    def write(*arguments: str) -> str:
        result = sendpost("init", *arguments, prefect=fake.url)
        assert (result.returncode, result.stderr) == (DONE, "")
        file = tmp_path / "made.yaml"
        file.write_text(result.stdout)
        checked = sendpost("check", file, "--live", prefect=fake.url)
        assert checked.returncode == DONE, checked.stdout + result.stdout
        return result.stdout
    return write


def deploy(fake, name="mailing/render", schema=SCHEMA, **fields):
    return fake.deploy(name, Plan(), parameter_openapi_schema=schema, enforce_parameter_schema=True, **fields)


def test_one_deployment(fake, init):
    deploy(fake, parameters={"limit": 5})
    assert init("mailing/render") == """\
name: render
parameters:
  date: {required: true, type: string}
stages:
  - name: render
    run: mailing/render
    parameters:
      date: "${params.date}"
      limit: 5
      audience: all
      note: null
"""


def test_several_share_what_is_declared_alike(fake, init):
    deploy(fake, "mailing/render")
    deploy(fake, "mailing/Send E-Mail!", schema={"type": "object", "required": ["date", "limit"], "properties": {
        "date": {"type": "string"}, "limit": {"type": "string"}}})
    fake.deploy("other/render", Plan())
    assert init("mailing/render", "mailing/Send E-Mail!", "other/render") == """\
name: mailing
parameters:
  date: {required: true, type: string}
  limit: {required: true, type: integer, description: "How many: at most"}
  send-e-mail-limit: {required: true, type: string}
stages:
  - name: render
    run: mailing/render
    parameters:
      date: "${params.date}"
      limit: "${params.limit}"
      audience: all
      note: null
  - name: send-e-mail
    run: "mailing/Send E-Mail!"
    parameters:
      date: "${params.date}"
      limit: "${params.send-e-mail-limit}"
  - name: render-2
    run: other/render
"""


def test_by_id_and_by_name(fake, init):
    made = deploy(fake, "mailing/render", schema={})
    text = init(made["id"], "--name", "daily-mailing")
    assert text.replace('"', "") == f"name: daily-mailing\nstages:\n  - name: render\n    run: {made['id']}\n"


@pytest.mark.parametrize("name", ["Größe", "---", "null", "123", "x" * 100, "A  b__c"])
def test_names_are_made_valid(fake, init, name):
    fake.deploy(f"flow/{name}", Plan())
    init(f"flow/{name}")
    init(f"flow/{name}", f"flow/{name}")


VALUES = ["plain", "yes", "null", "1e3", "0755", "", " x ", "a: b", "# no", "- no", "a\nb\tc", 'q"\\', "ü\u2028\u0085\ufeff", "\x7f",
          "costs $5", "${params.date}", "$${x}", "$$", "$", 1, -2.5, 2.5e-7, 2**53 - 1, True, None, [], {}, [1, [None, {"a": "${x}"}]],
          {"a b": {"${c}": "$$"}, "null": 1, "": 2}]


def test_any_default_arrives_as_it_was(fake, init, start_agent):
    """Written, read, sent: what the flow run gets is what the deployment had."""
    properties = {f"p{number}": {"title": "anything"} for number in range(len(VALUES))}
    made = deploy(fake, schema={"type": "object", "properties": properties},
                  parameters={f"p{number}": value for number, value in enumerate(VALUES)})
    agent = start_agent(fake.url, {"render": init("mailing/render")})
    assert agent.wait_ended(agent.trigger("render"))["state"] == "completed"
    created, = fake.creates()
    assert created.body["parameters"] == made["parameters"]


def test_a_default_that_does_not_fit_is_asked_for(fake, init):
    deploy(fake, schema={"type": "object", "properties": {"limit": {"type": "integer"}, "wide": {"type": "integer"}}},
           parameters={"limit": "many", "wide": 2**60})
    text = init("mailing/render")
    assert 'limit: "${params.limit}"' in text and 'wide: "${params.wide}"' in text


def test_without_a_schema_the_deployments_own_parameters_are_written(fake, init):
    fake.deploy("mailing/old", Plan(), parameter_openapi_schema=None, parameters={"date": "x", "limit": 3})
    assert init("mailing/old").endswith("    parameters:\n      date: x\n      limit: 3\n")


@pytest.mark.parametrize("reference, meant", [("mailing/rendr", "mailing/render"), ("render", "mailing/render"), ("nothing/like-it", None)])
def test_unknown(fake, reference, meant):
    deploy(fake)
    result = sendpost("init", "mailing/render", reference, prefect=fake.url)
    assert (result.returncode, result.stdout) == (REFUSED, "")
    assert result.stderr.startswith(f"sendpost: {reference}: Prefect has no such deployment")
    assert ("did you mean" in result.stderr) == bool(meant) and (meant or "") in result.stderr


def test_prefect_away(fake):
    fake.stop()
    result = sendpost("init", "mailing/render", prefect=fake.url)
    assert (result.returncode, result.stdout) == (UNREACHABLE, "") and result.stderr.startswith("sendpost: init: ")


def test_wrong_usage(fake):
    assert sendpost("init").returncode == USAGE
    result = sendpost("init", "mailing/render", "--name", "No Name", prefect=fake.url)
    assert (result.returncode, fake.requests()) == (USAGE, [])


def test_more_than_a_definition_can_hold(fake):
    deploy(fake, schema={"type": "object", "required": [f"p{number}" for number in range(201)],
                         "properties": {f"p{number}": {"type": "string"} for number in range(201)}})
    result = sendpost("init", "mailing/render", prefect=fake.url)
    assert (result.returncode, result.stdout) == (FAILED, "") and "200" in result.stderr
