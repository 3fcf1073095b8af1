"""Training and measuring a salience filter on the site's own labelled incidents.

The newest incidents are held out: a filter has to be good on what comes next, not on what it has
seen. scikit-learn is imported when something is trained and never to score.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from agents.alarm_triage import triage
from agents.findings import AlarmSummary
from agents.folding import fold_groups, in_order
from agents.messages import Message
from agents.salience import FEATURES, HAND_SET, SalienceFilter, ScoredMessage, describe_window
from mcp_servers.briefs.labelled_incidents import LabelledIncident
from mcp_servers.briefs.learned_filter import (
    Embed,
    FilterArtifact,
    FilterMeasurement,
    LearnedFilter,
    QuantizedWeights,
)
from telecom.alarm import Alarm
from telecom.configuration import ConfigChange
from telecom.errors import InvalidArgumentError, MissingExtraError
from telecom.topology import Topology

FEWEST_INCIDENTS = 6
HELD_OUT = 0.3
"""Share of the incidents, the newest, that measure and do not teach."""
BUDGET = 2000
_REGULARIZATION = 1.0
_SCALE = 4.0
"""A wording's 384 numbers share a length of 1; scaled, they weigh like a few features."""

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Lesson:
    """A labelled incident with everything that triage needs, and what a filter sees of it."""

    incident: LabelledIncident
    alarms: Sequence[Alarm]
    before: Sequence[Alarm]
    changes: Sequence[ConfigChange]
    topology: Topology
    addresses: Mapping[str, str]
    messages: tuple[Message, ...]
    described: tuple[ScoredMessage, ...]
    telling: tuple[bool, ...]
    """Which messages are part of the proof."""

    def summarized(self, salience: SalienceFilter) -> AlarmSummary:
        """What the site would have answered with this filter."""
        return triage(
            self.alarms,
            self.topology,
            self.incident.window,
            budget_tokens=BUDGET,
            changes=self.changes,
            before=self.before,
            addresses=self.addresses,
            salience=salience,
        )


def prepare_lesson(
    incident: LabelledIncident,
    *,
    alarms: Sequence[Alarm],
    before: Sequence[Alarm],
    changes: Sequence[ConfigChange],
    topology: Topology,
    addresses: Mapping[str, str],
) -> Lesson | None:
    """Make a lesson of an incident; None where its alarms are gone or tell nothing of it."""
    ordered, ahead = in_order(alarms), in_order(before)
    if not ordered:
        return None
    summary = triage(
        ordered,
        topology,
        incident.window,
        budget_tokens=BUDGET,
        changes=changes,
        before=ahead,
        addresses=addresses,
    )
    messages, described = describe_window(
        fold_groups(ordered), ordered, ahead, summary.root_cause_candidates, topology
    )
    telling = tuple(incident.told_by(message) for message in messages)
    if not any(telling) or all(telling):
        return None
    return Lesson(
        incident,
        ordered,
        ahead,
        changes,
        topology,
        addresses,
        tuple(messages),
        tuple(described),
        telling,
    )


def split(lessons: Sequence[Lesson]) -> tuple[Sequence[Lesson], Sequence[Lesson]]:
    """Older incidents to learn from, the newest to measure on.

    Raises:
        InvalidArgumentError: Too few for either.
    """
    if len(lessons) < FEWEST_INCIDENTS:
        raise InvalidArgumentError(
            "incidents",
            f"a filter needs at least {FEWEST_INCIDENTS} incidents whose alarms are in the store "
            f"and whose cause is known, got {len(lessons)}; add them to incidents/*.jsonl or close "
            "tickets with managed object, times and cause",
        )
    ordered = sorted(lessons, key=lambda lesson: lesson.incident.window.start)
    held = max(2, round(len(ordered) * HELD_OUT))
    return ordered[:-held], ordered[-held:]


def train(
    lessons: Sequence[Lesson], embed: Embed, *, embedding: str, version: str, progress: Progress
) -> FilterArtifact:
    """Train on the older incidents and measure on the newest, quantized as it will be used.

    Args:
        lessons: Of at least `FEWEST_INCIDENTS` incidents.
        embed: The site's embedder.
        embedding: Its stamp.
        version: Name of the new filter.
        progress: Told what is being done.

    Raises:
        InvalidArgumentError: Too few incidents.
        MissingExtraError: scikit-learn is not installed.
    """
    try:
        from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 - only training
    except ImportError as exc:
        raise MissingExtraError("site", "training a filter") from exc
    teaching, held_out = split(lessons)
    progress("embedding", 0, len(teaching))
    described = [message for lesson in teaching for message in lesson.described]
    wordings = embed([message.wording for message in described]) * _SCALE
    features = np.array([message.features.vector() for message in described], dtype=np.float64)
    labels = np.array([told for lesson in teaching for told in lesson.telling], dtype=np.int8)
    progress("training", 0, 1)
    model = LogisticRegression(
        C=_REGULARIZATION, class_weight="balanced", max_iter=2000, random_state=0
    )
    model.fit(np.hstack([features, wordings]), labels)
    weights = model.coef_[0]
    artifact = FilterArtifact(
        version=version,
        embedding=embedding,
        features=FEATURES,
        feature_weights=QuantizedWeights.of(weights[: len(FEATURES)]),
        wording_weights=QuantizedWeights.of(weights[len(FEATURES) :] * _SCALE),
        bias=float(model.intercept_[0]),
        incidents=len(teaching),
        messages=len(described),
        learned=_NOTHING,
        unlearned=measure(HAND_SET, held_out, progress),
    )
    learned = measure(LearnedFilter(artifact, embed), held_out, progress)
    return artifact.model_copy(update={"learned": learned}).sealed()


_NOTHING = FilterMeasurement(incidents=0, average_precision=0, briefs_with_proof=0, told=0)


def measure(
    salience: SalienceFilter, lessons: Sequence[Lesson], progress: Progress
) -> FilterMeasurement:
    """Measure a filter on incidents: its ranking, and the briefs that come of it."""
    precisions, proofs, told, telling = [], 0, 0, 0
    for number, lesson in enumerate(lessons):
        progress(f"measuring {salience.name}", number, len(lessons))
        precisions.append(_average_precision(salience.score(lesson.described), lesson.telling))
        text = lesson.summarized(salience).brief
        stands = [
            _words(message) in text
            for message, tells in zip(lesson.messages, lesson.telling, strict=True)
            if tells
        ]
        proofs += any(stands)
        told += sum(stands)
        telling += len(stands)
    return FilterMeasurement(
        incidents=len(lessons),
        average_precision=round(float(np.mean(precisions)), 4),
        briefs_with_proof=round(proofs / len(lessons), 4),
        told=round(told / telling, 4),
    )


def _words(message: Message) -> str:
    text = message.first.additional_text or message.first.specific_problem or ""
    return text.split("\n")[0][:80]


def _average_precision(scores: Sequence[float], telling: Sequence[bool]) -> float:
    order = sorted(range(len(scores)), key=lambda index: -scores[index])
    hits, total = 0, 0.0
    for rank, index in enumerate(order, start=1):
        if telling[index]:
            hits += 1
            total += hits / rank
    return total / hits if hits else 0.0
