"""The brief: what a storm says, in at most a budget of tokens, extracted and never paraphrased.

Lines are taken by worth and printed in reading order: the suspects with the records that carry
their case, what changed, then messages as the salience filter ranks them (a cause is rare by
construction; the flood is not). What does not fit is counted, so that a reader knows what was left
out and can ask for it by handle.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from agents.brief_page import BriefPage
from agents.fidelity import Fact, clock, facts_of, measure_fidelity
from agents.findings import Candidate, Fidelity, TopologyLink
from agents.folding import CHATTER_KINDS, Group, is_trouble, when
from agents.messages import Message, fold_messages
from agents.quoting import MAX_QUOTE, quote_of
from agents.salience import HAND_SET, SalienceFilter, describe
from agents.unusual import unusual_lines
from telecom.alarm import Alarm
from telecom.configuration import ConfigChange
from telecom.times import Window, format_instant
from telecom.tokens import estimate_tokens
from telecom.topology import ManagedObject, Topology


@dataclass(frozen=True, slots=True)
class Brief:
    """The text, its size, and which facts of the window it still answers."""

    text: str
    tokens: int
    fidelity: Fidelity
    facts: tuple[Fact, ...]
    """What the fidelity was measured on."""


@dataclass(frozen=True, slots=True)
class BriefSource:
    """All that a brief is extracted from."""

    window: Window
    alarms: Sequence[Alarm]
    """The records of the window, in time order."""
    before: Sequence[Alarm]
    """Records ahead of the window: what is usual here."""
    groups: Sequence[Group]
    candidates: Sequence[Candidate]
    """Best first."""
    causes: int
    """How many of the candidates are asserted."""
    quotes: Callable[[str], str | None]
    """Evidence id -> verbatim text."""
    topology: Topology
    links: Sequence[TopologyLink]
    """What joins the suspects to the rest."""
    changes: Sequence[ConfigChange]
    """Most relevant first."""
    notes: Sequence[str]
    tokens_before: int
    """Size of the raw records."""


def write_brief(
    source: BriefSource, *, budget_tokens: int, salience: SalienceFilter = HAND_SET
) -> Brief:
    """Write a brief of at most `budget_tokens`, and never longer than its source.

    Args:
        source: What is known of the window.
        budget_tokens: Largest size.
        salience: Ranks the messages.
    """
    limit = token_limit(budget_tokens, source.tokens_before)
    writer = _BriefWriter(source, limit, salience)
    text = writer.write()
    facts = facts_of(source.alarms, source.changes)
    return Brief(text, estimate_tokens(text), measure_fidelity(text, facts), facts)


def token_limit(budget_tokens: int, tokens_before: int) -> int:
    """How long a brief may be.

    At most a tenth of a large source (the 90 % aim) and two fifths of a small one (the 60 % floor);
    a source of a few lines may be repeated, never outgrown. The estimate may be wrong by some per
    cent, so the brief keeps that far from every limit.

    Source: the reference's token economics (60 % floor, 90 % target).
    """
    share = max(tokens_before / 10, min(1500.0, tokens_before * 0.4), 300.0)
    return int(min(float(budget_tokens), tokens_before, share) * _CAUTION)


_CAUTION = 0.94
_SECTIONS = (
    ("window", ""),
    ("first", ""),
    ("suspects", "suspects, most likely first:"),
    ("changes", "changes before and during it:"),
    ("unusual", "against the time before:"),
    ("topology", "topology:"),
    ("messages", "messages, most telling first (count, first..last, state, who, words, handle):"),
    ("elements", "other elements (records):"),
    ("left", ""),
)
_ELEMENTS_SHARE = 0.12
"""How much of the page is kept for naming the elements that no other line names."""
_LEFT_OUT = 30
"""Tokens kept for the line that counts what was left out."""
_LEADING_QUOTES = 3
_SUSPECTS = 4
_TOLD_CHANGES = 4
_TOLD_FIRST = 4
"""Messages that come before the rest of the context."""
_WHO = 3
_SMALL = 500
"""A page under this size quotes shorter spans."""


class _BriefWriter:
    """Fills one page from one source."""

    def __init__(self, source: BriefSource, limit: int, salience: SalienceFilter) -> None:
        self._source = source
        self._page = BriefPage(limit, _SECTIONS)
        self._kept_back = _LEFT_OUT + int(limit * _ELEMENTS_SHARE)
        self._quote = MAX_QUOTE if limit >= _SMALL else max(80, limit // 3)
        self._trouble = next((alarm for alarm in source.alarms if is_trouble(alarm)), None)
        names = {name.lower() for name in source.topology.devices}
        names |= {alarm.device.lower() for alarm in source.alarms}
        messages = fold_messages(source.groups, names, source.before)
        self._messages = self._by_salience(messages, salience)
        self._named: set[str] = set()
        self._told: set[int] = set()

    def write(self) -> str:
        source = self._source
        self._page.offer("window", self._window_line())
        leading = max(1, source.causes)
        suspects = source.candidates[:_SUSPECTS]
        for number, candidate in enumerate(suspects[:leading], start=1):
            self._suspect(number, candidate, quotes=_LEADING_QUOTES)
        self._first_trouble()
        changes = [_change_line(change) for change in source.changes]
        self._offer_all("changes", changes[:1])
        self._tell(self._messages[:_TOLD_FIRST])
        for number, candidate in enumerate(suspects[leading:], start=leading + 1):
            self._suspect(number, candidate, quotes=1)
        self._offer_all("changes", changes[1:_TOLD_CHANGES])
        unusual = unusual_lines(
            source.window, source.alarms, source.before, self._messages, source.topology
        )
        self._offer_all("unusual", [*source.notes, *unusual])
        self._offer_all("topology", _joint_lines(source.links))
        self._tell(self._messages[_TOLD_FIRST:])
        self._other_elements()
        self._left_out(len(changes))
        return self._page.text()

    def _by_salience(self, messages: Sequence[Message], salience: SalienceFilter) -> list[Message]:
        onset = min((c.onset for c in self._source.candidates[:1] if c.onset), default=None)
        if onset is None and self._trouble is not None:
            onset = when(self._trouble)
        scores = salience.score(describe(messages, self._source.candidates, onset))
        order = sorted(range(len(messages)), key=lambda index: (-scores[index], index))
        return [messages[index] for index in order]

    def _offer(self, section: str, line: str, *, keep: int | None = None) -> bool:
        return self._page.offer(section, line, keep=self._kept_back if keep is None else keep)

    def _offer_all(self, section: str, lines: Iterable[str]) -> None:
        for line in lines:
            self._offer(section, line)

    def _window_line(self) -> str:
        source = self._source
        elements = len({alarm.device for alarm in source.alarms})
        return (
            f"window {format_instant(source.window.start)} .. {format_instant(source.window.end)}; "
            f"{len(source.alarms)} records, {elements} elements, {len(self._messages)} messages"
        )

    def _suspect(self, number: int, candidate: Candidate, *, quotes: int) -> None:
        onset = f" since {format_instant(candidate.onset)}" if candidate.onset else ""
        head = (
            f"{number}. {candidate.managed_object} ({candidate.probable_cause}, "
            f"score {candidate.score:.1f}){onset}"
        )
        told = self._offer("suspects", f"{head}: {candidate.why}") or self._offer(
            "suspects", head, keep=0
        )
        if not told:
            return
        self._named.add(ManagedObject.parse(candidate.managed_object).device)
        cited = [(key, text) for key in candidate.evidence if (text := self._source.quotes(key))]
        for key, text in cited[:quotes]:
            self._offer("suspects", f'  "{text[: self._quote]}" [{key}]', keep=0)

    def _first_trouble(self) -> None:
        if self._trouble is None:
            return
        last = next(alarm for alarm in reversed(self._source.alarms) if is_trouble(alarm))
        self._named.add(self._trouble.device)
        words = quote_of(self._trouble, longest=self._quote)
        begun = (
            f"first trouble {format_instant(when(self._trouble))} {self._trouble.managed_object}"
        )
        ended = f"; last {clock(last)} {last.managed_object}"
        if self._offer("first", f"{begun}: {words}{ended}") or self._offer("first", begun + ended):
            self._named.add(last.device)

    def _tell(self, messages: Sequence[Message]) -> None:
        for message in messages:
            line, named = _message_line(message, self._quote)
            if self._offer("messages", line):
                self._told.add(id(message))
                self._named.update(named)

    def _other_elements(self) -> None:
        """Name who was not named yet, most records first, as far as the page reaches."""
        counts = Counter(alarm.device for alarm in self._source.alarms)
        others = [f"{n} {c}" for n, c in counts.most_common() if n not in self._named]
        room = int(self._page.left) - _LEFT_OUT - estimate_tokens(dict(_SECTIONS)["elements"]) - 2
        line = ", ".join(others)
        while others and estimate_tokens(line) > room:
            # Each step drops the share by which it is too long, so that a few steps are enough.
            others = others[: int(len(others) * min(0.97, room / estimate_tokens(line)))]
            line = ", ".join(others)
        if others:
            self._offer("elements", line, keep=_LEFT_OUT)

    def _left_out(self, changes: int) -> None:
        untold = [message for message in self._messages if id(message) not in self._told]
        unlisted = max(0, changes - _TOLD_CHANGES)
        left = []
        if untold:
            records = sum(message.count for message in untold)
            left.append(f"{len(untold)} messages with {records} records")
        if unlisted:
            left.append(f"{unlisted} changes")
        if left:
            self._offer("left", f"left out: {', '.join(left)}; list_alarms reads any", keep=0)


def _message_line(message: Message, longest: int) -> tuple[str, list[str]]:
    """A message as a line, and the elements that it names."""
    first = message.first
    begun, ended = clock(first), message.last_time.strftime("%H:%M:%S")
    when_said = begun if begun == ended else f"{begun}..{ended}"
    elements = message.elements
    named = elements[:_WHO]
    who = first.managed_object if len(elements) == 1 else ", ".join(named)
    more = f" +{len(elements) - _WHO}" if len(elements) > _WHO else ""
    words = (first.additional_text or first.specific_problem or quote_of(first)).split("\n")[0]
    cause = first.probable_cause or ""
    said = words[:longest] if cause in words else f"{cause}: {words[:longest]}"
    marks = " ".join(
        mark for mark in (message.state, "new" if message.earlier == 0 else "") if mark
    )
    line = f"{message.count}x {when_said} {marks} {who}{more} {said} [group:{first.alarm_id}]"
    return line.replace("  ", " "), named


def _change_line(change: ConfigChange) -> str:
    """Who changed what, verbatim, a repeated edit once with its count."""
    edits = Counter(
        f"{line.sign}{line.text.strip()}" for hunk in change.hunks for line in hunk.lines
    )
    shown = [edit if n == 1 else f"{edit} ({n}x)" for edit, n in edits.items()][:6]
    more = f" | and {len(edits) - 6} more lines" if len(edits) > 6 else ""
    return (
        f"{format_instant(change.time)} {change.managed_object} by {change.author} "
        f"(suspicion {change.score:.2f}): " + " | ".join(shown)
    )[:400] + more


def _joint_lines(links: Sequence[TopologyLink]) -> list[str]:
    """Links by near end and relation: `a connects b, c`."""
    joined: dict[tuple[str, str], list[str]] = {}
    for link in links:
        joined.setdefault((link.source, link.relation), []).append(link.target)
    return [f"{near} {relation} {', '.join(far)}" for (near, relation), far in joined.items()]


def by_worth(groups: Sequence[Group]) -> list[Group]:
    """Groups in the order a reader wants them: trouble before chatter, rare before frequent."""

    def worth(group: Group) -> tuple[int, int, str]:
        occurrence = group.first.occurrence
        chatter = occurrence is not None and occurrence.kind in CHATTER_KINDS
        rank = 2 if chatter else 0 if group.down else 1
        return rank, group.count, f"{when(group.first).isoformat()} {group.managed_object}"

    return sorted(groups, key=worth)
