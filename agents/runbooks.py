"""Runbooks: the operator's own checklist, held against what was seen.

A runbook is a Markdown document whose front matter has `when`, `steps` and `expected`. It is read
as a list of things to look at; nothing in it is ever executed. What the evidence already answers is
ticked with its quotation, the rest is left to a person.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from telecom.evidence import Evidence
from telecom.schema import ProductModel
from telecom.ticket import Citation
from telecom.workload import LifecyclePhase, WorkloadProfile

PROFILE = WorkloadProfile(
    name="runbooks",
    phase=LifecyclePhase.CONTEXT_CREATION,
    data_classes=("vendor_docs",),
    latency_budget_ms=5_000,
)

ENOUGH_WORDS = 2
"""How many telling words two texts must share to be about the same thing."""
MAX_ITEMS = 20

_KEY = re.compile(r"^(when|steps|expected)\s*:\s*(.*)$")
_ITEM = re.compile(r"^\s*-\s+(.+)$")
_WORD = re.compile(r"[a-z]{3,}")
_FIELD_NAME = re.compile(r"\"\w+\"\s*:")
"""The names of JSON fields are in every record and say nothing."""
_COMMON = frozenset(
    "and are ask both check count end ends event for from have into its look many not now number "
    "one only over read record see same second that the them then they this time was what when "
    "where whether which who with you after before between does done each find".split()
)


class DocumentReview(ProductModel):
    """Passages of the site's documents, best first."""

    passages: tuple[Citation, ...]


@dataclass(frozen=True, slots=True)
class Runbook:
    """One runbook's front matter."""

    source: str
    when: str
    steps: tuple[str, ...]
    expected: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Item:
    """One line of a checklist, and what became of it."""

    text: str
    evidence_ids: tuple[str, ...] = ()
    """What answers it; empty leaves it to a person."""


@dataclass(frozen=True, slots=True)
class Checklist:
    """A runbook followed as far as the evidence goes."""

    runbook: Runbook
    steps: tuple[Item, ...]
    expected: tuple[Item, ...]


def read_runbook(source: str, text: str) -> Runbook | None:
    """Read a runbook's front matter; None where there are no steps."""
    when = current = ""
    found: dict[str, list[str]] = {"steps": [], "expected": []}
    for line in text.splitlines():
        key, item = _KEY.match(line), _ITEM.match(line)
        if key is not None:
            current = key[1]
            when = key[2].strip() if current == "when" else when
        elif item is not None and current in found and len(found[current]) < MAX_ITEMS:
            found[current].append(item[1].strip())
    if not found["steps"]:
        return None
    return Runbook(source, when, tuple(found["steps"]), tuple(found["expected"]))


def follow(runbook: Runbook, evidence: Mapping[str, Evidence]) -> Checklist:
    """Tick what the evidence answers."""
    return Checklist(
        runbook,
        tuple(Item(step, _answering(step, evidence)) for step in runbook.steps),
        tuple(Item(sign, _answering(sign, evidence)) for sign in runbook.expected),
    )


def fitting(runbooks: Iterable[Runbook], words: str) -> Sequence[Runbook]:
    """Runbooks by how many telling words of `words` their occasion shares, best first."""
    wanted = _telling(words)
    scored = [(len(wanted & _telling(f"{r.when} {r.source}")), r) for r in runbooks]
    ordered = sorted(scored, key=lambda pair: -pair[0])
    return [runbook for score, runbook in ordered if score >= min(ENOUGH_WORDS, len(wanted))]


def _answering(text: str, evidence: Mapping[str, Evidence]) -> tuple[str, ...]:
    wanted = _telling(text)
    scored = sorted(
        (
            (len(wanted & _telling(_FIELD_NAME.sub(" ", item.quote or ""))), key)
            for key, item in evidence.items()
            if item.source in {"alarms", "configs"}
        ),
        key=lambda pair: -pair[0],
    )
    return tuple(key for score, key in scored[:2] if score >= ENOUGH_WORDS)


def _telling(text: str) -> set[str]:
    """Words that say something, cut to their stem."""
    return {word[:6] for word in _WORD.findall(text.lower()) if word not in _COMMON}
