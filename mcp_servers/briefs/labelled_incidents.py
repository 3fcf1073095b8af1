"""Labelled incidents: what the site's own people found, as lessons for its filter.

Two sources. `incidents/*.jsonl` holds confirmed incidents, one a line, in the shape of an
investigation's outcome: `{"window": [from, to], "managed_objects": [...], "decisive": [...],
"cause": "..."}`. A resolved ticket that names a managed object, a time and a cause is one, too,
where the alarms of that time are still in the store.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import Field, ValidationError

from agents.messages import Message
from mcp_servers.alarms.rejects import Reject, record_rejects
from mcp_servers.site_directory import SiteDirectory
from rag.ticket_exports import SUFFIXES, TicketRecord, read_tickets
from telecom.errors import InvalidArgumentError
from telecom.schema import ProductModel
from telecom.ticket import Ticket
from telecom.times import Window
from telecom.topology import ManagedObject

CORPUS = "incidents"
"""What rejected lines are filed under."""
BEFORE_OPENING = timedelta(minutes=30)
"""How long before a ticket was opened its trouble is looked for."""
AFTER_OPENING = timedelta(minutes=15)


_logger = logging.getLogger(__name__)


class ConfirmedIncident(ProductModel):
    """An incident whose cause somebody has confirmed."""

    window: tuple[datetime, datetime]
    managed_objects: tuple[str, ...] = Field(min_length=1)
    decisive: tuple[str, ...] = ()
    """Raw records that prove it, verbatim; without any, what the element itself said counts."""
    cause: str = ""


@dataclass(frozen=True, slots=True)
class LabelledIncident:
    """One lesson: a window, and what in it was the cause."""

    source: str
    """File and line, or the ticket's id."""
    window: Window
    elements: frozenset[str]
    """Names of the elements at fault, in lower case."""
    decisive: frozenset[str]
    cause: str

    def told_by(self, message: Message) -> bool:
        """Whether a message is part of the proof: a decisive record, else the element's own."""
        if self.decisive:
            return any(
                alarm.source.raw.strip() in self.decisive
                for group in message.groups
                for alarm in group.alarms
            )
        own = any(name.lower() in self.elements for name in message.elements)
        return own and not message.chatter


def read_labelled(site: SiteDirectory) -> list[LabelledIncident]:
    """Every lesson the site has, in time order.

    Lines of `incidents/*.jsonl` that cannot be read are in `store/rejects.jsonl` afterwards, as
    `incidents`, with file, line and reason. Tickets have their own rejects, of their ingest.
    """
    rejects: list[Reject] = []
    found = [*_confirmed(site, rejects), *_from_tickets(site)]
    record_rejects(site.store, CORPUS, rejects)
    if rejects:
        _logger.warning("%d lines of incidents/*.jsonl could not be read", len(rejects))
    return sorted(found, key=lambda incident: (incident.window.start, incident.source))


def _confirmed(site: SiteDirectory, rejects: list[Reject]) -> Iterator[LabelledIncident]:
    for file in sorted((site.path / "incidents").glob("*.jsonl")):
        name = f"incidents/{file.name}"
        try:
            lines = file.read_bytes().split(b"\n")
        except OSError as exc:
            rejects.append(Reject(CORPUS, name, None, exc.strerror or "cannot be read"))
            continue
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                incident = ConfirmedIncident.model_validate_json(line)
                window = Window(*(_aware(moment, site) for moment in incident.window))
            except (ValidationError, ValueError, InvalidArgumentError) as exc:
                rejects.append(Reject(CORPUS, name, number, _reason(exc)))
                continue
            yield LabelledIncident(
                source=f"{name}:{number}",
                window=window,
                elements=_elements(incident.managed_objects),
                decisive=frozenset(text.strip() for text in incident.decisive),
                cause=incident.cause,
            )


def _reason(exc: Exception) -> str:
    """Why a line is no confirmed incident, without a word of it."""
    if not isinstance(exc, ValidationError):
        return "window: it ends before it begins"
    first = exc.errors(include_input=False, include_url=False, include_context=False)[0]
    where = ".".join(map(str, first["loc"]))
    return f"{where}: {first['msg']}" if where else str(first["type"])


def _from_tickets(site: SiteDirectory) -> Iterator[LabelledIncident]:
    mapping = site.settings.tickets.mapping or None
    for file in sorted(site.tickets.rglob("*")):
        if file.suffix.lower() not in SUFFIXES or not file.is_file():
            continue
        name = f"tickets/{file.relative_to(site.tickets).as_posix()}"
        for record in read_tickets(file, name=name, mapping=mapping, zone=site.timezone):
            if isinstance(record, TicketRecord) and _is_lesson(record.ticket):
                yield _lesson(record.ticket)


def _is_lesson(ticket: Ticket) -> bool:
    return bool(ticket.managed_object and ticket.opened_at and ticket.closed_at and ticket.cause)


def _lesson(ticket: Ticket) -> LabelledIncident:
    assert ticket.opened_at is not None  # `_is_lesson` saw both
    assert ticket.managed_object is not None
    return LabelledIncident(
        source=ticket.ticket_id,
        window=Window(ticket.opened_at - BEFORE_OPENING, ticket.opened_at + AFTER_OPENING),
        elements=_elements([ticket.managed_object]),
        decisive=frozenset(),
        cause=ticket.cause or "",
    )


def _elements(names: tuple[str, ...] | list[str]) -> frozenset[str]:
    return frozenset(ManagedObject.parse(name).device.lower() for name in names)


def _aware(moment: datetime, site: SiteDirectory) -> datetime:
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=site.timezone)
