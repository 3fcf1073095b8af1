"""Threads in which tools work: a bounded number, and none works on for a caller who has left."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from anyio import from_thread
from anyio.to_thread import run_sync

from telecom.errors import BudgetExceededError

MOST_AT_WORK = 80
"""Tools that work at a time, those of callers who have left included. At most half of them, the
limit of anyio's threads, work for somebody who waits."""

Answer = TypeVar("Answer")


class ToolThreads:
    """Runs the tools of one server; for one event loop."""

    def __init__(self, most: int = MOST_AT_WORK) -> None:
        self._free = threading.Semaphore(most)

    async def run(self, work: Callable[[], Answer]) -> Answer:
        """Do the work in a thread; cancelled, return at once and let the thread end by itself.

        Raises:
            BudgetExceededError: Too many tools are at work.
        """

        def counted() -> Answer:
            if not self._free.acquire(blocking=False):
                raise BudgetExceededError(
                    "tools_at_work",
                    "the site still works on too many calls that were given up; "
                    "try again in a minute",
                )
            try:
                return work()
            finally:
                self._free.release()

        return await run_sync(counted, abandon_on_cancel=True)


def stop_if_cancelled() -> None:
    """End a tool's work where nobody waits for it any more; elsewhere it does nothing.

    Raises:
        CancelledError: The call was cancelled, or took too long.
    """
    try:
        from_thread.check_cancelled()
    except RuntimeError:  # no thread of a tool: a command, or the site's own watch
        return
