"""People's words: a question may name a subscriber, and then it is not ours to read.

Where a site is at hand it replaces identifiers in its own way: by its `/pseudonymize`, or by its
own command where its directory is here. Otherwise text in which the shared detector finds an
identifier is refused.
"""

from __future__ import annotations

import json
import re
import ssl
import subprocess
from collections.abc import Sequence
from pathlib import Path

import httpx
from mcp.client.stdio import get_default_environment

from orchestrator.settings import SiteDeclaration
from orchestrator.site_access.mcp_transports import HttpTarget
from orchestrator.site_access.site_process import site_process
from orchestrator.site_access.sites import targets_of
from telecom.errors import InvalidArgumentError, SiteUnavailableError
from telecom.identifiers import DetectorSettings, IdentifierDetector

_PATIENCE_S = 60.0
_MAY_BE_A_NUMBER = re.compile(r"(?<![\w.:/-])\+?\d{10,16}(?![\w:/-])")
"""Unlabelled and in prose, a detector has to let it pass; a person can say what it is."""
_SITE_PATIENCE_S = 10.0
_LARGEST_ANSWER = 1_000_000
_GROWTH, _SLACK = 8, 1_000
"""Pseudonyms are longer than what they stand for; an answer beyond that is none."""


def masked_words(words: str, sites: Sequence[SiteDeclaration]) -> str:
    """Let the first site that can do it replace the identifiers in somebody's words.

    Raises:
        InvalidArgumentError: They hold an identifier and no site at hand can replace it.
        SiteUnavailableError: The site's command failed.
    """
    directories = [site.site_dir for site in sites if site.site_dir is not None]
    for site in sites:
        released = _released(words, site)
        if released is not None:
            break
    else:
        released = without_identifiers(words, site_dir=directories[0] if directories else None)
    _refuse_bare_numbers(released)
    return released


def refuse_identifiers(words: str) -> None:
    """Make sure that words which a site is said to have released hold no identifier.

    Raises:
        InvalidArgumentError: They hold one, or a long bare number that may be one.
    """
    without_identifiers(words, site_dir=None)
    _refuse_bare_numbers(words)


def _refuse_bare_numbers(words: str) -> None:
    if _MAY_BE_A_NUMBER.search(words):
        raise InvalidArgumentError(
            "question",
            "the words hold a long bare number, which may be a subscriber's; leave it out, or say "
            "what it is (IMSI, MSISDN, ...) so that the site can replace it",
        )


def _released(words: str, site: SiteDeclaration) -> str | None:
    """The words as a served site releases them; None when it cannot be asked or does not say."""
    if site.url is None or site.token_file is None or site.transport == "gateway":
        return None
    target = targets_of(site)["alarms"]
    token = target.token if isinstance(target, HttpTarget) else None
    trusted = True if site.ca_file is None else ssl.create_default_context(cafile=str(site.ca_file))
    try:
        with httpx.stream(
            "POST",
            f"{site.url.rstrip('/')}/pseudonymize",
            json={"text": words},
            headers={"Authorization": f"Bearer {token}", "Accept-Encoding": "identity"},
            timeout=_SITE_PATIENCE_S,
            trust_env=False,
            verify=trusted,
        ) as answer:
            if answer.status_code != httpx.codes.OK:
                return None
            # As it came: unpacked, a few kilobytes may be gigabytes.
            content = json.loads(next(answer.iter_raw(_LARGEST_ANSWER), b""))
    except (httpx.HTTPError, ValueError):
        return None
    text = content.get("text") if isinstance(content, dict) else None
    return text if isinstance(text, str) and len(text) <= _GROWTH * len(words) + _SLACK else None


def without_identifiers(text: str, *, site_dir: Path | None) -> str:
    """Give back `text` with its identifiers replaced by the site.

    Args:
        text: A question, comment or correction as somebody typed it.
        site_dir: A site directory whose own command can mask it; None when only a URL is known.

    Raises:
        InvalidArgumentError: It holds an identifier and no site at hand can replace it.
        SiteUnavailableError: The site's command failed.
    """
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
        masked = subprocess.run(
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
    return masked.stdout.strip()
