"""A console over a site double, one for each worker, and a browser for each file of tests."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from orchestrator.doubles.site import SiteDouble
from tests.browser.console_process import ConsoleProcess
from tests.browser.storm import storm_of
from tests.browser.visitors import Reception, a_browser, chromium_path

PICTURES = Path(
    os.environ.get("TIERWISE_PICTURES", Path(__file__).parents[2] / ".browser/pictures")
)


@pytest.fixture(scope="session")
def site() -> Iterator[SiteDouble]:
    """A site on loopback that answers with the storm of `storm.py`."""
    chromium_path()
    storm = storm_of()
    with SiteDouble(storm.summary, changes=storm.changes, tickets=storm.tickets) as double:
        yield double


@pytest.fixture(scope="session")
def console(site: SiteDouble, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleProcess]:
    """The console over that site, with a sink whose writes wait for approval."""
    folder = tmp_path_factory.mktemp("console")
    sink = {"name": "service-desk", "kind": "servicenow", "url": "http://127.0.0.1:9/tickets"}
    with ConsoleProcess(
        folder, [{"name": "munich", "url": site.url, "country": "DE"}], sinks=[sink]
    ) as process:
        yield process


@pytest.fixture(scope="session")
def incident(console: ConsoleProcess) -> str:
    """An incident that somebody reported."""
    return console.report_trouble()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium."""
    with a_browser() as opened:
        yield opened


@pytest.fixture
def reception(browser: Browser, console: ConsoleProcess) -> Iterator[Reception]:
    """Lets people in; at the end nobody's browser has talked to strangers."""
    here = Reception(browser, console)
    yield here
    here.see_out()


@pytest.fixture
def picture() -> Callable[[Page, str], None]:
    """Keep a picture of a page as an artefact of the test."""

    def keep(page: Page, name: str) -> None:
        PICTURES.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=PICTURES / f"{name}.png")

    return keep
