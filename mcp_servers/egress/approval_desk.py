"""The desk where releases wait for a person: asks, tells the caller to wait, uses a yes up.

Every step is in the ledger: that it was asked for, who said what, and the release that a yes let
out. Which yes is needed is the gate's to know.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mcp_servers.egress.approvals import Approval, Approvals, new_request
from mcp_servers.egress.ledger import EgressLedger
from mcp_servers.egress.ledger_entry import LedgerEntry
from telecom.errors import ApprovalPendingError, EgressRefusedError
from telecom.identifiers.detector import IdentifierDetector
from telecom.identifiers.masking import label

_BY_HAND = "local"


@dataclass(frozen=True, slots=True)
class ApprovalDesk:
    """What waits, and the ledger that has it."""

    approvals: Approvals
    ledger: EgressLedger

    def approval_of(self, entry: LedgerEntry, payload: bytes) -> Approval:
        """The yes that lets this payload out.

        Args:
            entry: What the ledger would say of the release.
            payload: What would leave.

        Raises:
            ApprovalPendingError: Nobody has decided yet.
            EgressRefusedError: Somebody said no, or too much waits already.
        """
        request = new_request(
            principal=entry.principal,
            client=entry.client,
            tier=entry.tier,
            tool=entry.tool,
            data_classes=entry.data_classes,
            form=entry.form,
            tokens=entry.tokens,
            payload=payload.decode(),
            payload_sha256=entry.payload_sha256,
            investigation=entry.investigation,
        )
        known = self.approvals.find(request)
        if known is None:
            self.approvals.ask(request)
            self.ledger.append(_step(entry, "approval_requested", request.id))
            known = request
        if known.state == "denied":
            raise EgressRefusedError(
                f"somebody at the site refused to let this answer of {entry.tool} out ({known.id})",
                rule="gate.approval_denied",
                remedy="ask the site's operator, or for less",
            )
        if known.state == "waiting":
            raise ApprovalPendingError(
                f"the answer of {entry.tool} waits at the site for a named person's approval "
                f"({known.id}, until {known.expires_at:%Y-%m-%d %H:%M} UTC)",
                approval_id=known.id,
                rule="gate.approval_pending",
                remedy=f"at the site: tierwise-site approvals approve DIR {known.id}; "
                "then ask again",
            )
        return known

    def use(self, approval: Approval, entry: LedgerEntry) -> LedgerEntry:
        """Use a yes up; the entry of what it lets out names it and who gave it.

        Raises:
            EgressRefusedError: Another request used it a moment ago.
        """
        if not self.approvals.take(approval.id):
            raise EgressRefusedError(
                f"the approval {approval.id} was used or ran out a moment ago",
                rule="gate.approval_used",
                remedy="ask again: it waits for a new one",
            )
        note = f"approval {approval.id} by {approval.decided_by}"
        return entry.model_copy(update={"note": note})

    def decide(
        self,
        approval_id: str,
        *,
        approve: bool,
        by: str,
        note: str | None,
        detector: IdentifierDetector,
    ) -> Approval:
        """Record what a person at the site said about a waiting release.

        Args:
            approval_id: Which.
            approve: Yes or no.
            by: Who says so.
            note: Why, in their own words; data, like any other text.
            detector: Keeps identifiers out of what they wrote.

        Raises:
            ToolRetry: It does not wait or does not exist, or nobody is named.
        """
        decided = self.approvals.decide(
            approval_id,
            approve=approve,
            by=label(by, detector),
            note=None if note is None else label(note, detector),
        )
        entry = LedgerEntry(
            time=decided.decided_at or decided.asked_at,
            principal=decided.principal,
            client=decided.client,
            tier=decided.tier,
            tool=decided.tool,
            data_classes=decided.data_classes,
            form=decided.form,
            investigation=decided.investigation,
            decision_id=_BY_HAND,
            bytes=0,
            tokens=0,
            payload_sha256=decided.payload_sha256,
        )
        event: Literal["approval_given", "approval_denied"] = (
            "approval_given" if approve else "approval_denied"
        )
        self.ledger.append(_step(entry, event, f"{decided.id} by {decided.decided_by}"))
        return decided


def _step(
    entry: LedgerEntry,
    event: Literal["approval_requested", "approval_given", "approval_denied"],
    note: str,
) -> LedgerEntry:
    """An entry about a release that did not happen with it: nothing left."""
    return entry.model_copy(update={"event": event, "bytes": 0, "tokens": 0, "note": note})
