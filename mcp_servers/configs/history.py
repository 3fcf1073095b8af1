"""What every source of configurations offers: revisions in time, the files of each, their bytes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from telecom.evidence import Gap

MAX_FILE_BYTES = 16 << 20
"""A larger file is no configuration of one network element."""


@dataclass(frozen=True, slots=True)
class Revision:
    """One commit, snapshot or folder of files."""

    id: str | None
    """Commit id or snapshot name; None for plain files without history."""
    time: datetime | None
    author: str
    message: str


@dataclass(frozen=True, slots=True)
class FileChange:
    """One file that a revision changed; a missing side was created or removed."""

    path: str
    old: str | None
    """Key of the bytes before, for `History.read`."""
    new: str | None


@dataclass(frozen=True, slots=True)
class RevisionChanges:
    """What one revision changed."""

    revision: Revision
    files: tuple[FileChange, ...]


class History(Protocol):
    """A source of configurations."""

    prefix: str
    """Folder of this source below the configuration folder, `""` or ending in `/`."""

    def changes(self, since: datetime, until: datetime) -> Iterable[RevisionChanges]:
        """What was changed in a span of time, both ends included; newest first."""
        ...

    def files(self, at: datetime | None = None) -> Mapping[str, str]:
        """Path -> key of the bytes, as of `at` (now when None); empty before the first revision."""
        ...

    def revision_of(self, path: str, at: datetime | None = None) -> Revision | None:
        """The newest revision up to `at` that is known to have left this file as it reads then."""
        ...

    def read(self, key: str) -> bytes | None:
        """The bytes of a file; None when they cannot be read, which then is a gap."""
        ...

    def recall(
        self, since: datetime, until: datetime, stamp: str
    ) -> Mapping[tuple[str | None, str | None], str]:
        """Comparisons kept for the changes of a span of time, by old and new key.

        Those made under another `stamp` are forgotten.
        """
        ...

    def remember(self, compared: Mapping[tuple[str | None, str | None], str], stamp: str) -> None:
        """Keep comparisons, where this source can."""
        ...

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """What could not be read so far."""
        ...


def joined_moves(files: Iterable[tuple[str, FileChange]]) -> list[tuple[str, FileChange]]:
    """Make one change of a device's file that went from one folder to another in one revision."""
    listed = list(files)
    if len(listed) < 2:
        return listed
    created = {device: file for device, file in listed if file.old is None}
    removed = {device: file for device, file in listed if file.new is None}
    moved = created.keys() & removed.keys()
    return [
        (device, file)
        if device not in moved or file.old is not None
        else (device, FileChange(file.path, removed[device].old, file.new))
        for device, file in listed
        if device not in moved or file.new is not None
    ]


def decode(data: bytes) -> str | None:
    """Text of a configuration file; None for binary or oversized content.

    Carriage returns at line ends are dropped; lines end at line feeds only, so that numbers are
    those of the file.
    """
    if len(data) > MAX_FILE_BYTES:
        return None
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = data.decode("utf-16", "replace")
    elif b"\0" in data[:8192]:
        return None
    else:
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = data.decode("latin-1")
    if b"\r" in data:
        text = text.replace("\r\n", "\n")
    return text.replace("\0", "\ufffd") if "\0" in text else text


def is_safe_path(path: str) -> bool:
    """Whether a file name may be shown and asked for: relative, printable, no way upwards."""
    return (
        path.isprintable()
        and not path.startswith(("/", "\\"))
        and all(part not in ("", ".", "..", ".git") for part in path.split("/"))
    )
