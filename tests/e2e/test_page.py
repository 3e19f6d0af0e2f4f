# SPDX-License-Identifier: Apache-2.0
"""The status page in a real browser: what it shows, and that it shows it as it happens."""
import os
import re
import signal

import pytest
from playwright.sync_api import expect

from harness.clock import Clock
from harness.definitions import sendpost, stage
from harness.fake.worker import Plan
from harness.paths import ROOT
from harness.waiting import wait_for

COMPRESSED_MAX = 60_000
FAILING = Plan(end="FAILED", message="Flow run encountered an exception", tasks=[("send-batch", "FAILED", "SMTPServerDisconnected")],
               logs=[(40, "batch 17: smtp.example.org closed the connection")])
STAGES = (
    stage("etl/extract", "extract"),
    {"name": "deliver", "parallel": [stage("mailing/email", "email"), {"name": "push", "stages": [stage("etl/extract", "prepare"), stage("etl/extract", "send")]}]},
    stage("etl/extract", "report", needs=["extract"]),
    stage("etl/extract", "clean-up", when="always"),
)


def row(page, name):
    return page.locator(".rows > li").filter(has=page.get_by_role("link", name=name, exact=True))


@pytest.fixture
def failed(fake, start_on):
    """An agent with «daily», whose run failed in its branch deliver/email."""
    agent = start_on(fake, *STAGES, deployments={"etl/extract": Plan(), "mailing/email": FAILING}, description="Daily mailing", owner="crm",
                     labels={"tier": "gold"}, schedule={"cron": "0 7 * * *", "timezone": "Europe/Berlin"})
    return agent, agent.wait_ended(agent.trigger("daily"))


def test_all_of_it_is_small(start_on, fake):
    agent = start_on(fake)
    files = [path.relative_to(ROOT / "agent") for path in (ROOT / "agent/pages/status").iterdir()]
    sizes = [int(agent.send("HEAD", f"/{path}", headers={"Accept-Encoding": "gzip"}).headers["content-length"]) for path in files]
    assert len(sizes) > 10 and sum(sizes) < COMPRESSED_MAX
    named = re.findall(r'(?:src|href)="(pages/status/[^"]+)"', agent.send("GET", "/").text)
    assert sorted(named) == sorted(str(path) for path in files if path.name != "index.html"), "the page says at once what it will need"


def test_it_leads_to_the_api(start_on, fake, visit):
    page = visit(start_on(fake)).open("/")
    page.get_by_role("link", name="The API").click()
    expect(page).to_have_url(re.compile("/docs$"))
    expect(page.get_by_text("/v1/sendposts/{name}/run", exact=True)).to_be_visible()


def test_the_list_is_searched(failed, visit):
    agent, _ = failed
    agent.define("weekly", sendpost("weekly", stage("etl/extract"), owner="sales"))
    page = visit(agent).open("/")
    expect(page.locator(".rows > li")).to_have_count(2)
    expect(row(page, "daily")).to_contain_text("failed")
    expect(row(page, "daily")).to_contain_text(re.compile(r"Next run in \d+ (hours|minutes) \w{3},? \d+ \w{3,4}, \d\d:00"))
    expect(row(page, "weekly")).to_contain_text("never run")
    page.get_by_role("button", name="failed 1").click()
    expect(page.locator(".rows > li")).to_have_count(1)
    page.get_by_role("button", name="failed 1").click()
    page.get_by_label("Search").fill("SALES")
    expect(page.locator(".rows > li .name")).to_have_text(["weekly"])
    expect(page.get_by_text("1 of 2 sendposts")).to_be_visible()
    page.get_by_label("Search").fill("no such thing")
    page.get_by_role("button", name="Show all").click()
    expect(page.get_by_label("Search")).to_have_value("")
    expect(page.locator(".rows > li")).to_have_count(2)
    page.get_by_label("Label").select_option("tier:gold")
    expect(page.locator(".rows > li .name")).to_have_text(["daily"])
    page.reload()
    expect(page.locator(".rows > li .name")).to_have_text(["daily"])


def test_a_long_list_comes_in_pages(start_agent, fake, visit):
    fake.deploy("mailing/main", Plan())
    agent = start_agent(fake.url, {f"mailing-{number:03}": sendpost(f"mailing-{number:03}", stage("mailing/main")) for number in range(230)})
    visitor = visit(agent)
    page = visitor.open("/")
    names = page.locator(".rows > li .name")
    expect(names).to_have_count(50)
    expect(page.get_by_text("230 sendposts")).to_be_visible()
    page.get_by_role("button", name="Next").click()
    expect(names.first).to_have_text("mailing-050")
    page.get_by_label("Search").fill("mailing-22")
    expect(names).to_have_text([f"mailing-{number}" for number in range(220, 230)])
    asked = []
    page.on("request", lambda request: "/v1/" in request.url and asked.append(request.url))
    agent.trigger("mailing-229")
    expect(row(page, "mailing-229")).to_contain_text("completed")
    assert asked and all("cursor=" in url for url in asked), "only the part in which something happened is read again"


