"""A site's envelopes: the site's own gate wrote them, so they are kept as they are."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import ValidationError

from orchestrator.settings import Settings
from orchestrator.triggers.sources import KnownSource
from orchestrator.triggers.trigger import AROUND_AN_ENVELOPE, Trigger
from telecom.envelope import SiteEnvelope
from telecom.errors import IdentityError, InvalidArgumentError


def site_ids(settings: Settings) -> Mapping[str, frozenset[str]]:
    """Declared site -> the names that it may give itself."""
    return {
        site.name: frozenset({site.name} if site.site_id is None else {site.site_id})
        for site in settings.sites
    }


def read_envelope(
    body: bytes, source: KnownSource, sites: Mapping[str, frozenset[str]]
) -> tuple[SiteEnvelope, Trigger]:
    """Read what a site sent.

    Args:
        body: As it came.
        source: Who sent it.
        sites: What each site calls itself.

    Raises:
        InvalidArgumentError: It is no envelope; the message names the key and not its value.
        IdentityError: It speaks for a site that the source is not.
    """
    try:
        envelope = SiteEnvelope.model_validate_json(body)
    except ValidationError as exc:
        first = exc.errors(include_input=False, include_url=False, include_context=False)[0]
        where = ".".join(map(str, first["loc"])) or "body"
        raise InvalidArgumentError("envelope", f"no envelope: {where}: {first['type']}") from exc
    named = [name for name in source.declaration.sites if envelope.site in sites[name]]
    if not named:
        raise IdentityError(
            f"trigger source {source.declaration.name} does not speak for the site in the envelope;"
            " `sites[].site_id` is what a site calls itself"
        )
    begin, end = envelope.window
    try:
        window = (begin - AROUND_AN_ENVELOPE, end + AROUND_AN_ENVELOPE)
    except OverflowError as exc:
        raise InvalidArgumentError("envelope", "no envelope: window: out of range") from exc
    return envelope, Trigger(
        trigger_id=f"{source.declaration.name}:{envelope.envelope_id}",
        source=source.declaration.name,
        sites=(named[0],),
        window=window,
        perceived_severity=envelope.perceived_severity,
        site_incident=envelope.incident_id,
        event=envelope.event,
        envelope=envelope,
    )
