"""Who may be able to read a secret that the site works with."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mcp_servers.secret_files import read_secret
from telecom.errors import SettingsError

SECRET = b"a shared secret, long enough"


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    file = tmp_path / "prom.secret"
    file.write_bytes(SECRET + b"\n")
    return file


@pytest.mark.parametrize("mode", [0o604, 0o444, 0o660, 0o640 | 0o002])
def test_what_others_may_read_or_a_group_may_write_is_refused(secret: Path, mode: int) -> None:
    """Issue 12: world-readable secrets are refused, whoever owns them."""
    secret.chmod(mode)
    with pytest.raises(SettingsError, match="chmod 600"):
        read_secret(secret)


@pytest.mark.skipif(os.getuid() != 0, reason="gives files to other users, as root may")
def test_a_secret_as_kubernetes_mounts_it_is_accepted(secret: Path) -> None:
    """Issue 12: root owns a mounted Secret, and the pod's group may read it (fsGroup, 0440)."""
    secret.chmod(0o440)
    assert read_secret(secret) == SECRET
    os.chown(secret, 0, 54321)
    with pytest.raises(SettingsError, match="chmod 600"):
        read_secret(secret)
    os.chown(secret, 54321, os.getegid())
    with pytest.raises(SettingsError, match="chmod 600"):
        read_secret(secret)
