"""Contradictions are found, with the lines of both sides; agreement is not reported."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mcp_servers.configs.consistency import Finding
from mcp_servers.configs.repository import ConfigRepository
from telecom.topology import Link, ManagedObject, Topology

KEY = b"k" * 32
LEFT = """hostname left
interface GigabitEthernet0/0
 description to right
 mtu 9000
 speed 1000
 ip address 10.0.0.1 255.255.255.252
 ip ospf 1 area 0
 ip ospf network point-to-point
 ip ospf hello-interval 10
 isis network point-to-point
 ip router isis CORE
 isis circuit-type level-2-only
 isis metric 10
interface Loopback0
 ip address 10.255.0.1 255.255.255.255
 ip ospf 1 area 0
 ip router isis CORE
router bgp 65000
 neighbor 10.0.0.2 remote-as 65001
 neighbor 10.0.0.2 password Same0Key
 neighbor 10.0.0.2 route-map IN in
route-map IN permit 10
"""
RIGHT = (
    LEFT.replace("left", "RIGHT")
    .replace("right", "left")
    .replace("RIGHT", "right")
    .replace("10.0.0.1 ", "10.0.0.9 ")
    .replace("10.0.0.2", "10.0.0.1")
    .replace("10.0.0.9 ", "10.0.0.2 ")
    .replace("10.255.0.1", "10.255.0.2")
    .replace("bgp 65000", "bgp 65010")
    .replace("65001", "65000")
    .replace("65010", "65001")
)
TOPOLOGY = Topology.of([Link(ManagedObject("left", "Gi0/0"), ManagedObject("right", "Gi0/0"))])


def findings(folder: Path, left: str, right: str, topology: Topology = TOPOLOGY) -> list[Finding]:
    """Check two configurations."""
    (folder / "left.cfg").write_text(left)
    (folder / "right.cfg").write_text(right)
    with ConfigRepository.open(folder, topology, key=KEY) as repository:
        return repository.check_consistency()


def test_two_ends_that_agree_give_no_finding(tmp_path: Path) -> None:
    """Us: a check that cries wolf is not read."""
    assert findings(tmp_path, LEFT, RIGHT) == []
    assert findings(tmp_path, LEFT, RIGHT, Topology()) == []


@pytest.mark.parametrize(
    ("kind", "before", "after"),
    [
        ("mtu_mismatch", " mtu 9000", " mtu 1500"),
        ("mtu_mismatch", " mtu 9000\n", ""),
        ("speed_mismatch", " speed 1000", " speed 100"),
        ("subnet_mismatch", "10.0.0.2 255.255.255.252", "10.0.0.6 255.255.255.252"),
        ("one_end_shutdown", " speed 1000", " speed 1000\n shutdown"),
        ("ospf_area_mismatch", "isp", "isp"),
        ("igp_type_mismatch", " ip ospf network point-to-point\n", ""),
        ("igp_type_mismatch", " isis network point-to-point\n", ""),
        ("ospf_timer_mismatch", "hello-interval 10", "hello-interval 5"),
        ("igp_on_one_end", " ip router isis CORE\n isis circuit", " isis circuit"),
        ("isis_level_mismatch", "level-2-only", "level-1"),
        ("isis_metric_mismatch", "isis metric 10", "isis metric 500"),
        ("isis_passive_on_one_end", " isis metric 10", " isis metric 10\n isis passive"),
        ("bgp_as_mismatch", "remote-as 65000", "remote-as 65009"),
        ("bgp_session_one_sided", "neighbor 10.0.0.1 ", "neighbor 192.0.2.1 "),
        ("bgp_auth_mismatch", "Same0Key", "Other0Key"),
        ("bgp_auth_on_one_end", " neighbor 10.0.0.1 password Same0Key\n", ""),
        ("bgp_one_end_shutdown", "route-map IN in", "shutdown"),
        ("undefined_reference", "route-map IN permit 10\n", ""),
        ("duplicate_address", "10.255.0.2", "10.255.0.1"),
        ("peer_on_shutdown_interface", " speed 1000", " speed 1000\n shutdown"),
    ],
)
def test_each_contradiction_is_found_with_its_lines(
    tmp_path: Path, kind: str, before: str, after: str
) -> None:
    """Us: MTU, speed, subnet, OSPF, IS-IS, BGP, references, duplicates."""
    right = RIGHT.replace(before, after, -1 if kind == "bgp_session_one_sided" else 1)
    if kind == "ospf_area_mismatch":
        right = RIGHT.replace("area 0\n ip ospf", "area 7\n ip ospf")
    assert right != RIGHT
    found = [finding for finding in findings(tmp_path, LEFT, right) if finding.kind == kind]
    assert len(found) == 1
    texts = {"left.cfg": LEFT.split("\n"), "right.cfg": right.split("\n")}
    for side in found[0].sides:
        expected = texts[side.file][side.line - 1]
        assert side.text == expected or "<secret:" in side.text
    if kind not in ("undefined_reference", "peer_on_shutdown_interface"):
        assert {side.device for side in found[0].sides} == {"left", "right"}


def test_areas_and_defaults_are_compared_by_meaning(tmp_path: Path) -> None:
    """Us: area 0 is 0.0.0.0, and 1500 is what every vendor means by silence."""
    right = RIGHT.replace("area 0\n", "area 0.0.0.0\n")
    assert findings(tmp_path, LEFT, right) == []
    left = LEFT.replace(" mtu 9000\n", "")
    assert findings(tmp_path, left, right.replace(" mtu 9000", " mtu 1500")) == []


def test_the_lab_with_known_faults_shows_exactly_them(
    shared_data: Callable[[str], Path],
) -> None:
    """Us: the lab's README names the MTU, the missing policy and the neighbour without a peer."""
    root = shared_data("configs_lab_validation") / "ios_example_network" / "configs"
    with ConfigRepository.open(root, Topology(), key=KEY) as repository:
        found = [
            (finding.kind, *sorted(side.device for side in finding.sides))
            for finding in repository.check_consistency()
        ]
    assert sorted(found) == [
        ("bgp_session_one_sided", "as1border1", "as3border2"),
        ("duplicate_address", "as2border2", "as2dept1"),
        ("mtu_mismatch", "as2border1", "as2core2"),
        ("mtu_mismatch", "as2border2", "as2core2"),
        ("mtu_mismatch", "as2core2", "as2dist2"),
        ("undefined_reference", "as2core2"),
    ]


@pytest.mark.parametrize("lab", ["eos_ospf_bgp", "iosxr_ebgp_basic"])
def test_labs_without_faults_show_none(shared_data: Callable[[str], Path], lab: str) -> None:
    """Us: EOS and IOS-XR labs agree with themselves."""
    root = shared_data("configs_lab_validation") / lab / "configs"
    with ConfigRepository.open(root, Topology(), key=KEY) as repository:
        assert repository.check_consistency() == []
