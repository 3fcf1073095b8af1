"""The site's alarm desk: the store, kept up to date, and triage over what the site knows.

Tools, commands and the site's own watch ask here, so all of them see the same incident.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from agents.alarm_triage import triage
from agents.fidelity import facts_of
from agents.findings import AlarmSummary
from agents.folding import in_order
from agents.salience import HAND_SET, SalienceFilter
from mcp_servers.alarms.file_intake import AlarmCounts, Progress
from mcp_servers.alarms.incidents import IncidentLog
from mcp_servers.alarms.store import AlarmStore
from mcp_servers.briefs.rewriter import SiteRewriter
from mcp_servers.configs.desk import NO_HISTORY, ConfigDesk
from mcp_servers.serving.tool_threads import stop_if_cancelled
from mcp_servers.site_directory import SiteDirectory
from telecom.alarm import Alarm
from telecom.bulk_work import no_garbage_collection
from telecom.configuration import ConfigChange
from telecom.errors import InvalidArgumentError, OperatorError, RecordNotFoundError
from telecom.evidence import Gap
from telecom.times import Window, parse_instant
from telecom.topology import Topology

LOOK_BACK = timedelta(hours=6)
"""How much of the time before a window shows what is usual."""
DAYS_COMPARED = (1, 2, 3)
"""Earlier days whose same hours show what comes back daily."""
CHANGES_BACK = timedelta(hours=24)
"""How long before a window's end a change still counts as suspicious."""
MAX_CHANGES = 50
LONGEST_WINDOW = timedelta(days=31)
_REFRESH_SECONDS = 5.0
"""How old the look at `alarms/` may be; a scan of a thousand files takes some ten milliseconds."""
_REMEMBERED = 8
_SKEWS_TOLD = 3
"""Clocks that a summary names; `tierwise-site incidents` shows all of them."""

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class WindowMaterial:
    """What triage reads of one window."""

    alarms: Sequence[Alarm]
    before: Sequence[Alarm]
    same_hours: Sequence[Sequence[Alarm]]
    """The same hours of earlier days."""
    changes: Sequence[ConfigChange]
    addresses: Mapping[str, str]
    gaps: Sequence[Gap]


