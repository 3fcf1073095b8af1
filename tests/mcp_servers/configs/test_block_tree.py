"""Block trees and what they say: one element in every syntax, and text of no syntax at all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mcp_servers.configs.block_tree import read_tree
from mcp_servers.configs.element_view import view_addresses, view_element
from mcp_servers.configs.grammar import grammar_names, load_grammar, recognise
from tests.mcp_servers.configs.vendor_configs import JSON, JUNOS, MODELS, VENDORS, XML

NAMES = sorted(VENDORS)


@pytest.mark.parametrize("name", NAMES)
def test_the_vendor_is_recognised_from_the_content(name: str) -> None:
    """Us: nobody tells us which vendor a file is of."""
    assert recognise(VENDORS[name][0]).name == name


@pytest.mark.parametrize("name", NAMES)
def test_every_syntax_says_the_same_about_the_element(name: str) -> None:
    """Us: interface, address, state, session and references are read from every vendor."""
    text, port, down = VENDORS[name]
    view = view_element(read_tree(text))
    assert view.hostname == "pe1"
    interface = view.interface(port)
    assert interface is not None
    assert [str(own.ip) for own, _ in interface.addresses] == ["10.0.0.1"]
    mtu = view.inherited(interface, "mtu")
    assert mtu is not None
    assert int(mtu.value) - load_grammar(name).mtu_overhead == 9000
    shut = view.interface(down)
    assert shut is not None
    assert shut.is_shutdown
    assert not interface.is_shutdown
    session = view.sessions["", "10.0.0.2"]
    assert session.get("peer_as") == "65001"


@pytest.mark.parametrize("name", [name for name in NAMES if name not in MODELS])
def test_command_lines_tell_policies_vrfs_and_the_igp(name: str) -> None:
    """Us: definitions, uses, OSPF and the own AS are read from every command line."""
    text, port, _ = VENDORS[name]
    view = view_element(read_tree(text))
    assert ("policy", "INBOUND") in view.definitions
    assert ("policy", "INBOUND") in {(use.kind, use.name) for use in view.uses}
    assert {"BLUE", "10"} & {found for kind, found in view.definitions if kind == "vrf"}
    assert view.local_as is not None
    assert view.local_as.value == "65000"
    interface = view.interface(port)
    assert interface is not None
    assert interface.get("ospf_area") in ("0", "0.0.0.0")
    assert interface.get("ospf_network_type") in ("p2p", "point-to-point")


@pytest.mark.parametrize("name", NAMES)
def test_every_statement_stands_on_the_line_it_names(name: str) -> None:
    """Us: line numbers are exact, so that evidence can be read again."""
    tree = read_tree(VENDORS[name][0])
    assert tree.problem is None
    for placed in tree.placed:
        word = placed.statement.text.split()[0].strip('"{[')
        line = tree.lines[placed.statement.line - 1]
        # A member of a JSON list has no name of its own: it takes that of its key.
        assert word in line or line.strip() == "{" or word.endswith("]")


@pytest.mark.parametrize("name", NAMES)
def test_addresses_alone_are_the_addresses_of_the_whole_view(name: str) -> None:
    """Us: the quick way to addresses finds what the long one does."""
    tree = read_tree(VENDORS[name][0])
    quick, whole = view_addresses(tree), view_element(tree)
    for key, interface in quick.interfaces.items():
        assert interface.addresses == whole.interfaces[key].addresses


def test_every_grammar_has_a_test() -> None:
    """Us: a new vendor is a data file, and an entry in this test."""
    assert set(grammar_names()) == {*VENDORS, "generic"}


def test_unknown_syntax_is_nested_by_its_indentation() -> None:
    """Us: what nobody knows is still a tree with lines."""
    tree = read_tree("alpha one\n  beta two\n    gamma three\ndelta four\n")
    assert tree.grammar.name == "generic"
    assert [(placed.path, placed.statement.line) for placed in tree.placed] == [
        ((), 1),
        (("alpha one",), 2),
        (("alpha one", "beta two"), 3),
        ((), 4),
    ]


@pytest.mark.parametrize("text", [XML[:300], JSON[:200], "<!DOCTYPE x [<!ENTITY a 'b'>]><data/>"])
def test_a_broken_document_is_read_by_indentation_and_says_so(text: str) -> None:
    """Us: truncated files happen; a document type is refused."""
    tree = read_tree('<?xml version="1.0"?>\n' + text if text.startswith("<!") else text)
    assert tree.problem is not None
    assert tree.placed


def test_one_line_blocks_and_comments_of_braces_are_understood() -> None:
    """Us: Junos writes `a { b { c; } }` in one line, and comments anywhere."""
    text = (
        "/* two\n lines */\n"
        "interfaces { xe-0/0/1 { unit 0 { family inet { address 10.0.0.1/30; } } } }"
    )
    flats = [placed.flat for placed in read_tree(text, load_grammar("junos")).placed]
    assert flats[-1] == "interfaces xe-0/0/1 unit 0 family inet address 10.0.0.1/30"


def test_an_inactive_statement_is_not_in_force() -> None:
    """Us: Junos keeps deactivated statements in the file."""
    text = JUNOS.replace("        mtu 9014;", "        inactive: mtu 9014;")
    interface = view_element(read_tree(text)).interface("et-0/0/1")
    assert interface is not None
    assert interface.get("mtu") is None


def test_a_banner_is_one_statement_and_its_words_mean_nothing() -> None:
    """Us: a banner may contain anything, commands included."""
    text = (
        "hostname a\nbanner motd ^C\ninterface Gi0/1\n shutdown\n^C\ninterface Gi0/2\n shutdown\n"
    )
    tree = read_tree(text, load_grammar("ios"))
    assert [placed.statement.line for placed in tree.placed] == [1, 2, 6, 7]
    assert list(view_element(tree).interfaces) == ["gi0/2"]


def test_every_lab_device_is_parsed_with_every_interface_and_neighbour(
    shared_data: Callable[[str], Path],
) -> None:
    """Us: counts against the text itself, on IOS, EOS and IOS-XR labs."""
    files = list(shared_data("configs_lab_validation").rglob("show_running-config.txt"))
    assert len(files) == 19
    for file in files:
        text = file.read_text()
        tree = read_tree(text)
        view = view_element(tree)
        assert tree.grammar.name in ("ios", "eos", "ios_xr")
        assert view.hostname == file.parent.name
        written = [line for line in text.split("\n") if line.startswith("interface ")]
        assert len(view.definitions_of("interface")) == len(written)
        neighbors = {
            line.split()[1]
            for line in text.split("\n")
            if line.strip().startswith("neighbor ") and line.split()[1][0].isdigit()
        }
        assert {session.neighbor for session in view.sessions.values()} == neighbors
