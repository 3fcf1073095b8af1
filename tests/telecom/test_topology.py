"""Managed objects and links, in any spelling."""

from __future__ import annotations

import pytest

from telecom.errors import SiteDirectoryError
from telecom.topology import ManagedObject, port_key, read_topology_csv

RING = """device,port,remote_port,remote_device
csr1,Hu0/0/0/1,Hu0/0/0/2,agg1
agg1,HundredGigE0/0/0/2,HundredGigE0/0/0/1,csr1
agg1,Hu0/0/0/3,Hu0/0/0/1,core1
"""


@pytest.mark.parametrize(
    ("short", "long"),
    [
        ("Hu0/0/0/1", "HundredGigE0/0/0/1"),
        ("Gi0/1", "GigabitEthernet0/1"),
        ("Te1/2", "TenGigabitEthernet1/2"),
        ("Eth1/13", "Ethernet1/13"),
        ("Po10", "port-channel10"),
        ("BE5", "Bundle-Ether5"),
    ],
)
def test_short_and_long_port_names_are_the_same_port(short: str, long: str) -> None:
    """INTERFACES: short and long port names are the same object."""
    assert port_key(short) == port_key(long)


def test_a_link_given_from_both_ends_counts_once() -> None:
    """Us: operators export both directions."""
    topology = read_topology_csv(RING)
    assert len(topology.links) == 2
    assert topology.neighbors("agg1") == ["csr1", "core1"]


def test_an_object_is_respelled_as_the_topology_spells_it() -> None:
    """INTERFACES: a managed object is spelled as the site's own topology spells it."""
    topology = read_topology_csv(RING)
    assert topology.canonical("CSR1:HundredGigE0/0/0/1") == ManagedObject("csr1", "Hu0/0/0/1")


def test_the_far_end_of_a_port_is_found_by_any_spelling() -> None:
    """Us: an interface alarm names one end; the cause may be the other."""
    topology = read_topology_csv(RING)
    far = topology.far_ends(ManagedObject("agg1", "HundredGigE0/0/0/3"))
    assert far == [ManagedObject("core1", "Hu0/0/0/1")]


def test_distance_grows_by_one_for_each_hop() -> None:
    """Us: `get_neighbors` answers by hops."""
    topology = read_topology_csv(RING)
    assert topology.within("csr1", 2) == {"csr1": 0, "agg1": 1, "core1": 2}
    assert topology.within("nowhere", 2) == {}


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_a_table_from_a_spreadsheet_is_read_with_its_own_delimiter(delimiter: str) -> None:
    """Us: in half of Europe a spreadsheet saves CSV with semicolons; tickets are read so, too."""
    theirs = read_topology_csv("\ufeff" + RING.replace(",", delimiter).replace("\n", "\r\n"))
    assert theirs.devices == read_topology_csv(RING).devices
    assert theirs.links == read_topology_csv(RING).links


def test_a_missing_column_is_named_with_the_header_it_should_be() -> None:
    """Us: an error says what would work."""
    with pytest.raises(SiteDirectoryError, match=r"topology.csv:1: column 'remote_device'"):
        read_topology_csv("device,port,remote_port\na,b,c\n")


def test_a_row_with_too_many_cells_is_named_by_line() -> None:
    """Us: a spoiled file says where."""
    with pytest.raises(SiteDirectoryError, match=r"topology.csv:2"):
        read_topology_csv("device,port,remote_port,remote_device\na,b,c,d,e,f\n")


def test_a_device_may_stand_alone() -> None:
    """INTERFACES: every part of a site may be missing."""
    topology = read_topology_csv("device,port,remote_port,remote_device\nlonely,,,\n")
    assert topology.devices == ["lonely"]
    assert topology.neighbors("lonely") == []


@pytest.mark.parametrize(
    "text",
    [
        'device,port,remote_device,remote_port\na,"' + "b,c,d\n" * 40_000,
        "x" * 200_000,
    ],
    ids=["an open quotation mark", "an endless header"],
)
def test_a_cell_without_end_is_named_and_breaks_nothing(text: str) -> None:
    """Us: one stray character must not end every command of a site with a traceback."""
    with pytest.raises(SiteDirectoryError, match=r"topology\.csv:\d+: no row of a table"):
        read_topology_csv(text)
