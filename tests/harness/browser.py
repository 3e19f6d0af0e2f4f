# SPDX-License-Identifier: Apache-2.0
"""Debian's Chromium, driven by Playwright: what a page says on its console, what it asks for, and what axe finds in it."""
import shutil
from contextlib import contextmanager
from typing import Any, Iterator
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

PATIENCE_MS = 20_000
DESKTOP = {"width": 1280, "height": 800}
PHONE = {"width": 360, "height": 740}
GRAVE = ("serious", "critical")
expect.set_options(timeout=PATIENCE_MS)


@contextmanager
def chromium() -> Iterator[Browser]:
    path = shutil.which("chromium")
    assert path, "no chromium: sh deploy/dependencies.sh test"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


class Visitor:
    """One person's browser. All that it complains of is kept: violations of the policy are errors of the console too."""

    def __init__(self, browser: Browser, url: str, **options: Any):
        self.url = url
        self.context: BrowserContext = browser.new_context(base_url=url, locale="en-GB", **({"viewport": DESKTOP} | options))
        self.context.set_default_timeout(PATIENCE_MS)
        self.complaints: list[str] = []
        self.expected: list[str] = []
        self.foreign: list[str] = []
        self.page: Page = self.context.new_page()
        self.page.on("console", lambda message: message.type in ("error", "warning") and self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(f"{error}\n{error.stack}"))
        self.page.on("request", lambda request: self.note_host(request.url))

    def note_host(self, url: str) -> None:
        if not url.startswith(("data:", "about:")) and urlsplit(url).netloc != urlsplit(self.url).netloc:
            self.foreign.append(url)

    def open(self, address: str) -> Page:
        """A view, once it is drawn. On an empty page: the view before would be taken for it."""
        self.page.goto("about:blank")
        self.page.goto(f"/#{address}")
        self.page.locator("main h1").wait_for()
        return self.page

    def expect(self, *complaints: str) -> None:
        """Parts of what the console may say: the browser itself writes there of each answer from 400 on."""
        self.expected += complaints

    def check(self) -> None:
        """The console said nothing but what was expected; nothing came from elsewhere."""
        unexpected = [text for text in self.complaints if not any(part in text for part in self.expected)]
        assert not unexpected, "\n".join(unexpected)
        assert not self.foreign

    def close(self) -> None:
        self.context.close()


def grave_findings(page: Page) -> list[str]:
    """What axe holds to be serious or critical, with the elements."""
    violations = Axe().run(page).response["violations"]
    return [f"{one['impact']} {one['id']}: {one['help']}\n  " + "\n  ".join(f"{node['html']} {node['failureSummary']}" for node in one["nodes"])
            for one in violations if one["impact"] in GRAVE]
