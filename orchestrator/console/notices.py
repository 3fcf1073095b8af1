"""What came of something an engineer did, said once at the edge of the page."""

from __future__ import annotations

from collections.abc import Awaitable

from nicegui import ui

from agents.plain_text import plain
from telecom.errors import TierwiseError

_SHORT_MS, _LONG_MS = 3_000, 8_000


def done(text: str) -> None:
    """It worked."""
    ui.notify(plain(text), classes="notice good", timeout=_SHORT_MS)


def refused(text: str) -> None:
    """It did not, and why; long enough to read."""
    ui.notify(plain(text), classes="notice bad", timeout=_LONG_MS, close_button="Close")


async def told(action: Awaitable[str | None]) -> bool:
    """Wait for an action and say what came of it; whether it worked."""
    try:
        text = await action
    except TierwiseError as exc:
        refused(str(exc))
        return False
    if text is not None:
        done(text)
    return True
