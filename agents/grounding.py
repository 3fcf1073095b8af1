"""Grounding: no statement survives that its evidence does not carry.

An analyst, rule or model, proposes; this module checks, in code. A cause must name an element that
the gathered findings know, and rest on evidence that a tool really returned and that speaks of that
element. A causal link must follow a known link or dependency, forward in time. A model's sentences
may speak of nothing that no tool returned. What fails is dropped and said; it is never repaired by
guessing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from agents.findings import EvidencePack, Proposal, ProposedCause
from agents.wording import Wording, headline_of, without_claim, worded
from telecom.evidence import Evidence, Gap
from telecom.report import CausalLink, NextAction, RuledOut
from telecom.topology import ManagedObject, port_key


@dataclass(frozen=True, slots=True)
class VerifiedProposal:
    """What is left of a proposal, and what was dropped and why."""

    proposal: Proposal
    dropped: tuple[Gap, ...] = ()


@dataclass(slots=True)
class _Inventory:
    """What the findings know: elements, joined pairs, and what each evidence id speaks of."""

    devices: dict[str, str] = field(default_factory=dict)
    ports: dict[str, set[str]] = field(default_factory=dict)
    joined: set[frozenset[str]] = field(default_factory=set)
    speaks_of: dict[str, set[str]] = field(default_factory=dict)
    began: dict[str, list[datetime]] = field(default_factory=dict)
    """Device -> when each kind of trouble with it was first seen."""
    lags: dict[tuple[str, str], float | None] = field(default_factory=dict)
    """Link of a finding's own chain -> its measured lag."""

    def learn(
        self, name: str, evidence_ids: Iterable[str] = (), *, began: datetime | None = None
    ) -> None:
        found = ManagedObject.parse(name)
        device = found.device.lower()
        self.devices.setdefault(device, found.device)
        if found.port is not None:
            self.ports.setdefault(device, set()).add(port_key(found.port))
        if began is not None:
            self.began.setdefault(device, []).append(began)
        for evidence_id in evidence_ids:
            self.speaks_of.setdefault(evidence_id, set()).add(device)

    def knows(self, name: str) -> bool:
        return ManagedObject.parse(name).device.lower() in self.devices

    def called(self, name: str) -> str:
        """The element's name as the findings have it; what they do not have is not repeated."""
        return self.devices.get(ManagedObject.parse(name).device.lower(), "an unknown element")

    def knows_port(self, name: str, quoted: Iterable[Evidence]) -> bool:
        """Whether a finding, or the evidence in its own words, has the port that is named."""
        found = ManagedObject.parse(name)
        if found.port is None or port_key(found.port) in self.ports.get(found.device.lower(), ()):
            return True
        words = re.findall(r"[\w./-]+", " ".join(f"{e.locator} {e.quote or ''}" for e in quoted))
        return port_key(found.port) in {port_key(word.strip(".")) for word in words}

    def carries(self, evidence_id: str, evidence: Evidence, name: str) -> bool:
        """Whether the evidence speaks of the element: by its finding, or in its own words."""
        device = ManagedObject.parse(name).device.lower()
        if device in self.speaks_of.get(evidence_id, ()):
            return True
        said = f"{evidence.locator} {evidence.quote or ''}".lower()
        return re.search(rf"(?<![a-z0-9]){re.escape(device)}(?![a-z0-9])", said) is not None

    def reversed(self, source: str, target: str) -> bool:
        """Whether all that was seen at the target came before anything at the source."""
        before = self.began.get(ManagedObject.parse(source).device.lower())
        after = self.began.get(ManagedObject.parse(target).device.lower())
        if not before or not after:
            return False
        return max(after) < min(before) - timedelta(seconds=_CLOCK_SKEW_S)


def verify(proposal: Proposal, pack: EvidencePack, *, wording: bool = False) -> VerifiedProposal:
    """Check every statement of `proposal` against `pack`.

    Args:
        proposal: What an analyst says.
        pack: Everything that was gathered.
        wording: Its sentences are a model's, so they are checked, too.

    Returns:
        The proposal with only what holds. Without a cause left, its status is inconclusive; a
        status of confirmed or probable that arrives without causes becomes inconclusive, too.
    """
    inventory = _take_stock(pack)
    dropped: list[Gap] = []
    if wording:
        words = Wording(pack, inventory.devices)
        proposal = worded(proposal, words, dropped)
    causes = tuple(
        grounded
        for cause in proposal.root_causes
        if (grounded := _grounded_cause(cause, pack, inventory, dropped)) is not None
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
        action.model_copy(update={"evidence_ids": known})
        for action in proposal.next_actions
        if (known := _known(action.evidence_ids, pack)) or not wording
    )
    kept = Proposal(
        headline=_honest_headline(proposal, causes),
        status=proposal.status,
        root_causes=causes,
        ruled_out=ruled_out,
        causal_chain=links,
        next_actions=_checks_first(actions),
    )
    if not causes or proposal.status == "inconclusive":
        kept = inconclusive(kept)
    return VerifiedProposal(kept, tuple(dropped))


