"""The brief: what a storm says, in at most a budget of tokens, extracted and never paraphrased.

Lines are taken by worth: the window and its onset first, then the suspects with one verbatim record
each, then what is rare (a cause is rare by construction; the flood is not), then the rest by count.
What does not fit is counted, so that a reader knows what was left out and can ask for it by handle.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from agents.findings import AlarmGroup, Candidate, Fidelity
from agents.folding import CHATTER_KINDS, Group, is_trouble, when
from telecom.alarm import Alarm
from telecom.times import Window, format_instant
from telecom.tokens import estimate_tokens

MAX_QUOTE = 240
"""Longest verbatim span of one record, in characters."""


@dataclass(frozen=True, slots=True)
class Brief:
    """The text, its size, and which facts of the window it still answers."""

    text: str
    tokens: int
    fidelity: Fidelity


def quote_of(alarm: Alarm) -> str:
    """The record's own words: a span of the raw record where there is one."""
    text = (alarm.source.raw or alarm.additional_text or alarm.specific_problem or "").strip()
    return text.splitlines()[0][:MAX_QUOTE] if text else ""


def write_brief(
    *,
    window: Window,
    alarms: Sequence[Alarm],
    groups: Sequence[Group],
    listed: Sequence[AlarmGroup],
    candidates: Sequence[Candidate],
    quotes: Callable[[str], str | None],
    topology: Sequence[str],
    changes: Sequence[str],
    notes: Sequence[str],
    tokens_before: int,
    budget_tokens: int,
) -> Brief:
    """Write a brief of at most `budget_tokens`, and never longer than its source.

    Args:
        window: The time under investigation.
        alarms: The folded records, in time order.
        groups: All groups; `listed` are those with a handle, in the same order of worth.
        listed: The groups as the caller will receive them.
        candidates: Best first.
        quotes: Evidence id -> verbatim text.
        topology: Lines that say what joins the suspects.
        changes: Lines that say what changed.
        notes: What is unusual, and what could not be read.
        tokens_before: Size of the raw records.
        budget_tokens: Largest size.
    """
    limit = _limit(budget_tokens, tokens_before)
    devices = {alarm.device for alarm in alarms}
    head = [
        f"window {format_instant(window.start)} .. {format_instant(window.end)}; "
        f"{len(alarms)} records, {len(devices)} elements, {len(groups)} groups"
    ]
    trouble = next((alarm for alarm in alarms if is_trouble(alarm)), None)
    if trouble is not None:
        head.append(
            f"first trouble {format_instant(when(trouble))} {trouble.managed_object}: "
            + quote_of(trouble)
        )
    kinds = Counter(group.probable_cause for group in groups for _ in group.alarms)
    head.append("kinds: " + ", ".join(f"{n}x {kind}" for kind, n in kinds.most_common(_MAX_KINDS)))
    page = _Page(limit - estimate_tokens("\n".join(head)) - _RESERVE, head)
    page.section("suspects, most likely first", _suspects(candidates, quotes))
    page.section("changes", changes)
    page.section("topology", topology)
    page.section("notes", notes)
    shown = page.section(
        "groups: count, first..last, state, element, message [handle]", _groups(listed)
    )
    left = len(groups) - shown
    if left > 0:
        told = {group.handle for group in listed[:shown]}
        records = sum(group.count for group in listed if group.handle not in told)
        page.lines.append(
            f"left out: {left} groups"
            + (f" with {records} records; list_alarms(handle=...) reads any" if records else "")
        )
    text = "\n".join(page.lines)
    if estimate_tokens(text) > limit:
        text = _cut(text, limit)
    return Brief(text, estimate_tokens(text), _fidelity(text, alarms, groups))


