"""What a model reads of a tool's answer: everything, once, in few tokens."""

from __future__ import annotations

import json

from agents.answer_reading import reading_of
from telecom.tokens import estimate_tokens

QUOTE = '<188>Mar  1 10:15:00 agg1 OSPF: neighbor "10.0.0.2" down, reason: MTU'


def listed(number: int) -> dict[str, object]:
    """One row as `list_alarms` gives it."""
    return {
        "alarm_id": f"a{number}",
        "time": f"2026-03-01T10:15:0{number}Z",
        "managed_object": "agg1",
        "perceived_severity": "MAJOR",
        "probable_cause": None,
        "evidence_id": f"alarm:a{number}",
    }


def answer(*numbers: int) -> dict[str, object]:
    """A list of alarms with its evidence."""
    quotation = {"source": "alarms", "locator": "alarms/agg1.log:1", "data_class": "alarms_raw"}
    return {
        "total": 9,
        "next_cursor": None,
        "alarms": [listed(number) for number in numbers],
        "evidence": {f"alarm:a{number}": quotation | {"quote": QUOTE} for number in numbers},
    }


def test_rows_stand_under_one_heading_with_their_quotations_verbatim():
    """Issue 8: no repeated evidence; ids stay, for statements cite them."""
    assert reading_of(answer(1, 2)).splitlines() == [
        "total: 9",
        "alarms [time,evidence_id] and its quotation, each with "
        '{"managed_object":"agg1","perceived_severity":"MAJOR"}:',
        f'["2026-03-01T10:15:01Z","alarm:a1"] {QUOTE}',
        f'["2026-03-01T10:15:02Z","alarm:a2"] {QUOTE}',
    ]


def test_what_was_read_before_is_named_and_not_quoted_again():
    """Issue 8: no repeated evidence between the turns of a loop."""
    read = reading_of(answer(1, 2), known=frozenset({"alarm:a1"}))
    assert read.count(QUOTE) == 1
    assert '"alarm:a1"' in read


def test_a_quotation_that_no_row_holds_follows_with_its_id():
    """Us: an id without its text could not be weighed, a text without its id not be cited."""
    change = {"managed_object": "agg1", "commit": "0123456789ab"}
    evidence = {"change:0123456789ab:agg1": {"quote": "- mtu 9000\n+ mtu 1500"}}
    read = reading_of({"changes": [change], "evidence": evidence})
    assert read.endswith("change:0123456789ab:agg1: - mtu 9000\n+ mtu 1500")


def test_a_quotation_that_the_answer_spells_out_is_named_by_its_id_alone():
    """Us: a block of configuration is its own quotation."""
    blocks = [{"text": "ntp server 10.0.0.1"}, {"text": "logging 10.0.0.2"}]
    evidence = {
        f"config:agg1:{line}": {"quote": block["text"]} for line, block in enumerate(blocks, 1)
    }
    read = reading_of({"blocks": blocks, "evidence": evidence})
    assert read.count("ntp server") == 1
    assert read.endswith("evidence ids of the above: config:agg1:1, config:agg1:2")


def test_it_takes_much_less_than_the_answer_as_json():
    """Issue 8: tokens are counted as they are really sent, loops included."""
    full = answer(*range(1, 9))
    assert estimate_tokens(reading_of(full)) < 0.6 * estimate_tokens(json.dumps(full))


def test_an_answer_of_another_shape_is_json():
    """Us: a site may answer what it likes; reading it never fails."""
    assert reading_of(["a", 1]) == '["a",1]'
    assert reading_of({"evidence": "none", "rows": [{}, {"a": None}]}).startswith("rows")
