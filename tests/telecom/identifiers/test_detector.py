"""The detector finds what it must, leaves alone what is none, and stays linear."""

from __future__ import annotations

import json
import random
import re
import runpy
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telecom.errors import SettingsError
from telecom.identifiers import (
    DetectorSettings,
    IdentifierDetector,
    IdentifierKind,
    harvest,
    mask,
)

_CASES = runpy.run_path(str(Path(__file__).with_name("labelled_cases.py")))
POSITIVES: list[tuple[str, str, str]] = _CASES["positives"]()
NEGATIVES: list[str] = _CASES["negatives"]()

DETECTOR = IdentifierDetector()


def masked(text: str, detector: IdentifierDetector = DETECTOR) -> str:
    return mask(text, detector.find(text))


def test_the_labelled_set_has_at_least_four_hundred_cases() -> None:
    """Us: a precision that nobody measured is none."""
    assert len(set(POSITIVES)) + len(set(NEGATIVES)) >= 400
    assert len(set(NEGATIVES)) >= 100


@pytest.mark.parametrize(("text", "value", "kind"), POSITIVES)
def test_an_identifier_is_found_whole_and_by_its_kind(text: str, value: str, kind: str) -> None:
    """R11 and 3GPP TS 23.003: subscriber identifiers do not leave."""
    start = text.index(value)
    covering = [
        hit for hit in DETECTOR.find(text) if hit.start <= start and hit.end >= start + len(value)
    ]
    assert [hit.kind for hit in covering] == [kind]


@pytest.mark.parametrize("text", NEGATIVES)
def test_what_is_no_identifier_stays_readable(text: str) -> None:
    """Us: a brief in which counters and element addresses are masked explains nothing."""
    assert DETECTOR.find(text) == []


@pytest.mark.parametrize("text", [text for text, _, _ in POSITIVES])
def test_masking_twice_changes_nothing(text: str) -> None:
    """Us: an answer may pass the gate of two halves."""
    once = masked(text)
    assert masked(once) == once


def test_every_secret_line_of_netconan_is_hidden(shared_data: Callable[[str], Path]) -> None:
    """Us, on real device lines: a community or password never leaves."""
    groups = json.loads((shared_data("pii") / "netconan/sensitive_lines.json").read_text())
    lines = [
        (template.format(secret) if "{}" in template else template + secret, secret)
        for pairs in groups.values()
        for template, secret in pairs
    ]
    assert [line for line, secret in lines if secret in masked(line)] == []


def test_configurations_lose_their_secrets_and_nothing_else(
    shared_data: Callable[[str], Path],
) -> None:
    """Us, on real configurations: a diff stays readable."""
    for file in sorted(shared_data("configs_lab_validation").rglob("show_running-config.txt")):
        text = file.read_text(encoding="utf-8", errors="replace")
        found = DETECTOR.find(text)
        assert {hit.kind for hit in found} <= {IdentifierKind.SECRET}
        assert not re.search(r"\$[156]\$|password 0 cisco", masked(text))


def test_show_outputs_raise_no_subscriber_alarm(shared_data: Callable[[str], Path]) -> None:
    """Us, on real show outputs: counters, serials and AS numbers are no subscribers."""
    people = {"SUBSCRIBER", "DEVICE", "SIM", "PERSON", "IP", "ACCOUNT", "LOCATION"}
    alarms = [
        hit
        for file in sorted(shared_data("show_outputs_ntc").rglob("*.raw"))
        for hit in DETECTOR.find(file.read_text(encoding="utf-8", errors="replace"))
        if hit.kind in people
    ]
    assert alarms == []


def test_element_addresses_stay_and_subscriber_prefixes_do_not() -> None:
    """Design decision 6: only a label, a class or the site's prefixes make an address personal."""
    text = "neighbor 172.31.21.0 Down, 100.64.3.9 lost, 2001:db8:17::5 lost"
    assert masked(text) == text
    site = IdentifierDetector(
        DetectorSettings(subscriber_prefixes=("100.64.0.0/10", "2001:db8:17::/48"))
    )
    assert masked(text, site) == "neighbor 172.31.21.0 Down, [IP] lost, [IP] lost"


