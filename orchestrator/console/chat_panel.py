"""The chat of a page: what was said, what is being answered, and the way to say more.

    chat_head()
    panel = await ChatPanel.open(desk, frames, engineer, conversation_id=...)
    panel.build()

A panel holds nothing but what it has drawn: turns are read from the store, steps from the process
that answers. So a reload, a second tab and a restarted server all show the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from nicegui import ui
from nicegui.events import GenericEventArguments

from orchestrator.console import safe_text
from orchestrator.console.chat_view import (
    Said,
    StepRow,
    conversation_as_markdown,
    going_on,
    said,
    turn_as_markdown,
)
from orchestrator.console.desk import ConsoleDesk
from orchestrator.console.look import ASSETS_URL, VERSION
from orchestrator.console.sessions import Engineer, current_engineer
from orchestrator.console.site_frames import SANDBOX, SiteFrame, SiteFrames
from orchestrator.console_settings import Role
from orchestrator.conversations.follow_ups import follow_ups
from orchestrator.conversations.intent import COMMANDS
from orchestrator.conversations.open_questions import OpenQuestion
from orchestrator.conversations.store import Turn
from orchestrator.site_access.peoples_words import masked_words
from telecom.errors import TierwiseError
from telecom.identifiers.kinds import IdentifierKind

if TYPE_CHECKING:
    from orchestrator.console.registration import Console

ASKING: frozenset[Role] = frozenset({"tier-1", "tier-2/3", "lead"})
"""Who may ask: a question is looked up at sites, in somebody's name."""
_LOOK_S = 0.4
_MOST_SUGGESTED = 4
_QUICK = ("/why", "/diff", "/similar", "/handover", "/runbook", "/gaps", "/placed")