def inconclusive(proposal: Proposal) -> Proposal:
    """Assert nothing: what was proposed as a cause is kept as a suspicion, in no bigger words."""
    suspected = tuple(
        RuledOut(
            managed_object=cause.managed_object,
            hypothesis=cause.specific_problem,
            why="suspected, but the evidence does not decide it",
            evidence_ids=cause.evidence_ids,
        )
        for cause in proposal.root_causes
    )
    headline = proposal.headline
    if proposal.status != "inconclusive" or without_claim(headline) != headline:
        headline = "Inconclusive: the evidence does not support naming a cause"
    return Proposal(
        headline=headline,
        status="inconclusive",
        ruled_out=tuple(
            item.model_copy(
                update={
                    "hypothesis": without_claim(item.hypothesis),
                    "why": without_claim(item.why),
                }
            )
            for item in (*proposal.ruled_out, *suspected)
        ),
        next_actions=tuple(
            action.model_copy(
                update={"action": without_claim(action.action), "why": without_claim(action.why)}
            )
            for action in proposal.next_actions
        ),
    )


def _take_stock(pack: EvidencePack) -> _Inventory:
    inventory = _Inventory()
    for summary in pack.alarms:
        for group in summary.groups:
            inventory.learn(group.managed_object, began=group.first)
        for candidate in summary.root_cause_candidates:
            inventory.learn(candidate.managed_object, candidate.evidence, began=candidate.onset)
        for joint in summary.topology:
            inventory.learn(joint.source)
            inventory.learn(joint.target)
            inventory.joined.add(_pair(joint.source, joint.target))
        for link in summary.causal_chain:
            inventory.learn(link.source, link.evidence_ids)
            inventory.learn(link.target, link.evidence_ids)
            inventory.joined.add(_pair(link.source, link.target))
            inventory.lags[link.source.lower(), link.target.lower()] = link.lag_seconds
    for review in pack.changes:
        for change in review.changes:
            inventory.learn(change.managed_object, [change.evidence_id])
            for touched in change.touches:
                inventory.learn(touched)
    return inventory


def _pair(source: str, target: str) -> frozenset[str]:
    ends = (ManagedObject.parse(source).device, ManagedObject.parse(target).device)
    return frozenset(end.lower() for end in ends)


def _known(evidence_ids: Iterable[str], pack: EvidencePack) -> tuple[str, ...]:
    return tuple(dict.fromkeys(key for key in evidence_ids if key in pack.evidence))


def _grounded_cause(
    cause: ProposedCause, pack: EvidencePack, inventory: _Inventory, dropped: list[Gap]
) -> ProposedCause | None:
    what = f"proposed cause at {inventory.called(cause.managed_object)}"
    if not inventory.knows(cause.managed_object):
        dropped.append(Gap(what=what, why="no finding of this investigation knows that element"))
        return None
    known = _known(cause.evidence_ids, pack)
    if not inventory.knows_port(cause.managed_object, [pack.evidence[key] for key in known]):
        dropped.append(Gap(what=what, why="no finding of this investigation knows that port"))
        return None
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
    what = f"causal link {inventory.called(link.source)} -> {inventory.called(link.target)}"
    known = _known(link.evidence_ids, pack)
    same = ManagedObject.parse(link.source).device == ManagedObject.parse(link.target).device
    if not (inventory.knows(link.source) and inventory.knows(link.target)):
        why = "an end of it is no element of this investigation"
    elif not same and _pair(link.source, link.target) not in inventory.joined:
        why = "no known link or dependency joins the two"
    elif (link.lag_seconds or 0.0) < -_CLOCK_SKEW_S or _backwards(link, inventory):
        why = "the effect came before the condition"
    elif not any(
        inventory.carries(key, pack.evidence[key], end)
        for key in known
        for end in (link.source, link.target)
    ):
        why = "no evidence that a tool returned speaks of it"
    else:
        # A lag is measured, not told: what no finding measured is left open.
        lag = inventory.lags.get((link.source.lower(), link.target.lower()))
        return link.model_copy(update={"evidence_ids": known, "lag_seconds": lag})
    dropped.append(Gap(what=what, why=why))
    return None


def _backwards(link: CausalLink, inventory: _Inventory) -> bool:
    """Whether the findings saw the effect before the condition; their own chains are measured."""
    if (link.source.lower(), link.target.lower()) in inventory.lags:
        return False
    return inventory.reversed(link.source, link.target)


_CLOCK_SKEW_S = 5.0
"""Clocks of two devices may differ by this much without proving an order wrong."""


def _known_element(item: RuledOut, inventory: _Inventory, dropped: list[Gap]) -> bool:
    if inventory.knows(item.managed_object):
        return True
    dropped.append(
        Gap(
            what=f"ruled-out hypothesis at {inventory.called(item.managed_object)}",
            why="no finding of this investigation knows that element",
        )
    )
    return False


def _honest_headline(proposal: Proposal, causes: tuple[ProposedCause, ...]) -> str:
    """Keep the analyst's headline only where the causes it was written for still stand."""
    if not causes or (proposal.headline and len(causes) == len(proposal.root_causes)):
        return proposal.headline
    return headline_of(causes)


def _checks_first(actions: Iterable[NextAction]) -> tuple[NextAction, ...]:
    return tuple(sorted(actions, key=lambda action: not action.read_only))
