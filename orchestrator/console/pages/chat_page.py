"""The chat by itself: one's own conversations, and each under an address of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nicegui import ui

from orchestrator.console import safe_text
from orchestrator.console.chat_panel import ASKING, ChatPanel, chat_head
from orchestrator.console.sessions import current_engineer

if TYPE_CHECKING:
    from orchestrator.console.registration import Console


def register(console: Console) -> None:
    """A page for a new conversation with those that were, and one for each."""
    desk, frames = console.desk, console.frames

    @console.page_for("/chat", title="Chat", nav="c")
    async def chat() -> None:
        chat_head()
        engineer = current_engineer()
        store = desk.conversations
        person = desk.person(engineer)
        with ui.element("div").classes("chat-page"):
            if engineer.role in ASKING:
                ui.label("Ask about the newest incident").classes("headline")
                panel = await ChatPanel.open(desk, frames, engineer, begun=_has_address)
                if panel is not None:
                    panel.build()
            listed = await store.listed(person=person)
            if listed:
                ui.label("Your conversations").classes("headline")
            with ui.element("nav").classes("listing").props('aria-label="Your conversations"'):
                for one in listed:
                    with ui.link(target=f"/chat/{one.conversation_id}").props("data-row"):
                        safe_text.words(one.words)
                        ui.label(f"{one.begun_at:%Y-%m-%d %H:%M} UTC").classes("dim small")

    @console.page_for("/chat/{conversation_id}", title="Conversation")
    async def conversation(conversation_id: str) -> None:
        chat_head()
        panel = await ChatPanel.open(
            desk, frames, current_engineer(), conversation_id=conversation_id
        )
        with ui.element("div").classes("chat-page"):
            if panel is None:
                ui.context.client.status_code = 404
                ui.label("No such conversation").classes("headline")
                ui.label("There is none of that address that is yours or was shared.")
                return
            panel.build()


def _has_address(conversation_id: str) -> None:
    """From now on a reload finds it."""
    ui.navigate.history.replace(f"/chat/{conversation_id}")
