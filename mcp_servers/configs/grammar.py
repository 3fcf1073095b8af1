"""Block grammars: how each vendor writes a configuration, as data in `grammars/*.yaml`.

A new vendor is a new file there, not code. A grammar says how the text is recognised, how blocks
are drawn, which lines are no statements, and which statements define, use or set what.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any, Literal

import re2
import yaml

Style = Literal["indent", "braces", "set", "xml", "json"]
FactRole = Literal["define", "use", "set"]

_LONGEST_STATEMENT = 1_000
"""A longer statement (flattened characters) says nothing that a grammar knows."""
_RECOGNISED_IN = 16_384
"""Characters of a configuration that are enough to tell the vendor."""


@dataclass(frozen=True, slots=True)
class FactPattern:
    """What a flattened statement says: it defines, uses or sets something."""

    role: FactRole
    kind: str
    pattern: str
    """RE2 over the flattened statement; named groups are the fact's values."""


@dataclass(frozen=True, slots=True)
class LiteralText:
    """Text of several lines that is no statement, such as a banner."""

    word: str
    """First word of its first line."""
    begin: re2._Regexp
    end: str | None
    """The line that ends it; None when `begin` captures the mark that does."""


@dataclass(frozen=True, eq=False)
class Grammar:
    """One vendor's way of writing."""

    name: str
    title: str
    style: Style
    ignored: re2._Regexp
    """Whole lines that are comments or only close a block."""
    literals: tuple[LiteralText, ...]
    headers: re2._Regexp | None
    """Lines that begin a block of all lines to the next of them, whatever their indentation."""
    ordered: re2._Regexp | None
    """Blocks (flattened header) in which the order of statements matters."""
    set_blocks: tuple[re2._Regexp, ...]
    """For the style `set`: prefixes of a statement that are blocks, longest match wins."""
    keys: frozenset[str]
    """For XML and JSON: members that name their parent."""
    facts: tuple[FactPattern, ...]
    mtu_overhead: int
    """Bytes of the link layer that `mtu` includes."""
    _which: Any = field(repr=False)
    """All fact patterns as one RE2 set, which carries no types, hence Any."""

    def is_ignored(self, line: str) -> bool:
        """Whether a line, without indentation, is no statement."""
        return _matches(self.ignored, line)

    def is_header(self, line: str) -> bool:
        """Whether a line begins a block that only the next such line ends."""
        return self.headers is not None and _matches(self.headers, line)

    def is_ordered(self, statement: str) -> bool:
        """Whether a flattened statement stands in a block whose order matters."""
        return self.ordered is not None and _matches(self.ordered, statement)

    def facts_in(self, statement: str) -> Iterator[tuple[FactPattern, dict[str, str]]]:
        """What one flattened statement says, in the order of the grammar."""
        if len(statement) > _LONGEST_STATEMENT:
            return
        for index in _matching(self._which, statement):
            fact = self.facts[index]
            values = _values(fact.pattern, statement)
            if values is not None:
                yield fact, values

    def only(self, kinds: frozenset[str]) -> Grammar:
        """This grammar with the facts of some kinds alone: quicker, where no more is wanted."""
        return _narrowed(self, kinds)


@cache
def _narrowed(grammar: Grammar, kinds: frozenset[str]) -> Grammar:
    facts = tuple(fact for fact in grammar.facts if fact.kind in kinds)
    return replace(grammar, facts=facts, _which=_as_set(facts))


def _as_set(facts: tuple[FactPattern, ...]) -> Any:
    """The patterns of facts as one RE2 set, which carries no types, hence Any."""
    which = re2.Set.SearchSet(_roomy())
    for fact in facts:
        which.Add(fact.pattern)
    which.Compile()
    return which


@lru_cache(maxsize=65_536)
def _matching(which: Any, statement: str) -> tuple[int, ...]:
    """Numbers of the patterns of an RE2 set (no types, hence Any) that a statement matches."""
    return tuple(sorted(which.Match(statement) or ()))


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """A pattern, compiled when it is first needed.

    RE2 has decided, in linear time, that it matches; Python's engine, several times as quick per
    call, only finds the groups of a statement of bounded length.
    """
    return re.compile(pattern)


