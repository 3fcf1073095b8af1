"""Writes the configuration history as a bare git repository, the way Oxidized keeps it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from dulwich.objects import Blob, Commit, ObjectID, ShaFile, Tree
from dulwich.refs import Ref
from dulwich.repo import Repo

from mcp_servers.sample_site.config_history import ConfigCommit

_BRANCH = Ref(b"refs/heads/master")
_FETCHER = b"oxidized <oxidized@noc.example.net>"
_FILE = 0o100644
_FOLDER = 0o040000


def write_repository(path: Path, commits: Sequence[ConfigCommit]) -> None:
    """Write commits, oldest first; same commits, same object ids."""
    SampleRepository(path, commits)


class SampleRepository:
    """A repository that holds a network's history, and one incident's commits after it."""

    def __init__(self, path: Path, commits: Sequence[ConfigCommit]) -> None:
        """Write the history, oldest commit first; same commits, same object ids."""
        self._path = path
        path.mkdir(parents=True, exist_ok=True)
        self._history = _Line()
        objects = self._history.append(commits)
        with Repo.init_bare(str(path), default_branch=b"master") as repository:
            _store(repository, objects, self._history.head)

    def continue_with(self, commits: Sequence[ConfigCommit]) -> None:
        """Let the branch be the history and these commits, in place of any that were here."""
        line = self._history.copy()
        objects = line.append(commits)
        with Repo(str(self._path)) as repository:
            _store(repository, objects, line.head)


class _Line:
    """One line of commits: where it stands, and its files."""

    def __init__(self) -> None:
        self.head: ObjectID | None = None
        self._groups: dict[str, dict[str, ObjectID]] = {}
        self._folders: dict[str, ObjectID] = {}

    def copy(self) -> _Line:
        """A line that goes its own way from here."""
        other = _Line()
        other.head = self.head
        other._groups = {group: dict(files) for group, files in self._groups.items()}
        other._folders = dict(self._folders)
        return other

    def append(self, commits: Iterable[ConfigCommit]) -> dict[ObjectID, ShaFile]:
        """Add commits by time; the objects they need."""
        objects: dict[ObjectID, ShaFile] = {}
        for entry in sorted(commits, key=lambda commit: commit.time):
            group, _, name = entry.path.partition("/")
            blob = Blob.from_string(entry.text.encode())
            self._groups.setdefault(group, {})[name] = blob.id
            subtree = _tree(self._groups[group], _FILE)
            self._folders[group] = subtree.id
            root = _tree(self._folders, _FOLDER)
            commit = _commit(entry, root, self.head)
            objects |= {item.id: item for item in (blob, subtree, root, commit)}
            self.head = commit.id
        return objects


def _store(repository: Repo, objects: dict[ObjectID, ShaFile], head: ObjectID | None) -> None:
    if objects:
        repository.object_store.add_objects([(item, None) for item in objects.values()])
    if head is not None:
        repository.refs[_BRANCH] = head


def _tree(entries: dict[str, ObjectID], mode: int) -> Tree:
    tree = Tree()
    for name, object_id in entries.items():
        tree.add(name.encode(), mode, object_id)
    return tree


def _commit(entry: ConfigCommit, root: Tree, parent: ObjectID | None) -> Commit:
    commit = Commit()
    commit.tree = root.id
    commit.parents = [] if parent is None else [parent]
    commit.author = f"{entry.author} <{entry.author}@noc.example.net>".encode()
    commit.committer = _FETCHER
    commit.author_time = commit.commit_time = int(entry.time.timestamp())
    commit.author_timezone = commit.commit_timezone = 0
    commit.encoding = b"UTF-8"
    commit.message = f"update {entry.path}\n".encode()
    return commit
