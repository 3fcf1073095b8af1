"""What an engineer does with an incident: take it, give it, acknowledge its alarms, close it.

Each action checks who asks when it is asked: a page may have been built for somebody whose session
has ended since, or by hand.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Awaitable, Callable, Collection
from typing import TYPE_CHECKING

from nicegui import ui

from orchestrator.console.controls import button
from orchestrator.console.notices import refused, told
from orchestrator.console.safe_text import quotation
from orchestrator.console.sessions import Engineer, current_engineer
from orchestrator.console_settings import Role
from orchestrator.incidents.acknowledging import acknowledgement
from telecom.errors import IdentityError

if TYPE_CHECKING:
    from orchestrator.console.desk import ConsoleDesk

ACTING: frozenset[Role] = frozenset({"tier-1", "tier-2/3", "lead"})
"""Who works on incidents; auditors and architects read."""
ASSIGNING: frozenset[Role] = frozenset({"lead"})
"""Who gives incidents to others."""


def require(roles: Collection[Role]) -> Engineer:
    """The engineer who asks, when they may.

    Raises:
        IdentityError: They may not.
    """
    engineer = current_engineer()
    if engineer.role not in roles:
        raise IdentityError(f"this is for {', '.join(sorted(roles))}, not for {engineer.role}")
    return engineer


class IncidentActions:
    """The actions on one page."""

    def __init__(self, desk: ConsoleDesk, changed: Callable[[], Awaitable[None]]) -> None:
        """Offer actions.

        Args:
            desk: Where they are done.
            changed: Called after each, to show it at once.
        """
        self._desk = desk
        self._changed = changed

    async def take(self, incident_id: str) -> None:
        """Have it; whoever has it already is named."""
        await told(self._take(incident_id))
        await self._show()

    async def release(self, incident_id: str) -> None:
        """Give it back."""
        await told(self._release(incident_id))
        await self._show()

    async def close(self, incident_id: str) -> None:
        """Take it off the board; it can be put back."""
        await told(self._close(incident_id))
        await self._show()

    async def retry(self, incident_id: str) -> None:
        """Look into a parked incident again, from the start."""
        await told(self._retry(incident_id))
        await self._show()

    async def reopen(self, incident_id: str) -> None:
        """Put it on the board again."""
        await told(self._reopen(incident_id))
        await self._show()

    async def assign(self, incident_id: str) -> None:
        """Ask to whom, and give it to them."""
        try:
            require(ASSIGNING)
        except IdentityError as exc:
            refused(str(exc))
            return
        people = await self._desk.sessions.people(ACTING)
        with ui.dialog() as dialog, ui.element("section").classes("card ask"):
            ui.label("Who takes it?").classes("ask-title")
            for engineer in people:
                label = f"{engineer.name} · {engineer.role}"
                button(label, functools.partial(dialog.submit, engineer)).classes("wide")
            ui.label("People who are signed in are listed.").classes("dim")
        chosen = await dialog
        dialog.delete()
        if chosen is not None:
            await told(self._assign(incident_id, chosen))
            await self._show()

    async def acknowledge(self, incident_id: str) -> None:
        """Show the draft that would acknowledge the alarms, and put it before an approver."""
        try:
            engineer = require(ACTING)
        except IdentityError as exc:
            refused(str(exc))
            return
        report = await self._desk.service.overview.report(incident_id)
        drafts = () if report is None else acknowledgement(report, principal=engineer.principal)
        can_be_sent = self._desk.acknowledgements.can_be_sent
        with ui.dialog() as dialog, ui.element("section").classes("card ask"):
            ui.label("Acknowledge the alarms of the cause").classes("ask-title")
            if drafts:
                quotation("\n".join(json.dumps(draft, indent=1) for draft in drafts))
                ui.label(
                    "Nothing is sent before somebody approves it."
                    if can_be_sent
                    else "No alarm system is declared (a sink of kind tmf642_alarm): copy it."
                ).classes("dim")
            else:
                ui.label("No cause is asserted, so there is no alarm of it to acknowledge.")
            with ui.element("div").classes("buttons"):
                if drafts and can_be_sent:
                    button("Ask for approval", lambda: dialog.submit(True), main=True)
                button("Cancel", dialog.close)
        sure = await dialog
        dialog.delete()
        if sure:
            await told(self._propose(incident_id))

    async def _take(self, incident_id: str) -> str:
        engineer = require(ACTING)
        await self._desk.board.take(incident_id, principal=engineer.principal, name=engineer.name)
        return f"{incident_id} is yours"

    async def _release(self, incident_id: str) -> str:
        engineer = require(ACTING)
        await self._desk.board.release(incident_id, principal=engineer.principal)
        return f"{incident_id} is free"

    async def _assign(self, incident_id: str, to: Engineer) -> str:
        require(ASSIGNING)
        await self._desk.board.assign(incident_id, principal=to.principal, name=to.name)
        return f"{to.name} has {incident_id}"

    async def _close(self, incident_id: str) -> str:
        engineer = require(ACTING)
        await self._desk.board.close(incident_id, principal=engineer.principal)
        return f"{incident_id} is closed"

    async def _retry(self, incident_id: str) -> str:
        require(ACTING)
        await self._desk.service.overview.retry(incident_id)
        self._desk.service.worker.wake()
        return f"{incident_id} waits for a worker"

    async def _reopen(self, incident_id: str) -> str:
        require(ACTING)
        await self._desk.board.reopen(incident_id)
        return f"{incident_id} is on the board again"

    async def _propose(self, incident_id: str) -> str:
        engineer = require(ACTING)
        report = await self._desk.service.overview.report(incident_id)
        drafts = () if report is None else acknowledgement(report, principal=engineer.principal)
        keys = await self._desk.acknowledgements.propose(incident_id, drafts)
        return f"waits for approval: {', '.join(key[:8] for key in keys)}"

    async def _show(self) -> None:
        self._desk.open_incidents.forget()
        await self._changed()
