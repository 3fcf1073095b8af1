"""`Ticket`: the operator's record of past trouble, and `Citation`: a passage found in it."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from telecom.schema import ProductModel


class Ticket(ProductModel):
    """One trouble ticket, in the columns of a site directory (TMF621 in short)."""

    ticket_id: str
    title: str
    description: str = ""
    managed_object: str | None = None
    severity: str | None = None
    status: str | None = None
    opened_at: datetime | None = None
    closed_at: datetime | None = None
    cause: str | None = None
    close_note: str | None = None
    assigned_group: str | None = None


class Citation(ProductModel):
    """A passage of a ticket or document, quoted verbatim, with its place."""

    id: str
    """Stable id of the passage."""
    score: float
    """Higher is better; comparable within one answer only."""
    text: str
    """The passage, verbatim."""
    source: str
    """The ticket id, or the file's path in the site directory."""
    locator: str
    """Where in the source: `close_note`, `#section`, `chars 120-480`."""
    corpus: Literal["tickets", "docs"]


class SimilarIncident(ProductModel):
    """A past ticket that resembles the incident at hand."""

    ticket_id: str
    score: float = Field(ge=0.0, le=1.0)
    title: str
    cause: str | None
    managed_object: str | None
    quote: str
    """The close note, verbatim (or the best passage where there is none)."""
    locator: str
    closed_at: datetime | None = None


class SkippedCheck(ProductModel):
    """A step that solved similar incidents and was not done at this one."""

    text: str
    """In the words of a close note, verbatim."""
    ticket_ids: tuple[str, ...]
    """The tickets in which it was done, most similar first."""


class SimilarIncidents(ProductModel):
    """Have we seen this before: the tickets, and how far they agree."""

    incidents: tuple[SimilarIncident, ...]
    """Best first."""
    agreed_cause: str | None
    """The cause that most of them name; None when agreement or similarity is too low to say."""
    agreement: tuple[int, int]
    """k of n: how many of the n similar tickets name `agreed_cause`."""
    abstained_because: str | None = None
    skipped_checks: tuple[SkippedCheck, ...] = ()
    """What solved those of the agreed cause, or all of them where none is agreed, and was not done
    here; taken by most tickets first."""
