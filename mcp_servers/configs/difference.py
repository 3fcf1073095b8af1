"""What changed between two revisions of a configuration, in the vendor's own blocks.

A line that only moved is no change, unless the order of its block matters (access lists, route
policies). Only the part of the text that differs is parsed: what encloses it, and no more.
"""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from mcp_servers.configs.block_tree import Placed, read_tree
from mcp_servers.configs.grammar import Grammar
from telecom.configuration import ChangedLine, ConfigHunk

_OPENERS = ("banner ", "header ", "-----BEGIN")


@dataclass(frozen=True, slots=True)
class ChangedStatement:
    """One statement that was added or removed."""

    sign: str
    path: tuple[str, ...]
    """Headers of the enclosing blocks; a header that itself changed is in its own block."""
    flat: str
    text: str
    line: int


@dataclass(frozen=True, slots=True)
class Difference:
    """Everything that changed between two texts."""

    statements: tuple[ChangedStatement, ...]
    remarks_only: bool = False
    """Nothing but comments changed; they stand as statements."""

    @property
    def hunks(self) -> tuple[ConfigHunk, ...]:
        """The statements by block, in order of first mention; removed lines first."""
        blocks: dict[tuple[str, ...], list[ChangedStatement]] = {}
        for statement in self.statements:
            blocks.setdefault(statement.path, []).append(statement)
        return tuple(
            ConfigHunk(
                block=path,
                lines=tuple(
                    ChangedLine(sign="+" if s.sign == "+" else "-", text=s.text, line=s.line)
                    for s in sorted(found, key=lambda s: (s.sign == "+", s.line))
                ),
            )
            for path, found in blocks.items()
        )


def compare(
    old: str, new: str, grammar: Grammar, strip: Callable[[str, str], str]
) -> Difference:
    """Compare two raw texts; `strip(part, whole)` takes the secrets out of what is looked at."""
    if old == new:
        return Difference(())
    before, after = old.split("\n"), new.split("\n")
    first, last_old, last_new = _differing(before, after)
    if grammar.style in ("indent", "braces"):
        first = _block_start(before, after, first)
        last_old, last_new = _block_end(before, last_old), _block_end(after, last_new)
    elif grammar.style != "set":
        first, last_old, last_new = 0, len(before), len(after)
    part_old = strip("\n".join(before[first:last_old]), old)
    part_new = strip("\n".join(after[first:last_new]), new)
    statements = _changed_statements(part_old, part_new, grammar)
    if not statements:
        remarks = _changed_remarks(part_old.split("\n"), part_new.split("\n"))
        return Difference(tuple(_moved_by(first, remarks)), remarks_only=True)
    return Difference(tuple(_moved_by(first, statements)))


def _moved_by(
    offset: int, statements: Iterable[ChangedStatement]
) -> Iterable[ChangedStatement]:
    for s in statements:
        yield ChangedStatement(s.sign, s.path, s.flat, s.text, s.line + offset)


def _differing(before: list[str], after: list[str]) -> tuple[int, int, int]:
    """First differing line, and the ends of the differing parts."""
    first, shorter = 0, min(len(before), len(after))
    while first < shorter and before[first] == after[first]:
        first += 1
    same = 0
    while same < shorter - first and before[-1 - same] == after[-1 - same]:
        same += 1
    return first, len(before) - same, len(after) - same


def _is_boundary(line: str) -> bool:
    """Whether a top-level block begins here."""
    return bool(line) and line[0] not in " \t}!#\r" and not line.isspace()


def _block_start(before: list[str], after: list[str], first: int) -> int:
    """The beginning of the top-level block around `first`, never inside a banner or key."""
    start = first
    common = before if first < len(before) else after
    if first == len(common) or not _is_boundary(common[first]) or not _is_boundary(
        after[first] if first < len(after) else "x"
    ):
        start = max(first - 1, 0)
        while start > 0 and not _is_boundary(before[start]):
            start -= 1
    for number in range(start, -1, -1):
        if before[number].lstrip().startswith(_OPENERS):
            return number
    return start


