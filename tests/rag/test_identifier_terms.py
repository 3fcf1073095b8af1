"""Identifiers are found and normalised; ordinary words and numbers are not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.identifier_terms import (
    asked_identifiers,
    identifier_terms,
    is_distinctive,
    without_identifiers,
)


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("see INC0042.", ["inc0042"]),
        (
            "pe1:HundredGigE0/0/0/1.100 is down",
            ["pe1:hu0/0/0/1.100", "pe1", "hu0/0/0/1.100", "hu0/0/0/1"],
        ),
        ("interface GigabitEthernet 0/1", ["gi0/1", "0/1"]),
        ("%ROUTING-BGP-5-ADJCHANGE : neighbor", ["routing-bgp-5-adjchange"]),
        ("neighbor 172.31.21.0 Down", ["172.31.21.0"]),
        ("peer 2001:db8::1 lost", ["2001:db8::1"]),
        ("host leaf1.example.net", ["leaf1.example.net", "leaf1"]),
        ("alarm 25888 and MAC_FLAP", ["25888", "mac_flap"]),
    ],
)
def test_identifiers_are_found_with_their_parts(text: str, terms: list[str]) -> None:
    """Issue: identifiers, error codes and interface names are tokenised properly."""
    assert identifier_terms(text) == terms


@pytest.mark.parametrize(
    "text",
    [
        "at 10:15:00 on 2026-03-01",
        "loss of 3.5 % for 30s at 10 Gbps",
        "the second-best path, and/or the other",
        "in 1958 by 12 people",
    ],
)
def test_times_counts_and_words_are_no_identifiers(text: str) -> None:
    """Us: a must-match on a number would hide every better answer."""
    assert identifier_terms(text) == []


def test_short_and_long_port_names_are_the_same_identifier() -> None:
    """INTERFACES: short and long port names are the same object."""
    assert asked_identifiers("Hu0/0/0/1") == asked_identifiers("HundredGigE0/0/0/1")
    assert asked_identifiers("pe1:Gi0/1") == asked_identifiers("pe1:GigabitEthernet0/1")


def test_technology_names_are_not_distinctive() -> None:
    """Us: `5G` in a question about 5G must not decide the order."""
    names = ("5g", "r16", "ipv6", "inc0042", "hu0/0/0/1", "link-3-updown")
    assert [is_distinctive(name) for name in names] == [False, False, False, True, True, True]


def test_the_words_inside_an_error_code_are_still_searched_for() -> None:
    """Us: `ADJCHANGE` is a good word even where the code was never seen."""
    assert without_identifiers(
        "ROUTING-BGP-5-ADJCHANGE on pe1:Hu0/0/0/1 from 10.0.0.1"
    ).split() == [
        "ROUTING",
        "BGP",
        "ADJCHANGE",
        "on",
        "pe1",
        "Hu0",
        "from",
    ]


@given(st.text(max_size=300))
def test_any_text_is_read(text: str) -> None:
    """Us: tickets hold anything."""
    assert all(identifier_terms(text))
