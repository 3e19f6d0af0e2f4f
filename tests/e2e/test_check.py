# SPDX-License-Identifier: Apache-2.0
"""`sendpost check` without Prefect: where it says what, in which form, and what it counts."""
import json
import re
from pathlib import Path

import pytest

from harness.command import DONE, FAILED, USAGE, sendpost
from harness.paths import ROOT

CONFIG = ROOT / "config" / "agent.yaml"
GOOD = "name: {name}\nstages:\n  - {{name: only, run: a/b}}\n"
BROKEN = "name: broken\nstages:\n  - name: one\n    run: a/b\n    parameter: {date: x}\n"


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def check_json(*arguments, **options) -> tuple[int, dict]:
    result = sendpost("check", *arguments, "--format", "json", **options)
    return result.returncode, json.loads(result.stdout)


def test_the_examples():
    result = sendpost("check", ROOT / "config" / "sendposts", "--config", CONFIG)
    assert result.returncode == DONE, result.stdout + result.stderr
    assert result.stdout.splitlines()[-1].startswith("3 files, 3 sendposts, ")


def test_without_a_path_the_configured_directory_is_read():
    status, found = check_json("--config", CONFIG)
    assert (status, found["summary"]["files"], found["summary"]["sendposts"], found["summary"]["errors"]) == (DONE, 3, 3, 0)
    assert set(found["summary"]) == {"files", "sendposts", "stages", "series", "errors", "warnings"}


def test_says_where(tmp_path):
    file = write(tmp_path / "daily.yaml", BROKEN)
    result = sendpost("check", file)
    assert result.returncode == FAILED
    assert f"{file}:5:5: error: unknown key 'parameter', did you mean 'parameters'?\n    parameter: {{date: x}}\n    ^\n" in result.stdout
    assert f"::error file={file},line=5,col=5::unknown key" in sendpost("check", file, "--format", "github").stdout
    status, found = check_json(file)
    assert status == FAILED
    assert found == {"findings": [{"severity": "error", "file": str(file), "line": 5, "column": 5,
                                   "message": "unknown key 'parameter', did you mean 'parameters'?"}],
                     "summary": {"files": 1, "sendposts": 0, "stages": 0, "series": 1, "errors": 1, "warnings": 0}}


def test_warnings_fail_nothing(tmp_path):
    file = write(tmp_path / "daily.yaml", "name: daily\nwebhook: {secret_file: /nothing/there}\nstages:\n  - {name: only, run: a/b}\n")
    status, found = check_json(file)
    assert (status, found["summary"]["warnings"], found["findings"][0]["severity"]) == (DONE, 1, "warning")
    assert sendpost("check", file, "--format", "github").stdout.startswith(f"::warning file={file},line=2,")


def test_a_path_that_is_not_there(tmp_path):
    good, nothing = write(tmp_path / "daily.yaml", GOOD.format(name="daily")), tmp_path / "nothing.yaml"
    result = sendpost("check", nothing, good)
    assert (result.returncode, result.stderr) == (FAILED, f"sendpost: check: {nothing}: No such file or directory\n")
    assert re.fullmatch(r"1 file, 1 sendpost, 1 stage, \d+ series, 1 error, 0 warnings\n", result.stdout)  # it is said once
    assert sendpost("check", nothing, good, "--format", "json").stderr == ""
    status, found = check_json(nothing, good)
    assert [(one["file"], one["line"], one["column"]) for one in found["findings"]] == [(str(nothing), 1, 1)]
    assert (found["summary"]["files"], found["summary"]["sendposts"], found["summary"]["errors"]) == (1, 1, 1)


def test_a_file_that_cannot_be_read(tmp_path):
    file = write(tmp_path / "large.yaml", "#" * (2 << 20))
    status, found = check_json(tmp_path)
    assert status == FAILED
    assert [(one["file"], one["line"], one["column"], one["message"]) for one in found["findings"]] == [(str(file), 1, 1, "larger than 1048576 bytes")]


def test_a_configured_directory_that_is_not_there(tmp_path):
    config = write(tmp_path / "agent.yaml", "definitions: {directory: nothing}\n")
    assert sendpost("check", "--config", config).returncode == FAILED


@pytest.mark.parametrize("directories", [False, True])
def test_two_files_with_one_name(tmp_path, directories):
    one, two = (write(tmp_path / name / "daily.yaml", GOOD.format(name="daily")) for name in ("one", "two"))
    write(tmp_path / "one" / "other.yaml", "# a comment\n" + GOOD.format(name="other"))
    status, found = check_json(*([tmp_path] if directories else [one, two, tmp_path / "one" / "other.yaml"]))
    assert status == FAILED
    assert sorted((each["file"], each["line"], each["column"], each["message"]) for each in found["findings"]) == [
        (str(one), 1, 1, f"the name 'daily' is used by {two} too"), (str(two), 1, 1, f"the name 'daily' is used by {one} too")]
    assert (found["summary"]["files"], found["summary"]["sendposts"], found["summary"]["stages"]) == (3, 1, 1)


