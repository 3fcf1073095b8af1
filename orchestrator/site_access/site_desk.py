"""`SiteDesk`: a site's tools behind the ports that agents see the world through.

Answers are validated into the models of `agents.findings`: of each, only the part that is needed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from agents.findings import AlarmSummary, ChangeReview, Contradictions, TicketReview
from agents.predictions import Sighting, said_of_it
from agents.runbooks import DocumentReview
from orchestrator.site_access.site_client import CallRecord, Purpose, SiteClient
from telecom.errors import MalformedAnswerError
from telecom.evidence import Quotation
from telecom.schema import ProductModel
from telecom.ticket import Citation, Ticket
from telecom.times import Window, format_instant
from telecom.topology import ManagedObject

Answer = TypeVar("Answer", bound=BaseModel)


class _Answer(BaseModel):
    """The part of an answer that is needed here; the site may say more."""

    model_config = ConfigDict(
        frozen=True, extra="ignore", alias_generator=to_camel, populate_by_name=True
    )


class _AlarmRecord(_Answer):
    alarm_raised_time: datetime | None = None


class _AlarmRecords(_Answer):
    records: tuple[_AlarmRecord, ...]


class _ListedAlarm(BaseModel):
    """A line of `list_alarms`, which is ours and so in snake_case."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    time: datetime | None = None
    probable_cause: str | None = None
    evidence_id: str


class _AlarmLines(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    alarms: tuple[_ListedAlarm, ...]
    evidence: dict[str, Quotation]


class _LinkEnd(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    managed_object: str


class _Link(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    a: _LinkEnd
    b: _LinkEnd


class _Links(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    links: tuple[_Link, ...]


class Neighborhood(ProductModel):
    """Elements around one, nearest first."""

    devices: tuple[str, ...]


class _Passages(_Answer):
    passages: tuple[Citation, ...]


class _TicketRecord(_Answer):
    ticket: Ticket


@dataclass(slots=True)
class SiteDesk:
    """`AlarmDesk`, `TicketSearch` and `ConfigHistory` of one site, for one purpose."""

    client: SiteClient
    purpose: Purpose
    records: list[CallRecord] = field(default_factory=list)
    """Every call made through this desk, in order."""

    async def summarize_alarms(
        self, window: Window | None, *, budget_tokens: int = 2000
    ) -> AlarmSummary:
        """Fold the alarms of `window`; without one, those of the site's newest incident."""
        arguments = {**_bounds(window), "budget_tokens": budget_tokens}
        return await self.ask(AlarmSummary, "summarize_alarms", arguments)

    async def alarm_time(self, alarm_id: str) -> datetime:
        """When an alarm was raised.

        Raises:
            ToolRetry: The site has no such alarm.
            MalformedAnswerError: It has one without a time.
        """
        found = await self.ask(_AlarmRecords, "get_alarm", {"alarm_id": alarm_id})
        times = [r.alarm_raised_time for r in found.records if r.alarm_raised_time is not None]
        if not times:
            raise MalformedAnswerError("get_alarm", "the alarm has no time")
        return min(times)

    async def alarms_of(self, managed_object: str, window: Window, *, limit: int = 5) -> Sighting:
        """What an element itself wrote in a window: its first few records."""
        arguments = {**_bounds(window), "managed_object": managed_object, "limit": limit}
        found = await self.ask(_AlarmLines, "list_alarms", arguments)
        own = [
            line
            for line in found.alarms
            if line.time is not None and not said_of_it(line.probable_cause or "")
        ]
        return Sighting(
            managed_object=managed_object,
            times=tuple(line.time for line in own if line.time is not None),
            evidence_ids=tuple(line.evidence_id for line in own),
            evidence={k: v for k, v in found.evidence.items() if k in {a.evidence_id for a in own}},
        )

    async def search_tickets(self, query: str, *, limit: int = 10) -> Sequence[Citation]:
        """Rank passages of past tickets against `query`."""
        arguments = {"query": query, "limit": limit}
        return (await self.ask(_Passages, "search_tickets", arguments)).passages

    async def neighborhood(self, managed_object: str, *, hops: int = 1) -> Neighborhood:
        """The elements that links join to one, nearest first."""
        arguments = {"managed_object": managed_object, "hops": hops}
        found = await self.ask(_Links, "get_neighbors", arguments)
        ends = [end.managed_object for link in found.links for end in (link.a, link.b)]
        devices = dict.fromkeys(ManagedObject.parse(end).device for end in ends)
        return Neighborhood(devices=tuple(devices))

    async def search_documents(self, query: str, *, limit: int = 10) -> DocumentReview:
        """Rank passages of vendor documents and runbooks against `query`."""
        arguments = {"query": query, "limit": limit}
        found = await self.ask(_Passages, "search_documents", arguments)
        return DocumentReview(passages=found.passages)

    async def get_ticket(self, ticket_id: str) -> Ticket:
        """Read one ticket."""
        return (await self.ask(_TicketRecord, "get_ticket", {"ticket_id": ticket_id})).ticket

    async def find_similar_incidents(
        self,
        *,
        symptoms: Sequence[str],
        managed_objects: Sequence[str] = (),
        probable_cause: str | None = None,
        done: Sequence[str] = (),
        limit: int = 5,
    ) -> TicketReview:
        """Let the site's own ticket historian judge; its hints leave out what was `done`."""
        arguments = {
            "symptoms": list(symptoms),
            "managed_objects": list(managed_objects),
            "probable_cause": probable_cause,
            "done": list(done) or None,
            "limit": limit,
        }
        return await self.ask(TicketReview, "find_similar_incidents", arguments)

    async def list_changes(
        self, window: Window, *, around: Sequence[str] = (), hops: int = 1, limit: int = 20
    ) -> ChangeReview:
        """Changes committed in `window`, most suspicious for `around` first."""
        arguments = {**_bounds(window), "around": list(around), "hops": hops, "limit": limit}
        return await self.ask(ChangeReview, "list_changes", arguments)

    async def check_consistency(self, *, around: Sequence[str] = ()) -> Contradictions:
        """What the configurations of `around` and of what is joined to them contradict."""
        return await self.ask(Contradictions, "check_consistency", {"around": list(around)})

    async def ask(self, shape: type[Answer], tool: str, arguments: Mapping[str, Any]) -> Answer:
        """Call a tool and read the part of its answer that `shape` has.

        Raises:
            ToolRetry: The call can be repaired; the message says how.
            ToolRefused: Unreachable, refused, timed out or malformed.
        """
        content, record = await self.client.call(tool, arguments, purpose=self.purpose)
        self.records.append(record)
        return self._valid(shape, tool, content)

    def _valid(self, shape: type[Answer], tool: str, content: object) -> Answer:
        try:
            return shape.model_validate(content)
        except ValidationError as exc:
            first = exc.errors(include_input=False, include_url=False)[0]
            where = ".".join(map(str, first["loc"])) or "answer"
            raise MalformedAnswerError(
                f"{tool} on site {self.client.name!r}", f"{where}: {first['type']}"
            ) from exc


def _bounds(window: Window | None) -> dict[str, str]:
    if window is None:
        return {}
    return {"from_time": _wire_time(window.start), "to_time": _wire_time(window.end)}


def _wire_time(moment: datetime) -> str:
    """A time without a zone stays without one: the site knows its own."""
    return moment.isoformat() if moment.tzinfo is None else format_instant(moment)
