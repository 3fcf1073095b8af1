"""People at a browser: signed in, watched for requests that leave the origins they may talk to."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request, expect, sync_playwright

from orchestrator.console_settings import Role
from tests.browser.console_process import ConsoleProcess

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WIDE = {"width": 1360, "height": 860}
NARROW = {"width": 390, "height": 844}
_INSIDE = ("data", "blob", "about", "chrome-error")
PATIENCE_MS = 30_000
"""For a machine that does other things as well; nothing here waits that long on a quiet one."""


def chromium_path() -> str:
    """Where the browser is; skips where there is none."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        pytest.skip("no chromium (Debian: apt-get install chromium)")
    return found


@contextmanager
def a_browser() -> Iterator[Browser]:
    """Chromium for the length of a block; asyncio.run does not work in this thread meanwhile."""
    path = chromium_path()
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


@dataclass(slots=True)
class Visitor:
    """Somebody who is signed in, and everything that their browser did."""

    context: BrowserContext
    page: Page
    console: ConsoleProcess
    foreign: list[str] = field(default_factory=list)
    """Requests to an origin that is neither the console's nor a site's."""
    errors: list[str] = field(default_factory=list)
    """Script errors of the page."""

    def goes(self, path: str) -> Page:
        """Open a page of the console and wait until its script runs."""
        self.page.goto(f"{self.console.url}{path}")
        self.page.locator("main#main").wait_for()
        return self.page


class Reception:
    """Lets people in, and sees them out."""

    def __init__(
        self, browser: Browser, console: ConsoleProcess, origins: tuple[str, ...] = ()
    ) -> None:
        self._browser = browser
        self._console = console
        self._origins = origins
        self._visitors: list[Visitor] = []

    def visitor(
        self,
        name: str = "Ada Byron",
        role: Role = "lead",
        *,
        viewport: dict[str, int] | None = None,
        scheme: Literal["light", "dark"] = "light",
        **options: Any,
    ) -> Visitor:
        """A browser of its own in which somebody is signed in."""
        context = self._browser.new_context(
            viewport=viewport or WIDE, color_scheme=scheme, reduced_motion="reduce", **options
        )
        context.set_default_timeout(PATIENCE_MS)
        visitor = Visitor(context, context.new_page(), self._console)
        context.on("request", lambda request: self._watch(visitor, request))
        visitor.page.on("pageerror", lambda error: visitor.errors.append(str(error)))
        self._visitors.append(visitor)
        visitor.page.goto(self._console.link(name, role))
        visitor.page.get_by_role("button", name="Sign in").click()
        visitor.page.locator("main#main").wait_for()
        return visitor

    def see_out(self) -> None:
        """Close everybody's browser.

        Nobody's browser has asked anybody else, and no page's script has failed.
        """
        for visitor in self._visitors:
            visitor.context.close()
        assert [url for visitor in self._visitors for url in visitor.foreign] == []
        assert [error for visitor in self._visitors for error in visitor.errors] == []

    def _watch(self, visitor: Visitor, request: Request) -> None:
        at = urlsplit(request.url)
        origin = f"{at.scheme}://{at.netloc}"
        if at.scheme not in _INSIDE and origin not in (self._console.url, *self._origins):
            visitor.foreign.append(request.url)
