"""Confidence: computed from the kinds of evidence that agree, never taken from a model's mouth.

Ranking gives each candidate a probability against all others and against there being no single
cause; it is calibrated on generated incidents (`make bench` prints how well). Where a site does not
tell that probability, kinds of evidence are combined as independent witnesses: the chance that all
of them mislead is the product of the chances that each does (noisy-or; Pearl, Probabilistic
Reasoning in Intelligent Systems, 1988, section 4.3.2). A runner-up that explains almost as much
takes confidence away.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

RELIABILITY: Mapping[str, float] = {
    "blame": 0.55,
    "coverage": 0.50,
    "focus": 0.40,
    "kind": 0.40,
    "change": 0.50,
    "silence": 0.35,
    "timing": 0.20,
    "history": 0.20,
    "model agrees": 0.25,
}
"""How often each kind of evidence alone points at the true cause, on generated incidents."""


@dataclass(frozen=True, slots=True)
class Confidence:
    """A number and how it came about."""

    value: float
    basis: str


_OUTSIDE = ("history", "model agrees")
"""Witnesses that ranking did not hear: a past ticket with the same cause, a second analyst."""


def combine(
    strengths: Mapping[str, float], *, lead: float, ranked: float | None = None
) -> Confidence:
    """Combine kinds of evidence into a confidence.

    Args:
        strengths: Kind of evidence -> how strongly it is present, 0 to 1.
        lead: How far ahead of the best competing explanation, 0 (level) to 1 (no competitor).
        ranked: The probability that ranking gave it against all others and against none; None when
            it is not known. With it, only witnesses that ranking did not hear add to it.

    Returns:
        A value from 0 to 0.99 with two decimals, and a sentence that names the parts.
    """
    present = {kind: min(1.0, max(0.0, s)) for kind, s in strengths.items() if s > 0}
    parts = ", ".join(
        f"{kind} {strength:.2f}"
        for kind, strength in sorted(present.items(), key=lambda item: (-item[1], item[0]))
    )
    if ranked is not None:
        doubt = 1.0 - ranked
        for kind in _OUTSIDE:
            doubt *= 1.0 - RELIABILITY[kind] * present.get(kind, 0.0)
        return Confidence(
            round(min(0.99, 1.0 - doubt), 2),
            f"probability {ranked:.2f} against all other explanations and none, "
            f"by {parts or 'no evidence'}",
        )
    doubt = 1.0
    for kind, strength in present.items():
        doubt *= 1.0 - RELIABILITY.get(kind, 0.1) * strength
    margin = min(1.0, max(0.0, lead))
    value = round(min(0.99, (1.0 - doubt) * (0.6 + 0.4 * margin)), 2)
    return Confidence(
        value, f"noisy-or of {parts or 'no evidence'}; lead over the next explanation {margin:.2f}"
    )
