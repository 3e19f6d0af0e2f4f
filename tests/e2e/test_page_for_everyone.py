# SPDX-License-Identifier: Apache-2.0
"""The status page for those who see, point or trust less: axe, keyboard, a narrow phone, and names that are not what they seem."""
import re

import pytest
from playwright.sync_api import expect

from harness.browser import DESKTOP, PHONE, grave_findings
from harness.definitions import sendpost, stage
from harness.fake.worker import Plan

EVIL = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"
FAILING = Plan(end="FAILED", message=f"state {EVIL}", tasks=[("task", "FAILED", f"task {EVIL}")], logs=[(40, f"log {EVIL}")])


@pytest.fixture
def scene(start_agent, fake):
    """An agent with sendposts in many states, each text of a stranger hostile. Gives it with a failed and a running run."""
    fake.deploy("etl/extract", Plan())
    fake.deploy("mailing/email", FAILING)
    fake.deploy("mailing/slow", Plan(end="RUNNING"))
    branches = {"name": "deliver", "parallel": [stage("mailing/email", "email"), stage("etl/extract", "push")]}
    parameters = {"limit": {"type": "integer", "required": False, "description": EVIL}, "audience": {"default": EVIL, "enum": [EVIL, "test"]}, "options": {"type": "object", "required": False}}
    agent = start_agent(fake.url, {
        "daily": sendpost("daily", stage("etl/extract", "extract"), branches, description=EVIL, owner=EVIL, labels={"evil": EVIL}, parameters=parameters,
                          schedule={"cron": "0 7 * * *", "timezone": "Europe/Berlin"}),
        "slow": sendpost("slow", stage("mailing/slow", "wait"), stage("etl/extract", "then", blocked=True)),
        "off": sendpost("off", stage("etl/extract"), enabled=False),
        "broken": f"name: {EVIL}\n",
    })
    failed = agent.wait_ended(agent.trigger("daily", reason=EVIL))["id"]
    running = agent.trigger("slow")
    agent.wait_stage(running, "wait", "running")
    return agent, failed, running


def each_view(visitor, failed, running):
    """Opens one view after the other, with its dialogs."""
    for address in ("/", "/sendposts/daily", "/sendposts/daily/definition", f"/runs/{failed}", f"/runs/{running}"):
        page = visitor.open(address)
        for details in page.locator("details:not([open]) > summary").all():
            details.click()
        yield address
    for address, button in (("/sendposts/daily", "Run…"), (f"/runs/{failed}", "Retry…"), (f"/runs/{running}", "Cancel…"), (f"/runs/{running}", "Block a stage…")):
        page = visitor.open(address)
        page.get_by_role("button", name=button).click()
        yield f"{address} {button}"
        page.keyboard.press("Escape")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_axe_finds_nothing_grave(scene, visit, scheme, viewport):
    agent, failed, running = scene
    visitor = visit(agent, color_scheme=scheme, viewport=viewport)
    found = {address: grave_findings(visitor.page) for address in each_view(visitor, failed, running)}
    assert not {address: findings for address, findings in found.items() if findings}


def test_axe_sees_the_page(scene, visit):
    """It finds what is wrong when something is."""
    visitor = visit(scene[0])
    page = visitor.open("/")
    page.evaluate("document.querySelector('label[for=search]').remove()")
    assert any("critical label" in finding for finding in grave_findings(page))


def test_a_narrow_phone_needs_no_sideways_scrolling(scene, visit):
    agent, failed, running = scene
    visitor = visit(agent, viewport=PHONE, has_touch=True, is_mobile=True)
    wide = [address for address in each_view(visitor, failed, running)
            if visitor.page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")]
    assert not wide


def test_texts_of_strangers_stay_texts(scene, visit):
    agent, failed, running = scene
    visitor = visit(agent)
    for address in each_view(visitor, failed, running):
        page = visitor.page
        assert page.locator("main img, main script, dialog img, dialog script").count() == 0, address
        assert "owned" not in page.title(), address
    page = visitor.open(f"/runs/{failed}")
    for kind in ("state", "task", "log"):
        expect(page.get_by_label("Failure").get_by_text(f"{kind} {EVIL}", exact=False)).not_to_have_count(0)
    expect(visitor.open("/").get_by_text(EVIL, exact=False)).not_to_have_count(0)


def test_an_address_that_would_run_is_no_link(scene, visit):
    agent, failed, _ = scene
    run = agent.run(failed)
    run["failure"]["flow_run_url"] = "javascript:document.title='owned'"
    page = visit(agent).page
    page.route(f"**/v1/runs/{failed}", lambda route: route.fulfill(json=run))
    page.goto(f"/#/runs/{failed}")
    expect(page.get_by_label("Failure").get_by_text("Flow run in Prefect")).to_be_visible()
    expect(page.get_by_label("Failure").get_by_role("link")).to_have_count(0)


def tab_to(page, text):
    """Presses Tab until the element with this text has the focus, as somebody without a mouse does."""
    for _ in range(60):
        page.keyboard.press("Tab")
        focused = page.evaluate("(document.activeElement.labels?.[0] ?? document.activeElement).textContent.trim()")
        if focused == text:
            return
    raise AssertionError(f"Tab does not lead to {text!r}")


def test_all_by_keyboard(start_on, fake, visit):
    agent = start_on(fake, stage("etl/extract", "extract"), deployments={"etl/extract": Plan(end="RUNNING")}, parameters={"limit": {"type": "integer", "default": 1}})
    page = visit(agent).open("/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    expect(page.get_by_role("link", name="Skip to the content")).to_be_in_viewport()
    page.keyboard.press("Enter")
    tab_to(page, "daily")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_be_focused()
    tab_to(page, "Run…")
    page.keyboard.press("Enter")
    expect(page.get_by_label("limit")).to_be_focused()
    page.keyboard.type("7")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("#/runs/"))
    expect(page.locator("h1")).to_contain_text("running")
    tab_to(page, "Cancel…")
    page.keyboard.press("Enter")
    tab_to(page, "Cancel the run")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_contain_text("cancelled")
    assert agent.get("/v1/runs")["runs"][0]["state"] == "cancelled"

