"""Block trees: the statements of a configuration, nested as its vendor nests them, with lines.

Any text gives a tree: what a grammar does not know is nested by its indentation.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from xml.parsers import expat

import re2

from mcp_servers.configs.grammar import Grammar, load_grammar, recognise

_MAX_DEPTH = 64
_OUTSIDE, _HEADER = -2, -1
"""Indentation of the text as a whole, and of a header that encloses lines as little indented."""
_QUOTES = str.maketrans("", "", '"')
_PIECE = re2.compile(r'"(?:[^"\\]|\\.)*"|[{};]|[^{};"]+|"')
_FINGERPRINT = re2.compile(r"<(secret:[0-9a-f]{8})>")
"""What stands for a secret is no element of XML."""
_JSON_PIECE = re2.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]:,]|[^\s{}\[\]:,"]+|\n')


@lru_cache(maxsize=65_536)
def _flattened(text: str) -> str:
    return " ".join(text.translate(_QUOTES).rstrip("{; ").split())


@dataclass(slots=True)
class Statement:
    """One statement and what it encloses."""

    text: str
    """The line as written, without indentation."""
    line: int
    """1-based; 0 for a block that has no line of its own."""
    children: list[Statement] = field(default_factory=list)
    last: int = 0
    """Last line of a statement of several lines, such as a banner."""

    @property
    def flat(self) -> str:
        """The text as grammars match it: no quotes, braces or semicolons, single blanks."""
        return _flattened(self.text)

    @property
    def header(self) -> str:
        """The text as paths show it."""
        return self.text.rstrip("{; ")

    def lines(self) -> Iterator[int]:
        """Every line of the statement and of what it encloses, in order of the text."""
        if self.line:
            yield from range(self.line, max(self.line, self.last) + 1)
        for child in self.children:
            yield from child.lines()


@dataclass(frozen=True, slots=True)
class Placed:
    """A statement with what encloses it."""

    path: tuple[str, ...]
    """Headers of the enclosing blocks, from the top."""
    flat: str
    """Path and statement as one line."""
    statement: Statement


@dataclass
class ConfigTree:
    """A configuration without secrets, as lines and as blocks."""

    lines: list[str]
    grammar: Grammar
    top: list[Statement]
    problem: str | None = None
    """Why the text was read by indentation although its vendor is known."""

    @cached_property
    def placed(self) -> list[Placed]:
        """Every statement with its path, in order of the tree."""
        found: list[Placed] = []
        _place(self.top, (), "", found)
        return found


def _place(
    statements: list[Statement], path: tuple[str, ...], prefix: str, found: list[Placed]
) -> None:
    for statement in statements:
        if not statement.line:
            # A block of `set` lines has no line of its own and its lines carry the whole path.
            within = (*path, statement.text)
            found += (
                Placed(within, child.flat.removeprefix("set "), child)
                for child in statement.children
            )
            continue
        flat = f"{prefix} {statement.flat}" if prefix else statement.flat
        found.append(Placed(path, flat, statement))
        if statement.children:
            _place(statement.children, (*path, statement.header), flat, found)


def read_tree(text: str, grammar: Grammar | None = None) -> ConfigTree:
    """Parse a configuration; never fails."""
    grammar = grammar or recognise(text)
    lines = text.split("\n")
    problem = None
    top: list[Statement] | None = None
    if grammar.style == "xml":
        top = _read_xml(text, grammar)
    elif grammar.style == "json":
        top = _read_json(text, grammar)
    elif grammar.style == "braces":
        top = _read_braces(lines, grammar)
    elif grammar.style == "set":
        top = _read_set(lines, grammar)
    if top is None:
        if grammar.style != "indent":
            problem = f"not well-formed {grammar.title}: read by indentation"
            grammar = load_grammar("generic")
        top = _read_indented(lines, grammar)
    return ConfigTree(lines, grammar, top, problem)


def _read_indented(lines: list[str], grammar: Grammar) -> list[Statement]:
    top: list[Statement] = []
    enclosing: list[tuple[int, list[Statement]]] = [(_OUTSIDE, top)]
    number = 0
    while number < len(lines):
        line = lines[number]
        number += 1
        text = line.strip()
        if not text or grammar.is_ignored(text):
            continue
        statement = Statement(text, number)
        indent = _HEADER if grammar.is_header(text) else _indent(line)
        while enclosing[-1][0] >= indent:
            enclosing.pop()
        enclosing[-1][1].append(statement)
        if len(enclosing) < _MAX_DEPTH:
            enclosing.append((indent, statement.children))
        number = statement.last = literal_end(lines, number, text, grammar)
    return top


def _indent(line: str) -> int:
    blank = line[: len(line) - len(line.lstrip())]
    return len(blank.expandtabs(8)) if "\t" in blank else len(blank)


def literal_end(lines: list[str], number: int, text: str, grammar: Grammar) -> int:
    """The last line of a literal that begins at `text`; `number` itself for any other line."""
    for literal in grammar.literals:
        if not text.startswith(literal.word):
            continue
        begin = literal.begin.search(text)
        if begin is None:
            continue
        mark = literal.end or begin.group("mark")
        if literal.end is None and mark in text[begin.end(begin.re.groupindex["mark"]) :]:
            return number
        for ahead in range(number, len(lines)):
            line = lines[ahead].strip()
            if line == mark if literal.end else mark in line:
                return ahead + 1
        return number
    return number


def _read_braces(lines: list[str], grammar: Grammar) -> list[Statement]:
    top: list[Statement] = []
    enclosing = [top]
    commented = False
    for number, line in enumerate(lines, 1):
        text = line.strip()
        if not text:
            continue
        if commented or text.startswith("/*"):
            commented = "*/" not in text
            continue
        if grammar.is_ignored(text):
            continue
        _read_braced_line(text, number, enclosing)
    return top


def _read_braced_line(text: str, number: int, enclosing: list[list[Statement]]) -> None:
    """Take in one line of a braced text; `enclosing` is the stack of open blocks."""
    body = text[:-1].rstrip() if text[-1] in "{;" else text
    if "{" not in body and "}" not in body and ";" not in body:
        statement = Statement(text, number)
        enclosing[-1].append(statement)
        if text[-1] == "{" and len(enclosing) < _MAX_DEPTH:
            enclosing.append(statement.children)
        return
    words: list[str] = []
    for piece in _PIECE.findall(text):
        if piece == "{":
            statement = Statement(" ".join([*words, "{"]), number)
            enclosing[-1].append(statement)
            if len(enclosing) < _MAX_DEPTH:
                enclosing.append(statement.children)
            words = []
        elif piece in (";", "}"):
            if words:
                enclosing[-1].append(Statement(" ".join(words) + piece.strip("}"), number))
                words = []
            if piece == "}" and len(enclosing) > 1:
                enclosing.pop()
        elif piece.strip() and not piece.strip().startswith("##"):
            words.append(piece.strip())
    if words:
        enclosing[-1].append(Statement(" ".join(words), number))


def _read_set(lines: list[str], grammar: Grammar) -> list[Statement]:
    blocks: dict[str, Statement] = {}
    for number, line in enumerate(lines, 1):
        text = line.strip()
        if not text or grammar.is_ignored(text):
            continue
        found = [match.group() for p in grammar.set_blocks if (match := p.search(text))]
        header = max(found, key=len, default=" ".join(text.split()[:3]))
        block = blocks.setdefault(header, Statement(header, 0))
        block.children.append(Statement(text, number))
    return list(blocks.values())


class _Members:
    """Builds statements from nested members, each known by a key that comes after its start."""

    def __init__(self, keys: frozenset[str]) -> None:
        self.keys = keys
        self.top: list[Statement] = []
        self.open: list[Statement] = []

    def begin(self, name: str, line: int) -> None:
        statement = Statement(name, line)
        (self.open[-1].children if self.open else self.top).append(statement)
        self.open.append(statement)

    def end(self, value: str, line: int) -> None:
        statement = self.open.pop()
        if value:
            statement.text = f"{statement.text} {value}".strip()
            if line > statement.line:
                statement.last = line
        name = statement.text.partition(" ")[0]
        if not (self.open and value and name in self.keys) or " " in self.open[-1].text:
            return
        # A member of a list is known by its key, not by its place in the list.
        listed = self.open[-1].text.startswith("[")
        self.open[-1].text = value if listed else f"{self.open[-1].text} {value}"


def _read_xml(text: str, grammar: Grammar) -> list[Statement] | None:
    members = _Members(grammar.keys)
    parser = expat.ParserCreate()
    content: list[str] = []

    def start(tag: str, attributes: dict[str, str]) -> None:
        content.clear()
        if len(members.open) > _MAX_DEPTH:
            raise expat.ExpatError("nested too deep")
        name = tag.rpartition(":")[2]
        if known := attributes.get("name"):
            # PAN-OS: <entry name="ethernet1/1">
            name = known if name == "entry" else f"{name} {known}"
        members.begin(name, parser.CurrentLineNumber)

    def end(tag: str) -> None:
        value = " ".join("".join(content).split())
        content.clear()
        members.end(value, parser.CurrentLineNumber)

    def refuse(*declaration: object) -> None:
        raise expat.ExpatError("a document type has no place in a configuration")

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = content.append
    parser.StartDoctypeDeclHandler = refuse
    text = _FINGERPRINT.sub(r"&lt;\1&gt;", text)
    begin = text.find("<")
    try:
        parser.Parse("\n" * text.count("\n", 0, begin) + text[begin:].rstrip(), True)
    except (expat.ExpatError, ValueError):
        return None
    return members.top


def _read_json(text: str, grammar: Grammar) -> list[Statement] | None:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return None
    reader = _JsonReader(grammar.keys)
    return reader.members.top if reader.read(text) else None


class _JsonReader:
    """Reads JSON known to be well-formed, for the sake of line numbers."""

    def __init__(self, keys: frozenset[str]) -> None:
        self.members = _Members(keys)
        self._open: list[tuple[bool, int]] = []
        """Whether each open value is a list, and how many members it has had."""
        self._name = ""
        self._value: tuple[str, int] | None = None
        self._after_colon = False

    def read(self, text: str) -> bool:
        """Take in the whole text; False when it is nested too deep."""
        line = 1
        for piece in _JSON_PIECE.findall(text):
            if piece == "\n":
                line += 1
            elif piece in "{[":
                if len(self._open) > _MAX_DEPTH:
                    return False
                self._begin(piece == "[", line)
            elif piece in "}]":
                self._flush()
                self._open.pop()
                if self._open:
                    self.members.end("", line)
            elif piece == ",":
                self._flush()
                is_list, count = self._open[-1]
                self._open[-1] = (is_list, count + 1)
                self._after_colon = False
            elif piece == ":":
                self._after_colon = True
            elif self._after_colon or (self._open and self._open[-1][0]):
                self._value = (piece.strip('"'), line)
            else:
                self._name = piece.strip('"')
        return True

    def _begin(self, is_list: bool, line: int) -> None:
        if self._open:
            self.members.begin(self._member_name(), line)
        self._open.append((is_list, 0))
        self._after_colon = False

    def _member_name(self) -> str:
        in_list, count = self._open[-1]
        return f"[{count}]" if in_list else self._name

    def _flush(self) -> None:
        if self._value is not None and self._open:
            value, line = self._value
            self.members.begin(self._member_name(), line)
            self.members.end(value, line)
        self._value = None
