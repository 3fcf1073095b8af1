"""Logins of people at the site's own pages: short, in memory, gone with the process."""

from __future__ import annotations

import hmac
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from mcp_servers.serving.identity import Caller

SESSION_SECONDS = 30 * 60.0
"""Nobody stays logged in longer, whatever the token says."""
_MOST_SESSIONS = 1_000


@dataclass(frozen=True, slots=True)
class Session:
    """One login."""

    caller: Caller
    csrf: str
    """Has to come back with whatever changes something."""
    ends_at: float
    """Seconds since the epoch."""

    def accepts(self, csrf: str) -> bool:
        """Whether a form or request was made by a page of this session."""
        return hmac.compare_digest(csrf.encode(), self.csrf.encode())


class Sessions:
    """Sessions by the secret in a cookie; safe to use from several threads."""

    def __init__(self, *, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._sessions: dict[str, Session] = {}

    def begin(self, caller: Caller, *, token_ends_at: float) -> tuple[str, Session]:
        """Log somebody in until the token ends, or half an hour has passed."""
        ends_at = min(token_ends_at, self._now() + SESSION_SECONDS)
        session = Session(caller, secrets.token_urlsafe(24), ends_at)
        secret = secrets.token_urlsafe(32)
        with self._lock:
            self._drop_ended()
            if len(self._sessions) >= _MOST_SESSIONS:
                self._sessions.pop(next(iter(self._sessions)))
            self._sessions[secret] = session
        return secret, session

    def find(self, secret: str) -> Session | None:
        """The session of a cookie; None when it ended or never was."""
        with self._lock:
            self._drop_ended()
            return self._sessions.get(secret)

    def end(self, secret: str) -> None:
        """Log somebody out."""
        with self._lock:
            self._sessions.pop(secret, None)

    def _drop_ended(self) -> None:
        now = self._now()
        for secret in [s for s, session in self._sessions.items() if session.ends_at <= now]:
            del self._sessions[secret]
