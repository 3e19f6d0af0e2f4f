# SPDX-License-Identifier: Apache-2.0
"""What the status page draws: the graph in both directions, the strip of runs, the axis of time; and what it warns of."""
import re

import pytest
from playwright.sync_api import Page, expect

from harness.browser import PHONE
from harness.definitions import sendpost, stage
from harness.fake.worker import Plan
from harness.waiting import wait_for

# Of each edge whether it runs through the box of a stage: looked at along its way, but for both ends.
EDGES_THROUGH_BOXES = """() => {
  const boxes = [...document.querySelectorAll('.graph .box')].map((box) => box.getBBox());
  return [...document.querySelectorAll('.graph .edge')].filter((edge) => {
    const length = edge.getTotalLength();
    const steps = Array.from({ length: 200 }, (_, index) => edge.getPointAtLength(3 + ((length - 6) * index) / 199));
    return steps.some(({ x, y }) => boxes.some((box) => x > box.x + 1 && x < box.x + box.width - 1 && y > box.y + 1 && y < box.y + box.height - 1));
  }).length;
}"""
PAST = [stage("etl/extract", "a"), *(stage("etl/extract", name, needs=["a"]) for name in "bcd"), stage("etl/extract", "join", needs=["b", "c", "d"]),
        stage("etl/extract", "late", needs=["a", "join"]), stage("etl/extract", "audit", needs=["b"])]
NESTED = [stage("etl/extract", "start"),
          {"name": "regions", "parallel": [{"name": region, "stages": [stage("etl/extract", "load"), {"name": "send", "parallel": [
              stage("etl/extract", way) for way in ("email", "push", "sms")]}]} for region in ("emea", "apac")]},
          stage("etl/extract", "end")]


def place(page: Page, name: str) -> dict[str, float]:
    box = page.locator(".graph g").filter(has=page.locator("title", has_text=re.compile(f"^{name}: "))).locator(".box").bounding_box()
    assert box
    return box


def region(page: Page, name: str = "Graph of stages"):
    return page.get_by_role("region", name=name)


def is_within(page: Page, inner, outer) -> bool:
    one, other = inner.bounding_box(), outer.bounding_box()
    return one["x"] >= other["x"] - 1 and one["x"] + one["width"] <= other["x"] + other["width"] + 1


@pytest.mark.parametrize("stages", [PAST, NESTED], ids=["past", "nested"])
@pytest.mark.parametrize("options", [{}, {"viewport": PHONE}], ids=["desktop", "phone"])
def test_edges_run_through_no_box(start_on, fake, visit, stages, options):
    page = visit(start_on(fake, *stages, deployments={"etl/extract": Plan()}), **options).open("/sendposts/daily")
    assert page.locator(".graph .edge").count() >= 4
    assert page.evaluate(EDGES_THROUGH_BOXES) == 0


def test_it_goes_across_or_down(start_on, fake, visit):
    visitor = visit(start_on(fake, *NESTED, deployments={"etl/extract": Plan()}))
    page = visitor.open("/sendposts/daily")
    assert place(page, "end")["x"] > place(page, "start")["x"] + place(page, "start")["width"]
    page.set_viewport_size(PHONE)
    wait_for("it is drawn anew", lambda: place(page, "end")["y"] > place(page, "start")["y"] + 100)
    assert region(page).evaluate("one => one.scrollWidth <= one.clientWidth")


def test_many_branches_are_no_tower(start_on, fake, visit):
    branches = {"name": "fan", "parallel": [stage("etl/extract", f"branch-{number}") for number in range(40)]}
    page = visit(start_on(fake, branches, deployments={"etl/extract": Plan()})).open("/sendposts/daily")
    expect(page.locator(".graph .box")).to_have_count(40)
    height = page.locator(".graph").bounding_box()["height"]
    assert height < 15 * place(page, "fan/branch-0")["height"]


def test_what_needs_a_look_is_in_sight(start_on, fake, visit):
    chain = [stage("etl/extract", f"step-{number}", **({"blocked": True} if number == 12 else {})) for number in range(16)]
    agent = start_on(fake, *chain, deployments={"etl/extract": Plan()})
    agent.wait_stage(agent.trigger("daily"), "step-12", "blocked")
    page = visit(agent).open("/sendposts/daily")
    assert region(page).evaluate("one => one.scrollWidth > one.clientWidth")
    assert is_within(page, page.locator(".graph .tone-held .box"), region(page))


