"""Folding: thousands of records become groups that say one thing, and symptoms that have a state.

A *group* is what one element says, with its variable parts taken out: the unit of the brief.
A *symptom* is trouble with one object as one element sees it (a session, a port, a service), with
when it began, whether it ended and how often it came back: the unit of ranking.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from operator import attrgetter
from typing import NamedTuple

from agents.peers import Peers
from telecom.alarm import Alarm, Occurrence, OccurrenceKind, PerceivedSeverity
from telecom.report import CauseRole
from telecom.topology import ManagedObject, Topology, port_key

TROUBLE = frozenset(
    {
        PerceivedSeverity.CRITICAL,
        PerceivedSeverity.MAJOR,
        PerceivedSeverity.MINOR,
        PerceivedSeverity.WARNING,
    }
)
_CLEARED = PerceivedSeverity.CLEARED

FAULT_KINDS = frozenset(
    {
        OccurrenceKind.HARDWARE,
        OccurrenceKind.POWER,
        OccurrenceKind.OPTICS,
        OccurrenceKind.TEMPERATURE,
        OccurrenceKind.PROCESS,
        OccurrenceKind.RESTART,
        OccurrenceKind.RESOURCE,
        OccurrenceKind.AUTHENTICATION,
    }
)
FAILURE_KINDS = frozenset({OccurrenceKind.SERVICE, OccurrenceKind.THRESHOLD})
CHATTER_KINDS = frozenset({OccurrenceKind.LOGIN})
"""Said all day long by healthy elements; no symptom, and the first to leave a brief."""

_VARIABLE = re.compile(
    # One class in front: the engine then looks at no place where nothing variable can begin.
    r"[\da-fA-F:](?:(?<![A-Za-z0-9].)(?:"
    r"(?:(?<=:)|(?<=[0-9a-fA-F])[0-9a-fA-F]{0,3}:)"
    r"[0-9a-fA-F]{0,4}(?::[0-9a-fA-F]{0,4}){1,6}"  # IPv6, MAC, times
    r"|(?<=\d)(?:"
    r"\d{0,2}(?:\.\d{1,3}){3}(?:/\d+)?"
    r"|(?<=0)x[0-9a-fA-F]+"
    r"|\d*(?:[./:-]\d+)*"
    r"))(?![A-Za-z0-9])"
    r"|(?<=[A-Za-z]\d)\d*(?:[/.]\d+)+"
    r"|(?<=[A-Za-z][a-z]{2}\d)\d*(?![A-Za-z0-9])"  # eth0, vty1; not IPv4, L2
    r")"
)


@dataclass(slots=True)
class Group:
    """Records of one element that say the same thing but for their variable parts."""

    managed_object: str
    template: str
    probable_cause: str | None
    alarms: list[Alarm] = field(default_factory=list)
    down: int = 0
    up: int = 0

    @property
    def count(self) -> int:
        """How many records."""
        return len(self.alarms)

    @property
    def first(self) -> Alarm:
        """The earliest record."""
        return self.alarms[0]

    @property
    def last(self) -> Alarm:
        """The latest record."""
        return self.alarms[-1]


@dataclass(slots=True)
class Symptom:
    """Trouble with one object, as one element sees it."""

    device: str
    kind: OccurrenceKind
    role: CauseRole
    about: str
    """The object: a peer, a port, or the template where neither is named."""
    peer: ManagedObject | None
    port: str | None
    alarms: list[Alarm]
    began: datetime
    ended: datetime | None = None
    flaps: int = 0
    chronic: bool = False
    """Whether it was already coming and going before the window."""
    unusual: float = 1.0
    """How far its kind of record is more frequent than it always is here, 0.1 to 1."""


def when(alarm: Alarm) -> datetime:
    """The time of a record that folding accepted."""
    assert alarm.alarm_raised_time is not None  # `in_order` keeps only records with a time
    return alarm.alarm_raised_time


def in_order(alarms: Iterable[Alarm]) -> list[Alarm]:
    """Records with a time, oldest first; the same line said twice counts once."""
    seen: set[tuple[datetime, str, str]] = set()
    kept = []
    for alarm in alarms:
        moment = alarm.alarm_raised_time
        if moment is None:
            continue
        key = (moment, alarm.managed_object, alarm.additional_text)
        if key not in seen:
            seen.add(key)
            kept.append(alarm)
    kept.sort(key=attrgetter("alarm_raised_time"))
    return kept


def is_trouble(alarm: Alarm) -> bool:
    """Whether a record says that something is wrong now."""
    occurrence = alarm.occurrence
    if occurrence is not None:
        state = occurrence.state
        if occurrence.kind in CHATTER_KINDS or state in ("up", "changed"):
            return False
        if state in ("down", "degraded"):
            return True
    return alarm.perceived_severity in TROUBLE


def is_clear(alarm: Alarm) -> bool:
    """Whether a record says that something is well again."""
    occurrence = alarm.occurrence
    if occurrence is not None and occurrence.state == "up":
        return True
    return alarm.perceived_severity is _CLEARED


def template_of(alarm: Alarm) -> str:
    """The message with its variable parts as `<*>`."""
    text = alarm.additional_text or alarm.specific_problem or alarm.probable_cause or ""
    return template_of_text(text) if len(text) <= _REMEMBERED else _template(text)


_REMEMBERED = 500
"""Characters of a text whose template is kept: those of a log line, so that memory has a bound."""


def _template(text: str) -> str:
    return _VARIABLE.sub("<*>", text)[:120]


@lru_cache(maxsize=16_384)
def template_of_text(text: str) -> str:
    """The same of a text; an incident that grows is folded again and again with all it said."""
    return _template(text)


_BY_HAND = ("admin", "clear", "shutdown", "cease", "commit", "by user", "operator")


def by_hand(alarm: Alarm) -> bool:
    """Whether a record's own words say that somebody did it, at this end."""
    occurrence = alarm.occurrence
    if occurrence is None or occurrence.reason is None or occurrence.initiator == "remote":
        return False
    return any(word in occurrence.reason.lower() for word in _BY_HAND)