class ChatPanel:
    """One conversation on one page."""

    def __init__(
        self, desk: ConsoleDesk, frames: SiteFrames, *, person: str, conversation_id: str | None
    ) -> None:
        self._desk = desk
        self._frames = frames
        self._person = person
        self.conversation_id = conversation_id
        """None until something is said."""
        self._incident_id: str | None = None
        self._asks = False
        self._first: tuple[str, ...] = ()
        """What may be asked before anything was."""
        self._turns: list[Turn] = []
        self._version = -1
        self._waits = False
        """Whether another process answers, so that nothing tells of changes here."""
        self._drawn: tuple[str, bool] | None = None
        self._begun: Callable[[str], None] = lambda conversation_id: None

    @classmethod
    async def open(
        cls,
        desk: ConsoleDesk,
        frames: SiteFrames,
        engineer: Engineer,
        *,
        conversation_id: str | None = None,
        incident_id: str | None = None,
        begun: Callable[[str], None] = lambda conversation_id: None,
    ) -> ChatPanel | None:
        """A panel for what an engineer may read; None when there is no such conversation for them.

        Args:
            desk: What is read and done.
            frames: The sites' own pages.
            engineer: Who looks.
            conversation_id: Of a conversation to go on with.
            incident_id: What a new conversation is about; the engineer's last one about it goes on.
            begun: Told the id of a conversation that begins with the first words.
        """
        store = desk.conversations
        person = desk.person(engineer)
        if conversation_id is None and incident_id is not None:
            conversation_id = await store.about(incident_id, person=person)
        elif conversation_id is not None and not await store.may_read(conversation_id, person):
            return None
        panel = cls(desk, frames, person=person, conversation_id=conversation_id)
        panel._incident_id = incident_id
        panel._begun = begun
        own = conversation_id is None or await store.is_own(conversation_id, person)
        panel._asks = own and engineer.role in ASKING
        if conversation_id is not None:
            panel._turns = await store.turns(conversation_id)
        report = None if incident_id is None else await desk.service.overview.report(incident_id)
        panel._first = () if report is None else follow_ups(report)
        return panel

    def build(self) -> None:
        """Draw it on a page that has `chat_head`."""
        with ui.element("section").classes("chat").props('aria-label="Chat"') as self._root:
            self._tools()
            self._log = ui.element("div").classes("turns").props('role=log aria-live="polite"')
            self._now = ui.element("div").classes("now")
            self._next = ui.element("div").classes("follow").props('role=group aria-label="Ask on"')
            self._note = ui.label("").classes("note warn").props("role=alert")
            self._composer = ui.element("div").classes("composer")
        for turn in self._turns:
            self._draw(turn)
        self._draw_next()
        if self._asks:
            ui.on("tierwise-said", self._on_said)
            ui.timer(0, self._draw_composer, once=True)
        else:
            with self._composer:
                ui.label("You read along here; who began it asks.").classes("dim")
        ui.timer(_LOOK_S, self._look)

    # ------------------------------------------------------------------- drawing

    def _tools(self) -> None:
        with ui.element("div").classes("chat-tools"):
            _button("Copy all", self._copy_all, "Copy the conversation as Markdown")
            if self._asks:
                _button("Share", self._share, "Let everybody who is signed in read it")

    def _draw(self, turn: Turn) -> None:
        shown = said(turn)
        with self._log, ui.element("article").classes(f"turn {shown.outcome}"):
            safe_text.words(shown.words, classes="asked speaks")
            with ui.element("div").classes("answer speaks"):
                if shown.outcome == "answered":
                    safe_text.markdown(shown.text)
                else:
                    safe_text.words(shown.text)
            _draw_evidence(shown)
            if shown.steps:
                with ui.element("details").classes("steps"):
                    with ui.element("summary"):
                        ui.label(shown.summary)
                    _draw_steps(shown.steps)
            with ui.element("div").classes("turn-foot"):
                ui.label(f"{shown.at:%Y-%m-%d %H:%M} UTC").classes("dim")
                if shown.incident_id is not None:
                    ui.link("Incident", f"/incidents/{shown.incident_id}")
                    ui.link("What left the site", f"/incidents/{shown.incident_id}/egress")
                _button("Copy", lambda: _copy(turn_as_markdown(turn)), "Copy as Markdown")

    def _draw_next(self) -> None:
        """What may be asked next: the questions that fit, and the commands."""
        self._next.clear()
        if not self._asks:
            return
        asked = {turn.words for turn in self._turns}
        next_ones = self._turns[-1].answer.follow_ups if self._turns else self._first
        fitting = [words for words in next_ones if words not in asked][:_MOST_SUGGESTED]
        about = self._incident_id is not None or bool(self._turns)
        with self._next:
            for words in fitting:
                _ask_button(words, self._say, classes="suggested")
            for command in _QUICK if about else ():
                if command not in fitting:
                    gives = next(g for name, g in COMMANDS.items() if name.split()[0] == command)
                    _ask_button(command, self._say, title=gives)

    async def _draw_running(self) -> None:
        """The question that is being answered, with its steps as they go."""
        if self.conversation_id is None:
            return
        running = self._desk.questions.running(self.conversation_id)
        waiting = None if running else await self._desk.questions.waiting(self.conversation_id)
        question = running.question if running is not None else waiting
        self._waits = waiting is not None
        self._next.set_visibility(question is None)
        drawn = None if question is None else (question.question_id, running is None)
        if drawn != self._drawn:
            self._drawn = drawn
            self._now.clear()
            if question is not None:
                with self._now:
                    self._steps = self._draw_question(question, taken_up=running is not None)
        if running is not None:
            self._steps.clear()
            with self._steps:
                _draw_steps(going_on(running.steps))

    def _draw_question(self, question: OpenQuestion, *, taken_up: bool) -> ui.element:
        """The words, a sign of life and the way to stop it; gives the place of the steps."""
        with ui.element("article").classes("turn running").props('aria-busy="true"'):
            safe_text.words(question.words, classes="asked speaks")
            if not taken_up:
                ui.label("Another process of the console began this; it is taken up again soon.")
                return ui.element("div")
            with ui.element("div").classes("working"):
                ui.element("span").classes("pulse").props('aria-hidden="true"')
                ui.label("looking").props(f'data-since="{question.asked_at.timestamp():.0f}"')
                if self._asks:
                    _button("Stop", self._stop, "Answer this no further", key="s")
            return ui.element("div")

    async def _draw_composer(self) -> None:
        at = self._console_origin()
        frame = await self._frames.offered(at, among=await self._sites_talked_about())
        kinds = "|".join(kind.value for kind in IdentifierKind)
        self._root.props["data-kinds"] = kinds
        self._composer.clear()
        with self._composer:
            if frame is None:
                _own_field(self._has_url_sites())
            else:
                self._root.props["data-site"] = frame.origin
                _framed_field(frame)

    def _console_origin(self) -> str:
        public = self._desk.settings.console.public_url
        if public is not None:
            return public
        at = urlsplit(str(ui.context.client.request.url))
        return f"{at.scheme}://{at.netloc}"

    async def _sites_talked_about(self) -> frozenset[str]:
        """The sites whose findings the conversation is about."""
        told = [turn.answer.incident_id for turn in self._turns if turn.answer.incident_id]
        incident_id = told[-1] if told else self._incident_id
        if incident_id is None:
            return frozenset()
        names = await self._desk.service.state.names(incident_id)
        return frozenset(n.removeprefix("alarms:") for n in names if n.startswith("alarms:"))

    def _has_url_sites(self) -> bool:
        return any(site.url is not None for site in self._desk.settings.sites)

    # -------------------------------------------------------------------- doing

    async def _look(self) -> None:
        """Draw what happened since the last look."""
        if self.conversation_id is None:
            return
        version = self._desk.questions.version(self.conversation_id)
        if version == self._version and not self._waits:
            return
        self._version = version
        turns = await self._desk.conversations.turns(self.conversation_id)
        fresh, self._turns = turns[len(self._turns) :], turns
        for turn in fresh:
            self._draw(turn)
        await self._draw_running()
        if fresh:
            self._draw_next()
            ui.run_javascript("window.tierwiseChat?.toEnd()")

    async def _on_said(self, event: GenericEventArguments) -> None:
        """Words from the composer: of the site's frame masked, of our own field as typed."""
        told = event.args if isinstance(event.args, dict) else {}
        words = told.get("words")
        if not isinstance(words, str) or not words.strip():
            return
        # A site's frame has masked them: what is still found in them is refused, not masked.
        sites = () if told.get("framed") is True else self._desk.settings.sites
        try:
            masked = await asyncio.to_thread(masked_words, words, sites)
        except TierwiseError as exc:
            self._refused(str(exc))
            return
        await self._say(masked)

    async def _say(self, words: str) -> None:
        self._note.set_text("")
        store = self._desk.conversations
        try:
            if self.conversation_id is None:
                self.conversation_id = await store.begin(person=self._person)
                if self._incident_id is not None:
                    await store.set_subject(self.conversation_id, self._incident_id)
                self._begun(self.conversation_id)
            await self._desk.questions.ask(self.conversation_id, words, person=self._person)
        except TierwiseError as exc:
            self._refused(str(exc))
            return
        ui.run_javascript("window.tierwiseChat?.accepted()")
        await self._look()

    def _refused(self, why: str) -> None:
        self._note.set_text(why)
        ui.run_javascript("window.tierwiseChat?.refused()")

    async def _stop(self) -> None:
        if self.conversation_id is not None:
            await self._desk.questions.stop(self.conversation_id, person=self._person)
            await self._look()

    async def _copy_all(self) -> None:
        _copy(conversation_as_markdown(self._turns))

    async def _share(self) -> None:
        if self.conversation_id is None:
            self._note.set_text("Say something first; then there is something to share.")
            return
        store = self._desk.conversations
        link = f"{self._console_origin()}/chat/{self.conversation_id}"
        with ui.dialog(value=True) as dialog, ui.element("div").classes("card dialog"):
            ui.label("Share this conversation").classes("headline")
            ui.label(
                "Everybody who is signed in may read it, with the evidence in it. Nobody else may "
                "ask in it."
            )
            ui.label(link).classes("mono")

            async def turn(*, shared: bool) -> None:
                await store.share(self.conversation_id or "", shared=shared)
                if shared:
                    _copy(link)
                dialog.close()

            with ui.element("div").classes("row"):
                _button("Share and copy the link", lambda: turn(shared=True), "", look="main")
                if await store.is_shared(self.conversation_id):
                    _button("Stop sharing", lambda: turn(shared=False), "")
                _button("Cancel", dialog.close, "")


