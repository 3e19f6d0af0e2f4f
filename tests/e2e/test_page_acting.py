# SPDX-License-Identifier: Apache-2.0
"""What an operator does on the status page: starts a run by its form, and each verb."""
import re

import pytest
from playwright.sync_api import Route, expect

from harness.agent import stage
from harness.fake.worker import Plan

PARAMETERS = {
    "limit": {"type": "integer", "minimum": 1, "description": "How many at most"},
    "audience": {"default": "all", "enum": ["all", "test"]},
    "dry": {"type": "boolean", "default": False},
    "options": {"type": "object", "required": False},
    "date": "${run.date}",
}
STAGES = ({"name": "extract", "run": "etl/extract"}, {"name": "render", "run": "etl/render"}, {"name": "send", "run": "etl/render"})
WAITING = {"etl/extract": Plan(end="RUNNING"), "etl/render": Plan()}
BROKEN = {"etl/extract": Plan(), "etl/render": Plan(end="FAILED", message="broken", tasks=[("render", "FAILED", "boom")], logs=[(40, "why")])}


def choose(page, verb, confirm):
    page.get_by_role("button", name=f"{verb}…").click()
    page.get_by_role("dialog").get_by_role("button", name=confirm, exact=True).click()
    expect(page.get_by_role("dialog")).to_have_count(0)


def open_form(visitor):
    page = visitor.open("/sendposts/daily")
    page.get_by_role("button", name="Run…").click()
    return page


def offered(page):
    return page.locator("main .buttons button").all_inner_texts()


@pytest.fixture
def parametrised(start_on, fake):
    return start_on(fake, parameters=PARAMETERS)


@pytest.fixture
def running(start_on, fake):
    """An agent, and a run whose first stage runs until somebody ends it."""
    agent = start_on(fake, *STAGES, deployments=WAITING)
    run = agent.trigger("daily")
    agent.wait_stage(run, "extract", "running")
    return agent, run


def end_first(fake, agent, run):
    fake.driver.set_state(stage(agent.run(run), "extract")["flow_run"]["id"], "COMPLETED")


# The form

def test_what_does_not_fit_stands_at_its_field(parametrised, visit):
    visitor = visit(parametrised)
    visitor.expect("status of 422")
    page = open_form(visitor)
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("How many at most. A whole number. Required")).to_be_visible()
    expect(dialog.get_by_text("Default: ${run.date}")).to_be_visible()
    dialog.get_by_label("limit").fill("0")
    dialog.get_by_label("options").fill("{not json")
    dialog.get_by_role("button", name="Run").click()
    expect(dialog.get_by_label("limit")).to_have_attribute("aria-invalid", "true")
    expect(dialog.get_by_label("limit")).to_be_focused()
    expect(dialog.get_by_role("alert")).to_contain_text("see above")
    expect(page.locator("#field-parameter-0-error")).to_contain_text("1")
    expect(page.locator("#field-parameter-3-error")).to_contain_text("must be of type object")
    expect(page.locator("#field-parameter-1-error")).to_be_empty()
    dialog.get_by_label("limit").fill("9007199254740993")
    dialog.get_by_role("button", name="Run").click()
    expect(page.locator("#field-parameter-0-error")).to_contain_text("must be of type integer")
    dialog.get_by_label("limit").fill("12")
    dialog.get_by_label("audience").select_option(label="test")
    dialog.get_by_label("dry").select_option(label="true")
    dialog.get_by_label("options").fill('{"a": [1]}')
    dialog.get_by_text("More").click()
    dialog.get_by_label("Reason").fill("a <b>try</b>")
    dialog.get_by_role("button", name="Run").click()
    expect(page).to_have_url(re.compile("#/runs/"))
    expect(page.locator("h1")).to_contain_text("completed")
    run = parametrised.run(page.url.rsplit("/", 1)[1])
    assert run["parameters"] | {"date": ""} == {"limit": 12, "audience": "test", "dry": True, "options": {"a": [1]}, "date": ""}
    assert run["parameters"]["date"] == run["for"][:10] and run["trigger_reason"] == "a <b>try</b>"


def test_a_missing_one_is_named(parametrised, visit):
    visitor = visit(parametrised)
    visitor.expect("status of 422")
    page = open_form(visitor)
    page.get_by_role("dialog").get_by_role("button", name="Run").click()
    expect(page.locator("#field-parameter-0-error")).to_have_text("is required")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_role("button", name="Run…")).to_be_focused()
    assert parametrised.get("/v1/runs")["runs"] == []


def test_it_is_for_another_day_and_starts_paused(parametrised, visit):
    page = open_form(visit(parametrised, timezone_id="Asia/Tokyo"))
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("limit").fill("1")
    dialog.get_by_text("More").click()
    dialog.get_by_label("The time that it is for").fill("2026-01-02T08:00:00")
    dialog.get_by_label("Start paused").check()
    dialog.get_by_role("button", name="Run").click()
    expect(page.locator("h1")).to_contain_text("paused")
    run = parametrised.get("/v1/runs")["runs"][0]
    assert run["for"] == "2026-01-01T23:00:00.000Z"
    expect(page.locator("dd").filter(has_text="Fri, 2 Jan 2026, 08:00:00")).to_be_visible()


