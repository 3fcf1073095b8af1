"""Alarms from Kafka topics into the journal: an offset is committed behind what is on disk only.

A batch is appended, then its offsets are committed; while the disk refuses, the batch waits and
nothing behind it is read. What comes again because a process died in between is known by its
partition, offset and time, and is not kept twice. What cannot be read as an alarm is kept all the
same and ends in quarantine, so no message can block a topic. A broker that is not there is asked
again and again, and so is one that was there.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from aiokafka.errors import KafkaError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from faststream.kafka.annotations import KafkaMessage
from faststream.security import BaseSecurity, SASLScram512

from mcp_servers.alarms.file_intake import RECEIVED
from mcp_servers.intake.http_routes import LARGEST_BODY, SOURCES
from mcp_servers.intake.journal import ReceivedJournal
from mcp_servers.intake.kafka_state import KafkaState
from mcp_servers.intake.kept_records import KeptRecords
from mcp_servers.site_directory import KafkaIntake, KafkaTopic, SiteDirectory
from telecom.errors import IntakeUnavailableError, SettingsError
from telecom.formats.received import Delivery

MOST_TOGETHER = 500
"""Messages of a batch: one write to disk, one commit."""
FIRST_WAIT_SECONDS = 1.0
LONGEST_WAIT_SECONDS = 60.0
LOOK_SECONDS = 10.0
"""Between looks whether the broker still answers, and how long it may take for that."""
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
        self._received = site.path / RECEIVED
        self._known = KeptRecords(MOST_TOGETHER)
        self._running: asyncio.Task[None] | None = None
        self.state = KafkaState(state="connecting")
        """How it does."""
        self._broker = KafkaBroker(
            list(settings.servers),
            security=_security(site, settings),
            client_id=f"tierwise-{site.settings.site_id}",
            consumer_only=True,  # topics are the operator's: a reader makes none
            logger=None,
            graceful_timeout=_ENDING_SECONDS,
        )
        self._subscribers: list[Any] = []  # FastStream's, whose consumers are untyped
        self._names = [topic.name for topic in settings.topics]
        group = settings.group or f"tierwise-{site.settings.site_id}"
        for topic in settings.topics:
            self._subscribe(topic, group)

    async def start(self) -> list[str]:
        """Begin to connect; answers what is going to be read."""
        self._running = asyncio.create_task(self._run(), name="kafka-intake")
        return [f"kafka topic {name}" for name in self._names]

    async def stop(self) -> None:
        """Stop reading; what was received is kept, what is not committed comes again."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)
        await self._broker.stop()
        self._tell(state="stopped")

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
            try:
                await message.ack()
            except KafkaError as exc:
                # A partition went to another reader of the group, or an ACL refuses: it comes
                # again, to whoever reads on, and is known here.
                _logger.warning("an offset could not be committed (%s)", type(exc).__name__)

        subscriber = self._broker.subscriber(
            topic.name,
            group_id=group,
            batch=True,
            max_records=MOST_TOGETHER,
            auto_offset_reset="earliest",
            ack_policy=AckPolicy.MANUAL,
            decoder=_as_it_came,
        )
        subscriber(take)
        self._subscribers.append(subscriber)

    async def _run(self) -> None:
        await asyncio.to_thread(self._known.read, self._received)
        await self._connect()
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            await self._look()

    async def _look(self) -> None:
        """Ask the broker how far each partition goes: whether it answers, and how much waits."""
        behind = 0
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                for subscriber in self._subscribers:
                    behind += await _behind(subscriber.consumer)
        except (KafkaError, TimeoutError) as exc:
            if self.state.state == "connected":
                _logger.warning("Kafka does not answer any more (%s)", type(exc).__name__)
                self._tell(state="no broker")
            return
        if self.state.state == "no broker":
            _logger.info("Kafka answers again")
            self._tell(state="connected")
        self._tell(behind=behind)

    async def _connect(self) -> None:
        wait = FIRST_WAIT_SECONDS
        while True:
            try:
                await self._broker.start()
            except (OSError, RuntimeError, TimeoutError) as exc:
                # aiokafka's errors are RuntimeErrors. They name brokers, never messages.
                await self._broker.stop()
                self._tell(state="no broker")
                _logger.warning("Kafka cannot be reached (%s); next try in %g s", exc, wait)
                await asyncio.sleep(wait)
                wait = min(2 * wait, LONGEST_WAIT_SECONDS)
            else:
                self._tell(state="connected")
                _logger.info("connected to Kafka")
                return

    async def _keep(self, deliveries: Sequence[Delivery]) -> None:
        """Append a batch; returns when it is on disk, however long that takes."""
        new = [delivery for delivery in deliveries if delivery.record not in self._known]
        self._tell(repeated=self.state.repeated + len(deliveries) - len(new))
        wait = FIRST_WAIT_SECONDS
        while new:
            try:
                await asyncio.wrap_future(self._journal.append(new))
            except IntakeUnavailableError as exc:
                self._tell(state="waiting for the disk")
                _logger.error("%s; Kafka waits, next try in %g s", exc, wait)
                await asyncio.sleep(wait)
                wait = min(2 * wait, LONGEST_WAIT_SECONDS)
            else:
                for delivery in new:
                    self._known.add(delivery.record)
                self._tell(state="connected", kept=self.state.kept + len(new))
                return

    def _tell(self, **news: Any) -> None:
        self.state = self.state.model_copy(update=news)


async def _behind(consumer: Any) -> int:
    """How many messages of its partitions a consumer has not taken (Any: it is untyped).

    Raises:
        KafkaError: The broker does not answer.
    """
    partitions = consumer.assignment()
    if not partitions:
        await consumer.topics()  # nothing of its own to ask for
    ends = await consumer.end_offsets(partitions)
    return sum([end - await consumer.position(partition) for partition, end in ends.items()])


async def _as_it_came(message: Any) -> Any:
    """Leave bytes alone: the readers of the formats decide what they are (any body, hence Any)."""
    return message.body


def _deliveries(records: Sequence[Any], source: str, topic: str) -> list[Delivery]:
    """The messages of a batch; one without a value is a tombstone and says nothing (Any: untyped).

    One that is too large is cut, so that it is quarantined and not lost without a trace.
    """
    now = datetime.now(UTC)
    return [
        Delivery(
            now,
            source,
            f"kafka:{topic}",
            bytes(record.value[:LARGEST_BODY]),
            # With its time: an offset alone comes back when a topic is made anew.
            f"kafka:{topic}/{record.partition}@{record.offset}.{record.timestamp}",
        )
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