def chat_head() -> None:
    """Give a page what a chat needs, while it is built: a script added later does not run."""
    ui.add_head_html(
        f'<link rel="stylesheet" href="{ASSETS_URL}/chat.css?{VERSION}">'
        f'<script defer src="{ASSETS_URL}/chat.js?{VERSION}"></script>'
    )


async def chat_beside(console: Console, incident_id: str) -> None:
    """The chat about a finished investigation, beside whatever a page shows of it."""
    panel = await ChatPanel.open(
        console.desk, console.frames, current_engineer(), incident_id=incident_id
    )
    if panel is not None:
        panel.build()


def _button(
    label: str,
    does: Callable[[], object],
    title: str,
    *,
    look: str = "quiet",
    key: str | None = None,
) -> None:
    button = ui.element("button").classes(look).props("type=button").on("click", does).mark(label)
    if title:
        button.props["title"] = title
    if key is not None:
        button.props["data-key"] = key
    with button:
        ui.label(label)


def _ask_button(
    words: str,
    say: Callable[[str], Awaitable[None]],
    *,
    classes: str = "",
    title: str = "",
) -> None:
    """A question that is asked with one press."""
    button = ui.element("button").classes(f"quiet ask-on {classes}").props("type=button")
    button.on("click", lambda: say(words)).mark(words)
    if title:
        button.props["title"] = title
    with button:
        safe_text.words(words)


