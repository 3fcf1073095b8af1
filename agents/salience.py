"""Salience: how much a message deserves a line of the brief.

The features are what a network engineer looks at; the weights that ship were set by hand and are
the unlearned filter. A site may train its own scorer over the same features (and the wording) and
put it behind the same port.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from math import exp, log2
from typing import Protocol

from agents.findings import Candidate
from agents.folding import FAULT_KINDS, Group, is_trouble, when
from agents.messages import Message, fold_messages
from telecom.alarm import Alarm, OccurrenceKind, PerceivedSeverity
from telecom.topology import ManagedObject, Topology


@dataclass(frozen=True, slots=True)
class MessageFeatures:
    """A message in numbers from 0 to 1."""

    carries: float
    """A suspect's case rests on it; less for suspects further down."""
    by_suspect: float
    """A suspect says it."""
    about_suspect: float
    """It names a suspect, or the port that leads to one."""
    defect: float
    """It reports a defect: hardware, power, optics, process."""
    trouble: float
    configured: float
    """It reports a change of configuration."""
    severe: float
    new: float
    """It was not said in the time before; 0.5 when that is not known."""
    rare: float
    early: float
    """It came with the onset."""
    chatter: float

    def vector(self) -> list[float]:
        """The numbers in the order of `FEATURES`."""
        return [getattr(self, name) for name in FEATURES]


FEATURES = tuple(each.name for each in fields(MessageFeatures))


@dataclass(frozen=True, slots=True)
class ScoredMessage:
    """What a filter sees of a message."""

    wording: str
    """Cause and text without variable parts and without names of elements."""
    features: MessageFeatures


class SalienceFilter(Protocol):
    """Scores messages; whatever implements it must be quick enough for a storm."""

    name: str

    def score(self, messages: Sequence[ScoredMessage]) -> Sequence[float]:
        """One number for each message, in order; higher deserves a line sooner."""
        ...


class HandSetFilter:
    """The unlearned filter: a weighted sum of the features."""

    name = "hand-set"

    def score(self, messages: Sequence[ScoredMessage]) -> Sequence[float]:
        """The weighted sums."""
        return [
            sum(
                weight * value
                for weight, value in zip(_WEIGHTS.values(), message.features.vector(), strict=True)
            )
            for message in messages
        ]


_WEIGHTS: Mapping[str, float] = {
    "carries": 1.5,
    "by_suspect": 2.5,
    "about_suspect": 1.8,
    "defect": 1.6,
    "trouble": 1.6,
    "configured": 3.0,
    "severe": 0.2,
    "new": 2.4,
    "rare": 0.9,
    "early": 0.7,
    "chatter": -3.0,
}
HAND_SET = HandSetFilter()

_SEVERE = {
    PerceivedSeverity.CRITICAL: 1.0,
    PerceivedSeverity.MAJOR: 0.7,
    PerceivedSeverity.MINOR: 0.4,
    PerceivedSeverity.WARNING: 0.2,
}
_RANK = (1.0, 0.6, 0.4, 0.3)
"""How much the first, second, ... suspect counts."""
_ONSET_SECONDS = 60.0


def describe_window(
    groups: Sequence[Group],
    alarms: Sequence[Alarm],
    before: Sequence[Alarm],
    candidates: Sequence[Candidate],
    topology: Topology,
) -> tuple[list[Message], list[ScoredMessage]]:
    """The messages of a window in order of their first record, and what a filter sees of each.

    Args:
        groups: Of the window.
        alarms: Its records, in time order.
        before: Records ahead of it.
        candidates: Best first.
        topology: The site's elements and links.
    """
    names = {name.lower() for name in topology.devices} | {a.device.lower() for a in alarms}
    messages = fold_messages(groups, names, before)
    onset = next((candidate.onset for candidate in candidates[:1] if candidate.onset), None)
    if onset is None:
        onset = next((when(alarm) for alarm in alarms if is_trouble(alarm)), None)
    return messages, _describe_all(messages, candidates, topology, onset)


def _describe_all(
    messages: Sequence[Message],
    candidates: Sequence[Candidate],
    topology: Topology,
    onset: datetime | None,
) -> list[ScoredMessage]:
    carried: dict[str, float] = {}
    suspected: dict[str, float] = {}
    for candidate, worth in zip(candidates, _RANK, strict=False):
        device = ManagedObject.parse(candidate.managed_object).device.lower()
        suspected.setdefault(device, worth)
        cited = [*candidate.evidence]
        cited += [
            key for reason in candidate.reasons if reason.points > 0 for key in reason.evidence_ids
        ]
        for key in cited:
            carried.setdefault(key.removeprefix("alarm:"), worth)
    return [
        _describe(message, carried, suspected, _leads_to(message, suspected, topology), onset)
        for message in messages
    ]


def _leads_to(message: Message, suspected: Mapping[str, float], topology: Topology) -> float:
    """How far the ports that a message is about, or its words, lead to a suspect."""
    said = {
        (group.managed_object, a.occurrence.interface if a.occurrence else None)
        for group in message.groups
        for a in (group.first, group.last)
    }
    texts = " ".join(group.first.additional_text for group in message.groups).lower()
    worth = [value for name, value in suspected.items() if name in texts]
    for name, interface in said:
        own = ManagedObject.parse(name)
        near = ManagedObject(own.device, own.port or interface)
        worth += [suspected.get(far.device.lower(), 0.0) for far in topology.far_ends(near)]
    return max(worth, default=0.0)


def _describe(
    message: Message,
    carried: Mapping[str, float],
    suspected: Mapping[str, float],
    leads_to: float,
    onset: datetime | None,
) -> ScoredMessage:
    alarms = [alarm for group in message.groups for alarm in group.alarms]
    distance = 0.0 if onset is None else abs((when(message.first) - onset).total_seconds())
    features = MessageFeatures(
        carries=max((carried.get(alarm.alarm_id, 0.0) for alarm in alarms), default=0.0),
        by_suspect=max(suspected.get(name.lower(), 0.0) for name in message.elements),
        about_suspect=leads_to,
        defect=float(message.kind in FAULT_KINDS and message.down),
        trouble=float(message.down),
        configured=float(message.kind is OccurrenceKind.CONFIGURATION),
        severe=max(_SEVERE.get(alarm.perceived_severity, 0.0) for alarm in alarms),
        new=0.5 if message.earlier is None else float(message.earlier == 0),
        rare=1.0 / (1.0 + log2(message.count)),
        early=exp(-distance / _ONSET_SECONDS),
        chatter=float(message.chatter),
    )
    cause, wording = message.key
    return ScoredMessage(f"{cause or ''} {wording}".strip(), features)
