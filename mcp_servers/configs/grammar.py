"""Block grammars: how each vendor writes a configuration, as data in `grammars/*.yaml`.

A new vendor is a new file there, not code. A grammar says how the text is recognised, how blocks
are drawn, which lines are no statements, and which statements define, use or set what.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any, Literal

import re2
import yaml

Style = Literal["indent", "braces", "set", "xml", "json"]
FactRole = Literal["define", "use", "set"]

_RECOGNISED_IN = 16_384
"""Characters of a configuration that are enough to tell the vendor."""


@dataclass(frozen=True, slots=True)
class FactPattern:
    """What a flattened statement says: it defines, uses or sets something."""

    role: FactRole
    kind: str
    pattern: re2._Regexp
    constants: dict[str, str]


@dataclass(frozen=True, slots=True)
class LiteralText:
    """Text of several lines that is no statement, such as a banner."""

    word: str
    """First word of its first line."""
    begin: re2._Regexp
    end: str | None
    """The line that ends it; None when `begin` captures the mark that does."""


@dataclass(frozen=True)
class Grammar:
    """One vendor's way of writing."""

    name: str
    title: str
    style: Style
    ignored: re2._Regexp
    """Whole lines that are comments or only close a block."""
    literals: tuple[LiteralText, ...]
    ordered: re2._Regexp | None
    """Blocks (flattened header) in which the order of statements matters."""
    set_blocks: tuple[re2._Regexp, ...]
    """For the style `set`: prefixes of a statement that are blocks, longest match wins."""
    keys: frozenset[str]
    """For XML and JSON: members that name their parent."""
    facts: tuple[FactPattern, ...]
    _which: Any = field(repr=False, compare=False)
    """All fact patterns as one RE2 set, which carries no types, hence Any."""

    def is_ignored(self, line: str) -> bool:
        """Whether a line, without indentation, is no statement."""
        return _matches(self.ignored, line)

    def is_ordered(self, statement: str) -> bool:
        """Whether a flattened statement stands in a block whose order matters."""
        return self.ordered is not None and _matches(self.ordered, statement)

    def facts_in(self, statement: str) -> Iterator[tuple[FactPattern, dict[str, str]]]:
        """What one flattened statement says, in the order of the grammar."""
        for index in sorted(self._which.Match(statement) or ()):
            fact = self.facts[index]
            match = fact.pattern.search(statement)
            if match is not None:
                values = {key: value for key, value in match.groupdict().items() if value}
                yield fact, {**fact.constants, **values}


@lru_cache(maxsize=65_536)
def _matches(pattern: re2._Regexp, text: str) -> bool:
    return pattern.search(text) is not None


@cache
def grammars() -> dict[str, Grammar]:
    """Every shipped grammar by name."""
    folder = files("mcp_servers.configs").joinpath("grammars")
    contents = {
        entry.name.removesuffix(".yaml"): yaml.safe_load(entry.read_text(encoding="utf-8"))
        for entry in sorted(folder.iterdir(), key=lambda entry: entry.name)
        if entry.name.endswith(".yaml")
    }
    return {
        name: _grammar(name, contents)
        for name, content in contents.items()
        if "style" in content and not content.get("abstract")
    }


def recognise(text: str) -> Grammar:
    """Tell the vendor from the content; `generic` (indentation only) when nothing fits."""
    which, weights = _recognition()
    scores: dict[str, int] = {}
    for index in which.Match(text[:_RECOGNISED_IN]) or ():
        name, weight = weights[index]
        scores[name] = scores.get(name, 0) + weight
    best = max(scores, key=lambda name: (scores[name], name), default="generic")
    return grammars()[best if scores.get(best, 0) > 0 else "generic"]


@cache
def _recognition() -> tuple[Any, list[tuple[str, int]]]:
    options = re2.Options()
    options.max_mem = 64 << 20
    which = re2.Set.SearchSet(options)
    weights = []
    folder = files("mcp_servers.configs").joinpath("grammars")
    for name in grammars():
        content = yaml.safe_load(folder.joinpath(f"{name}.yaml").read_text(encoding="utf-8"))
        for rule in content.get("recognise", ()):
            which.Add("(?m)" + rule["match"])
            weights.append((name, rule["weight"]))
    which.Compile()
    return which, weights


def _grammar(name: str, contents: dict[str, Any]) -> Grammar:
    """Build one grammar from its file and those it extends (YAML, hence Any)."""
    content = contents[name]
    chain = [content]
    while parent := chain[-1].get("extends"):
        chain.append(contents[parent])
    macros: dict[str, str] = {}
    for level in reversed(chain):
        macros |= level.get("macros", {})
    facts = tuple(
        _fact(entry, macros) for level in chain for entry in level.get("facts", ())
    )
    options = re2.Options()
    options.max_mem = 64 << 20
    which = re2.Set.SearchSet(options)
    for fact in facts:
        which.Add(fact.pattern.pattern)
    which.Compile()

    def first(key: str, default: Any = None) -> Any:
        """The nearest level's value (YAML, hence Any)."""
        return next((level[key] for level in chain if key in level), default)

    ordered = first("ordered")
    return Grammar(
        name=name,
        title=first("title", name),
        style=first("style"),
        ignored=re2.compile(f"^\\s*(?:{first('ignored')})\\s*$"),
        literals=tuple(
            LiteralText(entry["word"], re2.compile(entry["begin"]), entry.get("end"))
            for entry in first("literals", ())
        ),
        ordered=re2.compile(ordered) if ordered else None,
        set_blocks=tuple(re2.compile("^" + pattern) for pattern in first("set_blocks", ())),
        keys=frozenset(first("keys", ())),
        facts=facts,
        _which=which,
    )


def _fact(entry: dict[str, Any], macros: dict[str, str]) -> FactPattern:
    role: FactRole = next(role for role in ("define", "use", "set") if role in entry)
    pattern = entry["match"]
    for macro, text in macros.items():
        pattern = pattern.replace(f"%{macro}%", text)
    return FactPattern(role, entry[role], re2.compile(pattern), entry.get("values", {}))
