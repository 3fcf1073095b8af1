"""The console: a large incident in a real browser, and fifty engineers at once.

The incident has 500 elements and 2,000 alarms. Limits on two quiet cores: first paint 1.5 s, an
update 300 ms; the ratio to an empty page of the same console in the same run says more on a loaded
machine. Each figure is a median.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import socketio
from playwright.sync_api import Page, expect

from orchestrator.doubles.site import SiteDouble
from tests.browser.console_process import ConsoleProcess, elsewhere
from tests.browser.storm import storm_of
from tests.browser.visitors import Reception, Visitor, a_browser

CELLS = 500
SESSIONS = 50
_REPEATS = 7
_PAINT_LIMIT_MS, _UPDATE_LIMIT_MS = 1_500.0, 300.0
_HOLD_S = 10.0
_PAINTED = "() => performance.getEntriesByName('first-contentful-paint')[0].startTime"
_CLICK_TO_CHANGE = """
([press, shows]) => new Promise((done) => {
  const said = (words) =>
    [...document.querySelectorAll('button')].find((b) => b.textContent.trim() === words);
  const button = said(press);
  const watch = new MutationObserver(() => {
    if (!said(shows)) return;
    watch.disconnect();
    requestAnimationFrame(() => done(performance.now() - begun));
  });
  watch.observe(document.body, {subtree: true, childList: true, characterData: true});
  const begun = performance.now();
  button.click();
})
"""
_QUERY = re.compile(r"query: \{'client_id': '([0-9a-f-]+)', 'next_message_id': (\d+)")


def run() -> list[dict[str, Any]]:
    """Measure; one row for each figure, none where there is no browser."""
    if shutil.which("chromium") is None:
        return [{"name": "skipped: no chromium", "value": None, "unit": "", "ok": None}]
    with _console() as (console, incident_id), a_browser() as browser:
        reception = Reception(browser, console)
        visitor = reception.visitor()
        rows = [*_paints(visitor, incident_id), *_updates(visitor, incident_id)]
        rows += elsewhere(_sessions(console, incident_id))
        reception.see_out()
    return rows


@contextmanager
def _console() -> Iterator[tuple[ConsoleProcess, str]]:
    storm = storm_of(CELLS)
    with (
        tempfile.TemporaryDirectory() as folder,
        SiteDouble(storm.summary, changes=storm.changes, tickets=storm.tickets) as site,
        ConsoleProcess(
            Path(folder), [{"name": "munich", "url": site.url, "country": "DE"}]
        ) as console,
    ):
        yield console, console.report_trouble()


def _paints(visitor: Visitor, incident_id: str) -> list[dict[str, Any]]:
    """First paint, and until the headline can be read; an empty page in turns with it."""
    page = visitor.goes(f"/incidents/{incident_id}")
    expect(page.locator(".headline").first).to_be_visible()
    empty, large, read = list[float](), list[float](), list[float]()
    for _ in range(_REPEATS):
        visitor.goes("/incidents/inc-none/egress")
        empty.append(page.evaluate(_PAINTED))
        visitor.page.goto(f"{visitor.console.url}/incidents/{incident_id}")
        page.locator(".headline").first.wait_for()
        read.append(page.evaluate("performance.now()"))
        large.append(page.evaluate(_PAINTED))
    beside = statistics.median(empty)
    size = f"{CELLS + 1} elements, {storm_of(CELLS).summary.alarms_total:,} alarms"
    return [
        _row("empty page, first paint, p50", beside, "ms"),
        _row(
            f"incident of {size}, first paint, p50",
            statistics.median(large),
            "ms",
            beside=beside,
            limit=_PAINT_LIMIT_MS,
        ),
        _row(
            "the same, until its headline is there, p50",
            statistics.median(read),
            "ms",
            beside=beside,
        ),
    ]


def _updates(visitor: Visitor, incident_id: str) -> list[dict[str, Any]]:
    """From a press to the change on the page: taking the incident, and giving it back."""
    page = visitor.goes("/placement")
    beside = _median_toggle(page)
    page = visitor.goes(f"/incidents/{incident_id}")
    expect(page.get_by_role("button", name="Take", exact=True)).to_be_visible()
    taken = []
    for _ in range(_REPEATS):
        taken.append(page.evaluate(_CLICK_TO_CHANGE, ["Take", "Give back"]))
        page.evaluate(_CLICK_TO_CHANGE, ["Give back", "Take"])
    return [
        _row("explorer, a toggle turned to the new standings, p50", beside, "ms"),
        _row(
            "the large incident, taken by a press, p50",
            statistics.median(taken),
            "ms",
            beside=beside,
            limit=_UPDATE_LIMIT_MS,
        ),
    ]


def _median_toggle(page: Page) -> float:
    toggle = page.get_by_label("WAN down")
    taken = []
    for wanted, said in ((True, "It moves to"), (False, "It runs on")) * 3:
        begun = time.perf_counter()
        toggle.set_checked(wanted)
        page.get_by_text(said).wait_for()
        taken.append((time.perf_counter() - begun) * 1000)
    return statistics.median(taken)


async def _sessions(console: ConsoleProcess, incident_id: str) -> list[dict[str, Any]]:
    """Fifty signed-in engineers with an open page each; who comes then still gets one."""
    alone = await _answer_ms(console, incident_id)
    engineers = await asyncio.gather(*(_engineer(console, n) for n in range(SESSIONS)))
    await asyncio.sleep(_HOLD_S)
    among = await _answer_ms(console, incident_id)
    held = sum(engineer.connected for engineer in engineers)
    for engineer in engineers:
        await engineer.disconnect()
    return [
        {
            **_row(f"{SESSIONS} sessions with an open page, still connected", held, ""),
            "limit": SESSIONS,
            "ok": held == SESSIONS,
        },
        _row("a page for one more, beside a page for one alone", among, "ms", beside=alone),
    ]


async def _engineer(console: ConsoleProcess, number: int) -> socketio.AsyncClient:
    """Sign in, open the board and its socket as the page's script does."""
    link = await asyncio.to_thread(console.link, f"engineer {number}", "tier-1")
    async with _http(console) as http:
        await _sign_in(http, link)
        page = await http.get("/")
        [client_id, next_message] = _QUERY.search(page.text).groups()  # type: ignore[union-attr]
        cookies = "; ".join(f"{name}={value}" for name, value in http.cookies.items())
    socket = socketio.AsyncClient(reconnection=False)
    await socket.connect(
        f"{console.url}?client_id={client_id}&next_message_id={next_message}"
        f"&implicit_handshake=true&tab_id=t{number}&document_id=d{number}",
        headers={"Cookie": cookies, "Origin": console.url},
        socketio_path="/_nicegui_ws/socket.io",
        transports=["websocket"],
        wait_timeout=30,
    )
    return socket


