"""The vault: what a pseudonym stands for, readable on the site and only there.

Originals lie in SQLite, encrypted with AES-SIV under the key of their epoch. The keys are files
beside the database; without an epoch's key its rows are noise, so forgetting is deleting one file.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from mcp_servers.egress.private_database import open_private_database, writing
from telecom.errors import StoreDamagedError
from telecom.file_access import write_secret_once

_TOKEN_KEY_BYTES = 32
_CIPHER_KEY_BYTES = 64
_SCHEMA = """
CREATE TABLE IF NOT EXISTS pseudonyms (
    token TEXT PRIMARY KEY,
    epoch INTEGER NOT NULL,
    sealed BLOB NOT NULL
) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class EpochKeys:
    """The two keys of one epoch."""

    epoch: int
    token_key: bytes = field(repr=False)
    """HMAC-SHA-256 key that makes the tokens."""
    cipher_key: bytes = field(repr=False)
    """AES-SIV key that seals the originals."""


class Vault:
    """Tokens and their sealed originals, by key epoch; safe to use from several threads."""

    def __init__(self, database: Path, keys: Path) -> None:
        self._keys_folder = keys
        self._lock = threading.Lock()
        self._epochs: dict[int, EpochKeys] = {}
        keys.mkdir(mode=0o700, parents=True, exist_ok=True)
        for file in keys.glob("epoch-*.key"):
            epoch = _read_epoch(file)
            self._epochs[epoch.epoch] = epoch
        self._database = _connect(database)
        if not self._epochs:
            self.start_epoch()

    @classmethod
    def open(cls, store: Path) -> Vault:
        """Open `vault.sqlite` and its epoch keys under a site's `store/`.

        Raises:
            StoreDamagedError: The database or a key file cannot be read.
        """
        return cls(store / "vault.sqlite", store / "keys" / "epochs")

    @property
    def epochs(self) -> tuple[int, ...]:
        """Epochs whose key still exists, oldest first."""
        return tuple(sorted(self._epochs))

    @property
    def current(self) -> EpochKeys:
        """The keys that make tokens now."""
        return self._epochs[max(self._epochs)]

    def start_epoch(self) -> int:
        """Begin a new epoch; tokens made from now on differ from all before."""
        with self._lock:
            known = [*self._epochs, *self._used_epochs()]
            epoch = max(known, default=0) + 1
            secret = os.urandom(_TOKEN_KEY_BYTES + _CIPHER_KEY_BYTES)
            write_secret_once(self._keys_folder / f"epoch-{epoch}.key", secret)
            self._epochs[epoch] = _epoch_keys(epoch, secret)
            return epoch

    def forget_epoch(self, epoch: int) -> None:
        """Destroy an epoch's key and rows; its pseudonyms can never be reversed again.

        Forgetting the current epoch begins a new one.
        """
        if epoch == self.current.epoch:
            self.start_epoch()
        with self._lock:
            file = self._keys_folder / f"epoch-{epoch}.key"
            if file.exists():
                with file.open("r+b") as stream:
                    stream.write(os.urandom(_TOKEN_KEY_BYTES + _CIPHER_KEY_BYTES))
                    stream.flush()
                    os.fsync(stream.fileno())
                file.unlink()
            self._epochs.pop(epoch, None)
            with self._database:
                self._database.execute("DELETE FROM pseudonyms WHERE epoch = ?", (epoch,))

    def keep(self, originals: Iterable[tuple[str, str]]) -> None:
        """Remember (token, original) pairs; the first original of a token stays."""
        keys = self.current
        cipher = AESSIV(keys.cipher_key)
        rows = [
            (token, keys.epoch, cipher.encrypt(original.encode(), [token.encode()]))
            for token, original in originals
        ]
        with self._lock, writing(self._database, "the vault of pseudonyms"):
            self._database.executemany("INSERT OR IGNORE INTO pseudonyms VALUES (?, ?, ?)", rows)

    def original(self, token: str) -> str | None:
        """What `token` stands for; None when it is unknown or its epoch is forgotten.

        Raises:
            StoreDamagedError: The row was altered.
        """
        with self._lock:
            row = self._database.execute(
                "SELECT epoch, sealed FROM pseudonyms WHERE token = ?", (token,)
            ).fetchone()
        keys = self._epochs.get(row[0]) if row else None
        if keys is None:
            return None
        try:
            return AESSIV(keys.cipher_key).decrypt(row[1], [token.encode()]).decode()
        except InvalidTag as exc:
            raise StoreDamagedError(f"the vault's row of {token} was altered") from exc

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    def _used_epochs(self) -> list[int]:
        row = self._database.execute("SELECT max(epoch) FROM pseudonyms").fetchone()
        return [] if row[0] is None else [int(row[0])]


def _connect(database: Path) -> sqlite3.Connection:
    return open_private_database(
        database,
        _SCHEMA,
        what="not a vault",
        cure="move it away to begin a new one (pseudonyms made so far can then not be reversed)",
    )


def _read_epoch(file: Path) -> EpochKeys:
    number = file.stem.partition("-")[2]
    try:
        secret = file.read_bytes()
    except OSError as exc:
        raise StoreDamagedError(f"{file} cannot be read: {exc}") from exc
    if not number.isdigit() or len(secret) != _TOKEN_KEY_BYTES + _CIPHER_KEY_BYTES:
        raise StoreDamagedError(f"{file} is not an epoch key")
    return _epoch_keys(int(number), secret)


def _epoch_keys(epoch: int, secret: bytes) -> EpochKeys:
    return EpochKeys(epoch, secret[:_TOKEN_KEY_BYTES], secret[_TOKEN_KEY_BYTES:])
