"""Was this the cause? What a person says, on its way into the site's knowledge base.

A press confirms; other words are typed in the site's own frame, where it offers one, so that this
half only gets them masked. What becomes of a decision is shown until every site has it.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from nicegui import ui
from nicegui.events import GenericEventArguments

from orchestrator.console.controls import button
from orchestrator.console.look import ASSETS_URL, VERSION
from orchestrator.console.safe_text import heading, words
from orchestrator.console.sessions import Engineer, current_engineer
from orchestrator.console.site_frames import SANDBOX, SiteFrame
from orchestrator.console.tables import Cell, table
from orchestrator.incidents.corrections import Correction, Verdict
from orchestrator.site_access.peoples_words import masked_words
from telecom.errors import TierwiseError
from telecom.report import RootCauseReport

if TYPE_CHECKING:
    from orchestrator.console.registration import Console
    from orchestrator.console_settings import Role

JUDGING: frozenset[Role] = frozenset({"tier-1", "tier-2/3", "lead"})
"""Who may say what the cause was."""
_LOOK_S = 2.0


def verdict_head() -> None:
    """Give a page what the question needs, while it is built."""
    ui.add_head_html(f'<script defer src="{ASSETS_URL}/verdict.js?{VERSION}"></script>')


async def cause_verdict(console: Console, report: RootCauseReport) -> None:
    """Put the question, and what was answered, on a page that has `verdict_head`."""
    asked = _CauseVerdict(console, report, current_engineer())
    await asked.look()
    ui.timer(_LOOK_S, asked.look, immediate=False)


class _CauseVerdict:
    """The question about one report, in front of one engineer."""

    def __init__(self, console: Console, report: RootCauseReport, engineer: Engineer) -> None:
        self._desk = console.desk
        self._frames = console.frames
        self._report = report
        self._engineer = engineer
        self._verdict: Verdict = "this"
        self._seen: list[Correction] | None = None
        with ui.element("section").classes("card verdict"):
            heading("Was this the cause?" if report.root_causes else "What was the cause?", 2)
            self._said = ui.element("div")
            if engineer.role in JUDGING:
                self._answers()
            self._field = ui.element("div").classes("composer")
            self._told = ui.label("").props("role=status").classes("dim")
        ui.on("tierwise-cause", self._on_words)

    async def look(self) -> None:
        """Draw what was decided, when it has changed."""
        kept = await self._desk.service.corrections.of(self._report.incident_id)
        if kept == self._seen:
            return
        self._seen = kept
        self._said.clear()
        with self._said:
            if not kept:
                words(
                    "Nobody has said so yet. An answer is found in similar incidents next time.",
                    classes="dim",
                )
                return
            table(
                "What was decided, and where it is kept",
                ("cause", "decided by", "site", "state"),
                (
                    (
                        Cell(one.cause, one.note),
                        one.reviewer,
                        one.site,
                        Cell(one.status, one.message or one.ticket_id or "", f"chip {one.status}"),
                    )
                    for one in kept
                ),
            )

    def _answers(self) -> None:
        with ui.element("div").classes("across"):
            if self._report.root_causes:
                button("This was the cause", lambda: self._decide("this", "", ""), main=True)
                button("This, and a note", lambda: self._ask("this"))
                button("Not this", lambda: self._ask("not_this"))
            else:
                button("Say what it was", lambda: self._ask("not_this"))

    async def _ask(self, verdict: Verdict) -> None:
        """Open the place to type in."""
        self._verdict = verdict
        at = urlsplit(str(ui.context.client.request.url))
        here = self._desk.settings.console.public_url or f"{at.scheme}://{at.netloc}"
        frame = await self._frames.offered(here)
        self._field.clear()
        with self._field:
            words(
                "What was done about it?"
                if verdict == "this"
                else "First line: what it was. Further lines: what was done about it."
            )
            _own_field() if frame is None else _framed_field(frame)

    async def _on_words(self, event: GenericEventArguments) -> None:
        told = event.args if isinstance(event.args, dict) else {}
        said = told.get("words")
        if not isinstance(said, str) or not said.strip() or self._engineer.role not in JUDGING:
            return
        # A site's frame has masked them: what is still found in them is refused, not masked.
        sites = () if told.get("framed") is True else self._desk.settings.sites
        try:
            masked = await asyncio.to_thread(masked_words, said.strip(), sites)
        except TierwiseError as exc:
            self._told.set_text(str(exc))
            return
        first, _, rest = masked.partition("\n")
        cause, note = ("", masked) if self._verdict == "this" else (first, rest)
        await self._decide(self._verdict, cause, note)

    async def _decide(self, verdict: Verdict, cause: str, note: str) -> None:
        if self._engineer.role not in JUDGING:
            return
        try:
            await self._desk.service.corrections.decide(
                self._report, verdict, cause=cause, note=note, by=self._engineer.name
            )
        except TierwiseError as exc:
            self._told.set_text(str(exc))
            return
        self._field.clear()
        self._told.set_text("Noted. It waits here until the site has it.")
        await self.look()


def _own_field() -> None:
    with ui.element("form").props("id=own-cause autocomplete=off"):
        ui.element("textarea").props(
            'rows=3 maxlength=2000 spellcheck=false aria-label="What it was, and what was done"'
        )
        with ui.element("button").classes("main"):
            ui.label("Record")


def _framed_field(frame: SiteFrame) -> None:
    ui.element("iframe").classes("compose-frame").props(
        f'id=cause-words src="{frame.origin}/compose" title="What it was, typed at the site" '
        f'referrerpolicy=no-referrer sandbox="{SANDBOX}"'
    )
