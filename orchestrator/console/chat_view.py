"""What a chat shows, computed from turns and events: plain values, ready to be put on a page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from agents.plain_text import agent_shown, code_span, markdown
from orchestrator.conversations.store import Answer, Turn
from orchestrator.investigating.step_events import Outcome, StepEvent
from telecom.evidence import Evidence
from telecom.report import ProvenanceStep
from telecom.times import format_instant

_SHORT = 19
"""As much of a decision's id as `tierwise ledger` shows."""


@dataclass(frozen=True, slots=True)
class StepRow:
    """One delegation in words: what ran, where, under which decision, for how long."""

    what: str
    who: str
    tier: str
    """Where it ran, runs or would have run; empty when nothing ran."""
    tool: str
    decision: str
    took: str
    """Empty while it runs."""
    outcome: Outcome
    why: str = ""
    """What a failed one ran into."""


@dataclass(frozen=True, slots=True)
class EvidenceRow:
    """A line that an answer rests on, as it was received."""

    evidence_id: str
    locator: str
    quote: str


@dataclass(frozen=True, slots=True)
class Said:
    """One turn."""

    words: str
    text: str
    """Markdown of an answer; what went wrong, where nothing was answered."""
    outcome: Literal["answered", "stopped", "refused"]
    at: datetime
    steps: tuple[StepRow, ...]
    evidence: tuple[EvidenceRow, ...]
    incident_id: str | None
    follow_ups: tuple[str, ...]

    @property
    def summary(self) -> str:
        """The steps in one line; empty where nothing was looked at."""
        if not self.steps:
            return ""
        tiers = ", ".join(dict.fromkeys(row.tier for row in self.steps if row.tier))
        number = len(self.steps)
        return f"{number} step{'s' * (number != 1)}{f' on {tiers}' if tiers else ''}"


def said(turn: Turn) -> Said:
    """A turn as it is shown."""
    answer = turn.answer
    return Said(
        words=turn.words,
        text=answer.text,
        outcome=answer.outcome,
        at=turn.at,
        steps=tuple(_over(step, answer) for step in _steps(answer)),
        evidence=tuple(_evidence(key, item) for key, item in answer.evidence.items()),
        incident_id=answer.incident_id,
        follow_ups=answer.follow_ups,
    )


def going_on(events: Iterable[StepEvent]) -> tuple[StepRow, ...]:
    """The steps of a question that is being answered."""
    return tuple(
        _row(event.step, event.outcome, what=event.what, why=event.why or "") for event in events
    )


def turn_as_markdown(turn: Turn) -> str:
    """A question and its answer, to be pasted into a ticket or a message."""
    return "\n".join(_lines(turn)) + "\n"


def conversation_as_markdown(turns: Sequence[Turn]) -> str:
    """A whole conversation."""
    return "\n".join(turn_as_markdown(turn) for turn in turns)


def duration(milliseconds: float | None) -> str:
    """How long something took, in the unit that people would say it in."""
    if milliseconds is None:
        return ""
    if milliseconds < 1:
        return "< 1 ms"
    return f"{milliseconds:.0f} ms" if milliseconds < 1000 else f"{milliseconds / 1000:.1f} s"


def _steps(answer: Answer) -> Sequence[ProvenanceStep]:
    return answer.report.provenance if answer.report is not None else answer.steps


def _over(step: ProvenanceStep, answer: Answer) -> StepRow:
    ran = step.tier is not None and not (
        answer.outcome == "stopped" and step.latency_ms is None and step.cost_usd is None
    )
    return _row(step, "done" if ran else "failed", what=step.step)


def _row(step: ProvenanceStep, outcome: Outcome, *, what: str, why: str = "") -> StepRow:
    return StepRow(
        what=what,
        who=agent_shown(step.agent),
        tier=step.tier or "",
        tool=step.tool or "",
        decision=(step.decision_id or "")[:_SHORT],
        took="" if outcome == "placed" else duration(step.latency_ms),
        outcome=outcome,
        why=why,
    )


def _evidence(key: str, item: Evidence) -> EvidenceRow:
    return EvidenceRow(key, item.locator, "(computed)" if item.quote is None else item.quote)


def _lines(turn: Turn) -> Iterator[str]:
    shown = said(turn)
    yield f"**{markdown(turn.words)}** ({format_instant(turn.at)})"
    yield ""
    yield turn.answer.text
    if shown.evidence:
        yield ""
        yield "Evidence:"
        yield ""
        for row in shown.evidence:
            yield f"- {markdown(row.locator)}: {code_span(row.quote)}"
    if shown.steps:
        yield ""
        yield f"Looked at: {markdown(shown.summary)}."
