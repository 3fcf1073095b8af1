"""Bearer tokens at the HTTP door: the site's verifier in the shape the MCP SDK asks for."""

from __future__ import annotations

import logging
from contextvars import ContextVar

from anyio.to_thread import run_sync
from mcp.server.auth.provider import AccessToken
from pydantic import ConfigDict
from starlette.types import ASGIApp, Receive, Scope, Send

from mcp_servers.serving.identity import Caller, TokenVerifier
from telecom.errors import IdentityError

_logger = logging.getLogger(__name__)
_peer: ContextVar[str | None] = ContextVar("peer", default=None)


class CallerToken(AccessToken):
    """An access token that carries who the site says it is."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    caller: Caller


class BearerVerifier:
    """Asks the site's verifier, and says only yes or no to the outside."""

    def __init__(self, verifier: TokenVerifier) -> None:
        self._verifier = verifier

    async def verify_token(self, token: str) -> CallerToken | None:
        """Verify a bearer token; None makes the SDK answer 401."""
        peer = _peer.get()
        try:
            if self._verifier.may_wait:
                caller = await run_sync(lambda: self._verifier.verify(token, peer=peer))
            else:
                caller = self._verifier.verify(token, peer=peer)
        except IdentityError as exc:
            _logger.warning("bearer token refused: %s", exc)
            return None
        return CallerToken(
            token="",
            client_id=caller.client,
            scopes=sorted(caller.scopes),
            subject=caller.principal,
            claims={"iss": caller.issuer},
            caller=caller,
        )


class PeerAddress:
    """Remembers who is at the other end of a request: rows of `site.yaml` may name networks."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        client = scope.get("client")
        token = _peer.set(client[0] if client else None)
        try:
            await self.app(scope, receive, send)
        finally:
            _peer.reset(token)
