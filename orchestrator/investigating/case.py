"""`Case`: an investigation as it was kept, for whoever asks on about it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain

from agents.findings import AlarmSummary, Candidate, ChangeReview, TicketReview
from agents.predictions import Trials
from orchestrator.storage.state import State
from telecom.evidence import Evidence
from telecom.report import RootCauseReport
from telecom.times import Window
from telecom.topology import ManagedObject

_LINE_WORDS = re.compile(
    r"\b(?:up-?links?|links?|ports?|interfaces?|lines?|fib(?:re|er)s?)\b", re.I
)
_CHANGE_WORDS = re.compile(r"\b(?:changes?|configuration|config|commits?)\b", re.I)
_WORD = re.compile(r"[\w][\w./:-]*")
_COMMON = frozenset(
    "the was were are been had has not fine only that this what why all and for with from just "
    "about all right okay good down broken wrong there here one ones node site element router "
    "switch after before line lines link links port ports fault cause root".split()
)


@dataclass(frozen=True, slots=True)
class Case:
    """A finished investigation: its report and the findings it was made of."""

    report: RootCauseReport
    alarms: dict[str, AlarmSummary]
    """By site."""
    changes: tuple[ChangeReview, ...]
    tickets: tuple[TicketReview, ...]
    trials: Trials

    @property
    def window(self) -> Window:
        """The time that was looked at."""
        summaries = self.alarms.values()
        return Window(min(s.window[0] for s in summaries), max(s.window[1] for s in summaries))

    @property
    def evidence(self) -> dict[str, Evidence]:
        """Everything that was received, cited in the report or not."""
        found = dict(self.report.evidence)
        received = (
            *(summary.evidence for summary in self.alarms.values()),
            *(review.evidence for review in self.changes),
            *(review.evidence for review in self.tickets),
            *(sighting.evidence for sighting in self.trials.sightings),
        )
        for quotations in received:
            for key, quotation in quotations.items():
                found.setdefault(key, Evidence.received(quotation))
        return found

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        """The suspects of all sites, best first at each."""
        return tuple(chain.from_iterable(s.root_cause_candidates for s in self.alarms.values()))

    @property
    def leading(self) -> str | None:
        """The element that is asserted, or else suspected first."""
        if self.report.root_causes:
            return self.report.root_causes[0].managed_object
        return self.candidates[0].managed_object if self.candidates else None

    def candidate(self, managed_object: str) -> Candidate | None:
        """The suspicion of an element."""
        device = _device(managed_object)
        return next((c for c in self.candidates if _device(c.managed_object) == device), None)

    def names(self) -> tuple[str, ...]:
        """Every element that the findings name."""
        report = self.report
        found: Iterable[str] = chain(
            (cause.managed_object for cause in report.root_causes),
            (candidate.managed_object for candidate in self.candidates),
            (group.managed_object for s in self.alarms.values() for group in s.groups),
            (end for s in self.alarms.values() for j in s.topology for end in (j.source, j.target)),
            (change.managed_object for review in self.changes for change in review.changes),
            (entry.managed_object for entry in report.timeline),
            report.blast_radius.managed_objects,
        )
        return tuple(dict.fromkeys(ManagedObject.parse(name).device for name in found))

    def meant(self, words: str) -> tuple[str, ...]:
        """The elements that somebody's words may mean, the likeliest first.

        A whole name wins over a part of one; "the uplink" is the port or change that is suspected.
        """
        names = self.names()
        spoken = [w.strip(".:/-").lower() for w in _WORD.findall(words)]
        spoken = [w for w in spoken if w not in _COMMON and len(w) > 1]
        fitting = [name for word in spoken for name in fitting_names(word, names, whole=True)]
        fitting = fitting or [name for word in spoken for name in fitting_names(word, names)]
        if fitting:
            return tuple(dict.fromkeys(fitting))
        if _LINE_WORDS.search(words) or _CHANGE_WORDS.search(words):
            return self._line_or_change()
        return ()

    def _line_or_change(self) -> tuple[str, ...]:
        ports = [c.managed_object for c in self.candidates if ":" in c.managed_object]
        changed = [c.managed_object for c in self.report.changes_before_onset]
        leading = [self.leading] if self.leading is not None else []
        return tuple(dict.fromkeys((*leading[:1], *ports, *changed)))[:1]


def fitting_names(word: str, names: Iterable[str], *, whole: bool = False) -> list[str]:
    """The names that a word is, or is a part of; of a part at least three characters."""
    spoken = word.lower().partition(":")[0]
    if whole:
        return [name for name in names if name.lower() == spoken]
    part = spoken.rstrip("s")
    return [name for name in names if len(part) >= 3 and part in name.lower()]


def unknown_name(words: str) -> str | None:
    """A word that looks like an element's name, for a look-up at the sites."""
    named = (word.strip(".:/-") for word in _WORD.findall(words))
    lettered = (word for word in named if len(word) > 1 and any(c.isalpha() for c in word))
    return next((w for w in lettered if w.isupper() or any(c.isdigit() for c in w)), None)


async def load_case(state: State, incident_id: str) -> Case:
    """Read a finished investigation back.

    Raises:
        KeyError: There is none, or it has not come to its report.
    """
    report = await state.get(incident_id, "report", RootCauseReport)
    names = await state.names(incident_id)
    return Case(
        report=report,
        alarms={
            name.partition(":")[2]: await state.get(incident_id, name, AlarmSummary)
            for name in names
            if name.startswith("alarms:")
        },
        changes=tuple(
            [
                await state.get(incident_id, name, ChangeReview)
                for name in names
                if name.startswith("changes:")
            ]
        ),
        tickets=tuple(
            [
                await state.get(incident_id, name, TicketReview)
                for name in names
                if name.startswith("tickets:")
            ]
        ),
        trials=await state.get(incident_id, "trials", Trials),
    )


def _device(name: str) -> str:
    return ManagedObject.parse(name).device.lower()
