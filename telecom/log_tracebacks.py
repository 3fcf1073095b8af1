"""`WordlessTracebacks`: a log says where something broke and what kind it was, never what it said.

Libraries put values into the texts of exceptions: a model's validation error quotes its input, and
the input may be a ticket or an alarm. Code lines are ours and stay.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterator
from types import TracebackType

ExceptionInfo = (
    tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
)
"""What `sys.exc_info()` gives."""


class WordlessTracebacks(logging.Formatter):
    """Writes a record's exception down without its message, with what caused it first."""

    def formatException(self, ei: ExceptionInfo) -> str:  # noqa: N802 - the library's name
        """Frames and types."""
        error = ei[1]
        return "" if error is None else "\n".join(_told(error))

    def format(self, record: logging.LogRecord) -> str:
        """The record as a line, and below it where it broke."""
        record.exc_text = None  # another handler's formatter may have left the whole text there
        return super().format(record)


def _told(error: BaseException) -> Iterator[str]:
    """Where an exception was raised, after whatever it came of."""
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if before is not None:
        yield from _told(before)
    yield "".join(traceback.format_tb(error.__traceback__)) + type(error).__name__
    if isinstance(error, BaseExceptionGroup):
        for one in error.exceptions:
            yield from _told(one)