@pytest.mark.parametrize("before", ["::ffff:", "::FFFF:", "64:ff9b::"])
def test_an_ipv4_address_is_the_same_inside_ipv6(before: str) -> None:
    """RFC 4291 and RFC 6052: a dual-stack socket logs the subscriber's address behind a prefix."""
    detector = IdentifierDetector(DetectorSettings(subscriber_prefixes=("100.64.0.0/10",)))
    found = detector.find(f"accepted [{before}100.64.3.4]:443 from {before}10.0.0.1")
    assert [(each.value, each.kind.value) for each in found] == [("100.64.3.4", "IP")]


def test_every_address_is_masked_where_the_site_asks_for_it_but_no_netmask() -> None:
    """Design decision 6: `mask_all_ips` is an option."""
    site = IdentifierDetector(DetectorSettings(mask_all_ips=True))
    text = "route 10.1.2.0 255.255.255.0 via 10.9.9.9, version 15.2.3"
    assert masked(text, site) == "route [IP] 255.255.255.0 via [IP], version 15.2.3"


def test_circuit_ids_are_found_by_the_sites_own_pattern() -> None:
    """Us: a customer's circuit names the customer."""
    site = IdentifierDetector(DetectorSettings(circuit_ids=(r"CKT-\d{6}",)))
    assert masked("loss on CKT-004711 since 10:00", site) == "loss on [CIRCUIT] since 10:00"
    assert masked("loss on ckt-004711 since 10:00", site) == "loss on [CIRCUIT] since 10:00"


def test_a_pattern_or_prefix_that_cannot_be_used_is_named() -> None:
    """Us: an operator must see which line of site.yaml is wrong."""
    with pytest.raises(SettingsError, match="circuit_ids"):
        IdentifierDetector(DetectorSettings(circuit_ids=(r"(?<=x)\d",)))
    with pytest.raises(SettingsError, match="subscriber_prefixes"):
        IdentifierDetector(DetectorSettings(subscriber_prefixes=("100.64/33",)))


def test_names_harvested_from_ticket_fields_are_masked_wherever_they_recur() -> None:
    """Us: a name in a reporter field comes back in the description."""
    names = harvest({"reporter": "Megan Payne", "assignee": "NOC Team", "title": "link down"})
    assert names == {"Megan Payne"}
    detector = DETECTOR.with_names(names)
    text = "megan payne called; Payne, Megan and M. Payne are one; window pane stays"
    assert masked(text, detector) == (
        "[PERSON] called; [PERSON] and [PERSON] are one; window pane stays"
    )


@pytest.mark.parametrize(
    "text",
    [
        "Customer Impact Assessment is open",
        "Contact Network Operations, then close",
        "Customer Premises Equipment was restarted",
        "contacted Customer Care about it",
        "Contact Cisco Support (case opened)",
        "Account Manager informed, no answer",
        "a Subscription Permanent Identifier (SUPI) is concealed",
        "Customer Site Visit planned",
    ],
)
def test_capitalised_words_that_name_nobody_stay(text: str) -> None:
    """Issue 4: precision; teams, equipment and terms are no people."""
    assert masked(text) == text


def test_a_national_number_is_found_by_the_numbering_plan_of_the_country() -> None:
    """Us: the people at a site write numbers as they dial them."""
    german = IdentifierDetector(DetectorSettings(country="DE"))
    text = "ring 0711/12345678 or (0711) 123-456 back"
    assert masked(text, german) == "ring [SUBSCRIBER] or [SUBSCRIBER] back"
    assert masked(text) == text
    for number in ("uptime 0123456789", "at 01-02-2026 10:15", "serial 03012345678"):
        assert masked(number, german) == number
    assert masked(text, IdentifierDetector(DetectorSettings(country="NO"))) == text


