"""What a change puts at risk, by the direction in which it goes."""

from __future__ import annotations

import pytest

from mcp_servers.configs.difference import Difference, compare
from mcp_servers.configs.grammar import recognise
from mcp_servers.configs.suspicion import impact_of

VRP = """#
sysname pe1
#
interface GigabitEthernet0/1/0
 description to pe2
 undo shutdown
 isis enable 1
#
return
"""
NX_OS = """version 9.3(8)
feature bgp
hostname nx1
interface Ethernet1/1
  description to nx2
  no shutdown
  no switchport
"""
SR_OS = """# TiMOS-C-23.10.R1 cpm/x86_64 Nokia 7750 SR
exit all
configure
    router Base
        interface "to-pe1"
            address 10.1.0.2/30
            port 1/1/c1/1
            no shutdown
        exit
    exit
exit all
"""
JUNOS = """system {
    host-name p2;
}
interfaces {
    ge-0/0/1 {
        unit 0 {
            family inet { address 10.1.0.6/30; }
        }
    }
}
"""


def changed(old: str, new: str) -> Difference:
    """Compare two texts that hold no secrets."""
    return compare(old, new, recognise(old), lambda part, _whole: part)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (VRP, VRP.replace(" undo shutdown\n", " shutdown\n")),
        (NX_OS, NX_OS.replace("  no shutdown\n", "")),
        (SR_OS, SR_OS.replace("no shutdown", "shutdown")),
    ],
    ids=["VRP", "NX-OS", "SR OS"],
)
def test_a_port_taken_down_is_never_told_as_enabled(before: str, after: str) -> None:
    """Issue 7: ranked by suspicion with reasons; the reason has to go the way of the change."""
    down, up = impact_of(changed(before, after)), impact_of(changed(after, before))
    assert down.weight >= 0.9
    assert not any("interface enabled" in reason for reason in down.reasons)
    assert up.weight < 0.5
    assert not any("down" in reason or "no longer" in reason for reason in up.reasons)


def test_statements_that_share_a_line_show_it_once() -> None:
    """Issue 7: hunks have the changed lines, each once."""
    (hunk,) = changed(JUNOS, JUNOS.replace("10.1.0.6", "10.1.0.7")).hunks
    lines = [(line.sign, line.text.strip(), line.line) for line in hunk.lines]
    assert lines == [
        ("-", "family inet { address 10.1.0.6/30; }", 7),
        ("+", "family inet { address 10.1.0.7/30; }", 7),
    ]
    whole = "".join(changed("system {\n}\n", JUNOS).hunks[-1].model_dump_json())
    assert whole.count("10.1.0.6") == 1
