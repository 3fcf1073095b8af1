"""Answers about an investigation from what it found: looked up and computed, never made up.

Each answer is Markdown over the case's own findings, with the evidence ids that it rests on. What
the findings do not hold is said to be unknown here; the conversation then looks it up at the site.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain

from agents.counterfactual import without
from agents.findings import Candidate
from agents.plain_text import agent_shown, code_span, markdown
from agents.predictions import Prediction, Sighting
from agents.report import same_element
from agents.runbooks import Checklist, Item
from orchestrator.conversations.intent import Kind
from orchestrator.conversations.store import Answer
from orchestrator.investigating.case import Case
from orchestrator.rendering.briefing import to_handover
from telecom.evidence import Evidence
from telecom.report import ReportedChange
from telecom.times import format_instant
from telecom.topology import ManagedObject

_LINES = 6
_HUNK_LINES = 12


def why(case: Case, about: Sequence[str]) -> Answer:
    """What the answer rests on: reasons, predictions, lines."""
    report = case.report
    if about and case.leading is not None and not same_element(about[0], case.leading):
        return _why_in_trouble(case, about[0])
    lines = [f"{markdown(report.headline)} (**{report.status}**)."]
    ids: list[str] = []
    for cause in report.root_causes:
        words = f"**{markdown(cause.managed_object)}**: {markdown(cause.specific_problem)}"
        lines += ["", words, ""]
        lines.append(f"- confidence {cause.confidence:.2f}: {markdown(cause.confidence_basis)}")
        lines += _reasons(case.candidate(cause.managed_object))
        lines += _predicted(case.trials.of(cause.managed_object))
        ids += cause.evidence_ids
    if not report.root_causes:
        lines += ["", "No cause is asserted. What is suspected, and what is missing:", ""]
        lines += [f"- {markdown(r.managed_object)}: {markdown(r.why)}" for r in report.ruled_out]
        lines += [f"- not seen: {markdown(gap.what)}, {markdown(gap.why)}" for gap in report.gaps]
        ids += chain.from_iterable(item.evidence_ids for item in report.ruled_out)
    return _answer(case, lines, ids)


def _why_in_trouble(case: Case, name: str) -> Answer:
    """Why an element that is not the cause is in trouble: the chain that leads to it."""
    links = [link for link in case.report.causal_chain if same_element(link.target, name)]
    if not links:
        return why_not(case, name)
    lines = [f"**{markdown(name)}** follows from what happened elsewhere:", ""]
    for link in links:
        lag = "" if link.lag_seconds is None else f", {link.lag_seconds:g} s later"
        lines.append(
            f"- {markdown(link.source)}: {markdown(link.condition)} → {markdown(link.target)}: "
            f"{markdown(link.effect)}{lag}"
        )
    return _answer(case, lines, chain.from_iterable(link.evidence_ids for link in links))


def why_not(case: Case, name: str) -> Answer:
    """What speaks against an element, beside what speaks for the one that is named."""
    leading = case.leading
    if leading is not None and case.report.root_causes and same_element(name, leading):
        lines = [f"**{markdown(name)}** is what the report names.", ""]
        return _answer(case, [*lines, *_reasons(case.candidate(name))], ())
    candidate = case.candidate(name)
    lines, ids = [], list[str]()
    ruled_out = [r for r in case.report.ruled_out if same_element(r.managed_object, name)]
    for item in ruled_out:
        lines.append(f"- {markdown(item.hypothesis)}: {markdown(item.why)}")
        ids += item.evidence_ids
    if candidate is not None:
        best = case.candidate(leading) if leading is not None else None
        lines.append(f"- its score is {candidate.score:g}" + _beside(candidate, best))
        lines += _reasons(candidate)
        ids += candidate.evidence
    lines += _predicted(case.trials.of(name))
    seen = [
        group
        for summary in case.alarms.values()
        for group in summary.groups
        if same_element(group.managed_object, name)
    ]
    for group in seen[:3]:
        first = format_instant(group.first)
        lines.append(f"- it shows {markdown(group.template)} since {first}, {group.count} times")
    if candidate is None:
        ahead = f"; {markdown(leading)} accounts for more" if leading is not None else ""
        found = "nothing is seen at it that others do not explain" if seen else "nothing is seen"
        lines.append(f"- it is not among the suspects: {found} in the findings{ahead}")
    return _answer(case, [f"Why not **{markdown(name)}**:", "", *lines], ids)


def is_unseen(case: Case, name: str) -> bool:
    """Whether the findings list nothing at all of an element: then its own alarms are worth a look.

    A storm's findings list a few of its groups, so that alone is no proof that it is silent.
    """
    groups = chain.from_iterable(summary.groups for summary in case.alarms.values())
    return case.candidate(name) is None and not any(
        same_element(group.managed_object, name) for group in groups
    )


def together(first: Answer, second: Answer) -> Answer:
    """One answer made of two."""
    return first.model_copy(
        update={
            "text": f"{first.text}\n\n{second.text}",
            "evidence": {**first.evidence, **second.evidence},
            "steps": (*first.steps, *second.steps),
        }
    )


def what_if(case: Case, name: str) -> Answer:
    """The ranking with one element taken out, and what would have to be untrue for that."""
    lines = [f"If **{markdown(name)}** were fine:", ""]
    ids: list[str] = []
    for summary in case.alarms.values():
        outcome = without(summary, name)
        if outcome.without is None:
            continue
        lines.append(
            f"- {len(outcome.orphans)} of {outcome.groups} alarm groups would have no explanation "
            "among the suspects"
        )
        if outcome.following is not None:
            following = outcome.following
            lines.append(
                f"- {markdown(following.managed_object)} would lead "
                f"({markdown(following.probable_cause)}): it accounts for {outcome.accounted} of "
                f"{outcome.groups} groups; {markdown(following.why)}"
            )
            lines += _predicted(case.trials.of(following.managed_object))
        else:
            lines.append("- nobody else is suspected: the matter would be open")
        lines.append("- against that stands what was seen:")
        lines += list(_quoted(case.evidence, outcome.against))
        ids += outcome.against
    if not ids:
        lines.append("- nothing would change: nothing in the ranking rests on it")
    return _answer(case, lines, ids)


def show(case: Case, about: str, names: Sequence[str]) -> Answer | None:
    """The lines themselves; None when the findings have none of that element."""
    evidence = case.evidence
    if about in evidence:
        return _answer(case, list(_quoted(evidence, [about])), [about])
    if names:
        ids = [key for key, item in evidence.items() if _speaks_of(item, names[0])]
        ids += [
            k
            for c in case.candidates
            if same_element(c.managed_object, names[0])
            for k in c.evidence
        ]
    else:
        causes = case.report.root_causes
        ids = [key for cause in causes for key in cause.evidence_ids]
        ids = ids or [key for candidate in case.candidates[:1] for key in candidate.evidence]
    ids = list(dict.fromkeys(key for key in ids if key in evidence))[:_LINES]
    if not ids:
        return None
    return _answer(case, list(_quoted(evidence, ids)), ids)


def diff(case: Case, names: Sequence[str]) -> Answer:
    """Configuration changes before onset, line by line."""
    changes = case.report.changes_before_onset
    wanted = [c for c in changes if not names or same_element(c.managed_object, names[0])]
    if not wanted:
        of = f" of {markdown(names[0])}" if names else ""
        return _answer(case, [f"No configuration change{of} before onset is known."], ())
    lines = list(chain.from_iterable(_change(change) for change in wanted))
    return _answer(case, lines, chain.from_iterable(change.evidence_ids for change in wanted))


def similar(case: Case, _names: Sequence[str]) -> Answer:
    """Past incidents, their close notes verbatim."""
    tickets = case.report.similar_incidents
    if not tickets:
        reasons = [t.similar.abstained_because for t in case.tickets if t.similar.abstained_because]
        why = f" ({markdown(reasons[0])})" if reasons else ""
        return _answer(case, [f"Nothing like it is in the ticket history{why}."], ())
    agrees = {True: ", same cause", False: ", another cause", None: ""}
    lines = [
        f"- **{markdown(t.ticket_id)}** ({t.score:.2f}{agrees[t.agrees]}): {code_span(t.quote)}"
        for t in tickets
    ]
    return _answer(case, lines, chain.from_iterable(t.evidence_ids for t in tickets))


def handover(case: Case, _names: Sequence[str]) -> Answer:
    """The summary for the next shift."""
    return _answer(case, [to_handover(case.report).rstrip()], ())


def gaps(case: Case, _names: Sequence[str]) -> Answer:
    """What could not be looked at, and what would have to be."""
    lines = [f"- {markdown(gap.what)}: {markdown(gap.why)}" for gap in case.report.gaps]
    open_ones = [p for p in case.trials.predictions if p.outcome == "unknown"]
    lines += [f"- not decided: {markdown(p.statement)}" for p in open_ones]
    return _answer(case, lines or ["Everything that was asked for was answered."], ())


def placed(case: Case, _names: Sequence[str]) -> Answer:
    """What ran where, and what left the site."""
    lines = ["| step | who | tier | tokens | bytes | masked |", "|---|---|---|---|---|---|"]
    lines += [
        f"| {markdown(s.step)} | {markdown(agent_shown(s.agent))} | {markdown(s.tier or 'nowhere')}"
        f" | {_count(s.tokens_after)} | {_count(s.bytes_out)} | {_count(s.masked)} |"
        for s in case.report.provenance
    ]
    costs = [s.cost_usd for s in case.report.provenance if s.cost_usd is not None]
    return _answer(case, [*lines, "", f"Models cost ${sum(costs):.4f}."], ())


def checklist(case: Case, followed: Checklist) -> Answer:
    """A runbook as a list with results: what the evidence answers, and what a person has to."""
    runbook = followed.runbook
    lines = [f"Runbook {code_span(runbook.source)}: {markdown(runbook.when)}", ""]
    lines += _items(case.evidence, followed.steps, open_word="a person has to look")
    if followed.expected:
        lines += ["", "Expected:", ""]
        lines += _items(case.evidence, followed.expected, open_word="not seen in the evidence")
    items = (*followed.steps, *followed.expected)
    return _answer(case, lines, chain.from_iterable(item.evidence_ids for item in items))


def sighted(case: Case, sighting: Sighting) -> Answer:
    """What a look-up of an element's alarms brought."""
    name = markdown(sighting.managed_object)
    evidence = {k: Evidence.received(q) for k, q in sighting.evidence.items()}
    if not sighting.times:
        text = f"No alarm of an element called **{name}** is there between {_window(case)}."
    else:
        known = [key for key in sighting.evidence_ids if key in evidence]
        text = "\n".join(
            [
                f"**{name}** wrote {len(sighting.times)} records or more between {_window(case)}:",
                "",
                *_quoted(evidence, known),
            ]
        )
    return Answer(text=text, incident_id=case.report.incident_id, evidence=evidence)


