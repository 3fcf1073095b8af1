"""A file that a passphrase opens, written and read as a stream.

A header, then pieces of 1 MiB, each sealed with AES-256-GCM under a nonce that counts and tells the
last piece from the others: a piece that was altered, moved, added or cut off does not open.

Source: STREAM (Hoang, Reyhanitabar, Rogaway and Vizár, CRYPTO 2015); scrypt, RFC 7914.
"""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from telecom.errors import SettingsError, StoreDamagedError

MAGIC = b"tierwise sealed 1\n"
_SALT = 16
_PREFIX = 7
_PIECE = 1 << 20
_TAG = 16
_SCRYPT_COST = 1 << 16
"""64 MiB and a fifth of a second for each guess."""
SHORTEST_PASSPHRASE = 12


def read_passphrase(file: Path) -> bytes:
    """Read a passphrase from a file, without the white space around it.

    Raises:
        SettingsError: It cannot be read, or is too short to keep anybody out.
    """
    try:
        passphrase = file.read_bytes().strip()
    except OSError as exc:
        raise SettingsError(f"the passphrase file {file} cannot be read: {exc.strerror}") from exc
    if len(passphrase) < SHORTEST_PASSPHRASE:
        raise SettingsError(
            f"{file} must hold a passphrase of {SHORTEST_PASSPHRASE} characters or more"
        )
    return passphrase


def is_sealed(file: Path) -> bool:
    """Whether a file was sealed; False for one that cannot be read."""
    try:
        with file.open("rb") as stream:
            return stream.read(len(MAGIC)) == MAGIC
    except OSError:
        return False


class SealingWriter(io.RawIOBase):
    """Seals what is written to it; the file is whole only after `close`."""

    def __init__(self, target: BinaryIO, passphrase: bytes) -> None:
        super().__init__()
        salt, self._prefix = os.urandom(_SALT), os.urandom(_PREFIX)
        self._header = MAGIC + salt + self._prefix
        self._cipher = _cipher(passphrase, salt)
        self._target = target
        self._pending = bytearray()
        self._number = 0
        target.write(self._header)

    def writable(self) -> bool:
        """It is written only."""
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override] # bytes are all that tar writes
        """Take some bytes."""
        self._pending += data
        while len(self._pending) > _PIECE:  # the last piece is written by `close`
            self._seal(bytes(self._pending[:_PIECE]), last=False)
            del self._pending[:_PIECE]
        return len(data)

    def close(self) -> None:
        """Write the last piece."""
        if not self.closed:
            self._seal(bytes(self._pending), last=True)
        super().close()

    def _seal(self, piece: bytes, *, last: bool) -> None:
        nonce = _nonce(self._prefix, self._number, last=last)
        self._target.write(self._cipher.encrypt(nonce, piece, self._header))
        self._number += 1


class UnsealingReader(io.RawIOBase):
    """Reads what was sealed; raises `StoreDamagedError` before it gives a byte that was not."""

    def __init__(self, source: BinaryIO, passphrase: bytes) -> None:
        super().__init__()
        self._header = source.read(len(MAGIC) + _SALT + _PREFIX)
        salt = self._header[len(MAGIC) : len(MAGIC) + _SALT]
        self._prefix = self._header[-_PREFIX:]
        self._cipher = _cipher(passphrase, salt)
        self._source = source
        self._number = 0
        self._open = bytearray()
        self._next = source.read(_PIECE + _TAG)

    def readable(self) -> bool:
        """It is read only."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override] # what RawIOBase hands
        """Give some bytes; 0 at the end."""
        if not self._open and self._next:
            self._unseal()
        given = min(len(buffer), len(self._open))
        buffer[:given] = self._open[:given]
        del self._open[:given]
        return given

    def _unseal(self) -> None:
        piece, self._next = self._next, self._source.read(_PIECE + _TAG)
        nonce = _nonce(self._prefix, self._number, last=not self._next)
        try:
            self._open += self._cipher.decrypt(nonce, piece, self._header)
        except InvalidTag as exc:
            raise StoreDamagedError(
                "the backup does not open: another passphrase, or it was altered or cut off"
            ) from exc
        self._number += 1


def _cipher(passphrase: bytes, salt: bytes) -> AESGCM:
    return AESGCM(Scrypt(salt=salt, length=32, n=_SCRYPT_COST, r=8, p=1).derive(passphrase))


def _nonce(prefix: bytes, number: int, *, last: bool) -> bytes:
    return prefix + number.to_bytes(4, "big") + bytes([last])
