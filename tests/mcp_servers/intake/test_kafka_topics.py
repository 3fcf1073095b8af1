"""Alarms from Kafka, over real connections to a broker that speaks its protocol."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import CommitFailedError

from mcp_servers.intake import kafka_topics
from mcp_servers.intake.journal import ReceivedJournal
from mcp_servers.intake.kafka_topics import KafkaTopics
from mcp_servers.intake.kept_records import KeptRecords
from mcp_servers.intake.live_intake import LiveIntake
from mcp_servers.ownership.site_host import SiteHost
from mcp_servers.serving.http_app import build_app
from mcp_servers.site_directory import KafkaIntake, SiteDirectory, SiteSettings
from telecom.alarm import Alarm
from telecom.errors import SettingsError
from telecom.formats import FORMATS, Rejected
from telecom.formats.reading import ReadingContext
from telecom.formats.received import Delivery, read_delivery_line
from tests.heavy import heavy
from tests.kafka_cluster import KafkaCluster, kafka_cluster
from tests.mcp_servers.fixture_tools import serving as served

GROUP = "tierwise-muc-1"


def firing(element: str) -> bytes:
    """Alertmanager's notification that a link of an element is down."""
    alert = {
        "status": "firing",
        "labels": {"alertname": "LinkDown", "instance": element, "severity": "major"},
        "startsAt": "2026-03-01T10:00:00Z",
        "fingerprint": "0a",
    }
    return json.dumps({"version": "4", "alerts": [alert]}).encode()


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[KafkaCluster]:
    """A broker, and a reader that loses no time."""
    monkeypatch.setattr(kafka_topics, "FIRST_WAIT_SECONDS", 0.02)
    monkeypatch.setattr(kafka_topics, "LOOK_SECONDS", 0.2)
    with kafka_cluster() as running:
        yield running


def topics_of(folder: Path, journal: ReceivedJournal, **settings: Any) -> KafkaTopics:
    """The reader of a site with one topic of Alertmanager's notifications."""
    given = {"topics": ({"name": "alarms", "format": "alertmanager"},), "tls": False} | settings
    site = SiteDirectory(folder, SiteSettings(site_id="muc-1"))
    return KafkaTopics(site, KafkaIntake.model_validate(given), journal)


def session(
    folder: Path,
    cluster: KafkaCluster,
    work: Callable[[KafkaTopics], Awaitable[None]],
    *,
    group: str = GROUP,
) -> None:
    """Read the topic while `work` goes on, as a site does in one life."""

    async def run() -> None:
        with ReceivedJournal(folder / "alarms/received") as journal:
            topics = topics_of(folder, journal, servers=(cluster.server,), group=group)
            await topics.start()
            try:
                await work(topics)
            finally:
                await topics.stop()

    asyncio.run(run())


async def until(reached: Callable[[], bool], *, seconds: float = 20) -> None:
    """Wait for what another thread or process does."""
    async with asyncio.timeout(seconds):
        while not reached():  # noqa: ASYNC110 - bounded
            await asyncio.sleep(0.01)


def kept(folder: Path) -> list[Any]:
    """What is on disk, as it is read again."""
    context = ReadingContext("alarms/received/x.jsonl", None)
    return [
        record
        for number, line in enumerate(lines_in(folder), start=1)
        for record in read_delivery_line(line, number, context, FORMATS)
    ]


def lines_in(folder: Path) -> list[bytes]:
    files = sorted((folder / "alarms/received").glob("*"))
    return [line for file in files for line in file.read_bytes().splitlines()]


