"""The file of a backup: a tar of copies with a signed list of their digests at its end."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import IO, BinaryIO, cast

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from pydantic import ValidationError

from mcp_servers.backup.sealing import SealingWriter, UnsealingReader, is_sealed
from telecom.errors import SettingsError, SiteDirectoryError, StoreDamagedError
from telecom.schema import ProductModel

FORMAT = 1
MANIFEST = "manifest.json"
SIGNATURE = "manifest.sig"
_LARGEST_LIST = 64 * 1024 * 1024
_SIGNED_FOR = b"tierwise backup\0"
"""Keeps a signature made here from being worth anything elsewhere."""
_BLOCK = 1 << 20
_PLACES = ("store/", "alarms/received/", "tickets/")


class Manifest(ProductModel):
    """What a backup is of, and the digest of each of its files."""

    format: int = FORMAT
    backup: str
    """One id for both files of a backup whose keys are apart."""
    site_id: str
    created_at: datetime
    product: str
    """Version of tierwise that wrote it."""
    ledger_entries: int
    ledger_head: str
    files: dict[str, str]
    """Path below the site directory -> SHA-256."""


class ArchiveWriter:
    """Adds files to a new backup."""

    def __init__(self, archive: tarfile.TarFile) -> None:
        self._archive = archive
        self.digests: dict[str, str] = {}
        """Of what was added so far, by path below the site directory."""

    def add(self, name: str, file: Path) -> None:
        """Add a file that nobody changes meanwhile."""
        with file.open("rb") as stream:
            self.digests[name] = hashlib.file_digest(stream, "sha256").hexdigest()
            size = stream.tell()
            stream.seek(0)
            self._archive.addfile(_entry(name, size), stream)

    def finish(self, manifest: Manifest, key: Ed25519PrivateKey) -> None:
        """Add the list and the site's signature of it."""
        content = manifest.model_dump_json(indent=1).encode()
        for name, data in ((MANIFEST, content), (SIGNATURE, key.sign(_SIGNED_FOR + content))):
            self._archive.addfile(_entry(name, len(data)), io.BytesIO(data))


@contextmanager
def new_archive(target: Path, passphrase: bytes | None) -> Iterator[ArchiveWriter]:
    """Write a new file of mode 0600, whole or not at all.

    Raises:
        SiteDirectoryError: It exists already, or cannot be written.
    """
    if target.exists():
        raise SiteDirectoryError(f"{target} exists already; name a file that does not")
    draft = target.with_name(f".{target.name}.part")
    try:
        draft.unlink(missing_ok=True)
        draft.touch(mode=0o600)
        with draft.open("wb") as stream:
            sealed = SealingWriter(stream, passphrase) if passphrase is not None else None
            into = cast("IO[bytes]", sealed or stream)  # gzip asks it for `write` only
            with (
                gzip.GzipFile(filename="", fileobj=into, mode="wb", compresslevel=1) as smaller,
                tarfile.open(fileobj=smaller, mode="w|") as archive,
            ):
                yield ArchiveWriter(archive)
            if sealed is not None:
                sealed.close()
            stream.flush()
            os.fsync(stream.fileno())
        draft.rename(target)
    except OSError as exc:
        raise SiteDirectoryError(f"{target} cannot be written: {exc.strerror or exc}") from exc
    finally:
        draft.unlink(missing_ok=True)


class Unpacked(ProductModel):
    """What lay in a backup, its digests checked; who signed it is still to be asked."""

    manifest: Manifest
    signed: bytes
    signature: bytes

    def check_signature(self, key: Ed25519PublicKey) -> None:
        """See that the site whose keys these are made the backup.

        Raises:
            StoreDamagedError: It did not, or the list was altered.
        """
        try:
            key.verify(self.signature, _SIGNED_FOR + self.signed)
        except InvalidSignature as exc:
            raise StoreDamagedError(
                "the backup's list of files is not signed by these keys; take the keys that "
                "were written with it"
            ) from exc


def unpack(file: Path, folder: Path, passphrase: bytes | None) -> Unpacked:
    """Write the files of a backup below a folder and check each against the list.

    Raises:
        SettingsError: It is sealed and no passphrase was given, or the other way round.
        StoreDamagedError: It is no whole backup: what was written is worth nothing.
        SiteDirectoryError: A file cannot be read or written.
    """
    if is_sealed(file) is not (passphrase is not None):
        raise SettingsError(
            f"{file} is not sealed; leave --passphrase-file away"
            if passphrase is not None
            else f"{file} is sealed; name its --passphrase-file"
        )
    try:
        with file.open("rb") as stream:
            source = UnsealingReader(stream, passphrase) if passphrase is not None else stream
            found, listed = _unpack_all(cast("BinaryIO", source), folder)
    except (tarfile.TarError, EOFError) as exc:
        raise StoreDamagedError(
            f"{file} is no whole backup: it was altered or cut off ({exc})"
        ) from exc
    except OSError as exc:
        raise SiteDirectoryError(f"{file} cannot be unpacked: {exc.strerror or exc}") from exc
    if set(listed) != {MANIFEST, SIGNATURE}:
        raise StoreDamagedError(f"{file} is no whole backup: it was altered or cut off")
    try:
        manifest = Manifest.model_validate_json(listed[MANIFEST])
    except ValidationError as exc:
        raise StoreDamagedError(f"{file} was made by another version: its list differs") from exc
    wrong = sorted(
        name
        for name in found.keys() | manifest.files.keys()
        if found.get(name) != manifest.files.get(name)
    )
    if wrong:
        raise StoreDamagedError(f"{file} is no whole backup: {wrong[0]} is not what was kept")
    return Unpacked(manifest=manifest, signed=listed[MANIFEST], signature=listed[SIGNATURE])


def _unpack_all(source: BinaryIO, folder: Path) -> tuple[dict[str, str], Mapping[str, bytes]]:
    """The digest of every file that was written, and the list with its signature."""
    found, listed = dict[str, str](), dict[str, bytes]()
    with tarfile.open(fileobj=source, mode="r|gz") as archive:
        for entry in archive:
            content = archive.extractfile(entry) if entry.isreg() else None
            if content is None:
                raise StoreDamagedError(f"the backup holds {entry.name!r}, which is no file")
            if entry.name in (MANIFEST, SIGNATURE):
                listed[entry.name] = content.read(_LARGEST_LIST)
            else:
                found[entry.name] = _write(content, _place(entry.name, folder))
    return found, listed


def _place(name: str, folder: Path) -> Path:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not name.startswith(_PLACES):
        raise StoreDamagedError(f"the backup holds {name!r}, which is no place of a site")
    return folder / path


def _write(content: IO[bytes], target: Path) -> str:
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    digest = hashlib.sha256()
    with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
        while block := content.read(_BLOCK):
            digest.update(block)
            stream.write(block)
        stream.flush()
        os.fsync(stream.fileno())
    return digest.hexdigest()


def _entry(name: str, size: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = size, 0o600
    return entry
