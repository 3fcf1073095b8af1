"""What is told while an investigation runs: each delegation when it is placed and when it is over.

Whoever watches gets values and gives nothing back: an investigation runs the same unwatched.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from telecom.report import ProvenanceStep
from telecom.schema import ProductModel

Outcome = Literal["placed", "done", "failed"]


class StepEvent(ProductModel):
    """One delegation at one moment."""

    what: str
    """What is looked at, the same in each event of a delegation."""
    outcome: Outcome
    step: ProvenanceStep
    """As far as it is known by then."""
    why: str | None = None
    """What a failed one ran into."""


StepWatcher = Callable[[StepEvent], None]


def unwatched(_event: StepEvent) -> None:
    """Nobody looks."""