def _limit(budget_tokens: int, tokens_before: int) -> int:
    """A tenth of the source (the 90 % aim), never under 800 tokens or two fifths of a small one.

    Source: the reference's target of 90 % less, with a floor of 60 %.
    """
    tenth = max(tokens_before // 10, min(800, tokens_before * 2 // 5))
    return min(budget_tokens, max(tenth, min(tokens_before, 300)))


_MAX_KINDS = 20
_RESERVE = 24
"""Tokens kept for the line that counts what was left out."""


class _Page:
    """Lines that are added while they fit."""

    def __init__(self, budget: int, lines: list[str]) -> None:
        self.lines = lines
        self._left = budget

    def section(self, title: str, lines: Sequence[str]) -> int:
        """Add a titled section, line by line while it fits; returns how many lines did."""
        cost = estimate_tokens(title) + 2
        if not lines or cost + estimate_tokens(lines[0]) > self._left:
            return 0
        self.lines.append(f"{title}:")
        self._left -= cost
        for added, line in enumerate(lines):
            cost = estimate_tokens(line) + 1
            if cost > self._left:
                return added
            self.lines.append(line)
            self._left -= cost
        return len(lines)


def _suspects(candidates: Sequence[Candidate], quotes: Callable[[str], str | None]) -> list[str]:
    lines = []
    for number, candidate in enumerate(candidates, start=1):
        quoted = next(
            (f'\n  "{text}" [{key}]' for key in candidate.evidence if (text := quotes(key))), ""
        )
        onset = f" since {format_instant(candidate.onset)}" if candidate.onset else ""
        lines.append(
            f"{number}. {candidate.managed_object} ({candidate.probable_cause}, score "
            f"{candidate.score:.1f}){onset}: {candidate.why}{quoted}"
        )
    return lines


def _groups(listed: Sequence[AlarmGroup]) -> list[str]:
    return [
        f"{group.count}x {_clock(group.first.isoformat())}..{_clock(group.last.isoformat())} "
        f"{'open' if group.still_open else 'over'} {group.managed_object} {group.template} "
        f"[{group.handle}]"
        for group in listed
    ]


def _clock(moment: str) -> str:
    return moment[11:19]


def by_worth(groups: Sequence[Group]) -> list[Group]:
    """Groups in the order a reader wants them: trouble before chatter, rare before frequent."""

    def worth(group: Group) -> tuple[int, int, str]:
        occurrence = group.first.occurrence
        chatter = occurrence is not None and occurrence.kind in CHATTER_KINDS
        rank = 2 if chatter else 0 if group.down else 1
        return rank, group.count, f"{when(group.first).isoformat()} {group.managed_object}"

    return sorted(groups, key=worth)


def _cut(text: str, limit: int) -> str:
    """The longest run of whole lines within the limit."""
    lines = text.splitlines()
    while len(lines) > 1 and estimate_tokens("\n".join(lines)) > limit:
        lines.pop()
    return "\n".join(lines)


def _fidelity(text: str, alarms: Sequence[Alarm], groups: Sequence[Group]) -> Fidelity:
    """Ask the brief the facts of the window: elements, causes, the first trouble, the last word."""
    facts: list[tuple[str, str]] = []
    facts += [("element", device) for device in sorted({alarm.device for alarm in alarms})]
    facts += [
        ("cause", cause) for cause in sorted({g.probable_cause for g in groups if g.probable_cause})
    ]
    trouble = [alarm for alarm in alarms if is_trouble(alarm)]
    if trouble:
        facts.append(("first trouble", format_instant(when(trouble[0]))))
        facts.append(("last trouble", _clock(when(trouble[-1]).isoformat())))
    missing: dict[str, int] = {}
    for kind, fact in facts:
        if fact not in text:
            missing[kind] = missing.get(kind, 0) + 1
    kept = len(facts) - sum(missing.values())
    return Fidelity(
        score=round(kept / len(facts), 3) if facts else 1.0,
        facts_total=len(facts),
        facts_kept=kept,
        missing=tuple(f"{count} {kind}" for kind, count in missing.items()),
    )
