"""`TimedModel`: any model, and how long each of its turns took as its caller saw it."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Protocol, runtime_checkable

from agents.ports import LanguageModel, ModelRequest, ModelTurn, TextDelta
from placement.latency import LatencySample


@runtime_checkable
class Closable(Protocol):
    """A model that holds threads or connections."""

    def close(self) -> None:
        """Give them back."""
        ...


class TimedModel:
    """A language model with a stopwatch; it adds nothing and takes nothing away."""

    def __init__(self, model: LanguageModel, tier: str) -> None:
        """Time a model.

        Args:
            model: What is called.
            tier: The tier instance that the calls go to.
        """
        self.model_id = model.model_id
        self.samples: list[LatencySample] = []
        """One for each finished turn, in order."""
        self._model = model
        self._tier = tier

    async def stream(self, request: ModelRequest) -> AsyncIterator[TextDelta | ModelTurn]:
        """As the model's own; the first token's time is the model's own where it measures it."""
        begun = time.monotonic()
        first: float | None = None
        async for piece in self._model.stream(request):
            if first is None:
                first = (time.monotonic() - begun) * 1000
            if isinstance(piece, ModelTurn):
                ttft_ms = piece.usage.ttft_ms
                self.samples.append(
                    LatencySample(
                        tier=self._tier,
                        tool=self.model_id,
                        ttft_ms=first if ttft_ms is None else ttft_ms,
                        round_trip_ms=(time.monotonic() - begun) * 1000,
                    )
                )
            yield piece
