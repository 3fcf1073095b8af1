"""`IntakeFollower`: turns what was received into stored alarms and incidents, as it comes.

It also is the watch on the site's directory: files that others drop under `alarms/` are taken in
some seconds later.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Callable

from mcp_servers.alarms.desk import AlarmDesk
from mcp_servers.intake.journal import ReceivedJournal
from telecom.errors import TierwiseError

_LOOK_SECONDS = 5.0
"""Between looks at the directory, and at incidents that time alone closes."""
_GATHER_SECONDS = 0.05
"""After news: a burst is stored together."""
_TIDY_SECONDS = 3600.0

_logger = logging.getLogger(__name__)


class IntakeFollower:
    """A thread beside the server."""

    def __init__(self, desk: AlarmDesk, keep_days: int) -> None:
        """Prepare.

        Args:
            desk: Takes alarms in.
            keep_days: How long received files are kept.
        """
        self._desk = desk
        self._keep_days = keep_days
        self._journal: ReceivedJournal | None = None
        self._news = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="intake-follower", daemon=True)

    def start(self, journal: ReceivedJournal) -> None:
        """Begin to follow a journal, and to keep it tidy."""
        self._journal = journal
        self._thread.start()

    def stop(self) -> None:
        """Take in what is left and end."""
        self._stopping.set()
        self._news.set()
        self._thread.join()

    def tell(self) -> None:
        """Say that something was kept."""
        self._news.set()

    def _run(self) -> None:
        looked = tidied = float("-inf")
        while not self._stopping.is_set():
            if self._news.wait(_LOOK_SECONDS):
                self._stopping.wait(_GATHER_SECONDS)
                self._news.clear()
                self._try(self._desk.take_in_received)
            now = time.monotonic()
            if now - looked >= _LOOK_SECONDS:
                looked = now
                self._try(self._desk.refresh)
            if now - tidied >= _TIDY_SECONDS:
                tidied = now
                self._try(self._tidy)
        self._try(self._desk.take_in_received)

    def _tidy(self) -> None:
        if self._journal is not None:
            self._journal.discard_older(self._keep_days)

    def _try(self, step: Callable[[], None]) -> None:
        """A full disk or a damaged store must not end the intake; what was received stays."""
        try:
            step()
        except TierwiseError as exc:
            _logger.error("alarms are received but cannot be stored (%s)", exc.code)
        except (sqlite3.Error, OSError) as exc:
            _logger.error("alarms are received but cannot be stored (%s)", type(exc).__name__)
