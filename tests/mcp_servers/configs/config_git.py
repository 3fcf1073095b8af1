"""Writes small configuration repositories, commit by commit, as Oxidized does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from dulwich.objects import Blob, Commit, Tree
from dulwich.repo import Repo

START = datetime(2026, 3, 1, tzinfo=UTC)


def at(hours: float) -> datetime:
    """An instant so many hours after the first commit."""
    return START + timedelta(hours=hours)


class ConfigGit:
    """A repository under construction; files live in a dictionary of path -> content."""

    def __init__(self, path: Path, *, bare: bool = False) -> None:
        path.mkdir(parents=True, exist_ok=True)
        self.repo = Repo.init_bare(str(path)) if bare else Repo.init(str(path))
        self.files: dict[str, bytes] = {}
        self.head: bytes | None = None

    def close(self) -> None:
        """Give files back."""
        self.repo.close()

    def __enter__(self) -> ConfigGit:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def commit(
        self,
        changes: dict[str, str | bytes | None],
        hours: float = 0,
        *,
        author: str = "oxidized",
        message: str = "update",
        parents: list[bytes] | None = None,
    ) -> str:
        """Write files (None removes one) and commit; returns the commit's id."""
        for path, content in changes.items():
            if content is None:
                del self.files[path]
            else:
                self.files[path] = content.encode() if isinstance(content, str) else content
        tree = self._tree(self.files)
        return self.commit_tree(tree, hours, author=author, message=message, parents=parents)

    def commit_tree(
        self,
        tree: bytes,
        hours: float,
        *,
        author: str = "oxidized",
        message: str = "update",
        parents: list[bytes] | None = None,
    ) -> str:
        """Commit a tree that is already in the store."""
        commit = Commit()
        commit.tree = tree
        commit.parents = parents if parents is not None else [self.head] if self.head else []
        commit.author = commit.committer = f"{author} <{author}@noc.example>".encode()
        commit.author_time = commit.commit_time = int(at(hours).timestamp())
        commit.author_timezone = commit.commit_timezone = 0
        commit.message = message.encode()
        self.repo.object_store.add_object(commit)
        self.head = commit.id
        self.repo.refs[b"refs/heads/master"] = commit.id
        self.repo.refs.set_symbolic_ref(b"HEAD", b"refs/heads/master")
        return commit.id.decode()

    def _tree(self, files: dict[str, bytes]) -> bytes:
        tree = Tree()
        folders: dict[str, dict[str, bytes]] = {}
        for path, content in files.items():
            folder, slash, rest = path.partition("/")
            if slash:
                folders.setdefault(folder, {})[rest] = content
            else:
                tree.add(path.encode(), 0o100644, self.blob(content))
        for folder, inside in folders.items():
            tree.add(folder.encode(), 0o040000, self._tree(inside))
        self.repo.object_store.add_object(tree)
        return tree.id

    def blob(self, content: bytes) -> bytes:
        """Put bytes into the store; returns their id."""
        blob = Blob.from_string(content)
        self.repo.object_store.add_object(blob)
        return blob.id
