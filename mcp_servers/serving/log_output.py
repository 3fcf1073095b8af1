"""Logs of the serving processes: on stderr, without the content of alarms, tickets or arguments.

Libraries put values into messages and into the texts of exceptions. What the detector finds is
masked in every record, and a traceback shows where something happened and of what type it was,
never what it said.
"""

from __future__ import annotations

import logging
import sys

from telecom.identifiers import IdentifierDetector, mask
from telecom.log_tracebacks import WordlessTracebacks

_OURS = ("agents", "mcp_servers", "placement", "rag", "telecom")
_USUAL = frozenset(vars(logging.makeLogRecord({}))) | {"asctime", "message"}
"""What every record has; the rest is an event's fields."""


class MaskingFormatter(WordlessTracebacks):
    """One line a record, identifiers replaced by their kind."""

    def __init__(self, detector: IdentifierDetector) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")
        self._detector = detector

    def format(self, record: logging.LogRecord) -> str:
        """Write a record down, masked."""
        text = super().format(record)
        return mask(text, self._detector.find(text))

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the library's name
        """The message, and the fields of an event of ours."""
        line = super().formatMessage(record)
        if not record.name.startswith(_OURS):
            return line
        fields = {key: value for key, value in vars(record).items() if key not in _USUAL}
        return " ".join([line, *(f"{key}={value}" for key, value in fields.items())])


def log_to_stderr(detector: IdentifierDetector) -> None:
    """Send logs to stderr, warnings and errors only from libraries.

    Args:
        detector: What it finds is masked; call again once more names are known.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(MaskingFormatter(detector))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("mcp_servers").setLevel(logging.INFO)
