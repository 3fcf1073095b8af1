"""Who calls: a trigger source is known by its signature or its bearer token, or not at all."""

from __future__ import annotations

import hashlib
import hmac
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from orchestrator.secret_files import read_secret
from orchestrator.service_settings import Principal, Scope, TriggerKind, TriggerSource
from orchestrator.settings import Settings
from telecom.errors import IdentityError, SettingsError
from telecom.webhook_signature import SIGNATURE_HEADER, check_webhook

_NAMED_SITE = re.compile(rb'"site"\s*:\s*"([A-Za-z0-9._:/-]{1,128})"')


@dataclass(frozen=True, slots=True)
class KnownSource:
    """A source with its secrets read."""

    declaration: TriggerSource
    secret: bytes | None
    token: bytes | None

    def keyed(self, text: str) -> str:
        """A digest that only who has the source's secret could compute."""
        key = self.secret or self.token or b""
        return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()[:32]


class Callers:
    """The trigger sources and principals of the settings."""

    def __init__(self, settings: Settings) -> None:
        """Read every secret.

        Raises:
            SettingsError: One cannot be read, or two sources of a kind share one.
        """
        self._sources = tuple(
            KnownSource(
                source,
                None if source.secret_file is None else read_secret(source.secret_file),
                None if source.token_file is None else read_secret(source.token_file),
            )
            for source in settings.triggers
        )
        _refuse_shared(self._sources)
        site_ids = {site.name: site.site_id or site.name for site in settings.sites}
        self._of_site: dict[str, list[KnownSource]] = {}
        for known in self._sources:
            if known.declaration.kind == "site":
                for name in known.declaration.sites:
                    self._of_site.setdefault(site_ids[name], []).append(known)
        self._principals = tuple((p, read_secret(p.token_file)) for p in settings.principals)

    def source(self, kind: TriggerKind, headers: Mapping[str, str], body: bytes) -> KnownSource:
        """Who sent a body.

        Raises:
            IdentityError: Nobody who may.
        """
        sources = self._likeliest_first(kind, body)
        if (signature := headers.get(SIGNATURE_HEADER.lower())) is not None:
            return _signer(sources, signature, body)
        token = _bearer(headers)
        for known in sources:
            if known.token is not None and hmac.compare_digest(known.token, token):
                return known
        raise IdentityError(
            f"no trigger source of kind {kind} has this token; `triggers` declares them"
        )

    def _likeliest_first(self, kind: TriggerKind, body: bytes) -> Iterator[KnownSource]:
        """The sources of a kind; of a thousand sites first the one that an envelope names.

        Only the order is the body's: who may enter is up to signature and token.
        """
        if kind == "site" and (named := _NAMED_SITE.search(body)) is not None:
            yield from self._of_site.get(named[1].decode(), ())
        yield from (known for known in self._sources if known.declaration.kind == kind)

    def principal(self, scope: Scope, headers: Mapping[str, str]) -> Principal:
        """Who calls the API.

        Raises:
            IdentityError: Nobody who has that scope.
        """
        token = _bearer(headers)
        for principal, known in self._principals:
            if hmac.compare_digest(known, token):
                if scope not in principal.scopes:
                    raise IdentityError(f"{principal.name} lacks the scope {scope}")
                return principal
        raise IdentityError("no principal has this token; `principals` declares them")


def _refuse_shared(sources: Sequence[KnownSource]) -> None:
    """Refuse two sources that could not be told apart."""
    owners: dict[tuple[TriggerKind, bytes], str] = {}
    for known in sources:
        kind, name = known.declaration.kind, known.declaration.name
        for secret in filter(None, (known.secret, known.token)):
            other = owners.setdefault((kind, secret), name)
            if other != name:
                raise SettingsError(
                    f"trigger sources {other!r} and {name!r} share a secret; give each its own"
                )


def _signer(sources: Iterable[KnownSource], signature: str, body: bytes) -> KnownSource:
    refusal = IdentityError(f"no trigger source signs for this path with {SIGNATURE_HEADER}")
    for known in sources:
        if known.secret is None:
            continue
        try:
            check_webhook(known.secret, body, signature, now=datetime.now(UTC))
        except IdentityError as exc:
            refusal = exc
        else:
            return known
    raise refusal


def _bearer(headers: Mapping[str, str]) -> bytes:
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise IdentityError(f"send a bearer token, or sign the body with {SIGNATURE_HEADER}")
    return token.strip().encode()


class RateLimit:
    """A bucket for each source: a minute's worth at once, then as fast as it fills."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._buckets: dict[str, tuple[float, float]] = {}

    def wait_s(self, source: TriggerSource) -> int:
        """How long the source has to wait; 0 lets this request in."""
        now, rate = self._clock(), source.per_minute / 60
        level, filled_at = self._buckets.get(source.name, (float(source.per_minute), now))
        level = min(float(source.per_minute), level + (now - filled_at) * rate)
        if level < 1:
            self._buckets[source.name] = (level, now)
            return int((1 - level) / rate) + 1
        self._buckets[source.name] = (level - 1, now)
        return 0
