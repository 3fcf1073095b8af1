"""The histories of a configuration folder: its git repositories, or else its snapshots."""

from __future__ import annotations

from datetime import tzinfo
from pathlib import Path

from mcp_servers.configs.git_history import GitHistory
from mcp_servers.configs.history import History
from mcp_servers.configs.secret_stripping import SecretStripper
from mcp_servers.configs.snapshot_history import SnapshotHistory, find_snapshots


def open_histories(
    path: Path, zone: tzinfo, stripper: SecretStripper, index: Path | None
) -> list[History]:
    """Open every history that a folder holds, one index file for each repository.

    Raises:
        SiteDirectoryError: A repository cannot be read at all.
    """
    histories: list[History] = []
    for repository in _repositories(path):
        prefix = "" if repository == path else repository.relative_to(path).as_posix() + "/"
        file = index
        if index is not None and prefix:
            file = index.with_name(f"{index.stem}-{prefix.strip('/').replace('/', '-')}.sqlite")
        histories.append(
            GitHistory(
                repository,
                prefix=prefix.replace(".git/", "/"),
                index=file,
                strip=stripper.strip,
            )
        )
    return histories or [SnapshotHistory(find_snapshots(path, zone))]


def _repositories(path: Path) -> list[Path]:
    """The git repositories of a configuration folder: itself, or those up to two levels below."""
    if _is_repository(path):
        return [path]
    found: list[Path] = []
    pending = [(path, 0)]
    while pending:
        folder, depth = pending.pop()
        for entry in sorted(folder.iterdir()):
            if entry.is_symlink() or not entry.is_dir():
                continue
            if _is_repository(entry):
                found.append(entry)
            elif depth < 1 and not entry.name.startswith("."):
                pending.append((entry, depth + 1))
    return sorted(found)


def _is_repository(path: Path) -> bool:
    if (path / ".git").is_dir() and not (path / ".git").is_symlink():
        return True
    return (path / "HEAD").is_file() and (path / "objects").is_dir() and (path / "refs").is_dir()
