"""What log lines say, in the words of vendors seen and not seen."""

# ruff: noqa: E501 - log lines stand here as devices print them

from __future__ import annotations

from typing import Any

import pytest

from telecom.alarm import Alarm, AlarmType, PerceivedSeverity
from telecom.formats import read_records

_XR = "RP/0/RP0/CPU0:Feb  6 08:42:36 UTC: x[1]: "
_JUNOS = "<28>Feb  6 08:42:36 h1 "
_IOS = "<189>1: h1: Feb  6 08:42:36.000: "
_VRP = "<188>Feb  6 2020 08:42:36 h1 %%01"
_SROS = "<188>Feb  6 08:42:36 h1 TMNX: 46 Base "
_PLAIN = "<134>Feb  6 08:42:36 h1 "


def read(line: str) -> Alarm:
    (alarm,) = read_records(line.encode(), path="h1.log", format="syslog", year=2020)
    assert isinstance(alarm, Alarm)
    return alarm


CASES: list[tuple[str, dict[str, Any]]] = [
    # Cisco IOS-XR
    (
        _XR + "%PKT_INFRA-LINK-3-UPDOWN : Interface GigabitEthernet0/0/0/0, changed state to Down",
        {"kind": "interface", "state": "down", "interface": "GigabitEthernet0/0/0/0"},
    ),
    (
        _XR + "%ROUTING-ISIS-4-ADJCHANGE : Adjacency to leaf1 (Bundle-Ether1) (L2) Down, Hold time expired",
        {
            "kind": "isis_adjacency", "state": "down", "interface": "Bundle-Ether1",
            "neighbor": "leaf1", "reason": "Hold time expired",
        },
    ),
    (
        _XR + "%ROUTING-OSPF-5-ADJCHG : Process 1, Nbr 10.0.0.2 on GigabitEthernet0/0/0/1 in area 0 from FULL "
        "to DOWN, Neighbor Down: interface down or detached, vrf default vrfid 0x60000000",
        {
            "kind": "ospf_adjacency", "state": "down", "interface": "GigabitEthernet0/0/0/1",
            "neighbor": "10.0.0.2", "vrf": "default", "reason": "interface down or detached",
        },
    ),
    (
        _XR + "%ROUTING-LDP-5-NBR_CHANGE : VRF 'default' (0x60000000), Neighbor 10.0.0.2:0 is DOWN (Session closed by peer)",
        {
            "kind": "ldp_session", "state": "down", "neighbor": "10.0.0.2", "vrf": "default",
            "reason": "Session closed by peer", "initiator": "remote",
        },
    ),
    (
        _XR + "%L2-BFD-6-SESSION_STATE_DOWN : BFD session to neighbor 10.1.1.1 on interface Bundle-Ether10 "
        "has gone down. Reason: Control timer expired",
        {
            "kind": "bfd_session", "state": "down", "interface": "Bundle-Ether10",
            "neighbor": "10.1.1.1", "reason": "Control timer expired",
        },
    ),
    (
        _XR + "%L2-BM-6-ACTIVE : HundredGigE0/0/0/16 is no longer Active as part of Bundle-Ether1 (Link is down)",
        {"kind": "lacp", "state": "down", "interface": "HundredGigE0/0/0/16", "reason": "Link is down"},
    ),
    (
        _XR + "%L2-BM-6-ACTIVE : HundredGigE0/0/0/16 is Active as part of Bundle-Ether1",
        {"kind": "lacp", "state": "up", "interface": "HundredGigE0/0/0/16"},
    ),
    (
        _XR + "%MGBL-CONFIG-6-DB_COMMIT : Configuration committed by user 'admin'. Use 'show configuration "
        "commit changes 1000000001' to view the changes.",
        {"kind": "configuration", "state": "changed"},
    ),
    (
        _XR + "%ROUTING-BGP-5-MAXPFX : No. of IPv4 Unicast prefixes received from 192.168.140.254 has reached 94106, max 125000",
        {"kind": "bgp_session", "state": "degraded", "neighbor": "192.168.140.254"},
    ),
    # Cisco IOS, NX-OS, Arista EOS
    (
        _IOS + "%BGP-5-ADJCHANGE: neighbor 10.0.0.1 vpn vrf CUST Down Interface flap",
        {
            "kind": "bgp_session", "state": "down", "neighbor": "10.0.0.1", "vrf": "CUST",
            "reason": "Interface flap", "initiator": "local",
        },
    ),
    (
        _IOS + "%BGP-5-ADJCHANGE: neighbor 10.0.0.1 Down BGP Notification received",
        {
            "kind": "bgp_session", "state": "down", "neighbor": "10.0.0.1",
            "reason": "BGP Notification received", "initiator": "remote",
        },
    ),
    (
        "<187>h1: 2020 Feb  6 08:42:36 UTC: %BGP-5-ADJCHANGE:  bgp-65000 [7865] (default) neighbor 10.0.0.9 Down - holdtimer expired error",
        {"kind": "bgp_session", "state": "down", "neighbor": "10.0.0.9", "reason": "holdtimer expired error"},
    ),
    (
        "<187>h1: 2020 Feb  6 08:42:36 UTC: %ETHPORT-5-IF_DOWN_ADMIN_DOWN: Interface Ethernet1/1 is down (Administratively down)",
        {
            "kind": "interface", "state": "down", "interface": "Ethernet1/1",
            "reason": "Administratively down", "initiator": "local",
        },
    ),
    (
        _PLAIN + "Bgp: %BGP-5-ADJCHANGE: peer 10.0.0.1 (VRF default AS 65001) old state Established event Stop new state Idle",
        {
            "kind": "bgp_session", "state": "down", "neighbor": "10.0.0.1", "neighbor_as": 65001,
            "vrf": "default", "reason": "Stop", "initiator": "local",
        },
    ),
    (
        _PLAIN + "Isis: %ISIS-4-ISIS_ADJCHG: L2 Neighbor State Change for SystemID 1111.1111.1111 on Ethernet1 to DOWN",
        {"kind": "isis_adjacency", "state": "down", "interface": "Ethernet1", "neighbor": "1111.1111.1111"},
    ),
    (
        _PLAIN + "Rib: %OSPF-4-OSPF_ADJACENCY_TEARDOWN: NGB 10.0.0.1, interface 10.0.1.1 adjacency dropped: interface went down, state was: FULL",
        {
            "kind": "ospf_adjacency", "state": "down", "neighbor": "10.0.0.1",
            "reason": "interface went down, state was: FULL",
        },
    ),
    (_PLAIN + "Rib: %OSPF-4-OSPF_ADJACENCY_ESTABLISHED: NGB 10.0.0.1, interface 10.0.1.1 adjacency established",
        {"kind": "ospf_adjacency", "state": "up", "neighbor": "10.0.0.1"}),
    (_IOS + "%IP-4-DUPADDR: Duplicate address 10.0.0.1 on GigabitEthernet1, sourced by aaaa.bbbb.cccc",
        {"kind": "interface", "state": "degraded", "interface": "GigabitEthernet1"}),
    (_IOS + "%SYS-2-MALLOCFAIL: Memory allocation of 1000 bytes failed from 0x6015",
        {"kind": "resource", "state": "down"}),
    (_IOS + "%SFF8472-5-THRESHOLD_VIOLATION: Te1/1/1: Rx power low alarm; Operating value: -40.0 dBm",
        {"kind": "optics", "state": "degraded", "interface": "Te1/1/1"}),
    (_IOS + "%SYS-5-RESTART: System restarted --", {"kind": "restart", "state": "noted"}),
    # Junos
    (
        _JUNOS + "rpd[24]: bgp_peer_mgmt_clear:7321: NOTIFICATION sent to 10.0.0.1 (Internal AS 65001): code 6 (Cease) "
        "subcode 4 (Administratively Reset), Reason: Management session cleared BGP neighbor",
        {
            "kind": "bgp_session", "state": "down", "neighbor": "10.0.0.1", "neighbor_as": 65001,
            "reason": "code 6 (Cease) subcode 4 (Administratively Reset), Reason: Management session cleared BGP neighbor",
            "initiator": "local",
        },
    ),
    (
        _JUNOS + "rpd[24]: RPD_OSPF_NBRDOWN: OSPF neighbor 10.0.0.1 (realm ospf-v2 ge-0/0/0.0 area 0.0.0.0) state "
        "changed from Full to Down due to InActiveTimer (event reason: neighbor was inactive)",
        {
            "kind": "ospf_adjacency", "state": "down", "interface": "ge-0/0/0.0",
            "neighbor": "10.0.0.1",
            "reason": "InActiveTimer (event reason: neighbor was inactive)",
        },
    ),
    (
        _JUNOS + "rpd[24]: RPD_ISIS_ADJDOWN: IS-IS lost L2 adjacency to spine1 on xe-0/0/0.0, reason: Aged Out",
        {
            "kind": "isis_adjacency", "state": "down", "interface": "xe-0/0/0.0",
            "neighbor": "spine1", "reason": "Aged Out",
        },
    ),
    (_JUNOS + "rpd[24]: RPD_LDP_SESSIONUP: LDP session 10.0.0.1 is up",
        {"kind": "ldp_session", "state": "up", "neighbor": "10.0.0.1"}),
    (
        _JUNOS + "bfdd[24]: BFDD_STATE_UP_TO_DOWN: BFD Session 10.0.0.1 (IFL 70) state Up -> Down LD/RD(16/17) "
        "Up time:00:01:01 Local diag: CtlExpire Remote diag: None Reason: Detect Timer Expiry.",
        {"kind": "bfd_session", "state": "down", "neighbor": "10.0.0.1", "reason": "Detect Timer Expiry"},
    ),
    (_JUNOS + "alarmd[24]: Alarm set: PS color=RED, class=CHASSIS, reason=PEM 0 Not OK",
        {"kind": "power", "state": "degraded", "reason": "PEM 0 Not OK"}),
    (_JUNOS + "alarmd[24]: Alarm cleared: PS color=RED, class=CHASSIS, reason=PEM 0 Not OK",
        {"kind": "power", "state": "up", "reason": "PEM 0 Not OK"}),
    (_JUNOS + "mgd[24]: UI_COMMIT: User 'admin' requested 'commit' operation (comment: none)",
        {"kind": "configuration", "state": "changed"}),
    # Huawei VRP and H3C
    (_VRP + "IFNET/4/LINK_STATE(l)[1]:The line protocol IP on the interface GigabitEthernet0/0/1 has entered the DOWN state.",
        {"kind": "interface", "state": "down", "interface": "GigabitEthernet0/0/1"}),
    (
        _VRP + "BGP/3/STATE_CHG_UPDOWN(l)[2]:The status of the peer 10.1.1.1 changed from ESTABLISHED to IDLE. "
        "(InstanceName=Public, StateChangeReason=Hold Timer Expired)",
        {
            "kind": "bgp_session", "state": "down", "neighbor": "10.1.1.1", "vrf": "Public",
            "reason": "Hold Timer Expired",
        },
    ),
    (
        _VRP + "OSPF/4/NBR_CHANGE_E(l)[0]:Neighbor changes event: neighbor status changed. (ProcessId=1, "
        "NeighborAddress=10.1.1.2, NeighborEvent=HelloReceived, NeighborPreviousState=Full, NeighborCurrentState=Down)",
        {"kind": "ospf_adjacency", "state": "down", "neighbor": "10.1.1.2"},
    ),
    (
        "<189>Feb  6 08:42:36 2020 h1 %%10IFNET/3/PHY_UPDOWN: Physical state on the interface GigabitEthernet1/0/1 changed to down.",
        {"kind": "interface", "state": "down", "interface": "GigabitEthernet1/0/1"},
    ),
    # Nokia SR OS
    (_SROS + "PORT-WARNING-linkDown-2004 [Port 1/1/1]:  Interface 1/1/1 is not operational",
        {"kind": "interface", "state": "down", "interface": "1/1/1"}),
    (
        _SROS + "BGP-WARNING-bgpBackwardTransition-2002 [Peer 1: 10.0.0.1]:  (VR 1: Group IBGP: Peer 10.0.0.1): moved "
        "from higher state ESTABLISHED to lower state IDLE due to event TCP SOCKET ERROR",
        {"kind": "bgp_session", "state": "down", "neighbor": "10.0.0.1", "reason": "event TCP SOCKET ERROR"},
    ),
    (_SROS + "CHASSIS-MAJOR-tmnxEqPowerSupplyFailure-2003 [Power Supply 1]:  Power supply 1 failed",
        {"kind": "power", "state": "down"}),
    # Brocade NetIron, FortiOS
    (_PLAIN + "System: Interface ethernet 1/1, state down - link down",
        {"kind": "interface", "state": "down", "interface": "ethernet 1/1", "reason": "link down"}),
    (_PLAIN + "BGP: Peer 10.0.0.1 DOWN (Hold Timer Expired)",
        {"kind": "bgp_session", "state": "down", "neighbor": "10.0.0.1", "reason": "Hold Timer Expired"}),
    (
        '<189>date=2020-02-06 time=09:42:36 devname="h1" devid="F1" logid="0100020099" level="warning" tz="+0100" '
        'logdesc="Interface status changed" action="interface-stat-change" status="DOWN" '
        'msg="Link monitor: Interface wan1 was turned down"',
        {"kind": "interface", "state": "down", "interface": "wan1"},
    ),
    (_XR + "%ROUTING-BGP-5-ADJCHANGE_DETAIL : neighbor 10.0.0.1 Up (VRF: default; AFI/SAFI: 1/1) (AS: 65001)",
        {"kind": "bgp_session", "state": "up", "neighbor": "10.0.0.1", "neighbor_as": 65001, "vrf": "default"}),
    (_JUNOS + "rpd[24]: RPD_ISIS_ADJUP: IS-IS new L2 adjacency to spine1 on xe-0/0/0.0",
        {"kind": "isis_adjacency", "state": "up", "interface": "xe-0/0/0.0", "neighbor": "spine1"}),
    (_JUNOS + "xntpd[24]: NTP Server 10.1.1.1 is Unreachable",
        {"kind": "clock", "state": "down", "neighbor": "10.1.1.1"}),
    (_VRP + "IFNET/2/linkDown_clear(l)[1]:The interface status changes. (ifName=GE1/0/1, AdminStatus=UP, OperStatus=UP)",
        {"kind": "interface", "state": "up", "interface": "GE1/0/1"}),
    (_SROS + "CHASSIS-WARNING-tmnxStateChange-2009 [CHASSIS]:  Status of Card 1 changed administrative state: inService, operational state: outOfService",
        {"kind": "hardware", "state": "down"}),
    ("<187>h1: 2020 Feb  6 08:42:36 UTC: %ETHPORT-5-SPEED: Interface Ethernet1/1, operational speed changed to 10 Gbps",
        {"kind": "interface", "state": "changed", "interface": "Ethernet1/1"}),
    ("<166>Feb  6 08:42:36 h1 : %ASA-4-411002: Line protocol on Interface outside, changed state to down",
        {"kind": "interface", "state": "down", "interface": "outside"}),
    # No vendor of the table
    (_PLAIN + "bgpd[11]: %ADJCHANGE: neighbor 10.0.0.1(leaf1) in vrf default Down BGP Notification received",
        {
            "kind": "bgp_session", "state": "down", "neighbor": "10.0.0.1", "vrf": "default",
            "reason": "BGP Notification received", "initiator": "remote",
        }),
    (_PLAIN + "hal: <Info:vlan.msgs.portLinkStateDown> Port 1:24 link down",
        {"kind": "interface", "state": "down", "interface": "1:24"}),
    (_PLAIN + "kernel: eth0: link up", {"kind": "interface", "state": "up", "interface": "eth0"}),
    (_PLAIN + "routed: Neighbor 10.2.2.2 went down on interface ge-1/0/0: no hello",
        {"kind": "other", "state": "down", "interface": "ge-1/0/0", "neighbor": "10.2.2.2", "reason": "no hello"}),
    (_PLAIN + "ptp4l: [123.4] port 1: SLAVE to UNCALIBRATED on SYNCHRONIZATION_FAULT",
        {"kind": "clock", "state": "down"}),
    (_PLAIN + "app: SCTP association to 10.9.9.9 lost",
        {"kind": "signalling", "state": "down", "neighbor": "10.9.9.9"}),
    (_PLAIN + "app: Cell 12 out of service", {"kind": "service", "state": "down"}),
    (_PLAIN + "app: fan tray 2 failed", {"kind": "hardware", "state": "down"}),
    (_PLAIN + "sshd[1]: Failed password for root from 10.1.1.1 port 22 ssh2",
        {"kind": "authentication", "state": "degraded"}),
]  # fmt: skip


