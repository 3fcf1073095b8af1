"""`SiteClient`: calls a site's tools.

Errors become those of `telecom.errors`; what the site's egress gate says it did to an answer is
kept as a receipt, for provenance and for the next placement decision.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from mcp_types import CallToolResult
from pydantic import BaseModel, ConfigDict, ValidationError

from orchestrator.settings import SiteDeclaration, SiteStatement
from orchestrator.site_access.breaker import Breaker
from orchestrator.site_access.mcp_connection import McpConnection, text_of
from orchestrator.site_access.mcp_transports import HttpTarget, StdioTarget
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
from telecom.evidence import Gap
from telecom.person_statement import ON_BEHALF_OF_META

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

    async def close(self) -> None:
        """Close every connection, and end the child process if there is one."""
        for connection in dict.fromkeys(self._connections.values()):
            await connection.close()


def _patience_to_connect(target: HttpTarget | StdioTarget, timeout_s: float) -> float:
    """A line is there soon or not; a child process first has to read its models."""
    if isinstance(target, StdioTarget):
        return _START_S
    return max(_LEAST_CONNECT_S, min(_CONNECT_S, timeout_s))


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
