"""Configurations in plain folders: dated snapshots, a live and candidate pair, or one set."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path

from mcp_servers.configs.history import (
    MAX_FILE_BYTES,
    FileChange,
    Revision,
    RevisionChanges,
    is_safe_path,
)
from telecom.evidence import Gap

_DATED = re.compile(
    r"(?:^|\D)(?P<year>(?:19|20)\d\d)[-_.]?(?P<month>\d\d)[-_.]?(?P<day>\d\d)"
    r"(?:[T_ -]?(?P<hour>\d\d)[:_.-]?(?P<minute>\d\d)(?:[:_.-]?(?P<second>\d\d))?)?"
    r"(?P<utc>Z)?(?:\D|$)"
)
_PAIRS = (
    ("live", "candidate"),
    ("running", "candidate"),
    ("before", "after"),
    ("pre", "post"),
    ("old", "new"),
)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One folder of configurations as they were at one time."""

    name: str | None
    time: datetime
    folder: Path


def find_snapshots(root: Path, zone: tzinfo) -> tuple[Snapshot, ...]:
    """Read a folder as snapshots, oldest first; the folder itself when it holds none."""
    folders = [
        entry
        for entry in sorted(root.iterdir())
        if entry.is_dir() and not entry.is_symlink() and not entry.name.startswith(".")
    ]
    dated = [(when, folder) for folder in folders if (when := _date_of(folder.name, zone))]
    if dated and len(dated) == len(folders):
        return tuple(Snapshot(folder.name, when, folder) for when, folder in sorted(dated))
    by_name = {folder.name.lower(): folder for folder in folders}
    for first, second in _PAIRS:
        if first in by_name and second in by_name:
            return paired(by_name[first], by_name[second])
    return (Snapshot(None, _last_touched(root), root),)


def paired(before: Path, after: Path) -> tuple[Snapshot, ...]:
    """Two folders as two snapshots; the second is never older than the first."""
    earlier = _last_touched(before)
    later = max(_last_touched(after), earlier + timedelta(seconds=1))
    return (Snapshot(before.name, earlier, before), Snapshot(after.name, later, after))


def _date_of(name: str, zone: tzinfo) -> datetime | None:
    match = _DATED.search(name)
    if match is None:
        return None
    parts = {key: int(value) for key, value in match.groupdict().items() if value and key != "utc"}
    try:
        return datetime(**parts, tzinfo=UTC if match["utc"] else zone).astimezone(UTC)
    except ValueError:
        return None


def _last_touched(folder: Path) -> datetime:
    newest = max(
        (file.lstat().st_mtime for file in folder.rglob("*") if file.is_file()),
        default=folder.stat().st_mtime,
    )
    return datetime.fromtimestamp(int(newest), UTC)


class SnapshotHistory:
    """Snapshots as a history: what differs from one to the next was changed by the next."""

    def __init__(self, snapshots: Sequence[Snapshot], *, prefix: str = "") -> None:
        self.prefix = prefix
        self._snapshots = tuple(snapshots)
        self._gaps: dict[str, Gap] = {}
        self._listed: dict[Path, Mapping[str, str]] = {}
        self._file_of: dict[str, Path] = {}

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """Files that could not be read."""
        return tuple(self._gaps.values())

    def close(self) -> None:
        """Nothing is held open."""

    def changes(self, since: datetime, until: datetime) -> Iterable[RevisionChanges]:
        """What differs between each snapshot of the span and the one before it; newest first."""
        pairs = list(zip(self._snapshots, self._snapshots[1:], strict=False))
        for before, after in reversed(pairs):
            if since <= after.time <= until:
                old, new = self._list(before), self._list(after)
                yield RevisionChanges(
                    _revision(after),
                    tuple(
                        FileChange(path, old.get(path), new.get(path))
                        for path in sorted(old.keys() | new.keys())
                        if self._differs(old.get(path), new.get(path))
                    ),
                )

    def _differs(self, old: str | None, new: str | None) -> bool:
        return old is None or new is None or self.read(old) != self.read(new)

    def files(self, at: datetime | None = None) -> Mapping[str, str]:
        """The files of the last snapshot up to `at`."""
        snapshot = self._at(at)
        return {} if snapshot is None else self._list(snapshot)

    def revision_of(self, path: str, at: datetime | None = None) -> Revision | None:
        """The snapshot of that time."""
        snapshot = self._at(at)
        return None if snapshot is None else _revision(snapshot)

    def _at(self, at: datetime | None) -> Snapshot | None:
        if len(self._snapshots) == 1 and self._snapshots[0].name is None:
            return self._snapshots[0]
        past = [snapshot for snapshot in self._snapshots if at is None or snapshot.time <= at]
        return past[-1] if past else None

    def recall(
        self, since: datetime, until: datetime, stamp: str
    ) -> Mapping[tuple[str | None, str | None], str]:
        """Nothing is kept: files may change under their names."""
        return {}

    def remember(self, compared: Mapping[tuple[str | None, str | None], str], stamp: str) -> None:
        """Nothing is kept."""

    def read(self, key: str) -> bytes | None:
        """The bytes of a file that lies inside its snapshot."""
        file = self._file_of[key]
        try:
            if file.stat().st_size > MAX_FILE_BYTES:
                self._missing(file, "it is larger than any configuration")
                return None
            return file.read_bytes()
        except OSError:
            self._missing(file, "it cannot be read")
            return None

    def _list(self, snapshot: Snapshot) -> Mapping[str, str]:
        listed = self._listed.get(snapshot.folder)
        if listed is None or snapshot.name is None:
            root = snapshot.folder.resolve()
            listed = {}
            for file in sorted(snapshot.folder.rglob("*")):
                path = file.relative_to(snapshot.folder).as_posix()
                if any(part.startswith(".") for part in path.split("/")) or not file.is_file():
                    continue
                if not is_safe_path(path) or not file.resolve().is_relative_to(root):
                    self._missing(
                        file, "it leads out of the configuration folder or has no usable name"
                    )
                    continue
                status = file.stat()
                key = f"{file}@{status.st_mtime_ns}.{status.st_size}"
                self._file_of[key] = file
                listed[path] = key
            self._listed[snapshot.folder] = listed
        return listed

    def _missing(self, file: Path, why: str) -> None:
        name = file.name if file.name.isprintable() else "a file"
        self._gaps.setdefault(str(file), Gap(what=f"configuration file {name!r}", why=why))


def _revision(snapshot: Snapshot) -> Revision:
    return Revision(snapshot.name, snapshot.time, "", "")
