"""An incident to investigate: a transport change that took two cells down, as a site folds it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from agents.findings import (
    AlarmGroup,
    AlarmSummary,
    Candidate,
    ChangeReview,
    Fidelity,
    Reason,
    TopologyLink,
)
from orchestrator.doubles.site import SiteDouble
from orchestrator.settings import Settings, SiteDeclaration
from telecom.configuration import ChangedLine, ConfigChange, ConfigHunk
from telecom.evidence import Quotation
from telecom.report import CausalLink, TimelineEntry
from telecom.ticket import Ticket
from tests.local_postgresql import fresh_database, local_postgresql, why_not

ONSET = datetime(2026, 3, 1, 10, 15, tzinfo=UTC)
CHANGE_ID = "change:0123456789ab:agg1"


def group(handle, managed_object, template, minutes=0):
    return AlarmGroup(
        handle=handle,
        managed_object=managed_object,
        template=template,
        probable_cause="LINK-3-UPDOWN",
        perceived_severity="MAJOR",
        count=7,
        first=ONSET + timedelta(minutes=minutes),
        last=ONSET + timedelta(minutes=minutes + 5),
        still_open=True,
    )


def candidate(managed_object, score, ids):
    return Candidate(
        managed_object=managed_object,
        score=score,
        probable_cause="mtu mismatch",
        specific_problem="OSPF adjacency lost on xe-0/0/1",
        role="fault",
        why="everything that complains is behind it",
        reasons=tuple(
            Reason(name=name, points=points, strength=points, because="as seen")
            for name, points in (("blame", 1.0), ("coverage", 0.9), ("kind", 0.8))
        ),
        explains=("g1", "g2"),
        onset=ONSET,
        evidence=ids,
    )


@pytest.fixture
def summary():
    """What `summarize_alarms` answers."""
    return AlarmSummary(
        window=(ONSET - timedelta(minutes=5), ONSET + timedelta(minutes=30)),
        brief="agg1 xe-0/0/1 OSPF down x7; cell1, cell2 lost service",
        tokens_before=20_000,
        tokens_after=120,
        alarms_total=14,
        groups=(
            group("g1", "agg1", "OSPF neighbor <*> down"),
            group("g2", "cell1", "service lost", 1),
        ),
        root_cause_candidates=(
            candidate("agg1:xe-0/0/1", 0.9, ("alarm:g1",)),
            candidate("cell1", 0.2, ("alarm:g2",)),
        ),
        verdict="single",
        causes=1,
        causal_chain=(
            CausalLink(
                source="agg1",
                target="cell1",
                condition="adjacency lost",
                effect="service lost",
                lag_seconds=60.0,
                evidence_ids=("alarm:g1", "alarm:g2"),
            ),
        ),
        timeline=(
            TimelineEntry(
                time=ONSET,
                managed_object="agg1",
                what="OSPF neighbor down",
                evidence_ids=("alarm:g1",),
            ),
        ),
        topology=(TopologyLink(source="agg1", target="cell1", relation="serves"),),
        handles=("g1", "g2"),
        fidelity=Fidelity(score=1.0, facts_total=4, facts_kept=4),
        evidence={
            "alarm:g1": Quotation(
                source="alarms",
                locator="alarms/agg1.log:1",
                quote="agg1 OSPF neighbor 10.0.0.2 down",
                data_class="alarms_raw",
            ),
            "alarm:g2": Quotation(
                source="alarms",
                locator="alarms/cell1.log:1",
                quote="cell1 service lost",
                data_class="alarms_raw",
            ),
        },
    )


@pytest.fixture
def changes():
    """What `list_changes` answers."""
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
                lines=(ChangedLine(sign="+", text=" mtu 1500", line=12),),
            ),
        ),
    )
    quotation = Quotation(
        source="configs",
        locator="agg/agg1@0123:12",
        quote="+ mtu 1500",
        data_class="network_config",
    )
    return ChangeReview(changes=(change,), evidence={CHANGE_ID: quotation})


@pytest.fixture
def tickets():
    """The site's past tickets."""
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


@pytest.fixture
def site(summary, changes, tickets):
    """A site half on loopback."""
    with SiteDouble(summary, changes=changes, tickets=tickets) as double:
        yield double


@pytest.fixture
def settings_for(tmp_path):
    """Settings with one or more sites and a state file of their own."""

    def settings(*doubles, **keys):
        sites = tuple(
            SiteDeclaration(name=f"site{number}", url=double.url, country="DE")
            for number, double in enumerate(doubles, start=1)
        )
        defaults = {"aws_region": "eu-central-1", "escalation": "always"}
        keys = defaults | {"state": str(tmp_path / "state.sqlite")} | keys
        return Settings(sites=keys.pop("sites", sites), **keys)

    return settings


@pytest.fixture(scope="session")
def postgresql_server():
    """A PostgreSQL server, or a reason to skip."""
    if reason := why_not():
        pytest.skip(reason)
    with local_postgresql() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def state_address(request, tmp_path):
    """An empty state of each kind: every test of a store runs on both."""
    if request.param == "sqlite":
        yield str(tmp_path / "state.sqlite")
        return
    server = request.getfixturevalue("postgresql_server")
    with fresh_database(server, f"t{uuid4().hex[:12]}") as url:
        yield url
