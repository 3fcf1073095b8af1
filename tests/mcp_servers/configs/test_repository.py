"""The repository as its callers see it: layouts, blocks, changes, and what follows from them."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mcp_servers.configs.repository import ConfigRepository
from telecom.configuration import ChangedLine, ConfigHunk
from telecom.errors import InvalidArgumentError, RecordNotFoundError, SiteDirectoryError
from telecom.times import Window
from telecom.topology import Link, ManagedObject, Topology
from tests.mcp_servers.configs.config_git import ConfigGit, at
from tests.mcp_servers.configs.vendor_configs import IOS_XR, VENDORS

KEY = b"k" * 32
PORT = "HundredGigE0/0/0/1"
PE2 = (
    IOS_XR.replace("pe1", "pe2-x")
    .replace("pe2\n", "pe1\n")
    .replace("pe2-x", "pe2")
    .replace("10.0.0.1 ", "10.0.0.2 ")
    .replace("10.255.0.1", "10.255.0.2")
    .replace("neighbor 10.0.0.2", "neighbor 10.0.0.1")
    .replace("router bgp 65000", "router bgp 65001")
    .replace("remote-as 65001", "remote-as 65000")
)
TOPOLOGY = Topology.of(
    [
        Link(ManagedObject("PE1", "Hu0/0/0/1"), ManagedObject("pe2", "Hu0/0/0/1")),
        Link(ManagedObject("pe2", "Hu0/0/0/2"), ManagedObject("ce3", "Gi0/1")),
    ]
)
DAY = Window(at(0), at(24))


@pytest.fixture
def git(tmp_path: Path) -> Iterator[ConfigGit]:
    """A repository with two routers in a group folder."""
    with ConfigGit(tmp_path / "configs") as made:
        made.commit({"core/pe1": IOS_XR, "core/pe2": PE2}, 0)
        yield made


@pytest.fixture
def opened(git: ConfigGit) -> Iterator[ConfigRepository]:
    """That repository, opened."""
    with ConfigRepository.open(Path(git.repo.path), TOPOLOGY, key=KEY) as repository:
        yield repository


def test_devices_are_spelled_as_the_topology_does(opened: ConfigRepository) -> None:
    """INTERFACES: a managed object is spelled as the site's own topology spells it."""
    assert opened.devices() == ["PE1", "pe2"]


@pytest.mark.parametrize(
    ("section", "first", "last", "path"),
    [
        ("interface Hu0/0/0/1", 10, 13, ("interface HundredGigE0/0/0/1",)),
        ("HundredGigE0/0/0/2", 15, 16, ("interface HundredGigE0/0/0/2",)),
        ("neighbor 10.0.0.2", 32, 35, ("router bgp 65000", "neighbor 10.0.0.2")),
        ("10.0.0.2", 32, 35, ("router bgp 65000", "neighbor 10.0.0.2")),
        ("route-policy INBOUND", 18, 21, ("route-policy INBOUND",)),
        ("vrf BLUE", 3, 4, ("vrf BLUE",)),
        ("router ospf 1 / area 0", 25, 27, ("router ospf 1", "area 0")),
        ("router bgp 65000 > neighbor 10.0.0.2 > remote-as", 33, 33, None),
    ],
)
def test_a_section_is_found_with_its_lines(
    opened: ConfigRepository, section: str, first: int, last: int, path: tuple[str, ...] | None
) -> None:
    """Us: by interface, neighbour, VRF, policy and free path, with exact line numbers."""
    blocks = opened.blocks("pe1", section)
    found = [block for block in blocks if block.first_line == first]
    assert found
    block = found[0]
    assert block.last_line == last
    assert block.text == "\n".join(IOS_XR.split("\n")[first - 1 : last])
    assert path is None or block.path == path
    assert block.file == "core/pe1"
    assert block.managed_object == "PE1"


def test_a_port_is_looked_up_by_either_spelling(opened: ConfigRepository) -> None:
    """INTERFACES: short and long port names are the same object."""
    assert opened.blocks("pe1:Hu0/0/0/1") == opened.blocks(f"PE1:{PORT}")
    assert opened.blocks("pe1:Hu0/0/0/1")[0].first_line == 10


