"""Syslog from the wire: framing, networks, limits."""

from __future__ import annotations

import asyncio
import json
import socket
from pathlib import Path

import pytest

from mcp_servers.intake.journal import ReceivedJournal
from mcp_servers.intake.syslog_listener import LARGEST_MESSAGE, FrameSplitter, SyslogListener
from mcp_servers.site_directory import SyslogIntake
from telecom.errors import SettingsError

LINE = b"<187>Mar  1 18:46:11 r1 %LINK-3-UPDOWN: Interface Gi0/1, changed state to down"


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_a_stream_is_cut_the_same_way_however_it_arrives(size: int) -> None:
    """RFC 6587: octet counting and line ends, also on one connection."""
    stream = b"".join(
        (
            b"%d %s" % (len(LINE), LINE),
            LINE + b"\n",
            b"12 two\nline msg",
            LINE + b"\r\n",
            b"\n",
            LINE + b"\0",
            b"10 not a count but text\n",
        )
    )
    frames = FrameSplitter()
    found = []
    for start in range(0, len(stream), size):
        found += frames.feed(stream[start : start + size])
    found += frames.finish()
    assert found == [
        LINE,
        LINE,
        b"two\nline msg",
        LINE + b"\r",
        LINE,
        b"not a coun",
        b"t but text",
    ]


def test_an_endless_line_is_cut_and_its_rest_dropped() -> None:
    """A sender without line ends must not fill the memory."""
    frames = FrameSplitter()
    found = []
    for _ in range(4):
        found += frames.feed(b"x" * LARGEST_MESSAGE)
    found += frames.feed(b"tail\n" + LINE + b"\n")
    assert [message for message in found if message] == [b"x" * LARGEST_MESSAGE, LINE]


def test_datagrams_and_streams_end_in_the_journal(tmp_path: Path) -> None:
    """Issue 5: syslog over UDP and TCP, the same code path behind both."""

    async def session() -> None:
        with ReceivedJournal(tmp_path) as journal:
            listener = SyslogListener(SyslogIntake(udp="127.0.0.1:0", tcp="127.0.0.1:0"), journal)
            udp, tcp = [int(place.rpartition(":")[2]) for place in await listener.start()]
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
                sender.sendto(LINE + b" by udp\n", ("127.0.0.1", udp))
            reader, writer = await asyncio.open_connection("127.0.0.1", tcp)
            writer.write(LINE + b" by tcp\n")
            writer.write_eof()
            assert await asyncio.wait_for(reader.read(), 10) == b""
            writer.close()
            await listener.stop()

    asyncio.run(session())
    kept = [
        json.loads(line) for file in tmp_path.iterdir() for line in file.read_text().splitlines()
    ]
    assert sorted(entry["body"].rpartition(" ")[2] for entry in kept) == ["tcp", "udp"]
    assert {entry["peer"] for entry in kept} == {"127.0.0.1"}


def test_strangers_are_not_heard(tmp_path: Path) -> None:
    """Closed by default: syslog knows no credential but the network it comes from."""

    async def session() -> SyslogListener:
        with ReceivedJournal(tmp_path) as journal:
            settings = SyslogIntake(tcp="127.0.0.1:0", networks=("10.0.0.0/8",))
            listener = SyslogListener(settings, journal)
            (place,) = await listener.start()
            reader, writer = await asyncio.open_connection(
                "127.0.0.1", int(place.rpartition(":")[2])
            )
            assert await asyncio.wait_for(reader.read(), 10) == b""
            writer.close()
            await listener.stop()
            return listener

    assert asyncio.run(session()).refused == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "settings",
    [
        SyslogIntake(udp="somewhere"),
        SyslogIntake(tcp="127.0.0.1:99999"),
        SyslogIntake(udp="127.0.0.1:0", networks=("ten",)),
    ],
)
def test_an_address_that_cannot_be_read_is_named(tmp_path: Path, settings: SyslogIntake) -> None:
    """STYLE: messages say what was refused and what would work."""
    with pytest.raises(SettingsError, match=r"intake\.syslog"):
        SyslogListener(settings, ReceivedJournal(tmp_path))
