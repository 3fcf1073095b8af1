"""What could not be read: one JSON line per rejected record, with file, line and reason.

The reason never quotes the record: a reject file is read by people who may not see its content.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Reject:
    """One record, or one whole file, that could not be read."""

    corpus: str
    """`alarms`, `tickets`, `docs` or `configs`."""
    file: str
    """Path in the site directory."""
    line: int | None
    """None when the whole file was refused."""
    reason: str


def record_rejects(store: Path, corpus: str, rejects: Iterable[Reject]) -> int:
    """Make `rejects` the current ones of `corpus` in `store/rejects.jsonl`; others stay.

    Returns:
        How many were recorded.
    """
    target = store / "rejects.jsonl"
    kept = [reject for reject in read_rejects(store) if reject.corpus != corpus]
    fresh = list(rejects)
    if not fresh and not target.exists():
        return 0
    draft = target.with_suffix(".jsonl.new")
    with draft.open("w", encoding="utf-8") as lines:
        for reject in (*kept, *fresh):
            lines.write(json.dumps(asdict(reject), ensure_ascii=False) + "\n")
    draft.replace(target)
    return len(fresh)


def read_rejects(store: Path) -> list[Reject]:
    """Read the current rejects of every corpus; empty when there are none."""
    try:
        text = (store / "rejects.jsonl").read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    return [Reject(**json.loads(line)) for line in text.splitlines() if line.strip()]
