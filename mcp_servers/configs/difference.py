"""What changed between two revisions of a configuration, in the vendor's own blocks.

A line that only moved is no change, unless the order of its block matters (access lists, route
policies). Only the part of the text that differs is parsed: what encloses it, and no more.
"""

from __future__ import annotations

import difflib
import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from mcp_servers.configs.block_tree import ConfigTree, Placed, literal_end, read_tree
from mcp_servers.configs.grammar import Grammar
from telecom.configuration import ChangedLine, ConfigHunk

_PEM, _PEM_END = "-----BEGIN", "-----END"
_OPENERS = ("banner ", "header ", _PEM)


@dataclass(frozen=True, slots=True)
class ChangedStatement:
    """One statement that was added or removed."""

    sign: str
    path: tuple[str, ...]
    """Headers of the enclosing blocks; a header that itself changed is in its own block."""
    flat: str
    text: str
    line: int
    opens_block: bool = False


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
                # Several statements may share one line (`family inet { address ...; }`).
                lines=tuple(
                    dict.fromkeys(
                        ChangedLine(sign="+" if s.sign == "+" else "-", text=s.text, line=s.line)
                        for s in sorted(found, key=lambda s: (s.sign == "+", s.line))
                    )
                ),
            )
            for path, found in blocks.items()
        )


def compare(old: str, new: str, grammar: Grammar, strip: Callable[[str, str], str]) -> Difference:
    """Compare two raw texts; `strip(part, whole)` takes the secrets out of what is looked at."""
    if old == new:
        return Difference(())
    before, after = old.split("\n"), new.split("\n")
    literals = _literals(before, old, grammar)
    (part_old, lines_old), (part_new, lines_new) = _differing_parts(
        before, after, grammar, literals
    )
    text_old, text_new = strip(part_old, old), strip(part_new, new)
    statements = _changed_statements(text_old, text_new, grammar)
    remarks = [] if statements else _changed_remarks(text_old.split("\n"), text_new.split("\n"))
    numbers = {"-": lines_old, "+": lines_new}
    return Difference(
        tuple(replace(s, line=numbers[s.sign][s.line - 1] + 1) for s in statements or remarks),
        remarks_only=not statements,
    )


_Part = tuple[str, Sequence[int]]
"""Text to look at, and for each of its lines its place (from 0) in the whole."""


def _differing_parts(
    before: list[str], after: list[str], grammar: Grammar, literals: Sequence[range]
) -> tuple[_Part, _Part]:
    """Cut both texts down to the blocks in which they differ."""
    if grammar.style not in ("indent", "braces", "set"):
        return _part(before, range(len(before))), _part(after, range(len(after)))
    if len(before) == len(after):
        # Lines were replaced, none came or went: every part that differs stands alone.
        places = [n for n, (a, b) in enumerate(zip(before, after, strict=True)) if a != b]
        if grammar.style != "set":
            places = _blocks_around(before, after, places, literals)
        return _part(before, places), _part(after, places)
    first, last_old, last_new = _differing(before, after)
    if grammar.style != "set":
        first = _block_start(before, after, first, literals)
        last_old, last_new = _block_end(before, last_old), _block_end(after, last_new)
    return _differing_blocks(before, after, (first, last_old, last_new), grammar)


def _part(lines: list[str], numbers: Sequence[int]) -> _Part:
    return "\n".join([lines[number] for number in numbers]), numbers


def _blocks_around(
    before: list[str], after: list[str], places: list[int], literals: Sequence[range]
) -> list[int]:
    """Numbers of the lines of every top-level block that holds one of `places`."""
    numbers: list[int] = []
    end = 0
    for place in places:
        if place < end:
            continue
        start = max(_block_start(before, after, place, literals), end)
        end = place + 1
        while end < len(before) and not (_is_boundary(before[end]) and _is_boundary(after[end])):
            end += 1
        numbers.extend(range(start, end))
    return numbers


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


def _block_start(before: list[str], after: list[str], place: int, literals: Sequence[range]) -> int:
    """The beginning of the top-level block around `place`, never inside a banner or key."""
    start = place
    if not all(place < len(side) and _is_boundary(side[place]) for side in (before, after)):
        start = min(max(place - 1, 0), len(before) - 1)
        while start > 0 and not _is_boundary(before[start]):
            start -= 1
    for literal in literals:
        if start in literal:
            return literal.start
    return start


def _literals(lines: list[str], text: str, grammar: Grammar) -> list[range]:
    """Lines that belong together although they look like statements: banners and keys."""
    if not any(opener in text for opener in _OPENERS):
        return []
    found = []
    for number, line in enumerate(lines):
        if line.startswith(_PEM):
            end = number
            while end < len(lines) - 1 and not lines[end].startswith(_PEM_END):
                end += 1
            found.append(range(number, end + 1))
        elif line.startswith(_OPENERS):
            found.append(range(number, literal_end(lines, number + 1, line.strip(), grammar)))
    return found


def _block_end(lines: list[str], end: int) -> int:
    while end < len(lines) and not _is_boundary(lines[end]):
        end += 1
    return end


