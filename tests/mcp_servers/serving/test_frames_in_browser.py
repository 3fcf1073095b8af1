"""The site's frames in a real browser, inside a page of the cloud that wants what they show."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Frame, Page, expect
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from tests.browser.visitors import PATIENCE_MS, a_browser
from tests.heavy import heavy
from tests.mcp_servers.fixture_tools import serving
from tests.mcp_servers.served_people import People, served_people

IMSI = "262011234567890"
PAGES = Path(__file__).parent
HOSTILE = (PAGES / "hostile_page.html").read_text(encoding="utf-8")
TRICKS = (PAGES / "hostile_tricks.html").read_text(encoding="utf-8")


@dataclass
class Cloud:
    """A hostile page's server: everything it was sent."""

    url: str = ""
    page: str = ""
    received: list[str] = field(default_factory=list)

    def app(self) -> Starlette:
        async def serve(_: Request) -> Response:
            return HTMLResponse(self.page)

        async def take(request: Request) -> Response:
            self.received.append((await request.body()).decode())
            return Response()

        routes = [Route("/", serve), Route("/stolen", take, methods=["POST"])]
        return Starlette(routes=routes)


@dataclass
class Scene:
    """A site, a page of the cloud that it lets frame it, and a browser."""

    people: People
    cloud: Cloud
    pseudonym: str
    context: BrowserContext

    def log_in(self, *scopes: str) -> None:
        """In a tab of the site's own."""
        tab = self.context.new_page()
        tab.goto(f"{self.people.url}/reveal")
        tab.fill("input[name=token]", self.people.token(*scopes))
        tab.click("button")
        expect(tab.get_by_text("Log out")).to_be_visible()
        tab.close()

    def console(self) -> tuple[Page, Frame, Frame]:
        """The hostile page, and the two frames in it."""
        page = self.context.new_page()
        page.goto(self.cloud.url)
        compose, reveal = (
            page.locator(f"iframe#{name}").element_handle().content_frame()
            for name in ("compose", "reveal")
        )
        assert compose is not None
        assert reveal is not None
        return page, compose, reveal

    def filled(self, page: str) -> str:
        """A page of the cloud that knows the site's address and a pseudonym."""
        return page.replace("SITE", self.people.url).replace("PSEUDONYM", self.pseudonym)

    def stolen(self) -> str:
        """All that the cloud's server holds."""
        return "\n".join(self.cloud.received)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with a_browser() as opened:
        yield opened


@pytest.fixture
def scene(tmp_path: Path, browser: Browser) -> Iterator[Scene]:
    cloud = Cloud()
    with (
        serving(cloud.app()) as cloud.url,
        served_people(tmp_path, cloud.url) as people,
        browser.new_context() as context,
    ):
        context.set_default_timeout(PATIENCE_MS)
        found = Scene(people, cloud, people.pseudonyms.token("SUBSCRIBER", IMSI), context)
        cloud.page = found.filled(HOSTILE)
        yield found


@heavy
def test_sandbox_overlay_opener_and_a_foreign_page_around_gain_nothing(scene: Scene) -> None:
    """Issue 10, point 5: a hostile parent, clickjacking, window.opener, frame-ancestors."""
    scene.log_in("pii:reveal", "tickets:read")
    scene.cloud.page = scene.filled(TRICKS)
    page = scene.context.new_page()
    page.goto(scene.cloud.url)
    sandboxed = page.frame_locator("#sandboxed")
    if sandboxed.locator("#words").count():  # a browser may keep the cookie from a sandbox
        sandboxed.locator("#words").fill(f"IMSI {IMSI}")
        sandboxed.locator("#words").press("Enter")
        expect(sandboxed.locator("#told")).to_contain_text("sandbox")
    assert page.evaluate("heard") == []
    expect(page.frame_locator("#seen").locator("#reveal")).to_be_enabled()
    expect(page.frame_locator("#unseen").locator("#reveal")).to_be_disabled()
    with page.expect_popup() as popup:
        page.get_by_role("button", name="open").click()
    expect(popup.value.locator("textarea")).to_have_value(scene.pseudonym)
    assert page.evaluate("[opened[0].closed, opened[0].length]") == [True, 0]
    assert popup.value.evaluate("window.opener") is None
    scene.cloud.page = scene.filled(HOSTILE)
    page.goto(scene.cloud.url.replace("127.0.0.1", "localhost"))  # not the origin that was named
    assert page.frames[1:]
    for frame in page.frames[1:]:
        frame.wait_for_url("chrome-error://chromewebdata/", wait_until="commit")
    assert scene.people.ledger.entries() == []


def test_a_hostile_page_gets_masked_words_and_no_original(scene: Scene) -> None:
    """Issue 10, point 5: the cloud page's DOM and server never hold the original."""
    scene.log_in("pii:reveal", "tickets:read")
    page, compose, reveal = scene.console()
    compose.fill("#words", f"why does IMSI {IMSI} drop?")
    page.evaluate("attack()")
    compose.press("#words", "Enter")
    expect(compose.locator("#told")).to_contain_text(scene.pseudonym)
    reveal.click("#reveal")
    expect(reveal.locator("td").last).to_have_text(IMSI)
    reveal.locator("td").last.click(click_count=3)
    page.keyboard.press("Control+c")
    box = reveal.locator("td").last.bounding_box()
    drop = page.locator("#drop").bounding_box()
    assert box is not None
    assert drop is not None
    page.mouse.move(box["x"] + 5, box["y"] + 5)
    page.mouse.down()
    page.mouse.move(drop["x"] + 20, drop["y"] + 20, steps=5)
    page.mouse.up()
    got = page.evaluate("attack()")
    assert page.evaluate("heard") == [
        {
            "type": "tierwise/words",
            "text": f"why does IMSI {scene.pseudonym} drop?",
            "form": "pseudonymized",
        }
    ]
    assert IMSI not in page.content() + json.dumps(got) + scene.stolen()
    assert scene.pseudonym in scene.stolen()
    assert [entry.event for entry in scene.people.ledger.entries()] == ["release", "reveal"]


@heavy
@pytest.mark.parametrize("agrees", [False, True])
def test_in_a_page_of_another_site_the_frame_goes_on_where_the_person_agrees(
    tmp_path: Path, browser: Browser, agrees: bool
) -> None:
    """Issue 10, point 5: over TLS, console and site without a common domain; closed until then."""
    cloud = Cloud()
    with serving(cloud.app()) as url:
        origin = url.replace("127.0.0.1", "localhost")
        with (
            served_people(tmp_path, origin, tls=True) as people,
            browser.new_context(ignore_https_errors=True) as context,
        ):
            context.set_default_timeout(PATIENCE_MS)
            if agrees:
                context.grant_permissions(["storage-access"])
            scene = Scene(people, cloud, "SUBSCRIBER_k3f9x2mq7abc", context)
            cloud.page = scene.filled(HOSTILE)
            scene.log_in("pii:reveal", "tickets:read")
            page = context.new_page()
            page.goto(origin)
            frame = page.frame_locator("#compose")
            frame.get_by_role("button", name="I am logged in").click()
            if agrees:
                frame.locator("#words").fill(f"IMSI {IMSI}")
                frame.locator("#words").press("Enter")
                expect(frame.locator("#told")).to_contain_text("sent as: IMSI SUBSCRIBER_")
            else:
                expect(frame.get_by_text("You are not logged in")).to_be_visible()
                assert people.ledger.entries() == []
