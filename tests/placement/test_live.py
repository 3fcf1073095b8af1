"""The policy follows its files: whole, or not at all."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from placement import ClosedPolicy, LivePolicy
from placement.policy import NOT_LOADED
from telecom.workload import WorkloadProfile

Workload = Callable[..., WorkloadProfile]
Edit = Callable[[Path, str, str], None]


def best(live: LivePolicy, workload: WorkloadProfile) -> str | None:
    ranked = live.current().decide(workload).ranked
    return ranked[0].tier if ranked else None


def test_an_edited_catalogue_decides_without_a_restart(
    files: tuple[Path, Path], edit: Edit, workload: Workload
) -> None:
    """REFERENCE R2: routing is externalized and changes without rearchitecting."""
    catalogue, rules = files
    live = LivePolicy(catalogue, rules)
    work = workload("context_creation", "tickets_raw")
    assert best(live, work) == "outposts"
    edit(
        catalogue,
        "    cost_usd_per_hour: 25\n",
        "    cost_usd_per_hour: 25\n    available: false\n",
    )
    assert best(live, work) == "ai_factory"
    assert live.status.state == "current"
    assert live.status.ready


@pytest.mark.parametrize("broken", ["catalogue", "rules", "missing"])
def test_a_broken_version_leaves_the_last_good_one_in_force_and_says_so(
    files: tuple[Path, Path],
    workload: Workload,
    caplog: pytest.LogCaptureFixture,
    broken: str,
) -> None:
    """Issue: a half-written reload; the last good one stays, readiness and logs say so."""
    catalogue, rules = files
    live = LivePolicy(catalogue, rules)
    good = live.status
    work = workload("context_creation", "tickets_raw")
    path = catalogue if broken == "catalogue" else rules
    whole = path.read_bytes()
    with caplog.at_level(logging.ERROR, logger="placement.live"):
        if broken == "missing":
            path.unlink()
        else:
            path.write_bytes(whole[: len(whole) // 2])
        assert best(live, work) == "outposts"
    status = live.status
    assert (status.state, status.ready) == ("last_good", False)
    assert status.policy_sha256 == good.policy_sha256
    assert status.problems
    assert str(path) in status.problems[0]
    assert [record.message for record in caplog.records] == ["policy not reloaded"]
    path.write_bytes(whole)
    assert live.status.state == "current"
    assert live.status.problems == ()


def test_without_a_policy_at_start_nothing_is_placed_until_there_is_one(
    files: tuple[Path, Path], workload: Workload
) -> None:
    """DESIGN section 3: an invalid, missing or half-loaded policy places nothing."""
    catalogue, rules = files
    whole = catalogue.read_bytes()
    catalogue.unlink()
    live = LivePolicy(catalogue, rules)
    status = live.status
    assert (status.state, status.catalogue_sha256, status.loaded_at) == ("closed", NOT_LOADED, None)
    work = workload("data_preparation", "vendor_docs")
    policy = live.current()
    assert isinstance(policy, ClosedPolicy)
    decision = policy.decide(work)
    assert decision.ranked == ()
    assert {tier.rule for tier in decision.eliminated} == {"policy-not-loaded"}
    assert str(catalogue) in decision.eliminated[0].remedy
    outposts = policy.tier("outposts", work.home)
    assert outposts is not None
    assert not policy.verdict(work, outposts).permitted
    catalogue.write_bytes(whole)
    assert best(live, work) == "region"
    assert live.status.state == "current"


def test_unchanged_files_are_not_read_again(files: tuple[Path, Path]) -> None:
    """Us: asking for the policy in force costs two file status calls."""
    live = LivePolicy(*files)
    assert live.current() is live.current()


def test_the_shipped_policy_is_the_default() -> None:
    """Contract: both files default to the reference."""
    assert LivePolicy().status.state == "current"
