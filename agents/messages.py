"""Messages: what many elements say alike, as one line with a count, and whether that is usual.

A group belongs to one element. In a storm twenty elements say the same thing about one another, so
the brief folds once more: groups whose templates differ in the names of elements only are one
message.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from agents.folding import CHATTER_KINDS, Group, is_clear, is_trouble, template_of, when
from telecom.alarm import Alarm, OccurrenceKind

MessageKey = tuple[str | None, str]
"""Probable cause and wording."""

_NAME = re.compile(r"[A-Za-z][\w.-]*\w")
_ELEMENT = "<element>"


@dataclass(slots=True)
class Message:
    """One thing that one or more elements say, but for variable parts and names."""

    key: MessageKey
    groups: list[Group] = field(default_factory=list)
    """In order of their first record."""
    earlier: int | None = None
    """How often it was said in the time before the window; None when that is not known."""

    @property
    def count(self) -> int:
        """How many records."""
        return sum(group.count for group in self.groups)

    @property
    def first(self) -> Alarm:
        """The earliest record."""
        return self.groups[0].first

    @property
    def last_time(self) -> datetime:
        """When it was last said."""
        return max(when(group.last) for group in self.groups)

    @property
    def elements(self) -> list[str]:
        """Who says it, first to last."""
        return list(dict.fromkeys(group.first.device for group in self.groups))

    @property
    def objects(self) -> list[str]:
        """What it is said of, ports included, first to last."""
        return list(dict.fromkeys(group.managed_object for group in self.groups))

    @property
    def kind(self) -> OccurrenceKind:
        """What it is about."""
        occurrence = self.first.occurrence
        return OccurrenceKind.OTHER if occurrence is None else occurrence.kind

    @property
    def down(self) -> bool:
        """Whether it reports trouble."""
        return any(group.down for group in self.groups)

    @property
    def chatter(self) -> bool:
        """Whether healthy elements say it all day."""
        return self.kind in CHATTER_KINDS

    @property
    def state(self) -> str:
        """`open` or `over` after its last word; empty for an event that has no state."""
        spoken = ""
        for group in self.groups:
            for alarm in reversed(group.alarms):
                if is_trouble(alarm):
                    return "open"
                if is_clear(alarm):
                    spoken = "over"
                    break
        return spoken


def fold_messages(
    groups: Sequence[Group], elements: Collection[str], before: Sequence[Alarm]
) -> list[Message]:
    """Fold groups into messages, in order of their first record.

    Args:
        groups: Of the window.
        elements: Names that may stand in a text, in lower case.
        before: Records ahead of the window; empty when nothing is known about it.
    """
    messages: dict[MessageKey, Message] = {}
    for group in sorted(groups, key=lambda group: when(group.first)):
        key = (group.probable_cause, without_elements(group.template, elements))
        messages.setdefault(key, Message(key)).groups.append(group)
    if before:
        said = _said(before, elements)
        for message in messages.values():
            message.earlier = said[message.key]
    return list(messages.values())


def without_elements(template: str, elements: Collection[str]) -> str:
    """A wording with the names of elements taken out."""
    return _NAME.sub(
        lambda name: _ELEMENT if name.group().lower() in elements else name.group(), template
    )


def _said(alarms: Iterable[Alarm], elements: Collection[str]) -> Counter[MessageKey]:
    """How often each message stands in a run of records."""
    wordings = Counter((alarm.probable_cause, template_of(alarm)) for alarm in alarms)
    said: Counter[MessageKey] = Counter()
    for (cause, template), count in wordings.items():
        said[cause, without_elements(template, elements)] += count
    return said
