"""Real traps and informs over loopback, by pysnmp's own notification originator."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from pysnmp.hlapi.v3arch.asyncio import (
    CommunityData,
    ContextData,
    NotificationType,
    ObjectIdentity,
    OctetString,
    UdpTransportTarget,
    UsmUserData,
    send_notification,
    usmAesCfb128Protocol,
    usmHMAC192SHA256AuthProtocol,
)
from pysnmp.proto import rfc1902

from mcp_servers.intake.journal import ReceivedJournal
from mcp_servers.intake.trap_listener import TrapListener, engine_with
from mcp_servers.site_directory import SiteDirectory, SiteSettings, TrapIntake
from telecom.errors import SettingsError
from telecom.formats import FORMATS, Rejected
from telecom.formats.reading import ReadingContext
from telecom.formats.received import read_delivery_line

AGENT = "80004fb805a1b2c3d4e5"
LINK_DOWN = "1.3.6.1.6.3.1.1.5.3"
LINK_UP = "1.3.6.1.6.3.1.1.5.4"
PASSPHRASE, PRIVACY = "authentication-key", "privacy-key-of-ours"
USER = {
    "name": "noc",
    "auth": "sha256",
    "auth_file": "auth",
    "privacy": "aes128",
    "privacy_file": "priv",
    "engine_ids": (AGENT,),
}
Send = Callable[..., Awaitable[Any]]


def site_with(folder: Path, **traps: Any) -> tuple[SiteDirectory, TrapIntake]:
    """A site that listens for traps on a free port."""
    for name, secret in (("communities", "# ours\nwatchword\n"), ("auth", PASSPHRASE)):
        (folder / name).write_text(secret)
    (folder / "priv").write_text(PRIVACY)
    for name in ("communities", "auth", "priv"):
        (folder / name).chmod(0o600)
    settings = TrapIntake.model_validate(
        {"udp": "127.0.0.1:0", "communities_file": "communities", "users": (USER,)} | traps
    )
    return SiteDirectory(folder, SiteSettings(site_id="muc-1")), settings


def listening(
    folder: Path, work: Callable[[int, TrapListener], Awaitable[None]], **traps: Any
) -> tuple[TrapListener, list[Any]]:
    """Run `work(port, listener)` against a listener; what was kept, as it is read again."""
    site, settings = site_with(folder, **traps)
    received = folder / "received"

    async def session() -> TrapListener:
        with ReceivedJournal(received) as journal:
            listener = TrapListener(site, settings, journal)
            (place,) = await listener.start()
            try:
                await asyncio.wait_for(work(int(place.rpartition(":")[2]), listener), 30)
            finally:
                await listener.stop()
        return listener

    listener = asyncio.run(session())
    context = ReadingContext("alarms/received/x.jsonl", None)
    lines = [line for file in sorted(received.glob("*")) for line in file.read_bytes().splitlines()]
    return listener, [
        record
        for number, line in enumerate(lines, start=1)
        for record in read_delivery_line(line, number, context, FORMATS)
    ]


async def notify(
    port: int,
    credential: Any,
    oid: str,
    *varbinds: tuple[str, Any],
    kind: str = "trap",
    patience: float = 2.0,
    retries: int = 0,
) -> Any:
    """Send one notification; for an inform its error indication, None when acknowledged."""
    engine = engine_with(bytes.fromhex(AGENT), boots=1)
    target = await UdpTransportTarget.create(("127.0.0.1", port), timeout=patience, retries=retries)
    what = NotificationType(ObjectIdentity(oid)).add_varbinds(*varbinds)
    try:
        error, *_ = await send_notification(
            engine, credential, target, ContextData(), kind, what, lookupMib=False
        )
        return error
    finally:
        engine.close_dispatcher()


def v3(**changes: Any) -> UsmUserData:
    """The user that the site knows."""
    known = {
        "userName": "noc",
        "authKey": PASSPHRASE,
        "privKey": PRIVACY,
        "authProtocol": usmHMAC192SHA256AuthProtocol,
        "privProtocol": usmAesCfb128Protocol,
    }
    return UsmUserData(**(known | changes))


def if_index(number: int) -> tuple[str, Any]:
    return f"1.3.6.1.2.1.2.2.1.1.{number}", rfc1902.Integer32(number)


def name(text: str) -> tuple[str, Any]:
    return "1.3.6.1.2.1.31.1.1.1.1.7", OctetString(text)


def said(alarms: list[Any]) -> list[tuple[str, str, str]]:
    return [
        (alarm.managed_object, alarm.perceived_severity.value, alarm.probable_cause)
        for alarm in alarms
    ]


def test_traps_of_every_version_become_alarms(tmp_path: Path) -> None:
    """Issue 5: v1, v2c and v3; link, restart, entity and enterprise traps, OIDs kept."""
    v1, v2c = CommunityData("watchword", mpModel=0), CommunityData("watchword", mpModel=1)
    enterprise = "1.3.6.1.4.1.2011.5.25.219.2.5.1"
    detail = ("1.3.6.1.4.1.2011.5.25.219.1.1.1", OctetString("Fan 3 failed on slot 2"))

    async def work(port: int, _: TrapListener) -> None:
        await notify(port, v1, LINK_DOWN, if_index(7), name("ge-0/0/7"))
        await notify(port, v2c, LINK_DOWN, if_index(7), name("ge-0/0/7"))
        await notify(port, v3(), LINK_UP, if_index(7), name("ge-0/0/7"))
        await notify(port, v2c, "1.3.6.1.6.3.1.1.5.1")
        await notify(port, v2c, "1.3.6.1.6.3.1.1.5.5")
        await notify(port, v2c, "1.3.6.1.2.1.47.2.0.1")
        await notify(port, v2c, enterprise, detail)
        await settled(tmp_path, 7)

    listener, alarms = listening(tmp_path, work)
    assert said(alarms) == [
        ("127.0.0.1:ge-0/0/7", "MAJOR", "linkDown"),
        ("127.0.0.1:ge-0/0/7", "MAJOR", "linkDown"),
        ("127.0.0.1:ge-0/0/7", "CLEARED", "linkUp"),
        ("127.0.0.1", "INDETERMINATE", "coldStart"),
        ("127.0.0.1", "WARNING", "authenticationFailure"),
        ("127.0.0.1", "INDETERMINATE", "entConfigChange"),
        ("127.0.0.1", "WARNING", enterprise),
    ]
    assert alarms[-1].additional_information["varbinds"][detail[0]] == "Fan 3 failed on slot 2"
    assert "watchword" not in "".join(alarm.model_dump_json() for alarm in alarms)
    assert (listener.refused, listener.malformed, listener.lost) == (0, 0, 0)


def test_who_has_no_community_and_no_user_is_refused_and_counted(tmp_path: Path) -> None:
    """Closed by default: unknown community, unknown user, forged digest, foreign network."""

    async def work(port: int, listener: TrapListener) -> None:
        strangers = (
            CommunityData("public", mpModel=0),
            CommunityData("public", mpModel=1),
            v3(userName="other"),
            v3(authKey="another-passphrase"),
            UsmUserData("noc"),
        )
        for credential in strangers:
            await notify(port, credential, LINK_DOWN, if_index(7))
        while listener.refused < len(strangers):  # noqa: ASYNC110 - bounded by `listening`
            await asyncio.sleep(0.01)

    listener, alarms = listening(tmp_path, work)
    assert (listener.refused, alarms) == (5, [])
    foreign, nothing = listening(tmp_path, one_refused, networks=("10.0.0.0/8",))
    assert (foreign.refused, nothing) == (1, [])


async def one_refused(port: int, listener: TrapListener) -> None:
    """Send a good trap and wait until it was refused."""
    await notify(port, CommunityData("watchword", mpModel=1), LINK_DOWN, if_index(7))
    while not listener.refused:  # noqa: ASYNC110 - bounded by `listening`
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("credential", ["v2c", "v3"])
def test_an_inform_is_acknowledged_when_it_is_on_disk(tmp_path: Path, credential: str) -> None:
    """Issue 5: appended before it is acknowledged."""
    who = CommunityData("watchword", mpModel=1) if credential == "v2c" else v3()
    kept: list[int] = []

    async def work(port: int, _: TrapListener) -> None:
        error = await notify(port, who, LINK_DOWN, if_index(7), kind="inform", patience=10)
        assert error is None
        kept.append(len(lines_in(tmp_path)))

    _, alarms = listening(tmp_path, work)
    assert kept == [1]
    assert said(alarms) == [("127.0.0.1:ifIndex 7", "MAJOR", "linkDown")]


def test_an_inform_that_cannot_be_kept_is_not_acknowledged(tmp_path: Path) -> None:
    """Us: the sender then sends it again; a full disk must not look like success."""
    (tmp_path / "received").write_text("no folder")

    async def work(port: int, _: TrapListener) -> None:
        who = CommunityData("watchword", mpModel=1)
        error = await notify(port, who, LINK_DOWN, if_index(7), kind="inform", patience=0.3)
        assert error is not None

    site, settings = site_with(tmp_path)

    async def session() -> None:
        with ReceivedJournal(tmp_path / "received") as journal:
            listener = TrapListener(site, settings, journal)
            (place,) = await listener.start()
            await work(int(place.rpartition(":")[2]), listener)
            await listener.stop()

    asyncio.run(session())


def test_an_inform_that_is_repeated_is_kept_once(tmp_path: Path) -> None:
    """Us: an acknowledgement may be lost on the way; nothing is done twice."""
    message = inform_bytes()

    async def work(port: int, _: TrapListener) -> None:
        loop = asyncio.get_running_loop()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.setblocking(False)
            await loop.sock_connect(sender, ("127.0.0.1", port))
            for _turn in range(2):
                await loop.sock_sendall(sender, message)
                assert await asyncio.wait_for(loop.sock_recv(sender, 65_535), 10)

    _, alarms = listening(tmp_path, work)
    assert [alarm.probable_cause for alarm in alarms] == ["coldStart"]


def test_what_is_no_snmp_message_ends_in_quarantine(tmp_path: Path) -> None:
    """Issue 5: malformed input is counted with its reason, and never stops the stream."""
    spoiled = (
        b"\x30\x82",
        b"GET / HTTP/1.1\r\n",
        b"\x30\x05\x02\x01\x09\x05\x00",
        b"\xff" * 900,
    )

    async def work(port: int, _: TrapListener) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for data in spoiled:
                sender.sendto(data, ("127.0.0.1", port))
        await notify(port, CommunityData("watchword", mpModel=1), LINK_DOWN, if_index(7))
        await settled(tmp_path, len(spoiled) + 1)

    listener, (*rejected, alarm) = listening(tmp_path, work)
    assert len(rejected) >= len(spoiled)
    assert all(isinstance(record, Rejected) for record in rejected)
    assert said([alarm]) == [("127.0.0.1:ifIndex 7", "MAJOR", "linkDown")]
    assert listener.malformed == len(spoiled)


@pytest.mark.parametrize(
    ("traps", "problem"),
    [
        ({"communities_file": None, "users": ()}, "communities_file, users"),
        ({"communities_file": "missing"}, "missing"),
        ({"udp": "somewhere"}, r"intake\.traps\.udp"),
        ({"users": (USER | {"auth_file": "short"},)}, "8 characters"),
        ({"communities_file": "open"}, "chmod 600"),
    ],
)
def test_what_cannot_be_used_is_named(tmp_path: Path, traps: Any, problem: str) -> None:
    """STYLE: messages say what was refused and what would work."""
    for file, text, mode in (("short", "abc", 0o600), ("open", "watchword", 0o644)):
        (tmp_path / file).write_text(text)
        (tmp_path / file).chmod(mode)
    site, settings = site_with(tmp_path, **traps)
    with pytest.raises(SettingsError, match=problem):
        TrapListener(site, settings, ReceivedJournal(tmp_path))


def lines_in(folder: Path) -> list[bytes]:
    return [
        line for file in (folder / "received").glob("*") for line in file.read_bytes().splitlines()
    ]


async def settled(folder: Path, lines: int) -> None:
    """Wait until so much was kept; `listening` bounds it."""
    while len(lines_in(folder)) < lines:  # noqa: ASYNC110 - a file tells nobody
        await asyncio.sleep(0.01)


def inform_bytes() -> bytes:
    """An inform as it stands on the wire, so that it can be sent twice."""
    from pyasn1.codec.ber import encoder  # noqa: PLC0415
    from pysnmp.proto.api import v2c  # noqa: PLC0415

    pdu = v2c.InformRequestPDU()
    v2c.apiTrapPDU.set_defaults(pdu)
    v2c.apiPDU.set_request_id(pdu, 42)
    trap = (
        rfc1902.ObjectName("1.3.6.1.6.3.1.1.4.1.0"),
        rfc1902.ObjectIdentifier(LINK_DOWN[:-1] + "1"),
    )
    uptime = (rfc1902.ObjectName("1.3.6.1.2.1.1.3.0"), rfc1902.TimeTicks(12))
    v2c.apiPDU.set_varbinds(pdu, [uptime, trap])
    message = v2c.Message()
    v2c.apiMessage.set_defaults(message)
    v2c.apiMessage.set_community(message, "watchword")
    v2c.apiMessage.set_pdu(message, pdu)
    return bytes(encoder.encode(message))


def test_the_kept_record_is_readable_without_a_mib(tmp_path: Path) -> None:
    """Issue 5: provenance back to the raw record."""

    async def work(port: int, _: TrapListener) -> None:
        await notify(
            port,
            CommunityData("watchword", mpModel=1),
            LINK_DOWN,
            ("1.3.6.1.4.1.9.1.1", OctetString(hexValue="07ea0301")),
            ("1.3.6.1.4.1.9.1.2", rfc1902.IpAddress("10.0.0.1")),
            ("1.3.6.1.4.1.9.1.3", rfc1902.Counter64(2**40)),
        )
        await settled(tmp_path, 1)

    listening(tmp_path, work)
    body = json.loads(json.loads(lines_in(tmp_path)[0])["body"])
    assert (body["version"], body["agent"]) == ("v2c", "127.0.0.1")
    assert [each["value"] for each in body["varbinds"]][-3:] == ["0x07ea0301", "10.0.0.1", 2**40]
