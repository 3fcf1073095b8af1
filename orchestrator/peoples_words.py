"""People's words: a question may name a subscriber, and then it is not ours to read.

Where the site is at hand it replaces identifiers in its own way, names of its tickets included;
otherwise text in which the shared detector finds one is refused.
"""

from __future__ import annotations

import ssl
import subprocess
from pathlib import Path

import httpx
from mcp.client.stdio import get_default_environment

from orchestrator.settings import SiteDeclaration
from orchestrator.site_process import site_process
from telecom.errors import InvalidArgumentError, SiteUnavailableError
from telecom.identifiers import DetectorSettings, IdentifierDetector

_PATIENCE_S = 60.0
_HTTP_PATIENCE_S = 10.0


def without_identifiers(
    text: str, *, site_dir: Path | None, site: SiteDeclaration | None = None
) -> str:
    """Give back `text` with its identifiers replaced by the site.

    Args:
        text: A question, comment or correction as somebody typed it.
        site_dir: A site directory whose own command can mask it; None when only a URL is known.
        site: A site that is served: it is asked first, and out of reach it is as if unknown.

    Raises:
        InvalidArgumentError: It holds an identifier and no site at hand can replace it.
        SiteUnavailableError: The site's command failed.
    """
    if site is not None:
        masked = _pseudonymized(text, site)
        if masked is not None:
            return masked
    found = IdentifierDetector(DetectorSettings()).find(text)
    if not found:
        return text
    if site_dir is None:
        kinds = ", ".join(sorted({str(identifier.kind) for identifier in found}))
        raise InvalidArgumentError(
            "question",
            f"the question holds an identifier ({kinds}); leave it out, or use the pseudonym "
            "that the site gave it",
        )
    child = site_process(site_dir)
    try:
        answer = subprocess.run(
            [child.command, "anonymize", str(site_dir)],
            input=text,
            capture_output=True,
            text=True,
            timeout=_PATIENCE_S,
            check=True,
            env={**get_default_environment(), **child.environment},
        )
    except (OSError, subprocess.SubprocessError) as exc:
        raise SiteUnavailableError(
            str(site_dir), "it could not replace the identifiers in the question"
        ) from exc
    return answer.stdout.strip()


def _pseudonymized(text: str, site: SiteDeclaration) -> str | None:
    """What the site's `/pseudonymize` makes of `text`; None when it cannot be had."""
    if site.url is None or site.token_file is None or site.transport == "gateway":
        return None
    trusted = True if site.ca_file is None else ssl.create_default_context(cafile=str(site.ca_file))
    try:
        token = site.token_file.read_text(encoding="ascii").strip()
        with httpx.Client(timeout=_HTTP_PATIENCE_S, trust_env=False, verify=trusted) as client:
            answer = client.post(
                f"{site.url.rstrip('/')}/pseudonymize",
                json={"text": text},
                headers={"Authorization": f"Bearer {token}"},
            )
        masked = answer.json().get("text") if answer.status_code == httpx.codes.OK else None
    except (OSError, ValueError, AttributeError, httpx.HTTPError):
        return None
    return masked if isinstance(masked, str) else None
