"""The site's alarm desk: the store, kept up to date, and triage over what the site knows.

Tools, commands and the site's own watch ask here, so all of them see the same incident.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, tzinfo

from agents.alarm_triage import triage
from agents.findings import AlarmSummary
from mcp_servers.alarms.store import AlarmCounts, AlarmStore, Progress
from mcp_servers.configs.desk import NO_HISTORY, ConfigDesk
from mcp_servers.site_directory import SiteDirectory
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

_logger = logging.getLogger(__name__)


class AlarmDesk:
    """Windows, summaries and fresh alarms. Safe to use from several threads."""

    def __init__(
        self,
        site: SiteDirectory,
        store: AlarmStore,
        topology: Topology,
        configs: ConfigDesk,
    ) -> None:
        """Bring together what triage needs.

        Args:
            site: Where alarm files are.
            store: Their index.
            topology: The site's topology.
            configs: Configuration history, if there is one.
        """
        self.store = store
        self.topology = topology
        self._site = site
        self._configs = configs
        self._lock = threading.Lock()
        self._looked = float("-inf")
        self._summaries: OrderedDict[tuple[Window, int, int], AlarmSummary] = OrderedDict()

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
                self.store.ingest(self._site)
                self._looked = time.monotonic()

    def ingest(self, *, progress: Progress | None = None) -> AlarmCounts:
        """Take in alarm files now."""
        with self._lock:
            counts = self.store.ingest(self._site, progress=progress)
            self._looked = time.monotonic()
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
        key = (window, budget_tokens, self.store.revision)
        with self._lock:
            known = self._summaries.get(key)
        if known is not None:
            return known
        alarms = self.store.between(window)
        before = self.store.between(
            Window(window.start - LOOK_BACK, window.start - timedelta(microseconds=1))
        )
        changes, addresses, gaps = self._configuration(window)
        summary = triage(
            alarms,
            self.topology,
            window,
            budget_tokens=budget_tokens,
            changes=changes,
            before=before,
            same_hours=[self.store.between(_days_before(window, days)) for days in DAYS_COMPARED],
            addresses=addresses,
        )
        if undated := self.store.undated():
            gaps.append(Gap(what="alarms", why=f"{undated} records carry no time"))
        if unread := self.store.unread():
            gaps.append(
                Gap(
                    what="alarms",
                    why=f"{unread} records cannot be read; store/rejects.jsonl names them",
                )
            )
        summary = summary.model_copy(update={"gaps": (*summary.gaps, *gaps)})
        with self._lock:
            self._summaries[key] = summary
            while len(self._summaries) > _REMEMBERED:
                self._summaries.popitem(last=False)
        return summary

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
