"""The console with a site's own frames: what is typed and revealed there, the cloud never holds."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.console_process import ConsoleProcess
from tests.browser.visitors import Reception
from tests.heavy import heavy
from tests.mcp_servers.served_people import served_people

IMSI = "262011234567890"


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    """A site's pages for people."""
    with served_people(tmp_path_factory.mktemp("north")) as served:
        yield served


@pytest.fixture(scope="module")
def console(site, people, tmp_path_factory):
    """A console over the site that answers and the one that has pages for people."""
    sites = [
        {"name": "munich", "url": site.url, "country": "DE"},
        {"name": "north", "url": people.url, "country": "DE"},
    ]
    with ConsoleProcess(tmp_path_factory.mktemp("console"), sites) as process:
        people.guard.parents = (process.url,)
        yield process


@heavy
def test_the_console_asks_and_shows_pseudonyms_and_holds_no_original(
    browser, console, people, picture
):
    """Issue 10, point 5: the cloud page's DOM and server never hold the original."""
    reception = Reception(browser, console, (people.url,))
    visitor = reception.visitor()
    frames: list[str] = []
    visitor.page.on(
        "websocket", lambda socket: socket.on("framesent", lambda sent: frames.append(str(sent)))
    )
    page = visitor.goes("/chat")
    compose = page.frame_locator("#site-words")
    with visitor.context.expect_page() as opened:
        compose.get_by_role("link", name="Log in in a new tab").click()
    tab = opened.value
    assert tab.url == f"{people.url}/compose/login"
    tab.goto(f"{people.url}/reveal")
    tab.fill("input[name=token]", people.token("pii:reveal", "tickets:read"))
    tab.get_by_role("button", name="Log in").click()
    expect(tab.get_by_text("Log out")).to_be_visible()
    tab.close()
    page.reload()
    compose.locator("#words").fill(f"why does IMSI {IMSI} drop?")
    compose.locator("#words").press("Enter")
    expect(page.locator(".turn.answered")).to_have_count(1)
    pseudonym = people.pseudonyms.token("SUBSCRIBER", IMSI)
    chip = page.get_by_role("button", name=pseudonym)
    expect(chip).to_be_visible()
    chip.click()
    reveal = page.frame_locator("dialog.reveal iframe")
    # By key: a browser drops clicks on a foreign frame that has just been moved.
    expect(reveal.locator("#reveal")).to_be_enabled()
    reveal.locator("#reveal").press("Enter")
    expect(reveal.locator("td").last).to_have_text(IMSI)
    picture(page, "reveal")
    kept = [file.read_bytes() for file in console.folder.rglob("*") if file.is_file()]
    held = b"".join([page.content().encode(), *(str(each).encode() for each in frames), *kept])
    assert pseudonym.encode() in held
    assert IMSI.encode() not in held
    reception.see_out()


@heavy
def test_without_a_login_at_the_site_a_chip_stays_a_pseudonym(browser, console, people):
    """Issue 10, point 5: without right or reach, the chip stays a pseudonym."""
    reception = Reception(browser, console, (people.url,))
    page = reception.visitor().goes("/chat")
    expect(page.frame_locator("#site-words").get_by_text("You are not logged in")).to_be_visible()
    before = len(people.ledger.entries())
    chip = people.pseudonyms.token("SUBSCRIBER", IMSI)
    page.evaluate(
        """(pseudonym) => {
            const said = document.createElement("p");
            said.className = "speaks";
            said.textContent = pseudonym;
            document.querySelector(".turns").append(said);
        }""",
        chip,
    )
    page.get_by_role("button", name=chip).click()
    frame = page.frame_locator("dialog.reveal iframe")
    expect(frame.get_by_text("You are not logged in")).to_be_visible()
    assert len(people.ledger.entries()) == before
    reception.see_out()
