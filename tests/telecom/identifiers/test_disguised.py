"""Identifiers behind a notation: encoded, in groups, cut by a line end; and what only looks so."""

from __future__ import annotations

import base64
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telecom.identifiers import IdentifierDetector, mask

DETECTOR = IdentifierDetector()
IMSI = "262011234567890"
_UNEVENTFUL = "interface HundredGigE0/0/0/1 is up\n" * 200


def masked(text: str) -> str:
    return mask(text, DETECTOR.find(text))


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=40), st.binary(max_size=40), st.booleans())
def test_a_number_in_base64_is_hidden_wherever_it_begins(
    before: bytes, after: bytes, url_safe: bool
) -> None:
    """Issue 4: a trace or an export that encodes its payload says who it is about all the same."""
    around = before + b" ", b" " + after
    encode = base64.urlsafe_b64encode if url_safe else base64.b64encode
    encoded = encode(around[0] + IMSI.encode() + around[1]).decode()
    assert encoded.rstrip("=") not in masked(f"payload {encoded} sent")
    assert "[SUBSCRIBER]" in masked(f"payload {encoded} sent")


@pytest.mark.parametrize(
    "text",
    [
        f"payload {base64.b64encode(b'imsi=' + IMSI.encode() + b' attach').decode()}",
        f"user {base64.b64encode(b'+491711234567').decode()}",
        f"sim {base64.b64encode(b'8949020000134567890').decode()}",
        f"Hex-STRING: {IMSI.encode().hex(' ').upper()}",
        f"octets {IMSI.encode().hex(':')}",
        f"0x{b'msisdn-491711234567'.hex()}",
        "subscriber at 262 01 1234567890 is lost",
        "called by 262-01-1234567890 twice",
        "26201 12345 67890 cannot attach",
        "number 2620 1123 4567 890 wrong",
        "handset 35693-80356-43809 blocked",
    ],
)
def test_a_disguised_number_is_hidden(text: str) -> None:
    """Issue 4: recall first for what names a subscriber."""
    assert "[SUBSCRIBER]" in masked(text) or "[DEVICE]" in masked(text)


@pytest.mark.parametrize("before", ["", _UNEVENTFUL], ids=["alone", "in a long text"])
@pytest.mark.parametrize(
    "text",
    [
        "IMSI 2620112\n34567890 lost",
        "> imsi=2620112\r\n> 34567890 lost",
        "SUPI imsi-262011=\r\n234567890 lost",
        "MSISDN 49171\n1234567 lost",
        "IMEI 35693803\n5643809 lost",
    ],
)
def test_a_labelled_number_that_a_line_end_cuts_is_hidden_whole(text: str, before: str) -> None:
    """Issue 4: mail and terminals wrap lines; half a number is most of one."""
    hidden = masked(before + text + "\n" + before)
    assert not any(part in hidden for part in ("34567890", "234567890", "1234567", "5643809"))
    assert " lost" in hidden


@pytest.mark.parametrize(
    ("text", "stays"),
    [
        (f"IMSI {IMSI}\n20260301 10:00 up", "\n20260301 10:00 up"),
        ("imsi 262011\n2026-03-01 10:00 up", "\n2026-03-01 10:00 up"),
        ("imsi 262011\n12:00:01 up", "\n12:00:01 up"),
        ("phone 1234567\n10.0.0.1 up", "\n10.0.0.1 up"),
        ("imsi 262011\n" + _UNEVENTFUL + "34567890 up\nIMSI 2620112", "34567890 up"),
        ("ports 30 31 32 33 34 35 36 37 38 39 30 31", "30 31 32 33 34 35 36 37 38 39 30 31"),
        ("262 99 1234567890 is no network", "262 99 1234567890"),
        ("100 25 1234567890 packets", "100 25 1234567890"),
        ("310 200 300 400 500 600", "310 200 300 400 500 600"),
        ("exp " + base64.b64encode(b'{"until":1795901430}').decode(), "eyJ1bnRpbCI6MTc5NTkwMTQz"),
    ],
)
def test_what_only_looks_like_one_stays(text: str, stays: str) -> None:
    """Issue 4: times, tables, lists and counters stay readable."""
    assert stays in masked(text)


@pytest.mark.timeout(60)  # a backtracking pattern would take days
@pytest.mark.parametrize("piece", ["MjYy", "3632", "imsi 1\n", "262 01 ", "1=\r\n", "A"])
def test_hostile_repetition_costs_no_more_than_its_length(piece: str) -> None:
    """Us: linear, whatever a stranger writes."""
    random.seed(7)
    text = piece * 40_000
    found = DETECTOR.find(text)
    assert all(text[hit.start : hit.end] == hit.value for hit in found)
