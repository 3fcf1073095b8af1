"""`KeptRecords`: which records of a source's own log are on disk, so that none is kept twice.

A log (a partition of Kafka) hands out again what was kept and not acknowledged before a process
died. The journal says of such deliveries which record they are; its end tells what may come again.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from pathlib import Path

LOOKED_BACK_BYTES = 64 * 1024 * 1024
"""Of the journal's end: what comes again was the last thing a process did before it died."""
_RECORD = re.compile(
    rb'\{"received":"[^"]*","source":"[^"]*","peer":"(?:[^"\\]|\\.)*"'
    rb',"record":("(?:[^"\\]|\\.)*").*\}\n',
    re.DOTALL,
)
"""A whole line: of one that was cut off nothing was kept."""


class KeptRecords:
    """Of each log the records that may come again, named `log@place`."""

    def __init__(self, most: int) -> None:
        """Remember nothing yet.

        Args:
            most: Records of one log that may be on disk and not be acknowledged.
        """
        self._most = most
        self._places: defaultdict[str, dict[str, None]] = defaultdict(dict)

    def read(self, folder: Path) -> None:
        """Learn from the end of the journal in `folder`; a folder that is not there holds none."""
        newest_first, left = [], LOOKED_BACK_BYTES
        for path in sorted(folder.glob("????-??-??-*.jsonl"), reverse=True):
            if left <= 0:
                break
            newest_first.append((path, max(0, path.stat().st_size - left)))
            left -= path.stat().st_size
        for path, start in reversed(newest_first):
            with path.open("rb") as lines:
                lines.seek(start)
                for line in lines:
                    if found := _RECORD.fullmatch(line):
                        self.add(json.loads(found.group(1)))

    def add(self, record: str) -> None:
        """Remember one that is on disk."""
        log, _, place = record.rpartition("@")
        places = self._places[log]
        places[place] = None
        if len(places) > self._most:
            del places[next(iter(places))]

    def __contains__(self, record: str) -> bool:
        log, _, place = record.rpartition("@")
        return place in self._places.get(log, ())