def fold_groups(alarms: Sequence[Alarm]) -> list[Group]:
    """Group records (in time order) by element, cause and template, in order of first record."""
    groups: dict[tuple[str, str | None, str], Group] = {}
    for alarm in alarms:
        template = template_of(alarm)
        key = (alarm.device, alarm.probable_cause, template)
        group = groups.get(key)
        if group is None:
            group = groups[key] = Group(alarm.managed_object, template, alarm.probable_cause)
        elif group.managed_object != alarm.managed_object:
            group.managed_object = alarm.device
        group.alarms.append(alarm)
        group.down += is_trouble(alarm)
        group.up += is_clear(alarm)
    return list(groups.values())


def role_of(kind: OccurrenceKind) -> CauseRole:
    """Whether trouble of a kind is a defect, a wrong state or what users see."""
    if kind in FAULT_KINDS:
        return "fault"
    return "failure" if kind in FAILURE_KINDS else "error"


def fold_symptoms(
    alarms: Sequence[Alarm],
    peers: Peers,
    topology: Topology,
    *,
    before: Sequence[Alarm] = (),
    same_hours: Sequence[Sequence[Alarm]] = (),
) -> list[Symptom]:
    """Fold records (in time order) into symptoms, oldest first.

    Args:
        alarms: The window.
        peers: Resolves the other end of each record.
        topology: Spells the elements.
        before: Records ahead of the window: trouble that already came and went there is chronic.
        same_hours: Records of the window's hours on earlier days: what comes back every day at this
            hour, such as the evening's full cells, is chronic as well.
    """
    subjects = _Subjects(peers, topology)
    open_by_key: dict[_Key, Symptom] = {}
    for alarm in alarms:
        subject = subjects.of(alarm)
        symptom = open_by_key.get(subject.key)
        if is_trouble(alarm):
            if symptom is None:
                device, kind, about = subject.key
                open_by_key[subject.key] = Symptom(
                    device=device,
                    kind=kind,
                    role=role_of(kind),
                    about=about,
                    peer=subject.peer,
                    port=subject.port,
                    alarms=[alarm],
                    began=when(alarm),
                )
                continue
            symptom.alarms.append(alarm)
            if symptom.ended is not None:
                symptom.flaps += 1
                symptom.ended = None
        elif symptom is not None and is_clear(alarm):
            symptom.alarms.append(alarm)
            symptom.ended = when(alarm)
    earlier = Counter(subjects.of(alarm).key for alarm in before if is_trouble(alarm))
    daily = Counter(
        key
        for day in same_hours
        for key in {subjects.of(alarm).key for alarm in day if is_trouble(alarm)}
    )
    symptoms = list(open_by_key.values())
    excess = _excess(alarms, before)
    for key, symptom in open_by_key.items():
        symptom.chronic = earlier[key] >= 2 or daily[key] >= 2
        symptom.unusual = excess[_saying(symptom.alarms[0])]
    return symptoms


