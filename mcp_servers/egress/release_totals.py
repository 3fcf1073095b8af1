"""What the egress ledger wrote since this process began, in figures: no caller, no payload."""

from __future__ import annotations

from collections import Counter

from mcp_servers.egress.ledger_entry import LedgerEntry


class ReleaseTotals:
    """Adds up entries as they are written; the ledger's own lock keeps writers apart."""

    def __init__(self) -> None:
        self.entries: Counter[tuple[str, str, str, str]] = Counter()
        """(event, tool, tier, form) -> entries."""
        self.bytes: Counter[str] = Counter()
        """Tier -> bytes released to it."""
        self.tokens: Counter[str] = Counter()
        """Tier -> tokens released to it."""
        self.masked: Counter[str] = Counter()
        """Kind -> identifiers masked in what was released."""

    def add(self, entry: LedgerEntry) -> None:
        """Count one entry; only a release is counted in bytes, tokens and identifiers."""
        self.entries[entry.event, entry.tool, entry.tier, entry.form] += 1
        if entry.event == "release":
            self.bytes[entry.tier] += entry.bytes
            self.tokens[entry.tier] += entry.tokens
            self.masked.update(entry.masked)