def _values(pattern: str, statement: str) -> dict[str, str] | None:
    match = _compiled(pattern).search(statement)
    if match is None:
        return None
    return {name: value for name, value in match.groupdict().items() if value}


@lru_cache(maxsize=65_536)
def _matches(pattern: re2._Regexp, text: str) -> bool:
    return pattern.search(text) is not None


@cache
def _contents() -> dict[str, Any]:
    """The content of every grammar file by name (YAML, hence Any)."""
    folder = files("mcp_servers.configs").joinpath("grammars")
    return {
        entry.name.removesuffix(".yaml"): load_yaml(entry.read_text(encoding="utf-8"))
        for entry in sorted(folder.iterdir(), key=lambda entry: entry.name)
        if entry.name.endswith(".yaml")
    }


def load_yaml(text: str) -> Any:
    """Read a data file of ours (YAML, hence Any), with the quick loader where there is one."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load(text, Loader=loader)  # noqa: S506 - both loaders are the safe one


def grammar_names() -> list[str]:
    """Names of the shipped grammars."""
    return [name for name, content in _contents().items() if not content.get("abstract")]


@cache
def load_grammar(name: str) -> Grammar:
    """Build a shipped grammar once."""
    return _grammar(name, _contents())


def recognise(text: str) -> Grammar:
    """Tell the vendor from the content; `generic` (indentation only) when nothing fits."""
    which, weights = _recognition()
    scores: dict[str, int] = {}
    for index in which.Match(text[:_RECOGNISED_IN]) or ():
        name, weight = weights[index]
        scores[name] = scores.get(name, 0) + weight
    best = max(scores, key=lambda name: (scores[name], name), default="generic")
    return load_grammar(best if scores.get(best, 0) > 1 else "generic")


@cache
def _recognition() -> tuple[Any, list[tuple[str, int]]]:
    """All recognising patterns as one RE2 set (no types, hence Any), and what each is worth."""
    which = re2.Set.SearchSet(_roomy())
    weights = []
    for name in grammar_names():
        for rule in _contents()[name].get("recognise", ()):
            which.Add("(?m)" + rule["match"])
            weights.append((name, rule["weight"]))
    which.Compile()
    return which, weights


def _roomy() -> re2.Options:
    """Room for one automaton over many patterns."""
    options = re2.Options()
    options.max_mem = 64 << 20
    return options


def _grammar(name: str, contents: dict[str, Any]) -> Grammar:
    """Build one grammar from its file and those it extends (YAML, hence Any)."""
    content = contents[name]
    chain = [content]
    while parent := chain[-1].get("extends"):
        chain.append(contents[parent])
    macros: dict[str, str] = {}
    for level in reversed(chain):
        macros |= level.get("macros", {})
    facts = tuple(_fact(entry, macros) for level in chain for entry in level.get("facts", ()))

    def first(key: str, default: Any = None) -> Any:
        """The nearest level's value (YAML, hence Any)."""
        return next((level[key] for level in chain if key in level), default)

    headers, ordered = first("headers"), first("ordered")
    return Grammar(
        name=name,
        title=first("title", name),
        style=first("style"),
        ignored=re2.compile(f"^\\s*(?:{first('ignored')})\\s*$"),
        literals=tuple(
            LiteralText(entry["word"], re2.compile(entry["begin"]), entry.get("end"))
            for entry in first("literals", ())
        ),
        headers=re2.compile(headers) if headers else None,
        ordered=re2.compile(ordered) if ordered else None,
        set_blocks=tuple(re2.compile("^" + pattern) for pattern in first("set_blocks", ())),
        keys=frozenset(first("keys", ())),
        facts=facts,
        mtu_overhead=first("mtu_overhead", 0),
        _which=_as_set(facts),
    )


def _fact(entry: dict[str, Any], macros: dict[str, str]) -> FactPattern:
    role: FactRole = next(role for role in ("define", "use", "set") if role in entry)
    pattern = entry["match"]
    for macro, text in macros.items():
        pattern = pattern.replace(f"%{macro}%", text)
    return FactPattern(role, entry[role], pattern)
