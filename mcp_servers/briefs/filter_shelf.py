"""`FilterShelf`: the trained filters of a site, which one is in force, and which was before it."""

from __future__ import annotations

import json
import logging
import re
import shutil
import threading
from pathlib import Path

from agents.salience import HAND_SET, SalienceFilter
from mcp_servers.artifacts.signed_files import TrustedKeys, signature_file
from mcp_servers.briefs.learned_filter import (
    Embed,
    FilterArtifact,
    LearnedFilter,
    read_artifact,
)
from telecom.errors import (
    FilterRefusedError,
    RecordNotFoundError,
    SignatureRefusedError,
    StoreDamagedError,
)

_NAME = re.compile(r"filter-(\d{4,})")
_logger = logging.getLogger(__name__)


class FilterShelf:
    """Files under `store/filters`; safe to use from several threads of the owner."""

    def __init__(self, folder: Path, *, embedding: str, embed: Embed, trust: TrustedKeys) -> None:
        """Look at a folder that need not exist.

        Args:
            folder: Where artifacts lie, with the list of promotions.
            embedding: Stamp of the site's embedding model.
            embed: The model itself; not called before a learned filter is in force.
            trust: Who must have signed a filter.
        """
        self._folder = folder
        self._embedding = embedding
        self._embed = embed
        self._trust = trust
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

    def take_in(self, file: Path) -> str:
        """Keep a filter that was trained elsewhere, with its signature; returns its version.

        Raises:
            StoreDamagedError: It was altered, or does not fit this site.
            SignatureRefusedError: No trusted key signed it.
            FilterRefusedError: There is another of that name.
        """
        version = read_artifact(file, embedding=self._embedding).version
        self._trust.check(file, "filter")
        target = self._folder / f"{version}.json"
        if not _NAME.fullmatch(version):
            raise StoreDamagedError(f"{file} names its version {version!r}; it was altered")
        if target.exists() and target.read_bytes() != file.read_bytes():
            raise FilterRefusedError(
                f"{version} is another filter here; train the release under a higher number"
            )
        if signature_file(file).is_file():
            _copy(signature_file(file), signature_file(target))
        _copy(file, target)
        return version

    def read(self, version: str) -> FilterArtifact:
        """Read a trained filter.

        Raises:
            RecordNotFoundError: None has that name.
            StoreDamagedError: It was altered, or does not fit this site.
            SignatureRefusedError: No trusted key signed it.
        """
        if version not in self.versions():
            raise RecordNotFoundError(
                "filter", version, hint=f"there are {', '.join(self.versions()) or 'none'}"
            )
        file = self._folder / f"{version}.json"
        artifact = read_artifact(file, embedding=self._embedding)
        self._trust.check(file, "filter")
        return artifact

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
        """The filter that briefs are written with; the last good one where it cannot be used."""
        with self._lock:
            for name in reversed(self._promoted_or_none()):
                if name == self._loaded.name:
                    break
                try:
                    self._loaded = self.load(name)
                    break
                except (StoreDamagedError, RecordNotFoundError, SignatureRefusedError) as exc:
                    _logger.warning("%s: the filter before %s stands in", exc.code, name)
            return self._loaded

    def _promoted_or_none(self) -> list[str]:
        try:
            return self.promotions
        except StoreDamagedError as exc:
            _logger.warning("%s: the unlearned filter stands in", exc.code)
            return [HAND_SET.name]

    def _record(self, promoted: list[str]) -> None:
        _write(self._folder / "promotions.json", json.dumps(promoted))


def _write(file: Path, text: str) -> None:
    """Write whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f"{file.name}.new")
    draft.write_text(text + "\n", encoding="utf-8")
    draft.replace(file)


def _copy(source: Path, target: Path) -> None:
    """Copy whole or not at all, byte for byte: a signature is over bytes."""
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f"{target.name}.new")
    shutil.copyfile(source, draft)
    draft.replace(target)
