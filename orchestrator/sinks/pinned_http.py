"""One HTTP request to a configured address, and to nothing that it might turn into.

The name is resolved once, every address it has is checked, and the request goes to one that was
checked: a name that resolves otherwise a moment later changes nothing. Redirects are answers, not
instructions; proxies of the environment are not used.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from ipaddress import ip_address
from typing import Protocol

import httpx

_TIMEOUT_S = 15.0
_LARGEST_ANSWER_BYTES = 256 * 1024


class DeliveryError(Exception):
    """A sink did not take a delivery; kept beside it, and shown to whoever asks."""

    def __init__(self, why: str, *, for_good: bool = False) -> None:
        super().__init__(why)
        self.for_good = for_good
        """Whether trying again is hopeless."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    body: bytes = field(repr=False)


class Resolver(Protocol):
    """Finds the addresses of a host."""

    async def __call__(self, host: str, port: int) -> list[str]:
        """Every address, best first."""
        ...


async def resolve(host: str, port: int) -> list[str]:
    """Ask the system's resolver."""
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as exc:
        raise DeliveryError(f"the name {host} cannot be resolved") from exc
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class PinnedHttp:
    """Sends requests to checked addresses."""

    def __init__(self, resolver: Resolver = resolve, *, timeout_s: float = _TIMEOUT_S) -> None:
        self._resolve = resolver
        self._timeout_s = timeout_s

    async def send(
        self, method: str, url: str, *, body: bytes | None = None, headers: Mapping[str, str]
    ) -> Answer:
        """Send one request.

        Raises:
            DeliveryError: Not resolved, not allowed, not reached, too slow, or a huge answer.
        """
        target = httpx.URL(url)
        port = target.port or (443 if target.scheme == "https" else 80)
        address = checked(target.host, await self._resolve(target.host, port))
        request_headers = {**headers, "Host": target.netloc.decode("ascii")}
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._ask(
                    httpx.Request(
                        method,
                        target.copy_with(host=address),
                        headers=request_headers,
                        content=body,
                        extensions={"sni_hostname": target.host},
                    )
                )
        except TimeoutError as exc:
            raise DeliveryError(f"no answer within {self._timeout_s:g} s") from exc
        except httpx.HTTPError as exc:
            raise DeliveryError(f"not reached: {type(exc).__name__}") from exc

    @cached_property
    def _authorities(self) -> ssl.SSLContext:
        """Who vouches for receivers, read once: it takes 30 ms, in which nobody else is served."""
        return httpx.create_ssl_context(trust_env=False)

    async def _ask(self, request: httpx.Request) -> Answer:
        async with httpx.AsyncClient(
            verify=self._authorities,
            trust_env=False,
            follow_redirects=False,
            timeout=self._timeout_s,
        ) as client:
            response = await client.send(request, stream=True)
            try:
                body = b""
                async for chunk in response.aiter_bytes():
                    body += chunk
                    if len(body) > _LARGEST_ANSWER_BYTES:
                        raise DeliveryError(f"the answer is over {_LARGEST_ANSWER_BYTES} bytes")
                return Answer(response.status_code, body)
            finally:
                await response.aclose()


def checked(host: str, addresses: list[str]) -> str:
    """The first address of a host, when all of them may be called.

    Private addresses are where a NOC's systems are. Link-local ones are where clouds keep their
    credentials; loopback is this machine and has to be meant.

    Raises:
        DeliveryError: One of them may not, or there is none.
    """
    literal_loopback = host in {"127.0.0.1", "::1", "localhost"}
    for text in addresses:
        address = ip_address(text.partition("%")[0])
        mapped = getattr(address, "ipv4_mapped", None)
        address = mapped or address
        refused = address.is_link_local or address.is_multicast or address.is_unspecified
        if refused or (address.is_loopback and not literal_loopback):
            raise DeliveryError(f"{host} resolves to {address}, which no sink may be")
    if not addresses:
        raise DeliveryError(f"the name {host} has no address")
    return addresses[0]
