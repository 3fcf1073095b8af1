"""What the soak's site answers: small, so that the machinery is what takes the time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from agents.findings import AlarmGroup, AlarmSummary, Candidate, ChangeReview, Fidelity, Reason
from telecom.envelope import EnvelopeCounts, SiteEnvelope
from telecom.evidence import Quotation
from telecom.ticket import Ticket

ONSET = datetime(2026, 3, 1, 10, 15, tzinfo=UTC)


def summary() -> AlarmSummary:
    """A site's folded alarms."""
    return AlarmSummary(
        window=(ONSET, ONSET + timedelta(minutes=30)),
        brief="agg1 xe-0/0/1 OSPF down x7",
        tokens_before=20_000,
        tokens_after=120,
        alarms_total=7,
        groups=(
            AlarmGroup(
                handle="g1",
                managed_object="agg1",
                template="OSPF neighbor <*> down",
                probable_cause="LINK-3-UPDOWN",
                perceived_severity="MAJOR",
                count=7,
                first=ONSET,
                last=ONSET + timedelta(minutes=5),
                still_open=True,
            ),
        ),
        root_cause_candidates=(
            Candidate(
                managed_object="agg1:xe-0/0/1",
                score=0.9,
                probable_cause="mtu mismatch",
                specific_problem="OSPF adjacency lost on xe-0/0/1",
                role="fault",
                why="everything that complains is behind it",
                reasons=(Reason(name="blame", points=1.0, strength=1.0, because="as seen"),),
                explains=("g1",),
                onset=ONSET,
                evidence=("alarm:g1",),
            ),
        ),
        verdict="single",
        causes=1,
        causal_chain=(),
        timeline=(),
        topology=(),
        handles=("g1",),
        fidelity=Fidelity(score=1.0, facts_total=1, facts_kept=1),
        evidence={
            "alarm:g1": Quotation(
                source="alarms",
                locator="alarms/agg1.log:1",
                quote="agg1 OSPF neighbor 10.0.0.2 down",
                data_class="alarms_raw",
            )
        },
    )


def changes() -> ChangeReview:
    """Nothing changed."""
    return ChangeReview(changes=(), evidence={})


def tickets() -> list[Ticket]:
    """What the site remembers."""
    return [
        Ticket(
            ticket_id="INC41",
            title="OSPF neighbor down",
            cause="mtu mismatch",
            managed_object="agg1",
            close_note="MTU on the port did not match; restored 9000.",
        )
    ]


def envelope(number: int, *, site: str = "site1") -> SiteEnvelope:
    """The `number`th incident of a site."""
    begin = ONSET + timedelta(hours=number)
    return SiteEnvelope(
        envelope_id=f"env-{number}",
        sequence=number + 1,
        site=site,
        incident_id=f"site-inc-{number}",
        event="opened",
        window=(begin, begin + timedelta(minutes=5)),
        perceived_severity="MAJOR",
        counts=EnvelopeCounts(alarms=7, open_groups=1, groups=1, managed_objects=1),
        created_at=begin + timedelta(minutes=6),
        ledger_head="0" * 64,
    )
