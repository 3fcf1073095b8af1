"""What left the site for one investigation, under which rule, and how to check that it is true."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from nicegui import ui

from orchestrator.console import safe_text
from orchestrator.console.chat_view import duration
from orchestrator.console.egress_picture import flow_svg, kinds_svg
from orchestrator.console.egress_view import EgressAccount, EgressStep, account_of
from orchestrator.console.look import ASSETS_URL, VERSION
from orchestrator.console.tables import Cell, table
from orchestrator.conversations.conversation import ASKED_ON
from orchestrator.storage.model_ledger import ModelRequestEntry, recorded_requests
from telecom.errors import LedgerBrokenError
from telecom.report import ProvenanceStep
from telecom.times import format_instant

if TYPE_CHECKING:
    from orchestrator.console.desk import ConsoleDesk
    from orchestrator.console.registration import Console

_HASH = 16
_FIGURES = range(3, 8)


def register(console: Console) -> None:
    """A page for each investigation; everybody who reads incidents may read it."""

    @console.page_for("/incidents/{incident_id}/egress", title="What left the site")
    async def egress(incident_id: str) -> None:
        ui.add_head_html(f'<link rel="stylesheet" href="{ASSETS_URL}/egress.css?{VERSION}">')
        desk = console.desk
        report = await desk.service.overview.report(incident_id)
        if report is None:
            ui.context.client.status_code = 404
            ui.label("No such report").classes("headline")
            ui.label("There is no investigation of that name, or it is not finished.")
            return
        state = desk.service.state
        ledger = await asyncio.to_thread(_read_ledger, desk, incident_id)
        account = account_of(
            report,
            asked_on=[
                await state.get(incident_id, name, ProvenanceStep)
                for name in await state.names(incident_id)
                if name.startswith(ASKED_ON)
            ],
            decisions=await state.decisions(incident_id),
            calls=await state.calls(incident_id),
            to_models=ledger.entries,
        )
        _draw(account, report.headline, ledger)


class _Ledger:
    """The model ledger as it was found."""

    def __init__(
        self, entries: Sequence[ModelRequestEntry], head: str | None, problem: str | None
    ) -> None:
        self.entries = entries
        self.head = head
        self.problem = problem


def _read_ledger(desk: ConsoleDesk, incident_id: str) -> _Ledger:
    """Check the whole chain, and keep what is about one investigation."""
    found, head = [], None
    try:
        for entry in recorded_requests(desk.settings.state_address):
            head = entry.hash
            if entry.investigation == incident_id:
                found.append(entry)
    except LedgerBrokenError as exc:
        return _Ledger(found, head, str(exc))
    return _Ledger(found, head, None)


def _draw(account: EgressAccount, headline: str, ledger: _Ledger) -> None:
    with ui.element("div").classes("egress"):
        with ui.element("div"):
            ui.link("← The incident", f"/incidents/{account.incident_id}")
            with ui.element("h1").classes("headline"):
                ui.label("What left the site")
            safe_text.words(headline, classes="dim")
        _draw_sums(account)
        with ui.element("div").classes("egress-pair"):
            _draw_picture(account)
            _draw_kinds(account)
        _card("Which step ran where, under which rule", lambda: _draw_steps(account))
        with ui.element("div").classes("egress-pair"):
            _card("How long the calls took", lambda: _draw_latency(account))
            _card("What went to models", lambda: _draw_models(account))
        _card("Check it yourself", lambda: _draw_checks(account, ledger))


def _draw_sums(account: EgressAccount) -> None:
    unknown = "not measured"
    raw, sent = account.folded_raw_tokens, account.folded_sent_tokens
    cost = account.cost_usd
    figures = (
        ("raw alarms", unknown if raw is None else f"{raw:,} tokens"),
        ("left about them", unknown if sent is None else f"{sent:,} tokens"),
        ("left in all", f"{account.sent_tokens:,} tokens"),
        ("bytes", f"{account.bytes_out:,}"),
        ("identifiers replaced", f"{account.masked:,}"),
        ("models cost", "unknown" if cost is None else f"${cost:.4f}"),
    )
    with ui.element("dl").classes("figures"):
        for name, value in figures:
            with ui.element("div"):
                with ui.element("dt"):
                    ui.label(name)
                with ui.element("dd"):
                    ui.label(value)


def _draw_picture(account: EgressAccount) -> None:
    picture = flow_svg(account)

    def draw() -> None:
        if picture:
            ui.html(picture, sanitize=True)
        else:
            ui.label("No site said how large the raw alarms were.").classes("dim")

    _card("Raw against sent", draw)


def _draw_kinds(account: EgressAccount) -> None:
    def draw() -> None:
        if account.masked_kinds:
            ui.html(kinds_svg(account), sanitize=True)
        if not account.masked:
            ui.label("The site's gate found no identifier in what was asked for.").classes("dim")
        elif sum(account.masked_kinds.values()) < account.masked:
            ui.label(f"{account.masked} in all; an older step did not say its kinds.")

    _card("Identifiers replaced", draw)


def _draw_steps(account: EgressAccount) -> None:
    headings = ("step", "where", "left as", "raw", "sent", "replaced", "bytes", "took", "rule")
    scrolls = ui.element("div").classes("scrolls")
    scrolls.props('tabindex=0 role=region aria-label="Which step ran where, under which rule"')
    with scrolls, ui.element("table"):
        with ui.element("thead"), ui.element("tr"):
            for column, heading in enumerate(headings):
                with ui.element("th").props("scope=col").classes("n" if column in _FIGURES else ""):
                    ui.label(heading)
        body = ui.element("tbody")
    with body:
        for step in account.steps:
            with ui.element("tr"):
                _cell(step.step, under=_who(step))
                _cell(step.tier or "nowhere", under=step.tool or "")
                _cell("–" if not step.left_site else step.form or "not said")
                _number(step.raw_tokens)
                _number(step.sent_tokens)
                _number(step.masked)
                _number(step.bytes_out)
                _cell(duration(step.latency_ms), numeric=True)
                _draw_ruling(step)


def _who(step: EgressStep) -> str:
    """Who did it, and what was read of what had left."""
    told = [step.who]
    if step.asked_on:
        told.append("asked in a conversation")
    if step.read_tokens is not None and step.read_tokens != step.sent_tokens:
        told.append(f"{step.read_tokens:,} tokens read")
    if step.written_tokens is not None:
        told.append(f"{step.written_tokens:,} written")
    return ", ".join(told)


def _draw_ruling(step: EgressStep) -> None:
    with ui.element("td"):
        ruling = step.ruling
        if ruling is None:
            ui.label("decision not kept" if step.decision_id else "no decision").classes("dim")
        elif ruling.closed:
            with ui.element("details"):
                with ui.element("summary"):
                    required = ", ".join(ruling.obligations) or "reads the data as it is"
                    safe_text.words(f"{required}; {len(ruling.closed)} tiers closed")
                for tier, rule, because in ruling.closed:
                    safe_text.words(f"{tier}: {rule}", classes="mono")
                    safe_text.words(because, classes="dim")
        else:
            safe_text.words(", ".join(ruling.obligations) or "allowed anywhere")
        if step.decision_id:
            safe_text.words(step.decision_id[:_HASH], classes="mono dim")


def _draw_latency(account: EgressAccount) -> None:
    rows = [
        (
            tier,
            tool or "model",
            str(taken.samples),
            *map(duration, (taken.p50, taken.p95, taken.p99)),
        )
        for tier, tool, taken in account.latency
    ]
    headings = ("tier", "tool", "calls", "P50", "P95", "P99")
    empty = "No timed call was kept."
    table("Round trips by tier and tool", headings, rows, numbers=range(2, 6), empty=empty)


def _draw_models(account: EgressAccount) -> None:
    rows = [
        (
            format_instant(entry.time),
            Cell(entry.model_id, note=entry.tier),
            f"{entry.tokens:,}",
            f"{entry.bytes:,}",
            Cell(entry.request_sha256[:_HASH], style="mono"),
        )
        for entry in account.to_models
    ]
    headings = ("time (UTC)", "model on tier", "tokens", "bytes", "digest")
    empty = "Nothing: no model was asked."
    table("Requests that went to models", headings, rows, numbers=range(2, 4), empty=empty)


def _draw_checks(account: EgressAccount, ledger: _Ledger) -> None:
    if ledger.problem is not None:
        safe_text.words(f"The model ledger is broken: {ledger.problem}", classes="warn")
    elif ledger.head is None:
        ui.label("The model ledger is empty: this orchestrator has asked no model yet.")
    else:
        ui.label("The chain of the model ledger holds. Its head, to be kept elsewhere:")
        safe_text.words(ledger.head, classes="mono")
    ui.label("Here, what went to models, line by line:")
    safe_text.quotation(f"tierwise ledger --investigation {account.incident_id}")
    ui.label(
        "At the site, what its gate released, and whether anybody altered the record. The site's "
        "word stands against this page's:"
    )
    safe_text.quotation(
        f"tierwise-site ledger show DIR --investigation {account.incident_id}\n"
        "tierwise-site ledger verify DIR --anchor HEAD"
    )


# ------------------------------------------------------------------- parts


def _card(title: str, draw: Callable[[], None]) -> None:
    with ui.element("section").classes("card"):
        with ui.element("h2"):
            ui.label(title)
        draw()


def _cell(value: str, *, under: str = "", numeric: bool = False) -> None:
    with ui.element("td").classes("n" if numeric else ""):
        safe_text.words(value)
        if under:
            safe_text.words(under, classes="dim small")


def _number(value: int | None) -> None:
    _cell("–" if value is None else f"{value:,}", numeric=True)