def test_messages_are_on_disk_before_their_offset_is_committed(
    tmp_path: Path, cluster: KafkaCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Issue 5: a Kafka topic, the same code path, appended before it is acknowledged."""
    commits: list[tuple[int, int]] = []
    """The offset that is going to be committed, and what is on disk by then."""
    commit = AIOKafkaConsumer.commit

    async def watched(consumer: AIOKafkaConsumer) -> None:
        offset = await consumer.position(TopicPartition("alarms", 0))
        commits.append((offset, len(lines_in(tmp_path))))
        await commit(consumer)

    monkeypatch.setattr(AIOKafkaConsumer, "commit", watched)
    cluster.publish(firing("pe1"), None, firing("pe2"))

    async def work(topics: KafkaTopics) -> None:
        await until(lambda: topics.state.kept == 2)
        cluster.publish(firing("pe3"))
        await until(lambda: topics.state.kept == 3)

    session(tmp_path, cluster, work)
    # The second message is a tombstone: it has an offset and says nothing.
    assert all(on_disk == offset - (offset > 1) for offset, on_disk in commits)
    assert commits[-1] == (4, 3)
    assert cluster.committed(GROUP) == 4
    assert [alarm.managed_object for alarm in kept(tmp_path)] == ["pe1", "pe2", "pe3"]


def test_what_was_kept_and_not_committed_is_not_kept_twice(
    tmp_path: Path, cluster: KafkaCluster
) -> None:
    """Issue 5: a process that dies between disk and commit loses nothing and doubles nothing."""
    cluster.publish(firing("pe1"), firing("pe2"))

    async def first(topics: KafkaTopics) -> None:
        await until(lambda: topics.state.kept == 2)

    async def second(topics: KafkaTopics) -> None:
        await until(lambda: topics.state.kept == 1 and topics.state.repeated == 2)

    session(tmp_path, cluster, first, group="whose-commits-were-lost")
    cluster.publish(firing("pe3"))
    session(tmp_path, cluster, second)
    assert [alarm.managed_object for alarm in kept(tmp_path)] == ["pe1", "pe2", "pe3"]
    assert cluster.committed(GROUP) == 3


def test_a_partition_that_goes_to_another_reader_stops_nothing(
    tmp_path: Path, cluster: KafkaCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Us: an offset that may not be committed any more is the other reader's to commit."""

    async def refused(_: AIOKafkaConsumer) -> None:
        raise CommitFailedError("another member has the partition")

    monkeypatch.setattr(AIOKafkaConsumer, "commit", refused)

    async def work(topics: KafkaTopics) -> None:
        cluster.publish(firing("pe1"))
        await until(lambda: topics.state.kept == 1)
        cluster.publish(firing("pe2"))
        await until(lambda: topics.state.kept == 2)

    session(tmp_path, cluster, work)
    assert cluster.committed(GROUP) is None


@heavy
def test_a_site_that_is_killed_again_and_again_keeps_every_message_once(
    tmp_path: Path, cluster: KafkaCluster
) -> None:
    """Issue 5: kill -9 at the worst moments; nothing is lost and nothing is there twice."""
    (tmp_path / "site.yaml").write_text(
        f"site_id: muc-1\nintake: {{kafka: {{servers: ['{cluster.server}'], tls: false, "
        "topics: [{name: alarms, format: alertmanager}]}}\n"
    )
    names = [f"pe{number}" for number in range(2_000)]
    for part in range(2):
        cluster.publish(*map(firing, names[part * 1_000 : (part + 1) * 1_000]))
        had = len(lines_in(tmp_path))
        command = [sys.executable, "-m", "mcp_servers", "serve", str(tmp_path), "--port", "0"]
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
            give_up = time.monotonic() + 60
            # A batch is on disk and its offsets, most likely, are not committed.
            while len(lines_in(tmp_path)) == had:
                assert time.monotonic() < give_up
            process.kill()

    async def rest(topics: KafkaTopics) -> None:
        # A broker gives the dead ten seconds to come back before it hands on their partitions.
        await until(lambda: topics.state.behind == 0, seconds=60)

    session(tmp_path, cluster, rest)
    alarms = [record for record in kept(tmp_path) if isinstance(record, Alarm)]
    assert sorted(alarm.managed_object for alarm in alarms) == sorted(names)
    assert cluster.committed(GROUP) == len(names)


def test_what_cannot_be_read_is_quarantined_and_blocks_nothing(
    tmp_path: Path, cluster: KafkaCluster
) -> None:
    """Issue 5: malformed input goes to quarantine with its reason, and never stops the stream."""
    cluster.publish(b"{", b"\xff\xfe\x00", b"", firing("pe1"))

    async def work(topics: KafkaTopics) -> None:
        await until(lambda: topics.state.kept == 3)

    session(tmp_path, cluster, work)
    *spoiled, alarm = kept(tmp_path)
    assert len(spoiled) == 2
    assert all(isinstance(record, Rejected) for record in spoiled)
    assert alarm.managed_object == "pe1"


def test_a_disk_that_refuses_holds_the_topic_and_loses_nothing(
    tmp_path: Path, cluster: KafkaCluster
) -> None:
    """Us: nothing behind a message that is not kept is committed."""
    (tmp_path / "alarms").write_text("no folder yet")
    cluster.publish(firing("pe1"))

    async def work(topics: KafkaTopics) -> None:
        await until(lambda: topics.state.state == "waiting for the disk")
        assert await asyncio.to_thread(cluster.committed, GROUP) is None
        (tmp_path / "alarms").unlink()
        await until(lambda: topics.state.kept == 1)

    session(tmp_path, cluster, work)
    (alarm,) = kept(tmp_path)
    assert (alarm.managed_object, cluster.committed(GROUP)) == ("pe1", 1)


def test_a_broker_may_go_and_come_and_the_site_says_so(
    tmp_path: Path, cluster: KafkaCluster
) -> None:
    """Issue 5: a site without its broker serves on, says so in /readyz, and reads on by itself."""
    (tmp_path / "site.yaml").write_text(
        f"site_id: muc-1\nintake: {{kafka: {{servers: ['{cluster.server}'], tls: false, "
        "topics: [{name: alarms, format: alertmanager}]}}\n"
    )
    cluster.publish(firing("pe1"))
    cluster.go_down()
    site = SiteDirectory.open(tmp_path)
    host = SiteHost(site)
    app = build_app(
        {},
        host.verifier,
        site.settings.serving,
        missing=host.missing,
        policy=lambda: host.live_policy.status,
        intake=LiveIntake(site, host.alarms),
    )
    try:
        with served(app) as url:
            assert told(url, "no broker")["kept"] == 0
            cluster.come_up()
            told(url, "connected", kept=1)
            cluster.go_down()
            told(url, "no broker")
            cluster.come_up()
            told(url, "connected")
            cluster.publish(firing("pe2"))
            told(url, "connected", kept=2)
    finally:
        host.close()
    assert [alarm.managed_object for alarm in kept(tmp_path)] == ["pe1", "pe2"]


def told(url: str, state: str, *, kept: int = 0) -> dict[str, Any]:
    """What /readyz says of Kafka as soon as it says this."""
    give_up = time.monotonic() + 20
    while True:
        answer = httpx.get(f"{url}/readyz", timeout=20)
        kafka: dict[str, Any] = answer.json()["kafka"]
        if kafka["state"] == state and kafka["kept"] >= kept:
            return kafka
        assert time.monotonic() < give_up, kafka


def test_only_a_whole_line_of_the_journal_says_that_a_record_is_kept(tmp_path: Path) -> None:
    """Us: what was cut off comes again, and so does a new topic's message at an old offset."""
    now = datetime(2026, 3, 1, 10, tzinfo=UTC)
    whole, cut, spoofed = (
        Delivery(now, "json", "kafka:a", body, f"kafka:a/0@{place}.1700").line()
        for body, place in ((b"{}", 7), (b"{}", 8), (b'"record":"kafka:a/0@9.1700"', 7))
    )
    (tmp_path / "2026-03-01-0001.jsonl").write_bytes(whole + spoofed + cut[:-3])
    known = KeptRecords(500)
    known.read(tmp_path)
    asked = ("kafka:a/0@7.1700", "kafka:a/0@7.1800", "kafka:a/0@8.1700", "kafka:a/0@9.1700")
    assert [record in known for record in asked] == [True, False, False, False]


def test_what_cannot_be_used_is_named(tmp_path: Path) -> None:
    """STYLE: messages say what was refused and what would work."""
    journal = ReceivedJournal(tmp_path / "received")
    servers = ("127.0.0.1:9092",)
    with pytest.raises(SettingsError, match="alertmanager"):
        topics_of(
            tmp_path, journal, servers=servers, topics=({"name": "alarms", "format": "cobol"},)
        )
    (tmp_path / "password").write_text("secret")
    (tmp_path / "password").chmod(0o644)
    secret = {"servers": servers, "tls": True, "user": "noc", "password_file": "password"}
    with pytest.raises(SettingsError, match="chmod 600"):
        topics_of(tmp_path, journal, **secret)
    with pytest.raises(ValueError, match="does not travel without tls"):
        topics_of(tmp_path, journal, **(secret | {"tls": False}))