def test_who_types_while_a_long_list_comes_is_left_alone(start_agent, fake, visit):
    fake.deploy("mailing/main", Plan())
    page = visit(start_agent(fake.url, {f"mailing-{number:03}": sendpost(f"mailing-{number:03}", stage("mailing/main")) for number in range(101)})).page
    rest = []
    page.route("**/v1/sendposts?*cursor=*", lambda route: rest.append(route))
    page.goto("/")
    expect(page.get_by_text("100 sendposts so far")).to_be_visible()
    page.get_by_label("Search").fill("mailing-10")
    wait_for("the rest is asked for", lambda: rest or page.wait_for_timeout(50))
    rest[0].continue_()
    expect(page.get_by_text("1 of 101 sendposts")).to_be_visible()
    expect(page.get_by_label("Search")).to_be_focused()
    expect(page.get_by_label("Search")).to_have_value("mailing-10")


def test_the_list_is_live(start_on, fake, visit):
    agent = start_on(fake, deployments={"mailing/main": Plan(end="RUNNING")})
    page = visit(agent).open("/")
    expect(row(page, "daily")).to_contain_text("never run")
    run = agent.trigger("daily")
    expect(row(page, "daily")).to_contain_text("running")
    fake.driver.set_state(agent.wait_stage(run, "only", "running")["flow_run"]["id"], "COMPLETED")
    expect(row(page, "daily")).to_contain_text("completed")
    agent.define("another", sendpost("another", stage("mailing/main")))
    expect(row(page, "another")).to_be_visible()
    agent.define("broken", "name: broken\nstage: 1\n")
    expect(page.get_by_label("Broken files")).to_contain_text("broken.yaml:1:1")


def test_a_busy_agent_is_followed_all_along(start_on, fake, visit):
    agent = start_on(fake, concurrency="queue", deployments={"mailing/main": Plan(end="RUNNING")})
    page = visit(agent).open("/")
    seen = set()
    for _ in range(90):
        agent.trigger("daily")
        seen.add("never run" in row(page, "daily").inner_text())
    assert seen == {True, False}


def test_a_search_is_not_disturbed(start_on, fake, visit):
    agent = start_on(fake)
    page = visit(agent).open("/")
    page.get_by_label("Search").press_sequentially("dai")
    agent.wait_ended(agent.trigger("daily"))
    expect(row(page, "daily")).to_contain_text("completed")
    expect(page.get_by_label("Search")).to_be_focused()
    page.keyboard.type("ly")
    expect(page.get_by_label("Search")).to_have_value("daily")


def test_one_sendpost(failed, visit):
    agent, run = failed
    page = visit(agent).open("/sendposts/daily")
    expect(page.locator("h1")).to_have_text(re.compile("daily.*failed"))
    expect(page.locator(".graph .box")).to_have_count(6)
    expect(page.locator(".graph .frame")).to_have_count(2)
    expect(page.locator(".graph .edge")).to_have_count(4)
    expect(page.locator(".graph title").filter(has_text="deliver/email: failed")).to_have_count(1)
    expect(page.get_by_label("Failure")).to_contain_text("batch 17: smtp.example.org closed the connection")
    expect(page.get_by_label("Failure").get_by_role("link", name="The run that failed")).to_have_attribute("href", f"#/runs/{run['id']}")
    page.get_by_text("As a list").click()
    expect(page.get_by_role("row", name="deliver/push/send")).to_contain_text("deliver/push/prepare")
    bar = page.get_by_role("region", name="History of runs").get_by_role("link")
    expect(bar).to_have_attribute("aria-label", re.compile("^failed, "))
    assert page.locator("#schedule + ul").inner_text().startswith("0 7 * * * in Europe/Berlin. Next in ")
    expect(page.locator("#schedule + ul")).to_contain_text("07:00:00 Europe/Berlin")
    bar.click()
    expect(page).to_have_url(re.compile(f"#/runs/{run['id']}$"))


def test_what_the_schedule_did(start_on, fake, visit, tmp_path):
    clock = Clock(tmp_path / "clock")
    clock.set("2027-03-10T11:59:58Z")
    agent = start_on(fake, schedule={"cron": "0 * * * *"}, timezone="Asia/Tokyo", enabled=False, environment=clock.environment)
    wait_for("a tick", lambda: agent.get("/v1/sendposts/daily")["ticks"])
    page = visit(agent).open("/sendposts/daily")
    expect(page.locator("#schedule ~ details li")).to_have_text(["Wed, 10 Mar 2027, 21:00:00 Asia/Tokyo: disabled"])
    expect(page.get_by_role("button", name="Run…")).to_be_disabled()


