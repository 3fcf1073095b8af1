"""Who is joined to whom: tables, neighbour outputs, addresses, descriptions; and conflicts."""

from __future__ import annotations

from pathlib import Path

import pytest

from mcp_servers.configs.desk import ConfigDesk
from mcp_servers.configs.link_sources import ObservedLink, merged_topology
from mcp_servers.configs.neighbor_outputs import read_neighbor_outputs
from mcp_servers.configs.repository import ConfigRepository
from telecom.errors import RecordNotFoundError
from telecom.topology import Link, ManagedObject, Topology

IOS_XR_LLDP = """RP/0/RSP0/CPU0:pe1#show lldp neighbors
Mon Mar  2 10:00:00.000 UTC
Capability codes:
        (R) Router, (B) Bridge, (T) Telephone, (C) DOCSIS Cable Device
        (W) WLAN Access Point, (P) Repeater, (S) Station, (O) Other

Device ID       Local Intf          Hold-time  Capability     Port ID
pe2.example.net HundredGigE0/0/0/1  120        R               Hu0/0/0/2
ce3             GigabitEthernet0/1/0/0 120     R               Gi0/1

Total entries displayed: 2

"""
IOS_CDP_DETAIL = """ce3#show cdp neighbors detail
-------------------------
Device ID: pe1.example.net
Entry address(es):
  IP address: 10.0.3.1
Platform: cisco ASR9K,  Capabilities: Router
Interface: GigabitEthernet0/1,  Port ID (outgoing port): GigabitEthernet0/1/0/0
Holdtime : 150 sec

Version :
Cisco IOS XR Software

advertisement version: 2
Duplex: full

"""
NX_OS_LLDP = """leaf1# show lldp neighbors
Capability codes:
  (R) Router, (B) Bridge, (T) Telephone, (C) DOCSIS Cable Device
  (W) WLAN Access Point, (P) Repeater, (S) Station, (O) Other
Device ID            Local Intf      Hold-time  Capability  Port ID
spine1(FDO1234X0AB)  Eth1/49         120        BR          Ethernet1/1
Total entries displayed: 1
"""
EOS_LLDP = """Last table change time   : 0:12:33 ago
Number of table inserts  : 2
Number of table deletes  : 0
Number of table drops    : 0
Number of table age-outs : 0

Port          Neighbor Device ID       Neighbor Port ID    TTL
---------- ------------------------ ---------------------- ---
Et1           spine1.example.net       Ethernet1/7         120
Et2           spine2                   Ethernet1/7         120

"""
JUNOS_LLDP = """noc@mx1> show lldp neighbors
Local Interface    Parent Interface    Chassis Id          Port info          System Name
et-0/0/1           -                   2c:6b:f5:00:00:01   et-0/0/7           mx2
ge-0/0/3           ae0                 2c:6b:f5:00:00:02   ge-0/0/4           mx3
"""
VRP_LLDP = """<hw1>display lldp neighbor
100GE0/1/1 has 1 neighbor(s):

Neighbor index                     :1
Chassis type                       :MAC address
Chassis ID                         :00e0-fc12-3456
Port ID subtype                    :Interface name
Port ID                            :100GE0/1/2
Port description                   :to hw1
System name                        :hw2
System description                 :Huawei Versatile Routing Platform Software
System capabilities supported      :bridge router
System capabilities enabled        :bridge router
Management address type            :ipv4
Management address                 :10.1.1.2
Expired time                       :110s
"""


@pytest.mark.parametrize(
    ("file", "text", "expected"),
    [
        (
            "pe1.txt",
            IOS_XR_LLDP,
            ["pe1:HundredGigE0/0/0/1 pe2:Hu0/0/0/2", "pe1:GigabitEthernet0/1/0/0 ce3:Gi0/1"],
        ),
        (
            "anything.log",
            IOS_CDP_DETAIL,
            ["ce3:GigabitEthernet0/1 pe1:GigabitEthernet0/1/0/0"],
        ),
        ("x/show_lldp_neighbors.txt", NX_OS_LLDP, ["leaf1:Eth1/49 spine1:Ethernet1/1"]),
        (
            "leaf9/show_lldp_neighbors.txt",
            EOS_LLDP,
            ["leaf9:Et1 spine1:Ethernet1/7", "leaf9:Et2 spine2:Ethernet1/7"],
        ),
        ("mx1.txt", JUNOS_LLDP, ["mx1:et-0/0/1 mx2:et-0/0/7", "mx1:ge-0/0/3 mx3:ge-0/0/4"]),
        ("hw1.txt", VRP_LLDP, ["hw1:100GE0/1/1 hw2:100GE0/1/2"]),
    ],
)
def test_neighbour_outputs_are_read_whoever_wrote_them(
    tmp_path: Path, file: str, text: str, expected: list[str]
) -> None:
    """Issue 7: LLDP/CDP neighbour outputs as a source of topology."""
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).write_text(text)
    reading = read_neighbor_outputs(tmp_path, Topology())
    assert [f"{each.link.a} {each.link.b}" for each in reading.links] == expected
    assert reading.gaps == ()
    assert {each.locator for each in reading.links} == {f"neighbors/{file}"}
    assert {each.source for each in reading.links} == {"cdp" if "cdp" in text else "lldp"}


