"""Alarms from Kafka, against FastStream's double of the broker."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from faststream.kafka import TestKafkaBroker
from faststream.kafka.message import FakeConsumer

from mcp_servers.intake import kafka_topics
from mcp_servers.intake.journal import ReceivedJournal
from mcp_servers.intake.kafka_topics import KafkaTopics
from mcp_servers.site_directory import KafkaIntake, SiteDirectory, SiteSettings
from telecom.errors import SettingsError
from telecom.formats import FORMATS, Rejected
from telecom.formats.reading import ReadingContext
from telecom.formats.received import read_delivery_line

FIRING = json.dumps(
    {
        "version": "4",
        "alerts": [
            {
                "status": "firing",
                "labels": {"alertname": "LinkDown", "instance": "pe1", "severity": "major"},
                "startsAt": "2026-03-01T10:00:00Z",
                "fingerprint": "0a",
            }
        ],
    }
).encode()
PLAIN = {"servers": ("127.0.0.1:9092",), "tls": False}


def topics_of(folder: Path, journal: ReceivedJournal, **settings: Any) -> KafkaTopics:
    """The reader of a site with one topic of Alertmanager's notifications."""
    given = {"topics": ({"name": "alarms", "format": "alertmanager"},)} | PLAIN | settings
    site = SiteDirectory(folder, SiteSettings(site_id="muc-1"))
    return KafkaTopics(site, KafkaIntake.model_validate(given), journal)


def session(folder: Path, work: Callable[[KafkaTopics], Awaitable[None]]) -> list[Any]:
    """Run `work` while the double delivers; what was kept, as it is read again."""
    received = folder / "received"

    async def run() -> None:
        with ReceivedJournal(received) as journal:
            topics = topics_of(folder, journal)
            async with TestKafkaBroker(topics.broker):
                await asyncio.wait_for(work(topics), 20)

    asyncio.run(run())
    context = ReadingContext("alarms/received/x.jsonl", None)
    return [
        record
        for number, line in enumerate(lines_in(received), start=1)
        for record in read_delivery_line(line, number, context, FORMATS)
    ]


def lines_in(folder: Path) -> list[bytes]:
    return [line for file in sorted(folder.glob("*")) for line in file.read_bytes().splitlines()]


def test_an_offset_is_committed_when_its_messages_are_on_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Issue 5: a Kafka topic, the same code path, appended before it is acknowledged."""
    on_disk: list[int] = []

    async def commit(_: FakeConsumer) -> None:
        on_disk.append(len(lines_in(tmp_path / "received")))

    monkeypatch.setattr(FakeConsumer, "commit", commit)

    async def work(topics: KafkaTopics) -> None:
        await topics.broker.publish_batch(FIRING, FIRING, topic="alarms")
        await topics.broker.publish_batch(FIRING, topic="alarms")
        assert topics.kept == 3

    alarms = session(tmp_path, work)
    assert on_disk == [2, 3]
    assert [alarm.managed_object for alarm in alarms] == ["pe1"] * 3


def test_what_cannot_be_read_is_quarantined_and_blocks_nothing(tmp_path: Path) -> None:
    """Issue 5: malformed input goes to quarantine with its reason, and never stops the stream."""

    async def work(topics: KafkaTopics) -> None:
        await topics.broker.publish_batch(b"{", b"\xff\xfe\x00", b"", FIRING, topic="alarms")

    *spoiled, alarm = session(tmp_path, work)
    assert spoiled
    assert all(isinstance(record, Rejected) for record in spoiled)
    assert alarm.managed_object == "pe1"


def test_a_disk_that_refuses_holds_the_topic_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Us: nothing behind a message that is not kept is committed."""
    monkeypatch.setattr(kafka_topics, "FIRST_WAIT_SECONDS", 0.01)
    (tmp_path / "received").write_text("no folder yet")
    commits: list[int] = []

    async def commit(_: FakeConsumer) -> None:
        commits.append(1)

    monkeypatch.setattr(FakeConsumer, "commit", commit)

    async def work(topics: KafkaTopics) -> None:
        publishing = asyncio.create_task(topics.broker.publish_batch(FIRING, topic="alarms"))
        while not topics.state.startswith("waiting for the disk"):  # noqa: ASYNC110 - bounded
            await asyncio.sleep(0.01)
        assert commits == []
        (tmp_path / "received").unlink()
        await publishing

    (alarm,) = session(tmp_path, work)
    assert (alarm.managed_object, commits) == ("pe1", [1])


def test_a_broker_that_is_down_is_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Issue 5: the site starts without it and says so."""
    monkeypatch.setattr(kafka_topics, "FIRST_WAIT_SECONDS", 0.01)
    tries: list[str] = []

    async def run() -> str:
        with ReceivedJournal(tmp_path / "received") as journal:
            topics = topics_of(tmp_path, journal)

            async def start() -> None:
                tries.append(topics.state)
                if len(tries) < 3:
                    raise ConnectionRefusedError("nobody answers")

            monkeypatch.setattr(topics.broker, "start", start)
            assert await topics.start() == ["kafka topic alarms"]
            async with asyncio.timeout(10):
                while topics.state != "connected":  # noqa: ASYNC110 - bounded
                    await asyncio.sleep(0.01)
            await topics.stop()
            return topics.state

    assert asyncio.run(run()) == "stopped"
    assert tries == ["not connected", *["no broker: ConnectionRefusedError"] * 2]


def test_what_cannot_be_used_is_named(tmp_path: Path) -> None:
    """STYLE: messages say what was refused and what would work."""
    journal = ReceivedJournal(tmp_path / "received")
    with pytest.raises(SettingsError, match="alertmanager"):
        topics_of(tmp_path, journal, topics=({"name": "alarms", "format": "cobol"},))
    (tmp_path / "password").write_text("secret")
    (tmp_path / "password").chmod(0o644)
    secret = {"tls": True, "user": "noc", "password_file": "password"}
    with pytest.raises(SettingsError, match="chmod 600"):
        topics_of(tmp_path, journal, **secret)
    with pytest.raises(ValueError, match="does not travel without tls"):
        topics_of(tmp_path, journal, **(secret | {"tls": False}))
