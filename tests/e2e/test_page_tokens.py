# SPDX-License-Identifier: Apache-2.0
"""The status page of an agent that wants tokens: asked for once, kept for the tab, and what each role sees."""
import pytest
from playwright.sync_api import expect

from harness.fake.worker import Plan
from harness.tokens import Tokens
from harness.waiting import wait_for


@pytest.fixture
def tokens(tmp_path):
    return Tokens(tmp_path / "tokens.yaml")


@pytest.fixture
def guarded(fake, start_on, tokens):
    """An agent that wants tokens, with a run that is at work."""
    agent = start_on(fake, settings={"http.tokens_file": str(tokens.path)}, deployments={"mailing/main": Plan(end="RUNNING")})
    agent.token = tokens["operator"]
    run = agent.trigger("daily")
    agent.wait_stage(run, "only", "running")
    return agent, run


@pytest.fixture
def stranger(guarded, visit):
    visitor = visit(guarded[0])
    visitor.expect("status of 401", "status of 403")
    return visitor


def give(page, token):
    dialog = page.get_by_role("dialog", name="Token")
    dialog.get_by_role("textbox").fill(token)
    dialog.get_by_role("button", name="Continue").click()


def offered(page):
    return page.locator("main .buttons button").all_inner_texts()


def test_it_is_asked_for_once(stranger, tokens):
    page = stranger.page
    page.goto("/")
    dialog = page.get_by_role("dialog", name="Token")
    expect(dialog).to_contain_text("asks who you are")
    expect(page.get_by_text("daily")).to_have_count(0)
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    give(page, "two words")
    expect(dialog.get_by_role("alert")).to_have_text("This cannot be a token.")
    give(page, "guess")
    expect(dialog).to_contain_text("does not accept this token")
    give(page, tokens["reader"])
    expect(page.get_by_role("link", name="daily")).to_be_visible()
    expect(page.locator("#connection")).to_have_text("Live")
    page.reload()
    expect(page.get_by_role("link", name="daily")).to_be_visible()
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_it_stays_in_the_tab(stranger, tokens):
    page = stranger.page
    page.goto("/")
    give(page, tokens["reader"])
    expect(page.get_by_role("link", name="daily")).to_be_visible()
    assert page.evaluate("document.cookie + Object.values(localStorage).join()") == ""
    assert tokens["reader"] not in page.content() + page.url
    page.get_by_role("button", name="Forget token").click()
    expect(page.get_by_role("dialog", name="Token")).to_be_visible()


def test_a_reader_is_offered_nothing(guarded, stranger, tokens):
    page = stranger.page
    page.goto(f"/#/runs/{guarded[1]}")
    give(page, tokens["reader"])
    expect(page.get_by_text("Your token may look, not act.")).to_be_visible()
    assert offered(page) == []
    page.goto("/#/sendposts/daily")
    expect(page.get_by_role("link", name="Definition")).to_be_visible()
    assert offered(page) == []
    page.get_by_role("link", name="Definition").click()
    expect(page.get_by_role("region", name="YAML")).to_contain_text("name: daily")


def test_an_operator_acts_by_name(guarded, stranger, tokens):
    agent, run = guarded
    page = stranger.page
    page.goto(f"/#/runs/{run}")
    give(page, tokens["operator"])
    page.get_by_role("button", name="Cancel…").click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel the run").click()
    expect(page.locator("h1")).to_contain_text("cancelled")
    page.get_by_role("link", name="daily").click()
    page.get_by_role("button", name="Run…").click()
    page.get_by_role("dialog").get_by_role("button", name="Run").click()
    expect(page.locator("dd").filter(has_text="the-operator")).to_be_visible()


def test_one_that_is_degraded_learns_it(guarded, stranger, tokens):
    """Between what the page was told and what it asks."""
    agent, run = guarded
    page = stranger.page
    page.goto(f"/#/runs/{run}")
    give(page, tokens["operator"])
    page.get_by_role("button", name="Pause…").click()
    tokens.lines["the-operator"] = tokens.lines["the-operator"].replace("role: operator", "role: reader")
    tokens.write()
    wait_for("it is a reader's", lambda: agent.get("/v1/status")["caller"]["role"] == "reader")
    page.get_by_role("dialog").get_by_role("button", name="Pause").click()
    expect(page.get_by_role("alert")).to_contain_text("reader")
    page.keyboard.press("Escape")
    expect(page.get_by_text("Your token may look, not act.")).to_be_visible()


def test_one_that_is_taken_away_is_asked_for_anew(stranger, tokens):
    page = stranger.page
    page.goto("/")
    give(page, tokens["reader"])
    expect(page.locator("#connection")).to_have_text("Live")
    del tokens.lines["the-reader"]
    tokens.write()
    expect(page.get_by_role("dialog", name="Token")).to_contain_text("does not accept this token")
    give(page, tokens["operator"])
    expect(page.locator("#connection")).to_have_text("Live")


def test_one_that_only_scrapes_is_told_so(stranger, tokens):
    page = stranger.page
    page.goto("/")
    give(page, tokens["metrics"])
    expect(page.locator("main")).to_contain_text("metrics")
    expect(page.get_by_role("button", name="Forget token")).to_be_visible()
