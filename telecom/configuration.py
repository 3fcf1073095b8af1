"""Configuration history: revisions of a device's configuration, and what changed between them."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from telecom.schema import ProductModel


class ChangedLine(ProductModel):
    """One added or removed line of a configuration, verbatim but for secrets."""

    sign: Literal["+", "-"]
    text: str
    line: int
    """1-based line in the revision that has it: the new one for `+`, the old one for `-`."""


class ConfigHunk(ProductModel):
    """The changed lines of one block, such as one interface or one BGP neighbour."""

    block: tuple[str, ...]
    """The block's path from the top: `("interface Hu0/0/0/1",)`; empty at top level."""
    lines: tuple[ChangedLine, ...]


class ConfigChange(ProductModel):
    """One commit's change to one device's file."""

    managed_object: str
    commit: str
    """Full commit id of the configuration repository."""
    author: str
    time: datetime
    message: str = ""
    path: str
    """File in the configuration repository."""
    score: float = 0.0
    """How suspicious, 0 to 1; 0 when nothing was asked that would rank it."""
    why: tuple[str, ...] = ()
    """Reasons for the score, most weighty first."""
    touches: tuple[str, ...] = ()
    """Managed objects (`device` or `device:port`) and neighbours that the changed blocks name."""
    hunks: tuple[ConfigHunk, ...] = ()

    @property
    def evidence_id(self) -> str:
        """The id under which evidence quotes this change."""
        return f"change:{self.commit[:12]}:{self.managed_object}"


class ConfigBlock(ProductModel):
    """One block of one revision of a device's configuration."""

    managed_object: str
    path: tuple[str, ...]
    text: str
    """The block's lines, verbatim but for secrets."""
    first_line: int
    last_line: int
    file: str
    commit: str | None
    committed_at: datetime | None