def test_a_field_that_declares_its_class_beats_every_pattern() -> None:
    """TS 29.571 and our models: what the field says counts, whatever the value looks like."""
    [hit] = DETECTOR.find_in_field("servedIMSI", "7")
    assert (hit.kind, hit.value) == (IdentifierKind.SUBSCRIBER, "7")
    assert DETECTOR.find_in_field("managed_object", "leaf1:Hu0/0/0/1") == []


def test_a_label_is_never_vetoed_by_a_checksum() -> None:
    """FACTS: an IMEI's check digit is not transmitted, an IMSI may be short."""
    assert masked("IMEI 490154203237510") == "IMEI [DEVICE]"
    assert masked("imsi=999990") == "imsi=[SUBSCRIBER]"


def test_a_cell_is_a_location_only_beside_a_subscriber() -> None:
    """Us: cells must stay readable in alarms, a person's cell must not leave."""
    assert masked("cell id 0x01A2B3 down") == "cell id 0x01A2B3 down"
    assert masked("cell id 0x01A2B3 imsi 262011234567890\ncell id 0x01A2B3 down") == (
        "cell id [LOCATION] imsi [SUBSCRIBER]\ncell id 0x01A2B3 down"
    )


def test_offsets_are_those_of_the_text_given_whatever_stands_before() -> None:
    """Us: folding look-alikes must not shift the spans."""
    text = "Zürich \U0001f4f6 \u200b２６２０１\u200b１２３４５６７８９０ и IMSI 262011234567890"
    assert [text[hit.start : hit.end] for hit in DETECTOR.find(text)] == [
        "２６２０１\u200b１２３４５６７８９０",
        "262011234567890",
    ]


def test_sparse_hits_in_a_long_text_are_found_at_their_place() -> None:
    """Us: only lines with a trigger are searched, and the way back must be right."""
    lines = ["interface HundredGigE0/0/0/1 is up"] * 5000
    lines[1234] = "IMSI 262011234567890"
    lines[4321] = "password: hunter2"
    text = "\n".join(lines)
    assert [hit.value for hit in DETECTOR.find(text)] == ["262011234567890", "hunter2"]


_KINDS = st.sampled_from(
    [
        ("imsi={}", r"26201\d{10}"),
        ("MSISDN {}", r"49170\d{7}"),
        ("IMEI: {}", r"35\d{12}"),
        ("iccid {}", r"8949\d{15}"),
        ("password: {}", r"[A-Za-z]{4}[0-9]{4}"),
        ("snmp-server community {} ro", r"[a-z]{3}[0-9]{4}"),
        ("mail {}", r"[a-z]{5,8}@[a-z]{5}\.net"),
    ]
)


@settings(max_examples=150, deadline=None)
@given(_KINDS, st.data(), st.text(max_size=40), st.text(max_size=40))
def test_no_surrounding_text_uncovers_an_identifier(
    kind: tuple[str, str], data: st.DataObject, before: str, after: str
) -> None:
    """Us: whatever stands around it, a labelled identifier is hidden."""
    template, pattern = kind
    value = data.draw(st.from_regex(pattern, fullmatch=True).filter(str.isascii))
    text = f"{before}\n{template.format(value)}\n{after}"
    hidden = masked(text)
    assert value not in hidden or value in before + after


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=300))
def test_any_text_is_searched_without_an_error_and_in_order(text: str) -> None:
    """Us: spans are ordered, inside the text and do not overlap."""
    found = DETECTOR.find(text)
    edges = [edge for hit in found for edge in (hit.start, hit.end)]
    assert edges == sorted(edges)
    assert all(text[hit.start : hit.end] == hit.value for hit in found)


@pytest.mark.timeout(60)  # a backtracking pattern would take days
@pytest.mark.parametrize(
    "piece",
    ["imsi ", "+1 ", "password ", "a@", "::", "$1$", "snmp-server host ", "Mr. A ", "0:", "(("],
)
def test_hostile_repetition_costs_no_more_than_its_length(piece: str) -> None:
    """Us: patterns are linear (RE2), so nothing a stranger writes stalls the gate."""
    random.seed(7)
    DETECTOR.find(piece * 40_000)
