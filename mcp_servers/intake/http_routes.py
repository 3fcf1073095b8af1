"""`POST /intake/{format}`: raw alarms over HTTP, kept on disk before the answer.

The answer counts what was found: `{"alarms", "not_alarms", "rejected", "reasons"}`, status 202; 400
when nothing in it could be read, which is kept and quarantined all the same. A sender's own path
may follow the format (`/intake/ves/eventListener/v7`), as collectors append one.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo

from anyio.to_thread import run_sync
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from mcp_servers.intake.journal import ReceivedJournal
from mcp_servers.intake.signatures import SignatureVerifier
from mcp_servers.intake.tmf642_hubs import AlarmHubs
from telecom.errors import IdentityError, IntakeUnavailableError
from telecom.formats import FORMATS, NotAnAlarm, Rejected
from telecom.formats.reading import ReadingContext
from telecom.formats.received import Delivery, read_delivery

SOURCES: Mapping[str, str] = {
    "alertmanager": "alertmanager",
    "tmf642": "tmf642",
    "ves": "ves",
    "ts28532": "ts28532",
    "eventbridge": "eventbridge",
    "syslog": "syslog",
    "snmp": "snmp",
    "generic": "json",
}
"""Path -> reader."""
SCOPE = "alarms:write"
LARGEST_BODY = 8 * 1024 * 1024
"""Bytes; a VES batch of some thousand events. Larger storms come in several deliveries."""
_INLINE_BODY = 32 * 1024
"""Larger bodies are read beside the event loop, so that the others do not wait."""
_REASONS = 5

_logger = logging.getLogger(__name__)


class IntakeDoor:
    """Takes deliveries in over HTTP."""

    def __init__(
        self,
        journal: ReceivedJournal,
        signatures: SignatureVerifier,
        hubs: AlarmHubs,
        zone: tzinfo,
    ) -> None:
        """Prepare.

        Args:
            journal: Where deliveries are kept.
            signatures: For senders without a bearer token.
            hubs: For TMF642 servers that this site registered with.
            zone: Of times that carry none.
        """
        self._journal = journal
        self._signatures = signatures
        self._hubs = hubs
        self._zone = zone

    def routes(self) -> list[Route]:
        """The paths to add to the site's HTTP application."""
        return [
            Route(f"/intake/{{source}}{rest}", self.take, methods=["POST"])
            for rest in ("", "/{rest:path}")
        ]

    async def take(self, request: Request) -> Response:
        """Answer one delivery."""
        try:
            delivery = await self._accept(request)
            await asyncio.wrap_future(self._journal.append([delivery]))
        except _Refused as refused:
            return refused.answer()
        except IntakeUnavailableError as exc:
            _logger.error("%s", exc)
            if not isinstance(request.scope.get("user"), AuthenticatedUser):
                self._signatures.take_back(request.headers, time.time())
            return _Refused(503, str(exc), {"Retry-After": "5"}).answer()
        except ClientDisconnect:
            return Response(status_code=400)
        if len(delivery.body) > _INLINE_BODY:
            found = await run_sync(self._count, delivery)
        else:
            found = self._count(delivery)
        readable = found["alarms"] or found["not_alarms"]
        return JSONResponse(found, status_code=202 if readable else 400)

    async def _accept(self, request: Request) -> Delivery:
        """Check who delivers and how much, and read it."""
        reader = SOURCES.get(request.path_params["source"])
        if reader is None:
            raise _Refused(404, f"no such intake; known: {', '.join(SOURCES)}")
        # Whoever shows no credential at all is refused before a byte of the body is read.
        token = isinstance(request.scope.get("user"), AuthenticatedUser)
        called_back = reader == "tmf642" and self._hubs.admits(request.path_params.get("rest", ""))
        if not (token or called_back or "x-tierwise-signature" in request.headers):
            raise _Refused(401, f"send a bearer token with the scope {SCOPE}, or sign the delivery")
        if token and not called_back and SCOPE not in request.auth.scopes:
            raise _Refused(403, f"the token needs the scope {SCOPE}")
        body = await _body(request)
        if not (token or called_back):
            try:
                self._signatures.verify(request.headers, body, time.time())
            except IdentityError as exc:
                _logger.warning("%s", exc)
                raise _Refused(401, "the signature is refused") from exc
        if not body.strip():
            raise _Refused(400, "an empty delivery")
        peer = "" if request.client is None else request.client.host
        return Delivery(datetime.now(UTC), reader, peer, body)

    def _count(self, delivery: Delivery) -> dict[str, object]:
        """Say what a delivery holds; the store reads it again from the journal."""
        alarms = not_alarms = rejected = 0
        reasons: dict[str, None] = {}
        context = ReadingContext("-", "-", zone=self._zone)
        for record in read_delivery(delivery, 1, context, FORMATS[delivery.source]):
            if isinstance(record, Rejected):
                rejected += 1
                reasons[record.why] = None
            elif isinstance(record, NotAnAlarm):
                not_alarms += 1
                reasons[record.why] = None
            else:
                alarms += 1
        return {
            "alarms": alarms,
            "not_alarms": not_alarms,
            "rejected": rejected,
            "reasons": list(reasons)[:_REASONS],
        }


async def _body(request: Request) -> bytes:
    """Read a body of a size that is allowed."""
    too_large = _Refused(413, f"at most {LARGEST_BODY} bytes a delivery")
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > LARGEST_BODY:
        raise too_large
    parts, size = list[bytes](), 0
    async for part in request.stream():
        size += len(part)
        if size > LARGEST_BODY:
            raise too_large
        parts.append(part)
    return b"".join(parts)


class _Refused(Exception):  # noqa: N818 - an answer, not an error
    """A delivery that is not taken, and what the sender is told."""

    def __init__(self, status: int, why: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(why)
        self._status = status
        self._headers = dict(headers or {})

    def answer(self) -> Response:
        challenge = {"WWW-Authenticate": "Bearer"} if self._status == 401 else {}
        return JSONResponse(
            {"error": str(self)}, status_code=self._status, headers=challenge | self._headers
        )
