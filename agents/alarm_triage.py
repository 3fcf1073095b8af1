"""`alarm_triage`: a storm of records becomes one incident, ranked suspects and a brief.

Pure and synchronous: the alarms server, the investigation and the site's own watch run this same
function, wherever they are placed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import chain

from agents.brief import BriefSource, by_worth, write_brief
from agents.findings import (
    AlarmGroup,
    AlarmSummary,
    Candidate,
    Reason,
    TopologyLink,
)
from agents.folding import (
    FAULT_KINDS,
    Group,
    Symptom,
    by_hand,
    fold_groups,
    fold_symptoms,
    in_order,
    is_trouble,
    main_burst,
    role_of,
    when,
)
from agents.hypotheses import DEFAULT_WEIGHTS, Hypothesis, RankingWeights
from agents.peers import Peers
from agents.quoting import quote_of
from agents.ranking import Ranker
from agents.salience import HAND_SET, SalienceFilter
from agents.surroundings import Surroundings
from agents.verdict import Verdict, judge
from telecom.alarm import Alarm, OccurrenceKind, PerceivedSeverity
from telecom.bulk_work import no_garbage_collection
from telecom.configuration import ConfigChange
from telecom.evidence import Gap, Quotation
from telecom.report import CausalLink, CauseRole, TimelineEntry
from telecom.times import Window, format_instant
from telecom.tokens import estimate_tokens
from telecom.topology import ManagedObject, Topology
from telecom.workload import LifecyclePhase, WorkloadProfile

PROFILE = WorkloadProfile(
    name="alarm_triage",
    phase=LifecyclePhase.EDGE_PREFILTERING,
    data_classes=("alarms_raw",),
    latency_budget_ms=5_000,
)

QUIET = timedelta(minutes=5)
"""A pause that ends a burst; BGP hold timers (180 s, RFC 4271) must not split one."""

# The whole answer leaves the site, not only the brief: these keep the structure around it at a few
# thousand tokens for a storm of any size. What is not listed is counted and read by handle.
MAX_CANDIDATES = 4
MAX_GROUPS = 14
MAX_CHAIN = 6
MAX_TIMELINE = 8
MAX_JOINTS = 16
MAX_EVIDENCE = 4


@no_garbage_collection()
def triage(
    alarms: Sequence[Alarm],
    topology: Topology,
    window: Window,
    *,
    budget_tokens: int = 2000,
    changes: Sequence[ConfigChange] = (),
    before: Sequence[Alarm] = (),
    same_hours: Sequence[Sequence[Alarm]] = (),
    addresses: Mapping[str, str] | None = None,
    weights: RankingWeights = DEFAULT_WEIGHTS,
    salience: SalienceFilter = HAND_SET,
) -> AlarmSummary:
    """Fold the alarms of a window and rank what may have caused them.

    Args:
        alarms: Records in or around the window; those outside it are ignored.
        topology: The site's topology; may be empty.
        window: The time under investigation.
        budget_tokens: Size of the brief.
        changes: Configuration changes up to the end of the window.
        before: Records ahead of the window: what is usual here.
        same_hours: Records of the window's hours on each of the days before: what is daily here.
        addresses: Interface address -> managed object.
        weights: How much each reason counts.
        salience: Ranks the messages of the brief.
    """
    start, end = window.start, window.end
    inside = in_order(
        alarm
        for alarm in alarms
        if (moment := alarm.alarm_raised_time) is not None and start <= moment <= end
    )
    ahead = in_order(before)
    peers = Peers(chain(ahead, inside), topology, addresses or {})
    groups = by_worth(fold_groups(inside))
    symptoms = fold_symptoms(
        inside, peers, topology, before=ahead, same_hours=[in_order(day) for day in same_hours]
    )
    burst = main_burst(symptoms, quiet=QUIET)

    surroundings = Surroundings.of(topology, inside, before=ahead, changes=changes)

    def rank(found: Sequence[Symptom]) -> list[Hypothesis]:
        return Ranker(found, surroundings, weights=weights, incident=burst).rank()

    verdict = judge(rank, burst, inside)
    ranked = verdict.ranked
    book = _EvidenceBook(groups, symptoms)
    named = {h.device for h in verdict.asserted}
    leading = [*verdict.asserted, *(h for h in ranked if h.device not in named)]
    groups = _suspects_first(groups, leading[:MAX_CANDIDATES])
    listed = tuple(book.list_group(group) for group in groups[:MAX_GROUPS])
    candidates = tuple(
        _candidate(h, burst, book, weights) for h in leading[:MAX_CANDIDATES] if h.score > 0
    )
    chain_links = tuple(
        link for h in verdict.asserted for link in _causal_chain(h, burst, topology, book)
    )[:MAX_CHAIN]
    tokens_before = sum(estimate_tokens(a.source.raw or a.additional_text) for a in inside)
    joints = _joints(candidates, topology)
    brief = write_brief(
        BriefSource(
            window=window,
            alarms=inside,
            before=ahead,
            groups=groups,
            candidates=candidates,
            causes=min(len(verdict.asserted), len(candidates)),
            quotes=lambda key: item.quote if (item := book.quotations.get(key)) else None,
            topology=topology,
            links=joints,
            changes=_recent(changes, ranked),
            notes=verdict.notes,
            tokens_before=tokens_before,
        ),
        budget_tokens=budget_tokens,
        salience=salience,
    )
    return AlarmSummary(
        window=(window.start, window.end),
        brief=brief.text,
        tokens_before=tokens_before,
        tokens_after=brief.tokens,
        alarms_total=len(inside),
        groups=listed,
        root_cause_candidates=candidates,
        verdict=verdict.kind,
        causes=min(len(verdict.asserted), len(candidates)),
        causal_chain=chain_links,
        timeline=_timeline(inside, verdict, burst, book),
        topology=joints,
        handles=tuple(group.handle for group in listed),
        loudest=_loudest(inside),
        earliest=next((a.device for a in inside if is_trouble(a)), None),
        fidelity=brief.fidelity,
        gaps=_gaps(inside, topology, window),
        evidence=book.quotations,
    )


def _loudest(alarms: Sequence[Alarm]) -> str | None:
    """The element with the most records of trouble; ties by name."""
    counts = Counter(alarm.device for alarm in alarms if is_trouble(alarm))
    return min(counts, key=lambda device: (-counts[device], device), default=None)


def _suspects_first(groups: Sequence[Group], leading: Sequence[Hypothesis]) -> list[Group]:
    """Groups that carry the case against a suspect, then the rest in order of worth."""
    carrying = {
        alarm.alarm_id for h in leading for argument in h.arguments for alarm in argument.alarms
    }
    return sorted(groups, key=lambda g: all(a.alarm_id not in carrying for a in g.alarms))


class _EvidenceBook:
    """Hands out evidence ids and handles, and keeps the quotation behind each."""

    def __init__(self, groups: Sequence[Group], symptoms: Sequence[Symptom]) -> None:
        self.quotations: dict[str, Quotation] = {}
        self.listed: set[str] = set()
        self._open = {alarm.alarm_id for s in symptoms if s.ended is None for alarm in s.alarms}
        self._handle_of: dict[str, str] = {
            alarm.alarm_id: f"group:{group.first.alarm_id}"
            for group in groups
            for alarm in group.alarms
        }

    def cite(self, alarm: Alarm) -> str:
        """The evidence id of a record, which is quoted from now on."""
        key = f"alarm:{alarm.alarm_id}"
        if key not in self.quotations:
            self.quotations[key] = Quotation(
                source="alarms",
                locator=alarm.source.locator,
                quote=quote_of(alarm),
                data_class="alarms_raw",
            )
        return key

    def handle(self, alarm: Alarm) -> str:
        """The handle of the group that holds a record."""
        return self._handle_of[alarm.alarm_id]

    def list_group(self, group: Group) -> AlarmGroup:
        """A group as the caller receives it."""
        worst = min(group.alarms, key=lambda a: _SEVERITY_ORDER.index(a.perceived_severity))
        handle = self.handle(group.first)
        self.listed.add(handle)
        return AlarmGroup(
            handle=handle,
            managed_object=group.managed_object,
            template=group.template,
            probable_cause=group.probable_cause,
            perceived_severity=worst.perceived_severity.value,
            count=group.count,
            first=when(group.first),
            last=when(group.last),
            still_open=any(alarm.alarm_id in self._open for alarm in group.alarms),
        )


_SEVERITY_ORDER = list(PerceivedSeverity)


def _candidate(
    h: Hypothesis, burst: Sequence[Symptom], book: _EvidenceBook, weights: RankingWeights
) -> Candidate:
    cause, problem, role = _suspicion(h)
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


def _suspicion(h: Hypothesis) -> tuple[str, str, CauseRole]:
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
        return _cause_word(alarm), alarm.additional_text[:160], role_of(kind)
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
    return _cause_word(alarm), problem, "fault" if _kind_of(alarm) in FAULT_KINDS else "error"


def _cause_word(alarm: Alarm) -> str:
    if alarm.occurrence is None or alarm.occurrence.kind is OccurrenceKind.OTHER:
        return alarm.probable_cause or "trouble"
    word = alarm.occurrence.kind.value.replace("_", " ")
    state = {"down": "down", "degraded": "degraded"}.get(alarm.occurrence.state, "event")
    return f"{word} {state}"


def _causal_chain(
    h: Hypothesis, burst: Sequence[Symptom], topology: Topology, book: _EvidenceBook
) -> list[CausalLink]:
    """From the cause to each element that a link or dependency joins to it, in order of effect."""
    cause, _, _ = _suspicion(h)
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
                effect=_cause_word(symptom.alarms[0]),
                lag_seconds=None
                if first is None
                else round((symptom.began - first).total_seconds(), 3),
                evidence_ids=tuple(dict.fromkeys(evidence)),
            )
        )
    return links


def _timeline(
    alarms: Sequence[Alarm], verdict: Verdict, burst: Sequence[Symptom], book: _EvidenceBook
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
            note(symptom.alarms[0], f"{_cause_word(symptom.alarms[0])} at the suspected cause")
    seen: set[str] = set()
    for symptom in burst:
        if symptom.device not in seen and len(entries) < MAX_TIMELINE - 3:
            seen.add(symptom.device)
            note(symptom.alarms[0], f"first trouble here: {_cause_word(symptom.alarms[0])}")
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


def _joints(candidates: Sequence[Candidate], topology: Topology) -> tuple[TopologyLink, ...]:
    """The links of the leading candidates, each pair of elements once per relation."""
    found: dict[tuple[str, str, str], TopologyLink] = {}
    for candidate in candidates[:3]:
        device = ManagedObject.parse(candidate.managed_object).device
        for link in topology.links_of(device):
            key = (link.a.device, link.b.device, link.relation)
            found.setdefault(
                key,
                TopologyLink(source=link.a.device, target=link.b.device, relation=link.relation),
            )
    return tuple(found.values())[:MAX_JOINTS]


def _recent(changes: Sequence[ConfigChange], ranked: Sequence[Hypothesis]) -> list[ConfigChange]:
    """Changes to suspects first, then the most suspicious others."""
    suspects = [hypothesis.device for hypothesis in ranked[:6]]

    def order(change: ConfigChange) -> tuple[int, float, datetime]:
        device = ManagedObject.parse(change.managed_object).device
        rank = suspects.index(device) if device in suspects else len(suspects)
        return rank, -change.score, change.time

    return sorted(changes, key=order)


def _gaps(alarms: Sequence[Alarm], topology: Topology, window: Window) -> tuple[Gap, ...]:
    gaps = []
    if not alarms:
        gaps.append(
            Gap(
                what="alarms",
                why=f"no record between {format_instant(window.start)} "
                f"and {format_instant(window.end)}",
            )
        )
    if not topology.devices:
        gaps.append(Gap(what="topology", why="the site has no topology table"))
    elif strangers := sorted({a.device for a in alarms if a.device not in topology}):
        gaps.append(
            Gap(
                what="topology",
                why=f"{len(strangers)} elements with alarms are not in it, such as {strangers[0]}",
            )
        )
    return tuple(gaps)