@pytest.mark.parametrize(("line", "expected"), CASES, ids=[line[-60:] for line, _ in CASES])
def test_a_line_means_the_same_in_every_vendors_words(line: str, expected: dict[str, Any]) -> None:
    """Us: one grammar of the event; vendor patterns are data and not needed to understand."""
    said = read(line).occurrence
    assert said is not None
    assert said.model_dump(mode="json", exclude_none=True) == expected


def test_raise_and_clear_of_one_problem_meet() -> None:
    """X.733: managed object, type and specific problem of a clear are those of its alarm."""
    lines = [
        _IOS + "%LINK-3-UPDOWN: Interface Gi1/0/1, changed state to down",
        _IOS + "%LINK-3-UPDOWN: Interface Gi1/0/1, changed state to up",
    ]
    raised, cleared = (read(line) for line in lines)
    assert raised.perceived_severity is PerceivedSeverity.MAJOR
    assert cleared.perceived_severity is PerceivedSeverity.CLEARED
    assert cleared.alarm_cleared_time == cleared.alarm_raised_time
    identity = (raised.managed_object, raised.alarm_type, raised.specific_problem)
    assert identity == ("h1:Gi1/0/1", AlarmType.COMMUNICATIONS_ALARM, "Interface down")
    assert (cleared.managed_object, cleared.alarm_type, cleared.specific_problem) == identity


