"""Who, when, how grave, under which mnemonic: forms of log lines that no sample file shows.

Written from the vendors' published message forms; issue 5 asks for host, time, severity, mnemonic
and message of any line, and acceptance uses other vendors than the data at hand.
"""

# ruff: noqa: E501 - a log line is easier to read whole

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from telecom.alarm import Alarm
from telecom.formats import read_records

TIME = datetime(2026, 3, 1, 10, 15, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)

CASES: tuple[tuple[str, str, datetime | None, int | None, str | None, str], ...] = (
    # Huawei VRP, H3C Comware
    ("<189>Mar  1 10:15:02 CORE1 %%01IFNET/4/LINK_STATE(l)[14]:The line protocol IP on the interface GigabitEthernet0/0/1 has entered the DOWN state.", "CORE1", TIME, 5, "IFNET/4/LINK_STATE", "The line protocol"),
    ("Mar 1 2026 10:15:02+01:00 S12700-A %%01ISIS/4/ADJ_CHANGE(l):CID=0x80650421;The neighbor of ISIS was changed. (CurrentState=down)", "S12700-A", TIME - HOUR, 4, "ISIS/4/ADJ_CHANGE", "The neighbor of ISIS"),
    ("<189>Mar  1 10:15:02 2026 H3C-S5560 %%10IFNET/3/PHY_UPDOWN: Physical state on the interface GigabitEthernet1/0/3 changed to down.", "H3C-S5560", TIME, 5, "IFNET/3/PHY_UPDOWN", "Physical state"),
    ("%Mar  1 10:15:02:345 2026 H3C-S5560 IFNET/3/PHY_UPDOWN: -MDC=1; Physical state on the interface GigabitEthernet1/0/3 changed to down.", "H3C-S5560", TIME + timedelta(milliseconds=345), 3, "IFNET/3/PHY_UPDOWN", "Physical state"),
    # Nokia SR OS
    ("<190>Mar  1 10:15:02 10.0.0.7 TMNX: 1234 Base PORT-MINOR-etherAlarmSet-2017 [Port 1/1/5]:  Alarm Remote Fault Set", "10.0.0.7", TIME, 6, "PORT-MINOR-etherAlarmSet-2017", "Alarm Remote Fault Set"),
    ("2026/03/01 10:15:02.11 sros7 TMNX: 3021 Base BGP-WARNING-bgpBackwardTransNotification-2002 [Peer 1: 10.5.5.5]:  (ASN 65002) VR 1: Group ebgp: Peer 10.5.5.5: moved from higher state ESTABLISHED to lower state IDLE due to event HOLDTIME", "sros7", TIME + timedelta(milliseconds=110), None, "BGP-WARNING-bgpBackwardTransNotification-2002", "(ASN 65002)"),
    # Brocade NetIron, FortiOS, Arista EOS
    ("<14>Mar 01 10:15:02 netiron-1 System: Interface ethernet 3/1, state down", "netiron-1", TIME, 6, "System", "Interface ethernet 3/1"),
    ('date=2026-03-01 time=10:15:02 devname=FGT-2 device_id=FG100E log_id=0101037138 type=event subtype=vpn pri=error vd=root msg="IPsec phase 1 error"', "FGT-2", TIME, 3, "0101037138", "IPsec phase 1"),
    ('<189>date=2026-03-01 time=10:15:02 devname="FGT-1" devid="FG100E" logid="0100020099" level="warning" eventtime=1772356502 tz="+0100" logdesc="Interface status changed" msg="Interface port1 was turned down"', "FGT-1", TIME - HOUR, 5, "Interface status changed", "Interface port1"),
    ("2026-03-01T10:15:02.123456+01:00 leaf2 Rib: %BGP-5-ADJCHANGE: peer 10.7.7.7 (VRF default AS 65010) old state Established event Stop new state Idle", "leaf2", TIME - HOUR + timedelta(microseconds=123456), 5, "BGP-5-ADJCHANGE", "peer 10.7.7.7"),
    # Junos, structured and not
    ('<28>1 2026-03-01T10:15:02.345Z mx960-1 mib2d 2345 SNMP_TRAP_LINK_DOWN [junos@2636.1.1.1.2.29 snmp-interface-index="530" interface-name="xe-0/0/1"] ifIndex 530, ifName xe-0/0/1', "mx960-1", TIME + timedelta(milliseconds=345), 4, "SNMP_TRAP_LINK_DOWN", "ifIndex 530"),
    ("<29>Mar  1 10:15:02  mx1 rpd[1400]: %DAEMON-5: peer closed", "mx1", TIME, 5, "rpd", "peer closed"),
    # Cisco ASA, NX-OS, IOS with origin id, relayed IOS-XR, SD-WAN
    ("<166>Mar 01 2026 10:15:02 fw-asa1 : %ASA-4-411002: Line protocol on Interface outside, changed state to down", "fw-asa1", TIME, 6, "ASA-4-411002", "Line protocol"),
    ("2026 Mar  1 10:15:02 n7k %$ VDC-1 %$ %ETHPORT-5-IF_DOWN_LINK_FAILURE: Interface Ethernet1/3 is down (Link failure)", "n7k", TIME, 5, "ETHPORT-5-IF_DOWN_LINK_FAILURE", "Interface Ethernet1/3"),
    ("<187>123: r1: Mar  1 10:15:02.123 CET: %LINK-3-UPDOWN: Interface TenGigabitEthernet1/1, changed state to down", "r1", TIME - HOUR + timedelta(milliseconds=123), 3, "LINK-3-UPDOWN", "Interface Ten"),
    ("<187>Mar  1 10:15:09 asr9k-1 1234: RP/0/RSP0/CPU0:Mar  1 10:15:02 UTC: ifmgr[257]: %PKT_INFRA-LINK-3-UPDOWN : Interface TenGigE0/0/0/1, changed state to Down", "asr9k-1", TIME, 3, "PKT_INFRA-LINK-3-UPDOWN", "Interface Ten"),
    # Ericsson (SEOS), Dell, Aruba CX, Extreme
    ("<141>Mar 01 10:15:02 router6k ospf: [0002]: %OSPF-5-INFO: neighbor 10.0.0.5 on intf to-core state changed FULL -> DOWN", "router6k", TIME, 5, "OSPF-5-INFO", "neighbor 10.0.0.5"),
    ("<189>Mar  1 10:15:02 dell-s1 %STKUNIT0-M:CP %IFMGR-5-OSTATE_DN: Changed interface state to down: Te 0/3", "dell-s1", TIME, 5, "IFMGR-5-OSTATE_DN", "Changed interface"),
    ("<5>Mar  1 10:15:02 os10 dn_ifm[1007]: Node.1-Unit.1:PRI [event], Dell EMC (OS10) %IFM_OSTATE_DN: Interface operational state is down :ethernet1/1/5", "os10", TIME, 5, "IFM_OSTATE_DN", "Interface operational"),
    ("<11>Mar  1 10:15:02 cx1 hpe-intfd[1]: Event|403|LOG_INFO|AMM|1/1|Link status for interface 1/1/3 is down", "cx1", TIME, 3, "403", "Link status"),
    ("Mar  1 10:15:02 x1 Info: <vlan.msgs.portLinkStateDown> Port 1:5 link down", "x1", TIME, 6, "vlan.msgs.portLinkStateDown", "Port 1:5"),
    ("<14>Mar  1 10:15:07 10.0.0.3 03/01/2026 10:15:02.12 <Warn:BGP.Neighbor> Peer 10.1.1.1 down", "10.0.0.3", TIME + timedelta(milliseconds=120), 6, "BGP.Neighbor", "Peer 10.1.1.1"),
    # MikroTik, Palo Alto, CEF, cloud-managed
    ("<30>Mar  1 10:15:02 gw7 interface,info ether3 link down", "gw7", TIME, 6, "interface", "ether3 link down"),
    ("Mar  1 10:15:02 rb4011 bgp,error Connection to 10.8.8.8 closed: HoldTimer expired", "rb4011", TIME, 3, "bgp", "Connection to"),
    ('<14>Mar  1 10:15:02 PA-1 1,2026/03/01 10:15:02,007000000,SYSTEM,ha,0,2026/03/01 10:15:02,,ha2-link-change,,0,0,general,critical,"HA2 link down",123,0x0', "PA-1", TIME, 6, "ha2-link-change", "HA2 link down"),
    ("Mar  1 10:15:02 fw CEF:0|Check Point|VPN-1|R80|1001|Link down on eth1|7|act=alert", "fw", TIME, 3, "1001", "Link down on eth1"),
    ("<134>1 1772360102.774247 dc1_appliance security_event ids_alerted signature=1:2", "dc1_appliance", TIME + timedelta(microseconds=774247), 6, None, "security_event"),
    # Plain daemons
    ("<34>1 2026-03-01T10:15:02Z host - - - - just text", "host", TIME, 2, None, "just text"),
    ("<4>Mar  1 10:15:02 web1 kernel: e1000e: eth0 NIC Link is Down", "web1", TIME, 4, "kernel", "e1000e: eth0"),
    ("Sun Mar  1 10:15:02 2026 daemon.warn pppd[4]: lost carrier", "FILE", TIME, 4, "pppd", "lost carrier"),
    ("<13>2026-03-01T10:15:02+0100 edge-1 user.notice root: hello", "edge-1", TIME - HOUR, 5, "root", "hello"),
    ("2026-03-01 10:15:02,123 ERROR com.vendor.nms Alarm LOS on NE=adva-1", "FILE", TIME + timedelta(milliseconds=123), 3, None, "com.vendor.nms"),
    ("[2026-03-01T10:15:02Z] WARN amf: NGAP association lost with gnb 12", "FILE", TIME, 4, "amf", "NGAP association"),
    ("<187>Mar  1 10:15:02 fe80::1 ifmgr: port 3 is shut", "fe80::1", TIME, 3, "ifmgr", "port 3"),
    ("1772360102.5 host9 app: something happened", "host9", TIME + timedelta(milliseconds=500), None, "app", "something"),
)  # fmt: skip


