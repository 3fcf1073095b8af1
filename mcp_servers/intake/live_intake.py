"""`LiveIntake`: every door for live alarms of one site, and what happens behind them."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from starlette.routing import Route

from mcp_servers.alarms.desk import AlarmDesk
from mcp_servers.alarms.file_intake import RECEIVED
from mcp_servers.intake.follower import IntakeFollower
from mcp_servers.intake.http_routes import IntakeDoor
from mcp_servers.intake.journal import ReceivedJournal
from mcp_servers.intake.kafka_state import KafkaState
from mcp_servers.intake.signatures import SignatureVerifier
from mcp_servers.intake.syslog_listener import SyslogListener
from mcp_servers.intake.tmf642_hubs import AlarmHubs
from mcp_servers.site_directory import KafkaIntake, SiteDirectory
from telecom.errors import MissingExtraError

if TYPE_CHECKING:
    from mcp_servers.intake.kafka_topics import KafkaTopics
    from mcp_servers.intake.trap_listener import TrapListener

_logger = logging.getLogger(__name__)


class LiveIntake:
    """Doors, journal and follower of the process that owns the site's store."""

    def __init__(self, site: SiteDirectory, desk: AlarmDesk) -> None:
        """Prepare what `site.yaml: intake` asks for.

        Raises:
            SettingsError: A secret, address or network cannot be used.
        """
        settings = site.settings.intake
        self._follower = IntakeFollower(desk, settings.keep_days)
        self._journal = ReceivedJournal(site.path / RECEIVED, kept=self._follower.tell)
        hubs = AlarmHubs(site, settings.hubs)
        self._door = IntakeDoor(self._journal, SignatureVerifier.of(site), hubs, site.timezone)
        self._listeners: list[SyslogListener | AlarmHubs | TrapListener | KafkaTopics] = [
            SyslogListener(settings.syslog, self._journal),
            hubs,
        ]
        if settings.traps.udp is not None:
            self._listeners.append(_trap_listener(site, self._journal))
        self._kafka: KafkaTopics | None = None
        if settings.kafka is not None:
            self._kafka = _kafka_topics(site, settings.kafka, self._journal)
            self._listeners.append(self._kafka)

    @property
    def received(self) -> int:
        """Deliveries on disk since these doors were opened."""
        return self._journal.received

    def routes(self) -> list[Route]:
        """Paths for the site's HTTP application."""
        return self._door.routes()

    def kafka_state(self) -> KafkaState | None:
        """How it does with Kafka; None where the site reads no topic."""
        return None if self._kafka is None else self._kafka.state

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Listen and follow until left; what was accepted by then is stored.

        Raises:
            SettingsError: An address cannot be listened on.
        """
        with self._journal:
            self._follower.start(self._journal)
            try:
                for listener in self._listeners:
                    for address in await listener.start():
                        _logger.info("listening for alarms on %s", address)
                yield
            finally:
                for listener in self._listeners:
                    await listener.stop()
        self._follower.stop()


def _trap_listener(site: SiteDirectory, journal: ReceivedJournal) -> TrapListener:
    """The listener of a site that hears traps; the others do not load an SNMP engine."""
    from mcp_servers.intake.trap_listener import TrapListener  # noqa: PLC0415

    return TrapListener(site, site.settings.intake.traps, journal)


def _kafka_topics(
    site: SiteDirectory, settings: KafkaIntake, journal: ReceivedJournal
) -> KafkaTopics:
    """The reader of a site that has topics; the others do not need the library."""
    try:
        from mcp_servers.intake.kafka_topics import KafkaTopics  # noqa: PLC0415
    except ImportError as exc:
        raise MissingExtraError("kafka", "intake.kafka") from exc
    return KafkaTopics(site, settings, journal)
