"""`SiteClient`: a site's tools behind the ports that agents see the world through.

Answers are validated into the models of `agents.findings`; errors become those of `telecom.errors`;
what the site's egress gate says it did to an answer is kept as a receipt, for provenance and for
the next placement decision.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, TypeVar

from mcp_types import CallToolResult
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from agents.findings import AlarmSummary, ChangeReview, Contradictions, TicketReview
from agents.predictions import Sighting, said_of_it
from agents.runbooks import DocumentReview
from orchestrator.settings import SiteDeclaration, SiteStatement
from orchestrator.site_access.breaker import Breaker
from orchestrator.site_access.mcp_connection import HttpTarget, McpConnection, StdioTarget, text_of
from orchestrator.site_access.person_statements import PersonStatements
from orchestrator.storage.tool_pins import ToolPins
from telecom.errors import (
    ApprovalPendingError,
    BudgetExceededError,
    EgressRefusedError,
    KnowledgeBaseEmptyError,
    MalformedAnswerError,
    ToolRefused,
    ToolRetry,
)
from telecom.evidence import Gap, Quotation
from telecom.person_statement import ON_BEHALF_OF_META
from telecom.schema import ProductModel
from telecom.ticket import Citation, Ticket
from telecom.times import Window, format_instant
from telecom.topology import ManagedObject

EGRESS_META = "tierwise/egress"
ERROR_META = "tierwise/error"
INVESTIGATION_META = "tierwise/investigation"

SERVER_OF_TOOL: Mapping[str, str] = {
    "list_alarms": "alarms",
    "summarize_alarms": "alarms",
    "rank_root_causes": "alarms",
    "get_alarm": "alarms",
    "search_tickets": "tickets",
    "get_ticket": "tickets",
    "find_similar_incidents": "tickets",
    "confirm_cause": "tickets",
    "search_documents": "tickets",
    "lookup_config": "configs",
    "diff_config": "configs",
    "list_changes": "configs",
    "get_neighbors": "configs",
    "check_consistency": "configs",
    "find_config": "configs",
}
"""Which of a site's three servers has a tool."""

_CONNECT_S = 10.0
_LEAST_CONNECT_S = 2.0
_START_S = 20.0

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


class EgressReceipt(BaseModel):
    """What the site's gate says it did to an answer before it left."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    decision_id: str
    form: Literal["raw", "pseudonymized", "anonymized"]
    masked: dict[str, int] = {}
    """Kind of identifier -> how many were replaced."""
    tokens: int
    bytes: int
    home: dict[str, Any] | None = None
    """Where the site's data lives, in its own words (JSON, hence Any)."""
    tier: str | None = None
    """The tier instance that the site says it is."""


@dataclass(frozen=True, slots=True)
class CallRecord:
    """One tool call that was made: what it brought and how long it took."""

    tool: str
    latency_ms: float
    receipt: EgressReceipt | None
    """None when the site did not say: nothing can then be assumed of the answer's form."""


@dataclass(frozen=True, slots=True)
class Purpose:
    """What calls are made for; travels with each of them, for the site's ledger."""

    investigation: str
    on_behalf_of: str | None = None
    """A pseudonym of the person who asks."""