@pytest.mark.parametrize(
    ("reason", "initiator"),
    [
        ("User clear requested (CEASE notification sent - administrative reset)", "local"),
        ("Interface flap", "local"),
        ("BGP Notification received, administrative reset", "remote"),
        ("Peer closing down the session", "remote"),
        ("BGP Notification sent, hold time expired", None),
        ("Hold timer expired", None),
        ("something else", None),
    ],
)
def test_the_initiator_is_named_where_the_reason_names_it(
    reason: str, initiator: str | None
) -> None:
    """Us: ranking needs to know which end started it, and must not be told what nobody said."""
    line = f"{_XR}%ROUTING-BGP-5-ADJCHANGE : neighbor 10.0.0.1 Down - {reason} (VRF: default) (AS: 65001)"
    said = read(line).occurrence
    assert said is not None
    assert (said.state, said.initiator) == ("down", initiator)
    assert said.reason is not None
    assert reason.startswith(said.reason)


def test_who_changed_the_configuration_is_kept() -> None:
    """Us: "who did it" is the first question about a change."""
    alarm = read(
        _VRP + "SHELL/5/CMDRECORD(s)[4]:Recorded command information. (Task=VT0, Ip=10.1.1.1, "
        'User=admin, Command="undo interface GE0/0/1")'
    )
    assert alarm.additional_information["user"] == "admin"
    assert alarm.additional_information["command"] == "undo interface GE0/0/1"
    assert alarm.managed_object == "h1"


def test_a_crossed_limit_is_a_threshold() -> None:
    """TS 28.532 thresholdInfo: what was measured, and against what."""
    alarm = read(
        _XR + "%ROUTING-BGP-5-MAXPFX : No. of IPv4 Unicast prefixes received from 10.0.0.1 has "
        "reached 94106, max 125000"
    )
    assert alarm.threshold_info is not None
    assert alarm.threshold_info.observed_value == 94106
    assert alarm.threshold_info.threshold_level == 125000


def test_words_without_meaning_stay_words() -> None:
    """Us: nothing is claimed that a line does not say."""
    alarm = read(_PLAIN + "systemd[1]: Started Session 5 of user root.")
    assert alarm.occurrence is None
    assert alarm.specific_problem is None
    assert alarm.perceived_severity is PerceivedSeverity.INDETERMINATE
