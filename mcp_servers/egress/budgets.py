"""What one principal took out of the site in the last hour, whatever investigation it named."""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from mcp_servers.egress.ledger_entry import LedgerEntry
from mcp_servers.site_directory import BudgetSettings
from telecom.errors import BudgetExceededError

BUDGET_WINDOW = timedelta(hours=1)
"""How far back spending counts."""


@dataclass(frozen=True, slots=True)
class Spending:
    """What one answer takes out."""

    time: datetime
    tokens: int
    records: int
    identifiers: frozenset[tuple[str, str]] = frozenset()
    forgotten_identifiers: int = 0
    """Counted by an earlier process, which knew which they were."""


@dataclass(slots=True)
class _Account:
    """The spendings of one principal, with their sums kept as they come and go."""

    spent: deque[Spending] = field(default_factory=deque)
    tokens: int = 0
    records: int = 0
    forgotten_identifiers: int = 0
    identifiers: Counter[tuple[str, str]] = field(default_factory=Counter)
    """How many spendings name each identifier."""

    def add(self, spending: Spending) -> None:
        self.spent.append(spending)
        self._count(spending, 1)
        self.identifiers.update(spending.identifiers)

    def drop_before(self, moment: datetime) -> None:
        while self.spent and self.spent[0].time <= moment:
            spending = self.spent.popleft()
            self._count(spending, -1)
            for identifier in spending.identifiers:
                self.identifiers[identifier] -= 1
                if not self.identifiers[identifier]:
                    del self.identifiers[identifier]

    def _count(self, spending: Spending, sign: int) -> None:
        self.tokens += sign * spending.tokens
        self.records += sign * spending.records
        self.forgotten_identifiers += sign * spending.forgotten_identifiers


class EgressBudgets:
    """Rolling budgets per principal; a restart resumes from the ledger."""

    def __init__(
        self,
        settings: BudgetSettings,
        past: Iterable[LedgerEntry] = (),
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._settings = settings
        self._now = now
        self._lock = threading.Lock()
        self._accounts: dict[str, _Account] = {}
        begin = now() - BUDGET_WINDOW
        for entry in past:
            if entry.event == "release" and entry.time > begin:
                self._account(entry.principal).add(
                    Spending(
                        entry.time,
                        entry.tokens,
                        entry.records,
                        forgotten_identifiers=sum(entry.masked.values()),
                    )
                )

    def spend(
        self, principal: str, *, tokens: int, records: int, identifiers: Iterable[tuple[str, str]]
    ) -> None:
        """Take an answer from the principal's budgets, or nothing at all.

        Raises:
            BudgetExceededError: A budget of the last hour would be exceeded.
        """
        now = self._now()
        spending = Spending(now, tokens, records, frozenset(identifiers))
        with self._lock:
            account = self._account(principal)
            account.drop_before(now - BUDGET_WINDOW)
            self._check(account, spending)
            account.add(spending)

    def _account(self, principal: str) -> _Account:
        return self._accounts.setdefault(principal, _Account())

    def _check(self, account: _Account, asked: Spending) -> None:
        new = sum(identifier not in account.identifiers for identifier in asked.identifiers)
        known = len(account.identifiers) + account.forgotten_identifiers
        limits = (
            ("tokens", account.tokens + asked.tokens, self._settings.tokens_per_hour),
            ("records", account.records + asked.records, self._settings.records_per_hour),
            ("identifiers", known + new, self._settings.identifiers_per_hour),
        )
        for name, used, limit in limits:
            if used > limit:
                raise BudgetExceededError(
                    f"{name}_per_hour",
                    f"this caller's budget of {limit} {name} an hour is used up; ask for less "
                    "(a summary, a shorter window, a smaller limit), wait, or have the site's "
                    f"operator raise budgets.{name}_per_hour",
                )
