"""Prompts as files, each with a version that its words decide."""

from __future__ import annotations

import hashlib
from importlib import resources


def read(name: str) -> str:
    """A prompt as it is shipped."""
    return resources.files("agents.prompts").joinpath(f"{name}.md").read_text("utf-8")


def version(name: str) -> str:
    """The first 12 hex digits of the SHA-256 of a prompt; kept in provenance."""
    return hashlib.sha256(read(name).encode()).hexdigest()[:12]