def test_without_a_section_the_answer_is_an_outline(opened: ConfigRepository) -> None:
    """Us: never a whole file unless asked."""
    outline = opened.blocks("pe1")
    assert [block.text for block in outline][:3] == [
        "hostname pe1",
        "vrf BLUE",
        "interface Loopback0",
    ]
    assert all("\n" not in block.text for block in outline)
    page = opened.page("pe1", first_line=2, lines=3)
    assert page[0].text == "\n".join(IOS_XR.split("\n")[1:4])


@pytest.mark.parametrize("name", sorted(VENDORS))
def test_every_syntax_finds_its_interface(name: str, tmp_path: Path) -> None:
    """Us: lookups work for every vendor."""
    text, port, _ = VENDORS[name]
    (tmp_path / "pe1.txt").write_text(text)
    with ConfigRepository.open(tmp_path, Topology(), key=KEY) as repository:
        blocks = repository.blocks(f"pe1:{port}")
        assert any("10.0.0.1" in block.text for block in blocks)
        assert repository.addresses()["10.0.0.1"] == f"pe1:{port}"


def test_a_lookup_in_the_past_reads_what_stood_there_then(git: ConfigGit) -> None:
    """Us: what was it set to before the first alarm?"""
    second = git.commit({"core/pe1": IOS_XR.replace("mtu 9014", "mtu 1514")}, 5)
    with ConfigRepository.open(Path(git.repo.path), TOPOLOGY, key=KEY) as repository:
        now = repository.blocks("pe1", "interface Hu0/0/0/1")[0]
        then = repository.blocks("pe1", "interface Hu0/0/0/1", at=at(4))[0]
        assert "mtu 1514" in now.text
        assert "mtu 9014" in then.text
        assert (now.commit, now.committed_at) == (second, at(5))
        with pytest.raises(RecordNotFoundError):
            repository.blocks("pe1", at=at(-1))


def test_a_change_is_told_with_its_lines_its_reasons_and_what_it_touches(git: ConfigGit) -> None:
    """INTERFACES: one entry for each file of each commit, lines verbatim."""
    commit = git.commit(
        {"core/pe1": IOS_XR.replace(" mtu 9014", " mtu 1514")}, 5, author="kim", message="cr 17"
    )
    with ConfigRepository.open(Path(git.repo.path), TOPOLOGY, key=KEY) as repository:
        (change,) = repository.list_changes(Window(at(1), at(6)), around=["pe2"])
        assert (change.managed_object, change.commit, change.author, change.time) == (
            "PE1",
            commit,
            "kim",
            at(5),
        )
        assert change.message == "cr 17"
        assert change.hunks == (
            ConfigHunk(
                block=(f"interface {PORT}",),
                lines=(
                    ChangedLine(sign="-", text=" mtu 9014", line=12),
                    ChangedLine(sign="+", text=" mtu 1514", line=12),
                ),
            ),
        )
        assert change.touches == ("PE1:Hu0/0/0/1",)
        assert change.why[0] == "changes MTU"
        assert "the other end of what was asked about" in change.why[1]
        assert repository.diff("pe1:Hu0/0/0/1", at(1), at(6))[0].hunks == change.hunks
        assert repository.diff("pe1:Hu0/0/0/2", at(1), at(6)) == []


def test_moved_lines_are_no_change(git: ConfigGit) -> None:
    """Us: a semantic difference; the order of interfaces means nothing."""
    lines = IOS_XR.split("\n")
    moved = "\n".join([*lines[:6], *lines[8:14], *lines[6:8], *lines[14:]])
    git.commit({"core/pe1": moved}, 5)
    with ConfigRepository.open(Path(git.repo.path), TOPOLOGY, key=KEY) as repository:
        (change,) = repository.list_changes(Window(at(1), at(6)))
        assert change.hunks == ()
        assert change.score < 0.05


def test_the_order_of_an_access_list_does_matter(git: ConfigGit) -> None:
    """Us: the first entry that matches decides."""
    entries = ["ipv4 access-list IN", " 10 permit any", " deny ipv4 any any", " permit tcp any any"]
    git.commit({"core/pe1": "\n".join([*entries, IOS_XR])}, 1)
    swapped = [*entries[:2], entries[3], entries[2]]
    git.commit({"core/pe1": "\n".join([*swapped, IOS_XR])}, 5)
    with ConfigRepository.open(Path(git.repo.path), TOPOLOGY, key=KEY) as repository:
        (change,) = repository.list_changes(Window(at(4), at(6)))
        assert {line.text for hunk in change.hunks for line in hunk.lines} <= set(entries)
        assert change.hunks
        assert change.why[0] == "changes access list"


