"""Symptoms follow from the network: who may complain, and after which timer."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mcp_servers.sample_site import FAMILIES, Incident
from mcp_servers.sample_site.network import IN_BAND, Network, Role

NetworkOf = Callable[[int], Network]
IncidentOf = Callable[[str, int], Incident]

SEEDS = (1, 2, 3, 4, 5)
CAUSED = [name for name in FAMILIES if name not in ("no_cause", "missing_data")]


def _may_complain(network: Network, culprits: set[str]) -> set[str]:
    """Elements at or behind the culprits, around them, and what has a session with any of these."""
    powered = {b for a, relation, b in network.relations if a in culprits and relation == "powers"}
    hurt = culprits | powered
    hurt |= set(network.isolated(without=hurt))
    hurt |= {cable.far(name) for name in culprits | powered for cable in network.cables_of(name)}
    # A broken ring sends everybody's traffic the other way round; a bad clock misleads a ring.
    rings = {network.elements[name].ring for name in hurt} - {None}
    in_ring = (Role.AGGREGATION, Role.PRE_AGGREGATION, Role.GNB)
    hurt |= {e.name for e in network.of_role(*in_ring) if e.ring in rings}
    hurt |= {b for a, relation, b in network.relations if a in culprits and relation != "connects"}
    served = {gnb for gnb, upf in network.user_planes.items() if upf in hurt}
    borders = set(network.names(Role.BORDER)) & culprits
    functions = set(network.names(Role.UPF)) if borders else set()
    served |= {gnb for gnb, upf in network.user_planes.items() if upf in functions}
    hurt |= served | functions
    peers = {session.far(name) for name in hurt for session in network.sessions_of(name)}
    peers |= {neighbor for gnb in hurt for neighbor in network.xn_neighbors(gnb)}
    peers |= {a for a, relation, b in network.relations if b in hurt and relation == "serves"}
    peers |= {b for a, relation, b in network.relations if a in hurt and relation == "serves"}
    powers = {a for a, relation, b in network.relations if b in hurt and relation == "powers"}
    return hurt | peers | powers


@pytest.mark.parametrize("family", CAUSED)
def test_who_complains_has_something_to_do_with_the_cause(
    family: str, network_of: NetworkOf, incident_of: IncidentOf
) -> None:
    """Us: symptoms follow from the network model."""
    for seed in SEEDS:
        network, incident = network_of(seed), incident_of(family, seed)
        truth = incident.truth
        culprits = {cause.managed_object.partition(":")[0] for cause in truth.root_causes}
        culprits |= {name.partition(":")[0] for name in truth.acceptable}
        allowed = _may_complain(network, culprits)
        complaining = {r.event.element for r in incident.records if r.event.origin == "impact"}
        assert complaining <= allowed
        caused = {r.event.element for r in incident.records if r.event.origin == "cause"}
        assert caused <= culprits
        distracting = {r.event.element for r in incident.records if r.event.origin == "herring"}
        assert distracting <= set(truth.herrings)


def test_a_fault_in_one_ring_leaves_the_other_rings_routers_alone(
    network_of: NetworkOf, incident_of: IncidentOf
) -> None:
    """Us: containment, seen from the other side."""
    for family in ("transport_config", "fiber_cut", "ring_node_silent", "interface_shutdown"):
        for seed in SEEDS:
            network, incident = network_of(seed), incident_of(family, seed)
            culprit = incident.truth.root_causes[0].managed_object.partition(":")[0]
            ring = network.elements[culprit].ring
            for record in incident.records:
                element = network.elements[record.event.element]
                if record.event.origin == "impact" and element.role is Role.PRE_AGGREGATION:
                    assert element.ring == ring


@pytest.mark.parametrize("family", ["ring_node_silent", "fiber_cut", "transport_config"])
def test_protocols_notice_after_their_own_timers(
    family: str, network_of: NetworkOf, incident_of: IncidentOf
) -> None:
    """RFC 4271 hold time 180 s, RFC 9260 heartbeats, IS-IS hold time 30 s, light at once."""
    for seed in SEEDS:
        incident = incident_of(family, seed)
        # Flapping starts timers again and again; the hard failures have one start.
        if "BFD" in incident.truth.root_causes[0].cause:
            continue
        events = [r.event for r in incident.records if r.event.origin in ("impact", "cause")]
        first_loss = ("link_down", "isis_down", "isis_mismatch", "ospf_down")
        onset = min(event.time for event in events if event.name in first_loss)
        limits = {
            "link_down": (0, 1),
            "bfd_down": (0, 1),
            "isis_down": (0, 32),
            "amf_n2_lost": (10, 40),
            "xn_lost": (10, 40),
            "upf_n3_path": (25, 90),
            "gnb_unreachable": (55, 190),
            "router_unreachable": (55, 190),
        }
        for event in events:
            after = (event.time - onset).total_seconds()
            if event.name in limits and not event.cleared:
                low, high = limits[event.name]
                assert low <= after <= high, (event.name, after)
            if event.name == "bgp_down" and event.details["reason"] == "hold":
                assert 119 <= after <= 182


def test_what_is_cut_off_and_managed_in_band_says_nothing(
    network_of: NetworkOf, incident_of: IncidentOf
) -> None:
    """Us: a record needs a path, as the routers' and gNBs' own records do."""
    for family in ("ring_node_silent", "site_power", "interface_shutdown"):
        for seed in SEEDS:
            network, incident = network_of(seed), incident_of(family, seed)
            impact = [r.event for r in incident.records if r.event.origin == "impact"]
            cut = {event.element for event in impact if event.name.endswith("_unreachable")}
            assert cut
            losses = ("link_down", "admin_down")
            onset = min(event.time for event in impact if event.name in losses)
            for record in incident.records:
                event = record.event
                if event.element in cut and network.elements[event.element].role in IN_BAND:
                    assert event.time < onset or event.name.endswith("_unreachable")


def test_batteries_run_down_before_the_site_goes_dark(incident_of: IncidentOf) -> None:
    """Us: mains, then battery, then silence."""
    for seed in SEEDS:
        incident = incident_of("site_power", seed)
        power = incident.truth.root_causes[0].managed_object
        said = [
            r.event
            for r in incident.records
            if r.event.element == power and r.event.origin == "cause"
        ]
        assert [event.name for event in said] == ["mains_fail", "battery_discharge", "battery_low"]
        dark = min(r.event.time for r in incident.records if r.event.origin == "impact")
        minutes = (dark - said[0].time).total_seconds() / 60
        assert 20 <= minutes <= 45
        assert said[0].time > incident.truth.window[0]


def test_phase_errors_come_minutes_after_holdover(incident_of: IncidentOf) -> None:
    """G.8271.1: an oscillator keeps the phase budget for a while."""
    for seed in SEEDS:
        incident = incident_of("timing_loss", seed)
        held: dict[str, float] = {}
        for record in sorted(incident.records, key=lambda record: record.event.time):
            event = record.event
            if event.origin != "impact":
                continue
            if event.name == "sync_holdover":
                held[event.element] = event.time.timestamp()
            if event.name == "phase_error" and event.element in held:
                assert 120 <= event.time.timestamp() - held[event.element] <= 900


def test_a_fatal_change_is_committed_before_the_trouble_begins(incident_of: IncidentOf) -> None:
    """Us: a change committed shortly before onset."""
    changed = (
        "transport_config",
        "mtu_mismatch",
        "bgp_policy_error",
        "interface_shutdown",
        "ran_parameter_change",
    )
    for family in changed:
        for seed in SEEDS:
            incident = incident_of(family, seed)
            culprit = incident.truth.root_causes[0].managed_object.partition(":")[0]
            commit = next(c for c in incident.commits if c.element == culprit)
            impact = min(r.event.time for r in incident.records if r.event.origin in ("impact",))
            assert -10 < (impact - commit.time).total_seconds() < 500
