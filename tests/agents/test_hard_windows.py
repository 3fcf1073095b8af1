"""Windows that mislead: loud victims, culprits of one line or none, vendors mixed, clocks apart."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from agents.alarm_triage import triage
from agents.findings import AlarmSummary
from telecom.alarm import Alarm
from telecom.formats import read_records
from telecom.times import Window
from telecom.topology import Link, ManagedObject, Topology

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
CULPRIT = "spine2"
ATTACHED = 1
"""Number of the culprit's port at each leaf, and of its subnets."""

Line = Callable[[str, str], tuple[str, str]]
"""Port and neighbour -> what a vendor says of a lost link, and of a lost session."""


def _junos(port: str, peer: str) -> tuple[str, str]:
    return (
        f"mib2d: SNMP_TRAP_LINK_DOWN: ifIndex 512, ifAdminStatus up(1), ifOperStatus down(2), "
        f"ifName {port}",
        f"rpd: RPD_BGP_NEIGHBOR_STATE_CHANGED: BGP peer {peer} (External AS 65002) changed state "
        "from Established to Idle (event HoldTime) (instance master)",
    )


def _eos(port: str, peer: str) -> tuple[str, str]:
    return (
        f"Ebra: %LINEPROTO-5-UPDOWN: Line protocol on Interface {port}, changed state to down",
        f"Bgp: %BGP-5-ADJCHANGE: peer {peer} (VRF default AS 65002) old state Established "
        "event HoldTime new state Idle",
    )


def _sros(port: str, peer: str) -> tuple[str, str]:
    return (
        f"TMNX: 1234 Base SNMP-WARNING-linkDown-2004 [{port}]:  Interface {port} is not "
        "operational",
        f"TMNX: 1235 Base BGP-WARNING-bgpBackwardTransition-2002 [Peer 1: {peer}]:  (ASN 65002) "
        f"VR 1: Group spines: Peer {peer}: moved from higher state ESTABLISHED to lower state "
        "IDLE due to event HOLDTIME",
    )


def _vrp(port: str, peer: str) -> tuple[str, str]:
    return (
        f"%%01IFNET/4/LINK_STATE(l)[12]:The line protocol IP on the interface {port} has entered "
        "the DOWN state.",
        f"%%01BGP/3/STATE_CHG_UPDOWN(l)[13]:The status of the peer {peer} changed from "
        "ESTABLISHED to IDLE. (InstanceName=Public, StateChangeReason=Hold Timer Expired)",
    )


LEAVES: dict[str, tuple[Line, str]] = {
    "leaf1": (_junos, "et-0/0/{}"),
    "leaf2": (_eos, "Ethernet{}"),
    "leaf3": (_sros, "1/1/{}"),
    "leaf4": (_vrp, "100GE1/0/{}"),
    "leaf5": (_eos, "Ethernet{}"),
}
SPINES = ("spine1", CULPRIT, "spine3")


def fabric() -> tuple[Topology, dict[str, str]]:
    """Every leaf joined to every spine, and the spines' addresses."""
    links, addresses = [], {}
    for number, (leaf, (_, port)) in enumerate(LEAVES.items()):
        for place, spine in enumerate(SPINES):
            far = ManagedObject(spine, f"Ethernet{number}")
            links.append(Link(ManagedObject(leaf, port.format(place)), far))
            addresses[f"10.{place}.{number}.0"] = str(far)
    return Topology.of(links), addresses


def said(seconds: float, device: str, words: str) -> str:
    """A line as a collector receives it."""
    stamp = (NOON + timedelta(seconds=seconds)).strftime("%b %e %H:%M:%S")
    return f"<187>{stamp} {device} {words}"


def lost(*, fast: bool = False, clocks: dict[str, float] | None = None) -> list[str]:
    """What the leaves say when the culprit is gone: links, and half a minute later sessions."""
    lines = []
    for number, (leaf, (line, port)) in enumerate(LEAVES.items()):
        link, session = line(port.format(ATTACHED), f"10.{ATTACHED}.{number}.0")
        off = number + (clocks or {}).get(leaf, 0.0)
        lines += [] if fast else [said(off, leaf, link)]
        lines.append(said(off + 30, leaf, session))
    return lines


def judged(lines: Sequence[str], topology: Topology, addresses: dict[str, str]) -> AlarmSummary:
    """What triage makes of them."""
    data = "\n".join(lines).encode()
    records = list(read_records(data, path="alarms/all.log", year=2026))
    alarms = [record for record in records if isinstance(record, Alarm)]
    assert len(alarms) == len(lines)
    window = Window(NOON - timedelta(minutes=10), NOON + timedelta(minutes=20))
    return triage(alarms, topology, window, addresses=addresses)


def named(summary: AlarmSummary) -> list[str]:
    return [c.managed_object for c in summary.root_cause_candidates[: summary.causes]]


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param(lost(), id="links and sessions"),
        pytest.param(lost(fast=True), id="sessions only"),
        pytest.param(lost(clocks={"leaf2": 240, "leaf4": -200}), id="two clocks are minutes off"),
    ],
)
def test_a_device_that_says_nothing_is_named_by_all_who_lost_it(lines: list[str]) -> None:
    """Issue 5: expect cases where the culprit says nothing at all."""
    assert named(judged(lines, *fabric())) == [CULPRIT]


def test_one_line_of_the_culprit_outweighs_a_loud_victim() -> None:
    """Issue 5: the loudest device is the victim and the culprit says one line; it is quoted."""
    line = "Fru: %HARDWARE-2-CARD_FAILED: Card in slot Linecard4 failed: uncorrectable parity error"
    session = _eos("Ethernet1", f"10.{ATTACHED}.4.0")[1]
    loud = [said(100 + 3 * number, "leaf5", session) for number in range(60)]
    summary = judged([said(-2, CULPRIT, line), *lost(), *loud], *fabric())
    assert summary.loudest == "leaf5"
    assert named(summary) == [CULPRIT]
    assert line in summary.brief


def test_without_any_topology_nobody_is_convicted_for_an_address() -> None:
    """Issue 5: not enough evidence is a result: addresses alone name no element."""
    assert named(judged(lost(), Topology(), {})) == []


def test_a_defect_that_is_no_ports_names_the_element() -> None:
    """Us: a dead power supply is the element's, also where it took one port with it."""
    topology, addresses = fabric()
    lines = [
        said(0, "leaf2", "Fru: %HARDWARE-2-POWER_SUPPLY_FAILED: Power supply 1 failed"),
        said(2, "leaf2", _eos("Ethernet0", "10.0.1.0")[0]),
        said(3, "spine1", _eos("Ethernet1", "10.0.1.1")[0]),
    ]
    assert named(judged(lines, topology, addresses)) == ["leaf2"]


def test_low_light_is_told_from_a_port_that_is_down() -> None:
    """Issue 5: a fault, an error, a failure; SR OS words its optics in one run of letters."""
    flaps = [
        said(10 * number + 1, device, words)
        for number in range(10)
        for device, words in (
            ("leaf3", _sros("1/1/0", "10.0.2.0")[0]),
            ("spine1", _eos("Ethernet2", "10.0.2.1")[0]),
        )
    ]
    dim = (
        "TMNX: 1200 Base PORT-MINOR-etherPortDDMAlarm-2031 [Port 1/1/0]:  SFF DDM "
        "(rxOpticalPower) LOW alarm raised"
    )
    summary = judged([said(-30, "leaf3", dim), *flaps], *fabric())
    first = summary.root_cause_candidates[0]
    assert (named(summary), first.probable_cause) == (["leaf3:1/1/0"], "optics degraded")
