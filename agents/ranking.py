"""Root-cause ranking: which element, if it were at fault, would account for what is seen?

Each element that symptoms point at, directly or through topology, is a hypothesis. It is scored by
reasons that a network engineer would give, each between -1 and 1 and each with its records:

    coverage    the share of the symptoms it would account for
    focus       those who complain about it complain about nothing else: victims have one bad
                neighbour, a culprit is every neighbour's only problem
    blame       devices say which end began: "notification received" blames the other end
    kind        it reports a defect of its own (hardware, power, process), with consequences
    silence     its neighbours lost it and it says nothing at all
    change      its configuration changed shortly before trouble began within the change's reach
    timing      its trouble, or its change, came first
    prediction  if it is dead, what hangs on it must be out of reach
    history     its trouble is a daily one
    eclipse     a neighbour with stronger evidence accounts for the same trouble
    behind      the only way to it was lost below the layer that complains about it
    victim      it only measures trouble, or complains about others

The score is the weighted sum (`RankingWeights`); against all other scores and that of "no single
cause" it becomes a probability.
"""

from __future__ import annotations

from collections.abc import Sequence

from agents.arguments import Arguments
from agents.explaining import MOST, Explainer
from agents.folding import Symptom
from agents.hypotheses import DEFAULT_WEIGHTS, Argument, Hypothesis, RankingWeights
from agents.likelihood import weigh
from agents.reachability import Reachability
from agents.surroundings import Surroundings

_COMPARED = 12


class Ranker:
    """Scores hypotheses over one set of symptoms."""

    def __init__(
        self,
        symptoms: Sequence[Symptom],
        surroundings: Surroundings,
        *,
        weights: RankingWeights = DEFAULT_WEIGHTS,
        incident: Sequence[Symptom] | None = None,
    ) -> None:
        """Prepare to rank.

        Args:
            symptoms: What is to be accounted for.
            surroundings: Of their window.
            weights: How much each reason counts.
            incident: All symptoms of the incident, where `symptoms` are what is left of it: what is
                much is measured against the whole.
        """
        self._symptoms = symptoms
        self._topology, self._upstream = surroundings.topology, surroundings.upstream
        self._weights = weights
        self._explainer = Explainer(symptoms, surroundings, incident=incident)
        said = Arguments(self._explainer)
        reach = Reachability(self._explainer)
        self._reasons = (
            said.change,
            said.timing,
            said.coverage,
            said.focus,
            said.blame,
            said.kind,
            reach.silence,
            said.history,
            reach.behind,
            said.victim,
            reach.prediction,
        )

    def rank(self) -> list[Hypothesis]:
        """All hypotheses, best first; ties by name, so that the order never depends on chance."""
        hypotheses = [self._score(device) for device in self._suspects()]
        hypotheses.sort(key=lambda h: (-h.score, h.device))
        for hypothesis in hypotheses[:_COMPARED]:
            eclipse = self._eclipse(hypothesis, hypotheses[:_COMPARED])
            if eclipse is not None:
                hypothesis.arguments.append(eclipse)
                hypothesis.score += eclipse.strength * self._weights.eclipse
        weigh(hypotheses, self._symptoms, nothing=self._weights.nothing)
        return sorted(hypotheses, key=lambda h: (-h.score, h.device))

    def _suspects(self) -> list[str]:
        """Every element that symptoms point at, directly or through topology."""
        found: dict[str, None] = {}
        for symptom in self._symptoms:
            found.setdefault(symptom.device)
            if symptom.peer is not None:
                found.setdefault(symptom.peer.device)
            for provider in self._upstream.of(symptom.device, symptom.kind):
                found.setdefault(provider)
            if symptom.peer is not None:
                for device in self._upstream.between(symptom.device, symptom.peer.device):
                    found.setdefault(device)
        impact = self._explainer.impact
        found.update(dict.fromkeys(impact.notable))
        near = {other for device in list(found) for other in self._topology.neighbors(device)}
        found.update(dict.fromkeys(device for device in impact.notes if device in near))
        return list(found)

    def _score(self, device: str) -> Hypothesis:
        """Put one element up as a hypothesis and argue it."""
        hypothesis = self._explainer.propose(device)
        for argue in self._reasons:
            argument = argue(hypothesis)
            if argument is not None and argument.strength != 0:
                hypothesis.arguments.append(argument)
        hypothesis.score = sum(
            argument.strength * getattr(self._weights, argument.name)
            for argument in hypothesis.arguments
        )
        return hypothesis

    def _eclipse(self, h: Hypothesis, others: Sequence[Hypothesis]) -> Argument | None:
        """A neighbour with better evidence that accounts for most of the same trouble."""
        near = set(self._topology.neighbors(h.device))
        mass = self._explainer.mass
        total = sum(mass[index] * share for index, share in h.explains.items()) or 1.0
        best: Argument | None = None
        for other in others:
            if other.device not in near or other.evidence <= max(h.evidence, 0.3):
                continue
            ahead = 1.0 - h.evidence / other.evidence
            shared = sum(
                mass[index] * min(share, other.explains.get(index, 0.0))
                for index, share in h.explains.items()
            )
            strength = -ahead * shared / total
            if shared / total >= MOST and strength < (best.strength if best else 0.0):
                best = Argument(
                    "eclipse",
                    strength,
                    f"{other.device} next to it accounts for {shared / total:.0%} of the same "
                    "and has the stronger evidence",
                )
        return best
