"""What a site reaches and shows: the cloud half, models, certificates, secrets, clocks.

A site works on without any of it, so what cannot be reached is a warning. Nothing of the site is
sent to find out.
"""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import httpx
from cryptography import x509

from mcp_servers.secret_files import read_secret
from mcp_servers.serving.http_server import tls_options
from mcp_servers.site_directory import CloudSettings, EdgeModelServer, SiteDirectory
from telecom.errors import SettingsError
from telecom.examination import (
    Check,
    judge_clock,
    judge_expiry,
    judge_token,
    served_certificate_ends,
)

_PATIENCE_S = 3.0
_LARGEST_ANSWER = 1_000_000
_ROTATION = "docs/runbooks/key-rotation.md"


def wire_checks(site: SiteDirectory) -> Iterator[Check]:
    """Everything at the same time: a site that is cut off is examined in some seconds, too."""
    settings = site.settings
    asked: list[Callable[[], Iterator[Check]]] = [
        partial(_certificate, site),
        partial(_secrets, site),
    ]
    if (cloud := settings.cloud) is not None:
        asked.append(partial(_cloud, site, cloud))
    if (model := settings.edge_slm) is not None:
        asked.append(partial(_model, model))
    places = [
        ("Chroma server", settings.knowledge.chroma_url),
        ("NetBox", None if settings.netbox is None else settings.netbox.url),
        *((f"keys of {each.issuer}", each.jwks_url) for each in settings.issuers),
    ]
    asked += [partial(_reach, what, url) for what, url in places if url is not None]
    with ThreadPoolExecutor(len(asked), thread_name_prefix="doctor") as threads:
        for checks in threads.map(lambda ask: list(ask()), asked):
            yield from checks


def _certificate(site: SiteDirectory) -> Iterator[Check]:
    what, tls = "certificate", site.settings.serving.tls
    if tls is None:
        says = "none: plain HTTP, for loopback or behind a proxy that ends TLS"
        yield Check(what=what, verdict="ok", says=says)
        return
    try:
        tls_options(site, "")
        shown = x509.load_pem_x509_certificate((site.path / tls.certificate).read_bytes())
    except (SettingsError, OSError, ValueError) as exc:
        yield Check(what=what, verdict="fail", says=str(exc), next=_ROTATION)
        return
    ends = shown.not_valid_after_utc
    yield judge_expiry(what, ends, now=datetime.now(UTC), cure=_ROTATION)


def _secrets(site: SiteDirectory) -> Iterator[Check]:
    for source in site.settings.intake.sources:
        what = f"secret of {source.name}"
        try:
            read_secret(site.path / source.secret_file)
        except SettingsError as exc:
            yield Check(what=what, verdict="fail", says=str(exc), next=_ROTATION)
        else:
            yield Check(what=what, verdict="ok", says="closed to others, long enough")


def _cloud(site: SiteDirectory, cloud: CloudSettings) -> Iterator[Check]:
    for what, file in (("cloud secret", cloud.secret_file), ("cloud token", cloud.token_file)):
        if file is not None:
            yield _credential(what, site.path / file)
    at = urlsplit(cloud.url)
    try:
        context = ssl.create_default_context(
            cafile=None if cloud.ca_file is None else str(site.path / cloud.ca_file)
        )
    except OSError as exc:
        says = f"cloud.ca_file cannot be used: {exc}"
        yield Check(what="cloud certificate", verdict="fail", says=says, next=_ROTATION)
        return
    if at.scheme == "https":
        yield _cloud_certificate(at.hostname or "", at.port or 443, context)
    try:
        with httpx.Client(
            timeout=_PATIENCE_S, trust_env=False, verify=context, follow_redirects=False
        ) as client:
            answer = client.head(f"{cloud.url.rstrip('/')}/healthz")
    except httpx.HTTPError as exc:
        says = f"cannot be reached ({type(exc).__name__}); what it is to be told waits here"
        cure = "docs/runbooks/outage.md"
        yield Check(what="cloud half", verdict="warn", says=says, next=cure)
        says = "the cloud half does not answer"
        yield Check(what="clock", verdict="not checked", says=says, next="chronyc tracking")
        return
    yield Check(what="cloud half", verdict="ok", says=f"{at.hostname} answers")
    yield judge_clock("clock", answer.headers.get("date"), now=datetime.now(UTC))


def _credential(what: str, file: Path) -> Check:
    try:
        content = file.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as exc:
        return Check(what=what, verdict="fail", says=f"{file}: {exc}", next=_ROTATION)
    if not content:
        return Check(what=what, verdict="fail", says=f"{file} is empty", next=_ROTATION)
    if what == "cloud token" and content.count(".") == 2:
        now = datetime.now(UTC)
        return judge_token(what, content, frozenset(), now=now, cure=_ROTATION)
    return Check(what=what, verdict="ok", says="can be read")


def _cloud_certificate(host: str, port: int, context: ssl.SSLContext) -> Check:
    what = "cloud certificate"
    try:
        ends = served_certificate_ends(host, port, context, timeout_s=_PATIENCE_S)
    except ssl.SSLError as exc:
        says = f"not trusted: {exc.reason or exc}"
        cure = "`cloud.ca_file` names the PEM of its authority"
        return Check(what=what, verdict="fail", says=says, next=cure)
    except OSError:
        return Check(what=what, verdict="not checked", says="the cloud half does not answer")
    cure = "renew it where the cloud half ends TLS"
    return judge_expiry(what, ends, now=datetime.now(UTC), cure=cure)


def _model(server: EdgeModelServer) -> Iterator[Check]:
    """Whether the small model's server answers and has the model that is named."""
    what, cure = "small model", "start it, or correct `edge_slm`; briefs are extracted until then"
    try:
        with (
            httpx.Client(timeout=_PATIENCE_S, trust_env=False) as client,
            client.stream(
                "GET",
                f"{server.base_url.rstrip('/')}/models",
                headers={"Accept-Encoding": "identity"},
            ) as answer,
        ):
            content = next(answer.iter_raw(_LARGEST_ANSWER), b"")
        listed = {str(each["id"]) for each in json.loads(content)["data"]}
    except httpx.HTTPError as exc:
        says = f"cannot be reached ({type(exc).__name__})"
        yield Check(what=what, verdict="warn", says=says, next=cure)
        return
    except (ValueError, KeyError, TypeError):
        says = f"answers with status {answer.status_code} and no list of models"
        yield Check(what=what, verdict="warn", says=says, next=cure)
        return
    if server.model in listed:
        yield Check(what=what, verdict="ok", says=f"{server.model} is served")
    else:
        says = f"{server.model} is not among the {len(listed)} models it serves"
        yield Check(what=what, verdict="warn", says=says, next=cure)


def _reach(what: str, url: str) -> Iterator[Check]:
    at = urlsplit(url)
    port = at.port or (443 if at.scheme == "https" else 80)
    try:
        socket.create_connection((at.hostname or "", port), _PATIENCE_S).close()
    except OSError as exc:
        says = f"{at.hostname}:{port} cannot be reached ({exc.strerror or type(exc).__name__})"
        cure = "the site works on with what it has kept; look at that server and the way to it"
        yield Check(what=what, verdict="warn", says=says, next=cure)
    else:
        yield Check(what=what, verdict="ok", says=f"{at.hostname}:{port} answers")
