"""What the tools answer beside the findings of `agents`, and how long an answer may get.

Every answer with quotations carries `evidence`, keyed by the ids that statements cite, as the
findings do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Literal, TypeVar

from pydantic import BaseModel, Field

from agents.findings import Candidate
from mcp_servers.configs.neighbors import NeighborLink
from telecom.alarm import Alarm, PerceivedSeverity
from telecom.configuration import ConfigBlock, ConfigChange
from telecom.evidence import Gap, Quotation
from telecom.schema import ProductModel
from telecom.ticket import Citation, Ticket
from telecom.tokens import estimate_tokens

ANSWER_TOKENS = 1_600
"""What a list may fill. The reference catalogue lets network data leave a site in summaries of at
most 2,000 tokens, and masking makes an answer longer."""

Item = TypeVar("Item")


class ListedAlarm(ProductModel):
    """One alarm in a list; its raw record is the quotation of its evidence id."""

    alarm_id: str
    time: datetime | None
    managed_object: str
    perceived_severity: PerceivedSeverity
    probable_cause: str | None
    evidence_id: str


class AlarmList(ProductModel):
    """A stretch of alarms, oldest first."""

    window: tuple[datetime, datetime] | None
    """What was looked at; None when a managed object was asked for without a window."""
    total: int
    """Records that match, this answer and all others."""
    left_out: int
    """Records that match and come after this answer."""
    next_cursor: str | None
    """Give it back, with the same arguments, for the next stretch; None at the end."""
    alarms: tuple[ListedAlarm, ...]
    evidence: dict[str, Quotation]


class AlarmDetail(ProductModel):
    """Every record of one alarm, oldest first."""

    records: tuple[Alarm, ...]
    left_out: int
    evidence: dict[str, Quotation]


class RootCauseRanking(ProductModel):
    """Managed objects that may be the cause, best first, with what speaks for each."""

    window: tuple[datetime, datetime]
    verdict: Literal["single", "multiple", "recovered", "none", "insufficient"]
    causes: int
    """How many of the leading candidates are asserted together."""
    root_cause_candidates: tuple[Candidate, ...]
    left_out: int
    evidence: dict[str, Quotation]
    gaps: tuple[Gap, ...] = ()


class Passages(ProductModel):
    """Passages that match a query, best first."""

    passages: tuple[Citation, ...]
    left_out: int
    why: dict[str, str] = Field(default_factory=dict)
    """Passage id -> why it stands where it does, where that was asked."""
    evidence: dict[str, Quotation]
    gaps: tuple[Gap, ...] = ()


class TicketRecord(ProductModel):
    """One trouble ticket."""

    ticket: Ticket
    evidence: dict[str, Quotation]


class RecordedCause(ProductModel):
    """A person's decision, written down."""

    ticket_id: str
    """Under which it is found after the next ingest."""
    decision: Literal["confirmed", "corrected"]


class ConfigExcerpt(ProductModel):
    """Blocks of a device's configuration."""

    blocks: tuple[ConfigBlock, ...]
    left_out: int
    """Blocks that match and did not fit."""
    evidence: dict[str, Quotation]


class ConfigDifference(ProductModel):
    """What changed on one managed object between two times, oldest change first."""

    changes: tuple[ConfigChange, ...]
    left_out: int
    evidence: dict[str, Quotation]


class Neighborhood(ProductModel):
    """The links around a managed object, nearest first."""

    managed_object: str
    links: tuple[NeighborLink, ...]
    left_out: int


def fill(
    items: Iterable[Item],
    cost: Callable[[Item], int],
    *,
    budget: int = ANSWER_TOKENS,
    at_least: int = 1,
) -> list[Item]:
    """Take items from the front until the budget is used up.

    Args:
        items: In order of worth.
        cost: Tokens of one item.
        budget: Tokens in all.
        at_least: Taken whatever they cost: an empty answer would help nobody, and the gate still
            decides about it.
    """
    taken: list[Item] = []
    spent = 0
    for item in items:
        spent += cost(item)
        if spent > budget and len(taken) >= at_least:
            break
        taken.append(item)
    return taken


def tokens_of(*parts: BaseModel) -> int:
    """Tokens of models as they travel."""
    return sum(estimate_tokens(part.model_dump_json(by_alias=True)) for part in parts)


def cited(evidence: dict[str, Quotation], ids: Iterable[Sequence[str]]) -> dict[str, Quotation]:
    """The part of `evidence` that the given groups of ids name."""
    return {key: evidence[key] for group in ids for key in group if key in evidence}
