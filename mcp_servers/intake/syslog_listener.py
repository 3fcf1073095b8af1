"""Syslog over UDP (RFC 5426) and TCP with both framings of RFC 6587, into the journal.

Syslog acknowledges nothing, so what arrives while the disk cannot keep up is lost like a dropped
datagram; it is counted, and TCP senders are slowed down instead.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

from mcp_servers.intake.journal import ReceivedJournal
from mcp_servers.intake.sockets import heard_from, listen_address
from mcp_servers.site_directory import SyslogIntake
from telecom.errors import IntakeUnavailableError, SettingsError
from telecom.formats.received import Delivery

LARGEST_MESSAGE = 65_536
"""Bytes; the largest datagram, and eight times what RFC 5424 asks every receiver to take."""
CONNECTIONS = 1_000
IDLE_SECONDS = 900.0
"""A TCP sender that says nothing for so long is hung up on; it may come again."""
_READ_BYTES = 65_536

_logger = logging.getLogger(__name__)


class SyslogListener:
    """Listens as `site.yaml: intake.syslog` says."""

    def __init__(self, settings: SyslogIntake, journal: ReceivedJournal) -> None:
        """Prepare.

        Raises:
            SettingsError: An address or network cannot be read.
        """
        self._journal = journal
        self._heard = heard_from(settings.networks, "intake.syslog.networks")
        self._udp = settings.udp and listen_address(settings.udp, "intake.syslog.udp")
        self._tcp = settings.tcp and listen_address(settings.tcp, "intake.syslog.tcp")
        self._transport: asyncio.DatagramTransport | None = None
        self._server: asyncio.Server | None = None
        self._connections = 0
        self.lost = 0
        """Messages that could not be kept."""
        self.refused = 0
        """Datagrams and connections from outside the networks."""

    async def start(self) -> list[str]:
        """Begin to listen; answers where, with the ports that were really taken.

        Raises:
            SettingsError: An address cannot be listened on.
        """
        taken = []
        try:
            if self._udp:
                loop = asyncio.get_running_loop()
                self._transport, _ = await loop.create_datagram_endpoint(
                    lambda: _Datagrams(self._receive), local_addr=self._udp
                )
                taken.append("udp {}:{}".format(*self._transport.get_extra_info("sockname")[:2]))
            if self._tcp:
                self._server = await asyncio.start_server(
                    self._converse, *self._tcp, limit=LARGEST_MESSAGE
                )
                taken.append("tcp {}:{}".format(*self._server.sockets[0].getsockname()[:2]))
        except OSError as exc:
            await self.stop()
            raise SettingsError(f"intake.syslog: cannot listen: {exc.strerror}") from exc
        return taken

    async def stop(self) -> None:
        """Stop listening; what was received is kept."""
        if self._transport is not None:
            self._transport.close()
        if self._server is not None:
            self._server.close()

    def _receive(self, data: bytes, peer: str) -> None:
        if not self._heard(peer):
            self.refused += 1
        elif data.strip(b"\0\r\n "):
            try:
                self._journal.append([_delivery(data, peer)])
            except IntakeUnavailableError:
                self.lost += 1

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = writer.get_extra_info("peername")[0]
        try:
            if not self._heard(peer) or self._connections >= CONNECTIONS:
                self.refused += 1
                return
            self._connections += 1
            try:
                await self._read(reader, peer)
            finally:
                self._connections -= 1
        except (OSError, TimeoutError):
            return  # the sender is gone, and knows
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def _read(self, reader: asyncio.StreamReader, peer: str) -> None:
        frames = FrameSplitter()
        while True:
            data = await asyncio.wait_for(reader.read(_READ_BYTES), IDLE_SECONDS)
            messages = frames.feed(data) if data else frames.finish()
            if messages:
                deliveries = [_delivery(message, peer) for message in messages]
                try:
                    # Waiting here leaves the rest in the sender's buffer: TCP slows it down.
                    await asyncio.wrap_future(self._journal.append(deliveries))
                except IntakeUnavailableError as exc:
                    self.lost += len(deliveries)
                    _logger.error("%s", exc)
            if not data:
                return


class FrameSplitter:
    """Cuts a TCP stream into messages: by octet count, or at line ends; each frame shows which."""

    def __init__(self) -> None:
        self._rest = b""
        self._skipping = False

    def feed(self, data: bytes) -> list[bytes]:
        """Take in bytes; answers the messages that are whole now."""
        self._rest += data
        messages = []
        while (message := self._next()) is not None:
            if message.strip(b"\0\r\n "):
                messages.append(message)
        return messages

    def finish(self) -> list[bytes]:
        """The end of the stream ends a line as well."""
        rest, self._rest = self._rest, b""
        return [rest] if rest.strip(b"\0\r\n ") and not self._skipping else []

    def _next(self) -> bytes | None:
        if self._skipping:
            return self._skip()
        digits, blank, _ = self._rest[:7].partition(b" ")
        if blank and digits.isdigit() and not digits.startswith(b"0"):
            length = int(digits)
            if length <= LARGEST_MESSAGE:
                start = len(digits) + 1
                if len(self._rest) < start + length:
                    return None
                message = self._rest[start : start + length]
                self._rest = self._rest[start + length :]
                return message
        end = _line_end(self._rest)
        if end < 0:
            if len(self._rest) <= LARGEST_MESSAGE:
                return None
            message, self._rest = self._rest[:LARGEST_MESSAGE], self._rest[LARGEST_MESSAGE:]
            self._skipping = True
            return message
        message, self._rest = self._rest[:end], self._rest[end + 1 :]
        return message

    def _skip(self) -> bytes | None:
        """Drop the rest of a line that was cut."""
        end = _line_end(self._rest)
        if end < 0:
            self._rest = b""
            return None
        self._rest, self._skipping = self._rest[end + 1 :], False
        return b""


def _line_end(data: bytes) -> int:
    """A line feed, or the NUL that some senders use; RFC 6587, section 3.4.2."""
    ends = [end for end in (data.find(b"\n"), data.find(b"\0")) if end >= 0]
    return min(ends, default=-1)


def _delivery(message: bytes, peer: str) -> Delivery:
    # A line feed within a counted frame is part of the message: one delivery is one log line.
    text = message.rstrip(b"\0\r\n").replace(b"\n", b" ")
    return Delivery(datetime.now(UTC), "syslog", peer.removeprefix("::ffff:"), text)


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, receive: Callable[[bytes, str], None]) -> None:
        self._receive = receive

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Take one datagram."""
        self._receive(data, addr[0])
