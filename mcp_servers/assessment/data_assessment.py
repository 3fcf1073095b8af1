"""Step one of getting started: what a site directory holds, classified, without showing any of it.

Every file is read to its end, a block at a time. What goes on is counts: files, records, fields and
identifiers by kind. A source is a folder's files of one suffix, because that is what has one owner.
"""

from __future__ import annotations

import csv
import gzip
import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import BinaryIO, cast

from mcp_servers.assessment.field_tally import FieldTally
from mcp_servers.configs.git_history import GitHistory
from mcp_servers.configs.history import decode
from mcp_servers.egress.gate import detector_of
from mcp_servers.ownership.store_owner import Progress
from mcp_servers.site_directory import SiteDirectory
from placement.assessment import SourceFinding, SourceKind, assess_data, catalogue_entry
from placement.policy import Policy
from placement.site_data import AlarmVolume, SiteData, read_site_data
from rag.document_formats import READERS, read_document
from telecom.csv_dialect import delimiter_of
from telecom.errors import (
    InvalidArgumentError,
    SettingsError,
    SiteDirectoryError,
    TierwiseError,
)
from telecom.evidence import Gap
from telecom.identifiers.detector import IdentifierDetector

KINDS: Mapping[str, SourceKind] = {
    "alarms": "alarms",
    "tickets": "tickets",
    "docs": "docs",
    "configs": "configs",
    "kpi": "kpi",
    "training/filter": "training_filter",
    "training/slm": "training_slm",
    "training/feedback": "feedback",
}
"""Folder -> what it holds; `training/` is where the sets are that models are made from."""
FOLDER = Path("assessment")
"""Below `store/`: `data.json`, and `classes.yaml` for the catalogue."""

REVIEW_OWNED = timedelta(days=365)
"""Until when the owner of a source confirms its class again."""
REVIEW_GREY = timedelta(days=30)
"""Until when somebody has to be named for a grey area."""

_BLOCK = 256 * 1024
_LONGEST_LINE = 1024 * 1024
"""Characters; what is longer is looked at in pieces."""
_LARGEST_JSON = 64 * 2**20
"""Bytes of one JSON document that is parsed as a whole; a larger one is looked at as text."""
_DEEPEST_FOLDER = 2
_OWN_FILES = frozenset({"site.yaml", "truth.json"})
_TABLES = frozenset({".csv", ".tsv"})
_LINES_OF_JSON = frozenset({".jsonl", ".ndjson"})
_BINARY_DOCUMENTS = frozenset({".pdf", ".docx", ".html", ".htm"})
_KIB = 1024


@dataclass(slots=True)
class _Source:
    """Files that belong together, and what was found in them."""

    name: str
    kind: SourceKind
    tally: FieldTally
    files: int = 0
    records: int = 0


