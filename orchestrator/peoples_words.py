"""People's words: a question may name a subscriber, and then it is not ours to read.

Where the site is at hand it replaces identifiers in its own way; otherwise text in which the shared
detector finds one is refused.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from mcp.client.stdio import get_default_environment

from orchestrator.site_process import site_process
from telecom.errors import InvalidArgumentError, SiteUnavailableError
from telecom.identifiers import DetectorSettings, IdentifierDetector

_PATIENCE_S = 60.0


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