def test_a_changed_secret_shows_without_being_told(git: ConfigGit) -> None:
    """Us: secrets are stripped before anything else sees the text, messages included."""
    for hour, word in ((1, "Alpha77x"), (5, "Bravo88y")):
        git.commit(
            {"core/pe1": IOS_XR + f"snmp-server community {word} RO\n"},
            hour,
            message=f"set snmp-server community {word}",
        )
    with ConfigRepository.open(Path(git.repo.path), TOPOLOGY, key=KEY) as repository:
        (change,) = repository.list_changes(Window(at(4), at(6)))
        text = change.model_dump_json()
        assert "Alpha77x" not in text
        assert "Bravo88y" not in text
        lines = [line.text for line in change.hunks[0].lines]
        assert len({*lines}) == 2
        assert all(line.startswith("snmp-server community <secret:") for line in lines)


def test_hops_bound_the_scope_of_a_listing(git: ConfigGit) -> None:
    """Us: a device, its neighbours within n hops, or the whole site."""
    git.commit({"core/pe1": IOS_XR.replace("9014", "1514")}, 5)
    with ConfigRepository.open(Path(git.repo.path), TOPOLOGY, key=KEY) as repository:
        window = Window(at(4), at(6))
        assert len(repository.list_changes(window)) == 1
        assert len(repository.list_changes(window, around=["ce3"], hops=2)) == 1
        assert repository.list_changes(window, around=["ce3"], hops=1) == []


def test_the_true_change_outranks_two_hundred_decoys(tmp_path: Path) -> None:
    """Us: bulk and cosmetic changes sink, one MTU on the way to the alarm floats."""
    with ConfigGit(tmp_path / "configs") as git:
        names = [f"r{number}" for number in range(50)]
        texts = {name: IOS_XR.replace("pe1", name) for name in names}
        git.commit(dict(texts), 0)
        for number in range(220):
            name = names[number % 50]
            extra = (
                f"ntp server 192.0.2.{number}",
                f"logging 192.0.2.{number}",
                f"telemetry model-driven\n sensor-group G{number}",
                f"snmp-server location row {number}",
            )[number % 4]
            texts[name] += extra + "\n"
            git.commit({name: texts[name]}, 1 + number * 0.1)
        true = git.commit({"r7": texts["r7"].replace(" mtu 9014", " mtu 1514")}, 20)
        links = [
            Link(ManagedObject(a, "Hu0/0/0/2"), ManagedObject(b, "Hu0/0/0/1"))
            for a, b in itertools.pairwise(names)
        ]
    with ConfigRepository.open(tmp_path / "configs", Topology.of(links), key=KEY) as repository:
        for around in ((), ("r6",), ("r7", "r8"), ("r6:Hu0/0/0/2",)):
            ranked = repository.list_changes(Window(at(0.5), at(24)), around, limit=300)
            assert ranked[0].commit == true
            assert ranked[0].score > 0.4
            assert all(change.score < 0.1 for change in ranked[1:])


def test_a_roll_out_is_less_suspicious_than_a_lone_change(tmp_path: Path) -> None:
    """Us: the same change everywhere is seldom what broke one place."""
    with ConfigGit(tmp_path / "configs") as git:
        texts = {f"r{number}": IOS_XR for number in range(8)}
        git.commit(dict(texts), 0)
        for number in range(7):
            git.commit({f"r{number}": IOS_XR.replace("9014", "9214")}, 1)
        lone = git.commit({"r7": IOS_XR.replace("9014", "1514\n carrier-delay up 5")}, 1)
    with ConfigRepository.open(tmp_path / "configs", Topology(), key=KEY) as repository:
        ranked = repository.list_changes(DAY)
        assert ranked[0].commit == lone
        assert "a roll-out" in ranked[1].why[-1]


