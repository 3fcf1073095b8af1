"""A session of AgentCore Runtime is an incident, and an incident is a session.

The Runtime sends one session to one machine, so an incident that is asked for twice, by a retry or
by two people, is investigated once.
"""

from __future__ import annotations

import hashlib

SHORTEST_SESSION_ID = 33
"""Source: AgentCore, InvokeAgentRuntime, runtimeSessionId: 33 to 256 characters."""

_SEAL = 32


def session_of(incident_id: str) -> str:
    """The session in which an incident is investigated; at least 33 characters."""
    return f"{incident_id}-{_digest(incident_id)[:_SEAL]}"


def incident_of(session_id: str) -> str:
    """The incident that a session investigates; any session id has one."""
    incident_id, _, seal = session_id.rpartition("-")
    if incident_id and seal == _digest(incident_id)[:_SEAL]:
        return incident_id
    return f"inc-{_digest(session_id)[:12]}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
