"""Everybody can use every page: by keyboard, with a screen reader, on a phone, in the dark."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.axe import axe_source, serious_findings
from tests.browser.visitors import NARROW, WIDE
from tests.heavy import heavy

PLACES = {
    "board": "/",
    "incident": "/incidents/{incident}",
    "egress": "/incidents/{incident}/egress",
    "chat": "/chat",
    "approvals": "/approvals",
    "handover": "/handover",
    "placement": "/placement?wan_down=yes",
    "costs": "/costs",
    "data": "/data",
}
SEEN = {
    "board": "agg1",
    "incident": "agg1",
    "egress": "Which step ran where",
    "chat": "Ask about the newest incident",
    "approvals": "Writes that wait",
    "handover": "agg1",
    "placement": "It moves to",
    "costs": "summarize_alarms",
    "data": "TDDDG",
}


@pytest.fixture(scope="module")
def axe():
    """The rules, or a reason to skip."""
    return axe_source()


@pytest.fixture
def opened(reception, incident):
    """Open a place for somebody and wait until it says what it is for."""

    def open_place(visitor, place):
        page = visitor.goes(PLACES[place].format(incident=incident))
        expect(page.get_by_text(SEEN[place]).first).to_be_visible()
        return page

    return open_place


@heavy
@pytest.mark.parametrize(("screen", "scheme"), [(WIDE, "light"), (NARROW, "dark")])
def test_no_page_has_a_serious_finding_on_any_screen(
    reception, opened, axe, picture, screen, scheme
):
    """Issue 10: axe-core without serious findings; wide and light, narrow and dark; pictures."""
    visitor = reception.visitor(viewport=screen, scheme=scheme)
    findings = []
    for place in PLACES:
        page = opened(visitor, place)
        picture(page, f"{place}-{scheme}")
        findings += [f"{place}: {finding}" for finding in serious_findings(page)]
        sideways = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        findings += [f"{place}: {sideways} px too wide"] if sideways > 0 else []
    assert findings == []


@heavy
def test_every_page_is_reached_and_read_by_keyboard_alone(reception, opened):
    """Issue 10: keyboard only: skip link, keys that go places, help that names them."""
    page = opened(reception.visitor(), "board")
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_text("Skip to the content")
    page.keyboard.press("Enter")
    expect(page.locator("main#main")).to_be_focused()
    for key, title in (("p", "Placement"), ("l", "Cost and latency"), ("a", "Approvals")):
        page.keyboard.press("g")
        page.keyboard.press(key)
        expect(page).to_have_title(f"{title} · tierwise")
        page.locator("main#main").wait_for()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_contain_text("Placement")
    page.keyboard.press("Escape")


@heavy
def test_the_explorer_is_worked_by_keyboard_alone(reception, opened):
    """Issue 10: keyboard only, with forms: Tab reaches the toggle, Space turns it."""
    page = opened(reception.visitor(role="architect"), "placement")
    toggle = page.get_by_label("WAN down")
    toggle.focus()
    page.keyboard.press("Space")
    expect(page.get_by_text("It runs on Region.")).to_be_visible()
    ring = toggle.evaluate("e => getComputedStyle(e).outlineStyle")
    assert ring != "none"
