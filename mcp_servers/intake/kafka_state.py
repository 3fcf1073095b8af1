"""How the site does with its Kafka topics, for whoever watches it."""

from __future__ import annotations

from typing import Literal

from telecom.schema import ProductModel


class KafkaState(ProductModel):
    """What may be told to anybody: no names; what is wrong goes to the log."""

    state: Literal["connecting", "connected", "no broker", "waiting for the disk", "stopped"]
    kept: int = 0
    """Messages on disk since the start."""
    repeated: int = 0
    """Messages that came again though they were on disk, and were not kept twice."""
    behind: int | None = None
    """Messages that wait at the broker, as it last said; None before it was asked."""
