"""Reading NetBox: cables over its REST API, with pynetbox (extra `netbox`).

Only GET requests leave, and only to the instance that `site.yaml` names.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pynetbox
import requests
from requests.adapters import HTTPAdapter

from mcp_servers.configs.netbox_snapshot import NetBoxCable, NetBoxSnapshot
from mcp_servers.site_directory import NetBoxSettings
from telecom.errors import OperatorError, SettingsError

CABLES_AT_MOST = 100_000
_TIMEOUT_SECONDS = (3.0, 20.0)
"""To connect, and of silence."""
_LARGEST_PAGE = 16 << 20
_PAGE = 500

_logger = logging.getLogger(__name__)


def fetch_netbox(settings: NetBoxSettings, site: Path) -> NetBoxSnapshot:
    """Read all cables that join two interfaces.

    Args:
        settings: `netbox` of `site.yaml`.
        site: The site directory, which paths are relative to.

    Raises:
        SettingsError: The token cannot be read.
        OperatorError: NetBox did not answer, or not as NetBox does.
    """
    try:
        token = (site / settings.token_file).read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as exc:
        raise SettingsError(f"netbox: {site / settings.token_file} cannot be read") from exc
    api = pynetbox.api(settings.url, token=token)
    with requests.Session() as session:
        session.trust_env = False
        session.mount("http://", _BoundedAdapter(settings.url))
        session.mount("https://", _BoundedAdapter(settings.url))
        if settings.ca_file is not None:
            session.verify = str(site / settings.ca_file)
        api.http_session = session
        try:
            cables = tuple(_cables(api))
        except (
            requests.RequestException,
            pynetbox.RequestError,
            pynetbox.ContentError,
            ValueError,
        ) as exc:
            # Nothing that the other end wrote: it may quote the request, and with it the token.
            raise OperatorError(
                f"NetBox at {settings.url} cannot be read ({type(exc).__name__})"
            ) from exc
    return NetBoxSnapshot(read_at=datetime.now(UTC), cables=cables)


def _cables(api: Any) -> Iterator[NetBoxCable]:
    """Cables with one interface at each end (pynetbox's records carry no types, hence Any)."""
    for number, record in enumerate(api.dcim.cables.all(limit=_PAGE)):
        if number >= CABLES_AT_MOST:
            _logger.warning("NetBox has more than %d cables; the rest is left out", CABLES_AT_MOST)
            return
        # As a dictionary: an attribute that a record lacks would be fetched, one request each.
        cable = dict(record)
        if not isinstance(cable.get("id"), int):
            raise ValueError("no cable")
        near, far = _interface(cable.get("a_terminations")), _interface(cable.get("b_terminations"))
        if near is not None and far is not None:
            yield NetBoxCable(
                cable=cable["id"],
                a_device=near[0],
                a_port=near[1],
                b_device=far[0],
                b_port=far[1],
            )


def _interface(terminations: Any) -> tuple[str, str] | None:
    """Device and port of a cable's end (JSON, hence Any); None for what is no single interface."""
    try:
        (end,) = terminations
        port, device = end["object"]["name"], end["object"]["device"]["name"]
    except (TypeError, KeyError, ValueError):
        return None
    is_interface = end.get("object_type") == "dcim.interface"
    return (device, port) if is_interface and isinstance(device, str) and port else None


class _BoundedAdapter(HTTPAdapter):  # type: ignore[misc]  # requests carries no types
    """GET requests to one server, with a timeout, whose answers have an end."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._server = urlsplit(url)[:2]

    def send(self, request: Any, **options: Any) -> requests.Response:  # as its base has them
        """Send one request; another server, and an answer that is too long, are errors."""
        if request.method != "GET" or urlsplit(request.url)[:2] != self._server:
            # A next page or a redirect is the other end's word, and the token would go along.
            raise requests.exceptions.InvalidURL("it points to another server")
        options["timeout"] = _TIMEOUT_SECONDS
        response = super().send(request, **{**options, "stream": True})
        content = bytearray()
        for piece in response.iter_content(1 << 16):
            content += piece
            if len(content) > _LARGEST_PAGE:
                response.close()
                raise requests.exceptions.ContentDecodingError("a page of more than 16 MiB")
        response._content = bytes(content)
        return response
