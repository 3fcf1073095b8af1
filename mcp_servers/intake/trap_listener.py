"""SNMP traps and informs (v1, v2c, v3) into the journal.

A community or a user of `site.yaml` opens the door, from the networks named there. An inform is
acknowledged when it is on disk and not before, so a sender repeats what could not be kept; what it
repeats after it was kept is acknowledged and not kept twice. What is no SNMP message is kept as it
came, so that it ends in quarantine with a reason.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import time
from collections import OrderedDict
from collections.abc import Mapping
from concurrent.futures import Future
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pysnmp.carrier.asyncio.dgram import udp, udp6
from pysnmp.entity import config
from pysnmp.entity.engine import SnmpEngine
from pysnmp.proto import rfc1902, rfc3411
from pysnmp.proto.api import v1, v2c
from pysnmp.proto.error import StatusInformation
from pysnmp.proto.proxy import rfc2576

from mcp_servers.intake.journal import ReceivedJournal
from mcp_servers.intake.sockets import heard_from, listen_address
from mcp_servers.intake.trap_records import trap_record
from mcp_servers.site_directory import SiteDirectory, TrapIntake, TrapUser
from telecom.errors import IntakeUnavailableError, SettingsError
from telecom.formats.received import Delivery

_V3 = 3
_BOOTS_FILE = "snmp_boots"
_REMEMBERED = 10_000
"""Informs that were kept, to know one that comes again."""
_REPEAT_SECONDS = 120.0
"""A sender repeats within this; no element starts twice in it and says the same at one uptime."""
_ENTERPRISE = bytes.fromhex("80004fb8")
"""Of pysnmp, whose engine this is; the rest of the engine id is the site's (RFC 3411)."""
_SHORTEST_KEY = 8
"""RFC 3414, section 11.2."""
_AUTH: Mapping[str | None, Any] = {
    None: config.USM_AUTH_NONE,
    "md5": config.USM_AUTH_HMAC96_MD5,
    "sha": config.USM_AUTH_HMAC96_SHA,
    "sha224": config.USM_AUTH_HMAC128_SHA224,
    "sha256": config.USM_AUTH_HMAC192_SHA256,
    "sha384": config.USM_AUTH_HMAC256_SHA384,
    "sha512": config.USM_AUTH_HMAC384_SHA512,
}
_PRIVACY: Mapping[str | None, Any] = {
    None: config.USM_PRIV_NONE,
    "des": config.USM_PRIV_CBC56_DES,
    "aes128": config.USM_PRIV_CFB128_AES,
    "aes192": config.USM_PRIV_CFB192_AES,
    "aes256": config.USM_PRIV_CFB256_AES,
}
_NOTIFICATIONS = (v1.TrapPDU.tagSet, v2c.SNMPv2TrapPDU.tagSet, v2c.InformRequestPDU.tagSet)
_DENIED = (
    ("__SNMPv2-MIB", "snmpInBadCommunityNames"),
    ("__SNMPv2-MIB", "snmpInBadCommunityUses"),
    *(
        ("__SNMP-USER-BASED-SM-MIB", f"usmStats{what}")
        for what in (
            "UnknownEngineIDs",
            "UnknownUserNames",
            "UnsupportedSecLevels",
            "NotInTimeWindows",
            "WrongDigests",
            "DecryptionErrors",
        )
    ),
)
"""The engine's counters of messages that were well formed and came to the wrong door."""

_logger = logging.getLogger(__name__)


