"""The pictures of docs/console.md, from a sample site: `python -m tests.browser.screenshots`.

A site is generated and ingested, its incident investigated, and each page photographed once.
"""

from __future__ import annotations

import io
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.console_process import ConsoleProcess
from tests.browser.visitors import NARROW, Reception, a_browser
from tests.command import served

PICTURES = Path(__file__).parents[2] / "docs/pictures"
_SCREEN = {"width": 1280, "height": 800}
_COLOURS = 128
_SETTLES_MS = 1_500
"""Until charts are drawn and chats have their field."""
_AT = "2026-06-06T05:40:00Z"
"""Within the sample site's incident."""
_SCOPES = "tickets:read,alarms:read,configs:read,causes:confirm"


def main() -> None:
    """Take all pictures."""
    with tempfile.TemporaryDirectory() as folder:
        site = Path(folder) / "site"
        _tell("generating and ingesting a sample site")
        _site("init", site, "--sample")
        _site("ingest", site)
        token = Path(folder) / "token"
        token.write_text(_site("token", site, "--caller", "region", "--scopes", _SCOPES))
        token.chmod(0o600)
        state = Path(folder) / "console"
        state.mkdir()
        with (
            served(site) as url,
            ConsoleProcess(
                state,
                [{"name": "sudmark", "url": url, "token_file": str(token)}],
                sinks=[{"name": "desk", "kind": "servicenow", "url": "http://127.0.0.1:9/tickets"}],
            ) as console,
            a_browser() as browser,
        ):
            _photograph(Reception(browser, console, (url,)), console)


def _photograph(reception: Reception, console: ConsoleProcess) -> None:
    incident = console.report_trouble(at=_AT)
    light = reception.visitor(viewport=_SCREEN)
    dark = reception.visitor("Bob Metcalfe", viewport=_SCREEN, scheme="dark")
    phone = reception.visitor("Eve Online", "tier-1", viewport=NARROW)
    page = light.goes(f"/incidents/{incident}")
    expect(page.get_by_text("Do next")).to_be_visible()
    page.get_by_label("Your question").fill("why?")
    page.get_by_label("Your question").press("Enter")
    expect(page.locator(".turns article.answered")).to_have_count(1)
    page.evaluate("scrollTo(0, 0)")
    _keep(page, "console-incident")
    shots: tuple[tuple[str, Page, str, Callable[[Page], object]], ...] = (
        ("console-board", light.page, "/", lambda p: p.get_by_text(incident).wait_for()),
        ("console-egress", light.page, f"/incidents/{incident}/egress", _nothing),
        ("console-placement", dark.page, "/placement?wan_down=yes", _nothing),
        ("console-costs", dark.page, "/costs", lambda p: p.locator(".chart svg").first.wait_for()),
        ("console-phone", phone.page, f"/incidents/{incident}", _nothing),
    )
    for name, where, path, ready in shots:
        where.goto(f"{console.url}{path}")
        where.locator("main#main .headline").first.wait_for()
        ready(where)
        _keep(where, name)
    reception.see_out()


def _keep(page: Page, name: str) -> None:
    """Write a picture in few colours: a page has few."""
    page.wait_for_timeout(_SETTLES_MS)
    shot = Image.open(io.BytesIO(page.screenshot(animations="disabled")))
    file = PICTURES / f"{name}.png"
    shot.convert("RGB").quantize(_COLOURS).save(file, optimize=True)
    _tell(f"{file.name}: {file.stat().st_size // 1024} KiB")


def _nothing(_page: Page) -> None:
    """Nothing to wait for."""


def _site(command: str, site: Path, *options: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "mcp_servers", command, str(site), *options],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def _tell(what: str) -> None:
    print(what, file=sys.stderr)


if __name__ == "__main__":
    main()