FROM_THE_FINDINGS: Mapping[Kind, Callable[[Case, Sequence[str]], Answer]] = {
    "why": why,
    "diff": diff,
    "similar": similar,
    "handover": handover,
    "gaps": gaps,
    "placed": placed,
}
"""What the findings always answer, given the elements that are meant."""


def _answer(case: Case, lines: Sequence[str], ids: Iterable[str]) -> Answer:
    evidence = case.evidence
    cited = {key: evidence[key] for key in dict.fromkeys(ids) if key in evidence}
    return Answer(text="\n".join(lines), incident_id=case.report.incident_id, evidence=cited)


def _reasons(candidate: Candidate | None) -> list[str]:
    if candidate is None:
        return []
    return [
        f"- {'for' if reason.strength > 0 else 'against'} it, {markdown(reason.name)} "
        f"{reason.strength:+.2f}: {markdown(reason.because)}"
        for reason in candidate.reasons
    ]


def _predicted(predictions: Iterable[Prediction]) -> list[str]:
    return [f"- predicted: {markdown(p.words)}" for p in predictions]


def _beside(candidate: Candidate, best: Candidate | None) -> str:
    if best is None or same_element(best.managed_object, candidate.managed_object):
        return ""
    return f", that of {markdown(best.managed_object)} is {best.score:g}"


