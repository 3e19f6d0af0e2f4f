# SPDX-License-Identifier: Apache-2.0
"""`sendpost check --live` against the fake Prefect."""
import json
import re

import pytest

from harness.command import DONE, FAILED, UNREACHABLE, sendpost
from harness.fake import faults
from harness.fake.server import basic
from harness.fake.worker import Plan

SCHEMA = {"type": "object", "required": ["date"], "properties": {
    "date": {"type": "string", "position": 0}, "limit": {"type": "integer", "default": 1, "position": 1}}}
FILE = """\
name: daily
parameters:
  number: {type: integer, required: true}
stages:
  - name: render
    run: mailing/render
    parameters:
      date: ${run.date}
      limit: ${params.number}
"""


@pytest.fixture
def live(fake, tmp_path):
    """live(text): status and findings of that file, as (severity, line, column, message)."""
    fake.deploy("mailing/render", Plan(), parameter_openapi_schema=SCHEMA, enforce_parameter_schema=True)

    def check(text: str = FILE, *arguments: str, **options) -> tuple[int, list[tuple]]:
        file = tmp_path / "daily.yaml"
        file.write_text(text)
        result = sendpost("check", file, "--live", "--format", "json", *arguments, prefect=fake.url, **options)
        assert result.stdout, result.stderr
        findings = json.loads(result.stdout)["findings"]
        return result.returncode, [(one["severity"], one["line"], one["column"], one["message"]) for one in findings]

    return check


def test_all_is_well(live):
    assert live() == (DONE, [])


def test_a_missing_deployment_and_what_was_meant(live):
    status, findings = live(FILE.replace("mailing/render", "mailing/rendr"))
    assert status == FAILED
    assert findings == [("error", 6, 5, "Prefect has no deployment 'mailing/rendr', did you mean 'mailing/render'?")]


@pytest.mark.parametrize("reference", ["other/render", "mailing/nothing-like-it", "00000000-0000-0000-0000-000000000001"])
def test_missing_by_flow_name_or_id(live, reference):
    status, findings = live(FILE.replace("mailing/render", reference))
    assert (status, findings[0][:3]) == (FAILED, ("error", 6, 5))
    assert f"no deployment '{reference}'" in findings[0][3]


def test_by_id(live, fake):
    deployment = fake.store.deployment_named("mailing", "render")
    assert live(FILE.replace("mailing/render", deployment["id"].upper())) == (DONE, [])


@pytest.mark.parametrize("parameters, line, column, message", [
    ("{date: x, limits: 1}", 7, 27, "mailing/render has no parameter 'limits', did you mean 'limit'?"),
    ("{date: x, limit: '${params.number}!'}", 7, 27, "the parameter 'limit' of mailing/render must be integer, not string"),
    ("{date: 1}", 7, 18, "the parameter 'date' of mailing/render must be string, not integer"),
    ("{limit: 1}", 7, 5, "mailing/render needs the parameter 'date'"),
])
def test_parameters_that_do_not_fit(live, parameters, line, column, message):
    text = FILE.partition("    parameters:")[0] + f"    parameters: {parameters}\n"
    assert live(text) == (FAILED, [("error", line, column, message)])


def test_without_parameters_what_is_missing_stands_at_the_deployment(live):
    assert live(FILE.partition("    parameters:")[0]) == (FAILED, [("error", 6, 5, "mailing/render needs the parameter 'date'")])


def test_what_prefect_does_not_enforce_is_a_warning(live, fake):
    fake.deploy("mailing/render", Plan(), parameter_openapi_schema=SCHEMA, enforce_parameter_schema=False)
    text = FILE.partition("    parameters:")[0] + "    parameters: {date: x, limit: many, other: 1}\n"
    status, findings = live(text)
    assert (status, [finding[0] for finding in findings]) == (DONE, ["warning", "warning"])