def test_the_definition_and_its_broken_file(failed, visit):
    agent, _ = failed
    agent.define("daily", "name: daily\nstages: 7\n")
    page = visit(agent).open("/sendposts/daily")
    expect(page.get_by_label("Broken file")).to_contain_text("daily.yaml:2:9")
    page.get_by_role("link", name="Definition").click()
    expect(page.get_by_role("region", name="YAML")).to_contain_text('"run": "mailing/email"')
    agent.define("daily", sendpost("daily", stage("etl/extract", "mended")))
    expect(page.get_by_role("region", name="YAML")).to_contain_text("mended")
    expect(page.get_by_label("Broken file")).to_have_count(0)


def test_a_run_that_failed_says_why(failed, visit, fake):
    agent, run = failed
    page = visit(agent).open(f"/runs/{run['id']}")
    report = page.get_by_label("Failure")
    expect(report.get_by_role("heading")).to_have_text("deliver/email: failed")
    expect(report).to_contain_text("Task send-batch: SMTPServerDisconnected")
    expect(report).to_contain_text("batch 17: smtp.example.org closed the connection")
    expect(report.get_by_role("link", name="Flow run in Prefect")).to_have_attribute("href", run["failure"]["flow_run_url"])
    email = page.locator('[data-path="deliver/email"]')
    expect(email).to_contain_text("failed")
    expect(email.get_by_role("link")).to_have_attribute("href", run["failure"]["flow_run_url"])
    expect(email.locator(".lane .bar")).to_have_count(1)


def test_a_run_is_live(start_on, fake, visit):
    agent = start_on(fake, stage("etl/extract", "first"), stage("etl/extract", "second"), deployments={"etl/extract": Plan(end="RUNNING")})
    run = agent.trigger("daily")
    page = visit(agent).open(f"/runs/{run}")
    expect(page.locator('[data-path="first"]')).to_contain_text("running")
    expect(page.locator('[data-path="second"]')).to_contain_text("waiting")
    fake.driver.set_state(agent.wait_stage(run, "first", "running")["flow_run"]["id"], "COMPLETED")
    expect(page.locator('[data-path="first"]')).to_contain_text("completed")
    expect(page.locator('[data-path="second"]')).to_contain_text("running")
    agent.cancel(run)
    expect(page.locator("h1")).to_contain_text("cancel")
    agent.wait_stage(run, "second", "cancelled")
    expect(page.locator("h1")).to_contain_text("cancelled")
    expect(page).to_have_title(re.compile("^cancelled: daily"))


def test_what_was_folded_stays_folded(start_on, fake, visit):
    """And the focus stays, whatever comes and goes above."""
    agent = start_on(fake, deployments={"mailing/main": Plan(end="RUNNING")})
    page = visit(agent).open("/sendposts/daily")
    page.get_by_text("As a list").click()
    run = agent.trigger("daily")
    expect(page.get_by_role("link", name=re.compile("^running run for"))).to_be_visible()
    expect(page.get_by_role("row", name="only mailing/main")).to_contain_text("running")
    fake.driver.set_state(agent.wait_stage(run, "only", "running")["flow_run"]["id"], "COMPLETED")
    expect(page.get_by_role("link", name=re.compile("^running run for"))).to_have_count(0)
    expect(page.get_by_role("row", name="only mailing/main")).to_contain_text("completed")
    expect(page.get_by_text("As a list")).to_be_focused()
    page.get_by_text("As a list").click()
    agent.trigger("daily")
    expect(page.get_by_role("region", name="History of runs").get_by_role("link")).to_have_count(2)
    expect(page.get_by_role("table")).to_be_hidden()


def test_a_sendpost_that_is_retired(start_on, fake, visit):
    agent = start_on(fake)
    visitor = visit(agent)
    visitor.expect("status of 404")
    page = visitor.open("/sendposts/daily")
    (agent.definitions / "daily.yaml").unlink()
    expect(page.locator("h1")).to_have_text("Not here")
    agent.define("daily", sendpost("daily", stage("mailing/main", "anew")))
    expect(page.locator("h1")).to_contain_text("daily")


def test_an_answer_of_503_is_asked_again(start_on, fake, visit):
    agent = start_on(fake)
    visitor = visit(agent)
    visitor.expect("status of 503")
    page = visitor.open("/sendposts/daily")
    page.route("**/v1/runs?*", lambda route: route.fulfill(status=503, json={"title": "Service Unavailable", "status": 503}), times=1)
    agent.trigger("daily")
    expect(page.locator("h1")).to_contain_text("completed")


