"""Secrets stand in files that the settings name, never in the settings."""

from __future__ import annotations

from pathlib import Path

from telecom.errors import SettingsError


def read_secret(file: Path) -> bytes:
    """Read a secret without the white space around it.

    Raises:
        SettingsError: It cannot be read, or is empty.
    """
    try:
        secret = file.read_bytes().strip()
    except OSError as exc:
        raise SettingsError(f"the secret file {file} cannot be read: {exc.strerror}") from exc
    if not secret:
        raise SettingsError(f"the secret file {file} is empty")
    return secret
