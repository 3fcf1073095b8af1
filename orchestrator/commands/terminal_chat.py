"""A conversation about an incident at a terminal, or line by line from a pipe."""

from __future__ import annotations

import asyncio
import getpass
import sys
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING

from rich.markdown import Markdown

from agents.plain_text import plain
from orchestrator.commands.command_line import notes, output, print_json
from orchestrator.conversations.conversation import Conversation, open_chat
from orchestrator.site_access.peoples_words import masked_words
from telecom.errors import TierwiseError

if TYPE_CHECKING:
    from orchestrator.investigating.investigation import Inquiry
    from orchestrator.settings import Settings

_BYE = frozenset({"/quit", "/exit", "quit", "exit", "bye"})


async def run_chat(
    settings: Settings,
    *,
    first: str | None,
    inquiry: Inquiry | None,
    resume: str | None,
    incident: str | None,
    as_json: bool,
) -> None:
    """Talk until the input ends.

    Args:
        settings: Of this process.
        first: What is said first; None waits for it.
        inquiry: What the first investigation looks at; None takes the newest incident.
        resume: A conversation to go on with; `last` is the newest.
        incident: An investigation that was made elsewhere, to talk about.
        as_json: One JSON object a turn instead of text.

    Raises:
        TierwiseError: It cannot begin; a turn that fails is told and the talk goes on.
    """
    async with open_chat(settings) as chat:
        person = chat.services.sites.people.pseudonym(getpass.getuser())
        if resume is not None:
            newest = await chat.store.newest() if resume == "last" else resume
            conversation = await chat.resume(newest or resume, person=person)
        else:
            conversation = await chat.begin(person=person)
        if incident is not None:
            await conversation.about(incident)
        notes.print(f"[dim]{conversation.conversation_id}; /help says what can be asked[/dim]")
        if resume is not None and not as_json:
            for turn in await conversation.history():
                _print(turn.words, turn.answer.text)
        async for words in _spoken(first):
            await _turn(conversation, settings, words, inquiry=inquiry, as_json=as_json)


async def _turn(
    conversation: Conversation,
    settings: Settings,
    words: str,
    *,
    inquiry: Inquiry | None,
    as_json: bool,
) -> None:
    """Say one thing; what goes wrong is told, and the conversation goes on."""
    try:
        masked = await asyncio.to_thread(masked_words, words, settings.sites)
        if inquiry is not None:
            inquiry = inquiry.model_copy(update={"question": masked})
        with notes.status("looking") as status:
            answer = await conversation.say(
                masked, inquiry=inquiry, progress=_shown_by(status.update)
            )
    except TierwiseError as exc:
        if sys.stdin.isatty():
            notes.print(plain(str(exc)), style="red", markup=False)
            return
        raise
    if as_json:
        print_json(answer.model_dump_json())
    else:
        _print(None, answer.text)


async def _spoken(first: str | None) -> AsyncIterator[str]:
    """What is said: the first words, then a line at a time until the input ends."""
    if first is not None:
        yield first
    while True:
        line = await asyncio.to_thread(_line)
        if line is None or line.strip().lower() in _BYE:
            return
        if line.strip():
            yield line


def _line() -> str | None:
    if sys.stdin.isatty():
        notes.print("[bold]you>[/bold] ", end="")
    line = sys.stdin.readline()
    return line if line else None


def _shown_by(update: Callable[[str], None]) -> Callable[[str], None]:
    return lambda step: update(f"{step} done")


def _print(words: str | None, text: str) -> None:
    if words is not None:
        output.print(f"you> {plain(words)}", style="dim", markup=False, highlight=False)
    output.print(Markdown(text, hyperlinks=False))
    output.print()
