"""What agents see of the world.

A port is implemented in process on the site, over MCP in the cloud half, and by doubles in tests;
an agent cannot tell which. Every method may raise the `ToolRefused` family of `telecom.errors`:
a failure is a value for the investigation (a gap), never a lost answer.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from agents.findings import (
    AlarmSummary,
    ChangeReview,
    Contradictions,
    EvidencePack,
    Proposal,
)
from telecom.evidence import Evidence
from telecom.ticket import Citation, Ticket
from telecom.times import Window


class AlarmDesk(Protocol):
    """The site's alarms."""

    async def summarize_alarms(self, window: Window, *, budget_tokens: int = 2000) -> AlarmSummary:
        """Fold the alarms of `window` into an incident and a brief of at most `budget_tokens`."""
        ...


class TicketSearch(Protocol):
    """The site's ticket history."""

    async def search_tickets(self, query: str, *, limit: int = 10) -> Sequence[Citation]:
        """Rank passages of past tickets against `query`; best first, possibly empty."""
        ...

    async def get_ticket(self, ticket_id: str) -> Ticket:
        """Read one ticket.

        Raises:
            RecordNotFoundError: No such ticket.
        """
        ...


class ConfigHistory(Protocol):
    """The site's configuration history."""

    async def list_changes(
        self,
        window: Window,
        *,
        around: Sequence[str] = (),
        hops: int = 1,
        limit: int = 20,
    ) -> ChangeReview:
        """Changes committed in `window`, most suspicious for `around` first.

        `around` are managed objects; empty means the whole site.
        """
        ...

    async def check_consistency(self, *, around: Sequence[str] = ()) -> Contradictions:
        """What the configurations of `around` and of what is joined to them contradict.

        Managed objects without a configuration are passed over.

        Raises:
            RecordNotFoundError: None of `around` has one.
        """
        ...


class Analyst(Protocol):
    """Turns gathered evidence into a proposal."""

    name: str

    async def analyse(self, pack: EvidencePack) -> Proposal:
        """Propose causes, or say that the evidence does not support one."""
        ...


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool a model may call."""

    name: str
    description: str
    input_schema: dict[str, Any]
    """JSON Schema of the arguments, hence Any."""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call a model asks for. Executed only when the turn stopped for `tool_use`."""

    call_id: str
    name: str
    arguments: dict[str, Any]
    """JSON object, unvalidated, hence Any."""


@dataclass(frozen=True, slots=True)
class ToolOutcome:
    """What a call gave, for the model to read."""

    call_id: str
    text: str
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation with a model."""

    role: Literal["user", "assistant"]
    text: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    tool_outcomes: tuple[ToolOutcome, ...] = ()


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """One request to a language model."""

    system: str
    messages: tuple[Message, ...]
    tools: tuple[ToolSpec, ...] = ()
    output_schema: dict[str, Any] | None = None
    """JSON Schema the final text must satisfy, hence Any."""
    max_tokens: int = 4096
    metadata: dict[str, str] = field(default_factory=dict)
    """Such as the incident id; never an identifier of a person."""


@dataclass(frozen=True, slots=True)
class ModelUsage:
    """What the service counted."""

    input_tokens: int
    """Without cached ones."""
    output_tokens: int
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    ttft_ms: float | None = None
    """Time to first token as this client saw it."""
    cost_usd: float | None = None
    """None when the price is unknown."""


@dataclass(frozen=True, slots=True)
class TextDelta:
    """A piece of the answer as it streams."""

    text: str


@dataclass(frozen=True, slots=True)
class ModelTurn:
    """A finished turn; always the last event of a stream."""

    text: str
    tool_calls: tuple[ToolCall, ...]
    stop_reason: Literal["end_turn", "tool_use", "max_tokens", "refused"]
    model_id: str
    usage: ModelUsage


class LanguageModel(Protocol):
    """A language model behind whatever API."""

    model_id: str

    def stream(self, request: ModelRequest) -> AsyncIterator[TextDelta | ModelTurn]:
        """Yield text as it comes and the finished `ModelTurn` last.

        A failure after the first delta is retried inside, as a whole turn; a consumer that shows
        deltas discards them when a second stream of deltas starts.

        Raises:
            ModelUnavailableError: Unreachable, refusing or broken after the adapter's own retries.
        """
        ...


class EvidenceTools(Protocol):
    """The read-only tools a model may ask back with; each call is placed and gated."""

    specs: Sequence[ToolSpec]

    async def call(self, call: ToolCall) -> tuple[ToolOutcome, dict[str, Evidence]]:
        """Run one call; a refusal or failure comes back as a failed outcome, never as an exception.

        Returns:
            What the model reads, and the evidence the answer brought, by id.
        """
        ...