def _copy(text: str) -> None:
    ui.clipboard.write(text)
    ui.run_javascript("window.tierwiseChat?.copied()")


def _draw_evidence(shown: Said) -> None:
    """Each line that the answer rests on, to be opened."""
    if not shown.evidence:
        return
    with ui.element("div").classes("rests speaks"):
        for row in shown.evidence:
            with ui.element("details"):
                with ui.element("summary"):
                    safe_text.words(row.locator, classes="mono")
                safe_text.quotation(row.quote)


def _draw_steps(rows: Sequence[StepRow]) -> None:
    marks = {"placed": "…", "done": "✓", "failed": "✗"}
    with ui.element("ol").classes("step-list"):
        for row in rows:
            with ui.element("li").classes(row.outcome):
                ui.label(marks[row.outcome]).props("aria-hidden=true").classes("mark")
                with ui.element("div"):
                    safe_text.words(row.what)
                    ran = "nowhere" if not row.tier else f"on {row.tier}"
                    told = (ran, row.tool, row.took, row.decision, row.why)
                    safe_text.words(" · ".join(filter(None, told)), classes="dim small")


def _own_field(has_served_sites: bool) -> None:
    """Our own input: the words leave the browser when they are sent, and not before."""
    with ui.element("form").props("id=own-words autocomplete=off"):
        ui.element("textarea").props(
            'rows=2 maxlength=2000 spellcheck=false aria-label="Your question" '
            'placeholder="Ask about the incident, or / for commands" data-key="/"'
        )
        with ui.element("div").classes("row"):
            with ui.element("button").classes("main"):
                ui.label("Ask")
            ui.label(
                "No site offers its own input here (page_parents in its site.yaml): identifiers "
                "are replaced after you send, and words in which none can be are refused."
                if has_served_sites
                else "The site on this machine replaces identifiers before anything is asked."
            ).classes("dim small")


def _framed_field(frame: SiteFrame) -> None:
    """The site's input: what is typed there, this page and its server never see."""
    held = ui.element("iframe").classes("compose-frame")
    held.props(f'id=site-words referrerpolicy=no-referrer sandbox="{SANDBOX}"')
    held.props["title"] = f"Your question, typed at {frame.name}"
    held.props["src"] = f"{frame.origin}/compose"
