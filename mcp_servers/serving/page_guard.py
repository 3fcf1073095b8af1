"""What stands before every path that people or their words use: host, origin, size, headers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import parse_qs, urlsplit

from mcp.server.transport_security import TransportSecurityMiddleware, TransportSecuritySettings
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

LARGEST_BODY = 256 * 1024

_HEADERS: Mapping[str, str] = {
    "Cache-Control": "no-store",
    # Not no-referrer: a browser then hides the origin of our own forms, too.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


class BodyTooLargeError(Exception):
    """A request is larger than anything people send."""


class PageGuard:
    """Refuses foreign hosts and origins, and writes the headers of a page."""

    def __init__(self, hosts: Sequence[str], parents: Sequence[str]) -> None:
        """Guard the pages of a site.

        Args:
            hosts: Host headers that are ours, `name:*` for any port.
            parents: Origins that may frame what may be framed.
        """
        self.parents = tuple(parents)
        self._hosts = TransportSecurityMiddleware(
            TransportSecuritySettings(allowed_hosts=list(hosts))
        )

    def refuse(self, request: Request) -> Response | None:
        """The refusal of a request that a page of this origin cannot have made; else None."""
        host = request.headers.get("host")
        if not self._hosts._validate_host(host):
            return PlainTextResponse("Invalid Host header", status_code=421)
        if request.method in ("GET", "HEAD"):
            return None
        origin = request.headers.get("origin")
        bearer = request.headers.get("authorization", "").lower().startswith("bearer ")
        if origin is None and bearer:
            return None  # a program: it has no origin, and no browser adds a bearer by itself
        if origin is None or urlsplit(origin).netloc != host:
            return PlainTextResponse("Invalid Origin header", status_code=403)
        if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            return PlainTextResponse("Cross-site request", status_code=403)
        return None

    def protect(self, answer: Response, *, framed: bool = False) -> Response:
        """Add the headers that keep a page ours: nothing from elsewhere, framed by nobody else."""
        answer.headers.update(_HEADERS)
        ancestors = " ".join(self.parents) if framed and self.parents else "'none'"
        answer.headers["Content-Security-Policy"] = (
            "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
            f"form-action 'self'; base-uri 'none'; frame-ancestors {ancestors}"
        )
        if ancestors == "'none'":
            answer.headers["X-Frame-Options"] = "DENY"
            # Whoever opened the tab cannot look at it or lead it elsewhere.
            answer.headers["Cross-Origin-Opener-Policy"] = "same-origin"
        return answer


async def read_body(request: Request) -> bytes:
    """Read a request's body.

    Raises:
        BodyTooLargeError: It is larger than `LARGEST_BODY`.
    """
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_BODY:
            raise BodyTooLargeError
    return bytes(body)


async def read_form(request: Request) -> dict[str, str]:
    """Read a form's fields; of a repeated one the last.

    Raises:
        BodyTooLargeError: It is larger than `LARGEST_BODY`.
    """
    text = (await read_body(request)).decode("utf-8", errors="replace")
    try:
        fields = parse_qs(text, keep_blank_values=True, max_num_fields=20)
    except ValueError:
        return {}
    return {name: values[-1] for name, values in fields.items()}