def test_a_line_that_no_template_knows_costs_only_itself(tmp_path: Path) -> None:
    """Us: a banner or a time stamp in the middle must not cost the table."""
    (tmp_path / "leaf1.txt").write_text(
        NX_OS_LLDP.replace("Device ID ", "%% WARNING: unsaved changes\nDevice ID ", 1)
    )
    assert len(read_neighbor_outputs(tmp_path, Topology()).links) == 1


def test_what_is_no_neighbour_output_is_named_and_left(tmp_path: Path) -> None:
    """Issue 7: binary and huge files, links out of the tree: degraded with a clear message."""
    (tmp_path / "note.txt").write_text("call the field team\n")
    (tmp_path / "dump.bin").write_bytes(b"\0\1\2" * 100)
    (tmp_path / "huge.txt").write_text("x" * (1 << 20) + "y")
    secret = tmp_path.parent / "outside.txt"
    secret.write_text(JUNOS_LLDP)
    (tmp_path / "mx1.txt").symlink_to(secret)
    reading = read_neighbor_outputs(tmp_path, Topology())
    assert reading.links == ()
    assert [gap.what for gap in reading.gaps] == [
        "neighbors/dump.bin",
        "neighbors/huge.txt",
        "neighbors/note.txt",
    ]


def _end(text: str) -> ManagedObject:
    return ManagedObject.parse(text)


def test_the_better_source_keeps_its_port() -> None:
    """Issue 7: the operator's table before LLDP before addresses before descriptions."""
    table = Topology.of([Link(_end("pe1:Hu0/0/0/1"), _end("pe2:Hu0/0/0/2"))])
    merged = merged_topology(
        table,
        [
            ObservedLink(Link(_end("pe1:HundredGigE0/0/0/1"), _end("old9:Gi1")), "lldp", "a"),
            ObservedLink(Link(_end("pe1:Gi0/1/0/0"), _end("ce3:Gi0/1")), "lldp", "b"),
            ObservedLink(Link(_end("pe1:Gi0/1/0/0"), _end("ce4")), "descriptions", "c"),
        ],
    )
    assert [f"{link.a} {link.b}" for link in merged.links] == [
        "pe1:Hu0/0/0/1 pe2:Hu0/0/0/2",
        "pe1:Gi0/1/0/0 ce3:Gi0/1",
    ]


CONFIGS = {
    "pe1": "hostname pe1\ninterface GigabitEthernet0/1\n description to PE2 Gi0/2\n!\n"
    "interface GigabitEthernet0/3\n ip address 10.0.0.1 255.255.255.252\n!\nend\n",
    "pe2": "hostname pe2\ninterface GigabitEthernet0/2\n description spare\n!\nend\n",
    "pe3": "hostname pe3\ninterface GigabitEthernet0/9\n ip address 10.0.0.2 255.255.255.252\n"
    " description to pe1 or pe2\n!\nend\n",
}


def _desk(tmp_path: Path, *, lldp: str | None = None, table: Topology | None = None) -> ConfigDesk:
    (tmp_path / "configs").mkdir()
    for name, text in CONFIGS.items():
        (tmp_path / "configs" / f"{name}.cfg").write_text(text)
    if lldp is not None:
        (tmp_path / "neighbors").mkdir()
        (tmp_path / "neighbors" / "pe1.txt").write_text(lldp)
    table = table or Topology()
    return ConfigDesk(
        lambda topology: ConfigRepository.open(tmp_path / "configs", topology, key=b"k" * 32),
        table,
        read_neighbor_outputs(tmp_path / "neighbors", table),
    )


def test_with_nothing_else_the_configurations_give_the_topology(tmp_path: Path) -> None:
    """Issue 7: derived from descriptions and addresses when nothing else exists."""
    desk = _desk(tmp_path)
    assert {f"{link.a} {link.b}" for link in desk.topology.links} == {
        "pe1:GigabitEthernet0/3 pe3:GigabitEthernet0/9",
        "pe1:GigabitEthernet0/1 pe2:Gi0/2",
    }
    desk.close()


def test_two_sources_that_disagree_both_show(tmp_path: Path) -> None:
    """Issue 7: conflicts between sources shown, not hidden."""
    lldp = IOS_XR_LLDP.replace("HundredGigE0/0/0/1", "GigabitEthernet0/1").replace(
        "Hu0/0/0/2", "Gi0/2    "
    )
    table = Topology.of([Link(_end("pe1:Gi0/1"), _end("pe3:Gi0/7"))])
    desk = _desk(tmp_path, lldp=lldp, table=table)
    links = {link.b.managed_object: link for link in desk.neighbors("pe1:Gi0/1", 1)}
    assert set(links) == {"pe3:Gi0/7", "pe2:Gi0/2"}
    assert links["pe3:Gi0/7"].sources == ("topology",)
    assert links["pe3:Gi0/7"].conflicts == ("lldp and descriptions joins pe1:Gi0/1 to pe2:Gi0/2",)
    assert links["pe2:Gi0/2"].sources == ("lldp", "descriptions")
    assert links["pe2:Gi0/2"].conflicts == ("topology joins pe1:Gi0/1 to pe3:Gi0/7",)
    # What decides elsewhere is the operator's table.
    assert [str(far) for far in desk.topology.far_ends(_end("pe1:Gi0/1"))] == ["pe3:Gi0/7"]
    desk.close()


def test_an_element_that_no_source_knows_is_told_so(tmp_path: Path) -> None:
    """STYLE, errors: what would work."""
    desk = _desk(tmp_path)
    with pytest.raises(RecordNotFoundError, match="list_changes names devices"):
        desk.neighbors("nobody", 1)
    desk.close()
