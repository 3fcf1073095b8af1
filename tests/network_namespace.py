"""A line between two network namespaces: real packets, and a relay that loses and delays them.

The same doors as `orchestrator.doubles.wan.WanDouble`, one floor below: the kernel's own TCP sees
the cut, sends again, backs off and gives up. One end is this process's namespace, the other a new
one with the site's listener in it; a thread carries packets between their two TUN devices. It needs
root and iproute2; the kernel's own delay queue (sch_netem) is not everywhere, so nothing uses it.
"""

from __future__ import annotations

import asyncio
import ctypes
import fcntl
import heapq
import ipaddress
import os
import random
import select
import shutil
import socket
import struct
import subprocess
import threading
import time
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

_CHUNK = 65_536
_TUNSETIFF = 0x400454CA
_IFF_TUN, _IFF_NO_PI = 0x0001, 0x1000
_CLONE_NEWNET = 0x40000000
_LIBC = ctypes.CDLL(None, use_errno=True)
_NUMBERS = count()


def why_not() -> str | None:
    """Why no namespace can be made here; None when one can."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    if shutil.which("ip") is None:
        return "there is no `ip` here (apt-get install iproute2)"
    if not Path("/dev/net/tun").exists():
        return "there is no /dev/net/tun here"
    made = subprocess.run(
        ["ip", "netns", "add", f"tw-try-{os.getpid()}"], capture_output=True, check=False
    )
    if made.returncode:
        return f"`ip netns add` is refused here: {made.stderr.decode().strip()}"
    _ip("netns", "delete", f"tw-try-{os.getpid()}")
    return None


class NamespaceLine:
    """A line to a site in another namespace, for the length of an `async with` block."""

    def __init__(self, target: str, *, seed: int = 1) -> None:
        """Prepare a line.

        Args:
            target: Base URL of the site, on this machine's loopback.
            seed: Of losses and jitter.
        """
        at = urlsplit(target)
        self._target = (at.hostname or "127.0.0.1", at.port or 80)
        number = next(_NUMBERS)
        self._name = f"tw{os.getpid() % 100_000}x{number}"
        # RFC 2544 keeps 198.18.0.0/15 for tests like this one.
        block = (os.getpid() * 64 + number) % 32_768 * 4
        first = ipaddress.ip_address("198.18.0.0") + block
        self._near, self._far = str(first + 1), str(first + 2)
        self._relay = _Relay(random.Random(seed))
        self._server: asyncio.Server | None = None
        self._port = 0
        self._writers: set[asyncio.StreamWriter] = set()
        self._pumps: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """Where the site is reached through this line."""
        return f"http://{self._far}:{self._port}"

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self._lay)
        await self.listen()
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.refuse()
        for pump in self._pumps:
            pump.cancel()
        await asyncio.gather(*self._pumps, return_exceptions=True)
        await asyncio.to_thread(self._take_up)

    def _lay(self) -> None:
        near, far = f"{self._name}n", f"{self._name}f"
        self._relay.near, self._relay.far = _tun(near), _tun(far)
        _ip("netns", "add", self._name)
        _ip("link", "set", far, "netns", self._name)
        _ip("address", "add", f"{self._near}/30", "dev", near)
        _ip("link", "set", near, "up")
        _ip("-n", self._name, "address", "add", f"{self._far}/30", "dev", far)
        _ip("-n", self._name, "link", "set", far, "up")
        self._relay.start()

    def _take_up(self) -> None:
        self._relay.stop()
        _ip("netns", "delete", self._name)

    async def listen(self) -> None:
        """Take connections; after `refuse`, on the same port again."""
        listener = await asyncio.to_thread(_listener, self._name, self._far, self._port)
        self._server = await asyncio.start_server(self._carry, sock=listener)
        self._port = listener.getsockname()[1]

    async def refuse(self) -> None:
        """Reset what is open and refuse what comes."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in list(self._writers):
            writer.transport.abort()

    def cut(self) -> None:
        """Lose every packet: no reset, no refusal."""
        self._relay.there = self._relay.back = False

    def cut_answers(self) -> None:
        """Let packets pass to the site and none from it."""
        self._relay.back = False

    def slow(self, delay_s: float, *, jitter_s: float = 0.0, stalled: float = 0.0) -> None:
        """Delay every packet, and lose a share `stalled` of them."""
        self._relay.delay_s, self._relay.jitter_s, self._relay.loss = delay_s, jitter_s, stalled

    def heal(self) -> None:
        """Let every packet pass at once."""
        self.slow(0.0)
        self._relay.there = self._relay.back = True

    async def _carry(self, near: asyncio.StreamReader, near_out: asyncio.StreamWriter) -> None:
        """From the listener in the site's namespace to the site, which is on loopback here."""
        far, far_out = await asyncio.open_connection(*self._target)
        self._writers |= {near_out, far_out}
        for reader, writer in ((near, far_out), (far, near_out)):
            pump = asyncio.create_task(self._pump(reader, writer))
            self._pumps.add(pump)
            pump.add_done_callback(self._pumps.discard)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while chunk := await reader.read(_CHUNK):
                writer.write(chunk)
                await writer.drain()
        self._writers.discard(writer)
        with suppress(OSError):
            writer.close()


