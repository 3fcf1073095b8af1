"""What waits for a person: writes to others' records, what a site holds back, causes decided."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from nicegui import ui

from orchestrator.console.controls import button
from orchestrator.console.safe_text import heading, quotation, words
from orchestrator.console.sessions import current_engineer
from orchestrator.console.tables import Cell, Row, table
from orchestrator.incidents.approvals import Approval, Decision, WaitsOnSite
from orchestrator.incidents.corrections import Correction
from telecom.errors import TierwiseError

if TYPE_CHECKING:
    from orchestrator.console.desk import ConsoleDesk
    from orchestrator.console.registration import Console
    from orchestrator.console_settings import Role

DECIDERS: frozenset[Role] = frozenset({"tier-2/3", "lead"})
"""Who may let a write go out, or forbid it."""
_EVERY_S = 3.0


def register(console: Console) -> None:
    """Everybody sees what waits; who may decide has buttons."""

    @console.page_for("/approvals", title="Approvals", nav="a")
    async def approvals() -> None:
        heading("What waits for a person?")
        page = _Waiting(console.desk)
        await page.refresh()
        ui.timer(_EVERY_S, page.refresh)


class _Waiting:
    """One page's view: drawn anew when something has changed, and only then."""

    def __init__(self, desk: ConsoleDesk) -> None:
        self._desk = desk
        self._seen: object = None
        self._told = ui.element("div").props("role=status").classes("dim")
        self._content = ui.element("div").classes("stack")

    async def refresh(self) -> None:
        """Look again."""
        service = self._desk.service
        listed = await service.approvals.all(waiting_only=False)
        on_sites = await service.approvals.on_sites()
        causes = await service.corrections.newest()
        now = (listed, on_sites, causes)
        if now == self._seen:
            return
        self._seen = now
        waiting = [one for one in listed if one.status == "waiting"]
        self._content.clear()
        with self._content:
            with ui.element("section").classes("stack"):
                heading(f"Writes that wait ({len(waiting)})", 2)
                for one in waiting:
                    self._asked(one)
                if not waiting:
                    words("Nothing waits.", classes="dim")
            with ui.element("section").classes("card"):
                heading("Held back by a site", 2)
                _on_sites(on_sites)
            with ui.element("section").classes("card"):
                heading("Causes that people decided", 2)
                _causes(causes)
            with ui.element("section").classes("card"):
                heading("Decided before", 2)
                _decided([one for one in listed if one.status != "waiting"])

    def _asked(self, one: Approval) -> None:
        with ui.element("article").classes("card").props(f"data-name={one.effect_key}"):
            with ui.element("div").classes("across"):
                words(f"{one.sink}", classes="title")
                ui.link(one.incident_id, f"/incidents/{one.incident_id}")
                words(
                    f"asked {_clock(one.asked_at)}, expires {_clock(one.expires_at)}", classes="dim"
                )
            words("What would be sent, word for word:", classes="dim")
            quotation(json.dumps(one.payload, indent=1, ensure_ascii=False))
            if current_engineer().role in DECIDERS:
                with ui.element("div").classes("across"):
                    button("Approve", lambda: self._decide(one, "approved"), main=True)
                    button("Deny", lambda: self._decide(one, "denied"))
            else:
                words(f"To be decided by {' or '.join(sorted(DECIDERS))}.", classes="dim")

    async def _decide(self, one: Approval, decision: Decision) -> None:
        engineer = current_engineer()
        if engineer.role not in DECIDERS:
            return
        try:
            decided = await self._desk.service.approvals.decide(
                one.effect_key, decision, by=engineer.name
            )
            said = f"{decided.sink}: {decided.status} by {decided.decided_by}"
        except TierwiseError as exc:
            said = str(exc)
        self._told.clear()
        with self._told:
            words(said)
        await self.refresh()


def _on_sites(waiting: Sequence[WaitsOnSite]) -> None:
    ui.html(
        "Only the site's own operator can release these, on the site: "
        "<code>tierwise-site approvals list DIR</code> names them, "
        "<code>tierwise-site approvals approve DIR ID</code> releases one, "
        "<code>... deny DIR ID</code> refuses it. Ask again here afterwards.",
        sanitize=True,
        tag="p",
    ).classes("dim")
    table(
        "Answers that a site's gate holds back",
        ("incident", "what", "why"),
        (
            (Cell(one.incident_id, href=f"/incidents/{one.incident_id}"), one.what, one.why)
            for one in waiting
        ),
        empty="No site holds anything back.",
    )


def _causes(decided: Sequence[Correction]) -> None:
    table(
        "On their way into the sites' knowledge bases",
        ("incident", "cause", "decided by", "site", "state"),
        (
            (
                Cell(one.incident_id, href=f"/incidents/{one.incident_id}"),
                Cell(one.cause, one.note),
                Cell(one.reviewer, _clock(one.decided_at)),
                one.site,
                Cell(one.status, one.message or one.ticket_id or "", f"chip {one.status}"),
            )
            for one in decided
        ),
        empty="Nobody has said yet whether a cause was the cause; an incident's page asks.",
    )


def _decided(listed: Iterable[Approval]) -> None:
    table(
        "Writes that were decided or expired, newest first",
        ("incident", "sink", "decision", "delivery"),
        (
            Row(
                (
                    Cell(one.incident_id, href=f"/incidents/{one.incident_id}"),
                    one.sink,
                    Cell(one.status, f"by {one.decided_by}" if one.decided_by else ""),
                    one.delivery,
                )
            )
            for one in reversed(list(listed))
        ),
        empty="Nothing was decided yet.",
    )


def _clock(stamped: str) -> str:
    """A moment of the state in UTC, to the minute."""
    return f"{stamped[:16].replace('T', ' ')} UTC"
