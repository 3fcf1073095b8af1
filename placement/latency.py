"""Latency as it was measured: percentiles per tier and tool, and what they change in the catalogue.

A measured value replaces a stated one only with enough samples, only when it really differs, and
never by more than a factor of two at once: one bad night must not move every workload.
"""

from __future__ import annotations

import csv
import io
import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Literal

from pydantic import Field, ValidationError

from placement.catalogue import Catalogue, RoundTrip
from telecom.errors import SettingsError
from telecom.schema import ProductModel

ENOUGH_SAMPLES = 30
_HYSTERESIS = 0.20
_LARGEST_STEP = 2.0
_LEAST_MS, _MOST_MS = 0.001, 60_000.0
"""What a catalogue accepts as a round trip."""
_COLUMNS = ("tier", "tool", "ttft_ms", "round_trip_ms")


class LatencySample(ProductModel):
    """One call as its caller saw it."""

    tier: str
    tool: str = ""
    ttft_ms: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    """Time to first token; None where nothing streams."""
    round_trip_ms: float = Field(ge=0, allow_inf_nan=False)


class Percentiles(ProductModel):
    """Percentiles of a set of samples, by nearest rank."""

    samples: int
    p50: float
    p95: float
    p99: float


class LatencyRow(ProductModel):
    """One tier and tool."""

    tier: str
    tool: str
    ttft_ms: Percentiles | None
    round_trip_ms: Percentiles


class RoundTripUpdate(ProductModel):
    """What measuring says about a tier's round trip in the catalogue."""

    tier: str
    section: Literal["tier", "endpoint"] = "tier"
    stated: RoundTrip | None
    measured: Percentiles
    proposed: RoundTrip | None
    """None when the catalogue should stay as it is."""
    why: str

    @property
    def setting(self) -> str | None:
        """The change in the words of `what-if --set`; None when there is none."""
        if self.proposed is None:
            return None
        facts = self.proposed
        return (
            f"{self.section}.{self.tier}.rtt_ms={{p50: {facts.p50:g}, p95: {facts.p95:g}, "
            f"p99: {facts.p99:g}, basis: {facts.basis}}}"
        )


class LatencyAssessment(ProductModel):
    """Step two: measured percentiles, and the catalogue's numbers beside them."""

    rows: tuple[LatencyRow, ...]
    updates: tuple[RoundTripUpdate, ...]
    assumed: tuple[str, ...]
    """Tiers whose stated round trip nobody has measured."""


def percentiles(values: Sequence[float]) -> Percentiles:
    """Take P50, P95 and P99 of at least one value, by nearest rank."""
    ordered = sorted(values)

    def at(share: float) -> float:
        return ordered[max(0, math.ceil(share * len(ordered)) - 1)]

    return Percentiles(samples=len(ordered), p50=at(0.50), p95=at(0.95), p99=at(0.99))


def read_samples_csv(text: str, *, name: str) -> tuple[LatencySample, ...]:
    """Read samples with the columns tier, tool, ttft_ms, round_trip_ms; tool and ttft_ms may lack.

    Raises:
        SettingsError: A column or value does not fit; names every line.
    """
    reader = csv.DictReader(io.StringIO(text))
    columns = reader.fieldnames or ()
    unknown = [column for column in columns if column not in _COLUMNS]
    if unknown or not {"tier", "round_trip_ms"} <= set(columns):
        raise SettingsError(
            f"{name}:1: columns must be {', '.join(_COLUMNS)} (milliseconds), got "
            f"{', '.join(columns) or 'none'}"
        )
    samples: list[LatencySample] = []
    problems: list[str] = []
    for row in reader:
        facts = {key: value for key, value in row.items() if key is not None and value}
        try:
            samples.append(LatencySample.model_validate(facts))
        except ValidationError as exc:
            first = exc.errors(include_url=False)[0]
            where = ".".join(map(str, first["loc"])) or "row"
            problems.append(f"{name}:{reader.line_num}: {where}: {first['msg']}")
    if problems:
        raise SettingsError("\n".join(problems))
    return tuple(samples)


def assess_latency(samples: Iterable[LatencySample], catalogue: Catalogue) -> LatencyAssessment:
    """Reduce samples to percentiles and compare them with what the catalogue states."""
    by_tool: defaultdict[tuple[str, str], list[LatencySample]] = defaultdict(list)
    by_tier: defaultdict[str, list[float]] = defaultdict(list)
    for sample in samples:
        by_tool[sample.tier, sample.tool].append(sample)
        # A call without a tool is a bare probe of the way there: that is a tier's round trip.
        if not sample.tool:
            by_tier[sample.tier].append(sample.round_trip_ms)
    tiers = {**catalogue.tiers, **catalogue.model_endpoints}
    return LatencyAssessment(
        rows=tuple(
            LatencyRow(
                tier=tier,
                tool=tool,
                ttft_ms=_percentiles_or_none([sample.ttft_ms for sample in taken]),
                round_trip_ms=percentiles([sample.round_trip_ms for sample in taken]),
            )
            for (tier, tool), taken in sorted(by_tool.items())
        ),
        updates=tuple(
            propose_round_trip(
                tier,
                tiers[tier].rtt_ms,
                percentiles(values),
                section="tier" if tier in catalogue.tiers else "endpoint",
            )
            for tier, values in sorted(by_tier.items())
            if tier in tiers
        ),
        assumed=tuple(
            tier
            for tier, entry in sorted(tiers.items())
            if entry.rtt_ms is not None and entry.rtt_ms.basis == "assumed"
        ),
    )


def propose_round_trip(
    tier: str,
    stated: RoundTrip | None,
    measured: Percentiles,
    *,
    section: Literal["tier", "endpoint"] = "tier",
) -> RoundTripUpdate:
    """Decide whether a measurement changes the catalogue, and by how much."""

    def answer(proposed: RoundTrip | None, why: str) -> RoundTripUpdate:
        return RoundTripUpdate(
            tier=tier,
            section=section,
            stated=stated,
            measured=measured,
            proposed=proposed,
            why=why,
        )

    if measured.samples < ENOUGH_SAMPLES:
        return answer(None, f"{measured.samples} samples are too few; {ENOUGH_SAMPLES} are enough")
    if stated is None:
        return answer(_round_trip(measured.p50, measured.p95, measured.p99), "nothing was stated")
    change = abs(measured.p95 - stated.p95) / stated.p95
    if change <= _HYSTERESIS and stated.basis == "measured":
        return answer(None, f"within {_HYSTERESIS:.0%} of what is stated")
    bounded = [
        min(max(value, before / _LARGEST_STEP), before * _LARGEST_STEP)
        for value, before in (
            (measured.p50, stated.p50),
            (measured.p95, stated.p95),
            (measured.p99, stated.p99),
        )
    ]
    cut = bounded != [measured.p50, measured.p95, measured.p99]
    why = f"measured, {change:.0%} off the {stated.basis} value" + (
        "; bounded to a factor of two, measure again" if cut else ""
    )
    # Bounding each percentile by itself could let them cross.
    p50 = bounded[0]
    p95 = max(p50, bounded[1])
    return answer(_round_trip(p50, p95, max(p95, bounded[2])), why)


def _round_trip(p50: float, p95: float, p99: float) -> RoundTrip:
    within = [min(max(value, _LEAST_MS), _MOST_MS) for value in (p50, p95, p99)]
    return RoundTrip(p50=within[0], p95=within[1], p99=within[2], basis="measured")


def _percentiles_or_none(values: Sequence[float | None]) -> Percentiles | None:
    known = [value for value in values if value is not None]
    return percentiles(known) if known else None
