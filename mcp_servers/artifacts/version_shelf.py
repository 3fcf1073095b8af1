"""`VersionShelf`: the promoted versions of one kind of artifact, and which one is in force."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

from mcp_servers.artifacts.signed_files import VERSION
from telecom.errors import (
    InvalidArgumentError,
    RecordNotFoundError,
    SiteDirectoryError,
    StoreDamagedError,
)

_RECORD = "promotions.json"


class VersionShelf:
    """Folders under `store/artifacts/KIND`; one process writes, any may read."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def promotions(self) -> list[str]:
        """The versions that were put in force, the present one last; empty when none was.

        Raises:
            StoreDamagedError: The list of them cannot be read.
        """
        record = self._folder / _RECORD
        try:
            names = [str(name) for name in json.loads(record.read_bytes())]
        except FileNotFoundError:
            return []
        except (OSError, ValueError, TypeError) as exc:
            raise StoreDamagedError(
                f"{record} cannot be read; remove it to fall back to what site.yaml names"
            ) from exc
        if not all(re.fullmatch(VERSION, name) for name in names):
            raise StoreDamagedError(f"{record} names something that is no version")
        return names

    @property
    def current(self) -> Path | None:
        """The folder of the version in force; None when none was promoted."""
        promoted = self.promotions
        return self._folder / promoted[-1] if promoted else None

    def put(self, version: str, fill: Callable[[Path], None]) -> None:
        """Write a version's folder, whole or not at all.

        Args:
            version: Its name, which no other has yet.
            fill: Writes the files and checks them; what it raises leaves nothing behind.

        Raises:
            InvalidArgumentError: There is one of that name already, or it is no name.
            SiteDirectoryError: The store cannot be written.
        """
        if not re.fullmatch(VERSION, version):
            raise InvalidArgumentError("version", f"{version!r} is no version")
        target = self._folder / version
        if target.exists():
            raise InvalidArgumentError(
                "version", f"version {version} was promoted before; release under a new name"
            )
        draft = self._folder / f".{version}.new"
        shutil.rmtree(draft, ignore_errors=True)
        try:
            draft.mkdir(mode=0o700, parents=True)
            fill(draft)
            draft.rename(target)
        except OSError as exc:
            raise SiteDirectoryError(f"{self._folder} cannot be written: {exc.strerror}") from exc
        finally:
            shutil.rmtree(draft, ignore_errors=True)

    def promote(self, version: str) -> None:
        """Put a version in force."""
        self._write([*self.promotions, version])

    def roll_back(self) -> str | None:
        """Put the version before the present one in force; its name, None when none was before.

        Raises:
            RecordNotFoundError: None is in force.
        """
        promoted = self.promotions
        if not promoted:
            raise RecordNotFoundError("promoted version", "current", hint="none is in force")
        self._write(promoted[:-1])
        return promoted[-2] if len(promoted) > 1 else None

    def _write(self, promoted: list[str]) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = self._folder / f"{_RECORD}.new"
        draft.write_text(json.dumps(promoted) + "\n", encoding="utf-8")
        draft.replace(self._folder / _RECORD)