def test_the_duplicate_stands_at_the_name(tmp_path):
    first = write(tmp_path / "a.yaml", GOOD.format(name="daily"))
    second = write(tmp_path / "b.yaml", "owner: x\n" + GOOD.format(name="daily"))
    third = write(tmp_path / "c.yaml", GOOD.format(name="daily"))
    lines = sendpost("check", tmp_path).stdout.splitlines()
    assert f"{second}:2:1: error: the name 'daily' is used by {first} too" in lines
    assert f"{third}:1:1: error: the name 'daily' is used by {second} too" in lines


def test_one_file_named_twice_is_one(tmp_path):
    directory = tmp_path / "sendposts"
    file = write(directory / "daily.yaml", GOOD.format(name="daily"))
    (tmp_path / "elsewhere").symlink_to(directory)
    for paths in ((directory, file), (file, file), (file, tmp_path / "elsewhere")):
        status, found = check_json(*paths)
        assert (status, found["summary"]["files"]) == (DONE, 1), paths


def test_github_escapes(tmp_path):
    file = write(tmp_path / "50%, a:b\n.yaml", "name: daily\nstages:\n  - {name: only, run: a/b, 50%: 1}\n")
    line = sendpost("check", file, "--format", "github").stdout.splitlines()[0]
    place = str(tmp_path).replace(":", "%3A")
    assert line == f"::error file={place}/50%25%2C a%3Ab%0A.yaml,line=3,col=28::unknown key '50%25'"


def test_the_configuration_is_checked_too(tmp_path):
    file = write(tmp_path / "agent.yaml", "prefect:\n  timeout: soon\n")
    status, found = check_json("--config", file)
    assert status == FAILED
    assert [(one["file"], one["line"], one["column"]) for one in found["findings"]] == [(str(file), 2, 12)]
    assert f"{file}:2:12: error:" in sendpost("check", "--config", file).stdout
    assert "configuration" in sendpost("check", "--config", file).stderr


def test_a_configuration_that_is_not_there(tmp_path):
    result = sendpost("check", "--config", tmp_path / "nothing.yaml")
    assert result.returncode == FAILED and result.stderr.count("nothing.yaml") == 1 and "1 error" in result.stdout


@pytest.mark.parametrize("variable, value, file", [("SENDPOST_CONFIG", "/nothing/there", "/nothing/there"), ("SENDPOST__NOPE", "1", "the configuration"),
                                                   ("PREFECT_API_URL", "ftp://x", "the configuration")])
def test_an_environment_that_is_wrong_is_a_finding(tmp_path, variable, value, file):
    status, found = check_json(write(tmp_path / "daily.yaml", GOOD.format(name="daily")), environment={variable: value})
    assert (status, found["summary"]["errors"], [one["file"] for one in found["findings"]]) == (FAILED, 1, [file])
    message = found["findings"][0]["message"]
    assert variable in message or value in message


def test_no_more_than_20_of_a_file_and_all_are_counted(tmp_path):
    stages = "".join(f"  - {{name: s{number}, run: x}}\n" for number in range(30))
    status, found = check_json(write(tmp_path / "daily.yaml", "name: daily\nstages:\n" + stages))
    assert (status, len(found["findings"]), found["summary"]["errors"]) == (FAILED, 20, 30)


@pytest.mark.parametrize("switches", [{}, {"metrics.stage_state_set": "false"}, {"metrics.histograms": "false"},
                                      {"metrics.stage_state_set": "false", "metrics.histograms": "false"}])
def test_the_series_are_those_of_a_scrape(fake, start_on, switches):
    agent = start_on(fake, {"name": "one", "run": "mailing/main"}, {"name": "seen", "observe": "mailing/main"}, labels={"tier": "gold"},
                     settings=switches)
    agent.define("group", "name: group\nstages:\n  - name: both\n    parallel:\n      - {name: a, run: mailing/main}\n"
                          "      - {name: b, stages: [{name: c, run: mailing/main}]}\n")
    agent.define("broken", BROKEN)
    agent.restart()
    samples = [dict(labels) for _, labels in agent.metrics().samples]
    shown = sum("sendpost" in labels or "file" in labels for labels in samples)
    environment = {"SENDPOST__" + name.replace(".", "__").upper(): value for name, value in switches.items()}
    status, found = check_json(agent.definitions, environment=environment)
    assert (status, found["summary"]["series"]) == (FAILED, shown)