@pytest.mark.parametrize("bare", [False, True])
def test_groups_may_be_repositories_of_their_own(tmp_path: Path, bare: bool) -> None:
    """Us: Oxidized keeps one repository, or one for each group; bare by default."""
    for group, name in (("core", "pe1"), ("edge", "pe2")):
        with ConfigGit(tmp_path / (f"{group}.git" if bare else group), bare=bare) as git:
            git.commit({name: IOS_XR.replace("pe1", name)}, 0)
    with ConfigRepository.open(tmp_path, TOPOLOGY, key=KEY) as repository:
        assert repository.devices() == ["PE1", "pe2"]
        assert repository.blocks("pe2", "vrf BLUE")[0].file == "edge/pe2"
        assert len(repository.list_changes(DAY)) == 2


def test_dated_folders_are_snapshots(tmp_path: Path) -> None:
    """Us: what differs from one snapshot to the next was changed by the next."""
    for name, text in (
        ("2026-03-01", IOS_XR),
        ("2026-03-02T0600", IOS_XR.replace(" shutdown\n", "")),
    ):
        (tmp_path / name / "core").mkdir(parents=True)
        (tmp_path / name / "core" / "pe1.cfg").write_text(text)
    with ConfigRepository.open(tmp_path, TOPOLOGY, key=KEY) as repository:
        (change,) = repository.list_changes(Window(at(0), at(48)))
        assert change.commit == "2026-03-02T0600"
        assert change.time == datetime(2026, 3, 2, 6, tzinfo=UTC)
        assert change.path == "core/pe1.cfg"
        assert change.hunks[0].lines == (ChangedLine(sign="-", text=" shutdown", line=16),)
        assert "shutdown" in repository.blocks("pe1:Hu0/0/0/2", at=at(20))[0].text
        assert "shutdown" not in repository.blocks("pe1:Hu0/0/0/2")[0].text


def test_live_against_candidate_gives_exactly_the_true_change(
    shared_data: Callable[[str], Path],
) -> None:
    """Us: two access lists put on two interfaces of one router, and nothing else."""
    root = shared_data("configs_batfish_example")
    with ConfigRepository.open_pair(
        root / "live", root / "candidate", Topology(), key=KEY
    ) as repository:
        everything = Window(datetime(1990, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))
        (change,) = repository.list_changes(everything)
        assert change.managed_object == "as2dept1"
        assert [(hunk.block, hunk.lines) for hunk in change.hunks] == [
            (
                (f"interface GigabitEthernet{port}/0",),
                (ChangedLine(sign="+", text=f" ip access-group {name} out", line=line),),
            )
            for port, name, line in (
                (2, "RESTRICT_HOST_TRAFFIC_IN", 73),
                (3, "RESTRICT_HOST_TRAFFIC_OUT", 79),
            )
        ]


def test_the_topology_of_the_example_is_derived_from_its_addresses(
    shared_data: Callable[[str], Path],
) -> None:
    """Us: counts checked against the layer-1 topology that comes with the example."""
    root = shared_data("configs_batfish_example")
    edges = json.loads((root / "example_layer1_topology.json").read_text())["edges"]
    with ConfigRepository.open(root / "live", Topology(), key=KEY) as repository:
        devices = set(repository.devices())
        wanted = {
            frozenset(f"{edge[n]['hostname']}:{edge[n]['interfaceName']}" for n in edge)
            for edge in edges
            if edge["node1"]["hostname"] != edge["node2"]["hostname"]
            and not any(edge[n]["hostname"].startswith("host") for n in edge)
        }
        found = {
            frozenset({link.a.managed_object, link.b.managed_object})
            for device in devices
            for link in repository.get_neighbors(device)
            if link.relation == "connects"
        }
        assert wanted - found == set()


def test_neighbours_name_their_sources_and_conflicts(git: ConfigGit) -> None:
    """Us: conflicts between sources are shown, not hidden."""
    git.commit({"ce3": PE2.replace("pe2", "ce3").replace("10.255.0.2", "10.255.0.3")}, 1)
    git.commit({"core/pe2": PE2.replace("10.0.0.2 ", "10.9.9.9 ")}, 2)
    with ConfigRepository.open(Path(git.repo.path), TOPOLOGY, key=KEY) as repository:
        links = repository.get_neighbors("PE1")
        by_table = next(link for link in links if link.sources == ("topology", "descriptions"))
        by_address = next(link for link in links if "addresses" in link.sources)
        assert by_table.b.managed_object == "pe2:Hu0/0/0/1"
        assert by_address.b.managed_object == f"ce3:{PORT}"
        assert by_table.conflicts == (
            f"addresses and descriptions joins PE1:Hu0/0/0/1 to ce3:{PORT}",
        )
        assert by_table.a.mtu == "9014"
        assert {link.relation for link in links} == {"connects", "bgp"}