class TrapListener:
    """Listens as `site.yaml: intake.traps` says."""

    def __init__(self, site: SiteDirectory, settings: TrapIntake, journal: ReceivedJournal) -> None:
        """Prepare.

        Raises:
            SettingsError: An address, network, file or user cannot be used.
        """
        self._journal = journal
        self._heard = heard_from(settings.networks, "intake.traps.networks")
        self._place = settings.udp and listen_address(settings.udp, "intake.traps.udp")
        self._site_id = site.settings.site_id
        self._store = site.store
        self._communities = _communities(site.path, settings)
        self._users = [(user, *_keys(site.path, user)) for user in settings.users]
        if self._place and not (self._communities or self._users):
            raise SettingsError("intake.traps needs a communities_file, users, or both")
        self._levels = {
            user.name: 1 + (user.auth is not None) + (user.privacy is not None)
            for user in settings.users
        }
        """User -> the least security level: 1 is none, 2 signed, 3 encrypted, too."""
        self._engine: SnmpEngine | None = None
        self._kept: OrderedDict[bytes, float] = OrderedDict()
        self._from = ("", False)
        """Who sent the datagram at hand, and whether it was accepted."""
        self.refused = 0
        """Datagrams from outside the networks, of an unknown community or user, or forged."""
        self.malformed = 0
        """Datagrams that are no SNMP message."""
        self.lost = 0
        """Notifications that could not be kept."""

    async def start(self) -> list[str]:
        """Begin to listen; answers where, with the port that was really taken.

        Raises:
            SettingsError: The address cannot be listened on.
        """
        if not self._place:
            return []
        self._engine = engine = self._new_engine()
        six = ":" in self._place[0]
        transport = _Datagrams6(self) if six else _Datagrams(self)
        domain = udp6.DOMAIN_NAME if six else udp.DOMAIN_NAME
        config.add_transport(engine, domain, transport)
        try:
            endpoint, _ = await asyncio.get_running_loop().create_datagram_endpoint(
                lambda: transport, local_addr=self._place
            )
        except OSError as exc:
            await self.stop()
            raise SettingsError(f"intake.traps: cannot listen: {exc.strerror}") from exc
        return ["snmp {}:{}".format(*endpoint.get_extra_info("sockname")[:2])]

    async def stop(self) -> None:
        """Stop listening; what was received is kept."""
        if self._engine is not None:
            self._engine.close_dispatcher()
            self._engine = None

    def _new_engine(self) -> SnmpEngine:
        # The id must not change: senders of informs derive their keys from it.
        own = _ENTERPRISE + b"\x05" + hashlib.sha256(self._site_id.encode()).digest()[:12]
        engine = engine_with(own, boots=_next_boot(self._store))
        for number, community in enumerate(self._communities):
            config.add_v1_system(engine, f"area-{number}", community)
        for user, auth_key, priv_key in self._users:
            for engine_id in (None, *user.engine_ids):
                config.add_v3_user(
                    engine,
                    user.name,
                    _AUTH[user.auth],
                    auth_key,
                    _PRIVACY[user.privacy],
                    priv_key,
                    securityEngineId=engine_id and rfc1902.OctetString(hexValue=engine_id),
                )
        engine.message_dispatcher.register_context_engine_id(
            b"", _NOTIFICATIONS, self._take_notification
        )
        return engine

    def take_datagram(self, data: bytes, peer: str, process: Any) -> None:
        """Let the engine process a datagram (`process` is its untyped callback), and see the end.

        The engine says nothing of what it drops but in its counters.
        """
        if self._engine is None or not self._heard(peer):
            self.refused += 1
            return
        self._from = (peer, False)
        denied = _denied(self._engine)
        process()
        if self._from[1]:
            return
        if _denied(self._engine) > denied:
            self.refused += 1
            if self.refused.bit_count() == 1:  # the first, the second, the fourth ...
                _logger.warning("%d SNMP messages were refused, the last of %s", self.refused, peer)
            return
        self.malformed += 1
        if data:
            self._keep(data, peer)

    def note_answer(self) -> None:
        """The engine answers by itself: an inform's sender asked for its id, and is no stranger."""
        self._from = (self._from[0], True)

    def _take_notification(  # noqa: PLR0917 - the SNMP engine calls it so
        self,
        engine: SnmpEngine,
        model: int,
        security_model: int,
        security_name: Any,
        security_level: int,
        context_engine_id: Any,
        context_name: Any,
        pdu_version: int,
        pdu: Any,
        room: int,
        reference: Any,
    ) -> None:
        """Keep a notification; acknowledge an inform once it is on disk. pysnmp's types are Any."""
        peer, _ = self._from
        self._from = (peer, True)
        if model == _V3 and security_level < self._levels.get(str(security_name), _V3 + 1):
            self.refused += 1  # the engine takes a user's name without the user's signature
            return
        plain = rfc2576.v1_to_v2(pdu, snmpTrapCommunity="") if model == 0 else pdu
        varbinds = v2c.apiPDU.get_varbinds(plain)
        now = datetime.now(UTC)
        record = trap_record(varbinds, version=model, received=now, peer=peer)
        if pdu.tagSet not in rfc3411.CONFIRMED_CLASS_PDUS:
            self._keep(record, peer)
            return

        def acknowledge() -> None:
            answer = v2c.apiPDU.get_response(pdu)
            v2c.apiPDU.set_error_status(answer, 0)
            v2c.apiPDU.set_error_index(answer, 0)
            v2c.apiPDU.set_varbinds(answer, varbinds)
            try:
                engine.message_dispatcher.return_response_pdu(
                    engine,
                    model,
                    security_model,
                    security_name,
                    security_level,
                    context_engine_id,
                    context_name,
                    pdu_version,
                    answer,
                    room,
                    reference,
                    {},
                )
            except StatusInformation:
                _logger.warning("an inform of %s could not be acknowledged", peer)

        content = b"".join(f"{oid}={value.prettyPrint()};".encode() for oid, value in varbinds)
        # sysUpTime is among them; the engine hides request ids, and v3 encrypts each time anew.
        key = hashlib.sha256(f"{peer} ".encode() + content).digest()
        if self._kept.get(key, float("-inf")) > time.monotonic() - _REPEAT_SECONDS:
            acknowledge()
            return
        loop = asyncio.get_running_loop()

        def kept() -> None:
            self._kept[key] = time.monotonic()
            self._kept.move_to_end(key)
            if len(self._kept) > _REMEMBERED:
                self._kept.popitem(last=False)
            if self._engine is engine:
                acknowledge()

        def done(future: Future[None]) -> None:
            if future.exception() is None and not loop.is_closed():
                loop.call_soon_threadsafe(kept)

        future = self._keep(record, peer)
        if future is not None:
            future.add_done_callback(done)

    def _keep(self, body: bytes, peer: str) -> Future[None] | None:
        delivery = Delivery(datetime.now(UTC), "snmp", peer.removeprefix("::ffff:"), body)
        try:
            return self._journal.append([delivery])
        except IntakeUnavailableError:
            self.lost += 1
            return None


