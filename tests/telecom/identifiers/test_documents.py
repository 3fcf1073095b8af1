"""JSON of any shape: identifiers in values, keys, numbers and pairs, and nothing else touched."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telecom.errors import EgressRefusedError
from telecom.identifiers import IdentifierDetector
from telecom.identifiers.documents import DEEPEST, Document, distinct, sanitized, strings_of
from telecom.identifiers.masking import placeholder

DETECTOR = IdentifierDetector()
IMSI = "262011234567890"


def masked(value: object) -> object:
    return Document(value, DETECTOR).render(placeholder)[0]


def test_keys_values_and_numbers_are_masked_alike() -> None:
    """Us: an identifier in a key leaves as surely as in a value."""
    assert masked(
        {f"imsi-{IMSI}": f"SUPI imsi-{IMSI} gone", "imsi": int(IMSI), "ifHCInOctets": int(IMSI)}
    ) == {
        "imsi-[SUBSCRIBER]": "SUPI imsi-[SUBSCRIBER] gone",
        "imsi": "[SUBSCRIBER]",
        "ifHCInOctets": int(IMSI),
    }


def test_two_keys_that_masking_makes_equal_both_stay() -> None:
    """Us: masking loses no record."""
    assert masked({"imsi-262011234567890": 1, "imsi-262011234567891": 2}) == {
        "imsi-[SUBSCRIBER]": 1,
        "imsi-[SUBSCRIBER] (2)": 2,
    }


def test_name_value_pairs_declare_as_a_key_does() -> None:
    """ONAP VES additionalFields, TMF642 characteristics: the label is a value."""
    assert masked([{"name": "supi", "value": "4711"}, {"name": "speed", "value": "4711"}]) == [
        {"name": "supi", "value": "[SUBSCRIBER]"},
        {"name": "speed", "value": "4711"},
    ]


def test_a_cell_beside_a_subscriber_in_one_record_is_a_location() -> None:
    """Us: cell, subscriber and time together are a location."""
    assert masked([{"imsi": IMSI, "cell_id": 17}, {"cell_id": 17}]) == [
        {"imsi": "[SUBSCRIBER]", "cell_id": "[LOCATION]"},
        {"cell_id": 17},
    ]


def test_our_own_ids_times_and_names_stay() -> None:
    """Us: what a report needs to hold together is never altered."""
    answer = {
        "handle": "g:4f0c2a91",
        "evidence": {"change:1f3870be274f:leaf1:HundredGigE0/0/0/1": {"sha256": "ab" * 32}},
        "commit": "1f3870be274f6c49b3e31a0c6728957f1f3870be",
        "managed_object": "leaf1:HundredGigE0/0/0/1",
        "window": ["2026-03-01T10:15:00Z", "2026-03-01T10:45:00Z"],
        "count": 120000,
        "score": 0.731,
        "still_open": True,
        "cause": None,
    }
    assert masked(answer) == answer


@pytest.mark.parametrize(
    "value",
    [b"raw", {"a": b"raw"}, {1: "a"}, [object()], {"a": float("nan")}, {"a": {1, 2}}],
)
def test_what_is_not_json_is_refused(value: object) -> None:
    """Us: an unknown shape has not been looked into."""
    with pytest.raises(EgressRefusedError) as refusal:
        sanitized(value)
    assert refusal.value.rule == "gate.unknown_shape"


def test_nesting_has_a_bottom() -> None:
    """Us: a hostile answer must not exhaust the stack."""
    deep: object = "x"
    for _ in range(DEEPEST + 1):
        deep = [deep]
    with pytest.raises(EgressRefusedError):
        sanitized(deep)


def test_strings_lose_what_breaks_a_wire_or_fools_a_reader() -> None:
    """MCP, FACTS: one lone surrogate kills a client; bidi and tags hide text from people."""
    dirty = "a\x00b\x1b[31m\ud800c\u202ed\u2066e\U000e0041f\r\ng\th"
    assert sanitized(dirty) == "ab[31m\ufffdcdef\ng\th"


def test_spellings_of_one_identifier_count_once() -> None:
    """Us: budgets count identifiers, not mentions."""
    found = DETECTOR.find("MSISDN +491701234567, msisdn-491701234567, tel:+49-170-1234567")
    assert len(found) == 3
    assert len(distinct(found)) == 1


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=20,
)


@settings(max_examples=150, deadline=None)
@given(_JSON)
def test_a_document_planted_with_an_imsi_never_shows_it(value: object) -> None:
    """Us: whatever surrounds it."""
    shown = masked({"rest": value, "text": f"imsi {IMSI}", f"supi imsi-{IMSI}": [value]})
    assert not any(IMSI in text for text in strings_of(sanitized(shown)))
