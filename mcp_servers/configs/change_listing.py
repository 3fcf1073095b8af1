"""Changes as they are listed: compared, weighed, ranked, and told with their lines."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version

from mcp_servers.configs.comparison import Comparer, Comparison
from mcp_servers.configs.difference import Difference
from mcp_servers.configs.git_history import GitHistory
from mcp_servers.configs.history import FileChange, History, Revision
from mcp_servers.configs.secret_stripping import SecretStripper
from mcp_servers.configs.suspicion import Around, Impact, Suspect, impact_of, rank
from telecom.configuration import ConfigChange, ConfigHunk
from telecom.times import Window
from telecom.topology import ManagedObject, Topology

_COMPARISONS_KEPT = 20_000
_BATCH = 1_000
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
        self._comparer = Comparer(stripper)
        # What is kept was made by this version under this key; another must not read it.
        self._stamp = f"{version('tierwise')} {stripper.fingerprint('comparisons')}"
        self._known: OrderedDict[tuple[str, str | None, str | None], Compared] = OrderedDict()

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

    def candidates(
        self, history: History, listed: Sequence[tuple[str, Revision, FileChange]], window: Window
    ) -> list[Candidate]:
        """Compare file changes (device, revision, change); known comparisons cost little."""
        unknown = [file for device, _, file in listed if (device, *_sides(file)) not in self._known]
        recalled = history.recall(window.start, window.end, self._stamp) if unknown else {}
        learnt: dict[tuple[str | None, str | None], str] = {}
        found = []
        for device, revision, file in listed:
            key = (device, *_sides(file))
            compared = self._known.get(key)
            if compared is None:
                kept = recalled.get(_sides(file))
                comparison = (
                    Comparison.decode(kept) if kept else self._comparer.compare(history, file)
                )
                if kept is None and comparison.readable:
                    learnt[_sides(file)] = comparison.encode()
                compared = self._weighed(device, file, comparison)
                self._known[key] = compared
                if len(self._known) > _COMPARISONS_KEPT:
                    self._known.popitem(last=False)
            found.append(Candidate(device, history.prefix + file.path, revision, compared))
        if learnt:
            history.remember(learnt, self._stamp)
        return found

    def learn_everything(self, history: GitHistory) -> None:
        """Compare what the index has no comparison of, so that first questions are quick."""
        tried: set[tuple[str | None, str | None]] = set()
        while files := [
            file for file in history.uncompared(self._stamp, _BATCH) if _sides(file) not in tried
        ]:
            learnt = {}
            for file in files:
                tried.add(_sides(file))
                comparison = self._comparer.compare(history, file)
                if comparison.readable:
                    learnt[_sides(file)] = comparison.encode()
            history.remember(learnt, self._stamp)

    def _weighed(self, device: str, file: FileChange, comparison: Comparison) -> Compared:
        if not comparison.readable:
            impact = Impact(0.0, ("the file cannot be read as text",), True, "")
            return Compared(comparison.difference, impact, (device,))
        impact = impact_of(comparison.difference)
        if file.old is None or file.new is None:
            word = "created" if file.old is None else "removed"
            reasons = (f"the whole file was {word}", *impact.reasons[:1])
            impact = Impact(impact.weight * 0.5, reasons, impact.cosmetic, impact.signature)
        touches = {self._spelled(device, kind, name): None for kind, name in comparison.touched}
        return Compared(comparison.difference, impact, tuple(touches) or (device,))

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


def _sides(file: FileChange) -> tuple[str | None, str | None]:
    return file.old, file.new
