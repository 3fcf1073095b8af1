"""Candidates: a ranked hypothesis as the caller receives it, in words and with its records."""

from __future__ import annotations

from collections.abc import Sequence

from agents.evidence_book import EvidenceBook
from agents.findings import Candidate, Reason
from agents.folding import FAULT_KINDS, Symptom, by_hand, is_trouble, role_of, when
from agents.hypotheses import Hypothesis, RankingWeights
from telecom.alarm import Alarm, OccurrenceKind
from telecom.report import CauseRole

MAX_EVIDENCE = 4
"""Records that a candidate cites; its reasons cite their own."""


def candidate_of(
    h: Hypothesis, burst: Sequence[Symptom], book: EvidenceBook, weights: RankingWeights
) -> Candidate:
    """Put a hypothesis into words, its reasons strongest first.

    Args:
        h: The hypothesis.
        burst: The symptoms it was ranked over.
        book: Gives each cited record its id, and keeps its quote.
        weights: What the reasons' points are worked out with.
    """
    cause, problem, role = suspicion_of(h)
    reasons = tuple(
        Reason(
            name=argument.name,
            strength=round(argument.strength, 3),
            points=round(argument.strength * getattr(weights, argument.name), 3),
            because=argument.because,
            evidence_ids=tuple(book.cite(alarm) for alarm in argument.alarms[:1]),
        )
        for argument in sorted(h.arguments, key=lambda a: -abs(a.strength))
    )
    decisive = sorted(h.arguments, key=lambda a: (_DECISIVE.index(a.name), -a.strength))
    evidence = dict.fromkeys(
        book.cite(alarm)
        for argument in decisive
        if argument.strength > 0
        for alarm in argument.alarms[:2]
    )
    return Candidate(
        managed_object=_where(h),
        score=round(h.score, 3),
        probability=round(h.probability, 4),
        probable_cause=cause,
        specific_problem=problem,
        role=role,
        why="; ".join(reason.because for reason in reasons[:4]),
        reasons=reasons,
        explains=tuple(
            dict.fromkeys(
                handle
                for index, share in h.explains.items()
                if share >= 0.3
                for alarm in burst[index].alarms
                if (handle := book.handle(alarm)) in book.listed
            )
        ),
        onset=h.onset,
        change=h.change.evidence_id if h.change and h.strength("change") >= 0.3 else None,
        evidence=tuple(list(evidence)[:MAX_EVIDENCE]),
    )


_DECISIVE = [
    "kind",
    "blame",
    "change",
    "focus",
    "silence",
    "prediction",
    "coverage",
    "timing",
    "history",
    "eclipse",
    "behind",
    "victim",
]


def _where(h: Hypothesis) -> str:
    """The element, or its one port when everything points at that."""
    defect = _own_defect(h)
    if defect is not None and _kind_of(defect) in FAULT_KINDS:
        own = next((s for s in h.own if s.alarms[0] is defect), None)
        if own is not None and own.port is None:
            return h.device  # a dead power supply is no port's, though a port went down with it
    ports = {symptom.port for symptom in h.own if symptom.kind is OccurrenceKind.INTERFACE}
    ports |= {s.port for s in h.own if s.kind is OccurrenceKind.OPTICS}
    others = {symptom.peer.device for symptom in h.own if symptom.peer is not None}
    if len(ports) == 1 and len(others) <= 1 and (port := next(iter(ports))) is not None:
        return f"{h.device}:{port}"
    return h.device


def _own_defect(h: Hypothesis) -> Alarm | None:
    """The record of a defect of its own, where that says more than its change does."""
    kind = next((a for a in h.arguments if a.name == "kind" and a.alarms), None)
    if kind is None or kind.strength < max(_SAYS_MUCH, h.strength("change")):
        return None
    return kind.alarms[0]


_SAYS_MUCH = 0.5


def _kind_of(alarm: Alarm) -> OccurrenceKind:
    return OccurrenceKind.OTHER if alarm.occurrence is None else alarm.occurrence.kind


def suspicion_of(h: Hypothesis) -> tuple[str, str, CauseRole]:
    """What the element is suspected of: its own defect, its change, else the trouble with it."""
    change = h.strength("change")
    alarm = _own_defect(h)
    if alarm is not None:
        kind = _kind_of(alarm)
        if kind not in FAULT_KINDS and by_hand(alarm):
            return (
                f"{kind.value.replace('_', ' ')} reset by hand",
                alarm.additional_text[:160],
                "fault",
            )
        return cause_word(alarm), alarm.additional_text[:160], role_of(kind)
    if change >= 0.3:
        because = next(a.because for a in h.arguments if a.name == "change")
        return "configuration change", f"{because[0].upper()}{because[1:]}", "fault"
    if h.strength("silence") >= _SAYS_MUCH:
        return "element silent", "Its neighbours lost it and it says nothing", "fault"
    records = sorted((a for s in (*h.own, *h.about) for a in s.alarms if is_trouble(a)), key=when)
    if not records:
        return "dependency failure", "What depends on it is in trouble", "error"
    alarm = records[0]
    reason = alarm.occurrence.reason if alarm.occurrence else None
    problem = reason or alarm.specific_problem or alarm.additional_text[:160]
    return cause_word(alarm), problem, "fault" if _kind_of(alarm) in FAULT_KINDS else "error"


def cause_word(alarm: Alarm) -> str:
    """What a record reports, in two or three words: `bgp session down`."""
    if alarm.occurrence is None or alarm.occurrence.kind is OccurrenceKind.OTHER:
        return alarm.probable_cause or "trouble"
    word = alarm.occurrence.kind.value.replace("_", " ")
    state = {"down": "down", "degraded": "degraded"}.get(alarm.occurrence.state, "event")
    return f"{word} {state}"
