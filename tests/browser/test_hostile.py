"""Hostile text and hostile people: what others wrote stays text, what is others' stays closed."""

from __future__ import annotations

import httpx
import pytest
from playwright.sync_api import expect

from orchestrator.doubles.site import SiteDouble
from tests.browser.console_process import ConsoleProcess
from tests.browser.storm import storm_of
from tests.heavy import heavy

HOSTILE = (
    '<img src=x onerror="window.pwned=1"><script>window.pwned=1</script>'
    "[click](javascript:window.pwned=1) ![p](http://evil.test/p.png)"
    " \x1b[2J\u202e {{7*7}} <b>bold</b>"
)


@pytest.fixture(scope="module")
def site():
    """A site whose elements say hostile things."""
    storm = storm_of(said=HOSTILE)
    with SiteDouble(storm.summary, changes=storm.changes, tickets=storm.tickets) as double:
        yield double


@pytest.fixture(scope="module")
def console(site, tmp_path_factory):
    """A console over that site alone."""
    sites = [{"name": "munich", "url": site.url, "country": "DE"}]
    with ConsoleProcess(tmp_path_factory.mktemp("hostile"), sites) as process:
        yield process


@pytest.fixture(scope="module")
def incident(console):
    """The incident that it says them in."""
    return console.report_trouble()


@heavy
def test_what_an_alarm_says_is_text_on_every_page(reception, incident):
    """Issue 10, part 8: XSS: HTML, ANSI, Markdown and template tricks stay inert."""
    visitor = reception.visitor()
    for path in ("/", f"/incidents/{incident}", "/approvals", "/handover", "/costs"):
        page = visitor.goes(path)
        page.wait_for_load_state("networkidle")
        assert page.evaluate("window.pwned") is None
        assert page.locator("main img").count() == 0
        assert page.locator("main script").count() == 0
        assert page.locator('a[href^="javascript:"]').count() == 0
        assert page.get_by_text("49", exact=True).count() == 0


@heavy
def test_a_page_of_another_origin_can_neither_frame_nor_post(reception, console, browser):
    """Issue 10, part 8: CSRF and framing: the console answers its own pages only."""
    visitor = reception.visitor()
    page = visitor.goes("/")
    answer = page.request.get(f"{console.url}/")
    policy = answer.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy
    assert "default-src 'self'" in policy
    for origin in ("http://evil.test", "null"):
        refused = page.request.post(f"{console.url}/sign-out", headers={"Origin": origin})
        assert refused.status == 403
    expect(visitor.goes("/").locator("main#main")).to_be_visible()


@heavy
def test_a_session_that_was_planted_is_worth_nothing(console):
    """Issue 10, part 8: session fixation: signing in begins a fresh id; an invented one is none."""
    link = console.link("Eve", "tier-1")
    secret = link.partition("link=")[2]
    with httpx.Client(base_url=console.url, trust_env=False) as http:
        http.cookies.set("tierwise", "planted-by-eve")
        assert http.get("/", headers={"Accept": "text/html"}).status_code == 303
        answer = http.post("/sign-in", data={"link": secret}, headers={"Origin": console.url})
        assert answer.status_code == 303
        assert answer.cookies["tierwise"] != "planted-by-eve"
        again = http.post("/sign-in", data={"link": secret}, headers={"Origin": console.url})
        assert again.status_code == 403
