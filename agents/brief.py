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
from agents.messages import Message
from agents.quoting import MAX_QUOTE, quote_of
from agents.salience import HAND_SET, SalienceFilter, describe_window
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

    At most a tenth of a large source (the 90 % aim) and two fifths of a smaller one (the 60 %
    floor). Compressing less than `_SHORT` saves little: of such a source as much may be said as
    of one of that size, never more than it says itself. The estimate may be wrong by some per
    cent, so the brief keeps that far from every limit.

    Source: the reference's token economics (60 % floor, 90 % target, events of 15,000 and more).
    """
    share = tokens_before / 10 if tokens_before > _LARGE else max(tokens_before, _SHORT) * 0.4
    return int(min(float(budget_tokens), tokens_before, share) * _CAUTION)


_LARGE = 15_000
_SHORT = 3_000
_CAUTION = 0.94
_SECTIONS = (
    ("window", ""),
    ("first", ""),
    ("suspects", "suspects, most likely first:"),
    ("changes", "changes before and during it:"),
    ("topology", "topology:"),
    ("unusual", "state, and what is unusual here:"),
    ("messages", "messages, most telling first (count, first..last, state, who, words, handle):"),
    ("kinds", "other messages (records):"),
    ("elements", "other elements (records):"),
    ("left", ""),
)
_NAMES_SHARE = 0.2
"""How much of the page is kept for naming what no other line names, kinds and elements."""
_LEFT_OUT = 30
"""Tokens kept for the line that counts what was left out."""
_LEADING_QUOTES = 3
_SUSPECTS = 4
_TOLD_CHANGES = 2
"""Changes whose lines are quoted; the others are named."""
_NAMED_CHANGES = 8
_TOLD_FIRST = 5
"""Messages that come before the rest of the context."""
_WHO = 3
_SMALL = 500
"""A page under this size quotes the message alone, without the header of its line."""
_SHORT_QUOTE = 120


class _BriefWriter:
    """Fills one page from one source."""

    def __init__(self, source: BriefSource, limit: int, salience: SalienceFilter) -> None:
        self._source = source
        self._page = BriefPage(limit, _SECTIONS)
        self._kept_back = _LEFT_OUT + int(limit * _NAMES_SHARE)
        self._small = limit < _SMALL
        self._quote = _SHORT_QUOTE if self._small else MAX_QUOTE
        self._trouble = next((alarm for alarm in source.alarms if is_trouble(alarm)), None)
        messages, described = describe_window(
            source.groups, source.alarms, source.before, source.candidates, source.topology
        )
        scores = salience.score(described)
        order = sorted(range(len(messages)), key=lambda index: (-scores[index], index))
        self._messages = [messages[index] for index in order]
        self._record_of = {
            f"alarm:{alarm.alarm_id}": (message, alarm)
            for message in messages
            for group in message.groups
            for alarm in group.alarms
        }
        self._named: set[str] = set()
        self._told: set[int] = set()

    def write(self) -> str:
        source = self._source
        self._page.offer("window", self._window_line())
        leading = max(1, source.causes)
        suspects = list(enumerate(source.candidates[:_SUSPECTS], start=1))
        heads = [_suspect_head(number, candidate) for number, candidate in suspects[:leading]]
        for place, (number, candidate) in enumerate(suspects[:leading]):
            waiting = sum(estimate_tokens(head) + 2 for head in heads[place + 1 :])
            self._leading_suspect(number, candidate, keep=_LEFT_OUT + waiting)
        self._first_trouble()
        self._offer_all("changes", [_change_line(c) for c in source.changes[:_TOLD_CHANGES]])
        self._tell(self._messages[:_TOLD_FIRST])
        self._offer_all("topology", _joint_lines(source.links))
        for number, candidate in suspects[leading:]:
            self._further_suspect(number, candidate)
        unusual = unusual_lines(
            source.window, source.alarms, source.before, self._messages, source.topology
        )
        self._offer_all("unusual", [*source.notes, *unusual])
        further = source.changes[_TOLD_CHANGES:_NAMED_CHANGES]
        self._offer_all("changes", map(_change_name, further))
        self._tell(self._messages[_TOLD_FIRST:])
        self._name_the_rest()
        return self._page.text()

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

    def _leading_suspect(self, number: int, candidate: Candidate, *, keep: int) -> None:
        """The case in full, with the records that carry it; each stands for its message, too."""
        quotes = self._quotes_of(candidate)
        head = _suspect_head(number, candidate)
        for_quote = keep + sum(estimate_tokens(line) + 2 for _, line in quotes[:1])
        first = next((reason.because for reason in candidate.reasons), "")
        told = (
            self._offer("suspects", f"{head}: {candidate.why}", keep=for_quote)
            or self._offer("suspects", f"{head}: {first}", keep=for_quote)
            or self._offer("suspects", head, keep=0)
        )
        if not told:
            return
        self._named.add(ManagedObject.parse(candidate.managed_object).device)
        for message, line in quotes:
            if self._offer("suspects", line, keep=keep) and message is not None:
                self._told.add(id(message))

    def _quotes_of(self, candidate: Candidate) -> list[tuple[Message | None, str]]:
        """The records that carry a case, decisive first, one for each message."""
        quotes: list[tuple[Message | None, str]] = []
        seen: set[int] = set()
        for key in candidate.evidence:
            text = self._source.quotes(key)
            message, alarm = self._record_of.get(key, (None, None))
            if not text or id(message) in seen:
                continue
            if self._small and alarm is not None:
                text = alarm.additional_text or text
            seen.add(id(message))
            extent = "" if message is None or id(message) in self._told else _extent(message)
            words = text[: self._quote]
            words = words if words.startswith('"') else f'"{words}"'
            quotes.append((message, f"  {extent}{words} [{key}]"))
        return quotes[:_LEADING_QUOTES]

    def _further_suspect(self, number: int, candidate: Candidate) -> None:
        """A runner-up: the two strongest reasons, and where its record can be read."""
        reasons = [reason.because for reason in candidate.reasons[:2] if reason.points > 0]
        cited = f" [{candidate.evidence[0]}]" if candidate.evidence else ""
        line = f"{_suspect_head(number, candidate)}: {'; '.join(reasons)}{cited}"
        if self._offer("suspects", line):
            self._named.add(ManagedObject.parse(candidate.managed_object).device)

    def _first_trouble(self) -> None:
        if self._trouble is None:
            return
        last = next(alarm for alarm in reversed(self._source.alarms) if is_trouble(alarm))
        begun = (
            f"first trouble {format_instant(when(self._trouble))} {self._trouble.managed_object}"
        )
        ended = f"; last {clock(last)} {last.managed_object}"
        words = quote_of(self._trouble, longest=self._quote)
        if self._offer("first", f"{begun}: {words}{ended}") or self._offer("first", begun + ended):
            self._named |= {self._trouble.device, last.device}

    def _tell(self, messages: Sequence[Message]) -> None:
        for message in messages:
            if id(message) in self._told:
                continue
            line, named = _message_line(message, self._quote)
            if self._offer("messages", line):
                self._told.add(id(message))
                self._named.update(named)

    def _name_the_rest(self) -> None:
        """Name the kinds and elements that no line named, and count what not even this names."""
        untold = [message for message in self._messages if id(message) not in self._told]
        kinds: Counter[str] = Counter()
        for message in untold:
            kinds[message.key[0] or "without a cause"] += message.count
        self._name("kinds", kinds, keep=_LEFT_OUT + (self._kept_back - _LEFT_OUT) // 2)
        counts = Counter(alarm.device for alarm in self._source.alarms)
        for name in self._named:
            del counts[name]
        self._name("elements", counts, keep=_LEFT_OUT)
        left = []
        if untold:
            records = sum(message.count for message in untold)
            left.append(f"words of {len(untold)} messages with {records} records")
        if unnamed := len(self._source.changes) - _NAMED_CHANGES:
            left += [f"{unnamed} changes"] if unnamed > 0 else []
        if left:
            self._offer("left", f"left out: {', '.join(left)}; list_alarms reads any", keep=0)

    def _name(self, section: str, counts: Counter[str], *, keep: int) -> None:
        """Print names with their counts, most frequent first, as far as the page reaches."""
        names = [f"{name} {count}" for name, count in counts.most_common()]
        more, line = 0, ", ".join(names)
        while line and not self._offer(section, line, keep=keep):
            cut = max(1, len(names) // 8)
            names, more = names[:-cut], more + cut
            line = f"{', '.join(names)} and {more} more" if names else ""


def _suspect_head(number: int, candidate: Candidate) -> str:
    onset = f" since {format_instant(candidate.onset)}" if candidate.onset else ""
    return (
        f"{number}. {candidate.managed_object} ({candidate.probable_cause}, "
        f"score {candidate.score:.1f}){onset}"
    )


def _extent(message: Message) -> str:
    """How often and how long a message was said, in front of its words."""
    begun, ended = clock(message.first), message.last_time.strftime("%H:%M:%S")
    marks = [f"{message.count}x", begun if begun == ended else f"{begun}..{ended}", message.state]
    marks.append("new" if message.earlier == 0 else "")
    return " ".join(mark for mark in marks if mark) + " "


def _message_line(message: Message, longest: int) -> tuple[str, list[str]]:
    """A message as a line, and the elements that it names."""
    first = message.first
    objects = message.objects
    more = f" +{len(objects) - _WHO}" if len(objects) > _WHO else ""
    words = (first.additional_text or first.specific_problem or quote_of(first)).split("\n")[0]
    cause = first.probable_cause or ""
    said = words[:longest] if cause in words else f"{cause}: {words[:longest]}"
    who = ", ".join(objects[:_WHO]) + more
    line = f"{_extent(message)}{who} {said} [group:{first.alarm_id}]"
    return line, [ManagedObject.parse(name).device for name in objects[:_WHO]]


def _change_line(change: ConfigChange) -> str:
    """Who changed what, verbatim, a repeated edit once with its count."""
    edits = Counter(
        f"{line.sign}{line.text.strip()}" for hunk in change.hunks for line in hunk.lines
    )
    shown = [edit if n == 1 else f"{edit} ({n}x)" for edit, n in edits.items()][:6]
    more = f" | and {len(edits) - 6} more lines" if len(edits) > 6 else ""
    ports = [name for name in change.touches if name.startswith(f"{change.managed_object}:")][:2]
    about = f" on {', '.join(ports)}" if ports else ""
    return (
        f"{format_instant(change.time)} {change.managed_object} by {change.author}{about} "
        f"(suspicion {change.score:.2f}): " + " | ".join(shown)
    )[:400] + more


def _change_name(change: ConfigChange) -> str:
    return f"{format_instant(change.time)} {change.managed_object} (suspicion {change.score:.2f})"


def _joint_lines(links: Sequence[TopologyLink]) -> list[str]:
    """Links in few words: `a connects b, c`, or `a, b serve c` where that joins more of them."""
    pairs: dict[tuple[str, str], list[str]] = {}
    for link in links:
        pairs.setdefault((link.source, link.target), []).append(link.relation)
    said = [(near, " and ".join(relations), far) for (near, far), relations in pairs.items()]
    outward = Counter((near, relation) for near, relation, _ in said)
    inward = Counter((relation, far) for _, relation, far in said)
    lines: dict[tuple[str, str, str], list[str]] = {}
    for near, relation, far in said:
        if outward[near, relation] >= inward[relation, far]:
            lines.setdefault((f"{near} {relation} ", "", relation), []).append(far)
        else:
            lines.setdefault(("", f" {relation} {far}", relation), []).append(near)
    return [f"{before}{', '.join(names)}{after}" for (before, after, _), names in lines.items()]


def by_worth(groups: Sequence[Group]) -> list[Group]:
    """Groups in the order a reader wants them: trouble before chatter, rare before frequent."""

    def worth(group: Group) -> tuple[int, int, str]:
        occurrence = group.first.occurrence
        chatter = occurrence is not None and occurrence.kind in CHATTER_KINDS
        rank = 2 if chatter else 0 if group.down else 1
        return rank, group.count, f"{when(group.first).isoformat()} {group.managed_object}"

    return sorted(groups, key=worth)
