"""One line of the egress ledger: who got what, in which form, under which decision."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

from pydantic import Field

from telecom.schema import ProductModel


class LedgerEntry(ProductModel):
    """One thing that left, or was about to."""

    event: Literal[
        "release",
        "reveal",
        "recovered",
        "restored",
        "key_rotated",
        "approval_requested",
        "approval_given",
        "approval_denied",
    ] = "release"
    time: datetime
    principal: str
    client: str
    tier: str
    """Tier instance of the destination; `outside` and `local` beside those of the catalogue."""
    tool: str
    data_classes: tuple[str, ...]
    form: Literal["raw", "pseudonymized", "anonymized"]
    investigation: str | None = None
    on_behalf_of: str | None = None
    """The person a caller acted for, by the pseudonym that its orchestrator vouched for;
    `unverified` where somebody was named without proof."""
    decision_id: str
    masked: dict[str, int] = Field(default_factory=dict)
    """Identifiers masked, per kind."""
    records: int = 0
    """Raw records quoted."""
    bytes: int
    tokens: int
    payload_sha256: str
    """Of the bytes released, not of the raw answer."""
    note: str | None = None
    sequence: int = 0
    previous: str = ""
    hash: str = ""
    signature: str = ""


def local_entry(
    event: Literal["recovered", "restored", "key_rotated"],
    client: str,
    note: str,
    *,
    payload_sha256: str = "",
) -> LedgerEntry:
    """What somebody at the site did to the ledger or its key; nothing leaves with it.

    Args:
        event: What was done.
        client: The command that did it.
        note: In words, without payload.
        payload_sha256: Of what it was done to, where that has a digest.
    """
    return LedgerEntry(
        event=event,
        time=datetime.now(UTC),
        principal="local",
        client=client,
        tier="local",
        tool="",
        data_classes=(),
        form="anonymized",
        decision_id="",
        bytes=0,
        tokens=0,
        payload_sha256=payload_sha256,
        note=note,
    )
