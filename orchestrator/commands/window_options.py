"""The options that name a window of time, and the window they make."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

FromOption = Annotated[str | None, typer.Option("--from", help="Begin of the window, ISO 8601.")]
ToOption = Annotated[str | None, typer.Option("--to", help="End of the window.")]


def window_of_flags(begin: str | None, end: str | None) -> tuple[datetime, datetime] | None:
    """The window that two flags name; None where neither is given. Bad flags are wrong usage."""
    if begin is None and end is None:
        return None
    if begin is None or end is None:
        raise typer.BadParameter("a window needs --from and --to")
    start, stop = (_moment(name, text) for name, text in (("--from", begin), ("--to", end)))
    if (start.tzinfo is None) != (stop.tzinfo is None):
        raise typer.BadParameter("give both --from and --to a zone, or neither")
    if stop < start:
        raise typer.BadParameter(f"--to {end} is before --from {begin}")
    return start, stop


def _moment(name: str, text: str) -> datetime:
    try:
        return datetime.fromisoformat(text.strip())
    except ValueError as exc:
        raise typer.BadParameter(
            f"{name} must be ISO 8601 such as 2026-03-01T10:15:00Z, got {text!r}"
        ) from exc
