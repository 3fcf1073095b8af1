"""Configurations in a git repository, as Oxidized and RANCID keep them."""

from __future__ import annotations

import heapq
import re
import threading
import zlib
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

from dulwich.errors import (
    ApplyDeltaError,
    ChecksumMismatch,
    NotGitRepository,
    ObjectFormatException,
)
from dulwich.objects import ObjectID
from dulwich.repo import Repo, UnsupportedExtension, UnsupportedVersion

from mcp_servers.configs.change_index import ChangeIndex, IndexedCommit, NewCommit
from mcp_servers.configs.history import (
    FileChange,
    Revision,
    RevisionChanges,
    is_safe_path,
)
from telecom.errors import SiteDirectoryError
from telecom.evidence import Gap

_ENTRY = re.compile(rb"(\d+) ([^\0]+)\0([\s\S]{20})")
_FOLDER, _LINKS = b"40000", (b"120000", b"160000")
_SLACK_COMMITS = 200
"""Clocks of committers differ: so many older commits in a row end a search."""
_TREES_KEPT = 64
_WINDOWS_KEPT = 8
_MAX_FOLDERS = 8
_BROKEN = (
    KeyError,
    ValueError,
    AssertionError,
    EOFError,
    OSError,
    zlib.error,
    ApplyDeltaError,
    ChecksumMismatch,
    ObjectFormatException,
)
"""What dulwich raises for objects that are missing or damaged."""

_Entries = dict[bytes, tuple[bytes, bytes]]


