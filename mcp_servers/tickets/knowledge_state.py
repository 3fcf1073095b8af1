"""How the knowledge base does, for whoever watches the site: checked now and then, told at once."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from telecom.schema import ProductModel

if TYPE_CHECKING:
    from rag.knowledge_base import KnowledgeBase

CHECK_SECONDS = 60.0
"""Asking vectors for themselves costs some ten milliseconds, and anybody may ask for the state."""

_logger = logging.getLogger(__name__)


class KnowledgeState(ProductModel):
    """What may be told to anybody: no names, and what is wrong goes to the log."""

    state: Literal["empty", "closed", "whole", "lexical"]
    """`closed` until the first question opens it; `lexical` while its vectors are not found."""
    pending: int = 0
    """Passages that wait for their vector and are found by words only."""


class KnowledgeWatch:
    """Checks a knowledge base, at most once a minute; safe to use from several threads."""

    def __init__(
        self,
        opened: Callable[[], KnowledgeBase | None],
        exists: Callable[[], bool],
        *,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """Watch a knowledge base.

        Args:
            opened: The knowledge base, once somebody has opened it.
            exists: Whether anything was ever ingested.
            now: A clock, in seconds.
        """
        self._opened, self._exists, self._now = opened, exists, now
        self._lock = threading.Lock()
        self._known: tuple[KnowledgeBase, float, KnowledgeState] | None = None

    def state(self) -> KnowledgeState:
        """How it does, or did within the last minute."""
        base = self._opened()
        if base is None:
            return KnowledgeState(state="closed" if self._exists() else "empty")
        with self._lock:
            if (
                self._known is None
                or self._known[0] is not base
                or self._now() - self._known[1] >= CHECK_SECONDS
            ):
                self._known = (base, self._now(), _checked(base))
            return self._known[2]


def _checked(base: KnowledgeBase) -> KnowledgeState:
    health = base.health()
    if health.problem is not None:
        _logger.warning("knowledge base: %s", health.problem)
    return KnowledgeState(
        state="whole" if health.dense else "lexical",
        pending=sum(corpus.pending for corpus in health.corpora.values()),
    )
