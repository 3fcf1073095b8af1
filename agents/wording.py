"""Wording: free text of a model says nothing that the evidence does not hold.

Fields with a type are checked by `agents.grounding`; a sentence can still smuggle in an element, an
id, a quotation, a time, a number or an address that nobody saw. Such a sentence does not stand.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import timedelta
from itertools import chain

from agents.findings import EvidencePack, Proposal, ProposedCause
from telecom.configuration import ConfigHunk
from telecom.errors import InvalidArgumentError
from telecom.evidence import Gap
from telecom.times import parse_instant
from telecom.topology import ManagedObject

MAX_CHARACTERS = 400
"""Longest sentence of a model that is read as one."""
CHANGES_REACH_BACK = timedelta(hours=24)
"""How far before the window a change may lie that a sentence dates."""

_EVIDENCE_ID = re.compile(r"\b(?:alarm|change|ticket|config|doc):[^\s,;)\]}\"']+")
_QUOTED = re.compile(r"[\"“”«»`]([^\"“”«»`]{3,})[\"“”«»`]")
_INSTANT = re.compile(
    r"\b\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?"
)
_ADDRESS = re.compile(r"://|\bwww\.|\S@\S+\.\w", re.I)
_NAME = re.compile(r"[A-Za-z][\w./:-]*\d[\w./:-]*")
_NUMBER = re.compile(r"(?<![\w.])\d{3,}(?:\.\d+)?(?!\w)")
_TERMS = re.compile(
    r"(?:e?bgp4?|ipv[46]|ospfv?[23]?|is-is|l[123](?:vpn)?|[efs]1|n[1-9]\d?|x2|q?sfp\d*|802\.\w+"
    r"|[45]g|g\.\d+|rfc\d+|p[0-9]|sev\d)s?",
    re.I,
)
_CLAIM = re.compile(r"\broot[\s_\\-]*causes?\b", re.I)


class Wording:
    """What the sentences of one investigation may speak of."""

    def __init__(self, pack: EvidencePack, names: Iterable[str]) -> None:
        """Take in everything that was gathered.

        Args:
            pack: The findings.
            names: Managed objects that they know.
        """
        self._evidence = pack.evidence
        self._start = pack.window[0] - CHANGES_REACH_BACK
        self._end = pack.window[1] + CHANGES_REACH_BACK
        self._said = _flat(" ".join(chain(_texts(pack), names)))

    def objection(self, text: str) -> str | None:
        """Say what in a sentence nobody has seen; None when it may stand."""
        return next(self._objections(text), None)

    def _objections(self, text: str) -> Iterator[str]:
        if len(text) > MAX_CHARACTERS:
            yield f"it is longer than {MAX_CHARACTERS} characters"
        if _ADDRESS.search(text):
            yield "it carries an address to go to"
        for key in _EVIDENCE_ID.findall(text):
            if key.rstrip(".") not in self._evidence:
                yield "it cites evidence that no tool returned"
        for quote in _QUOTED.findall(text):
            if _flat(quote) not in self._said:
                yield "it quotes what no tool returned"
        rest = _EVIDENCE_ID.sub(" ", text)
        for moment in _INSTANT.findall(rest):
            if not self._within(moment):
                yield "it names a time outside the window"
        rest = _INSTANT.sub(" ", rest)
        for name in _NAME.findall(rest):
            bare = name.strip(".:/-_").lower()
            if not _TERMS.fullmatch(bare) and not self._known(bare):
                yield "it names what no finding knows"
        for number in _NUMBER.findall(_NAME.sub(" ", rest)):
            if not self._known(number):
                yield "it gives a number that no finding has"

    def _within(self, moment: str) -> bool:
        try:
            return self._start <= parse_instant(moment) <= self._end
        except InvalidArgumentError:
            return False

    def _known(self, word: str) -> bool:
        return re.search(rf"(?<![a-z0-9]){re.escape(word)}(?![a-z0-9])", self._said) is not None


def without_claim(text: str) -> str:
    """Take the words "root cause" out of a sentence of an inconclusive report."""
    return _CLAIM.sub("suspect", text)


def _flat(text: str) -> str:
    return " ".join(text.lower().split())


def _texts(pack: EvidencePack) -> Iterator[str]:
    """All text that tools returned."""
    if pack.question:
        yield pack.question
    for summary in pack.alarms:
        yield summary.brief
        for group in summary.groups:
            yield f"{group.managed_object} {group.template} {group.probable_cause or ''}"
        for candidate in summary.root_cause_candidates:
            yield f"{candidate.managed_object} {candidate.specific_problem} {candidate.why}"
        for link in summary.causal_chain:
            yield f"{link.condition} {link.effect}"
        for joint in summary.topology:
            yield f"{joint.source} {joint.target}"
    for change in chain.from_iterable(review.changes for review in pack.changes):
        yield f"{change.managed_object} {change.author} {change.commit} {' '.join(change.why)}"
        yield " ".join(f"{' '.join(h.block)} {_lines(h)}" for h in change.hunks)
    for item in pack.evidence.values():
        yield f"{item.locator} {item.quote or ''}"
    yield from pack.evidence


def _lines(hunk: ConfigHunk) -> str:
    return " ".join(line.text for line in hunk.lines)


def headline_of(causes: Iterable[ProposedCause]) -> str:
    """A headline made of the causes and nothing else."""
    return "; ".join(f"{cause.probable_cause} at {cause.managed_object}" for cause in causes)


_CHANGES_THE_NETWORK = re.compile(
    r"\b(?:re-?load|re-?start|re-?boot|re-?set|reseat|replace|swap|shut(?:down)?|no shut|bounce|"
    r"delete|remove|erase|wipe|format|revert|roll\s?back|clear|configure|set|enable|disable|apply|"
    r"commit|install|upgrade|downgrade|power|switch|fail\s?over|isolate|block|drain|kill|stop|"
    r"start|change|modify|increase|decrease|raise|lower|move|send|upload|post|mail|execute|run)\b",
    re.I,
)
_LOOKS = re.compile(
    r"\s*(?:check|read|compare|look|verify|show|inspect|confirm|measure|review|ask|collect|test|"
    r"examine|find|watch|monitor|see|trace|ping|list|query)\b",
    re.I,
)


def worded(proposal: Proposal, words: Wording, dropped: list[Gap]) -> Proposal:
    """Drop each statement of a model whose sentences speak of what nobody has seen."""

    def stands(what: str, *texts: str) -> bool:
        objections = [why for text in texts if (why := words.objection(text)) is not None]
        if objections:
            dropped.append(Gap(what=what, why=f"{objections[0]}; dropped"))
        return not objections

    causes = tuple(
        cause
        for number, cause in enumerate(proposal.root_causes, start=1)
        if stands(f"proposed cause {number}", cause.probable_cause, cause.specific_problem)
    )
    headline = proposal.headline
    named = [ManagedObject.parse(cause.managed_object).device.lower() for cause in causes]
    speaks_of_a_cause = not named or any(name in headline.lower() for name in named)
    if not (stands("the model's headline", headline) and headline and speaks_of_a_cause):
        headline = headline_of(causes) or "The model names no cause"
    return Proposal(
        headline=headline,
        status=proposal.status,
        root_causes=causes,
        ruled_out=tuple(
            item
            for number, item in enumerate(proposal.ruled_out, start=1)
            if stands(f"ruled-out hypothesis {number}", item.hypothesis, item.why)
        ),
        causal_chain=tuple(
            link
            for number, link in enumerate(proposal.causal_chain, start=1)
            if stands(f"causal link {number}", link.condition, link.effect)
        ),
        next_actions=tuple(
            action.model_copy(update={"read_only": _only_looks(action.action)})
            for number, action in enumerate(proposal.next_actions, start=1)
            if stands(f"next action {number}", action.action, action.why)
        ),
    )


def _only_looks(action: str) -> bool:
    """Whether an action changes nothing; a model's own word for that does not count."""
    return bool(_LOOKS.match(action)) and not _CHANGES_THE_NETWORK.search(action)
