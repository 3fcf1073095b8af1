"""What can be seen of a site from its answers: policy, clock, certificate; and the token for it."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Literal
from urllib.parse import urlsplit

import httpx
from pydantic import BaseModel, ConfigDict, ValidationError

from orchestrator.capped_http import CappedTransport
from orchestrator.settings import SiteDeclaration
from placement.policy import Policy
from telecom.examination import (
    Check,
    judge_clock,
    judge_expiry,
    judge_token,
    served_certificate_ends,
)

SCOPES = frozenset({"tickets:read", "alarms:read", "configs:read"})
"""What an investigation asks a site for."""
_PATIENCE_S = 5.0
_LARGEST_ANSWER = 100_000


class _PolicyThere(BaseModel):
    """What a site says about its policy."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    state: Literal["current", "last_good", "closed"]
    policy_sha256: str
    catalogue_sha256: str
    loaded_at: str | None
    problems: int


class _Readiness(BaseModel):
    """The part of a site's `/readyz` that is needed here."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    policy: _PolicyThere


async def examine_wire(site: SiteDeclaration, policy: Policy) -> AsyncIterator[Check]:
    """Look at what a site's own door says; nothing for one behind a gateway or a child process."""
    if site.url is None:
        return
    for check in _token(site):
        yield check
    if site.transport == "gateway":
        return
    context = _context(site)
    if isinstance(context, Check):
        yield context
        return
    if site.url.startswith("https:"):
        yield await asyncio.to_thread(_certificate, site, context)
    try:
        transport = CappedTransport(_LARGEST_ANSWER, authorities=context)
        async with httpx.AsyncClient(timeout=_PATIENCE_S, transport=transport) as http:
            answer = await http.get(f"{site.url.rstrip('/')}/readyz")
    except httpx.HTTPError:
        return  # the check of its tools says that it does not answer
    yield judge_clock(f"{site.name}: clock", answer.headers.get("date"), now=datetime.now(UTC))
    try:
        told = _Readiness.model_validate_json(answer.content).policy
    except ValidationError:
        return
    yield _policy(site.name, told, policy)


def _policy(site: str, told: _PolicyThere, own: Policy) -> Check:
    """Which policy the site's own gate has in force, beside the one that is asked here first."""
    what = f"{site}: policy"
    version = f"policy {told.policy_sha256[:12]}, catalogue {told.catalogue_sha256[:12]}"
    if told.state == "closed":
        return Check(
            what=what,
            verdict="fail",
            says="none ever loaded: the gate is closed",
            next="tierwise-site doctor DIR on the site names file and line",
        )
    if told.state == "last_good":
        says = f"its files do not validate; {version} of {told.loaded_at} decides"
        cure = "tierwise-site doctor DIR on the site names file and line"
        return Check(what=what, verdict="warn", says=says, next=cure)
    if (told.policy_sha256, told.catalogue_sha256) != (own.policy_sha256, own.catalogue_sha256):
        return Check(
            what=what,
            verdict="warn",
            says=f"{version}: another than here, so the site may refuse what is planned here",
            next="promote one release to both: tierwise-site artifact promote DIR policy, and "
            "`policy:` of tierwise.yaml",
        )
    return Check(what=what, verdict="ok", says=f"{version}, the same as here")


def _token(site: SiteDeclaration) -> Iterator[Check]:
    if site.token_file is None:
        return
    what = f"{site.name}: token"
    cure = f"tierwise-site token DIR --scopes {','.join(sorted(SCOPES))} --ttl 7d"
    try:
        token = site.token_file.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        says = f"{site.token_file} cannot be read"
        yield Check(what=what, verdict="fail", says=says, next=cure)
        return
    yield judge_token(what, token, SCOPES, now=datetime.now(UTC), cure=cure)


def _context(site: SiteDeclaration) -> ssl.SSLContext | Check:
    try:
        return ssl.create_default_context(
            cafile=None if site.ca_file is None else str(site.ca_file)
        )
    except OSError as exc:
        return Check(
            what=f"{site.name}: certificate",
            verdict="fail",
            says=f"{site.ca_file} cannot be used: {exc}",
            next="`ca_file` names the PEM of the authority that signed the site's certificate",
        )


def _certificate(site: SiteDeclaration, context: ssl.SSLContext) -> Check:
    what, at = f"{site.name}: certificate", urlsplit(site.url or "")
    cure = "renew it on the site: docs/runbooks/key-rotation.md"
    try:
        ends = served_certificate_ends(
            at.hostname or "", at.port or 443, context, timeout_s=_PATIENCE_S
        )
    except ssl.SSLError as exc:
        says = f"not trusted: {exc.reason or exc}"
        return Check(what=what, verdict="fail", says=says, next=cure)
    except OSError:
        return Check(what=what, verdict="not checked", says="the site does not answer")
    return judge_expiry(what, ends, now=datetime.now(UTC), cure=cure)
