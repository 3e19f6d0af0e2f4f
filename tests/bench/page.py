# SPDX-License-Identifier: Apache-2.0
"""What the status page costs a browser: build/test-venv/bin/python tests/bench/page.py, with a release that was built. Nothing else
should run meanwhile."""
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from harness.agent import Agent  # noqa: E402
from harness.browser import PHONE, Page, Visitor, chromium  # noqa: E402
from harness.definitions import sendpost, stage  # noqa: E402
from harness.fake import FakePrefect  # noqa: E402
from harness.fake.worker import Plan  # noqa: E402
from harness.paths import release_binary  # noqa: E402

SENDPOSTS, STARTED, STAGES = 1000, 200, 900
SLOWER = 4  # than this processor is a phone's
WATCH = "window.tasks = []; new PerformanceObserver(list => list.getEntries().forEach(entry => tasks.push(entry.duration))).observe({type: 'longtask', buffered: true})"
WEIGHT = "performance.getEntriesByType('resource').concat(performance.getEntriesByType('navigation')).filter(one => !one.name.includes('/v1/')).map(one => one.encodedBodySize)"


def tell(what: str, measured: float, unit: str) -> None:
    print(f"{what:<90} {measured:8.1f} {unit}", flush=True)


def definitions() -> dict[str, str]:
    fields: dict[str, Any] = {"owner": "data", "labels": {"tier": "gold"}, "schedule": {"cron": "0 7 * * mon-fri", "timezone": "Europe/Berlin"}}
    many = {f"bench-{number:04}": sendpost(f"bench-{number:04}", stage("mailing/main"), **fields) for number in range(SENDPOSTS)}
    wide = {"name": "all", "parallel": [stage("mailing/slow", f"branch-{number}") for number in range(STAGES)]}
    return many | {"wide": sendpost("wide", wide)}


def opened(visitor: Visitor, address: str, ready: str) -> float:
    """Seconds until it is drawn."""
    visitor.page.goto("about:blank")
    began = time.monotonic()
    visitor.page.goto(f"/#{address}")
    visitor.page.locator(ready).first.wait_for()
    return time.monotonic() - began


def longest_task(page: Page, seconds: float) -> float:
    page.evaluate("tasks.length = 0")
    page.wait_for_timeout(seconds * 1000)
    return page.evaluate("Math.max(0, ...tasks)")


def measure(agent: Agent, visitor: Visitor, who: str) -> None:
    page = visitor.page
    page.add_init_script(WATCH)
    tell(f"{who}: list of {SENDPOSTS:,} sendposts, until its first page is drawn", opened(visitor, "/", ".rows > li") * 1000, "ms")
    tell(f"{who}: the same, until all are known", opened(visitor, "/", f"text=/^{SENDPOSTS + 1} sendposts$/") * 1000, "ms")
    weights = page.evaluate(WEIGHT)
    tell(f"{who}: the page itself, {len(weights)} files", sum(weights) / 1000, "kB")
    for number in range(STARTED):
        agent.trigger(f"bench-{number * SENDPOSTS // STARTED:04}")
    tell(f"{who}: the same, while {STARTED} runs start and end: longest task (0: none of 50 ms)", longest_task(page, 5), "ms")
    run = agent.trigger("wide")
    tell(f"{who}: a run of {STAGES} stages side by side, until it is drawn", opened(visitor, f"/runs/{run}", ".stage") * 1000, "ms")
    tell(f"{who}: the same, at work: longest task", longest_task(page, 5), "ms")
    agent.cancel(run)
    agent.wait_ended(run, 60)


def main() -> None:
    with tempfile.TemporaryDirectory() as directory, FakePrefect() as fake, chromium() as browser:
        fake.deploy("mailing/main", Plan())
        fake.deploy("mailing/slow", Plan(end="RUNNING"))
        agent = Agent(Path(directory), fake.url, binary=release_binary())
        for name, text in definitions().items():
            agent.define(name, text)
        agent.start()
        try:
            measure(agent, Visitor(browser, agent.url), "desk")
            phone = Visitor(browser, agent.url, viewport=PHONE)
            phone.context.new_cdp_session(phone.page).send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
            measure(agent, phone, f"phone, {SLOWER} times slower")
        finally:
            agent.stop()


if __name__ == "__main__":
    main()
