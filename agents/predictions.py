"""Predictions: what else must be seen if a hypothesis is true, held against what is there.

A hypothesis that only explains is cheap. Each one is made to say what else must be alarmed, must
have been changed, or must be silent; what the gathered findings do not answer is looked up, and a
prediction that fails speaks against its hypothesis whoever proposed it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain
from typing import Literal

from pydantic import Field

from agents.findings import Candidate, EvidencePack, ProposedCause
from telecom.evidence import Quotation
from telecom.schema import ProductModel
from telecom.topology import ManagedObject
from telecom.workload import LifecyclePhase, WorkloadProfile

PROFILE = WorkloadProfile(
    name="hypothesis_test",
    phase=LifecyclePhase.CONTEXT_CREATION,
    data_classes=("alarms_raw",),
    latency_budget_ms=5_000,
)

Outcome = Literal["confirmed", "contradicted", "unknown"]
Expectation = Literal["alarmed", "changed", "silent"]

SKEW = timedelta(seconds=5)
"""Clocks of two elements may differ by this much."""
COMMIT_LAG = timedelta(seconds=60)
"""A repository may record a change this much later than it was made."""
MOST, FEW = 0.8, 0.2
"""Shares from which "after" is confirmed, and up to which it is contradicted."""
WITNESSES = 3
"""How many elements around a suspect are looked up one by one."""
RIVALS = 2
"""How many explanations that were not asserted are tested beside those that were."""

_DEPENDS = frozenset({"serves", "powers", "clocks", "hosts"})
_HARD = re.compile(r"\b(power|silent|node|equipment|unreachable|dead|crash|reboot|restart)", re.I)
_SAID_OF_IT = re.compile(r"heartbeat|reachab|disconnect|lost contact|keepalive|not respond", re.I)
_CONFIGURATION = re.compile(r"\bconfig", re.I)


class Prediction(ProductModel):
    """One thing that must be seen if a hypothesis is true, and whether it is."""

    managed_object: str
    """The hypothesis: what is suspected."""
    expects: Expectation
    about: tuple[str, ...]
    """The elements that must show it."""
    statement: str
    outcome: Outcome = "unknown"
    because: str = "not looked up"
    evidence_ids: tuple[str, ...] = ()
    since: datetime | None = None
    """From when on it must show."""

    @property
    def words(self) -> str:
        """The prediction and what became of it, in one phrase."""
        return f"{self.statement}: {self.outcome} ({self.because})"


class Sighting(ProductModel):
    """What one look at the alarms of an element gave."""

    managed_object: str
    times: tuple[datetime, ...]
    """Of the records that the element itself wrote, oldest first."""
    evidence_ids: tuple[str, ...]
    """One for each of them."""
    evidence: dict[str, Quotation] = Field(default_factory=dict)


class Trials(ProductModel):
    """Every prediction that was made, and what was looked up to decide it."""

    predictions: tuple[Prediction, ...] = ()
    sightings: tuple[Sighting, ...] = ()

    def of(self, managed_object: str) -> tuple[Prediction, ...]:
        """The predictions of one hypothesis."""
        device = _device(managed_object)
        return tuple(p for p in self.predictions if _device(p.managed_object) == device)


@dataclass(frozen=True, slots=True)
class Suspect:
    """A hypothesis as it is tested."""

    managed_object: str
    words: str
    """What it is suspected of."""
    onset: datetime | None = None
    candidate: Candidate | None = None
    change_ids: tuple[str, ...] = ()


def said_of_it(words: str) -> bool:
    """Whether a record says that an element was lost, which the element did not write itself."""
    return _SAID_OF_IT.search(words) is not None


def suspects_of(causes: Iterable[ProposedCause], pack: EvidencePack) -> tuple[Suspect, ...]:
    """The proposed causes first, then the best candidates beside them."""
    candidates = list(chain.from_iterable(s.root_cause_candidates for s in pack.alarms))
    found: dict[str, Suspect] = {}
    for cause in causes:
        device = _device(cause.managed_object)
        own = next((c for c in candidates if _device(c.managed_object) == device), None)
        found.setdefault(
            device,
            Suspect(
                cause.managed_object,
                f"{cause.probable_cause} {cause.specific_problem}",
                None if own is None else own.onset,
                own,
                tuple(key for key in cause.evidence_ids if key.startswith("change:")),
            ),
        )
    rivals = [c for c in candidates if _device(c.managed_object) not in found][:RIVALS]
    for rival in rivals:
        words = f"{rival.probable_cause} {rival.specific_problem}"
        changes = () if rival.change is None else (rival.change,)
        found[_device(rival.managed_object)] = Suspect(
            rival.managed_object, words, rival.onset, rival, changes
        )
    return tuple(found.values())


def predict(suspects: Iterable[Suspect], pack: EvidencePack) -> tuple[Prediction, ...]:
    """Say what each hypothesis predicts, and decide what the gathered findings can decide."""
    scene = _Scene.of(pack)
    return tuple(
        scene.judge(prediction, {})
        for suspect in suspects
        for prediction in _predictions(suspect, scene)
    )


def wanted(predictions: Iterable[Prediction], sightings: Iterable[Sighting]) -> tuple[str, ...]:
    """The elements whose alarms would decide what is still open, most telling first."""
    seen = {_device(sighting.managed_object) for sighting in sightings}
    open_ones = [p for p in predictions if p.outcome == "unknown" and p.expects != "changed"]
    named = chain.from_iterable(p.about[:WITNESSES] for p in open_ones)
    return tuple(dict.fromkeys(name for name in named if _device(name) not in seen))


def decide(
    predictions: Iterable[Prediction], pack: EvidencePack, sightings: Sequence[Sighting]
) -> tuple[Prediction, ...]:
    """Decide again with what was looked up."""
    scene = _Scene.of(pack)
    seen = {_device(sighting.managed_object): sighting for sighting in sightings}
    return tuple(
        scene.judge(prediction, seen) if prediction.outcome == "unknown" else prediction
        for prediction in predictions
    )


@dataclass(slots=True)
class _Scene:
    """What the findings say of each element."""

    alarmed: dict[str, list[tuple[datetime, datetime, str]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    """Device -> first and last record of each group, and what it says."""
    first_of: dict[str, datetime] = field(default_factory=dict)
    """Handle -> first record of the group."""
    device_of: dict[str, str] = field(default_factory=dict)
    """Handle -> whose alarms they are."""
    carried: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Device -> evidence ids that speak of it."""
    changes: dict[str, list[tuple[datetime, str]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    links: list[tuple[str, str, str]] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, pack: EvidencePack) -> _Scene:
        scene = cls()
        for summary in pack.alarms:
            for group in summary.groups:
                device = scene.learn(group.managed_object)
                said = f"{group.template} {group.probable_cause or ''}"
                scene.alarmed[device].append((group.first, group.last, said))
                scene.first_of[group.handle] = group.first
                scene.device_of[group.handle] = device
            for candidate in summary.root_cause_candidates:
                scene.carried[scene.learn(candidate.managed_object)] = candidate.evidence
            for entry in summary.timeline:
                scene.carried.setdefault(scene.learn(entry.managed_object), entry.evidence_ids)
            for link in summary.topology:
                ends = scene.learn(link.source), scene.learn(link.target)
                scene.links.append((*ends, link.relation))
        for change in chain.from_iterable(review.changes for review in pack.changes):
            device = scene.learn(change.managed_object)
            scene.changes[device].append((change.time, change.evidence_id))
        return scene

    def learn(self, name: str) -> str:
        device = _device(name)
        self.names.setdefault(device, ManagedObject.parse(name).device)
        return device

    def around(self, device: str, *, dependents: bool) -> tuple[str, ...]:
        """What depends on an element, or what a link joins to it."""
        found: dict[str, None] = {}
        for source, target, relation in self.links:
            if dependents and relation in _DEPENDS and source == device:
                found.setdefault(target)
            if not dependents and relation == "connects" and device in {source, target}:
                found.setdefault(target if source == device else source)
        return tuple(self.names[name] for name in found if name != device)

    def judge(self, prediction: Prediction, seen: Mapping[str, Sighting]) -> Prediction:
        """Decide one prediction as far as it can be decided."""
        judged = {
            "alarmed": self._alarmed,
            "silent": self._silent,
            "changed": self._changed,
        }[prediction.expects](prediction, seen)
        return prediction if judged is None else prediction.model_copy(update=judged)

    def _alarmed(
        self, prediction: Prediction, seen: Mapping[str, Sighting]
    ) -> dict[str, object] | None:
        """Enough when half of those looked at show trouble; against it when none of them does."""
        since = prediction.since
        showing: list[str] = []
        quiet: list[str] = []
        ids: list[str] = []
        for name in prediction.about:
            device = _device(name)
            if any(since is None or last >= since for _, last, _ in self.alarmed.get(device, ())):
                showing.append(name)
                ids.extend(self.carried.get(device, ())[:1])
            elif device in seen:
                after = [
                    key
                    for moment, key in _records(seen[device])
                    if since is None or moment >= since
                ]
                (showing if after else quiet).append(name)
                ids.extend(after[:1])
        known = len(showing) + len(quiet)
        if showing and 2 * len(showing) >= min(known, len(prediction.about)):
            return _decided("confirmed", f"{', '.join(showing[:3])} did", ids)
        if quiet and not showing and known >= min(len(prediction.about), WITNESSES):
            return _decided("contradicted", f"no alarm of {', '.join(quiet[:3])}", ids)
        return None

    def _silent(
        self, prediction: Prediction, seen: Mapping[str, Sighting]
    ) -> dict[str, object] | None:
        device = _device(prediction.about[0])
        since = prediction.since
        said = [
            last
            for _, last, words in self.alarmed.get(device, ())
            if since is not None and last > since and not said_of_it(words)
        ]
        if said:
            return _decided("contradicted", "it still wrote alarms", self.carried.get(device, ()))
        if device not in seen or since is None:
            return None
        later = [key for moment, key in _records(seen[device]) if moment > since]
        if later:
            return _decided("contradicted", "it still wrote alarms", later[:1])
        return _decided("confirmed", "it wrote nothing after that", ())

    def _changed(
        self, prediction: Prediction, _seen: Mapping[str, Sighting]
    ) -> dict[str, object] | None:
        made = self.changes.get(_device(prediction.about[0]), [])
        since = prediction.since
        before = [key for moment, key in made if since is None or moment <= since + COMMIT_LAG]
        if before:
            return _decided("confirmed", "the history has it", before[:1])
        if made:
            return _decided("contradicted", "it was changed only afterwards", [made[0][1]])
        return None


def _decided(outcome: Outcome, because: str, ids: Sequence[str]) -> dict[str, object]:
    return {"outcome": outcome, "because": because, "evidence_ids": tuple(dict.fromkeys(ids))}


def _records(sighting: Sighting) -> Iterator[tuple[datetime, str]]:
    return zip(sighting.times, sighting.evidence_ids, strict=True)


def _predictions(suspect: Suspect, scene: _Scene) -> Iterator[Prediction]:
    """What must be alarmed, changed or silent if the suspect is at fault."""
    name, onset = suspect.managed_object, suspect.onset
    device = _device(name)
    since = None if onset is None else onset - SKEW
    port = ManagedObject.parse(name).port is not None
    silent = suspect.words.startswith("element silent")
    yield _noticed(suspect, scene)
    if suspect.candidate is not None and onset is not None:
        order = _in_order(suspect.candidate, onset, scene)
        if order is not None:
            yield order
    if silent and onset is not None:
        yield Prediction(
            managed_object=name,
            expects="silent",
            about=(name,),
            statement=f"{name} says nothing after onset",
            since=onset + SKEW,
        )
    if suspect.change_ids or _CONFIGURATION.search(suspect.words.partition(" ")[0]):
        yield Prediction(
            managed_object=name,
            expects="changed",
            about=(name,),
            statement=f"{name} was changed before onset",
            since=onset,
        )
    dependents = scene.around(device, dependents=True)
    if dependents and not port and _HARD.search(suspect.words):
        yield Prediction(
            managed_object=name,
            expects="alarmed",
            about=dependents,
            statement=f"what depends on {name} is in trouble",
            since=since,
        )
    neighbors = scene.around(device, dependents=False)
    if neighbors and (silent or (port and "down" in suspect.words)):
        yield Prediction(
            managed_object=name,
            expects="alarmed",
            about=neighbors,
            statement=f"a neighbour of {name} notices",
            since=since,
        )


def _noticed(suspect: Suspect, scene: _Scene) -> Prediction:
    """Something is seen at the suspect: its own alarm, a change, or what others say of it."""
    device = _device(suspect.managed_object)
    noticed = Prediction(
        managed_object=suspect.managed_object,
        expects="alarmed",
        about=(suspect.managed_object,),
        statement=f"trouble shows at {suspect.managed_object}",
    )
    if suspect.candidate is not None:
        ids = suspect.candidate.evidence[:1]
        return noticed.model_copy(update=_decided("confirmed", "it is among the suspects", ids))
    if made := scene.changes.get(device):
        return noticed.model_copy(update=_decided("confirmed", "it was changed", [made[0][1]]))
    return noticed


def _in_order(candidate: Candidate, onset: datetime, scene: _Scene) -> Prediction | None:
    """What it would account for must begin after its own trouble."""
    device = _device(candidate.managed_object)
    firsts = [
        scene.first_of[handle]
        for handle in candidate.explains
        if handle in scene.first_of and scene.device_of[handle] != device
    ]
    if not firsts:
        return None
    share = sum(first >= onset - SKEW for first in firsts) / len(firsts)
    outcome: Outcome = "unknown"
    if share >= MOST:
        outcome = "confirmed"
    elif share <= FEW and len(firsts) >= WITNESSES:
        outcome = "contradicted"
    return Prediction(
        managed_object=candidate.managed_object,
        expects="alarmed",
        about=(),
        statement=f"what it explains began after {candidate.managed_object} did",
        outcome=outcome,
        because=f"{share:.0%} of {len(firsts)} groups did",
        evidence_ids=candidate.evidence[:1],
    )


def _device(name: str) -> str:
    return ManagedObject.parse(name).device.lower()