class AlarmDesk:
    """Windows, summaries and fresh alarms. Safe to use from several threads."""

    def __init__(
        self,
        site: SiteDirectory,
        store: AlarmStore,
        topology: Topology,
        configs: ConfigDesk,
        incidents: IncidentLog,
        *,
        salience: Callable[[], SalienceFilter] = lambda: HAND_SET,
        rewriter: Callable[[], SiteRewriter | None] = lambda: None,
    ) -> None:
        """Bring together what triage needs.

        Args:
            site: Where alarm files are.
            store: Their index.
            topology: The site's topology.
            configs: Configuration history, if there is one.
            incidents: Incidents over the same index.
            salience: Gives the filter in force, which ranks the messages of a brief.
            rewriter: Gives the small model that rewrites briefs, if the site has one.
        """
        self._salience = salience
        self._rewriter = rewriter
        self.store = store
        self.topology = topology
        self.incidents = incidents
        self._site = site
        self._configs = configs
        self._lock = threading.Lock()
        self._looked = float("-inf")
        self._summaries: OrderedDict[tuple[Window, int, int, str], AlarmSummary] = OrderedDict()

    def close(self) -> None:
        """Close the store."""
        self.store.close()

    @property
    def zone(self) -> tzinfo:
        """Of every time that carries none."""
        return self._site.timezone

    def refresh(self) -> None:
        """Take in alarm files that are new or changed since the last look."""
        with self._lock:
            if time.monotonic() - self._looked >= _REFRESH_SECONDS:
                self._take_in()
                self._looked = time.monotonic()

    def ingest(self, *, progress: Progress | None = None) -> AlarmCounts:
        """Take in alarm files now."""
        with self._lock:
            counts = self._take_in(progress)
            self._looked = time.monotonic()
        return counts

    def take_in_received(self) -> None:
        """Take in what live intake appended since the last call; cheap when it was nothing."""
        with self._lock:
            if self.store.ingest_received(self._site):
                self.incidents.follow(time.time())

    def _take_in(self, progress: Progress | None = None) -> AlarmCounts:
        counts = self.store.ingest(self._site, progress=progress)
        self.incidents.follow(time.time())
        return counts

    def window(self, from_time: str | None, to_time: str | None) -> Window:
        """Read a window: the newest burst without times, to or from one time with one.

        Raises:
            InvalidArgumentError: Not ISO 8601, the wrong way round, or longer than a month.
            RecordNotFoundError: No times are given and the site has no alarm with a time.
        """
        start = None if from_time is None else self._instant(from_time, "from_time")
        end = None if to_time is None else self._instant(to_time, "to_time")
        if start is None or end is None:
            self.refresh()
            burst = self.store.newest_burst()
            if burst is None:
                raise RecordNotFoundError(
                    "incident",
                    "newest",
                    hint="it holds no alarm that carries a time; put alarm files under alarms/",
                )
            if start is None and end is None:
                return burst
            start = start or (end or burst.end) - LOOK_BACK
            end = end or max(start, burst.end)
        window = Window(start, end)
        if end - start > LONGEST_WINDOW:
            raise InvalidArgumentError(
                "from_time", f"a window may span {LONGEST_WINDOW.days} days at most; narrow it"
            )
        return window

    def _instant(self, text: str, argument: str) -> datetime:
        return parse_instant(text, zone=self.zone, argument=argument)

    def summarize(self, window: Window, budget_tokens: int) -> AlarmSummary:
        """Fold a window, with topology, recent changes and what was usual before it."""
        self.refresh()
        salience, rewriter = self._salience(), self._rewriter()
        key = (window, budget_tokens, self.store.revision, salience.name)
        with self._lock:
            known = self._summaries.get(key)
        if known is not None:
            return known
        stop_if_cancelled()
        found = self.material(window)
        stop_if_cancelled()
        summary = triage(
            found.alarms,
            self.topology,
            window,
            budget_tokens=budget_tokens,
            changes=found.changes,
            before=found.before,
            same_hours=found.same_hours,
            addresses=found.addresses,
            salience=salience,
        )
        if rewriter is not None:
            facts = facts_of(in_order(found.alarms), found.changes)
            summary = rewriter.rewritten(summary, facts, budget_tokens)
        gaps = [*found.gaps]
        if undated := self.store.undated():
            gaps.append(Gap(what="alarms", why=f"{undated} records carry no time"))
        if unread := self.store.unread():
            gaps.append(
                Gap(
                    what="alarms",
                    why=f"{unread} records cannot be read; store/rejects.jsonl names them",
                )
            )
        spoke = {alarm.device.lower() for alarm in found.alarms}
        skewed = [skew for skew in self.store.clock_skews() if skew.device in spoke]
        gaps += [
            Gap(what="clock", why=f"the clock of {skew.device} is off by {skew.seconds:+.0f} s")
            for skew in skewed[:_SKEWS_TOLD]
        ]
        summary = summary.model_copy(update={"gaps": (*summary.gaps, *gaps)})
        with self._lock:
            self._summaries[key] = summary
            while len(self._summaries) > _REMEMBERED:
                self._summaries.popitem(last=False)
        return summary

    @no_garbage_collection()
    def material(self, window: Window) -> WindowMaterial:
        """What the site knows of a window: its records, what was usual, what changed."""
        before = Window(window.start - LOOK_BACK, window.start - timedelta(microseconds=1))
        changes, addresses, gaps = self._configuration(window)
        return WindowMaterial(
            alarms=self.store.between(window),
            before=self.store.between(before),
            same_hours=[self.store.between(_days_before(window, days)) for days in DAYS_COMPARED],
            changes=changes,
            addresses=addresses,
            gaps=gaps,
        )

    def _configuration(
        self, window: Window
    ) -> tuple[Sequence[ConfigChange], Mapping[str, str], list[Gap]]:
        """Changes and addresses; without them triage still works, and says what it lacked."""
        try:
            if not self._configs.has_history:
                return (), {}, [NO_HISTORY]
            day = Window(window.start - CHANGES_BACK, window.end)
            changes = self._configs.list_changes(day, limit=MAX_CHANGES)
            return changes, self._configs.addresses(), []
        except OperatorError as exc:
            _logger.warning("%s: %s", exc.code, exc)
            return (), {}, [Gap(what="configuration", why=f"it cannot be read ({exc.code})")]


def _days_before(window: Window, days: int) -> Window:
    shift = timedelta(days=days)
    return Window(window.start - shift, window.end - shift)
