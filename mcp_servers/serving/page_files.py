"""Our own page files: templates that escape what they are filled with, and what a page loads."""

from __future__ import annotations

import html
from collections.abc import Awaitable, Callable, Mapping
from functools import cache
from importlib import resources
from string import Template

from starlette.requests import Request
from starlette.responses import Response

_SAFE = {"X-Content-Type-Options": "nosniff", "Cache-Control": "max-age=300"}


def filled_page(
    name: str, *, status: int = 200, raw: Mapping[str, str] | None = None, **text: str
) -> Response:
    """Fill in a page; `text` is escaped, `raw` is markup of ours."""
    escaped = {key: html.escape(value) for key, value in text.items()}
    body = Template(_file(name)).substitute(escaped | dict(raw or {}))
    return Response(body, status_code=status, media_type="text/html")


def shown_problem(text: str) -> str:
    """What went wrong, as markup; nothing for nothing."""
    return f'<p class="problem" role="alert">{html.escape(text)}</p>' if text else ""


def served_file(name: str, media_type: str) -> Callable[[Request], Awaitable[Response]]:
    """An endpoint that serves one of our own files."""

    async def serve(_: Request) -> Response:
        return Response(_file(name), media_type=media_type, headers=_SAFE)

    return serve


@cache
def _file(name: str) -> str:
    return (resources.files("mcp_servers.serving") / "pages" / name).read_text(encoding="utf-8")