class SiteClient:
    """The connections to one site, for as long as the process lives."""

    def __init__(
        self,
        declaration: SiteDeclaration,
        targets: Mapping[str, HttpTarget | StdioTarget],
        *,
        timeout_s: float = 30.0,
        pins: ToolPins | None = None,
        people: Callable[[], PersonStatements] | None = None,
    ) -> None:
        """Reach a site.

        Args:
            declaration: What is declared of the site.
            targets: Server name (`alarms`, `tickets`, `configs`) -> where it is; one child process
                may serve all three.
            timeout_s: Longest wait for an answer.
            pins: Holds its tools to what they were at first contact.
            people: Opens what vouches for whom calls are made for; None names nobody.
        """
        self.name = declaration.name
        self.told: SiteStatement | None = None
        """What the site last said about itself."""
        self.breaker = Breaker(self.name)
        """Spares everybody the wait for a site that does not answer."""
        self._declared = declaration
        self._people = people
        connections = {
            target: McpConnection(
                self.name,
                target,
                timeout_s=timeout_s,
                connect_timeout_s=_patience_to_connect(target, timeout_s),
                pins=pins,
            )
            for target in dict.fromkeys(targets.values())
        }
        self._connections = {server: connections[target] for server, target in targets.items()}

    @property
    def declaration(self) -> SiteDeclaration:
        """What is declared of the site, completed by what it says about itself."""
        return self._declared if self.told is None else self._declared.completed_by(self.told)

    @property
    def contradictions(self) -> tuple[Gap, ...]:
        """Where the declaration and the site's own words differ; the declaration holds."""
        if self.told is None:
            return ()
        return tuple(
            Gap(
                what=f"{key} of site {self.name}",
                why=f"it is declared as {declared}, and the site says {says}; {declared} was used",
            )
            for key, declared, says in self._declared.contradicted_by(self.told)
        )

    async def call(
        self, tool: str, arguments: Mapping[str, Any], *, purpose: Purpose
    ) -> tuple[Any, CallRecord]:
        """Call a tool with JSON arguments; None among them is left out.

        Returns:
            The structured answer (JSON, hence Any) and the record of the call.

        Raises:
            ToolRetry: The call can be repaired; the message says how.
            ToolRefused: Unreachable, refused, timed out or malformed.
        """
        started = time.monotonic()
        with self.breaker.guarding():
            result = await self._connections[SERVER_OF_TOOL[tool]].call(
                tool,
                {key: value for key, value in arguments.items() if value is not None},
                meta=self._meta(purpose),
            )
        latency_ms = (time.monotonic() - started) * 1000
        if result.is_error:
            raise _error_of(result, source=f"{tool} on site {self.name!r}")
        if not isinstance(result.structured_content, dict):
            raise MalformedAnswerError(
                f"{tool} on site {self.name!r}", "the answer has no structured content"
            )
        receipt = _receipt(result)
        self.told = _statement(receipt) or self.told
        return result.structured_content, CallRecord(tool, latency_ms, receipt)

    def _meta(self, purpose: Purpose) -> dict[str, str]:
        """A purpose as request metadata, signed for this site where it names a person."""
        meta = {INVESTIGATION_META: purpose.investigation}
        if purpose.on_behalf_of is not None and self._people is not None:
            meta[ON_BEHALF_OF_META] = self._people().statement(
                purpose.on_behalf_of,
                investigation=purpose.investigation,
                site_id=self.declaration.home.site or self.name,
            )
        return meta

    def desk(self, purpose: Purpose) -> SiteDesk:
        """The site's ports for one delegation."""
        return SiteDesk(self, purpose)

    async def close(self) -> None:
        """Close every connection, and end the child process if there is one."""
        for connection in dict.fromkeys(self._connections.values()):
            await connection.close()


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


def _patience_to_connect(target: HttpTarget | StdioTarget, timeout_s: float) -> float:
    """A line is there soon or not; a child process first has to read its models."""
    if isinstance(target, StdioTarget):
        return _START_S
    return max(_LEAST_CONNECT_S, min(_CONNECT_S, timeout_s))


def _bounds(window: Window | None) -> dict[str, str]:
    if window is None:
        return {}
    return {"from_time": _wire_time(window.start), "to_time": _wire_time(window.end)}


def _wire_time(moment: datetime) -> str:
    """A time without a zone stays without one: the site knows its own."""
    return moment.isoformat() if moment.tzinfo is None else format_instant(moment)


def _receipt(result: CallToolResult) -> EgressReceipt | None:
    try:
        return EgressReceipt.model_validate((result.meta or {}).get(EGRESS_META))
    except ValidationError:
        return None


def _statement(receipt: EgressReceipt | None) -> SiteStatement | None:
    """What the site says about itself; None where it says nothing that can be used."""
    if receipt is None or receipt.home is None:
        return None
    try:
        return SiteStatement.model_validate({**receipt.home, "tier": receipt.tier})
    except ValidationError:
        return None


def _error_of(result: CallToolResult, *, source: str) -> ToolRetry | ToolRefused:
    """The error that an `isError` result stands for, by its code."""
    text = text_of(result)[:500]
    details = (result.meta or {}).get(ERROR_META)
    told: Mapping[str, Any] = details if isinstance(details, Mapping) else {}
    code = str(told.get("code") or text.partition(":")[0])
    message = text.removeprefix(f"{code}: ")
    rule = told.get("rule")
    match code:
        case "egress_refused" | "placement_refused" | "scope":
            return EgressRefusedError(
                f"{source}: {message}", rule=rule if isinstance(rule, str) else code
            )
        case "approval_pending":
            return ApprovalPendingError(
                f"{source}: {message}",
                approval_id=str(told.get("approval_id"))[:64],
                rule=rule if isinstance(rule, str) else code,
            )
        case "budget_exceeded":
            return BudgetExceededError(source, f"{source}: {message}")
        case "knowledge_base_empty":
            return KnowledgeBaseEmptyError("tickets or documents")
        case "invalid_argument" | "not_found" | "tool_retry":
            return ToolRetry(f"{source}: {message}")
        case _:
            return ToolRefused(f"{source}: {message}")
