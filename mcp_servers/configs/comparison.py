"""One file change, compared: what changed and what that names, in a form that can be kept."""

from __future__ import annotations

import json
from collections import OrderedDict
from dataclasses import dataclass

from mcp_servers.configs.difference import ChangedStatement, Difference, compare
from mcp_servers.configs.grammar import Grammar, load_grammar, recognise
from mcp_servers.configs.history import FileChange, History, decode
from mcp_servers.configs.secret_stripping import SecretStripper

_TEXTS_KEPT = 512
_LONGEST_KEPT = 100_000
_TOUCHED_STATEMENTS = 100
_NAMED_KINDS = ("vrf", "policy", "acl", "prefix_list", "service")


@dataclass(frozen=True, slots=True)
class Comparison:
    """What one file change changed, without secrets."""

    difference: Difference
    touched: tuple[tuple[str, str], ...]
    """Kind and name of interfaces, neighbours, VRFs and policies that it is about."""
    readable: bool = True
    """False when a side is no text or cannot be read."""

    def encode(self) -> str:
        """Write it as JSON, to be kept in the index."""
        statements = [
            (s.sign, s.path, s.flat, s.text, s.line, s.opens_block)
            for s in self.difference.statements
        ]
        return json.dumps([statements, self.difference.remarks_only, self.touched])

    @classmethod
    def decode(cls, text: str) -> Comparison:
        """Read what `encode` wrote."""
        statements, remarks_only, touched = json.loads(text)
        return cls(
            Difference(
                tuple(
                    ChangedStatement(sign, tuple(path), flat, shown, line, opens)
                    for sign, path, flat, shown, line, opens in statements
                ),
                remarks_only,
            ),
            tuple((kind, name) for kind, name in touched),
        )


class Comparer:
    """Compares file changes, reading each text and recognising each vendor once."""

    def __init__(self, stripper: SecretStripper) -> None:
        self._stripper = stripper
        self._texts: OrderedDict[str, str] = OrderedDict()
        self._grammars: dict[str, Grammar] = {}

    def compare(self, history: History, file: FileChange) -> Comparison:
        """Compare both sides of a file change."""
        old, new = self._text(history, file.old), self._text(history, file.new)
        if old is None or new is None:
            return Comparison(Difference(()), (), readable=False)
        grammar = self._grammar(history.prefix + file.path, new or old)
        difference = compare(old, new, grammar, self._stripper.strip)
        touched = {
            entry: None
            for statement in difference.statements[:_TOUCHED_STATEMENTS]
            for entry in _touched(statement, grammar)
        }
        return Comparison(difference, tuple(touched))

    def _text(self, history: History, key: str | None) -> str | None:
        if key is None:
            return ""
        known = self._texts.get(key)
        if known is not None:
            self._texts.move_to_end(key)
            return known
        data = history.read(key)
        text = None if data is None else decode(data)
        if text is not None and len(text) <= _LONGEST_KEPT:
            self._texts[key] = text
            if len(self._texts) > _TEXTS_KEPT:
                self._texts.popitem(last=False)
        return text

    def _grammar(self, path: str, text: str) -> Grammar:
        """The grammar of a file; a file keeps its vendor, so that it is recognised once."""
        if path not in self._grammars:
            self._grammars[path] = recognise(text) if text.strip() else load_grammar("generic")
        return self._grammars[path]


def _touched(statement: ChangedStatement, grammar: Grammar) -> list[tuple[str, str]]:
    """Interfaces, neighbours, VRFs and named policies that a changed statement is about."""
    found: list[tuple[str, str]] = []
    for fact, values in grammar.facts_in(statement.flat):
        if fact.kind == "interface":
            found.append(("interface", values.get("name") or values["interface"]))
        elif "interface" in values:
            found.append(("interface", values["interface"]))
        if fact.kind == "neighbor":
            found.append(("neighbor", values["name"]))
        elif "neighbor" in values:
            found.append(("neighbor", values["neighbor"]))
        if fact.kind in _NAMED_KINDS and fact.role != "set":
            found.append((fact.kind.replace("_", "-"), values.get("name", "")))
        vrf = values.get("vrf") or values.get("vrf2")
        if vrf:
            found.append(("vrf", vrf))
    return [(kind, name) for kind, name in found if name]
