"""Grounding: no statement survives that its evidence does not carry.

An analyst, rule or model, proposes; this module checks, in code. A cause must name an element that
the gathered findings know, and rest on evidence that a tool really returned and that speaks of that
element. A causal link must follow a known link or dependency, forward in time. What fails is
dropped and said; it is never repaired by guessing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from agents.findings import EvidencePack, Proposal, ProposedCause
from telecom.evidence import Evidence, Gap
from telecom.report import CausalLink, NextAction, RuledOut
from telecom.topology import ManagedObject


@dataclass(frozen=True, slots=True)
class VerifiedProposal:
    """What is left of a proposal, and what was dropped and why."""

    proposal: Proposal
    dropped: tuple[Gap, ...] = ()


@dataclass(slots=True)
class _Inventory:
    """What the findings know: elements, joined pairs, and what each evidence id speaks of."""

    devices: dict[str, str] = field(default_factory=dict)
    joined: set[frozenset[str]] = field(default_factory=set)
    speaks_of: dict[str, set[str]] = field(default_factory=dict)

    def learn(self, name: str, evidence_ids: Iterable[str] = ()) -> None:
        device = ManagedObject.parse(name).device
        self.devices.setdefault(device.lower(), device)
        for evidence_id in evidence_ids:
            self.speaks_of.setdefault(evidence_id, set()).add(device.lower())

    def knows(self, name: str) -> bool:
        return ManagedObject.parse(name).device.lower() in self.devices

    def carries(self, evidence_id: str, evidence: Evidence, name: str) -> bool:
        """Whether the evidence speaks of the element: by its finding, or in its own words."""
        device = ManagedObject.parse(name).device.lower()
        if device in self.speaks_of.get(evidence_id, ()):
            return True
        return device in f"{evidence.locator} {evidence.quote or ''}".lower()


def verify(proposal: Proposal, pack: EvidencePack) -> VerifiedProposal:
    """Check every statement of `proposal` against `pack`.

    Returns:
        The proposal with only what holds. Without a cause left, its status is inconclusive; a
        status of confirmed or probable that arrives without causes becomes inconclusive, too.
    """
    inventory = _take_stock(pack)
    dropped: list[Gap] = []
    causes = tuple(
        kept
        for cause in proposal.root_causes
        if (kept := _grounded_cause(cause, pack, inventory, dropped)) is not None
    )
    links = tuple(
        sound
        for link in proposal.causal_chain
        if (sound := _grounded_link(link, pack, inventory, dropped)) is not None
    )
    ruled_out = tuple(
        item.model_copy(update={"evidence_ids": _known(item.evidence_ids, pack)})
        for item in proposal.ruled_out
        if _known_element(item, inventory, dropped)
    )
    actions = tuple(
        action.model_copy(update={"evidence_ids": _known(action.evidence_ids, pack)})
        for action in proposal.next_actions
    )
    inconclusive = not causes or proposal.status == "inconclusive"
    return VerifiedProposal(
        Proposal(
            headline=_honest_headline(proposal, causes, inconclusive=inconclusive),
            status="inconclusive" if inconclusive else proposal.status,
            root_causes=() if inconclusive else causes,
            ruled_out=ruled_out + (_demoted(causes) if inconclusive else ()),
            causal_chain=() if inconclusive else links,
            next_actions=_checks_first(actions),
        ),
        tuple(dropped),
    )


def _take_stock(pack: EvidencePack) -> _Inventory:
    inventory = _Inventory()
    for summary in pack.alarms:
        for group in summary.groups:
            inventory.learn(group.managed_object)
        for candidate in summary.root_cause_candidates:
            inventory.learn(candidate.managed_object, candidate.evidence)
        for joint in summary.topology:
            inventory.learn(joint.source)
            inventory.learn(joint.target)
            inventory.joined.add(_pair(joint.source, joint.target))
        for link in summary.causal_chain:
            inventory.learn(link.source, link.evidence_ids)
            inventory.learn(link.target, link.evidence_ids)
            inventory.joined.add(_pair(link.source, link.target))
    for review in pack.changes:
        for change in review.changes:
            inventory.learn(change.managed_object, [change.evidence_id])
    return inventory


def _pair(source: str, target: str) -> frozenset[str]:
    ends = (ManagedObject.parse(source).device, ManagedObject.parse(target).device)
    return frozenset(end.lower() for end in ends)


def _known(evidence_ids: Iterable[str], pack: EvidencePack) -> tuple[str, ...]:
    return tuple(dict.fromkeys(key for key in evidence_ids if key in pack.evidence))


def _grounded_cause(
    cause: ProposedCause, pack: EvidencePack, inventory: _Inventory, dropped: list[Gap]
) -> ProposedCause | None:
    what = f"proposed cause at {cause.managed_object}"
    if not inventory.knows(cause.managed_object):
        dropped.append(Gap(what=what, why="no finding of this investigation knows that element"))
        return None
    known = _known(cause.evidence_ids, pack)
    if len(known) < len(set(cause.evidence_ids)):
        invented = len(set(cause.evidence_ids)) - len(known)
        dropped.append(Gap(what=what, why=f"{invented} evidence id(s) that no tool returned"))
    carrying = [
        key for key in known if inventory.carries(key, pack.evidence[key], cause.managed_object)
    ]
    if not carrying:
        dropped.append(Gap(what=what, why="none of its evidence speaks of that element"))
        return None
    return cause.model_copy(update={"evidence_ids": known})


def _grounded_link(
    link: CausalLink, pack: EvidencePack, inventory: _Inventory, dropped: list[Gap]
) -> CausalLink | None:
    what = f"causal link {link.source} -> {link.target}"
    known = _known(link.evidence_ids, pack)
    same = ManagedObject.parse(link.source).device == ManagedObject.parse(link.target).device
    if not (inventory.knows(link.source) and inventory.knows(link.target)):
        why = "an end of it is no element of this investigation"
    elif not same and _pair(link.source, link.target) not in inventory.joined:
        why = "no known link or dependency joins the two"
    elif link.lag_seconds is not None and link.lag_seconds < -_CLOCK_SKEW_S:
        why = "the effect came before the condition"
    elif not known:
        why = "no evidence that a tool returned"
    else:
        return link.model_copy(update={"evidence_ids": known})
    dropped.append(Gap(what=what, why=why))
    return None


_CLOCK_SKEW_S = 5.0
"""Clocks of two devices may differ by this much without proving an order wrong."""


def _known_element(item: RuledOut, inventory: _Inventory, dropped: list[Gap]) -> bool:
    if inventory.knows(item.managed_object):
        return True
    dropped.append(
        Gap(
            what=f"ruled-out hypothesis at {item.managed_object}",
            why="no finding of this investigation knows that element",
        )
    )
    return False


def _demoted(causes: Iterable[ProposedCause]) -> tuple[RuledOut, ...]:
    """A suspicion an analyst did not want to assert is kept as one, under its own name."""
    return tuple(
        RuledOut(
            managed_object=cause.managed_object,
            hypothesis=cause.specific_problem,
            why="suspected, but the evidence does not decide it",
            evidence_ids=cause.evidence_ids,
        )
        for cause in causes
    )


def _honest_headline(
    proposal: Proposal, causes: tuple[ProposedCause, ...], *, inconclusive: bool
) -> str:
    """Keep the analyst's headline only where the causes it was written for still stand."""
    if inconclusive:
        if proposal.status == "inconclusive" and "root cause" not in proposal.headline.lower():
            return proposal.headline
        return "Inconclusive: the evidence does not support naming a cause"
    if len(causes) == len(proposal.root_causes):
        return proposal.headline
    return "; ".join(f"{cause.specific_problem} at {cause.managed_object}" for cause in causes)


def _checks_first(actions: Iterable[NextAction]) -> tuple[NextAction, ...]:
    return tuple(sorted(actions, key=lambda action: not action.read_only))
