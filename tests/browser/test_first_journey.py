"""From an alarm storm to its cause, in a real browser: the quick one, for every run."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.storm import CAUSE, LINE


def test_an_alarm_storm_is_followed_from_the_board_to_its_cause(reception, console, picture):
    """R22, issue 10: the board is live, one press leads to headline, cause and what to do next."""
    visitor = reception.visitor()
    page = visitor.goes("/")
    incident = console.report_trouble("storm", at="2026-03-02T10:15:00Z")
    row = page.get_by_role("row").filter(has_text=incident)
    expect(row).to_contain_text("mtu mismatch")
    picture(page, "board")
    row.get_by_role("link").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(CAUSE)
    assert page.url.endswith(f"/incidents/{incident}")
    for part in ("Cause", "Do next"):
        place = page.get_by_role("heading", name=part, exact=True).bounding_box()
        assert place is not None
        assert place["y"] < page.viewport_size["height"]
    page.get_by_role("button", name="alarms/agg1.log:17").first.click()
    expect(page.get_by_text(LINE).first).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Take", exact=True).click()
    expect(page.get_by_text("taken by you")).to_be_visible()
    picture(page, "incident")
