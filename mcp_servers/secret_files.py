"""Shared secrets of a site stand in files that nobody else may read."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from telecom.errors import SettingsError

SHORTEST_SECRET = 16
"""Bytes; anything shorter can be guessed from what it signs."""


def read_secret(file: Path) -> bytes:
    """Read a secret without the white space around it.

    A file of the site's own user must be closed to everybody else. One that root owns may be
    readable, not writable, to a group that the site is in: so Kubernetes mounts a Secret into a pod
    with an `fsGroup`.

    Raises:
        SettingsError: The file cannot be read, is open to others, or holds too short a secret.
    """
    try:
        if _open_to_others(file.stat()):
            raise SettingsError(f"{file} can be read by others; chmod 600 {file}")
        secret = file.read_bytes().strip()
    except OSError as exc:
        raise SettingsError(f"{file} cannot be read: {exc.strerror}") from exc
    if len(secret) < SHORTEST_SECRET:
        raise SettingsError(f"{file} must hold a secret of {SHORTEST_SECRET} bytes or more")
    return secret


def _open_to_others(found: os.stat_result) -> bool:
    if not found.st_mode & 0o077:
        return False
    ours = found.st_gid in {os.getegid(), *os.getgroups()}
    mounted = found.st_uid == 0 and ours
    return not mounted or bool(found.st_mode & (stat.S_IRWXO | stat.S_IWGRP))
