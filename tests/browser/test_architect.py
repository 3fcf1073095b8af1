"""The architect's pages: ask the policy, suppose something, see what it costs."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.heavy import heavy


def standing(page, tier):
    """The row of a tier."""
    return page.locator(f'tr[data-name="{tier}"]')


@heavy
def test_an_architect_supposes_a_cut_line_and_sees_the_work_move(reception, picture):
    """Issue 10, part 7: the architect's journey: choose, toggle, read the reasons, share."""
    page = reception.visitor(role="architect").goes("/placement")
    expect(page.get_by_text("It runs on Region.")).to_be_visible()
    page.get_by_label("WAN down").check()
    expect(page.get_by_text("It moves to Outposts")).to_be_visible()
    expect(standing(page, "region")).to_contain_text("was no. 1")
    picture(page, "placement")
    page.get_by_role("button", name="Ask them again").click()
    expect(page.get_by_text("tierwise place what-if tier.region.available=false")).to_be_visible()
    page.get_by_label("WAN down").uncheck()
    page.get_by_label("Data leaves").select_option("raw")
    expect(standing(page, "region")).to_contain_text("site-boundary")
    page.get_by_label("Caller, the cloud, is in").select_option("US")
    expect(page).to_have_url(re.compile("cloud=US"))
    page.reload()
    expect(page.get_by_label("Caller, the cloud, is in")).to_have_value("US")
    expect(page.get_by_label("Data leaves")).to_have_value("raw")


@heavy
def test_the_cost_curve_follows_what_is_typed(reception):
    """Issue 10, part 7: cost curve, from the article's volume to one's own."""
    page = reception.visitor(role="architect").goes("/costs")
    expect(page.get_by_text("$52.00")).to_be_visible()
    expect(page.locator(".chart svg").first).to_be_visible()
    page.get_by_label("Events an hour").fill("100")
    page.get_by_label("Events an hour").press("Tab")
    expect(page.get_by_text("$5.20").first).to_be_visible()
    expect(page.get_by_text("cost alone does not justify the edge")).to_be_visible()


@heavy
def test_the_catalogue_says_what_another_country_allows(reception):
    """Issue 10, part 7: data catalogue, with the law of each country."""
    page = reception.visitor(role="auditor").goes("/data")
    row = page.locator('tr[data-name="subscriber_pii"]')
    expect(row).to_contain_text("TKG § 172")
    page.get_by_label("Data is in").select_option("US")
    expect(row).to_contain_text("CPNI")