def _block_end(lines: list[str], end: int) -> int:
    while end < len(lines) and not _is_boundary(lines[end]):
        end += 1
    return end


def _changed_statements(old: str, new: str, grammar: Grammar) -> list[ChangedStatement]:
    trees = read_tree(old, grammar), read_tree(new, grammar)
    before, after = trees[0].placed, trees[1].placed
    gone = Counter(placed.flat for placed in before)
    come = Counter(placed.flat for placed in after)
    common = gone & come
    gone -= common
    come -= common
    changed = [
        *_taken("-", before, gone, trees[0].lines),
        *_taken("+", after, come, trees[1].lines),
    ]
    if grammar.ordered is not None:
        changed += _reordered(before, after, grammar, {s.flat for s in changed}, trees)
    return changed


def _taken(
    sign: str, placed: Sequence[Placed], wanted: Counter[str], lines: list[str]
) -> Iterable[ChangedStatement]:
    """The statements that make up `wanted`, the last of equal ones first to go."""
    left = Counter(wanted)
    found: list[ChangedStatement] = []
    for entry in reversed(placed):
        if left[entry.flat] > 0:
            left[entry.flat] -= 1
            found += reversed(list(_lines_of(sign, entry, lines)))
    return reversed(found)


def _lines_of(sign: str, entry: Placed, lines: list[str]) -> Iterable[ChangedStatement]:
    statement = entry.statement
    path = (*entry.path, statement.header) if statement.children else entry.path
    for number in range(statement.line, max(statement.line, statement.last) + 1):
        yield ChangedStatement(sign, path, entry.flat, lines[number - 1].rstrip(), number)


def _reordered(
    before: Sequence[Placed],
    after: Sequence[Placed],
    grammar: Grammar,
    changed: set[str],
    trees: tuple[object, ...],
) -> list[ChangedStatement]:
    """Statements that moved inside blocks whose order matters."""
    moved: list[ChangedStatement] = []
    sequences = [
        [e for e in side if e.flat not in changed and grammar.is_ordered(e.flat)]
        for side in (before, after)
    ]
    keys = [[_rank_key(e) for e in side] for side in sequences]
    if keys[0] == keys[1] or sorted(keys[0]) != sorted(keys[1]):
        return []
    blocks = sorted({key[0] for key in keys[0]})
    for block in blocks:
        old = [e for e in sequences[0] if _rank_key(e)[0] == block]
        new = [e for e in sequences[1] if _rank_key(e)[0] == block]
        matcher = difflib.SequenceMatcher(
            a=[e.flat for e in old], b=[e.flat for e in new], autojunk=False
        )
        for tag, a1, a2, b1, b2 in matcher.get_opcodes():
            if tag != "equal":
                for sign, side, start, end in (("-", old, a1, a2), ("+", new, b1, b2)):
                    for e in side[start:end]:
                        moved.append(
                            ChangedStatement(
                                sign, e.path, e.flat, e.statement.text, e.statement.line
                            )
                        )
    return moved


def _rank_key(entry: Placed) -> tuple[str, str]:
    """The block whose order counts, and the statement; flat access lists are blocks by name."""
    words = entry.flat.split()
    block = " / ".join(entry.path) if entry.path else " ".join(words[:2])
    return block, entry.flat


def _changed_remarks(before: list[str], after: list[str]) -> list[ChangedStatement]:
    """Comment lines that came or went; blank lines, indentation and order do not count."""
    gone = Counter(line.strip() for line in before if line.strip())
    come = Counter(line.strip() for line in after if line.strip())
    found = []
    for sign, lines, wanted in (("-", before, gone - come), ("+", after, come - gone)):
        left = Counter(wanted)
        for number, line in enumerate(lines, 1):
            if left[line.strip()] > 0:
                left[line.strip()] -= 1
                found.append(ChangedStatement(sign, (), line.strip(), line.rstrip(), number))
    return found
