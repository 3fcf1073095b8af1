"""`FilterShelf`: the trained filters of a site, which one is in force, and which was before it."""

from __future__ import annotations

import json
import logging
import re
import threading
from pathlib import Path

from agents.salience import HAND_SET, SalienceFilter
from mcp_servers.briefs.learned_filter import (
    Embed,
    FilterArtifact,
    LearnedFilter,
    read_artifact,
)
from telecom.errors import RecordNotFoundError, StoreDamagedError

_NAME = re.compile(r"filter-(\d{4,})")
_logger = logging.getLogger(__name__)


class FilterShelf:
    """Files under `store/filters`; safe to use from several threads of the owner."""

    def __init__(self, folder: Path, *, embedding: str, embed: Embed) -> None:
        """Look at a folder that need not exist.

        Args:
            folder: Where artifacts lie, with the list of promotions.
            embedding: Stamp of the site's embedding model.
            embed: The model itself; not called before a learned filter is in force.
        """
        self._folder = folder
        self._embedding = embedding
        self._embed = embed
        self._lock = threading.Lock()
        self._loaded: SalienceFilter = HAND_SET

    def versions(self) -> list[str]:
        """Every trained filter, oldest first."""
        names = (file.stem for file in self._folder.glob("filter-*.json"))
        found = [name for name in names if _NAME.fullmatch(name)]
        return sorted(found, key=lambda name: int(name.rpartition("-")[2]))

    def next_version(self) -> str:
        """The name of the next filter."""
        numbers = [int(name.rpartition("-")[2]) for name in self.versions()]
        return f"filter-{max(numbers, default=0) + 1:04d}"

    def add(self, artifact: FilterArtifact) -> Path:
        """Keep a trained filter; it is not in force yet."""
        file = self._folder / f"{artifact.version}.json"
        _write(file, artifact.model_dump_json(indent=1))
        return file

    def read(self, version: str) -> FilterArtifact:
        """Read a trained filter.

        Raises:
            RecordNotFoundError: None has that name.
            StoreDamagedError: It was altered, or does not fit this site.
        """
        if version not in self.versions():
            raise RecordNotFoundError(
                "filter", version, hint=f"there are {', '.join(self.versions()) or 'none'}"
            )
        return read_artifact(self._folder / f"{version}.json", embedding=self._embedding)

    def load(self, version: str) -> SalienceFilter:
        """A filter by name; the unlearned one has a name, too."""
        if version == HAND_SET.name:
            return HAND_SET
        return LearnedFilter(self.read(version), self._embed)

    @property
    def promotions(self) -> list[str]:
        """The filters that were put in force, the present one last; never empty."""
        try:
            content = json.loads((self._folder / "promotions.json").read_bytes())
            promoted = [str(name) for name in content]
        except FileNotFoundError:
            promoted = []
        except (OSError, ValueError, TypeError) as exc:
            raise StoreDamagedError(
                f"{self._folder / 'promotions.json'} cannot be read; remove it to fall back to the "
                "unlearned filter"
            ) from exc
        return [HAND_SET.name, *promoted]

    def promote(self, version: str) -> None:
        """Put a filter in force."""
        self._record([*self.promotions[1:], version])

    def roll_back(self) -> str:
        """Put the filter before the present one in force; returns its name.

        Raises:
            RecordNotFoundError: The unlearned filter is in force, and nothing was before it.
        """
        promoted = self.promotions
        if len(promoted) == 1:
            raise RecordNotFoundError(
                "filter", "previous", hint="the unlearned filter is in force already"
            )
        self._record(promoted[1:-1])
        return promoted[-2]

    def in_force(self) -> SalienceFilter:
        """The filter that briefs are written with; the unlearned one where it cannot be read."""
        with self._lock:
            try:
                name = self.promotions[-1]
                if name != self._loaded.name:
                    self._loaded = self.load(name)
            except (StoreDamagedError, RecordNotFoundError) as exc:
                _logger.warning("%s: the unlearned filter stands in", exc.code)
                self._loaded = HAND_SET
            return self._loaded

    def _record(self, promoted: list[str]) -> None:
        _write(self._folder / "promotions.json", json.dumps(promoted))


def _write(file: Path, text: str) -> None:
    """Write whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_suffix(".new")
    draft.write_text(text + "\n", encoding="utf-8")
    draft.replace(file)
