# SPDX-License-Identifier: Apache-2.0
"""«sendpost status» as the doctor: what is wrong, and what to do; each thing provoked from outside."""
import pytest

from harness.agent import Agent
from harness.certificates import Authority
from harness.clock import Clock
from harness.command import DONE
from harness.fake import FakePrefect
from harness.fake.server import basic
from harness.fake.worker import Plan
from harness.http import free_port
from harness.waiting import wait_for

TEXT = "name: daily\nstages:\n- {name: only, run: mailing/main}\n"


def problems(agent: Agent) -> dict[str, dict]:
    return {problem["code"]: problem for problem in agent.get("/v1/status")["problems"] if problem["severity"] != "info"}


def diagnosed(agent: Agent, code: str, severity: str = "error") -> dict:
    """The problem, once it is known; what the command prints has it too."""
    found = wait_for(f"{code} is known", lambda: problems(agent).get(code), 40)
    assert found["severity"] == severity and found["subject"] and found["message"] and found["remedy"]
    printed = agent.command_line("status")
    assert (printed.returncode, printed.stderr) == (DONE, "")
    assert f"{severity}: {found['subject']}: {found['message']}\n  {found['remedy']} ({code})\n" in printed.stdout
    return found


def mended(agent: Agent) -> None:
    wait_for("nothing is wrong any more", lambda: not problems(agent), 60)


@pytest.fixture
def agent(fake, start_on):
    agent = start_on(fake)
    mended(agent)
    return agent


def test_nothing_is_wrong(agent):
    assert [problem["code"] for problem in agent.get("/v1/status")["problems"]] == ["backup_none"]
    assert "info: " in agent.command_line("status").stdout


def test_prefect_is_away_and_comes_back(fake, agent):
    fake.stop()
    assert fake.url in diagnosed(agent, "prefect_unreachable")["subject"]
    diagnosed(agent, "prefect_circuit_open", "warning")
    fake.start()
    mended(agent)


def test_prefect_wants_credentials(start_agent):
    with FakePrefect() as fake:
        fake.authorization = basic("admin:secret")
        found = diagnosed(start_agent(fake.url, {"daily": TEXT}), "prefect_unauthorised")
        assert "401" in found["message"] and "secret" not in str(found)


def test_the_address_of_prefects_page(fake, start_on):
    def page(exchange):
        exchange.raw(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 13\r\n\r\n<html></html>")
    fake.faults.add(page, count=None)
    assert "not JSON" in diagnosed(start_on(fake), "prefect_wrong_url")["message"]


def test_a_certificate_that_nobody_vouches_for(tmp_path, start_agent):
    fake = FakePrefect()
    fake.tls = Authority(tmp_path, "authority").create().server("IP:127.0.0.1")
    with fake:
        diagnosed(start_agent(fake.url, {"daily": TEXT}), "prefect_certificate")


def test_prefect_is_too_old(fake, start_on):
    fake.faults.add(lambda exchange: exchange.answer(200, "2.19.3"), path="/admin/version$", count=None)
    assert "2.19.3" in diagnosed(start_on(fake), "prefect_version", "warning")["message"]


@pytest.mark.parametrize("minutes, how", [(10, "behind"), (-10, "ahead of")])
def test_clocks_that_differ(fake, tmp_path, start_on, minutes, how):
    clock = Clock(tmp_path / "clock")
    clock.jump(minutes=minutes)
    agent = start_on(fake, environment=clock.environment)
    assert how in diagnosed(agent, "clock_skew", "warning")["message"]


def test_a_file_that_is_broken(agent):
    agent.define("weekly", "name: weekly\nstages:\n  - {nme: only, run: mailing/main}\n")
    found = diagnosed(agent, "definition_broken")
    assert found["subject"] == "weekly.yaml:3:5" and "needs the key" in found["message"]
    agent.define("weekly", TEXT.replace("daily", "weekly"))
    mended(agent)


def test_a_deployment_that_is_not_there(fake, agent):
    agent.define("weekly", TEXT.replace("daily", "weekly").replace("mailing/main", "mailing/mian"))
    found = diagnosed(agent, "reference_broken")
    assert found["subject"] == "weekly: stage only" and "mailing/mian" in found["message"]
    fake.deploy("mailing/mian", Plan())


def test_definitions_that_cannot_be_read(agent):
    away = agent.definitions.with_name("away")
    agent.definitions.rename(away)
    assert str(agent.definitions) == diagnosed(agent, "definitions_unreadable")["subject"]
    away.rename(agent.definitions)
    mended(agent)


def test_a_full_disk(agent):
    agent.fill_disk()
    agent.send("POST", "/v1/sendposts/daily/run", {})
    assert diagnosed(agent, "journal_not_writable")["subject"] == str(agent.journal)
    agent.fill_disk(False)
    mended(agent)


def test_a_damaged_journal(agent):
    agent.stop()
    agent.journal.write_bytes(b"nonsense" * 1000)
    agent.start()
    assert ".damaged-" in diagnosed(agent, "journal_quarantined", "warning")["message"]


def test_it_is_not_there(agent):
    """What cannot be asked says so, too."""
    result = agent.command_line("status", "--server", f"http://127.0.0.1:{free_port()}")
    assert result.returncode == 3 and "cannot be reached" in result.stderr