def test_paused_and_nobody_there(live, fake):
    fake.driver.ok("POST", "/work_pools/", {"name": "pool"})
    fake.deploy("mailing/pooled", work_pool_name="pool", paused=True)
    fake.serve("mailing/render", False)
    status, findings = live(FILE + "  - {name: pooled, run: mailing/pooled}\n  - {name: seen, observe: mailing/pooled}\n")
    assert status == DONE
    assert [finding[:3] for finding in findings] == [("warning", 6, 5)] + [("warning", 10, 20)] * 2 + [("warning", 11, 18)] * 2
    assert "nobody serves mailing/render" in findings[0][3] and "is paused" in findings[1][3] and "no worker online" in findings[2][3]
    fake.driver.send("POST", "/work_pools/pool/workers/heartbeat", {"name": "worker"})
    fake.driver.send("PATCH", f"/deployments/{fake.store.deployment_named('mailing', 'pooled')['id']}", {"paused": False})
    fake.serve("mailing/render")
    assert live(FILE + "  - {name: pooled, run: mailing/pooled}\n") == (DONE, [])


def test_errors_of_the_file_come_with_it(live):
    status, findings = live(FILE.replace("number: {type", "number: {typ") + "  - {name: nothing, run: mailing/nothing}\n")
    assert (status, len(findings)) == (FAILED, 1)  # a broken file names no deployments


def test_prefect_away(live, fake):
    fake.stop()
    status, findings = live(FILE.replace("name: daily", "name: daily\nwebhook: {secret_file: /nothing/there}"))
    assert (status, len(findings)) == (UNREACHABLE, 1)


@pytest.mark.parametrize("path", ["/flows/filter", "/deployments/filter"])
@pytest.mark.parametrize("fault", [faults.status(401), faults.status(403), faults.status(404), faults.status(500), faults.text(b"{}"), faults.drop_before])
def test_prefect_does_not_say(live, fake, path, fault):
    fake.faults.add(fault, path=path, count=None)
    status, findings = live()
    assert (status, findings) == (UNREACHABLE, [])


def test_work_pools_that_are_hidden_are_not_judged(live, fake):
    fake.driver.ok("POST", "/work_pools/", {"name": "pool"})
    fake.deploy("mailing/pooled", work_pool_name="pool")
    fake.faults.add(faults.status(403), path="/work_pools/filter")
    assert live(FILE + "  - {name: pooled, run: mailing/pooled}\n") == (DONE, [])


def test_asks_again_when_prefect_asks_for_patience(live, fake):
    fake.faults.add(faults.status(503), path="/deployments/filter", count=2)
    assert live() == (DONE, [])


def test_asks_as_the_agent_would(live, fake):
    fake.authorization = basic("user:secret")
    assert live()[0] == UNREACHABLE
    assert live(environment={"PREFECT_API_AUTH_STRING": "user:secret"}) == (DONE, [])


def test_behind_csrf_protection(live, fake):
    fake.csrf = True
    assert live() == (DONE, [])


def test_few_requests_for_many_deployments(fake, tmp_path):
    for number in range(250):
        flow = f"flow-{number % 50}"
        fake.deploy(f"{flow}/main-{number}", Plan())
        (tmp_path / f"s{number}.yaml").write_text(f"name: s{number}\nstages:\n  - {{name: a, run: {flow}/main-{number}}}\n")
    result = sendpost("check", tmp_path, "--live", prefect=fake.url)
    assert result.returncode == DONE, result.stdout[:2000]
    assert len([request for request in fake.requests() if request.path.endswith("/filter")]) <= 6


def test_text_and_github(live, fake, tmp_path):
    live(FILE.replace("mailing/render", "mailing/rendr"))
    text = sendpost("check", tmp_path / "daily.yaml", "--live", prefect=fake.url).stdout
    assert re.search(r"daily\.yaml:6:5: error: Prefect has no deployment 'mailing/rendr'.*\n    run: mailing/rendr\n    \^\n", text)
    assert ",line=6,col=5::Prefect has no" in sendpost("check", tmp_path / "daily.yaml", "--live", "--format", "github", prefect=fake.url).stdout
