"""`POST /triggers/...`: known, within its rate, read, stored; only then 202."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from typing import get_args

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from orchestrator.incidents.inbox import Accepted, Inbox, StormError
from orchestrator.service_settings import TriggerKind
from orchestrator.settings import Settings
from orchestrator.triggers.foreign import LARGEST_BODY_BYTES, read_delivery
from orchestrator.triggers.site_envelopes import read_envelope, site_ids
from orchestrator.triggers.sources import Callers, KnownSource, RateLimit
from telecom.envelope import LARGEST_ENVELOPE_BYTES, EnvelopeReceipt
from telecom.errors import (
    IdentityError,
    InvalidArgumentError,
    StateUnavailableError,
    TierwiseError,
)

log = logging.getLogger(__name__)

_STATE_PAUSE_S = 5


class TriggerRoutes:
    """The doors for trouble."""

    def __init__(
        self, settings: Settings, callers: Callers, inbox: Inbox, *, accepted: Callable[[], None]
    ) -> None:
        """Prepare the doors.

        Args:
            settings: Of this process.
            callers: Who may call.
            inbox: Where triggers are stored.
            accepted: Called when one was stored.
        """
        self._callers = callers
        self._inbox = inbox
        self._accepted = accepted
        self._site_ids = site_ids(settings)
        self._rate = RateLimit()
        self.counts: Counter[tuple[str, str]] = Counter()
        """(source, outcome) -> triggers."""

    def routes(self) -> list[Route]:
        """One path for each kind of source."""
        return [
            Route(f"/triggers/{kind}", self._door(kind), methods=["POST"])
            for kind in get_args(TriggerKind)
        ]

    def _door(self, kind: TriggerKind) -> Callable[[Request], object]:
        limit = LARGEST_ENVELOPE_BYTES if kind == "site" else LARGEST_BODY_BYTES

        async def door(request: Request) -> Response:
            try:
                return await self._enter(kind, request, limit)
            except (
                BodyTooLargeError,
                IdentityError,
                InvalidArgumentError,
                StateUnavailableError,
            ) as exc:
                return problem_of(exc)

        return door

    async def _enter(self, kind: TriggerKind, request: Request, limit: int) -> Response:
        body = await read_body(request, limit)
        source = self._callers.source(kind, request.headers, body)
        if wait_s := self._rate.wait_s(source.declaration):
            return self._later(source, "rate", wait_s, "too many requests")
        if kind == "site":
            return await self._site(body, source)
        return await self._foreign(kind, body, source)

    async def _site(self, body: bytes, source: KnownSource) -> Response:
        envelope, trigger = read_envelope(body, source, self._site_ids)
        try:
            accepted = await self._inbox.accept(trigger)
        except StormError as exc:
            return self._later(source, exc.budget, exc.retry_after_s, str(exc))
        self._note(source, accepted)
        receipt = EnvelopeReceipt(
            envelope_id=envelope.envelope_id,
            outcome=accepted.outcome,
            investigation_id=accepted.incident_id,
            received_at=accepted.received_at,
        )
        status = 200 if accepted.outcome == "duplicate" else 202
        return JSONResponse(receipt.model_dump(mode="json"), status_code=status)

    async def _foreign(self, kind: TriggerKind, body: bytes, source: KnownSource) -> Response:
        reading = read_delivery(kind, body, source)
        stored = await asyncio.gather(
            *(self._inbox.accept(trigger) for trigger in reading.triggers), return_exceptions=True
        )
        accepted = [one for one in stored if isinstance(one, Accepted)]
        for one in accepted:
            self._note(source, one)
        for refusal in stored:
            if isinstance(refusal, StormError):
                # What was stored is known again when all of it is sent once more.
                return self._later(source, refusal.budget, refusal.retry_after_s, str(refusal))
            if isinstance(refusal, BaseException):
                raise refusal
        outcomes = Counter(one.outcome for one in accepted)
        incidents = dict.fromkeys(one.incident_id for one in accepted if one.incident_id)
        ignored = {
            "cleared": reading.cleared,
            "no_alarm": reading.no_alarm,
            "rejected": reading.rejected,
        }
        only_known = not (outcomes["accepted"] or outcomes["coalesced"])
        return JSONResponse(
            {"investigation_ids": list(incidents), **outcomes, **ignored},
            status_code=200 if only_known else 202,
        )

    def _note(self, source: KnownSource, accepted: Accepted) -> None:
        self.counts[source.declaration.name, accepted.outcome] += 1
        if accepted.outcome == "accepted":
            self._accepted()

    def _later(self, source: KnownSource, why: str, wait_s: int, message: str) -> Response:
        self.counts[source.declaration.name, f"refused_{why}"] += 1
        return problem(429, why, message, retry_after_s=wait_s)


class BodyTooLargeError(Exception):
    """A request has more bytes than its path takes."""

    code = "too_large"


async def read_body(request: Request, limit: int) -> bytes:
    """Read a request's body, and not a byte more than it may have.

    Raises:
        BodyTooLargeError: It has more.
        InvalidArgumentError: The sender hung up.
    """
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > limit:
        raise BodyTooLargeError(f"a body may have {limit} bytes")
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > limit:
                raise BodyTooLargeError(f"a body may have {limit} bytes")
    except ClientDisconnect as exc:
        raise InvalidArgumentError("body", "the sender hung up") from exc
    return bytes(body)


def problem(status: int, code: str, message: str, *, retry_after_s: int | None = None) -> Response:
    """An error as every path of this process answers it."""
    headers = None if retry_after_s is None else {"Retry-After": str(retry_after_s)}
    return JSONResponse({"error": code, "message": message}, status_code=status, headers=headers)


def problem_of(exc: BodyTooLargeError | TierwiseError) -> Response:
    """The answer that an error of a caller, or of our state, becomes."""
    match exc:
        case BodyTooLargeError():
            return problem(413, exc.code, str(exc))
        case IdentityError():
            return problem(401, exc.code, str(exc))
        case StateUnavailableError():
            log.warning("%s", exc)
            return problem(503, exc.code, "not stored", retry_after_s=_STATE_PAUSE_S)
        case _:
            return problem(400, exc.code, str(exc))