def test_what_is_not_there(start_on, fake, visit):
    visitor = visit(start_on(fake))
    visitor.expect("status of 404")
    page = visitor.open("/runs/01920000-0000-7000-8000-000000000001")
    expect(page.locator("h1")).to_have_text("Not here")
    page.get_by_role("link", name="All sendposts").click()
    expect(row(page, "daily")).to_be_visible()


def test_an_agent_that_is_lost_and_comes_back(start_on, fake, visit):
    agent = start_on(fake)
    visitor = visit(agent)
    visitor.expect("net::ERR_")
    page = visitor.open("/")
    expect(page.locator("#connection")).to_have_text("Live")
    agent.kill()
    expect(page.get_by_text(re.compile(r"not been heard of since \d\d:\d\d:\d\d"))).to_be_visible()
    expect(row(page, "daily")).to_be_visible()
    agent.start()
    agent.wait_ended(agent.trigger("daily"))
    expect(page.locator("#connection")).to_have_text("Live")
    expect(page.get_by_text("not been heard of")).to_have_count(0)
    expect(row(page, "daily")).to_contain_text("completed")


def test_an_agent_that_is_silent(start_on, fake, visit):
    """Its connection stands, but not even a heartbeat comes."""
    agent = start_on(fake)
    page = visit(agent).page
    page.clock.install()
    page.goto("/")
    expect(row(page, "daily")).to_be_visible()
    os.kill(agent.pid(), signal.SIGSTOP)
    page.clock.fast_forward(39_000)
    expect(page.locator("#connection")).to_have_text("Live")
    page.clock.fast_forward(2_000)
    expect(page.locator("#connection")).to_have_text("Lost")
    os.kill(agent.pid(), signal.SIGCONT)
    page.clock.fast_forward(20_000)
    expect(page.locator("#connection")).to_have_text("Live")


def test_events_that_do_not_come_through(start_on, fake, visit):
    """As when a thousand others follow already, or a proxy holds streams back."""
    agent = start_on(fake)
    visitor = visit(agent)
    visitor.expect("status of 503")
    page = visitor.page
    page.route("**/v1/events", lambda route: route.fulfill(status=503, json={"title": "Service Unavailable", "status": 503}))
    page.goto("/")
    expect(row(page, "daily")).to_contain_text("never run")
    expect(page.get_by_text("its live events do not come through")).to_be_visible()
    agent.trigger("daily")
    expect(row(page, "daily")).to_contain_text("completed")
    page.unroute_all()
    expect(page.locator("#connection")).to_have_text("Live")


def test_a_stream_that_never_begins_holds_nothing_up(start_on, fake, visit):
    page = visit(start_on(fake)).page
    page.route("**/v1/events", lambda route: None)
    page.goto("/")
    expect(row(page, "daily")).to_contain_text("never run", timeout=15_000)


def test_a_hidden_tab_follows_nothing(start_on, fake, visit):
    agent = start_on(fake)
    page = visit(agent).open("/")
    hide = "hidden => { Object.defineProperty(document, 'hidden', {value: hidden, configurable: true}); document.dispatchEvent(new Event('visibilitychange')) }"
    wait_for("a stream", lambda: agent.metrics().value("sendpost_event_streams") == 1)
    page.evaluate(hide, True)
    wait_for("no stream", lambda: agent.metrics().value("sendpost_event_streams") == 0)
    agent.wait_ended(agent.trigger("daily"))
    expect(row(page, "daily")).to_contain_text("never run")
    page.evaluate(hide, False)
    expect(row(page, "daily")).to_contain_text("completed")


def test_below_a_path_of_a_proxy(start_on, fake, visit):
    page = visit(start_on(fake)).page
    page.route("**/mail/**", lambda route: route.continue_(url=route.request.url.replace("/mail/", "/")))
    page.goto("/mail/#/sendposts/daily")
    page.get_by_role("button", name="Run…").click()
    page.get_by_role("dialog").get_by_role("button", name="Run").click()
    expect(page).to_have_url(re.compile("/mail/#/runs/"))
    expect(page.locator("h1")).to_contain_text("completed")


def test_prefect_that_is_away(start_on, fake, visit):
    agent = start_on(fake)
    page = visit(agent).open("/")
    fake.stop()
    agent.trigger("daily")
    expect(page.get_by_text("Prefect cannot be reached")).to_be_visible()


def test_times_and_their_zone(failed, visit):
    agent, run = failed
    page = visit(agent, timezone_id="Asia/Tokyo").open(f"/runs/{run['id']}")
    expect(page.locator("#zone")).to_contain_text("Asia/Tokyo (UTC+09:00)")
    shown = page.locator("time").first
    assert shown.get_attribute("datetime") == run["for"]
    assert shown.get_attribute("title") == run["for"][:19].replace("T", " ") + " UTC"
