"""Made-up operations prose, tickets of it, and vectors for them that no model made."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import tzinfo
from functools import cache
from itertools import accumulate

import numpy as np

from rag.bulk_workers import NamedFile
from rag.embedding import Vectors
from rag.ingest_counts import Reject
from rag.preparation import Prepared
from rag.ticket_exports import TicketRecord
from telecom.ticket import Ticket

NAMED = 100
"""The first tickets hold an identifier that no other has."""


def prose(words: int, count: int, *, seed: int = 0) -> list[str]:
    """Texts of operations vocabulary with the word frequencies of prose."""
    vocabulary, weights = _vocabulary()
    drawn = random.Random(seed).choices(vocabulary, cum_weights=weights, k=words * count)
    return [" ".join(drawn[at : at + words]) for at in range(0, words * count, words)]


@cache
def _vocabulary() -> tuple[list[str], list[float]]:
    """Words, with the sums of their weights."""
    chance = random.Random(0)
    stems = (
        "link port card fan power cell slice tunnel session route clock fibre alarm site core ring "
        "loss delay path rate mode unit rack cable laser queue peer timer table field"
    ).split()
    vocabulary = stems + [one + other for one in stems for other in stems if one != other]
    vocabulary += ["".join(chance.sample(stems, 3)) for _ in range(8_000)]
    return vocabulary, list(accumulate(1 / (rank + 5) for rank in range(len(vocabulary))))


def planted(number: int) -> tuple[str, str]:
    """An identifier that only one ticket has, and where it stands: its id, a port or a code."""
    kind = number % 3
    if kind == 0:
        return f"INC{number:07}", ""
    name = f"TenGigE0/{number}/1/{number % 7}" if kind == 1 else f"OPT-4-RXLOW{4000 + number}"
    return name, f" seen on {name}"


class MadeUpTickets:
    """Takes the place of readers and model in an ingest: tickets of two passages each."""

    blocks_at_once = 1

    def __init__(
        self, before: int, passages: int, *, seen: Callable[[Vectors], None] | None = None
    ) -> None:
        """Make the tickets that let a store grow from so many passages to so many.

        Args:
            before: Passages that the store has.
            passages: Passages that it is to have.
            seen: Told every block of vectors.
        """
        self._seen = seen
        self._before = before
        self._passages = passages
        self._centres = np.random.default_rng(1).normal(size=(500, 384))
        self._generator = np.random.default_rng(before)

    def tickets(
        self, files: Sequence[NamedFile], mapping: Mapping[str, str] | None, zone: tzinfo
    ) -> Iterator[TicketRecord | Reject]:
        """The same tickets whenever asked; they say that they are from the first file."""
        ((_, name),) = files
        chance = random.Random(self._before)
        for start in range(self._before // 2, self._passages // 2, 1000):
            texts = prose(60, min(1000, self._passages // 2 - start), seed=start)
            for number, text in enumerate(texts, start):
                yield TicketRecord(_ticket(number, text, chance), {}, name, number + 1)

    def documents(self, files: Sequence[NamedFile]) -> Iterator[Prepared | Reject]:
        """None."""
        return iter(())

    def embed(self, blocks: Sequence[list[str]]) -> Iterator[Vectors]:
        """Unit vectors in 500 clusters, whatever the texts say."""
        for block in blocks:
            near = self._centres[self._generator.integers(0, 500, len(block))]
            vectors = (near + 0.7 * self._generator.normal(size=near.shape)).astype(np.float32)
            vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
            if self._seen is not None:
                self._seen(vectors)
            yield vectors


def _ticket(number: int, text: str, chance: random.Random) -> Ticket:
    """A ticket made of a text, with an identifier of its own if it is one of the first."""
    words = text.split()
    return Ticket(
        ticket_id=f"INC{number:07}",
        title=" ".join(words[:6]),
        description=" ".join(words[6:40]) + (planted(number)[1] if number < NAMED else ""),
        managed_object=f"pe{chance.randrange(200)}",
        severity=chance.choice(("CRITICAL", "MAJOR", "MINOR", "WARNING")),
        close_note=" ".join(words[40:]),
    )
