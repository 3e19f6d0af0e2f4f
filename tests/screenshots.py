# SPDX-License-Identifier: Apache-2.0
"""Takes the pictures of docs/page.md anew: a real agent, whose flow runs the fake Prefect plays, in a real Chromium.
../build/test-venv/bin/python screenshots.py, in this folder."""
import base64
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page

from harness.agent import Agent
from harness.browser import PHONE, Visitor, chromium
from harness.definitions import sendpost, stage
from harness.fake import FakePrefect
from harness.fake.worker import Plan
from harness.paths import ROOT

IMAGES = ROOT / "docs" / "images"
QUALITY = 70
WINDOW = {"width": 1100, "height": 760}
BROKEN = Plan(seconds=1.4, end="FAILED", message="Flow run encountered an exception: SMTPServerDisconnected",
              tasks=[("send_batch", "FAILED", "Task run encountered an exception SMTPServerDisconnected: Connection unexpectedly closed")],
              logs=[(40, "batch 17 of 40: smtp.example.org closed the connection after 3 tries, 8,500 customers got nothing")])
PLANS = {"etl/extract": Plan(seconds=0.9), "mailing/render": Plan(seconds=0.6), "mailing/send-email": Plan(seconds=1.2), "mailing/send-push": Plan(seconds=0.5),
         "mailing/report": Plan(seconds=0.4)}
DAILY = [
    stage("etl/extract", "extract"),
    stage("mailing/render", "render"),
    {"name": "deliver", "parallel": [
        stage("mailing/send-email", "email"),
        {"name": "push", "stages": [stage("mailing/render", "prepare"), stage("mailing/send-push", "send", allow_failure=True)]}]},
    stage("mailing/report", "report", needs=["render"]),
    stage("mailing/report", "clean-up", when="always"),
]
PARAMETERS = {"mailing_date": "${run.date}", "audience": {"default": "all", "enum": ["all", "test"], "description": "Who gets it"},
              "limit": {"type": "integer", "minimum": 1, "required": False, "description": "At most so many customers"}}
HISTORY = [1.2, 1.1, 1.3, 0.9, 2.2, 1.2, 1.0, 1.4, 1.1, 1.2, 1.5, 1.1]  # seconds that sending took, run by run


def definitions() -> dict[str, str]:
    def daily(name: str, hour: int, **fields: Any) -> str:
        return sendpost(name, *DAILY, schedule={"cron": f"0 {hour} * * mon-fri", "timezone": "Europe/Berlin", "catch_up": "latest"}, parameters=PARAMETERS, **fields)

    short = [stage("etl/extract", "extract"), stage("mailing/send-push", "send")]
    return {
        "daily-mailing": daily("daily-mailing", 7, description="Daily customer mailing", owner="crm-team", labels={"tier": "gold"}),
        "invoices": sendpost("invoices", *short, description="Invoices of the month", owner="billing", labels={"tier": "gold"}, schedule={"cron": "0 6 1 * *"}),
        "newsletter": sendpost("newsletter", stage("mailing/render", "render"), stage("mailing/send-email", "approve", blocked=True), description="Waits for an editor",
                               owner="editors", labels={"tier": "silver"}),
        "price-alerts": daily("price-alerts", 9, description="Prices that fell", owner="crm-team", labels={"tier": "silver"}),
        "win-back": sendpost("win-back", *short, description="Paused until autumn", owner="crm-team", enabled=False),
    }


def play(agent: Agent, fake: FakePrefect) -> tuple[str, str]:
    """A day at work; the run that failed, and one that is at work."""
    email = fake.store.deployment_named("mailing", "send-email")["id"]
    for seconds in HISTORY:
        fake.worker.plan(email, Plan(seconds=seconds))
        agent.wait_ended(agent.trigger("daily-mailing"))
    fake.worker.plan(email, BROKEN)
    failed = agent.trigger("daily-mailing", reason="after the price list was mended")
    agent.wait_ended(agent.trigger("invoices"))
    agent.wait_ended(failed)
    agent.wait_stage(agent.trigger("newsletter"), "approve", "blocked")
    fake.worker.plan(email, Plan(seconds=600))
    running = agent.trigger("price-alerts")
    agent.wait_stage(running, "deliver/email", "running")
    agent.wait_stage(running, "deliver/push", "completed")
    return failed, running


def take(page: Page, name: str) -> None:
    page.mouse.move(0, 0)
    session = page.context.new_cdp_session(page)
    picture = session.send("Page.captureScreenshot", {"format": "webp", "quality": QUALITY})
    (IMAGES / f"{name}.webp").write_bytes(base64.b64decode(picture["data"]))


def pictures(browser: Browser, agent: Agent, failed: str, running: str) -> None:
    desk = Visitor(browser, agent.url, viewport=WINDOW, timezone_id="Europe/Berlin")
    take(desk.open("/"), "page-list")
    desk.page.set_viewport_size(WINDOW | {"height": 1240})
    take(desk.open("/sendposts/daily-mailing"), "page-sendpost")
    desk.page.set_viewport_size(WINDOW)
    page = desk.open("/sendposts/price-alerts")
    page.get_by_role("button", name="Run…").click()
    take(page, "page-form")
    dark = Visitor(browser, agent.url, viewport=WINDOW, timezone_id="Europe/Berlin", color_scheme="dark")
    take(dark.open(f"/runs/{running}"), "page-run")
    phone = Visitor(browser, agent.url, viewport=PHONE, timezone_id="Europe/Berlin", device_scale_factor=1.5)
    take(phone.open(f"/runs/{failed}"), "page-phone")
    for visitor in (desk, dark, phone):
        visitor.check()
        visitor.close()


def main() -> None:
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as directory, FakePrefect() as fake, chromium() as browser:
        for name, plan in PLANS.items():
            fake.deploy(name, plan)
        agent = Agent(Path(directory), fake.url)
        for name, text in definitions().items():
            agent.define(name, text)
        agent.start()
        try:
            pictures(browser, agent, *play(agent, fake))
        finally:
            agent.stop()


if __name__ == "__main__":
    main()