_USUAL_FLOOR = 0.1
"""What is said every day may still belong to an incident, a little."""


def _saying(alarm: Alarm) -> str:
    """What kind of thing a record says, whoever says it and of whatever."""
    return alarm.specific_problem or alarm.probable_cause or template_of(alarm)


def _excess(alarms: Sequence[Alarm], before: Sequence[Alarm]) -> Mapping[str, float]:
    """Of each kind of trouble: the share of its records that its usual rate does not account for.

    Users are released and cells fill up every hour of a healthy network. The rate is that of the
    whole site before the window, so that it holds for elements that were quiet until now.
    """
    said = Counter(_saying(alarm) for alarm in alarms if is_trouble(alarm))
    usual = Counter(_saying(alarm) for alarm in before if is_trouble(alarm))
    if not alarms or not before:
        return defaultdict(lambda: 1.0)
    quiet = max((when(before[-1]) - when(before[0])).total_seconds(), 1.0)
    scale = (when(alarms[-1]) - when(alarms[0])).total_seconds() / quiet
    return {
        saying: max(_USUAL_FLOOR, 1.0 - usual[saying] * scale / count)
        for saying, count in said.items()
    }


_Key = tuple[str, OccurrenceKind, str]
"""An element, what its trouble is, and what that is about."""


class _Subject(NamedTuple):
    """What a record is about."""

    key: _Key
    peer: ManagedObject | None
    port: str | None


class _Subjects:
    """Tells what records are about; a storm says a few things over and over."""

    def __init__(self, peers: Peers, topology: Topology) -> None:
        self._peers = peers
        self._topology = topology
        self._known: dict[tuple[str, OccurrenceKind, str | None, str | None], _Subject] = {}

    def of(self, alarm: Alarm) -> _Subject:
        """The session's other end, else the port, else the kind of message."""
        occurrence = alarm.occurrence
        if occurrence is None:
            own = self._topology.canonical(alarm.managed_object)
            key = (own.device, OccurrenceKind.OTHER, own.port or _saying(alarm))
            return _Subject(key, self._peers.of(alarm), own.port)
        place = (
            alarm.managed_object,
            occurrence.kind,
            occurrence.interface,
            occurrence.neighbor,
        )
        known = self._known.get(place)
        if known is None:
            known = self._known[place] = self._look(alarm, occurrence)
        device, kind, about = known.key
        return known if about else known._replace(key=(device, kind, _saying(alarm)))

    def _look(self, alarm: Alarm, occurrence: Occurrence) -> _Subject:
        """The same, with nothing for what only its words tell."""
        own = self._topology.canonical(alarm.managed_object)
        port = own.port or occurrence.interface
        if port is not None:
            port = self._topology.canonical(ManagedObject(own.device, port)).port
        about = occurrence.neighbor or (port_key(port) if port else "")
        return _Subject((own.device, occurrence.kind, about), self._peers.of(alarm), port)


def main_burst(symptoms: Sequence[Symptom], *, quiet: timedelta) -> list[Symptom]:
    """The symptoms of the heaviest run that no `quiet` gap interrupts; chronic ones weigh little.

    Trouble that began before and is still open belongs to no burst of its own, and does not start
    one: a lamp that has been red for hours is not today's incident.
    """
    runs: list[list[Symptom]] = []
    for symptom in sorted(symptoms, key=lambda s: s.began):
        if runs and symptom.began - runs[-1][-1].began <= quiet:
            runs[-1].append(symptom)
        else:
            runs.append([symptom])
    return max(runs, key=lambda run: sum(0.1 if s.chronic else s.unusual for s in run), default=[])
