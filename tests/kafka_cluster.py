"""A Kafka broker in this process: librdkafka's mock cluster, which speaks the protocol over TCP.

Its control (a broker that goes down and comes back) is not in the Python binding, so the library
that the binding ships is called for it directly.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

confluent_kafka = pytest.importorskip("confluent_kafka", reason="no confluent-kafka (extra dev)")

_PRODUCER = 0
_BROKER = 1
_ERROR_BYTES = 512
_SECONDS = 20.0


class KafkaCluster:
    """One broker; a topic comes into being with its first message, with four partitions."""

    def __init__(self, library: ctypes.CDLL, cluster: ctypes.c_void_p) -> None:
        self._library, self._cluster = library, cluster
        self.server: str = library.rd_kafka_mock_cluster_bootstraps(cluster).decode()
        """`host:port`."""
        self._producer: Any = confluent_kafka.Producer(self._client())

    def _client(self) -> dict[str, str]:
        return {"bootstrap.servers": self.server, "log_level": "0"}

    def publish(self, *messages: bytes | None, topic: str = "alarms", partition: int = 0) -> None:
        """Send messages and wait until the broker has them."""
        for message in messages:
            self._producer.produce(topic, message, partition=partition)
        assert self._producer.flush(_SECONDS) == 0

    def committed(self, group: str, *, topic: str = "alarms", partition: int = 0) -> int | None:
        """The offset that a group has committed; None for none."""
        reader = confluent_kafka.Consumer(self._client() | {"group.id": group})
        try:
            asked = [confluent_kafka.TopicPartition(topic, partition)]
            (place,) = reader.committed(asked, timeout=_SECONDS)
            return None if place.offset < 0 else int(place.offset)
        finally:
            reader.close()

    def go_down(self) -> None:
        """Cut every connection and refuse new ones."""
        assert self._library.rd_kafka_mock_broker_set_down(self._cluster, _BROKER) == 0

    def come_up(self) -> None:
        """Answer again, with all that was there."""
        assert self._library.rd_kafka_mock_broker_set_up(self._cluster, _BROKER) == 0


@contextmanager
def kafka_cluster() -> Iterator[KafkaCluster]:
    """Run a broker on loopback."""
    library = _library()
    why = ctypes.create_string_buffer(_ERROR_BYTES)
    settings = library.rd_kafka_conf_new()
    owner = library.rd_kafka_new(_PRODUCER, ctypes.c_void_p(settings), why, _ERROR_BYTES)
    assert owner, why.value
    handle = ctypes.c_void_p(owner)
    cluster = ctypes.c_void_p(library.rd_kafka_mock_cluster_new(handle, 1))
    try:
        library.rd_kafka_mock_group_initial_rebalance_delay_ms(cluster, 0)
        yield KafkaCluster(library, cluster)
    finally:
        library.rd_kafka_mock_cluster_destroy(cluster)
        library.rd_kafka_destroy(handle)


def _library() -> ctypes.CDLL:
    folder = Path(confluent_kafka.__file__).parent.parent / "confluent_kafka.libs"
    found = sorted(folder.glob("librdkafka*"))
    if not found:
        pytest.skip("confluent-kafka brings no library of its own here")
    library = ctypes.CDLL(str(found[0]))
    for name in ("rd_kafka_conf_new", "rd_kafka_new", "rd_kafka_mock_cluster_new"):
        getattr(library, name).restype = ctypes.c_void_p
    library.rd_kafka_mock_cluster_bootstraps.restype = ctypes.c_char_p
    return library