class _Relay(threading.Thread):
    """Carries packets between two TUN devices, late or not at all."""

    def __init__(self, chance: random.Random) -> None:
        super().__init__(name="packet-relay", daemon=True)
        self.near = self.far = -1
        self.there = self.back = True
        self.delay_s = self.jitter_s = self.loss = 0.0
        self._chance = chance
        self._due: list[tuple[float, int, int, bytes]] = []
        self._order = count()
        self._wake, self._woken = os.pipe()

    def stop(self) -> None:
        """End the thread and give the devices back."""
        os.write(self._woken, b".")
        self.join()
        for descriptor in (self.near, self.far, self._wake, self._woken):
            os.close(descriptor)

    def run(self) -> None:
        """Carry until stopped."""
        while True:
            wait = max(0.0, self._due[0][0] - time.monotonic()) if self._due else None
            ready, _, _ = select.select([self.near, self.far, self._wake], [], [], wait)
            if self._wake in ready:
                return
            for source in ready:
                self._take(source)
            while self._due and self._due[0][0] <= time.monotonic():
                _, _, target, packet = heapq.heappop(self._due)
                with suppress(OSError):  # a device that is going down takes nothing
                    os.write(target, packet)

    def _take(self, source: int) -> None:
        packet = os.read(source, _CHUNK)
        outbound = source == self.near
        passes = self.there if outbound else self.back
        if not passes or self._chance.random() < self.loss:
            return
        due = time.monotonic() + self.delay_s + self._chance.uniform(0, self.jitter_s)
        target = self.far if outbound else self.near
        heapq.heappush(self._due, (due, next(self._order), target, packet))


def _tun(name: str) -> int:
    device = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(
        device, _TUNSETIFF, struct.pack("16sH14s", name.encode(), _IFF_TUN | _IFF_NO_PI, b"")
    )
    return device


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


def _listener(namespace: str, host: str, port: int) -> socket.socket:
    """A listening socket in a namespace: a thread enters it, and the socket stays in it."""
    made: list[socket.socket | OSError] = []

    def make() -> None:
        try:
            with Path(f"/run/netns/{namespace}").open("rb") as entrance:
                if _LIBC.setns(entrance.fileno(), _CLONE_NEWNET):
                    raise OSError(ctypes.get_errno(), "setns")
            listener = socket.socket()
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((host, port))
            listener.listen()
            made.append(listener)
        except OSError as exc:
            made.append(exc)

    thread = threading.Thread(target=make)
    thread.start()
    thread.join()
    [result] = made
    if isinstance(result, OSError):
        raise result
    return result