def _denied(engine: SnmpEngine) -> int:
    builder = engine.get_mib_builder()
    return sum(int(builder.import_symbols(*counter)[0].syntax) for counter in _DENIED)


class _Watched:
    """What the listener does around the engine's transport, whose types are Any."""

    def __init__(self, listener: TrapListener) -> None:
        super().__init__(loop=asyncio.get_running_loop())  # type: ignore[call-arg]
        self._listener = listener
        self._callback_function: Any = None

    def datagram_received(self, datagram: bytes, address: Any) -> None:
        """Take one datagram, here and now: what comes of it is judged right behind."""
        self._listener.take_datagram(
            datagram, address[0], lambda: self._callback_function(self, address, datagram)
        )

    def send_message(self, message: bytes, address: Any) -> None:
        """Send an acknowledgement or a report."""
        self._listener.note_answer()
        super().send_message(message, address)  # type: ignore[misc]


class _Datagrams(_Watched, udp.UdpTransport):  # type: ignore[misc]
    """Over IPv4."""


class _Datagrams6(_Watched, udp6.Udp6Transport):  # type: ignore[misc]
    """Over IPv6."""


def engine_with(engine_id: bytes, *, boots: int) -> SnmpEngine:
    """An SNMP engine of a given id that has been started so often.

    pysnmp would count its starts under a name in the common temporary folder that everybody can
    foresee; a counter that goes back lets old messages pass again (RFC 3414, section 2.2).
    """
    engine = SnmpEngine()
    builder = engine.get_mib_builder()
    (identity, starts) = builder.import_symbols(
        "__SNMP-FRAMEWORK-MIB", "snmpEngineID", "snmpEngineBoots"
    )
    identity.syntax = identity.syntax.clone(engine_id)
    engine.snmpEngineID = identity.syntax
    starts.syntax = starts.syntax.clone(boots)
    return engine


def _next_boot(store: Path) -> int:
    """Count this start; on disk before it is used."""
    file = store / _BOOTS_FILE
    try:
        store.mkdir(parents=True, exist_ok=True)
        try:
            boots = int(file.read_text(encoding="ascii")) + 1
        except (FileNotFoundError, ValueError):
            boots = 1
        draft = file.with_suffix(".draft")
        with draft.open("w", encoding="ascii") as stream:
            stream.write(str(boots))
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(file)
    except OSError as exc:
        raise SettingsError(f"{file} cannot be written: {exc.strerror}") from exc
    return boots


def _communities(folder: Path, settings: TrapIntake) -> list[str]:
    if settings.communities_file is None:
        return []
    lines = _secret_lines(folder / settings.communities_file)
    return [line for line in lines if not line.startswith("#")]


def _keys(folder: Path, user: TrapUser) -> tuple[str | None, str | None]:
    auth, privacy = (
        None if file is None else next(iter(_secret_lines(folder / file)), "")
        for file in (user.auth_file, user.privacy_file)
    )
    for key in (auth, privacy):
        if key is not None and len(key) < _SHORTEST_KEY:
            raise SettingsError(
                f"intake.traps: the passphrases of user {user.name!r} need {_SHORTEST_KEY} "
                "characters or more"
            )
    return auth, privacy


def _secret_lines(file: Path) -> list[str]:
    try:
        if file.stat().st_mode & 0o077:
            raise SettingsError(f"{file} can be read by others; chmod 600 {file}")
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise SettingsError(f"{file} cannot be read: {type(exc).__name__}") from exc
    return [line.strip() for line in text.splitlines() if line.strip()]
