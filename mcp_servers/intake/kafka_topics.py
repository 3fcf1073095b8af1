"""Alarms from Kafka topics into the journal: at least once, an offset only behind what is on disk.

A batch is appended, then its offsets are committed; while the disk refuses, the batch waits and
nothing behind it is read. What cannot be read as an alarm is kept all the same and ends in
quarantine, so no message can block a topic. A broker that is not there is asked again and again.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from faststream.kafka.annotations import KafkaMessage
from faststream.security import BaseSecurity, SASLScram512

from mcp_servers.intake.http_routes import LARGEST_BODY, SOURCES
from mcp_servers.intake.journal import ReceivedJournal
from mcp_servers.site_directory import KafkaIntake, KafkaTopic, SiteDirectory
from telecom.errors import IntakeUnavailableError, SettingsError
from telecom.formats.received import Delivery

MOST_TOGETHER = 500
"""Messages of a batch: one write to disk, one commit."""
FIRST_WAIT_SECONDS = 1.0
LONGEST_WAIT_SECONDS = 60.0
_ENDING_SECONDS = 5.0
"""How long a batch may take to end when the site stops; what is not committed comes again."""

_logger = logging.getLogger(__name__)


class KafkaTopics:
    """Reads the topics of `site.yaml: intake.kafka`."""

    def __init__(
        self, site: SiteDirectory, settings: KafkaIntake, journal: ReceivedJournal
    ) -> None:
        """Prepare.

        Raises:
            SettingsError: A file cannot be used, or a topic has a format that nobody reads.
        """
        self._journal = journal
        self._running: asyncio.Task[None] | None = None
        self.state = "not connected"
        """`connected`, or what keeps it from reading."""
        self.kept = 0
        """Messages on disk since the start."""
        self.broker = KafkaBroker(
            list(settings.servers),
            security=_security(site, settings),
            client_id=f"tierwise-{site.settings.site_id}",
            logger=None,
            graceful_timeout=_ENDING_SECONDS,
        )
        self._names = [topic.name for topic in settings.topics]
        group = settings.group or f"tierwise-{site.settings.site_id}"
        for topic in settings.topics:
            self._subscribe(topic, group)

    async def start(self) -> list[str]:
        """Begin to connect; answers what is going to be read."""
        self._running = asyncio.create_task(self._connect(), name="kafka-intake")
        return [f"kafka topic {name}" for name in self._names]

    async def stop(self) -> None:
        """Stop reading; what was received is kept, what is not committed comes again."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)
        await self.broker.stop()
        self.state = "stopped"

    def _subscribe(self, topic: KafkaTopic, group: str) -> None:
        if topic.format not in SOURCES:
            raise SettingsError(
                f"intake.kafka: topic {topic.name!r} has the format {topic.format!r}; there are "
                f"{', '.join(SOURCES)}"
            )
        source = SOURCES[topic.format]

        async def take(message: KafkaMessage) -> None:
            raw: Any = message.raw_message  # of a batch its records, as aiokafka gives them
            await self._keep(_deliveries(raw, source, topic.name))
            await message.ack()

        self.broker.subscriber(
            topic.name,
            group_id=group,
            batch=True,
            max_records=MOST_TOGETHER,
            auto_offset_reset="earliest",
            ack_policy=AckPolicy.MANUAL,
            decoder=_as_it_came,
        )(take)

    async def _connect(self) -> None:
        wait = FIRST_WAIT_SECONDS
        while True:
            try:
                await self.broker.start()
            except (OSError, RuntimeError, TimeoutError) as exc:
                # aiokafka's errors are RuntimeErrors. They name brokers, never messages.
                self.state = f"no broker: {type(exc).__name__}"
                _logger.warning("Kafka cannot be reached (%s); next try in %g s", exc, wait)
                await asyncio.sleep(wait)
                wait = min(2 * wait, LONGEST_WAIT_SECONDS)
            else:
                self.state = "connected"
                _logger.info("connected to Kafka")
                return

    async def _keep(self, deliveries: list[Delivery]) -> None:
        """Append a batch; returns when it is on disk, however long that takes."""
        wait = FIRST_WAIT_SECONDS
        while deliveries:
            try:
                await asyncio.wrap_future(self._journal.append(deliveries))
            except IntakeUnavailableError as exc:
                self.state = f"waiting for the disk: {exc}"
                _logger.error("%s; Kafka waits, next try in %g s", exc, wait)
                await asyncio.sleep(wait)
                wait = min(2 * wait, LONGEST_WAIT_SECONDS)
            else:
                self.state = "connected"
                self.kept += len(deliveries)
                return


async def _as_it_came(message: Any) -> Any:
    """Leave bytes alone: the readers of the formats decide what they are (any body, hence Any)."""
    return message.body


def _deliveries(records: Sequence[Any], source: str, topic: str) -> list[Delivery]:
    """The messages of a batch; one without a value is a tombstone and says nothing (Any: untyped).

    One that is too large is cut, so that it is quarantined and not lost without a trace.
    """
    now = datetime.now(UTC)
    return [
        Delivery(now, source, f"kafka:{topic}", bytes(record.value[:LARGEST_BODY]))
        for record in records
        if record.value
    ]


def _security(site: SiteDirectory, settings: KafkaIntake) -> BaseSecurity | None:
    """TLS and, with a user, SCRAM over it; plain only where no secret would travel."""
    if not settings.tls:
        return None
    ca_file = None if settings.ca_file is None else site.path / settings.ca_file
    try:
        context = ssl.create_default_context(cafile=None if ca_file is None else str(ca_file))
        if settings.user is None or settings.password_file is None:
            return BaseSecurity(ssl_context=context, use_ssl=True)
        file = site.path / settings.password_file
        if file.stat().st_mode & 0o077:
            raise SettingsError(f"{file} can be read by others; chmod 600 {file}")
        password = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as exc:
        raise SettingsError(f"intake.kafka: a file cannot be used: {exc}") from exc
    return SASLScram512(settings.user, password, ssl_context=context, use_ssl=True)
