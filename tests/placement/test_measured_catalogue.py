"""Measured round trips go into the operator's catalogue: bounded, visible, all or nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from placement import LivePolicy, load_policy
from placement.catalogue import RoundTrip
from placement.catalogue_file import REFERENCE_CATALOGUE
from placement.latency import LatencySample, RoundTripUpdate, assess_latency
from placement.measured_catalogue import write_round_trips
from telecom.errors import PolicyError

Edit = Callable[[Path, str, str], None]


def updates(path: Path, *tiers: str, ms: float = 40.0) -> tuple[RoundTripUpdate, ...]:
    samples = [LatencySample(tier=tier, round_trip_ms=ms) for tier in tiers for _ in range(30)]
    return assess_latency(samples, load_policy(path).catalogue).updates


def test_a_measurement_changes_its_line_and_nothing_else(files: tuple[Path, Path]) -> None:
    """Issue: measured ones feed the catalogue, visible; the file keeps its comments."""
    path, rules = files
    live = LivePolicy(path, rules)
    before = path.read_text(encoding="utf-8").splitlines()
    shown = write_round_trips(path, updates(path, "region", "region-global"))
    after = path.read_text(encoding="utf-8").splitlines()
    changed = [
        index for index, pair in enumerate(zip(before, after, strict=True)) if len({*pair}) > 1
    ]
    assert [line.split(":", 1)[0] for line in shown] == [
        sign + str(index + 1) for index in changed for sign in "-+"
    ]
    region = live.current().catalogue.tiers["region"].rtt_ms
    assert region == RoundTrip(p50=40.0, p95=40.0, p99=50.0, basis="measured")
    assert live.current().catalogue.model_endpoints["region-global"].rtt_ms == RoundTrip(
        p50=40.0, p95=75.0, p99=150.0, basis="measured"
    )
    assert live.status.state == "current"


def test_a_tier_without_a_round_trip_gets_one(files: tuple[Path, Path], edit: Edit) -> None:
    """Issue: an unknown round trip is closed until somebody measures it."""
    path, _ = files
    stated = "    rtt_ms: {p50: 30.0, p95: 50.0, p99: 100.0, basis: assumed}\n"
    edit(path, stated, "")
    (shown,) = write_round_trips(path, updates(path, "region"))
    assert "p95: 40.000" in shown
    assert load_policy(path).catalogue.tiers["region"].rtt_ms is not None


def test_nothing_to_change_leaves_the_file_untouched(files: tuple[Path, Path]) -> None:
    """Us: a run without news is no reload."""
    path, _ = files
    written = path.stat().st_mtime_ns
    few = assess_latency(
        [LatencySample(tier="region", round_trip_ms=1.0)], load_policy(path).catalogue
    )
    assert write_round_trips(path, few.updates) == ()
    assert path.stat().st_mtime_ns == written


def test_the_shipped_catalogue_is_not_edited() -> None:
    """House: an error names the cure."""
    found = updates(REFERENCE_CATALOGUE, "region")
    with pytest.raises(PolicyError, match="copy it"):
        write_round_trips(REFERENCE_CATALOGUE, found)


def test_a_round_trip_over_several_lines_is_left_to_its_author(
    files: tuple[Path, Path], edit: Edit
) -> None:
    """Us: what cannot be replaced safely is refused, and the file stays whole."""
    path, _ = files
    found = updates(path, "region")
    edit(
        path,
        "rtt_ms: {p50: 30.0, p95: 50.0, p99: 100.0, basis: assumed}",
        "rtt_ms: {p50: 30.0, p95: 50.0,\n             p99: 100.0, basis: assumed}",
    )
    whole = path.read_bytes()
    with pytest.raises(PolicyError, match="on one line"):
        write_round_trips(path, found)
    assert path.read_bytes() == whole