def _differing_blocks(
    before: list[str], after: list[str], span: tuple[int, int, int], grammar: Grammar
) -> tuple[_Part, _Part]:
    """Leave out the top-level blocks that both sides have; `span` is where the texts differ."""
    first, last_old, last_new = span
    sides = [_top_blocks(before, first, last_old), _top_blocks(after, first, last_new)]
    if grammar.style == "set" or None in sides:
        return _part(before, range(first, last_old)), _part(after, range(first, last_new))
    ordered = [
        [text for text, _ in side or () if grammar.is_ordered(text.partition("\n")[0])]
        for side in sides
    ]
    same = Counter(text for text, _ in sides[0] or ()) & Counter(text for text, _ in sides[1] or ())
    if ordered[0] != ordered[1]:
        # Where the order of blocks matters, and differs, they are all looked at.
        for text in {*ordered[0], *ordered[1]}:
            same.pop(text, None)
    left = []
    for lines, side in zip((before, after), sides, strict=True):
        unseen = Counter(same)
        numbers: list[int] = []
        for text, start in side or ():
            if unseen[text] > 0:
                unseen[text] -= 1
            else:
                numbers.extend(range(start, start + text.count("\n") + 1))
        left.append(_part(lines, numbers))
    return left[0], left[1]


def _top_blocks(lines: list[str], first: int, last: int) -> list[tuple[str, int]] | None:
    """Top-level blocks with the number of their first line; None where that cannot be told."""
    starts = [first]
    for number in range(first, last):
        line = lines[number]
        if line and line[0] not in " \t}!#\r":
            if line.startswith(_OPENERS):
                return None
            if number > first:
                starts.append(number)
    return [
        ("\n".join(lines[start:end]), start)
        for start, end in itertools.pairwise([*starts, last])
        if end > start
    ]


def _changed_statements(old: str, new: str, grammar: Grammar) -> list[ChangedStatement]:
    trees = read_tree(old, grammar), read_tree(new, grammar)
    sides = [[(entry, _identity(entry, tree)) for entry in tree.placed] for tree in trees]
    gone, come = (Counter(identity for _, identity in side) for side in sides)
    common = gone & come
    changed = [
        *_taken("-", sides[0], gone - common, trees[0].lines),
        *_taken("+", sides[1], come - common, trees[1].lines),
    ]
    if grammar.ordered is not None:
        changed += _reordered(trees[0], trees[1], {statement.flat for statement in changed})
    return changed


def _identity(entry: Placed, tree: ConfigTree) -> str:
    """What makes two statements the same: the flattened text, and the lines of a long one."""
    statement = entry.statement
    if statement.last <= statement.line:
        return entry.flat
    return "\n".join([entry.flat, *tree.lines[statement.line : statement.last]])


def _taken(
    sign: str, side: Sequence[tuple[Placed, str]], wanted: Counter[str], lines: list[str]
) -> Iterable[ChangedStatement]:
    """The statements that make up `wanted`, the last of equal ones first to go."""
    left = Counter(wanted)
    found: list[ChangedStatement] = []
    for entry, identity in reversed(side):
        if left[identity] > 0:
            left[identity] -= 1
            found += reversed(list(_lines_of(sign, entry, lines)))
    return reversed(found)


def _lines_of(sign: str, entry: Placed, lines: list[str]) -> Iterable[ChangedStatement]:
    statement = entry.statement
    path = (*entry.path, statement.header) if statement.children else entry.path
    for number in range(statement.line, max(statement.line, statement.last) + 1):
        text = lines[number - 1].rstrip()
        opens = bool(statement.children)
        yield ChangedStatement(sign, path, entry.flat, text, number, opens)


def _reordered(before: ConfigTree, after: ConfigTree, changed: set[str]) -> list[ChangedStatement]:
    """Statements that moved inside blocks whose order matters."""
    sides: list[dict[str, list[Placed]]] = []
    for tree in (before, after):
        blocks: dict[str, list[Placed]] = {}
        for entry in tree.placed:
            if entry.flat not in changed and tree.grammar.is_ordered(entry.flat):
                blocks.setdefault(_ordered_block(entry), []).append(entry)
        sides.append(blocks)
    moved: list[ChangedStatement] = []
    for block, old in sides[0].items():
        new = sides[1].get(block, [])
        matcher = difflib.SequenceMatcher(
            a=[entry.flat for entry in old], b=[entry.flat for entry in new], autojunk=False
        )
        for tag, start_old, end_old, start_new, end_new in matcher.get_opcodes():
            if tag != "equal":
                for entry in old[start_old:end_old]:
                    moved += _lines_of("-", entry, before.lines)
                for entry in new[start_new:end_new]:
                    moved += _lines_of("+", entry, after.lines)
    return moved


def _ordered_block(entry: Placed) -> str:
    """The block whose order counts; the entries of a flat access list are a block by its name."""
    return " / ".join(entry.path) if entry.path else " ".join(entry.flat.split()[:2])


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
