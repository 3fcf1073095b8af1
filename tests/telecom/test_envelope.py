"""The site's envelope, and the signature under which it travels."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from telecom.envelope import EnvelopeReceipt, SiteEnvelope
from telecom.errors import IdentityError
from telecom.webhook_signature import TOLERANCE, check_webhook, sign_webhook

NOW = datetime(2026, 3, 1, 10, 15, tzinfo=UTC)
SECRET = b"a shared secret of thirty-two by"


def envelope(**other: Any) -> dict[str, Any]:
    """An envelope as JSON, with some fields changed."""
    return {
        "version": 1,
        "envelope_id": "north-01:incident-7:3",
        "sequence": 12,
        "site": "north-01",
        "incident_id": "incident-7",
        "event": "changed",
        "window": ["2026-03-01T10:00:00Z", "2026-03-01T10:14:00Z"],
        "perceived_severity": "CRITICAL",
        "probable_cause": "link down",
        "verdict": "single",
        "managed_objects": ["core1:Hu0/0/0/1", "IP_ab2cd3ef_k3f9x2mq7abc"],
        "counts": {"alarms": 412, "open_groups": 9, "groups": 31, "managed_objects": 6},
        "created_at": "2026-03-01T10:14:02Z",
        "ledger_head": "0" * 64,
        **other,
    }


def test_an_envelope_survives_the_wire() -> None:
    """Issue 9: ids, severity, probable cause, counts, pseudonyms."""
    read = SiteEnvelope.model_validate(envelope())
    assert SiteEnvelope.model_validate_json(read.model_dump_json()) == read


@pytest.mark.parametrize(
    "spoiled",
    [
        {"version": 2},
        {"additional_text": "%ROUTING-BGP-5-ADJCHANGE : neighbor 10.0.0.1 Down"},
        {"probable_cause": "call +49 30 1234567 <script>"},
        {"incident_id": "incident 7\nX-Other: header"},
        {"managed_objects": ["x" * 4000]},
        {"managed_objects": ["core1"] * 17},
        {"counts": {"alarms": True, "open_groups": 0, "groups": 0, "managed_objects": 0}},
        {"window": ["2026-03-01T10:14:00Z", "2026-03-01T10:00:00Z"]},
        {"window": ["2026-03-01T10:00:00", "2026-03-01T10:14:00"]},
        {"event": "merged"},
        {"merged_into": "incident-8"},
        {"ledger_head": "unknown"},
    ],
)
def test_what_is_no_envelope_is_refused(spoiled: dict[str, Any]) -> None:
    """Issue 9: a versioned schema, never raw text."""
    with pytest.raises(ValidationError):
        SiteEnvelope.model_validate(envelope(**spoiled))


def test_a_receipt_names_the_envelope_it_is_for() -> None:
    """Issue 9: idempotent ids; a queue drains only on a receipt for what it sent."""
    with pytest.raises(ValidationError):
        EnvelopeReceipt.model_validate({"outcome": "accepted", "received_at": NOW})


def test_a_signed_body_is_accepted_within_the_window() -> None:
    """Issue 9: HMAC, timestamp window."""
    header = sign_webhook(SECRET, b"{}", at=NOW)
    assert check_webhook(SECRET, b"{}", header, now=NOW + TOLERANCE) == NOW


@pytest.mark.parametrize(
    ("body", "header", "now", "says"),
    [
        (b"{ }", sign_webhook(SECRET, b"{}", at=NOW), NOW, "does not match the body"),
        (b"{}", sign_webhook(b"another", b"{}", at=NOW), NOW, "does not match the body"),
        (b"{}", sign_webhook(SECRET, b"{}", at=NOW), NOW + timedelta(hours=1), "check both clocks"),
        (b"{}", sign_webhook(SECRET, b"{}", at=NOW), NOW - timedelta(hours=1), "check both clocks"),
        (b"{}", None, NOW, "must be"),
        (b"{}", "v1=deadbeef", NOW, "must be"),
        (b"{}", "t=99999999999999999999,v1=" + "0" * 64, NOW, "must be"),
    ],
)
def test_a_forged_changed_or_old_body_is_refused(
    body: bytes, header: str | None, now: datetime, says: str
) -> None:
    """Issue 9: replay refused."""
    with pytest.raises(IdentityError, match=says):
        check_webhook(SECRET, body, header, now=now)
