"""Writes the configuration history as a bare git repository, the way Oxidized keeps it."""

from __future__ import annotations

from collections.abc import Sequence
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
    path.mkdir(parents=True, exist_ok=True)
    with Repo.init_bare(str(path), default_branch=b"master") as repository:
        objects: dict[ObjectID, ShaFile] = {}
        groups: dict[str, dict[str, ObjectID]] = {}
        folders: dict[str, ObjectID] = {}
        head: ObjectID | None = None
        for entry in sorted(commits, key=lambda commit: commit.time):
            group, _, name = entry.path.partition("/")
            blob = Blob.from_string(entry.text.encode())
            groups.setdefault(group, {})[name] = blob.id
            subtree = _tree(groups[group], _FILE)
            folders[group] = subtree.id
            root = _tree(folders, _FOLDER)
            commit = _commit(entry, root, head)
            objects |= {item.id: item for item in (blob, subtree, root, commit)}
            head = commit.id
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
