"""`Breaker`: a site that does not answer is not asked again at once.

Two failures in a row open it; then calls fail without a wait until it is told that the site is
heard again, or a pause has passed and one call may try.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from telecom.errors import SiteUnavailableError, ToolTimeoutError

_FAILURES = 2
_PAUSE_S = 10.0


class Breaker:
    """The memory of one site's failures."""

    def __init__(self, site: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._site = site
        self._clock = clock
        self._failures = 0
        self._opened_at: float | None = None
        self._trying = False
        self.failing_since: datetime | None = None
        """The first of the failures that nothing was heard after."""

    @property
    def is_open(self) -> bool:
        """Whether a call would be refused now."""
        if self._opened_at is None:
            return False
        return self._trying or self._clock() - self._opened_at < _PAUSE_S

    @property
    def failing(self) -> bool:
        """Whether the last call found nobody."""
        return self._failures > 0

    def heard(self) -> None:
        """The site has answered something: it may be asked."""
        self._failures, self._opened_at, self._trying = 0, None, False
        self.failing_since = None

    @contextmanager
    def guarding(self) -> Iterator[None]:
        """Make a call in this block.

        Raises:
            SiteUnavailableError: It is open.
        """
        if self.is_open:
            raise SiteUnavailableError(
                self._site, f"it failed {self._failures} times in a row and is asked again soon"
            )
        self._trying = self._opened_at is not None
        try:
            yield
        except (SiteUnavailableError, ToolTimeoutError):
            self._failures += 1
            self._trying = False
            self.failing_since = self.failing_since or datetime.now(UTC)
            if self._failures >= _FAILURES:
                self._opened_at = self._clock()
            raise
        except BaseException:
            self._trying = False
            raise
        self.heard()
