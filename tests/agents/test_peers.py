"""Who is at the other end of a session."""

from __future__ import annotations

from agents.peers import Peers
from telecom.topology import ManagedObject, read_topology_csv

STAR = """device,port,remote_device,remote_port
hub1,Hu0/0/0/1,leaf1,Hu0/0/0/1
hub1,Hu0/0/0/2,leaf2,Hu0/0/0/1
hub2,Hu0/0/0/1,leaf1,Hu0/0/0/2
hub2,Hu0/0/0/2,leaf2,Hu0/0/0/2
"""


def test_two_ends_of_one_point_to_point_subnet_face_each_other(record, ring) -> None:
    """RFC 3021: a /31 has two ends; the logs of both name the other's address."""
    here = record(0, "ring1", "bgp_session", neighbor="10.1.0.0")
    there = record(0, "ring2", "bgp_session", neighbor="10.1.0.1")
    peers = Peers([here, there], ring, {})
    assert peers.of(here) == ManagedObject("ring2")
    assert peers.of(there) == ManagedObject("ring1")


def test_the_same_holds_for_ipv6_and_for_slash_30(record, ring) -> None:
    """RFC 6164 for /127; /30 is what older networks have."""
    pairs = [("2001:db8::10", "2001:db8::11"), ("10.2.0.1", "10.2.0.2")]
    for one, two in pairs:
        here = record(0, "ring1", "bgp_session", neighbor=one)
        there = record(0, "ring2", "bgp_session", neighbor=two)
        assert Peers([here, there], ring, {}).of(here) == ManagedObject("ring2")


def test_elements_that_topology_keeps_apart_are_not_paired(record, ring) -> None:
    """Us: overlapping private addresses must not invent a neighbour."""
    here = record(0, "ring1", "bgp_session", neighbor="10.1.0.0")
    there = record(0, "ring3", "bgp_session", neighbor="10.1.0.1")
    assert Peers([here, there], ring, {}).of(here) is None


def test_a_configured_address_names_the_neighbour_and_its_port(record, ring) -> None:
    """DESIGN: the configuration knows which interface an address belongs to."""
    here = record(0, "ring1", "bgp_session", neighbor="10.9.9.9")
    peers = Peers([here], ring, {"10.9.9.9": "RING2:HundredGigE0/0/0/0"})
    assert peers.of(here) == ManagedObject("ring2", "Hu0/0/0/0")


def test_a_port_leads_to_what_topology_joins_it_to(record, ring) -> None:
    """Us: an interface alarm names no neighbour; its cable does."""
    alarm = record(0, "ring2", "interface", interface="HundredGigE0/0/0/1")
    assert Peers([alarm], ring, {}).of(alarm) == ManagedObject("ring3", "Hu0/0/0/0")


def test_a_silent_neighbour_is_the_one_element_that_all_reporters_share(record) -> None:
    """Issue of silent culprits: the remote end outside the logs is found by topology and AS."""
    topology = read_topology_csv(STAR)
    alarms = [
        record(0, "hub1", "bgp_session", neighbor="10.0.1.1", neighbor_as=65001),
        record(0, "hub2", "bgp_session", neighbor="10.0.2.1", neighbor_as=65001),
        record(0, "leaf2", "bgp_session", neighbor="10.0.9.1", neighbor_as=65900),
    ]
    assert Peers(alarms, topology, {}).of(alarms[0]) == ManagedObject("leaf1")


def test_a_silent_neighbour_that_could_be_several_stays_unnamed(record) -> None:
    """Us: a guess is worse than a gap."""
    topology = read_topology_csv(STAR)
    alarms = [
        record(0, "hub1", "bgp_session", neighbor="10.0.1.1", neighbor_as=65001),
        record(0, "hub2", "bgp_session", neighbor="10.0.2.1", neighbor_as=65001),
    ]
    assert Peers(alarms, topology, {}).of(alarms[0]) is None