def _quoted(evidence: dict[str, Evidence], ids: Iterable[str]) -> Iterator[str]:
    for key in ids:
        item = evidence.get(key)
        if item is not None:
            quote = "(computed)" if item.quote is None else code_span(item.quote)
            yield f"- {markdown(item.locator)}: {quote}"


def _change(change: ReportedChange) -> Iterator[str]:
    yield ""
    yield (
        f"**{markdown(change.managed_object)}**, {format_instant(change.time)}, by "
        f"{markdown(change.author)}, commit {code_span(change.commit[:12])}, suspicion "
        f"{change.score:.2f}:"
    )
    yield ""
    lines = [line for hunk in change.hunks for line in hunk.lines]
    for line in lines[:_HUNK_LINES]:
        yield f"- {code_span(f'{line.sign} {line.text}')}"


def _items(evidence: dict[str, Evidence], items: Iterable[Item], *, open_word: str) -> list[str]:
    lines: list[str] = []
    for item in items:
        lines.append(f"- [{'x' if item.evidence_ids else ' '}] {markdown(item.text)}")
        if item.evidence_ids:
            lines += [f"  {line}" for line in _quoted(evidence, item.evidence_ids)]
        else:
            lines[-1] += f" ({open_word})"
    return lines


def _speaks_of(item: Evidence, name: str) -> bool:
    device = ManagedObject.parse(name).device.lower()
    return device in f"{item.locator} {item.quote or ''}".lower()


def _window(case: Case) -> str:
    return f"{format_instant(case.window.start)} and {format_instant(case.window.end)}"


def _count(number: int | None) -> str:
    return "" if number is None else str(number)
