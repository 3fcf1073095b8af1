"""Which way of signing in the settings ask for."""

from __future__ import annotations

from orchestrator.console.sessions import Sessions
from orchestrator.console.sign_in import SignIn
from orchestrator.console_settings import Console


def sign_in_for(sessions: Sessions, settings: Console) -> SignIn:
    """The way in."""
    return SignIn(sessions, settings)
