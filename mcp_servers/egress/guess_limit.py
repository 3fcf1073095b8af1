"""How many identifiers one principal may have masked in its own words in an hour.

Whoever may have words masked can try a guess: type a number, and look whether its pseudonym is one
that an answer showed. A person's question holds one identifier or two; a dictionary of numbers has
millions. So distinct identifiers in typed words are counted apart from, and far below, what answers
may hold.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Collection, Iterable
from datetime import UTC, datetime

from mcp_servers.egress.budgets import BUDGET_WINDOW
from mcp_servers.egress.ledger_entry import LedgerEntry
from telecom.errors import BudgetExceededError

WORDS_TOOLS = frozenset({"pseudonymize", "compose"})
"""What the ledger calls the ways in which typed words leave."""

_Typed = frozenset[tuple[str, str]]


class GuessLimit:
    """Rolling counts per principal; a restart resumes from the ledger."""

    def __init__(
        self,
        per_hour: int,
        past: Iterable[LedgerEntry] = (),
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Count.

        Args:
            per_hour: Distinct identifiers.
            past: Entries of the last hour; what an earlier process masked counts as distinct.
            now: The time.
        """
        self._per_hour = per_hour
        self._now = now
        self._lock = threading.Lock()
        self._typed: dict[str, deque[tuple[datetime, _Typed]]] = {}
        begin = now() - BUDGET_WINDOW
        for entry in past:
            if entry.event == "release" and entry.tool in WORDS_TOOLS and entry.time > begin:
                known = {(str(entry.sequence), str(n)) for n in range(sum(entry.masked.values()))}
                self._of(entry.principal).append((entry.time, frozenset(known)))

    def count(self, principal: str, identifiers: Collection[tuple[str, str]]) -> None:
        """Count the identifiers of one text before it is masked, or none of them.

        Raises:
            BudgetExceededError: The principal's hour would hold more than it may.
        """
        if not identifiers:
            return
        now = self._now()
        with self._lock:
            typed = self._of(principal)
            while typed and typed[0][0] <= now - BUDGET_WINDOW:
                typed.popleft()
            known = frozenset[tuple[str, str]]().union(*(each for _, each in typed))
            new = frozenset(identifiers) - known
            if len(known) + len(new) > self._per_hour:
                raise BudgetExceededError(
                    "typed_identifiers_per_hour",
                    f"at most {self._per_hour} different identifiers an hour are masked in what "
                    "one caller types; wait, or have the site's operator raise "
                    "budgets.typed_identifiers_per_hour",
                )
            if new:
                typed.append((now, new))

    def _of(self, principal: str) -> deque[tuple[datetime, _Typed]]:
        return self._typed.setdefault(principal, deque())
