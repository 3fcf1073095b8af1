"""One HTTP request to a configured address, and to nothing that it might turn into.

The name is resolved once, every address it has is checked, and the request goes to one that was
checked: a name that resolves otherwise a moment later changes nothing. Redirects are answers, not
instructions; proxies of the environment are not used.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Protocol

import httpx

from orchestrator.capped_http import AnswerTooLongError, CappedTransport

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
        except AnswerTooLongError as exc:
            raise DeliveryError(str(exc)) from exc
        except httpx.HTTPError as exc:
            raise DeliveryError(f"not reached: {type(exc).__name__}") from exc

    @cached_property
    def _authorities(self) -> ssl.SSLContext:
        """Who vouches for receivers, read once: it takes 30 ms, in which nobody else is served."""
        return httpx.create_ssl_context(trust_env=False)

    async def _ask(self, request: httpx.Request) -> Answer:
        async with httpx.AsyncClient(
            transport=CappedTransport(_LARGEST_ANSWER_BYTES, authorities=self._authorities),
            follow_redirects=False,
            timeout=self._timeout_s,
        ) as client:
            response = await client.send(request)
            return Answer(response.status_code, response.content)


def checked(host: str, addresses: list[str]) -> str:
    """The first address of a host, when all of them may be called.

    Private addresses are where a NOC's systems are. Link-local ones, and a few of every provider,
    are where clouds keep their credentials; loopback is this machine and has to be meant.

    Raises:
        DeliveryError: One of them may not, or there is none.
    """
    literal_loopback = host in {"127.0.0.1", "::1", "localhost"}
    for text in addresses:
        address = ip_address(text.partition("%")[0])
        for meant in (address, *_within(address)):
            refused = meant.is_link_local or meant.is_multicast or meant.is_unspecified
            if refused or meant in _CREDENTIALS or (meant.is_loopback and not literal_loopback):
                raise DeliveryError(f"{host} resolves to {address}, which no sink may be")
    if not addresses:
        raise DeliveryError(f"the name {host} has no address")
    return addresses[0]


_CREDENTIALS = frozenset(
    map(
        ip_address,
        (
            "fd00:ec2::254",  # AWS: instance metadata, and the agent of EKS Pod Identity
            "fd00:ec2::23",
            "fd20:ce::254",  # Google Cloud
            "100.100.100.200",  # Alibaba Cloud
            "168.63.129.16",  # Azure: its wire server
            "192.0.0.192",  # Oracle Cloud
        ),
    )
)
"""What answers with a machine's own credentials at an address that is not link-local."""
_TRANSLATED = (ip_network("64:ff9b::/96"), ip_network("::/96"))
"""NAT64 (RFC 6052) and IPv4-compatible addresses (RFC 4291): the last four octets are IPv4."""


def _within(address: IPv4Address | IPv6Address) -> Iterator[IPv4Address]:
    """The IPv4 addresses that an IPv6 address may lead to."""
    if isinstance(address, IPv4Address) or address.is_loopback:
        return
    if any(address in network for network in _TRANSLATED):
        yield IPv4Address(address.packed[-4:])
    if address.ipv4_mapped is not None:
        yield address.ipv4_mapped
    if address.sixtofour is not None:
        yield address.sixtofour
    yield from address.teredo or ()
