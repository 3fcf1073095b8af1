"""Revealing: what pseudonyms stand for, for people who may know it; the ledger has it first."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from datetime import UTC, datetime

from mcp_servers.egress.ledger import EgressLedger
from mcp_servers.egress.ledger_entry import LedgerEntry
from mcp_servers.egress.pseudonyms import Pseudonymizer
from mcp_servers.serving.identity import Caller
from telecom.errors import EgressRefusedError, RecordNotFoundError
from telecom.identifiers.tokens import is_token
from telecom.tokens import estimate_tokens

REVEAL_SCOPE = "pii:reveal"


def reveal(
    pseudonyms: Iterable[str], caller: Caller, pseudonymizer: Pseudonymizer, ledger: EgressLedger
) -> dict[str, str]:
    """Give the originals of pseudonyms.

    Raises:
        EgressRefusedError: The caller lacks the scope, or the ledger cannot be written.
        RecordNotFoundError: This site does not know one of them, or its epoch is forgotten.
    """
    if REVEAL_SCOPE not in caller.scopes:
        raise EgressRefusedError(
            f"revealing needs the scope {REVEAL_SCOPE!r}",
            rule="gate.reveal_scope",
            remedy=f"have the site's operator issue a token with {REVEAL_SCOPE}",
        )
    originals = {}
    for pseudonym in pseudonyms:
        original = pseudonymizer.resolve(pseudonym)
        if original is None:
            raise RecordNotFoundError(
                "pseudonym",
                pseudonym if is_token(pseudonym) else "(not shaped like one)",
                hint="it was made by another site, or its key epoch has been destroyed",
            )
        originals[pseudonym] = original
    payload = json.dumps(originals, ensure_ascii=False).encode()
    ledger.append(
        LedgerEntry(
            event="reveal",
            time=datetime.now(UTC),
            principal=caller.principal,
            client=caller.client,
            tier="local",
            tool="reveal",
            data_classes=("subscriber_identifier",),
            form="raw",
            decision_id="local",
            records=len(originals),
            bytes=len(payload),
            tokens=estimate_tokens(payload.decode()),
            payload_sha256=hashlib.sha256(payload).hexdigest(),
        )
    )
    return originals
