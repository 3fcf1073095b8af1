"""An alarm storm as a site folds it: an aggregation router's port, and the cells behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from agents.findings import (
    AlarmGroup,
    AlarmSummary,
    Candidate,
    ChangeReview,
    Fidelity,
    Reason,
    TopologyLink,
)
from telecom.configuration import ChangedLine, ConfigChange, ConfigHunk
from telecom.evidence import Quotation
from telecom.report import CausalLink, TimelineEntry
from telecom.ticket import Ticket

ONSET = datetime(2026, 3, 1, 10, 15, tzinfo=UTC)
CAUSE = "agg1:xe-0/0/1"
LINE = "agg1 rpd[1421]: RPD_OSPF_NBRDOWN: OSPF neighbor 10.0.0.2 (realm ospf-v2 xe-0/0/1.0) down"
CHANGE = "change:0123456789ab:agg1"
_TEMPLATE_ALARMS = 4


@dataclass(frozen=True, slots=True)
class Storm:
    """What a site double answers about it."""

    summary: AlarmSummary
    changes: ChangeReview
    tickets: Sequence[Ticket]


def storm_of(cells: int = 6, *, said: str = "service lost") -> Storm:
    """A storm.

    Args:
        cells: Elements behind the port that fails, four alarms each.
        said: What they say; text of others, so anything may be in it.
    """
    names = [f"cell{number}" for number in range(1, cells + 1)]
    groups = (
        _group("g0", "agg1", "RPD_OSPF_NBRDOWN: OSPF neighbor <*> down", 0),
        *(_group(f"g{n}", cell, said, n % 20 + 1) for n, cell in enumerate(names, start=1)),
    )
    evidence = {
        "alarm:g0": _quoted("alarms/agg1.log:17", LINE),
        **{
            f"alarm:g{n}": _quoted(f"alarms/{cell}.log:1", f"{cell} {said}")
            for n, cell in enumerate(names, start=1)
        },
    }
    summary = AlarmSummary(
        window=(ONSET - timedelta(minutes=5), ONSET + timedelta(minutes=30)),
        brief=f"agg1 xe-0/0/1 OSPF down; {cells} cells lost service",
        tokens_before=20_000 + 40 * cells,
        tokens_after=1_800,
        alarms_total=1 + _TEMPLATE_ALARMS * cells,
        groups=groups,
        root_cause_candidates=(
            _candidate(CAUSE, 0.9, 0.92, ("alarm:g0",), tuple(g.handle for g in groups)),
            _candidate("cell1", 0.2, 0.03, ("alarm:g1",), ("g1",)),
        ),
        verdict="single",
        causes=1,
        causal_chain=tuple(
            CausalLink(
                source="agg1",
                target=cell,
                condition="adjacency lost",
                effect=said,
                lag_seconds=60.0,
                evidence_ids=("alarm:g0", f"alarm:g{n}"),
            )
            for n, cell in enumerate(names[:40], start=1)
        ),
        timeline=tuple(
            TimelineEntry(
                time=group.first,
                managed_object=group.managed_object,
                what=group.template,
                evidence_ids=(f"alarm:{group.handle}",),
            )
            for group in groups
        ),
        topology=tuple(
            TopologyLink(source="agg1", target=cell, relation="serves") for cell in names
        ),
        handles=tuple(group.handle for group in groups),
        loudest="cell1",
        earliest="agg1",
        fidelity=Fidelity(score=1.0, facts_total=4, facts_kept=4),
        evidence=evidence,
    )
    return Storm(summary, _changes(), _tickets())


def _group(handle: str, managed_object: str, template: str, minutes: int) -> AlarmGroup:
    return AlarmGroup(
        handle=handle,
        managed_object=managed_object,
        template=template,
        probable_cause="LINK-3-UPDOWN",
        perceived_severity="CRITICAL" if handle == "g0" else "MAJOR",
        count=_TEMPLATE_ALARMS,
        first=ONSET + timedelta(minutes=minutes),
        last=ONSET + timedelta(minutes=minutes + 6),
        still_open=True,
    )


def _candidate(
    managed_object: str,
    score: float,
    probability: float,
    evidence: tuple[str, ...],
    explains: tuple[str, ...],
) -> Candidate:
    return Candidate(
        managed_object=managed_object,
        score=score,
        probability=probability,
        probable_cause="mtu mismatch",
        specific_problem=f"OSPF adjacency lost on {managed_object}",
        role="fault",
        why="everything that complains is behind it",
        reasons=tuple(
            Reason(name=name, points=points, strength=points, because="as seen")
            for name, points in (("blame", 1.0), ("coverage", 0.9), ("kind", 0.8))
        ),
        explains=explains,
        onset=ONSET,
        change=CHANGE if managed_object == CAUSE else None,
        evidence=evidence,
    )


def _quoted(locator: str, quote: str) -> Quotation:
    return Quotation(source="alarms", locator=locator, quote=quote, data_class="alarms_raw")


def _changes() -> ChangeReview:
    change = ConfigChange(
        managed_object="agg1",
        commit="0123456789abcdef",
        author="jdoe",
        time=ONSET - timedelta(minutes=3),
        path="agg/agg1",
        score=0.9,
        why=("touches the failing interface",),
        hunks=(
            ConfigHunk(
                block=("interface xe-0/0/1",),
                lines=(
                    ChangedLine(sign="-", text=" mtu 9000", line=12),
                    ChangedLine(sign="+", text=" mtu 1500", line=12),
                ),
            ),
        ),
    )
    quotation = Quotation(
        source="configs",
        locator="agg/agg1@0123:12",
        quote="- mtu 9000\n+ mtu 1500",
        data_class="network_config",
    )
    return ChangeReview(changes=(change,), evidence={CHANGE: quotation})


def _tickets() -> Sequence[Ticket]:
    return [
        Ticket(
            ticket_id=f"INC{number}",
            title="OSPF neighbor down, service lost",
            cause="mtu mismatch",
            managed_object="agg1",
            close_note="MTU on the aggregation port did not match; restored 9000.",
        )
        for number in (41, 42)
    ]
