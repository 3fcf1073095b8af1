"""Secrets leave a configuration before anything else sees its text.

What a secret looks like is data (`secrets.yaml`). A secret is replaced by a keyed fingerprint such
as `<secret:ab12cd34>`: the same secret gives the same fingerprint on this site, so that "the
community changed" stays visible, and without the key nobody can test a guess.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from pathlib import Path

import re2

from mcp_servers.configs.grammar import load_yaml

_VALUE = r'(?:"(?P<s>(?:[^"\\]|\\.)+)"|(?P<s2>[^\s";]+))'
_ALREADY = re2.compile(
    r"<secret:[0-9a-f]{8}>"
    r"|<(?:secret|configuration|password|key|community)[\w ]*(?:hidden|removed)>"
    r"|\*{3,}|<removed>|SCRUBBED"
)
_CONTINUED = re2.compile(r"(?i)(?:password|passwd|passphrase|secret|psk|-key)\s*[=:]\s*\\$")
"""A line that goes on in the next one, in the middle of a secret."""
_PEM_BEGIN, _PEM_END = "-----BEGIN ", "-----END "
_KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class _Rule:
    name: str
    pattern: re2._Regexp
    groups: tuple[int, ...]
    """Numbers of the groups that may hold the secret."""
    exempt: re2._Regexp | None
    unless_line: re2._Regexp | None
    within: re2._Regexp | None
    unless_within: re2._Regexp | None
    unless_defined: str | None

    @property
    def depends_on_place(self) -> bool:
        """Whether the lines around decide, too."""
        return bool(self.within or self.unless_within or self.unless_defined)


@dataclass(frozen=True, slots=True)
class _Table:
    triggers: re2._Regexp
    rules: tuple[_Rule, ...]
    which: re2._Set


@dataclass(frozen=True, slots=True)
class _Context:
    """Where a line stands."""

    lines: list[str]
    number: int
    whole: str


@cache
def _table() -> _Table:
    """Compile `secrets.yaml` once."""
    content = load_yaml(
        files("mcp_servers.configs").joinpath("secrets.yaml").read_text(encoding="utf-8")
    )
    mode = _joined(content["mode"])
    which = re2.Set.SearchSet(_set_options())
    rules = []
    for rule in content["rules"]:
        text = _joined(rule["match"]).replace("MODE", mode).replace("VALUE", _VALUE)
        which.Add("(?i)" + text)
        pattern = re2.compile("(?i)" + text)
        rules.append(
            _Rule(
                rule["name"],
                pattern,
                tuple(
                    pattern.groupindex[name] for name in ("s", "s2") if name in pattern.groupindex
                ),
                _optional(rule.get("except"), whole=True),
                _optional(rule.get("unless_line"), whole=False),
                _optional(rule.get("within"), whole=False),
                _optional(rule.get("unless_within"), whole=False),
                rule.get("unless_defined"),
            )
        )
    which.Compile()
    triggers = re2.compile("(?i)" + _joined(content["triggers"]))
    return _Table(triggers, tuple(rules), which)


def _set_options() -> re2.Options:
    """Room for one automaton over all rules; the default 8 MiB overflows on long lines."""
    options = re2.Options()
    options.max_mem = 64 << 20
    return options


def _joined(pattern: str) -> str:
    """Undo YAML's folding: a blank after a line end is layout, not pattern."""
    return pattern.replace("| ", "|").replace(") (", ")(").replace("\n", "").strip()


def _optional(pattern: str | None, *, whole: bool) -> re2._Regexp | None:
    if pattern is None:
        return None
    text = _joined(pattern)
    return re2.compile(f"(?i)^(?:{text})$" if whole else f"(?i){text}")


def fingerprint_key(folder: Path) -> bytes:
    """Read the site's fingerprint key from `folder`, making it (mode 0600) when there is none."""
    path = folder / "config_fingerprint.key"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_bytes()
    with os.fdopen(descriptor, "wb") as file:
        file.write(secrets.token_bytes(_KEY_BYTES))
    return path.read_bytes()


