"""What a provider or load balancer says about somebody, turned into an engineer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from orchestrator.console.sessions import Engineer
from orchestrator.console_settings import Console
from telecom.errors import IdentityError

_LONGEST = 128
Claims = Mapping[str, Any]  # JSON that an identity provider signed


def engineer_of(claims: Claims, settings: Console) -> Engineer:
    """Who the verified claims speak of, and what they are in the NOC.

    Raises:
        IdentityError: They name nobody, or nobody with a role here.
    """
    subject = _text(claims.get("sub"))
    if not subject:
        raise IdentityError("the sign-in names nobody: its claims have no sub")
    said = claims.get(settings.role_claim)
    values = {said} if isinstance(said, str) else set(said if isinstance(said, list) else ())
    role = next((role for value, role in settings.roles.items() if value in values), None)
    if role is None:
        raise IdentityError(
            f"your account has no role in this console: {settings.role_claim} holds none of those "
            "in console.roles; ask whoever runs it"
        )
    name = _text(claims.get("name")) or _text(claims.get("email")) or subject
    return Engineer(subject, name, role)


def _text(value: object) -> str:
    return value.strip()[:_LONGEST] if isinstance(value, str) else ""