@pytest.mark.parametrize(
    ("line", "host", "time", "severity", "mnemonic", "message"),
    CASES,
    ids=[line[:40] for line, *_ in CASES],
)
def test_every_form_gives_host_time_severity_mnemonic_and_message(
    line: str,
    host: str,
    time: datetime | None,
    severity: int | None,
    mnemonic: str | None,
    message: str,
) -> None:
    """Issue 5: syslog of any vendor."""
    (alarm,) = read_records(line.encode(), path="alarms/FILE.log", format="syslog", year=2026)
    assert isinstance(alarm, Alarm)
    assert alarm.managed_object.startswith(host)
    assert alarm.alarm_raised_time == time
    assert alarm.additional_information.get("severity") == severity
    assert alarm.probable_cause == mnemonic
    assert alarm.additional_text.startswith(message)


def test_two_forms_of_a_lost_neighbour_mean_the_same() -> None:
    """Issue 5: a shared grammar of the event, vendor patterns as data."""
    lines = (
        "Mar  1 10:15:02 frr1 ospfd[88]: AdjChg: Nbr 10.0.0.1(default) on eth1:10.0.0.2: Full -> Down (InactivityTimer)",
        "<187>r1: *Mar  1 2026 10:15:02.123: %OSPF-5-ADJCHG: Process 1, Nbr 10.0.0.1 on eth1 from FULL to DOWN, Neighbor Down: Dead timer expired",
    )
    found = [
        record.occurrence
        for line in lines
        for record in read_records(line.encode(), path="alarms/x.log", format="syslog", year=2026)
        if isinstance(record, Alarm) and record.occurrence
    ]
    assert [(each.kind, each.state, each.interface, each.neighbor) for each in found] == [
        ("ospf_adjacency", "down", "eth1", "10.0.0.1")
    ] * 2
