"""`/metrics` of a site: how its tools do and what left, as counts.

Whoever reaches the port may read it, as `/healthz`: no caller, no managed object and no word of the
data is in it, and every label has a handful of values.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from mcp_servers.egress.release_totals import ReleaseTotals
from telecom.exposition import Metric

ANSWERED = "answered"
"""The outcome of a call that was; any other is the code of the refusal or the error."""


class CallFigures:
    """Calls of tools since this process began; counted in the server's event loop only."""

    def __init__(self) -> None:
        self._calls: Counter[tuple[str, str]] = Counter()
        self._seconds: dict[str, float] = {}

    def count(self, tool: str, outcome: str, seconds: float) -> None:
        """Count a call of a declared tool.

        Args:
            tool: Its name.
            outcome: `ANSWERED`, or the code of what kept it from being answered.
            seconds: How long it took, gate included.
        """
        self._calls[tool, outcome] += 1
        self._seconds[tool] = self._seconds.get(tool, 0.0) + seconds

    def metrics(self) -> list[Metric]:
        """The figures of a scrape."""
        return [
            Metric(
                "tierwise_site_calls_total",
                "counter",
                "Calls of tools by outcome: answered, or the code of the refusal.",
                [
                    ({"tool": tool, "outcome": outcome}, count)
                    for (tool, outcome), count in self._calls.items()
                ],
            ),
            Metric(
                "tierwise_site_call_seconds_total",
                "counter",
                "Seconds that calls took, egress gate included.",
                [({"tool": tool}, seconds) for tool, seconds in self._seconds.items()],
            ),
        ]


def egress_metrics(totals: ReleaseTotals) -> list[Metric]:
    """What the ledger wrote since this process began."""
    return [
        Metric(
            "tierwise_site_ledger_entries_total",
            "counter",
            "Entries of the egress ledger by event, tool, destination tier and form.",
            [
                ({"event": event, "tool": tool, "tier": tier, "form": form}, count)
                for (event, tool, tier, form), count in list(totals.entries.items())
            ],
        ),
        _by("tier", "tierwise_site_released_bytes_total", "Bytes released.", totals.bytes),
        _by("tier", "tierwise_site_released_tokens_total", "Tokens released.", totals.tokens),
        _by(
            "kind",
            "tierwise_site_masked_identifiers_total",
            "Identifiers masked in what was released.",
            totals.masked,
        ),
    ]


def state_metrics(*, ready: bool, pending: int, received: int | None) -> Iterable[Metric]:
    """How the site itself does.

    Args:
        ready: What `/readyz` says.
        pending: Passages that wait for their vectors.
        received: Deliveries of alarms kept since this process began; None takes none in.
    """
    yield Metric("tierwise_site_ready", "gauge", "1 when the site answers.", [({}, int(ready))])
    yield Metric(
        "tierwise_site_knowledge_pending",
        "gauge",
        "Passages that are found by words only until their vectors are made.",
        [({}, pending)],
    )
    if received is not None:
        yield Metric(
            "tierwise_site_deliveries_received_total",
            "counter",
            "Deliveries of live alarms that are on disk.",
            [({}, received)],
        )


def _by(label: str, name: str, help_text: str, counts: Counter[str]) -> Metric:
    samples = [({label: value}, float(count)) for value, count in list(counts.items())]
    return Metric(name, "counter", help_text, samples)