class GitHistory:
    """The history of one repository, read through its objects only."""

    def __init__(
        self,
        path: Path,
        *,
        prefix: str = "",
        index: Path | None = None,
        strip: Callable[[str], str] = str,
    ) -> None:
        try:
            self._repo = Repo(str(path))
        except (NotGitRepository, UnsupportedVersion, UnsupportedExtension, *_BROKEN) as exc:
            raise SiteDirectoryError(
                f"{path} is not a readable git repository; check it with `git fsck`"
            ) from exc
        self.prefix = prefix
        self._path = path
        self._strip = strip
        self._index = ChangeIndex(index)
        self._lock = threading.RLock()
        self._gaps: dict[str, Gap] = {}
        self._trees: OrderedDict[bytes, _Entries] = OrderedDict()
        self._windows: OrderedDict[tuple[int, int, str | None], list[RevisionChanges]] = (
            OrderedDict()
        )
        self._files_of = lru_cache(maxsize=16)(self._list_files)

    def close(self) -> None:
        """Give files back."""
        self._index.close()
        self._repo.close()

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """Objects that could not be read."""
        return tuple(self._gaps.values())

    def changes(self, since: datetime, until: datetime) -> Iterable[RevisionChanges]:
        """What was committed in a span of time, newest first."""
        with self._lock:
            first, last = int(since.timestamp()), int(until.timestamp())
            self._follow_head()
            key = (first, last, self._index.head)
            if key not in self._windows:
                self._reach_back_to(first)
                self._windows[key] = self._changes_between(first, last)
                if len(self._windows) > _WINDOWS_KEPT:
                    self._windows.popitem(last=False)
            return self._windows[key]

    def _changes_between(self, first: int, last: int) -> list[RevisionChanges]:
        commits = self._index.between(first, last)
        self._compare([commit for commit in commits if not commit.diffed])
        files: dict[int, list[FileChange]] = {}
        for position, path, old, new in self._index.changes(first, last):
            files.setdefault(position, []).append(FileChange(path, old, new))
        return [
            RevisionChanges(_revision(commit), tuple(files.get(commit.position, ())))
            for commit in commits
        ]

    def files(self, at: datetime | None = None) -> Mapping[str, str]:
        """The files of the last commit up to `at`."""
        with self._lock:
            commit = self._commit_at(at)
            return {} if commit is None else self._files_of(commit.tree)

    def revision_of(self, path: str, at: datetime | None = None) -> Revision | None:
        """The last commit that is known to have changed `path`, else the one of that time."""
        with self._lock:
            commit = self._commit_at(at)
            if commit is None:
                return None
            return _revision(self._index.last_change(path, commit.position) or commit)

    def read(self, key: str) -> bytes | None:
        """The bytes of a blob."""
        with self._lock:
            return self._object(key, "blob")

    def recall(
        self, since: datetime, until: datetime, stamp: str
    ) -> Mapping[tuple[str | None, str | None], str]:
        """Comparisons kept for the commits of a span of time."""
        with self._lock:
            self._index.stamp_comparisons(stamp)
            return self._index.comparisons(int(since.timestamp()), int(until.timestamp()))

    def remember(self, compared: Mapping[tuple[str | None, str | None], str], stamp: str) -> None:
        """Keep comparisons in the index."""
        with self._lock:
            self._index.stamp_comparisons(stamp)
            self._index.add_comparisons(compared)

    def uncompared(self, stamp: str, limit: int) -> list[FileChange]:
        """Changes of files in the index that have no comparison yet, newest first."""
        with self._lock:
            self._index.stamp_comparisons(stamp)
            return [FileChange(*row) for row in self._index.uncompared(limit)]

    def index_everything(
        self, progress: Callable[[int], None] | None = None
    ) -> tuple[int, set[str]]:
        """Read the whole history into the index, with the files of each commit; resumable.

        Returns:
            How many commits were compared now, and the files that they changed.
        """
        with self._lock:
            self._follow_head()
            self._reach_back_to(None)
            done = 0
            changed: set[str] = set()
            while batch := self._index.undiffed(1000):
                changed |= self._compare(batch)
                done += len(batch)
                if progress is not None:
                    progress(done)
            return done, changed

    # --- commits

    def _commit_at(self, at: datetime | None) -> IndexedCommit | None:
        self._follow_head()
        if at is None:
            head = self._index.head
            return None if head is None else self._index.commit(head)
        moment = int(at.timestamp())
        self._reach_back_to(moment)
        return self._index.at(moment)

    def _head(self) -> str | None:
        """The commit to read: HEAD, or the newest branch where HEAD names none."""
        with suppress(*_BROKEN):
            return str(self._repo.head().decode())
        heads = []
        for name in self._repo.refs.allkeys():
            if name.startswith((b"refs/heads/", b"refs/remotes/")):
                with suppress(*_BROKEN):
                    heads.append(self._repo.refs[name].decode())
        commits = [commit for head in heads if (commit := self._read_commit(head)) is not None]
        return max(commits, key=lambda commit: commit.time).id if commits else None

    def _follow_head(self) -> None:
        head = self._head()
        known = self._index.head
        if head is None or head == known:
            return
        if known is None or not self._add_newer(head, known):
            self._index.clear()
            commit = self._read_commit(head)
            if commit is None:
                raise SiteDirectoryError(
                    f"the newest commit of {self._path} cannot be read; check it with `git fsck`"
                )
            self._index.add_newer([commit], head=head)
            self._index.add_older([], frontier=commit.parents)

    def _add_newer(self, head: str, known: str) -> bool:
        """Add what is between `known` and `head`; False when `known` is not an ancestor."""
        newer, joined = [], False
        pending, seen = [head], {head}
        while pending:
            commit_id = pending.pop()
            if commit_id == known:
                joined = True
            if commit_id in self._index:
                continue
            commit = self._read_commit(commit_id)
            if commit is None or (not commit.parents and not joined and not pending):
                return joined
            newer.append(commit)
            for parent in commit.parents:
                if parent not in seen:
                    seen.add(parent)
                    pending.append(parent)
        if joined:
            order = {commit.id: number for number, commit in enumerate(newer)}
            newer.sort(key=lambda commit: (-commit.time, order[commit.id]))
            self._index.add_newer(newer, head=head)
        return joined

    def _reach_back_to(self, moment: int | None) -> None:
        """Read commits until those before `moment` begin; to the very first when None."""
        frontier = self._index.frontier
        if not frontier:
            return
        if moment is not None and self._index.reaches_before(moment, _SLACK_COMMITS):
            return
        heap: list[tuple[int, str]] = []
        unread: dict[str, NewCommit] = {}
        for commit_id in frontier:
            self._push(commit_id, heap, unread)
        older: list[NewCommit] = []
        before = 0
        while heap and before < _SLACK_COMMITS:
            _, commit_id = heapq.heappop(heap)
            commit = unread.pop(commit_id)
            older.append(commit)
            before = before + 1 if moment is not None and commit.time < moment else 0
            for parent in commit.parents:
                if parent not in unread:
                    self._push(parent, heap, unread)
        self._index.add_older(older, frontier=[commit_id for _, commit_id in heap])

    def _push(
        self, commit_id: str, heap: list[tuple[int, str]], unread: dict[str, NewCommit]
    ) -> None:
        if commit_id in unread or commit_id in self._index:
            return
        commit = self._read_commit(commit_id)
        if commit is not None:
            unread[commit_id] = commit
            heapq.heappush(heap, (-commit.time, commit_id))

    def _read_commit(self, commit_id: str) -> NewCommit | None:
        raw = self._object(commit_id, "commit")
        if raw is None:
            return None
        header, _, message = raw.partition(b"\n\n")
        tree, parents, author, time = "", [], "", 0
        for line in header.split(b"\n"):
            if line.startswith(b"tree "):
                tree = line[5:].decode("ascii", "replace")
            elif line.startswith(b"parent "):
                parents.append(line[7:].decode("ascii", "replace"))
            elif line.startswith(b"author "):
                author = line[7:].partition(b" <")[0].decode("utf-8", "replace")
            elif line.startswith(b"committer "):
                with suppress(ValueError, IndexError):
                    time = int(line.rsplit(b" ", 2)[1])
        text = self._strip(message.decode("utf-8", "replace").strip())
        return NewCommit(commit_id, time, tree, tuple(parents), author, text)

    def _object(self, object_id: str, kind: str) -> bytes | None:
        try:
            return bytes(self._repo.object_store.get_raw(ObjectID(object_id.encode("ascii")))[1])
        except _BROKEN:
            self._gaps.setdefault(
                object_id,
                Gap(
                    what=f"{kind} {object_id[:12]} of the configuration repository",
                    why="it is missing or damaged; `git fsck` tells more",
                ),
            )
            return None

    # --- trees

    def _compare(self, commits: list[IndexedCommit]) -> set[str]:
        """Note which files each of these commits changed; returns all of them."""
        found = [(commit.position, list(self._changed_files(commit))) for commit in commits]
        self._index.add_changes(found)
        return {path for _, changes in found for path, _, _ in changes}

    def _changed_files(self, commit: IndexedCommit) -> Iterable[tuple[str, str | None, str | None]]:
        """Files that differ from every parent: a plain merge changes nothing."""
        new = bytes.fromhex(commit.tree)
        found: dict[str, tuple[str, str | None, str | None]] | None = None
        for parent_id in commit.parents or (None,):
            old = b"" if parent_id is None else self._tree_of(parent_id)
            if old is None:
                continue
            changed = {change[0]: change for change in self._differences(old, new, b"", 0)}
            found = changed if found is None else {p: c for p, c in found.items() if p in changed}
        return (found or {}).values()

    def _tree_of(self, commit_id: str) -> bytes | None:
        known = self._index.commit(commit_id)
        if known is not None:
            return bytes.fromhex(known.tree)
        commit = self._read_commit(commit_id)
        return None if commit is None else bytes.fromhex(commit.tree)

    def _differences(
        self, old: bytes, new: bytes, folder: bytes, depth: int
    ) -> Iterable[tuple[str, str | None, str | None]]:
        before, after = self._entries(old), self._entries(new)
        for name, there in dict(before.items() ^ after.items()).items():
            del there
            was, now = before.get(name), after.get(name)
            if was == now:
                continue
            folders = [entry is not None and entry[0] == _FOLDER for entry in (was, now)]
            if any(folders) and depth < _MAX_FOLDERS:
                yield from self._differences(
                    was[1] if was and folders[0] else b"",
                    now[1] if now and folders[1] else b"",
                    folder + name + b"/",
                    depth + 1,
                )
            blobs = [
                entry[1].hex() if entry and entry[0] != _FOLDER and entry[0] not in _LINKS else None
                for entry in (was, now)
            ]
            if blobs[0] != blobs[1] and (path := self._path_name(folder + name)) is not None:
                yield path, blobs[0], blobs[1]

    def _entries(self, tree: bytes) -> _Entries:
        """Name -> (mode, id) of one tree; empty for none."""
        if not tree:
            return {}
        known = self._trees.get(tree)
        if known is not None:
            self._trees.move_to_end(tree)
            return known
        raw = self._object(tree.hex(), "tree") or b""
        entries = {name: (mode, blob) for mode, name, blob in _ENTRY.findall(raw)}
        self._trees[tree] = entries
        if len(self._trees) > _TREES_KEPT:
            self._trees.popitem(last=False)
        return entries

    def _list_files(self, tree: str) -> Mapping[str, str]:
        files: dict[str, str] = {}
        pending = [(bytes.fromhex(tree), b"", 0)]
        while pending:
            current, folder, depth = pending.pop()
            for name, (mode, entry) in self._entries(current).items():
                if mode == _FOLDER:
                    if depth < _MAX_FOLDERS:
                        pending.append((entry, folder + name + b"/", depth + 1))
                elif mode not in _LINKS and (path := self._path_name(folder + name)) is not None:
                    files[path] = entry.hex()
        return dict(sorted(files.items()))

    def _path_name(self, raw: bytes) -> str | None:
        """A file's name as text; None, and a gap, for one that may not be shown."""
        path = raw.decode("utf-8", "replace")
        if is_safe_path(path):
            return path
        self._gaps.setdefault(
            raw.hex(),
            Gap(what="a file of the configuration repository", why="its name is not a usable path"),
        )
        return None


def _revision(commit: IndexedCommit) -> Revision:
    return Revision(
        commit.id, datetime.fromtimestamp(commit.time, UTC), commit.author, commit.message
    )