def test_a_double_click_starts_one_run(start_on, fake, visit):
    agent = start_on(fake, concurrency="queue")
    page = open_form(visit(agent))
    page.get_by_role("dialog").get_by_role("button", name="Run").dblclick()
    expect(page.locator("h1")).to_contain_text("completed")
    assert len(agent.get("/v1/runs")["runs"]) == 1


def test_an_answer_that_was_lost_starts_no_second_run(start_on, fake, visit):
    agent = start_on(fake, concurrency="queue")
    visitor = visit(agent)
    visitor.expect("net::ERR_")

    def lose(route: Route) -> None:
        route.fetch()
        route.abort()

    page = open_form(visitor)
    page.route("**/run", lose, times=1)
    page.get_by_role("dialog").get_by_role("button", name="Run").click()
    expect(page.get_by_role("alert")).to_have_text("The agent did not answer.")
    page.get_by_role("dialog").get_by_role("button", name="Run").click()
    expect(page.locator("h1")).to_contain_text("completed")
    assert len(agent.get("/v1/runs")["runs"]) == 1


def test_a_refusal_is_shown(running, visit):
    agent, run = running
    visitor = visit(agent)
    visitor.expect("status of 409")
    page = open_form(visitor)
    page.get_by_role("dialog").get_by_role("button", name="Run").click()
    expect(page.get_by_role("alert")).to_contain_text(f"already running: {run}")


# Verbs

def test_pause_step_and_resume(running, fake, visit):
    agent, run = running
    page = visit(agent).open(f"/runs/{run}")
    choose(page, "Pause", "Pause")
    expect(page.locator("h1")).to_contain_text("paused")
    end_first(fake, agent, run)
    expect(page.locator('[data-path="extract"]')).to_contain_text("completed")
    expect(page.locator('[data-path="render"]')).to_contain_text("waiting")
    choose(page, "Step", "Step")
    expect(page.locator('[data-path="render"]')).to_contain_text("completed")
    expect(page.locator('[data-path="send"]')).to_contain_text("waiting")
    choose(page, "Resume", "Resume")
    expect(page.locator("h1")).to_contain_text("completed")
    assert offered(page) == ["Retry…"]


def test_block_and_release(running, fake, visit):
    agent, run = running
    page = visit(agent).open(f"/runs/{run}")
    page.get_by_role("button", name="Block a stage…").click()
    dialog = page.get_by_role("dialog")
    assert dialog.get_by_label("Stage").locator("option").all_inner_texts() == ["render", "send"]
    dialog.get_by_label("Stage").select_option("send")
    dialog.get_by_role("button", name="Block").click()
    end_first(fake, agent, run)
    expect(page.locator('[data-path="send"]')).to_contain_text("blocked")
    expect(page.get_by_text("It waits for somebody: send")).to_be_visible()
    choose(page, "Resume", "Resume")
    expect(page.locator("h1")).to_contain_text("completed")
    expect(page.get_by_text("It waits for somebody")).to_have_count(0)


def test_cancel_asks_first(running, visit):
    agent, run = running
    page = visit(agent).open(f"/runs/{run}")
    page.get_by_role("button", name="Cancel…").click()
    expect(page.get_by_role("dialog")).to_contain_text("cannot be taken back")
    page.get_by_role("dialog").get_by_role("button", name="Close").click()
    assert agent.run(run)["state"] == "running"
    choose(page, "Cancel", "Cancel the run")
    expect(page.locator("h1")).to_contain_text("cancelled")


def test_retry_leads_to_the_new_run(start_on, fake, visit):
    agent = start_on(fake, *STAGES, deployments=BROKEN)
    old = agent.wait_ended(agent.trigger("daily"))["id"]
    fake.worker.plan(fake.store.deployment_named("etl", "render")["id"], Plan())
    page = visit(agent).open(f"/runs/{old}")
    page.get_by_role("button", name="Retry…").click()
    page.get_by_label("Beginning at").select_option("extract")
    page.get_by_role("dialog").get_by_role("button", name="Retry").click()
    expect(page.locator("dd").get_by_role("link", name=old)).to_be_visible()
    expect(page.locator("h1")).to_contain_text("completed")
    new = agent.get("/v1/runs")["runs"][0]
    assert stage(agent.run(new["id"]), "extract")["attempts"][0]["flow_run"] != stage(agent.run(old), "extract")["attempts"][0]["flow_run"]
    page.get_by_role("link", name=old).click()
    expect(page.get_by_text("It was retried:")).to_be_visible()
    assert offered(page) == []


def test_a_verb_that_comes_too_late(running, fake, visit):
    agent, run = running
    visitor = visit(agent)
    visitor.expect("status of 409")
    page = visitor.open(f"/runs/{run}")
    page.get_by_role("button", name="Pause…").click()
    agent.cancel(run)
    agent.wait_state(run, "cancelled")
    page.get_by_role("dialog").get_by_role("button", name="Pause").click()
    expect(page.get_by_role("alert")).to_contain_text("cancelled")