def test_addresses_lead_to_managed_objects(opened: ConfigRepository) -> None:
    """Us: a neighbour in a log line is an address; whose?"""
    assert opened.addresses() == {
        "10.0.0.1": "PE1:Hu0/0/0/1",
        "10.255.0.1": "PE1:Loopback0",
        "10.0.0.2": "pe2:Hu0/0/0/1",
        "10.255.0.2": "pe2:Loopback0",
    }


def test_an_address_of_two_devices_belongs_to_none(git: ConfigGit) -> None:
    """Us: anycast and copy-paste must not send the blame to the wrong element."""
    git.commit({"core/pe2": PE2.replace("10.255.0.2", "10.255.0.1")}, 1)
    with ConfigRepository.open(Path(git.repo.path), TOPOLOGY, key=KEY) as repository:
        assert "10.255.0.1" not in repository.addresses()


def test_find_config_is_linear_and_bounded(opened: ConfigRepository) -> None:
    """Us: patterns of strangers run on every line of the site."""
    found = opened.find_config(r"^ *remote-as \d+$", limit=2)
    assert [(block.managed_object, block.text) for block in found] == [
        ("PE1", "  remote-as 65001"),
        ("pe2", "  remote-as 65000"),
    ]
    assert opened.find_config("(e+)+1$", limit=1) != []
    for pattern in ("(", "(?=x)", "x" * 501):
        with pytest.raises(InvalidArgumentError):
            opened.find_config(pattern)


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "/etc/passwd", "pe9", "pe1\0", "\u202epe1", "", "a" * 5000]
)
def test_a_device_that_does_not_exist_is_refused_shortly(
    opened: ConfigRepository, name: str
) -> None:
    """Us: a name is never a path; the message says what would work."""
    with pytest.raises(RecordNotFoundError) as caught:
        opened.blocks(name)
    assert len(str(caught.value)) < 400
    assert str(caught.value).isprintable()


def test_arguments_out_of_range_are_refused(opened: ConfigRepository) -> None:
    """Us: the model can fix these."""
    for refused in (
        lambda: opened.list_changes(DAY, hops=11),
        lambda: opened.list_changes(DAY, limit=0),
        lambda: opened.blocks("pe1", "x" * 501),
        lambda: opened.page("pe1", first_line=0),
        lambda: opened.get_neighbors("pe1", hops=9),
        lambda: opened.find_config("x", limit=1000),
        lambda: opened.diff("pe1", at(2), at(1)),
    ):
        with pytest.raises(InvalidArgumentError):
            refused()
    with pytest.raises(RecordNotFoundError):
        opened.blocks("pe1", "interface Hu9/9/9/9")
    with pytest.raises(RecordNotFoundError):
        opened.get_neighbors("nobody")
    with pytest.raises(RecordNotFoundError):
        opened.diff("nobody", at(0), at(1))


def test_a_missing_folder_is_the_operators_to_mend(tmp_path: Path) -> None:
    """Us: the message names the cure."""
    with pytest.raises(SiteDirectoryError, match="is not a directory"):
        ConfigRepository.open(tmp_path / "configs", TOPOLOGY)


def test_a_file_named_by_address_is_known_by_its_host_name(tmp_path: Path) -> None:
    """Us: Oxidized may name files by the address it dials, or by a full name."""
    with ConfigGit(tmp_path / "configs") as git:
        git.commit({"192.0.2.1": IOS_XR, "pe2.core.example.net": PE2, "README.md": "hello"}, 0)
    with ConfigRepository.open(tmp_path / "configs", TOPOLOGY, key=KEY) as repository:
        assert repository.devices() == ["PE1", "pe2"]


def test_folders_name_the_device_where_files_are_named_by_command(tmp_path: Path) -> None:
    """Us: collections of show commands keep one folder for each device."""
    for name in ("pe1", "pe2"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "show_running-config.txt").write_text(IOS_XR)
    with ConfigRepository.open(tmp_path, TOPOLOGY, key=KEY) as repository:
        assert repository.devices() == ["PE1", "pe2"]
