"""What really happened: the answer that `evaluate` compares with, read by nobody else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from mcp_servers.sample_site.people import Planted
from telecom.times import format_instant

CaseKind = Literal["single", "multiple", "none", "recovered", "missing"]


@dataclass(frozen=True, slots=True)
class RootCause:
    """One cause."""

    managed_object: str
    """`device` or `device:port`, spelled as in `topology.csv`."""
    cause: str
    """In a few words."""


@dataclass(frozen=True, slots=True)
class Truth:
    """One case: window, causes, proof."""

    family: str
    seed: int
    kind: CaseKind
    window: tuple[datetime, datetime]
    root_causes: tuple[RootCause, ...]
    """Empty exactly when the case has no cause that the data could tell."""
    acceptable: tuple[str, ...]
    """Other managed objects that an expert would accept."""
    decisive: tuple[str, ...]
    """Lines of logs or configuration, verbatim, that prove it."""
    path: tuple[str, ...]
    """Elements from the cause to those that lost service, in order of effect."""
    herrings: tuple[str, ...] = ()
    """Elements that said or did something unrelated near the onset."""
    undecided: tuple[str, ...] = ()
    """Managed objects between which missing data leaves no choice."""
    planted: tuple[Planted, ...] = ()
    """Every identifier that was written into the files."""

    def as_json(self) -> dict[str, Any]:
        """The content of `truth.json`."""
        return {
            "window": [format_instant(moment) for moment in self.window],
            "kind": self.kind,
            "root_causes": [
                {"managed_object": cause.managed_object, "cause": cause.cause}
                for cause in self.root_causes
            ],
            "acceptable": list(self.acceptable),
            "decisive": list(self.decisive),
            "path": list(self.path),
            "family": self.family,
            "seed": self.seed,
            "herrings": list(self.herrings),
            "undecided": list(self.undecided),
            "planted_identifiers": [
                {"kind": planted.kind, "value": planted.value} for planted in self.planted
            ],
        }
