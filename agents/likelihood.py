"""Likelihood: scores become probabilities, against one another and against "none of them"."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import exp

from agents.explaining import LOWER_LAYERS
from agents.folding import FAULT_KINDS, Symptom
from agents.hypotheses import Hypothesis

_FAR_LIKELIER = 5.0
"""Times as likely as nothing, from which two independent faults are believed at once."""
_LITTLE = 0.3
"""Share up to which one cause does not account for what another is known by."""


def weigh(hypotheses: Sequence[Hypothesis], symptoms: Sequence[Symptom], *, nothing: float) -> None:
    """Turn scores into probabilities; both ends of one lost link share theirs.

    Two that are both far likelier than nothing and account for different trouble are no rivals:
    they may both be true.

    Args:
        hypotheses: Scored; their `probability`, `same_fault` and `apart_from` are set.
        symptoms: What they were scored on.
        nothing: The score of "none of them".

    Source: conditional logit (McFadden, Conditional logit analysis of qualitative choice
    behavior, 1974), with "none of them" among the choices.
    """
    top = max((h.score for h in hypotheses), default=0.0)
    top = max(top, nothing)
    odds = {h.device: exp(h.score - top) for h in hypotheses}
    odds_of_nothing = exp(nothing - top)
    total = sum(odds.values()) + odds_of_nothing
    strong = [h for h in hypotheses if odds[h.device] >= _FAR_LIKELIER * odds_of_nothing]
    partners: dict[str, float] = {}
    """Element -> the best odds of the far end of a link whose loss is said of both."""
    for h in hypotheses:
        h.same_fault = _other_end(h)
        if h.same_fault is not None:
            for one, other in ((h.device, h.same_fault), (h.same_fault, h.device)):
                partners[one] = max(partners.get(one, 0.0), odds.get(other, 0.0))
    known_by = {h.device: _known_by(h, symptoms) for h in strong} if len(strong) > 1 else {}
    for h in hypotheses:
        own = odds[h.device] + partners.get(h.device, 0.0)
        if h.device in known_by:
            h.apart_from = frozenset(o.device for o in strong if _are_apart(h, o, known_by))
        apart = sum(odds[device] for device in h.apart_from)
        h.probability = min(1.0, own / (total - apart))


def _are_apart(h: Hypothesis, other: Hypothesis, known_by: Mapping[str, Sequence[int]]) -> bool:
    """Whether neither hands on what the other one is known by."""
    if other.device in (h.device, h.same_fault):
        return False
    ours, theirs = known_by[h.device], known_by[other.device]
    return (
        bool(ours and theirs)
        and _mean(other.explains, ours) < _LITTLE
        and _mean(h.explains, theirs) < _LITTLE
    )


def _known_by(h: Hypothesis, symptoms: Sequence[Symptom]) -> list[int]:
    """The symptoms that show it by itself: its own defects, its links; else what it explains.

    An element that is known by its change alone is known by what followed that.
    """
    own = [
        index
        for index, s in enumerate(symptoms)
        if (s.device == h.device and (s.kind in FAULT_KINDS or s.kind in LOWER_LAYERS))
        or (s.peer is not None and s.peer.device == h.device and s.kind in LOWER_LAYERS)
    ]
    if not own:
        own = [
            index
            for index, s in enumerate(symptoms)
            if s.peer is not None and h.device in (s.device, s.peer.device)
        ]
    return own or [index for index, share in h.explains.items() if share >= _LITTLE]


def _other_end(h: Hypothesis) -> str | None:
    """The far end of the one link whose loss is all that is said here below the sessions.

    A link has two ends, and often only one of them can still be heard.
    """
    ends = {
        s.peer.device
        for s in h.own
        if s.peer is not None and s.kind in LOWER_LAYERS and not s.chronic
    }
    ends |= {s.device for s in h.about if s.kind in LOWER_LAYERS and not s.chronic}
    return next(iter(ends)) if len(ends) == 1 else None


def _mean(shares: Mapping[int, float], indexes: Sequence[int]) -> float:
    return sum(shares.get(index, 0.0) for index in indexes) / len(indexes)
