"""Reading evidence again at its site: the raw line, and what stands around it.

A report keeps the lines that it quotes. What else was said around them is read where it is, when
somebody asks, under the policy and through the gate like everything else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict

from orchestrator.site_access.site_desk import SiteDesk
from telecom.configuration import ConfigBlock, ConfigChange
from telecom.errors import ToolRetry
from telecom.evidence import EvidenceSource, Quotation
from telecom.schema import ProductModel
from telecom.times import format_instant
from telecom.topology import ManagedObject

AROUND = timedelta(minutes=2)
"""How far to both sides of an alarm its element's other lines are read."""
_LINES = 20
_BLOCK_LINES = 12
"""Lines of a configuration to both sides of a quoted one."""


class ExcerptLine(ProductModel):
    """One line as the site released it."""

    locator: str
    text: str
    asked: bool
    """Whether it is the line that was asked for."""


class Excerpt(ProductModel):
    """A piece of evidence in its surroundings, in the source's own order."""

    lines: tuple[ExcerptLine, ...]


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)


class _Listed(_Answer):
    evidence_id: str


class _Alarms(_Answer):
    alarms: tuple[_Listed, ...]
    evidence: dict[str, Quotation]


class _AlarmRecord(_Answer):
    managedObject: str  # noqa: N815 - the standard's spelling
    alarmRaisedTime: datetime | None = None  # noqa: N815 - the standard's spelling


class _AlarmDetail(_Answer):
    records: tuple[_AlarmRecord, ...]
    evidence: dict[str, Quotation]


class _Quoted(_Answer):
    evidence: dict[str, Quotation]


class _Blocks(_Answer):
    blocks: tuple[ConfigBlock, ...]


class _Changes(_Answer):
    changes: tuple[ConfigChange, ...]


async def read_excerpt(
    desk: SiteDesk, key: str, item: Quotation, *, at: datetime | None = None
) -> Excerpt:
    """Read a piece of evidence with what stands around it.

    Args:
        desk: Of the site that it came from.
        key: Its evidence id.
        item: As the report has it.
        at: When a change was made, where it is one.

    Raises:
        ToolRetry: The site does not have it any more, or it has no raw line.
        ToolRefused: The site cannot be asked, or lets nothing out.
    """
    readers = {
        "alarms": _alarm,
        "tickets": _ticket,
        "configs": _change if key.startswith("change:") else _configuration,
        "docs": _passage,
    }
    if item.source not in readers:
        raise ToolRetry("it was computed from other evidence: there is no raw line of it")
    lines = await readers[item.source](desk, key, item, at)
    if not lines:
        raise ToolRetry(f"the site has nothing at {item.locator} any more")
    return Excerpt(lines=tuple(lines))


def has_raw_line(source: EvidenceSource) -> bool:
    """Whether there is something to read at a site."""
    return source in {"alarms", "tickets", "configs", "docs"}


async def _alarm(
    desk: SiteDesk, key: str, item: Quotation, _at: datetime | None
) -> list[ExcerptLine]:
    alarm_id = key.removeprefix("alarm:").partition("#")[0]
    found = await desk.ask(_AlarmDetail, "get_alarm", {"alarm_id": alarm_id})
    own = [_line(quotation, asked=True) for quotation in found.evidence.values()]
    record = next((r for r in found.records if r.alarmRaisedTime is not None), None)
    if record is None or record.alarmRaisedTime is None:
        return own
    arguments = {
        "managed_object": ManagedObject.parse(record.managedObject).device,
        "from_time": format_instant(record.alarmRaisedTime - AROUND),
        "to_time": format_instant(record.alarmRaisedTime + AROUND),
        "limit": _LINES,
    }
    listed = await desk.ask(_Alarms, "list_alarms", arguments)
    around = [
        _line(listed.evidence[alarm.evidence_id], asked=False)
        for alarm in listed.alarms
        if alarm.evidence_id in listed.evidence
    ]
    mine = {line.locator: line for line in own}
    known = {line.locator for line in around}
    before = [line for line in own if line.locator not in known]
    return [*before, *(mine.get(line.locator, line) for line in around)]


async def _ticket(
    desk: SiteDesk, key: str, item: Quotation, _at: datetime | None
) -> list[ExcerptLine]:
    ticket_id = key.removeprefix("ticket:").partition("#")[0]
    found = await desk.ask(_Quoted, "get_ticket", {"ticket_id": ticket_id})
    return [_line(q, asked=q.locator == item.locator) for q in found.evidence.values()]


async def _configuration(
    desk: SiteDesk, key: str, item: Quotation, _at: datetime | None
) -> list[ExcerptLine]:
    """The block of a line, found by its very words: a block may have moved since."""
    device = key.removeprefix("config:").rpartition(":")[0]
    quoted = (item.quote or "").strip().splitlines()
    if not quoted:
        return []
    pattern = f"^\\s*{re.escape(quoted[0].strip())[:200]}\\s*$"
    found = await desk.ask(_Blocks, "find_config", {"pattern": pattern, "limit": 200})
    number = _number(item.locator)
    own = [block for block in found.blocks if block.managed_object == device]
    own.sort(key=lambda block: abs(block.first_line - (number or 0)))
    return _numbered(own[:1], quoted[0].strip(), number)


async def _change(
    desk: SiteDesk, key: str, item: Quotation, at: datetime | None
) -> list[ExcerptLine]:
    _, commit, name = key.split(":", 2)
    if at is None:
        return []
    arguments = {
        "managed_object": name,
        "from_time": format_instant(at - timedelta(seconds=1)),
        "to_time": format_instant(at + timedelta(seconds=1)),
    }
    found = await desk.ask(_Changes, "diff_config", arguments)
    return [
        ExcerptLine(
            locator=f"{change.path}@{commit}:{line.line}",
            text=f"{line.sign} {line.text}",
            asked=True,
        )
        for change in found.changes
        if change.commit.startswith(commit)
        for hunk in change.hunks
        for line in hunk.lines
    ]


async def _passage(
    desk: SiteDesk, _key: str, item: Quotation, _at: datetime | None
) -> list[ExcerptLine]:
    source = item.locator.partition("#")[0]
    review = await desk.search_documents((item.quote or item.locator)[:500], limit=5)
    return [
        ExcerptLine(
            locator=f"{passage.source}{passage.locator}",
            text=passage.text,
            asked=(item.quote or "") in passage.text,
        )
        for passage in review.passages
        if passage.source == source
    ]


def _line(quotation: Quotation, *, asked: bool) -> ExcerptLine:
    return ExcerptLine(locator=quotation.locator, text=quotation.quote or "", asked=asked)


def _numbered(blocks: Iterable[ConfigBlock], quoted: str, number: int | None) -> list[ExcerptLine]:
    """The lines of a block around the quoted one, each with its own place."""
    for block in blocks:
        texts = list(enumerate(block.text.splitlines(), start=block.first_line))
        same = [line for line, text in texts if text.strip() == quoted]
        asked = min(same, key=lambda line: abs(line - (number or line)), default=block.first_line)
        commit = "" if block.commit is None else f"@{block.commit[:12]}"
        return [
            ExcerptLine(locator=f"{block.file}{commit}:{line}", text=text, asked=line == asked)
            for line, text in texts
            if abs(line - asked) <= _BLOCK_LINES
        ]
    return []


def _number(locator: str) -> int | None:
    tail = locator.rpartition(":")[2]
    return int(tail) if tail.isdecimal() else None
