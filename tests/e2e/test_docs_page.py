# SPDX-License-Identifier: Apache-2.0
"""/docs in a real browser: all of the API is there and can be tried, under the same strict policy as every page."""
import re
import subprocess

import pytest
from playwright.sync_api import expect

from harness.browser import PHONE
from harness.paths import ROOT
from harness.tokens import Tokens

TRIGGER, LIST = "POST /v1/sendposts/{name}/run", "GET /v1/sendposts"


@pytest.fixture
def agent(start_on, fake):
    return start_on(fake, parameters={"limit": 1})


def docs(visitor):
    visitor.page.goto("/docs")
    return visitor.page


def operation(page, name):
    method, path = name.split()
    return page.locator(f".opblock-{method.lower()}").filter(has=page.locator(f'[data-path="{path}"]'))


def try_list(page):
    """The status that is shown."""
    listing = operation(page, LIST)
    listing.get_by_role("button").first.click()
    listing.get_by_role("button", name="Try it out").click()
    listing.get_by_role("button", name="Execute").click()
    return listing.locator(".live-responses-table .response-col_status").filter(has_text=re.compile("[0-9]"))


def test_everything_but_head_is_shown(agent, visit):
    page = docs(visit(agent))
    expect(page.get_by_role("heading", name="sendpost 0.1")).to_be_visible()
    described = agent.get("/v1/openapi.json")["paths"]
    expect(page.locator(".opblock")).to_have_count(len(described))
    expect(page.locator(".opblock-head")).to_have_count(0)


def test_a_command_is_tried(agent, visit):
    page = docs(visit(agent))
    trigger = operation(page, TRIGGER)
    trigger.get_by_role("button").first.click()
    trigger.get_by_role("button", name="Try it out").click()
    trigger.get_by_placeholder("name", exact=True).fill("daily")
    trigger.get_by_placeholder("Idempotency-Key", exact=True).fill("tried")
    trigger.locator("textarea").fill('{"parameters": {"limit": 7}, "reason": "tried"}')
    trigger.get_by_role("button", name="Execute").click()
    expect(trigger.locator(".live-responses-table .response-col_status").filter(has_text="202")).to_be_visible()
    run = agent.get("/v1/runs?sendpost=daily")["runs"][0]
    assert agent.run(run["id"])["trigger_reason"] == "tried"


def test_a_list_is_tried_on_a_phone_in_the_dark(agent, visit):
    page = docs(visit(agent, viewport=PHONE, color_scheme="dark"))
    expect(page.locator("html")).to_have_class("dark-mode")
    expect(try_list(page)).to_contain_text("200")
    expect(operation(page, LIST).locator(".request-url pre")).to_have_text(f"{agent.url}/v1/sendposts")


def test_the_status_page_s_token_counts_here_too(start_on, fake, tmp_path, visit):
    tokens = Tokens(tmp_path / "tokens.yaml")
    agent = start_on(fake, settings={"http.tokens_file": str(tokens.path)})
    visitor = visit(agent)
    visitor.expect("401")
    expect(try_list(docs(visitor))).to_contain_text("401")
    visitor.page.evaluate("token => sessionStorage.setItem('sendpost.token', token)", tokens["reader"])
    visitor.page.goto("about:blank")  # else what was unfolded would stay so
    expect(try_list(docs(visitor))).to_contain_text("200")


def test_a_description_that_cannot_be_read(agent, visit):
    visitor = visit(agent)
    visitor.page.route("**/v1/openapi.json", lambda route: route.fulfill(status=503))
    page = docs(visitor)
    expect(page.get_by_text("The description of the API cannot be read: v1/openapi.json: 503")).to_be_visible()
    visitor.expect("503")


def test_files_of_others_are_as_they_were_published():
    done = subprocess.run(["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"], cwd=ROOT / "third_party" / "swagger-ui", capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_their_licence_is_served(agent):
    for name, said in (("LICENSE", "Apache License"), ("NOTICE", "SmartBear"), ("swagger-ui-bundle.js.LICENSE.txt", "MIT")):
        reply = agent.send("GET", f"/pages/swagger-ui/{name}")
        assert reply.status == 200 and said in reply.text and reply.headers["content-type"].startswith("text/plain")
