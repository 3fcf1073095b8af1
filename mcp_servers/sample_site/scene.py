"""`Scene`: the sheet on which a fault family writes what happened."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from random import Random

from mcp_servers.sample_site.config_history import ConfigCommit, ConfigHistory, commit_of
from mcp_servers.sample_site.configuration import Configuration
from mcp_servers.sample_site.events import Event, Origin
from mcp_servers.sample_site.network import Network
from mcp_servers.sample_site.people import People
from mcp_servers.sample_site.truth import CaseKind, RootCause


@dataclass(frozen=True, slots=True)
class Outage:
    """Elements that nobody can reach for a while."""

    since: datetime
    until: datetime | None
    """None: still so when the window ends."""
    dead: frozenset[str]
    """Without power or hung: these say nothing."""
    isolated: frozenset[str]
    """Alive, but without a path: what they say in-band gets lost or comes late."""

    @property
    def gone(self) -> frozenset[str]:
        """Both."""
        return self.dead | self.isolated

    def covers(self, moment: datetime) -> bool:
        """Whether it lasts at `moment`."""
        return self.since <= moment and (self.until is None or moment < self.until)


@dataclass(frozen=True, slots=True)
class Voice:
    """Writes records with the same marks onto a scene."""

    events: list[Event]
    origin: Origin
    decisive: bool
    cleared: bool
    planned: bool

    def say(self, element: str, name: str, time: datetime, /, **details: str | int | float) -> None:
        """An element reports something."""
        self.events.append(
            Event(
                time,
                element,
                name,
                details,
                origin=self.origin,
                decisive=self.decisive,
                cleared=self.cleared,
                planned=self.planned,
            )
        )


@dataclass(slots=True)
class Scene:
    """One incident while it is being written."""

    network: Network
    history: ConfigHistory
    people: People
    rng: Random
    onset: datetime
    events: list[Event] = field(default_factory=list)
    outages: list[Outage] = field(default_factory=list)
    commits: list[ConfigCommit] = field(default_factory=list)
    unheard: set[str] = field(default_factory=set)
    """Elements whose records of this incident are missing from the data."""
    herrings: dict[str, None] = field(default_factory=dict)
    touched: dict[str, None] = field(default_factory=dict)
    """Elements that the cause itself concerns; herrings stay away from them."""
    kind: CaseKind = "single"
    root_causes: list[RootCause] = field(default_factory=list)
    acceptable: list[str] = field(default_factory=list)
    decisive: list[str] = field(default_factory=list)
    path: list[str] = field(default_factory=list)
    undecided: list[str] = field(default_factory=list)
    """What the data leaves open where it is missing."""
    ends: timedelta = timedelta(minutes=22)
    """From onset to the end of the window."""
    starts: timedelta = timedelta(minutes=8)
    """From the start of the window to onset."""
    distracted: bool = True
    """Whether power and radio trouble elsewhere is added as red herrings."""
    token_target: int | None = None
    """Where the storm goes on and on, the window ends when it holds about this much."""

    def after(self, seconds: float) -> datetime:
        """An instant relative to onset."""
        return self.onset + timedelta(seconds=seconds)

    def between(self, low: float, high: float) -> float:
        """A random number of seconds."""
        return self.rng.uniform(low, high)

    def marked(
        self,
        *,
        origin: Origin = "impact",
        decisive: bool = False,
        cleared: bool = False,
        planned: bool = False,
    ) -> Voice:
        """A voice whose records carry these marks."""
        return Voice(self.events, origin, decisive, cleared, planned)

    def say(self, element: str, name: str, time: datetime, /, **details: str | int | float) -> None:
        """An element reports something that follows from the fault."""
        self.marked().say(element, name, time, **details)

    def blame(self, managed_object: str, cause: str, *, acceptable: Collection[str] = ()) -> None:
        """Write down a root cause."""
        self.root_causes.append(RootCause(managed_object, cause))
        self.acceptable.extend(acceptable)

    def commit(self, settings: Configuration, time: datetime, author: str) -> ConfigCommit:
        """Record a changed configuration, as fetched shortly after the change."""
        fetched = time + timedelta(seconds=round(self.between(4, 9)))
        commit = commit_of(self.network, settings, fetched, author)
        self.commits.append(commit)
        return commit

    def prove(self, proves: Callable[[Event], bool]) -> None:
        """Mark records that were written before as decisive."""
        self.events = [
            replace(event, decisive=True) if proves(event) else event for event in self.events
        ]

    def is_dead(self, element: str, moment: datetime) -> bool:
        """Whether an element cannot say anything."""
        return any(element in outage.dead and outage.covers(moment) for outage in self.outages)
