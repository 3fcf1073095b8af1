"""The text beside a structured answer: the same facts for a model that reads text only.

Written from what the gate released, one line a fact, without the names of empty fields: pretty
JSON would cost about twice the tokens.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

Json = Mapping[str, Any]
"""A JSON object, hence Any."""


def summary_text(answer: Json) -> str:
    """Twin of an `AlarmSummary`: the brief, then how to read on."""
    handles = ", ".join(answer["handles"][:12])
    more = f"\nread records with list_alarms(handle=...): {handles}" if handles else ""
    return f"{answer['brief']}{more}{_gaps(answer)}"


def ranking_text(answer: Json) -> str:
    """Twin of a `RootCauseRanking`."""
    start, end = answer["window"]
    lines = [f"{start} to {end}: verdict {answer['verdict']}, {answer['causes']} asserted"]
    for place, candidate in enumerate(answer["root_cause_candidates"], start=1):
        lines.append(
            f"{place}. {candidate['managed_object']} score {candidate['score']}: "
            f"{candidate['probable_cause']}; {candidate['specific_problem']} "
            f"({candidate['role']}) because {candidate['why']} [{_ids(candidate['evidence'])}]"
        )
    return "\n".join((*lines, *_quotations(answer), *_left_out(answer))) + _gaps(answer)


def alarm_list_text(answer: Json) -> str:
    """Twin of an `AlarmList`."""
    lines = [f"{len(answer['alarms'])} of {answer['total']} alarms"]
    for alarm in answer["alarms"]:
        quotation = answer["evidence"].get(alarm["evidence_id"])
        said = alarm["probable_cause"] if quotation is None else quotation["quote"]
        lines.append(
            f"{alarm['alarm_id']} {alarm['time'] or 'no time'} {alarm['managed_object']} "
            f"{alarm['perceived_severity']}: {said}"
        )
    if answer["next_cursor"]:
        lines.append(f"{answer['left_out']} more; cursor={answer['next_cursor']}")
    return "\n".join(lines)


def alarm_text(answer: Json) -> str:
    """Twin of an `AlarmDetail`."""
    lines = list[str]()
    for record in answer["records"]:
        lines += _fields(record, skip=("source", "additionalText"))
    return "\n".join((*lines, *_quotations(answer), *_left_out(answer)))


def passages_text(answer: Json) -> str:
    """Twin of `Passages`."""
    lines = [
        f"[{passage['id']}] {passage['source']} {passage['locator']}: {passage['text']}"
        + (f" ({answer['why'][passage['id']]})" if passage["id"] in answer["why"] else "")
        for passage in answer["passages"]
    ]
    return "\n".join((*(lines or ["nothing matches"]), *_left_out(answer))) + _gaps(answer)


def recorded_text(answer: Json) -> str:
    """Twin of a `RecordedCause`."""
    return f"{answer['decision']}; searchable as {answer['ticket_id']} after the next ingest"


def ticket_text(answer: Json) -> str:
    """Twin of a `TicketRecord`."""
    return "\n".join(_fields(answer["ticket"]))


def similar_text(answer: Json) -> str:
    """Twin of a `TicketReview`."""
    similar = answer["similar"]
    votes, of = similar["agreement"]
    verdict = (
        f"{votes} of {of} similar tickets name: {similar['agreed_cause']}"
        if similar["agreed_cause"]
        else f"no agreed cause: {similar['abstained_because']}"
    )
    lines = [verdict]
    for incident in similar["incidents"]:
        lines.append(
            f"{incident['ticket_id']} score {incident['score']} {incident['managed_object'] or ''} "
            f"{incident['title']}; cause: {incident['cause'] or 'none named'}; "
            f"{incident['locator']}: {incident['quote']}"
        )
    lines += [
        f"not done here yet: {check['text']} (done in {', '.join(check['ticket_ids'])})"
        for check in similar["skipped_checks"]
    ]
    return "\n".join(lines) + _gaps(answer)


def blocks_text(answer: Json) -> str:
    """Twin of a `ConfigExcerpt`."""
    lines = list[str]()
    for block in answer["blocks"]:
        commit = (block["commit"] or "working copy")[:12]
        lines.append(
            f"# {block['managed_object']} {block['file']}@{commit}:{block['first_line']}-"
            f"{block['last_line']} committed {block['committed_at'] or 'never'}"
        )
        lines.append(block["text"])
    return "\n".join((*(lines or ["no such block"]), *_left_out(answer)))


def changes_text(answer: Json) -> str:
    """Twin of a `ChangeReview` and of a `ConfigDifference`."""
    lines = list[str]()
    for change in answer["changes"]:
        lines.append(
            f"{change['time']} {change['managed_object']} commit {change['commit'][:12]} by "
            f"{change['author']} score {change['score']}: {'; '.join(change['why'])}"
        )
        for hunk in change["hunks"]:
            lines.append("  @ " + " > ".join(hunk["block"]))
            lines += [f"  {line['sign']}{line['text']}" for line in hunk["lines"]]
    return "\n".join((*(lines or ["no change"]), *_left_out(answer))) + _gaps(answer)


def contradictions_text(answer: Json) -> str:
    """Twin of `Contradictions`."""
    lines = list[str]()
    for finding in answer["findings"]:
        lines.append(f"{finding['kind']}: {finding['summary']}")
        for key in finding["evidence_ids"] if answer["evidence"] else ():
            quotation = answer["evidence"][key]
            lines.append(f"  {quotation['locator']}: {quotation['quote']}")
    return "\n".join((*(lines or ["no contradiction found"]), *_left_out(answer))) + _gaps(answer)


def neighborhood_text(answer: Json) -> str:
    """Twin of a `Neighborhood`."""
    lines = list[str]()
    for link in answer["links"]:
        conflicts = "".join(f"; but {conflict}" for conflict in link["conflicts"])
        lines.append(
            f"{_end(link['a'])} {link['relation']} {_end(link['b'])} "
            f"({link['hops']} hops, by {', '.join(link['sources'])}){conflicts}"
        )
    return "\n".join((*(lines or ["nothing is joined to it"]), *_left_out(answer)))


def _fields(record: Json, *, skip: Iterable[str] = ()) -> Iterator[str]:
    for name, value in record.items():
        if value not in (None, "", [], {}, ()) and name not in skip:
            yield f"{name}: {value}"


def _end(end: Json) -> str:
    shut = " shutdown" if end["is_shutdown"] else ""
    return f"{end['managed_object']}{' ' + end['address'] if end['address'] else ''}{shut}"


def _ids(ids: Iterable[str]) -> str:
    return ", ".join(ids)


def _quotations(answer: Json) -> Iterator[str]:
    for key, quotation in answer["evidence"].items():
        if quotation["quote"] is not None:
            yield f"[{key}] {quotation['locator']}: {quotation['quote']}"


def _left_out(answer: Json) -> Iterator[str]:
    if answer.get("left_out"):
        yield f"{answer['left_out']} more left out; narrow the question"


def _gaps(answer: Json) -> str:
    return "".join(
        f"\nnot looked at: {gap['what']}: {gap['why']}" for gap in answer.get("gaps", ())
    )
