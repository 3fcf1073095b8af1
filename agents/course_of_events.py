"""The course of an incident: from its cause to what it reached, and what happened when."""

from __future__ import annotations

from collections.abc import Sequence

from agents.candidates import cause_word, suspicion_of
from agents.evidence_book import EvidenceBook
from agents.folding import Symptom, when
from agents.hypotheses import Hypothesis
from agents.verdict import Verdict
from telecom.alarm import Alarm, OccurrenceKind
from telecom.report import CausalLink, TimelineEntry
from telecom.topology import ManagedObject, Topology

MAX_TIMELINE = 8
"""The whole answer leaves the site: a storm of any size has a timeline of this length."""


def causal_chain(
    h: Hypothesis, burst: Sequence[Symptom], topology: Topology, book: EvidenceBook
) -> list[CausalLink]:
    """From the cause to each element that a link or dependency joins to it, in order of effect."""
    cause, _, _ = suspicion_of(h)
    first = h.onset
    decisive = [alarm for a in h.arguments if a.strength > 0 for alarm in a.alarms]
    firsts: dict[str, Symptom] = {}
    for index in h.explains:
        symptom = burst[index]
        known = firsts.get(symptom.device)
        if symptom.device != h.device and (known is None or symptom.began < known.began):
            firsts[symptom.device] = symptom
    links = []
    for device, symptom in sorted(firsts.items(), key=lambda item: item[1].began):
        if not topology.between(h.device, device) and symptom.peer != ManagedObject(h.device):
            continue
        evidence = [book.cite(alarm) for alarm in (*decisive[:1], symptom.alarms[0])]
        links.append(
            CausalLink(
                source=h.device,
                target=device,
                condition=cause,
                effect=cause_word(symptom.alarms[0]),
                lag_seconds=None
                if first is None
                else round((symptom.began - first).total_seconds(), 3),
                evidence_ids=tuple(dict.fromkeys(evidence)),
            )
        )
    return links


def timeline_of(
    alarms: Sequence[Alarm], verdict: Verdict, burst: Sequence[Symptom], book: EvidenceBook
) -> tuple[TimelineEntry, ...]:
    """The first trouble of each element, configuration events, and when it was over."""
    entries: dict[str, TimelineEntry] = {}

    def note(alarm: Alarm, what: str) -> None:
        key = book.cite(alarm)
        entries.setdefault(
            key,
            TimelineEntry(
                time=when(alarm),
                managed_object=alarm.managed_object,
                what=what,
                evidence_ids=(key,),
            ),
        )

    for hypothesis in verdict.asserted:
        for symptom in hypothesis.own[:2]:
            note(symptom.alarms[0], f"{cause_word(symptom.alarms[0])} at the suspected cause")
    seen: set[str] = set()
    for symptom in burst:
        if symptom.device not in seen and len(entries) < MAX_TIMELINE - 3:
            seen.add(symptom.device)
            note(symptom.alarms[0], f"first trouble here: {cause_word(symptom.alarms[0])}")
    for alarm in alarms:
        if alarm.occurrence and alarm.occurrence.kind is OccurrenceKind.CONFIGURATION:
            if len(entries) >= MAX_TIMELINE - 1:
                break
            note(alarm, "configuration changed")
    ended = [symptom for symptom in burst if symptom.ended is not None]
    if ended and len(ended) == len(burst):
        last = max(ended, key=lambda s: s.ended or s.began)
        note(last.alarms[-1], "last trouble over")
    return tuple(sorted(entries.values(), key=lambda entry: entry.time))
