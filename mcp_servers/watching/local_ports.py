"""What the sub-agents see when the site runs them itself: their ports, in process."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from agents.findings import AlarmSummary, ChangeReview, Contradictions
from mcp_servers.alarms.desk import AlarmDesk
from mcp_servers.configs.desk import NO_HISTORY, ConfigDesk
from mcp_servers.configs.quotations import contradictions_of, review_of
from telecom.ticket import Citation, Ticket
from telecom.times import Window

if TYPE_CHECKING:
    from rag.knowledge_base import KnowledgeBase


class LocalAlarms:
    """`agents.ports.AlarmDesk` over the site's own desk."""

    def __init__(self, desk: AlarmDesk) -> None:
        self._desk = desk

    async def summarize_alarms(self, window: Window, *, budget_tokens: int = 2000) -> AlarmSummary:
        """Fold the alarms of a window."""
        return self._desk.summarize(window, budget_tokens)


class LocalConfigs:
    """`agents.ports.ConfigHistory` over the site's own desk."""

    def __init__(self, desk: ConfigDesk) -> None:
        self._desk = desk

    async def list_changes(
        self, window: Window, *, around: Sequence[str] = (), hops: int = 1, limit: int = 20
    ) -> ChangeReview:
        """Rank the changes of a window."""
        if not self._desk.has_history:
            return ChangeReview(changes=(), evidence={}, gaps=(NO_HISTORY,))
        found = self._desk.list_changes(window, around=around, hops=hops, limit=limit)
        return review_of(found, self._desk.gaps())

    async def check_consistency(self, *, around: Sequence[str] = ()) -> Contradictions:
        """What configurations contradict."""
        if not self._desk.has_history:
            return Contradictions(findings=(), left_out=0, evidence={}, gaps=(NO_HISTORY,))
        return contradictions_of(self._desk.check_consistency(around), self._desk.gaps())


class LocalTickets:
    """`agents.ports.TicketSearch` over the site's own knowledge base."""

    def __init__(self, knowledge: Callable[[str], KnowledgeBase]) -> None:
        self._knowledge = knowledge

    async def search_tickets(self, query: str, *, limit: int = 10) -> Sequence[Citation]:
        """Rank passages of past tickets."""
        return self._knowledge("tickets").search(query, corpus="tickets", limit=limit)

    async def get_ticket(self, ticket_id: str) -> Ticket:
        """Read one ticket."""
        return self._knowledge("tickets").get_ticket(ticket_id)
