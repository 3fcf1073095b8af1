"""The site's frames in a real browser, inside a page of the cloud that wants what they show."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Frame, Page, expect, sync_playwright
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from mcp_servers.egress.gate import EgressGate, detector_of
from mcp_servers.egress.ledger import EgressLedger
from mcp_servers.egress.pseudonyms import Pseudonymizer
from mcp_servers.serving.http_app import LOOPBACK_HOSTS, build_app
from mcp_servers.serving.identity import SiteKeys, TokenIssuer, TokenVerifier, site_issuer
from mcp_servers.serving.page_guard import PageGuard
from mcp_servers.serving.people_pages import PeoplePages
from mcp_servers.serving.rate_limits import RateLimiter
from mcp_servers.site_directory import CallerSettings, RateSettings, ServingSettings, SiteSettings
from placement import load_policy
from placement.live import LivePolicy
from telecom.workload import Home
from tests.heavy import heavy
from tests.mcp_servers.fixture_tools import serving

IMSI = "262011234567890"
CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

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

    site: str
    cloud: Cloud
    issuer: TokenIssuer
    pseudonym: str
    ledger: EgressLedger
    context: BrowserContext

    def log_in(self, *scopes: str) -> None:
        """In a tab of the site's own."""
        tab = self.context.new_page()
        tab.goto(f"{self.site}/{'reveal' if 'pii:reveal' in scopes else 'compose/login'}")
        tab.fill("input[name=token]", self.issuer.issue(scopes, "region", timedelta(minutes=5)))
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
        return page.replace("SITE", self.site).replace("PSEUDONYM", self.pseudonym)

    def stolen(self) -> str:
        """All that the cloud's server holds."""
        return "\n".join(self.cloud.received)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        pytest.skip(f"no {CHROMIUM}: install Debian's chromium")
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)


@pytest.fixture
def scene(tmp_path: Path, browser: Browser) -> Iterator[Scene]:
    settings = SiteSettings(
        site_id="north",
        country="DE",
        callers=(CallerSettings(issuer=site_issuer("north"), client="region", tier="region"),),
    )
    keys = SiteKeys.open(tmp_path / "keys")
    verifier = TokenVerifier.open("north", keys, settings.callers)
    pseudonyms = Pseudonymizer.open(tmp_path)
    cloud = Cloud()
    with EgressLedger.open(tmp_path, keys.signing_key) as ledger, serving(cloud.app()) as cloud.url:
        gate = EgressGate(
            load_policy(),
            Home(site="north", country="DE", on_premises=True),
            settings,
            detector_of(settings),
            pseudonyms,
            ledger,
        )
        guard = PageGuard(LOOPBACK_HOSTS, (cloud.url,))
        pages = PeoplePages(
            "north", gate, pseudonyms, ledger, verifier, guard, RateLimiter(RateSettings())
        )
        policy = LivePolicy().status
        app = build_app(
            {},
            verifier,
            ServingSettings(),
            missing=lambda: (),
            policy=lambda: policy,
            people=pages.routes(),
        )
        pseudonym = pseudonyms.token("SUBSCRIBER", IMSI)
        with serving(app) as url, browser.new_context() as context:
            context.set_default_timeout(20_000)
            found = Scene(url, cloud, TokenIssuer("north", keys), pseudonym, ledger, context)
            cloud.page = found.filled(HOSTILE)
            yield found
    pseudonyms.close()


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
    assert {frame.url for frame in page.frames[1:]} <= {"chrome-error://chromewebdata/"}
    assert scene.ledger.entries() == []


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
    assert [entry.event for entry in scene.ledger.entries()] == ["release", "reveal"]
