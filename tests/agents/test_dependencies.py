"""What hangs on what: cuts, and which trouble a provider hands on."""

from __future__ import annotations

from agents.dependencies import Dependencies
from telecom.alarm import OccurrenceKind
from telecom.topology import Link, ManagedObject, Topology

RING = (("a", "b"), ("b", "c"), ("c", "d"), ("d", "a"), ("c", "x"), ("x", "y"))


def dependencies() -> Dependencies:
    """A ring of four with a chain of two behind one of them, its power and its clock."""
    links = [Link(ManagedObject(one), ManagedObject(two)) for one, two in RING]
    links.append(Link(ManagedObject("pwr"), ManagedObject("x"), "powers"))
    links.append(Link(ManagedObject("tbc"), ManagedObject("y"), "clocks"))
    return Dependencies(Topology.of(links))


def test_what_has_one_way_is_cut_off_and_what_is_on_a_ring_is_not() -> None:
    """Us: the physics that ranking rests on."""
    found = dependencies()
    assert found.cut_off_by("c") == {"x", "y"}
    assert found.cut_off_by("a") == set()
    assert found.behind_link("c", "x") == found.behind_link("x", "c") == {"x", "y"}
    assert found.behind_link("a", "b") == set()


def test_a_dead_power_supply_takes_along_what_it_feeds_and_what_hangs_behind() -> None:
    """Us: the physics that ranking rests on."""
    assert dependencies().taken_along("pwr") == {"x", "y"}


def test_two_cables_between_two_elements_are_two_ways() -> None:
    """Us: losing one member of a pair isolates nobody."""
    ends = (("c", "p1", "x", "p1"), ("c", "p2", "x", "p2"))
    links = [Link(ManagedObject(a, p), ManagedObject(b, q)) for a, p, b, q in ends]
    assert Dependencies(Topology.of(links)).behind_link("c", "x") == set()


def test_a_wrong_clock_makes_phase_errors_and_never_a_lost_link() -> None:
    """Us: each relation hands on its own kinds of trouble."""
    found = dependencies()
    assert "tbc" in found.of("y", OccurrenceKind.CLOCK)
    assert "tbc" not in found.of("y", OccurrenceKind.INTERFACE)
    assert "pwr" in found.of("x", OccurrenceKind.HEARTBEAT)
    assert "pwr" not in found.of("x", OccurrenceKind.THRESHOLD)