def test_the_newest_runs_are_in_sight(start_on, fake, visit):
    agent = start_on(fake)
    runs = [agent.wait_ended(agent.trigger("daily")) for _ in range(16)]
    page = visit(agent, viewport=PHONE).open("/sendposts/daily")
    strip = region(page, "History of runs")
    assert strip.evaluate("one => one.scrollWidth > one.clientWidth")
    links = strip.get_by_role("link")
    expect(links.last).to_have_attribute("href", f"#/runs/{runs[-1]['id']}")
    assert is_within(page, links.last, strip) and not is_within(page, links.first, strip)


def test_the_axis_has_round_times(start_on, fake, visit):
    agent = start_on(fake, deployments={"mailing/main": Plan(seconds=2)})
    run = agent.wait_ended(agent.trigger("daily"))
    page = visit(agent, timezone_id="Asia/Kathmandu").open(f"/runs/{run['id']}")
    marks = page.locator(".axis span").all_inner_texts()
    assert marks and len(marks) == len(set(marks)) and all(re.fullmatch(r"\d\d:\d\d:\d\d", mark) for mark in marks)


def test_a_run_that_has_not_begun_has_no_axis(start_on, fake, visit):
    agent = start_on(fake)
    page = visit(agent).open(f"/runs/{agent.trigger('daily', start_at='2099-01-01T07:00:00Z')}")
    expect(page.locator('[data-path="only"]')).to_contain_text("waiting")
    expect(page.locator(".fact").filter(has_text="Planned for")).to_contain_text(re.compile("in .* days"))
    expect(page.locator(".axis, .fact:has-text('Running for'), .fact:has-text('Ended')")).to_have_count(0)


def test_how_long_it_took_before(start_on, fake, visit):
    agent = start_on(fake, deployments={"mailing/main": Plan(seconds=1)})
    agent.wait_ended(agent.trigger("daily"))
    fake.worker.plan(fake.store.deployment_named("mailing", "main")["id"], Plan(end="RUNNING"))
    run = agent.trigger("daily")
    agent.wait_stage(run, "only", "running")
    page = visit(agent).open(f"/runs/{run}")
    expect(page.locator('[data-path="only"] .took')).to_contain_text(re.compile(r"last 1\.\d s"))
    page = visit(agent).open(f"/runs/{agent.trigger('daily', start_at='2099-01-01T07:00:00Z')}")
    expect(page.locator('[data-path="only"] .took')).to_have_text(re.compile(r"^last 1\.\d s$"))


def test_the_cause_stands_in_the_list(start_on, fake, visit):
    agent = start_on(fake, deployments={"mailing/main": Plan(end="FAILED", message="it broke", tasks=[("send", "FAILED", "the connection was closed")])})
    agent.wait_ended(agent.trigger("daily"))
    expect(visit(agent).open("/").locator(".rows .why")).to_have_text("only, send: the connection was closed")


def test_problems_and_what_to_do(start_on, fake, visit):
    agent = start_on(fake)
    agent.define("lost", sendpost("lost", stage("nowhere/nothing")))
    wait_for("it is known", lambda: any(one["code"] == "reference_broken" for one in agent.get("/v1/status")["problems"]))
    visitor = visit(agent)
    for address in ("/", "/sendposts/lost", f"/runs/{agent.trigger('lost', paused=True)}"):
        problems = visitor.open(address).get_by_label("Problems")
        expect(problems.get_by_role("heading")).to_have_text("One thing needs attention")
        expect(problems).to_contain_text("lost: stage only: Prefect has no deployment nowhere/nothing")
        expect(problems).to_contain_text("sendpost check --live")
    expect(visitor.open("/sendposts/daily").get_by_label("Problems")).to_have_count(0)


def test_a_run_that_nobody_can_go_on_with_says_so(start_on, fake, visit):
    agent = start_on(fake, deployments={"mailing/main": Plan(end="RUNNING")})
    held, other = agent.trigger("daily"), agent.get("/v1/status")
    other["problems"].append({"code": "run_held", "severity": "error", "subject": held, "message": "it is held", "remedy": "go back"})
    page = visit(agent).page
    page.route("**/v1/status", lambda route: route.fulfill(json=other))
    page.goto(f"/#/runs/{held}")
    expect(page.get_by_label("Problems")).to_contain_text(f"{held}: it is held")


def test_who_waits_stands_in_the_list(start_on, fake, visit):
    agent = start_on(fake, stage("mailing/main", "approve", blocked=True))
    waits = visit(agent).open("/").locator(".rows .why")
    expect(waits).to_have_count(0)
    run = agent.trigger("daily")
    expect(waits).to_have_text("Waits for somebody: approve")
    agent.send("POST", f"/v1/runs/{run}/resume", {})
    expect(waits).to_have_count(0)
