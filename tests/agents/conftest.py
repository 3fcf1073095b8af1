"""Records in the shape readers give them, in one line each."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest

from agents.alarm_triage import triage
from agents.findings import ChangeReview, EvidencePack
from telecom.alarm import Alarm, Occurrence, OccurrenceKind, PerceivedSeverity, RecordSource
from telecom.configuration import ChangedLine, ConfigChange, ConfigHunk
from telecom.evidence import Evidence, Quotation
from telecom.times import Window
from telecom.topology import Topology, read_topology_csv

START = datetime(2026, 3, 1, 10, 0, tzinfo=UTC)
RecordFactory = Callable[..., Alarm]

RING = """device,port,remote_device,remote_port,relation
agg1,Hu0/0/0/1,ring1,Hu0/0/0/0,connects
ring1,Hu0/0/0/1,ring2,Hu0/0/0/0,connects
ring2,Hu0/0/0/1,ring3,Hu0/0/0/0,connects
ring3,Hu0/0/0/1,agg1,Hu0/0/0/2,connects
ring1,,csr1,,connects
ring2,,csr2,,connects
csr2,,gnb2,,connects
rect2,,csr2,,powers
rect2,,gnb2,,powers
agg1,Hu0/0/0/9,core1,Hu0/0/0/1,connects
"""


@pytest.fixture
def ring() -> Topology:
    """A transport ring of three nodes below one aggregation node, with a site behind ring2."""
    return read_topology_csv(RING)


@pytest.fixture
def window() -> Window:
    """Ten minutes from START."""
    return Window(START, START + timedelta(minutes=10))


@pytest.fixture
def record() -> RecordFactory:
    """Make one record: `record(5, "ring1", "bgp_session", "down", neighbor="10.0.0.1")`."""
    numbers = count(1)

    def make(
        second: float,
        managed_object: str,
        kind: str = "other",
        state: str = "down",
        *,
        text: str | None = None,
        cause: str | None = None,
        **occurrence: Any,
    ) -> Alarm:
        number = next(numbers)
        severity = {"down": "MAJOR", "degraded": "MINOR", "up": "CLEARED"}.get(state)
        words = text or f"{kind} {state} {' '.join(str(v) for v in occurrence.values())}".strip()
        return Alarm(
            alarm_id=f"a{number}",
            managed_object=managed_object,
            perceived_severity=PerceivedSeverity(severity or "INDETERMINATE"),
            probable_cause=cause or kind.upper(),
            alarm_raised_time=START + timedelta(seconds=second),
            additional_text=words,
            occurrence=Occurrence(kind=OccurrenceKind(kind), state=state, **occurrence),
            source=RecordSource(
                format="tierwise",
                path=f"alarms/{managed_object.partition(':')[0]}.log",
                line=number,
                raw=f"{managed_object} {words}",
            ),
        )

    return make


@pytest.fixture
def pack(record: RecordFactory, ring: Topology, window: Window) -> EvidencePack:
    """What an investigation gathered: ring2 was changed and its neighbours lost it."""
    change = ConfigChange(
        managed_object="ring2",
        commit="c" * 40,
        author="operator",
        time=window.start - timedelta(minutes=4),
        path="transport/ring2",
        score=0.9,
        why=("lowers the MTU of Hu0/0/0/1",),
        touches=("ring2:Hu0/0/0/1",),
        hunks=(
            ConfigHunk(
                block=("interface Hu0/0/0/1",),
                lines=(ChangedLine(sign="+", text=" mtu 1500", line=4),),
            ),
        ),
    )
    alarms = [
        record(0.0, "ring2", "ospf_adjacency", neighbor="ring3", interface="Hu0/0/0/1"),
        record(0.5, "ring3", "ospf_adjacency", neighbor="ring2", interface="Hu0/0/0/0"),
        record(4.0, "ring1", "bgp_session", neighbor="ring2", initiator="remote"),
    ]
    summary = triage(alarms, ring, window, changes=[change])
    key = f"change:{change.commit[:12]}:ring2"
    review = ChangeReview(
        changes=(change,),
        evidence={
            key: Quotation(
                source="configs",
                locator="transport/ring2@cccccccccccc:4",
                quote="+ mtu 1500",
                data_class="network_config",
            )
        },
    )
    quotations = {**summary.evidence, **review.evidence}
    return EvidencePack(
        window=(window.start, window.end),
        sites=("north",),
        alarms=(summary,),
        changes=(review,),
        evidence={key: Evidence.received(item) for key, item in quotations.items()},
    )
