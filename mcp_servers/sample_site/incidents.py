"""One incident of one family on one network: records, configuration commits, truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from mcp_servers.sample_site.config_history import (
    ConfigCommit,
    ConfigHistory,
    build_history,
    end_of_history,
)
from mcp_servers.sample_site.daily_life import daily_life
from mcp_servers.sample_site.delivery import Record, deliver, planted_in
from mcp_servers.sample_site.events import Event
from mcp_servers.sample_site.families import WRITERS
from mcp_servers.sample_site.herrings import add_herrings
from mcp_servers.sample_site.network import Network, rng_for
from mcp_servers.sample_site.people import People
from mcp_servers.sample_site.scene import Scene
from mcp_servers.sample_site.truth import Truth
from telecom.errors import InvalidArgumentError
from telecom.tokens import estimate_tokens

SLOT = timedelta(hours=4)
"""Time that one incident takes, quiet before and after included."""

_LEAD = (70, 100)
"""Minutes from the start of the slot to the onset: batteries need time to run down."""
_COVERED = timedelta(minutes=1)
"""How much of the records after the window is there: the investigation is on while it goes on."""
_SHORTEST = timedelta(minutes=2)
_LONGEST = timedelta(minutes=45)
"""A storm that is cut to size ends between these after the onset."""


@dataclass(frozen=True)
class Incident:
    """What an incident adds to a site."""

    truth: Truth
    records: tuple[Record, ...]
    """In order of arrival."""
    commits: tuple[ConfigCommit, ...]
    """In time order; they come after the history's."""

    def alarm_files(self) -> dict[str, str]:
        """File name in `alarms/` -> its lines, in order of arrival."""
        return files_of(self.records)


def files_of(records: Sequence[Record]) -> dict[str, str]:
    """File name in `alarms/` -> its content."""
    lines: dict[str, list[str]] = {}
    for record in records:
        lines.setdefault(record.file, []).append(record.line)
    return {file: "\n".join(lines[file]) + "\n" for file in sorted(lines)}


def generate_incident(
    network: Network,
    family: str,
    seed: int,
    *,
    at: datetime | None = None,
    history: ConfigHistory | None = None,
    people: People | None = None,
) -> Incident:
    """Generate one incident on top of a network and its history.

    Args:
        network: Where it happens.
        family: One of `FAMILIES`.
        seed: Decides culprit and details; same network, family and seed, same bytes.
        at: Start of the incident's slot of `SLOT`; None is the end of history. Incidents that
            share a store need slots that do not overlap.
        history: The network's history, where the caller has it already.
        people: Whose identifiers leak; None draws the network's own.

    Raises:
        InvalidArgumentError: No such family.
    """
    if family not in WRITERS:
        raise InvalidArgumentError(
            "family", f"family must be one of {', '.join(WRITERS)}, got {family!r}"
        )
    history = build_history(network) if history is None else history
    people = People(rng_for(network.seed, "people")) if people is None else people
    start = end_of_history(network) if at is None else at
    rng = rng_for(network.seed, "incident", family, seed)
    onset = start + timedelta(minutes=rng.uniform(*_LEAD))
    scene = Scene(network, history, people, rng, onset)
    WRITERS[family](scene)
    add_herrings(scene)
    routine = daily_life(network, people, rng, start, start + SLOT)
    events = [*scene.events, *_alive(scene, routine)]
    first_number = int((start - datetime(2020, 1, 1, tzinfo=start.tzinfo)).total_seconds()) // 6
    records = deliver(
        network,
        events,
        rng,
        first_number=first_number,
        outages=scene.outages,
        unheard=scene.unheard,
    )
    window = _window(scene, records)
    kept = tuple(record for record in records if record.arrived <= window[1] + _COVERED)
    commits = tuple(
        sorted(
            (commit for commit in scene.commits if commit.time <= window[1]),
            key=lambda commit: commit.time,
        )
    )
    proofs = (r for r in kept if r.event.decisive and window[0] <= r.printed <= window[1])
    lines = dict.fromkeys(record.line for record in proofs)
    truth = Truth(
        family=family,
        seed=seed,
        kind=scene.kind,
        window=window,
        root_causes=tuple(scene.root_causes),
        acceptable=tuple(dict.fromkeys(scene.acceptable)),
        decisive=(*lines, *scene.decisive),
        path=tuple(dict.fromkeys(scene.path)),
        herrings=tuple(scene.herrings),
        undecided=tuple(scene.undecided),
        planted=tuple(planted_in(kept)),
    )
    return Incident(truth, kept, commits)


def _alive(scene: Scene, routine: Sequence[Event]) -> list[Event]:
    """Routine records of elements that can say them."""
    return [event for event in routine if not scene.is_dead(event.element, event.time)]


def _window(scene: Scene, records: Sequence[Record]) -> tuple[datetime, datetime]:
    """From some minutes before the onset to its end, or until the storm has its size."""
    start = (scene.onset - scene.starts).replace(microsecond=0)
    end = (scene.onset + scene.ends).replace(microsecond=0)
    if scene.token_target is None:
        return start, end
    tokens, last = 0, start
    for record in records:
        if record.printed < start:
            continue
        if record.printed > scene.onset + _LONGEST:
            break
        tokens, last = tokens + estimate_tokens(record.line), record.printed
        if tokens >= scene.token_target and last > scene.onset + _SHORTEST:
            break
    return start, last.replace(microsecond=0)
