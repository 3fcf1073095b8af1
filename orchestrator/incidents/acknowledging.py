"""Acknowledging an incident's alarms: a draft that somebody sees, and another approves.

Nothing is sent from here. The draft is a TMF642 merge patch for the raised alarms of each asserted
cause; it goes to the operator's alarm system through the outbox once it is approved.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from orchestrator.incidents.outbox import Outbox
from orchestrator.settings import Settings
from orchestrator.storage.database import Database
from telecom.errors import InvalidArgumentError
from telecom.report import RootCauseReport

Draft = dict[str, Any]  # TMF642 JSON


def acknowledgement(report: RootCauseReport, *, principal: str) -> tuple[Draft, ...]:
    """A patch for each asserted cause; empty when none is asserted.

    Source: TMF642 Alarm Management v4, `ackState`, `ackUserId`, `ackSystemId`.
    """
    objects = dict.fromkeys(cause.managed_object for cause in report.root_causes)
    return tuple(
        {
            "ackState": "acknowledged",
            "ackUserId": principal,
            "ackSystemId": "tierwise",
            "alarmedObject": {"id": name},
        }
        for name in objects
    )


class Acknowledgements:
    """Puts drafts before whoever approves writes."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._outbox = Outbox(database, settings)
        self._sinks = tuple(sink for sink in settings.sinks if sink.kind == "tmf642_alarm")

    @property
    def can_be_sent(self) -> bool:
        """Whether an alarm system is declared that would take it."""
        return bool(self._sinks)

    async def propose(self, incident_id: str, drafts: Sequence[Draft]) -> tuple[str, ...]:
        """Ask for approval of drafts; gives the approvals' ids. Asked again, they are the same.

        Raises:
            InvalidArgumentError: There is nothing to acknowledge, or no alarm system is declared.
        """
        if not drafts:
            raise InvalidArgumentError(
                "incident_id", "no cause is asserted, so there is no alarm of it to acknowledge"
            )
        if not self._sinks:
            raise InvalidArgumentError(
                "sinks", "no sink of kind tmf642_alarm is declared; copy the draft instead"
            )
        keys = [
            await self._outbox.propose(
                incident_id,
                sink,
                f"acknowledge {draft['alarmedObject']['id']}",
                json.dumps(draft, ensure_ascii=False),
            )
            for sink in self._sinks
            for draft in drafts
        ]
        return tuple(keys)
