"""The vault keeps originals readable on the site, and forgets an epoch for good."""

from __future__ import annotations

from pathlib import Path

import pytest

from mcp_servers.egress.vault import Vault
from telecom.errors import StoreDamagedError

IMSI = "262011234567890"


def test_originals_come_back_after_a_restart(tmp_path: Path) -> None:
    """Design section 4: the vault that reverses pseudonyms is on the site."""
    vault = Vault.open(tmp_path)
    vault.keep([("SUBSCRIBER_a2", IMSI), ("SUBSCRIBER_b3", "491701234567")])
    vault.keep([("SUBSCRIBER_a2", "later spelling")])
    vault.close()
    again = Vault.open(tmp_path)
    assert again.original("SUBSCRIBER_a2") == IMSI
    assert again.original("SUBSCRIBER_c4") is None


def test_no_original_lies_readable_on_disk(tmp_path: Path) -> None:
    """Us: a copied database without the keys is noise."""
    vault = Vault.open(tmp_path)
    vault.keep([("SUBSCRIBER_a2", IMSI)])
    vault.close()
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert files
    assert not any(IMSI.encode() in file.read_bytes() for file in files)
    assert all(file.stat().st_mode & 0o077 == 0 for file in files)


def test_a_forgotten_epoch_cannot_be_reversed_by_anybody(tmp_path: Path) -> None:
    """Design section 4: an epoch expires by destroying its key."""
    vault = Vault.open(tmp_path)
    vault.keep([("SUBSCRIBER_a2", IMSI)])
    first = vault.current.epoch
    second = vault.start_epoch()
    vault.keep([("SUBSCRIBER_b3", IMSI)])
    vault.forget_epoch(first)
    assert vault.epochs == (second,)
    assert vault.original("SUBSCRIBER_a2") is None
    assert vault.original("SUBSCRIBER_b3") == IMSI
    assert not (tmp_path / "keys" / "epochs" / f"epoch-{first}.key").exists()


def test_forgetting_the_current_epoch_begins_a_new_one(tmp_path: Path) -> None:
    """Us: the site never runs without a key."""
    vault = Vault.open(tmp_path)
    old = vault.current
    vault.forget_epoch(old.epoch)
    assert vault.current.epoch != old.epoch
    assert vault.current.token_key != old.token_key


def test_a_row_moved_to_another_token_is_noticed(tmp_path: Path) -> None:
    """Us: each row is bound to its token, so nobody swaps two people."""
    vault = Vault.open(tmp_path)
    vault.keep([("SUBSCRIBER_a2", IMSI), ("SUBSCRIBER_b3", "491701234567")])
    vault._database.execute(  # the attacker has the file
        "UPDATE pseudonyms SET sealed ="
        " (SELECT sealed FROM pseudonyms WHERE token = 'SUBSCRIBER_b3')"
        " WHERE token = 'SUBSCRIBER_a2'"
    )
    with pytest.raises(StoreDamagedError):
        vault.original("SUBSCRIBER_a2")


def test_a_file_that_is_no_vault_is_named(tmp_path: Path) -> None:
    """Us: an operator must know which file to move."""
    (tmp_path / "vault.sqlite").write_bytes(b"not a database at all, but long enough" * 40)
    with pytest.raises(StoreDamagedError, match=r"vault\.sqlite"):
        Vault.open(tmp_path)


def test_a_damaged_key_is_named(tmp_path: Path) -> None:
    """Us: a wrong key would make every pseudonym of the epoch irreversible in silence."""
    Vault.open(tmp_path).close()
    (tmp_path / "keys" / "epochs" / "epoch-1.key").write_bytes(b"short")
    with pytest.raises(StoreDamagedError, match=r"epoch-1\.key"):
        Vault.open(tmp_path)