@dataclass(slots=True)
class _Scan:
    """One walk over a site directory."""

    site: SiteDirectory
    detector: IdentifierDetector
    progress: Progress
    sources: dict[str, _Source] = field(default_factory=dict)
    gaps: list[Gap] = field(default_factory=list)
    done: int = 0
    total: int = 0

    def run(self) -> None:
        """Read everything."""
        files = list(self._files())
        self.total = sum(size for _, _, _, size in files)
        for name, kind, path, size in files:
            source = self._source(name, kind)
            source.files += 1
            before = self.done
            try:
                self._read(source, path)
            except (OSError, EOFError, UnicodeError, csv.Error, TierwiseError) as exc:
                self._gap(name, f"a file cannot be read ({type(exc).__name__})")
            self._advance(before + size - self.done)
        if self.site.configs.is_dir():
            self._read_repositories()

    def _files(self) -> Iterator[tuple[str, SourceKind, Path, int]]:
        """Source, kind, path and size of each file that is looked at."""
        if self.site.topology_file.is_file():
            size = self.site.topology_file.stat().st_size
            yield "topology.csv", "configs", self.site.topology_file, size
        for folder, kind in KINDS.items():
            root = self.site.path / folder
            if root.is_dir() and not (folder == "configs" and _repositories(root)):
                for path in _visible_files(root):
                    name = self._source_name(path)
                    yield name, kind, path, path.stat().st_size
        known = {self.site.path / folder.partition("/")[0] for folder in KINDS}
        strangers = sum(
            path not in known
            and path not in (self.site.store, self.site.topology_file)
            and path.name not in _OWN_FILES
            and not path.name.startswith(".")
            for path in self.site.path.iterdir()
        )
        if strangers:
            self._gap(
                "other files",
                f"{strangers} files or folders beside the known ones were not looked at; put them "
                f"under {', '.join(KINDS)}",
            )

    def _source_name(self, path: Path) -> str:
        """`alarms/received/*.jsonl`; a folder that is named after a person keeps its secret."""
        relative = path.relative_to(self.site.path)
        folder = "/".join(relative.parts[:-1][: _DEEPEST_FOLDER + 1])
        if self.detector.find(folder):
            folder = f"{relative.parts[0]}/(folder)"
        suffixes = [suffix.lower() for suffix in path.suffixes[-2:]]
        suffix = suffixes[-2] + ".gz" if suffixes[1:] and suffixes[-1] == ".gz" else _suffix(path)
        plain = len(suffix) <= 12 and suffix.replace(".", "").isalpha()
        return f"{folder}/*{suffix if plain else ''}"

    def _source(self, name: str, kind: SourceKind) -> _Source:
        return self.sources.setdefault(name, _Source(name, kind, FieldTally(self.detector)))

    def _gap(self, what: str, why: str) -> None:
        gap = Gap(what=what, why=why)
        if gap not in self.gaps:
            self.gaps.append(gap)

    def _advance(self, size: int) -> None:
        self.done += size
        self.progress("reading, KiB", self.done // _KIB, max(1, self.total // _KIB))

    def _read(self, source: _Source, path: Path) -> None:
        suffix = _suffix(path)
        if source.kind == "docs" and suffix in _BINARY_DOCUMENTS & READERS.keys():
            source.records += 1
            source.tally.add_text("text", read_document(path).text)
            return
        with _opened(path) as file:
            head = file.read(_KIB)
            if b"\0" in head:
                self._gap(source.name, "binary files were not looked at")
                return
            file.seek(0)
            if suffix in _TABLES:
                header = head.partition(b"\n")[0].decode("utf-8", errors="replace")
                self._read_table(source, file, delimiter_of(header))
            elif suffix == ".json" and path.stat().st_size <= _LARGEST_JSON:
                self._read_json(source, file)
            else:
                self._read_lines(source, file, as_json=suffix in _LINES_OF_JSON)

    def _read_lines(self, source: _Source, file: BinaryIO, *, as_json: bool) -> None:
        name = "line" if source.kind == "alarms" else "text"
        for line in self._lines(file):
            source.records += 1
            if as_json:
                try:
                    source.tally.add_record(json.loads(line))
                    continue
                except (ValueError, RecursionError):
                    pass  # a broken record is text
            source.tally.add_text(name, line)
        if source.kind == "docs":
            source.records = source.files

    def _read_json(self, source: _Source, file: BinaryIO) -> None:
        data = file.read()
        self._advance(len(data))
        try:
            content = json.loads(data)
        except (ValueError, RecursionError):
            source.records += 1
            source.tally.add_text("text", data.decode("utf-8", errors="replace"))
            return
        source.records += len(content) if isinstance(content, list) else 1
        source.tally.add_record(content)

    def _read_table(self, source: _Source, file: BinaryIO, delimiter: str) -> None:
        rows = csv.reader(self._lines(file), delimiter=delimiter)
        names: list[str] | None = None
        for number, row in enumerate(rows):
            if number == 0:
                names = source.tally.column_names(row)
                if names is not None:
                    continue
            source.records += 1
            for column, cell in enumerate(row):
                named = names is not None and column < len(names)
                label = names[column] if named and names else f"column {column + 1}"
                source.tally.add_value(label, cell)

    def _lines(self, file: BinaryIO) -> Iterator[str]:
        """Lines that are not empty, as text; one without an end is cut into pieces."""
        while line := file.readline(_LONGEST_LINE):
            self._advance(len(line))
            if text := line.decode("utf-8", errors="replace").strip("\r\n\ufeff"):
                yield text

    def _read_repositories(self) -> None:
        """The files of the newest commit, straight from the repository's objects."""
        for repository in _repositories(self.site.configs):
            source = self._source("configs", "configs")
            try:
                with closing(GitHistory(repository)) as history:
                    files = history.files()
                    for number, key in enumerate(files.values(), start=1):
                        self.progress("reading configurations", number, len(files))
                        self._read_configuration(source, history.read(key))
            except SiteDirectoryError as exc:
                self._gap("configs", str(exc))

    def _read_configuration(self, source: _Source, data: bytes | None) -> None:
        text = None if data is None else decode(data)
        source.files += 1
        if text is None:
            self._gap("configs", "binary or missing files were not looked at")
            return
        source.records += text.count("\n") + 1
        source.tally.add_text("text", text)


def assess_site(
    site: SiteDirectory,
    policy: Policy,
    *,
    owners: Mapping[str, str],
    alarms: AlarmVolume | None,
    now: datetime,
    progress: Progress = lambda _phrase, _done, _total: None,
) -> SiteData:
    """Look at everything the site directory holds and propose class, owner and review date.

    Args:
        site: Whose raw files are read here and nowhere else.
        policy: Its catalogue has the classes.
        owners: Source or folder -> who answers for it; an empty name takes an owner back. What an
            earlier assessment was told still holds.
        alarms: What the alarms measure, if that is known.
        now: The instant of the assessment.
        progress: Told what is done.

    Raises:
        InvalidArgumentError: An owner is named for a source that is not there.
    """
    scan = _Scan(site, detector_of(site.settings), progress)
    scan.run()
    kept = _kept_owners(site)
    _refuse_unknown(owners, scan.sources)
    findings = [_owned(source, owners, kept, today=now.date()) for source in scan.sources.values()]
    assessed = assess_data(policy, findings, site.home)
    return SiteData(
        **dict(assessed),
        site=site.settings.site_id,
        country=site.settings.country,
        tier=site.settings.tier,
        assessed_at=now,
        alarms=alarms,
        gaps=tuple(scan.gaps),
    )


def write_assessment(site: SiteDirectory, data: SiteData, policy: Policy) -> tuple[Path, Path]:
    """Write `data.json` and the catalogue entries `classes.yaml`.

    Raises:
        SiteDirectoryError: The store cannot be written.
    """
    folder = site.store / FOLDER
    header = (
        "# Written by `tierwise-site assess data`: one class for each source, to be pasted under\n"
        "# `classes` of the placement catalogue. Counts only; it is not legal advice.\n"
    )
    entries = "".join(
        catalogue_entry(source, policy.catalogue.classes[source.proposed_class])
        for source in data.sources
        if source.proposed_class in policy.catalogue.classes
    )
    indented = "".join(f"  {line}" for line in entries.splitlines(keepends=True))
    targets = folder / "data.json", folder / "classes.yaml"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _replace(targets[0], data.model_dump_json(indent=2) + "\n")
        _replace(targets[1], f"{header}classes:\n{indented}" if indented else header)
    except OSError as exc:
        raise SiteDirectoryError(f"{folder} cannot be written: {exc.strerror}") from exc
    return targets


def _owned(
    source: _Source,
    owners: Mapping[str, str],
    kept: Mapping[str, SourceFinding],
    *,
    today: date,
) -> SourceFinding:
    """A finding with its owner: the flag's for the source, for its folder, or the earlier one."""
    earlier = kept.get(source.name)
    named = [key for key in owners if _covers(key, source.name)]
    owner = earlier.owner if earlier is not None else None
    if named:
        owner = owners[max(named, key=len)] or None
    review = today + (REVIEW_OWNED if owner else REVIEW_GREY)
    if earlier is not None and earlier.owner == owner and earlier.review_on is not None:
        review = earlier.review_on
    return SourceFinding(
        source=source.name,
        kind=source.kind,
        files=source.files,
        records=source.records,
        fields=source.tally.findings(),
        owner=owner,
        review_on=review,
    )


def _kept_owners(site: SiteDirectory) -> Mapping[str, SourceFinding]:
    """What an earlier assessment was told; nothing when there is none that can be read."""
    try:
        earlier = read_site_data(site.store / FOLDER / "data.json")
    except SettingsError:
        return {}
    return {source.finding.source: source.finding for source in earlier.sources}


def _refuse_unknown(owners: Mapping[str, str], sources: Iterable[str]) -> None:
    names = list(sources)
    for key in owners:
        if not any(_covers(key, name) for name in names):
            known = ", ".join(names) or "nothing"
            raise InvalidArgumentError(
                "--owner", f"--owner {key!r} is no source of this site; it has {known}"
            )


def _covers(key: str, source: str) -> bool:
    return source == key or source.startswith(key.rstrip("/") + "/")


def _visible_files(root: Path) -> Iterator[Path]:
    """Files below a folder without hidden ones and without leaving it by a link."""
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(folder, name)
            if not name.startswith(".") and path.is_file() and not path.is_symlink():
                yield path


def _repositories(root: Path) -> list[Path]:
    """Git repositories, bare or not: the folder itself, or those up to two levels below it."""
    candidates = [root, *sorted(root.glob("*/")), *sorted(root.glob("*/*/"))]
    found: list[Path] = []
    for path in candidates:
        bare = (path / "HEAD").is_file() and (path / "objects").is_dir()
        inside = any(parent in path.parents for parent in found)
        if not inside and not path.is_symlink() and (bare or (path / ".git").is_dir()):
            found.append(path)
    return found


def _suffix(path: Path) -> str:
    """The suffix that says the format: the one before `.gz`."""
    suffix = path.suffix.lower()
    return Path(path.stem).suffix.lower() if suffix == ".gz" else suffix


def _opened(path: Path) -> BinaryIO:
    if path.suffix.lower() == ".gz":
        return cast("BinaryIO", gzip.open(path, "rb"))  # the stubs know no common type
    return path.open("rb")


def _replace(path: Path, text: str) -> None:
    """Whole or not at all: somebody may read it meanwhile."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    Path(name).replace(path)
