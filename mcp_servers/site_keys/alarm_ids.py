"""The key of the ids that the site assigns to alarms and incidents that came without."""

from __future__ import annotations

import hashlib
import hmac
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from telecom.file_access import write_secret_once

_FILE = "alarm_ids.key"


def alarm_id_key(folder: Path, signing_key: Ed25519PrivateKey) -> bytes:
    """The key in use: derived, so that a rebuilt store gives the same ids, until it is kept.

    Args:
        folder: The site's keys.
        signing_key: What it is derived from where none is kept.
    """
    try:
        return (folder / _FILE).read_bytes()
    except FileNotFoundError:
        secret = signing_key.private_bytes_raw()
        return hmac.digest(secret, b"tierwise assigned ids", hashlib.sha256)


def keep_alarm_id_key(folder: Path, signing_key: Ed25519PrivateKey) -> None:
    """Let ids stay as they are when another signing key follows."""
    write_secret_once(folder / _FILE, alarm_id_key(folder, signing_key))


def forget_alarm_id_key(folder: Path) -> None:
    """Have ids made anew, from the signing key that is there when the site is opened next."""
    (folder / _FILE).unlink(missing_ok=True)
