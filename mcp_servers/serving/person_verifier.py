"""Whom a caller acts for: believed only when its orchestrator signed it, for this very request.

The bearer token says which program calls; it says nothing about the engineer behind it. So a name
in a request's metadata counts only as a statement signed with the key that `site.yaml` has for that
caller. Anything else is recorded as unverified, never as a person.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jwt

from mcp_servers.serving.identity import Caller
from mcp_servers.serving.issuer_keys import PublicKey, algorithms_of, keys_in_file
from mcp_servers.site_directory import CallerSettings
from telecom.person_statement import (
    CLOCK_LEEWAY_SECONDS,
    PERSON_PSEUDONYM,
    STATEMENT_SECONDS,
    STATEMENT_TYPE,
    UNVERIFIED,
    statement_audience,
)

_LARGEST_STATEMENT = 4096
_logger = logging.getLogger(__name__)


class PersonVerifier:
    """Reads statements about people; knows nobody's name."""

    def __init__(
        self, site_id: str, keys: Mapping[tuple[str, str], Mapping[str, PublicKey]] | None = None
    ) -> None:
        """Verify for a site.

        Args:
            site_id: The site, and so the audience of statements.
            keys: (issuer, client) of a caller -> its statement keys by id; nobody's by default.
        """
        self._audience = statement_audience(site_id)
        self._keys = dict(keys or {})

    @classmethod
    def open(
        cls, site_id: str, callers: Sequence[CallerSettings], *, folder: Path
    ) -> PersonVerifier:
        """Trust the `statement_keys` of the rows in `site.yaml`.

        Raises:
            IdentityError: A key file cannot be read or holds no key.
        """
        keys: dict[tuple[str, str], dict[str, PublicKey]] = {}
        for row in callers:
            if row.statement_keys is not None:
                known = keys.setdefault((row.issuer, row.client), {})
                known.update(keys_in_file(folder / row.statement_keys))
        return cls(site_id, keys)

    def person(self, stated: object, caller: Caller, investigation: str | None) -> str | None:
        """The pseudonym of whom a request is made for.

        Args:
            stated: What stands in the request's metadata: any JSON.
            caller: Who sent it.
            investigation: What the same request says it is for.

        Returns:
            None when nobody was named, `UNVERIFIED` when the name is not vouched for.
        """
        if stated is None:
            return None
        keys = self._keys.get((caller.issuer, caller.client))
        if keys is None:
            return UNVERIFIED
        try:
            return self._verified(stated, keys, investigation)
        except (jwt.PyJWTError, ValueError, TypeError, KeyError, RecursionError) as exc:
            _logger.warning(
                "whom %s acts for is not verified: %s", caller.client, type(exc).__name__
            )
            return UNVERIFIED

    def _verified(
        self, stated: object, keys: Mapping[str, PublicKey], investigation: str | None
    ) -> str:
        if not isinstance(stated, str) or len(stated) > _LARGEST_STATEMENT:
            raise ValueError("no statement")
        header = jwt.get_unverified_header(stated)
        key = keys[str(header.get("kid", ""))]
        if header.get("typ") != STATEMENT_TYPE:
            raise ValueError("a token of another kind")
        claims: dict[str, Any] = jwt.decode(
            stated,
            key,
            algorithms=list(algorithms_of(key)),
            audience=self._audience,
            leeway=CLOCK_LEEWAY_SECONDS,
            options={"require": ["aud", "sub", "iat", "exp"]},
        )
        if claims["exp"] - claims["iat"] > STATEMENT_SECONDS:
            raise ValueError("it claims to hold too long")
        if investigation is None or claims.get("investigation") != investigation:
            raise ValueError("it is for another investigation")
        if not PERSON_PSEUDONYM.fullmatch(claims["sub"]):
            raise ValueError("it names no pseudonym")
        return str(claims["sub"])