async def _answer_ms(console: ConsoleProcess, incident_id: str) -> float:
    link = await asyncio.to_thread(console.link, "visitor", "tier-1")
    taken = []
    async with _http(console) as http:
        await _sign_in(http, link)
        for _ in range(_REPEATS):
            begun = time.perf_counter()
            answer = await http.get(f"/incidents/{incident_id}")
            answer.raise_for_status()
            taken.append((time.perf_counter() - begun) * 1000)
    return statistics.median(taken)


def _http(console: ConsoleProcess) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=console.url, trust_env=False, timeout=60)


async def _sign_in(http: httpx.AsyncClient, link: str) -> None:
    secret = link.partition("link=")[2]
    origin = str(http.base_url).rstrip("/")
    answer = await http.post("/sign-in", data={"link": secret}, headers={"Origin": origin})
    if answer.status_code != httpx.codes.SEE_OTHER:
        raise RuntimeError(f"the sign-in was answered {answer.status_code}")


def _row(
    name: str,
    value: float,
    unit: str,
    *,
    beside: float | None = None,
    limit: float | None = None,
) -> dict[str, Any]:
    return {
        "name": name,
        "value": round(value, 1),
        "unit": unit,
        "ratio": None if beside is None else round(value / beside, 2),
        "limit": limit,
        "ok": None if limit is None else value <= limit,
    }


if __name__ == "__main__":
    for row in run():
        print(row)
