"""`FindingsFile`: what an investigation found so far, kept beside its checkpoints."""

from __future__ import annotations

from itertools import chain

from agents.findings import AlarmSummary, ChangeReview, EvidencePack, TicketReview
from agents.predictions import Sighting, Trials
from orchestrator.investigating.progress import Progress
from orchestrator.investigating.reasoning import Reasoned
from orchestrator.storage.state import Finding, State
from telecom.evidence import Evidence, Gap
from telecom.topology import ManagedObject


class FindingsFile:
    """The findings of one incident, and the evidence pack that they make together."""

    def __init__(self, state: State, incident: str) -> None:
        self._state = state
        self._incident = incident

    async def trials(self) -> Trials:
        """What each hypothesis predicts, and what was seen of it.

        Raises:
            KeyError: Nothing was predicted yet.
        """
        return await self._state.get(self._incident, "trials", Trials)

    async def keep_trials(self, trials: Trials) -> None:
        """Put the trials in place of what was known of them."""
        await self._state.put(self._incident, "trials", trials)

    async def answer_of_model(self) -> Reasoned | None:
        """What a model made of the findings; None where none was asked."""
        try:
            return await self._state.get(self._incident, "model", Reasoned)
        except KeyError:
            return None

    async def pack(self, state: Progress) -> EvidencePack:
        """Everything that was gathered, from the findings."""
        alarms = await self._found(state, "alarms", AlarmSummary)
        changes = await self._found(state, "changes", ChangeReview)
        tickets = await self._found(state, "tickets", TicketReview)
        findings: tuple[AlarmSummary | ChangeReview | TicketReview, ...]
        findings = (*alarms, *changes, *tickets)
        evidence: dict[str, Evidence] = {}
        for key, quotation in chain.from_iterable(f.evidence.items() for f in findings):
            evidence.setdefault(key, Evidence.received(quotation))
        for sighting in await self._sightings():
            for key, quotation in sighting.evidence.items():
                evidence.setdefault(key, Evidence.received(quotation))
        model = await self.answer_of_model()
        for key, item in ({} if model is None else model.evidence).items():
            evidence.setdefault(key, item)
        return EvidencePack(
            question=state["inquiry"].get("question"),
            window=(min(s.window[0] for s in alarms), max(s.window[1] for s in alarms)),
            sites=tuple(state["sites"]),
            alarms=alarms,
            changes=changes,
            tickets=tickets,
            evidence=evidence,
            gaps=(
                *chain.from_iterable(finding.gaps for finding in findings),
                *(Gap.model_validate(gap) for gap in state.get("gaps", ())),
            ),
        )

    async def _sightings(self) -> tuple[Sighting, ...]:
        try:
            return (await self.trials()).sightings
        except KeyError:
            return ()

    async def _found(self, state: Progress, kind: str, shape: type[Finding]) -> tuple[Finding, ...]:
        found = [
            await self._state.get(self._incident, look["name"], shape)
            for look in state["looks"]
            if look["kind"] == kind and look["name"] is not None
        ]
        return tuple(found)


def site_of(managed_object: str, pack: EvidencePack) -> str:
    """The site whose findings speak of an element; the first when none does."""
    device = ManagedObject.parse(managed_object).device.lower()
    for name, summary in zip(pack.sites, pack.alarms, strict=True):
        ends = [end for link in summary.topology for end in (link.source, link.target)]
        known = [group.managed_object for group in summary.groups]
        known += [candidate.managed_object for candidate in summary.root_cause_candidates]
        if device in {ManagedObject.parse(each).device.lower() for each in (*ends, *known)}:
            return name
    return pack.sites[0]
