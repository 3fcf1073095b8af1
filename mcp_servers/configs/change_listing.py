"""Changes as they are listed: compared, weighed, ranked, and told with their lines."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mcp_servers.configs.difference import ChangedStatement, Difference, compare
from mcp_servers.configs.grammar import Grammar, load_grammar, recognise
from mcp_servers.configs.history import FileChange, History, Revision, decode
from mcp_servers.configs.secret_stripping import SecretStripper
from mcp_servers.configs.suspicion import Around, Impact, Suspect, impact_of, rank
from telecom.configuration import ConfigChange, ConfigHunk
from telecom.times import Window
from telecom.topology import ManagedObject, Topology

_COMPARISONS_KEPT = 20_000
_TEXTS_KEPT = 512
_LONGEST_KEPT = 100_000
_TOUCHED_STATEMENTS = 100
_LINES_SHOWN = 400


@dataclass(frozen=True, slots=True)
class Scope:
    """What a listing is about."""

    around: Around

    def includes(self, device: str) -> bool:
        """Whether changes of this device are listed."""
        return self.around.distance is None or device in self.around.distance


@dataclass(frozen=True, slots=True)
class Compared:
    """One file change, compared and weighed."""

    difference: Difference
    impact: Impact
    touches: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Candidate:
    """One file of one revision."""

    device: str
    path: str
    revision: Revision
    compared: Compared


class ChangeListing:
    """Compares file changes once and ranks them as often as asked."""

    def __init__(self, topology: Topology, stripper: SecretStripper) -> None:
        self._topology = topology
        self._stripper = stripper
        self._compared: OrderedDict[tuple[str, str | None, str | None], Compared] = OrderedDict()
        self._texts: OrderedDict[str, str] = OrderedDict()
        self._grammars: dict[str, Grammar] = {}

    def scope(
        self, around: Sequence[str], hops: int, addresses_of: Callable[[str], set[str]]
    ) -> Scope:
        """Work out what lies within `hops` links of the managed objects asked about."""
        if not around:
            return Scope(Around())
        distance: dict[str, int] = {}
        named: set[str] = set()
        ports: set[str] = set()
        for name in around:
            wanted = self._topology.canonical(name)
            reached = self._topology.within(wanted.device, hops) or {wanted.device: 0}
            for device, hop in reached.items():
                distance[device] = min(hop, distance.get(device, hop))
            named |= addresses_of(wanted.device)
            if wanted.port is not None:
                named.add(str(wanted))
                ports.update(str(far) for far in self._topology.far_ends(wanted))
            else:
                ports.update(
                    str(link.other_end(wanted.device))
                    for link in self._topology.links_of(wanted.device)
                    if link.other_end(wanted.device).port
                )
        return Scope(Around(frozenset(named), frozenset(ports - named), distance))

    def candidate(
        self, device: str, history: History, revision: Revision, file: FileChange
    ) -> Candidate:
        """Compare one file change; known comparisons cost nothing."""
        key = (device, file.old, file.new)
        compared = self._compared.get(key)
        if compared is None:
            compared = self._compare(device, history, file)
            self._compared[key] = compared
            if len(self._compared) > _COMPARISONS_KEPT:
                self._compared.popitem(last=False)
        return Candidate(device, history.prefix + file.path, revision, compared)

    def _compare(self, device: str, history: History, file: FileChange) -> Compared:
        old, new = self._text(history, file.old), self._text(history, file.new)
        if old is None or new is None:
            impact = Impact(0.0, ("the file cannot be read as text",), True, "")
            return Compared(Difference(()), impact, (device,))
        grammar = self._grammar(history.prefix + file.path, new or old)
        difference = compare(old, new, grammar, self._stripper.strip)
        impact = impact_of(difference)
        if file.old is None or file.new is None:
            word = "created" if file.old is None else "removed"
            reasons = (f"the whole file was {word}", *impact.reasons[:1])
            impact = Impact(impact.weight * 0.5, reasons, impact.cosmetic, impact.signature)
        return Compared(difference, impact, self._touches(device, difference, grammar))

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

    def _touches(self, device: str, difference: Difference, grammar: Grammar) -> tuple[str, ...]:
        found: dict[str, None] = {}
        for statement in difference.statements[:_TOUCHED_STATEMENTS]:
            for touched in _touched(statement, grammar):
                found[self._spelled(device, *touched)] = None
        return tuple(found) or (device,)

    def _spelled(self, device: str, kind: str, name: str) -> str:
        if kind == "interface":
            return str(self._topology.canonical(ManagedObject(device, name)))
        return name if kind == "neighbor" else f"{kind} {name}"

    def ranked(
        self, candidates: Sequence[Candidate], scope: Scope, window: Window, limit: int
    ) -> list[ConfigChange]:
        """Rank candidates and tell the first `limit` of them."""
        suspects = (
            Suspect(
                number,
                candidate.device,
                (window.end - (candidate.revision.time or window.start)).total_seconds(),
                candidate.compared.impact,
                candidate.compared.touches,
            )
            for number, candidate in enumerate(candidates)
        )
        return [
            self._told(candidates[number], score, why, window)
            for number, score, why in rank(suspects, scope.around, window)[:limit]
        ]

    def _told(
        self, candidate: Candidate, score: float, why: tuple[str, ...], window: Window
    ) -> ConfigChange:
        statements = candidate.compared.difference.statements
        hunks = candidate.compared.difference.hunks
        if len(statements) > _LINES_SHOWN:
            hunks = _cut(hunks)
            why = (*why, f"{_LINES_SHOWN} of {len(statements)} changed lines are shown")
        revision = candidate.revision
        return ConfigChange(
            managed_object=candidate.device,
            commit=revision.id or "",
            author=revision.author,
            time=revision.time or window.end,
            message=revision.message,
            path=candidate.path,
            score=score,
            why=why,
            touches=candidate.compared.touches,
            hunks=hunks,
        )


def _cut(hunks: tuple[ConfigHunk, ...]) -> tuple[ConfigHunk, ...]:
    kept, left = [], _LINES_SHOWN
    for hunk in hunks:
        if left <= 0:
            break
        kept.append(ConfigHunk(block=hunk.block, lines=hunk.lines[:left]))
        left -= len(hunk.lines)
    return tuple(kept)


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
        if fact.kind in ("vrf", "policy", "acl", "prefix_list", "service") and fact.role != "set":
            found.append((fact.kind.replace("_", "-"), values.get("name", "")))
        vrf = values.get("vrf") or values.get("vrf2")
        if vrf:
            found.append(("vrf", vrf))
    return [(kind, name) for kind, name in found if name]
