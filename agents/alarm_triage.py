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
from agents.candidates import candidate_of
from agents.course_of_events import causal_chain, timeline_of
from agents.evidence_book import EvidenceBook
from agents.findings import AlarmSummary, Candidate, TopologyLink
from agents.folding import (
    Group,
    Symptom,
    fold_groups,
    fold_symptoms,
    in_order,
    is_trouble,
    main_burst,
)
from agents.hypotheses import DEFAULT_WEIGHTS, Hypothesis, RankingWeights
from agents.peers import Peers
from agents.ranking import Ranker
from agents.salience import HAND_SET, SalienceFilter
from agents.surroundings import Surroundings
from agents.verdict import judge
from telecom.alarm import Alarm
from telecom.bulk_work import no_garbage_collection
from telecom.configuration import ConfigChange
from telecom.evidence import Gap
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
MAX_JOINTS = 16


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
    book = EvidenceBook(groups, symptoms)
    named = {h.device for h in verdict.asserted}
    leading = [*verdict.asserted, *(h for h in ranked if h.device not in named)]
    groups = _suspects_first(groups, leading[:MAX_CANDIDATES])
    listed = tuple(book.list_group(group) for group in groups[:MAX_GROUPS])
    candidates = tuple(
        candidate_of(h, burst, book, weights) for h in leading[:MAX_CANDIDATES] if h.score > 0
    )
    chain_links = tuple(
        link for h in verdict.asserted for link in causal_chain(h, burst, topology, book)
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
        timeline=timeline_of(inside, verdict, burst, book),
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
