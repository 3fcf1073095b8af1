"""Shared secrets of a site stand in files that nobody else may read."""

from __future__ import annotations

from pathlib import Path

from telecom.errors import SettingsError
from telecom.file_access import is_open_to_others

SHORTEST_SECRET = 16
"""Bytes; anything shorter can be guessed from what it signs."""


def read_secret(file: Path) -> bytes:
    """Read a secret without the white space around it.

    Raises:
        SettingsError: The file cannot be read, is open to others, or holds too short a secret.
    """
    try:
        if is_open_to_others(file.stat()):
            raise SettingsError(f"{file} can be read by others; chmod 600 {file}")
        secret = file.read_bytes().strip()
    except OSError as exc:
        raise SettingsError(f"{file} cannot be read: {exc.strerror}") from exc
    if len(secret) < SHORTEST_SECRET:
        raise SettingsError(f"{file} must hold a secret of {SHORTEST_SECRET} bytes or more")
    return secret