class SecretStripper:
    """Replaces secrets by fingerprints under one key."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._line = lru_cache(maxsize=65_536)(self._strip_line_alone)

    def fingerprint(self, secret: str) -> str:
        """Name a secret without telling it: `<secret:ab12cd34>`."""
        digest = hmac.new(self._key, secret.encode("utf-8", "surrogatepass"), hashlib.sha256)
        return f"<secret:{digest.hexdigest()[:8]}>"

    def strip(self, text: str, whole: str | None = None) -> str:
        """Replace every secret of a configuration; the number of lines stays as it is.

        Args:
            text: A configuration or a part of one that begins at top level, outside keys.
            whole: The configuration that a part is of.
        """
        lines = text.split("\n")
        if _PEM_BEGIN in text:
            self._strip_pem(lines)
        for number, line in enumerate(lines):
            if number and _CONTINUED.search(lines[number - 1]):
                lines[number] = self._strip_continued(line)
                continue
            stripped, contextual = self._line(line)
            if contextual:
                # A rule that depends on where the line stands holds for the line alone.
                lines[number] = self._apply(line, _Context(lines, number, whole or text))
            else:
                lines[number] = stripped
        return "\n".join(lines)

    def _strip_pem(self, lines: list[str]) -> None:
        """Fingerprint the body of each PEM block as a whole, line by line in place."""
        number = 0
        while number < len(lines):
            if _PEM_BEGIN in lines[number]:
                end = number + 1
                while end < len(lines) and _PEM_END not in lines[end]:
                    end += 1
                for inside in range(number + 1, end):
                    lines[inside] = self.fingerprint(lines[inside].strip())
                number = end
            number += 1

    def _strip_continued(self, line: str) -> str:
        """Fingerprint the value that a line begins with: its key ended the line before."""
        value = re2.search(_VALUE, line)
        if value is None or _ALREADY.search(value.group()):
            return line
        return self._replace(line, [max(value.span(1), value.span(2))])

    def _strip_line_alone(self, line: str) -> tuple[str, bool]:
        """The line stripped, and whether the answer depends on the lines around it."""
        table = _table()
        if not table.triggers.search(line):
            return line, False
        hits = table.which.Match(line) or ()
        if any(table.rules[index].depends_on_place for index in hits):
            return line, True
        return self._apply(line, None), False

    def _apply(self, line: str, context: _Context | None) -> str:
        table = _table()
        spans: list[tuple[int, int]] = []
        for index in sorted(table.which.Match(line) or ()):
            rule = table.rules[index]
            if context is not None and _exempted_by_context(rule, line, context):
                continue
            spans += _secret_spans(rule, line)
        return self._replace(line, spans)

    def _replace(self, line: str, spans: list[tuple[int, int]]) -> str:
        """Replace the union of `spans`, so that two rules on one secret give one fingerprint."""
        pieces, position = [], 0
        for start, end in _merged(spans):
            pieces += [line[position:start], self.fingerprint(line[start:end])]
            position = end
        return "".join([*pieces, line[position:]])


def _secret_spans(rule: _Rule, line: str) -> Iterator[tuple[int, int]]:
    if rule.unless_line is not None and rule.unless_line.search(line):
        return
    known = [match.span() for match in _ALREADY.finditer(line)] if "<" in line else []
    for match in rule.pattern.finditer(line):
        # In RE2 the groups of an alternation that did not take part have the span (-1, -1).
        start, end = max(match.span(group) for group in rule.groups)
        if start < 0:
            continue
        value = line[start:end]
        if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
            start, end, value = start + 1, end - 1, value[1:-1]
        if value.strip() in ("", "\\") or _ALREADY.fullmatch(value.strip()):
            continue
        if any(begin < end and start < finish for begin, finish in known):
            continue
        if rule.exempt is not None and rule.exempt.search(value):
            continue
        yield start, end


def _merged(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _exempted_by_context(rule: _Rule, line: str, context: _Context) -> bool:
    if rule.within is not None and not any(
        rule.within.search(header) for header in _headers_above(context.lines, context.number)
    ):
        return True
    if rule.unless_within is not None and any(
        rule.unless_within.search(header)
        for header in _headers_above(context.lines, context.number)
    ):
        return True
    if rule.unless_defined is None:
        return False
    return any(
        re2.search("(?m)" + rule.unless_defined.replace("NAME", re2.escape(name)), context.whole)
        for name in {line[start:end] for start, end in _secret_spans(rule, line)}
    )


def _headers_above(lines: list[str], number: int) -> Iterator[str]:
    """The headers that enclose a line, nearest first, told by indentation.

    A path that begins with a slash, as RouterOS has it, encloses what stands below it unindented.
    """
    depth = len(lines[number]) - len(lines[number].lstrip())
    for above in range(number - 1, -1, -1):
        line = lines[above]
        if depth == 0:
            if line.startswith("/") and not line.startswith("/*"):
                yield line
                return
            continue
        indent = len(line) - len(line.lstrip())
        if line.strip() and indent < depth and line.strip() not in ("!", "#", "}"):
            depth = indent
            yield line
