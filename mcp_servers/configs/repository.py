"""`ConfigRepository`: what a site's elements are set to and what changed, without secrets."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Self

import re2

from mcp_servers.configs.block_tree import ConfigTree, read_tree
from mcp_servers.configs.change_listing import ChangeListing
from mcp_servers.configs.consistency import Finding, check_consistency
from mcp_servers.configs.described_links import described_links
from mcp_servers.configs.device_names import device_of, names_no_device
from mcp_servers.configs.element_view import ElementView, view_addresses, view_element
from mcp_servers.configs.git_history import GitHistory
from mcp_servers.configs.history import FileChange, History, Revision, decode, joined_moves
from mcp_servers.configs.link_sources import ObservedLink
from mcp_servers.configs.neighbors import (
    ElementConfig,
    NeighborLink,
    address_book,
    derived_links,
    neighbor_links,
)
from mcp_servers.configs.secret_stripping import SecretStripper
from mcp_servers.configs.sections import Span, outline, section_spans
from mcp_servers.configs.snapshot_history import SnapshotHistory, find_snapshots, paired
from mcp_servers.serving.tool_threads import stop_if_cancelled
from telecom.configuration import ConfigBlock, ConfigChange
from telecom.errors import InvalidArgumentError, RecordNotFoundError, SiteDirectoryError
from telecom.evidence import Gap
from telecom.times import Window
from telecom.topology import ManagedObject, Topology

_TREES_KEPT = 256
_ELEMENTS_KEPT = 1_000
"""Configurations that are kept understood, at some 100 kB each."""
_FACING_AT_MOST = 256
"""Addresses of a subnet that may join two devices, as `neighbors` has it."""
_FOUND_AT_MOST = 200
_PATTERN_LENGTH = 500
_PAGE_LINES = 200


@dataclass(frozen=True, slots=True)
class _File:
    """One configuration file of one revision."""

    history: History
    path: str
    """Within its history."""
    key: str

    @property
    def name(self) -> str:
        """Path below the configuration folder."""
        return self.history.prefix + self.path


class ConfigRepository:
    """The configurations of a site, their history, and what follows from them."""

    def __init__(
        self,
        histories: Sequence[History],
        topology: Topology,
        stripper: SecretStripper,
    ) -> None:
        self._histories = tuple(histories)
        self.topology = topology
        self._stripper = stripper
        self._trees: OrderedDict[str, ConfigTree] = OrderedDict()
        self._views: dict[str, ElementView] = {}
        self._named: dict[str, str | None] = {}
        self._gaps: dict[str, Gap] = {}
        self._changes = ChangeListing(topology, stripper)
        self._addresses: tuple[frozenset[str], dict[str, str]] | None = None
        self._elements: tuple[frozenset[str], list[ElementConfig]] | None = None

    @classmethod
    def open(
        cls,
        path: Path,
        topology: Topology,
        zone: tzinfo = UTC,
        *,
        key: bytes | None = None,
        index: Path | None = None,
    ) -> Self:
        """Open a configuration folder.

        Args:
            path: A git repository (bare or not), a folder of several, dated snapshot folders, a
                pair such as `live` and `candidate`, or plain files.
            topology: Spells the devices and says what joins them.
            zone: Of snapshot names without a zone.
            key: Names secrets stably over restarts (`fingerprint_key`); None names them for the
                life of this object only.
            index: SQLite file for what was learnt of the history; None keeps it in memory.

        Raises:
            SiteDirectoryError: No such folder, or a repository that cannot be read at all.
        """
        if not path.is_dir():
            raise SiteDirectoryError(
                f"{path} is not a directory; put the configuration repository there"
            )
        stripper = SecretStripper(key or secrets.token_bytes(32))
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
        if not histories:
            histories.append(SnapshotHistory(find_snapshots(path, zone)))
        return cls(histories, topology, stripper)

    @classmethod
    def open_pair(
        cls, before: Path, after: Path, topology: Topology, *, key: bytes | None = None
    ) -> Self:
        """Open two folders as two snapshots of one site, the second the newer one."""
        stripper = SecretStripper(key or secrets.token_bytes(32))
        return cls([SnapshotHistory(paired(before, after))], topology, stripper)

    def close(self) -> None:
        """Give files back."""
        for history in self._histories:
            if isinstance(history, GitHistory | SnapshotHistory):
                history.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """What could not be read so far."""
        found = [gap for history in self._histories for gap in history.gaps]
        return (*found, *self._gaps.values())

    def index_everything(self, progress: Callable[[int], None] | None = None) -> int:
        """Read the whole history into the index; resumable, and optional: it only saves time.

        Returns:
            How many commits were read now.
        """
        done = 0
        for history in self._histories:
            if isinstance(history, GitHistory):
                done += history.index_everything(progress)
                self._changes.learn_everything(history)
        return done

    # --- files and devices

    def devices(self, at: datetime | None = None) -> list[str]:
        """Every device that has a configuration, sorted."""
        return sorted({device for device, _ in self._files(at)})

    def _files(self, at: datetime | None = None) -> Iterator[tuple[str, _File]]:
        for history in self._histories:
            for path, key in history.files(at).items():
                device = self._device(path, key, history)
                if device is not None:
                    yield device, _File(history, path, key)

    def _device(self, path: str, key: str, history: History) -> str | None:
        """The device a file belongs to; files that are no configurations belong to none."""
        name = history.prefix + path
        if name not in self._named:
            self._named[name] = self._name_file(path, key, history)
        return self._named[name]

    def _name_file(self, path: str, key: str, history: History) -> str | None:
        if names_no_device(path):
            return None
        device, certain = device_of(path, self.topology)
        if not certain and self.topology.devices:
            tree = self._read_tree(_File(history, path, key))
            if tree is None:
                return None
            hostname = view_addresses(tree).hostname
            if hostname and hostname in self.topology:
                return self.topology.canonical(hostname).device
        return device

    def _device_files(self, managed_object: str, at: datetime | None) -> list[_File]:
        device = self.topology.canonical(managed_object).device
        found = [file for name, file in self._files(at) if name.lower() == device.lower()]
        if not found:
            when = "" if at is None else "it may have one at another time; "
            raise RecordNotFoundError(
                "configuration of device",
                _shown(device),
                hint=f"{when}get_neighbors and list_changes name the devices",
            )
        return found

    def _tree(self, file: _File) -> ConfigTree | None:
        """The blocks of a file without secrets; None for what is no text."""
        known = self._trees.get(file.key)
        if known is not None:
            self._trees.move_to_end(file.key)
            return known
        tree = self._read_tree(file)
        if tree is not None:
            self._trees[file.key] = tree
            if len(self._trees) > _TREES_KEPT:
                self._views.pop(self._trees.popitem(last=False)[0], None)
        return tree

    def _read_tree(self, file: _File) -> ConfigTree | None:
        stop_if_cancelled()
        text = self._text(file)
        if text is None:
            return None
        tree = read_tree(self._stripper.strip(text))
        if tree.problem is not None:
            self._gaps.setdefault(
                file.name, Gap(what=f"structure of {file.name}", why=tree.problem)
            )
        return tree

    def _view(self, file: _File) -> ElementView:
        """What a file says."""
        tree = self._tree(file)
        if tree is None:
            return ElementView()
        if file.key not in self._views:
            self._views[file.key] = view_element(tree)
        return self._views[file.key]

    def _text(self, file: _File) -> str | None:
        data = file.history.read(file.key)
        text = None if data is None else decode(data)
        if data is not None and text is None:
            self._gaps.setdefault(
                file.name,
                Gap(what=f"file {file.name}", why="it is binary or too large for a configuration"),
            )
        return text

    # --- looking things up

    def blocks(
        self, managed_object: str, section: str | None = None, at: datetime | None = None
    ) -> list[ConfigBlock]:
        """Read parts of a device's configuration.

        Args:
            managed_object: `device` or `device:port`; a port with all that concerns it.
            section: `interface Hu0/0/0/1`, `neighbor 10.0.0.1`, `vrf BLUE`, `route-policy IN`, a
                bare name, or a path such as `router bgp 65000 / neighbor 10.0.0.1`. None for a
                device gives its outline: the first line of each top-level block.
            at: As of this instant; None is now.

        Raises:
            RecordNotFoundError: No such device, or nothing of that name in its configuration.
            InvalidArgumentError: A section longer than 500 characters.
        """
        if section is not None and len(section) > _PATTERN_LENGTH:
            raise InvalidArgumentError(
                "section", f"section must be at most {_PATTERN_LENGTH} characters long"
            )
        wanted = ManagedObject.parse(managed_object)
        if section is None and wanted.port is not None:
            section = f"interface {wanted.port}"
        found: list[ConfigBlock] = []
        for file in self._device_files(managed_object, at):
            tree = self._tree(file)
            if tree is not None:
                found += self._blocks_of(file, tree, section, at)
        if not found and section is not None:
            raise RecordNotFoundError(
                "section",
                _shown(section),
                hint="ask without a section for the outline of the configuration",
            )
        return found

    def _blocks_of(
        self, file: _File, tree: ConfigTree, section: str | None, at: datetime | None
    ) -> Iterator[ConfigBlock]:
        spans = outline(tree) if section is None else section_spans(tree, section)
        for span in spans:
            yield self._block(file, tree, span, at)

    def _block(self, file: _File, tree: ConfigTree, span: Span, at: datetime | None) -> ConfigBlock:
        revision = file.history.revision_of(file.path, at)
        shown = tree.lines[span.first - 1 : span.shown_to]
        return ConfigBlock(
            managed_object=self._named[file.name] or "",
            path=span.path,
            text="\n".join(line.rstrip() for line in shown),
            first_line=span.first,
            last_line=span.last,
            file=file.name,
            commit=None if revision is None else revision.id,
            committed_at=None if revision is None else revision.time,
        )

    def page(
        self,
        managed_object: str,
        *,
        first_line: int = 1,
        lines: int = _PAGE_LINES,
        at: datetime | None = None,
    ) -> list[ConfigBlock]:
        """Read a whole configuration page by page; one block for each file of the device.

        Raises:
            RecordNotFoundError: No such device.
            InvalidArgumentError: A line below 1, or a page that is not 1 to 500 lines long.
        """
        if first_line < 1 or not 1 <= lines <= 500:
            raise InvalidArgumentError(
                "lines", f"first_line begins at 1 and lines is 1 to 500, got {first_line}, {lines}"
            )
        pages = []
        for file in self._device_files(managed_object, at):
            tree = self._tree(file)
            if tree is not None and first_line <= len(tree.lines):
                last = min(first_line + lines - 1, len(tree.lines))
                pages.append(self._block(file, tree, Span((), first_line, last, last), at))
        return pages

    def find_config(
        self, pattern: str, *, limit: int = 50, at: datetime | None = None
    ) -> list[ConfigBlock]:
        """Find the lines of all configurations that match an RE2 pattern (linear time).

        Raises:
            InvalidArgumentError: Not RE2, or longer than 500 characters, or a limit out of 1-200.
        """
        if not 1 <= limit <= _FOUND_AT_MOST:
            raise InvalidArgumentError("limit", f"limit must be 1 to {_FOUND_AT_MOST}, got {limit}")
        matcher = _compiled(pattern)
        found: list[ConfigBlock] = []
        for _, file in sorted(self._files(at), key=lambda entry: entry[1].name):
            stop_if_cancelled()
            tree = self._tree(file)
            if tree is None:
                continue
            lines_seen = set[int]()
            for placed in tree.placed:
                statement = placed.statement
                if statement.line in lines_seen:
                    continue  # one line may hold several statements, in XML above all
                lines_seen.add(statement.line)
                if not matcher.search(tree.lines[statement.line - 1]):
                    continue
                span = Span(placed.path, statement.line, statement.line, statement.line)
                found.append(self._block(file, tree, span, at))
                if len(found) >= limit:
                    return found
        return found

    # --- changes

    def list_changes(
        self,
        window: Window,
        around: Sequence[str] = (),
        hops: int = 1,
        limit: int = 20,
    ) -> list[ConfigChange]:
        """Rank what was changed in `window` by how suspicious it is.

        Args:
            window: Both ends included.
            around: Managed objects in trouble; changes further than `hops` links from all of them
                are left out. Empty means the whole site.
            hops: 0 to 10.
            limit: 1 to 500.

        Returns:
            One entry for each file of each revision, most suspicious first.

        Raises:
            InvalidArgumentError: `hops` or `limit` out of range.
        """
        if not 0 <= hops <= 10:
            raise InvalidArgumentError("hops", f"hops must be 0 to 10, got {hops}")
        if not 1 <= limit <= 500:
            raise InvalidArgumentError("limit", f"limit must be 1 to 500, got {limit}")
        scope = self._changes.scope(around, hops, self._addresses_of)
        candidates = [
            candidate
            for history in self._histories
            for candidate in self._changes.candidates(
                history, self._listed(history, window, scope.includes), window
            )
        ]
        return self._changes.ranked(candidates, scope, window, limit)

    def _listed(
        self, history: History, window: Window, wanted: Callable[[str], bool]
    ) -> list[tuple[str, Revision, FileChange]]:
        """Changes of the devices that are wanted; a file that moved is one change."""
        listed: list[tuple[str, Revision, FileChange]] = []
        for changes in history.changes(window.start, window.end):
            named = [(self._changed_device(file, history), file) for file in changes.files]
            ours = [(device, file) for device, file in named if device and wanted(device)]
            listed += [(device, changes.revision, file) for device, file in joined_moves(ours)]
        return listed

    def _changed_device(self, file: FileChange, history: History) -> str | None:
        key = file.new or file.old
        return None if key is None else self._device(file.path, key, history)

    def diff(self, managed_object: str, since: datetime, until: datetime) -> list[ConfigChange]:
        """What changed on one device: one entry for each commit, oldest first.

        Raises:
            RecordNotFoundError: No such device, neither then nor now.
            InvalidArgumentError: The span ends before it begins.
        """
        window = Window(since, until)
        device = self.topology.canonical(managed_object).device
        port = ManagedObject.parse(managed_object).port
        found = [
            candidate
            for history in self._histories
            for candidate in self._changes.candidates(
                history, self._listed(history, window, lambda name: name == device), window
            )
        ]
        if not found:
            self._device_files(managed_object, None)
        scope = self._changes.scope((managed_object,), 0, self._addresses_of)
        changes_found = self._changes.ranked(found, scope, window, max(len(found), 1))
        if port is not None:
            wanted = str(self.topology.canonical(managed_object))
            changes_found = [change for change in changes_found if wanted in change.touches]
        return sorted(changes_found, key=lambda change: change.time)

    # --- what follows from the configurations

    def addresses(self, at: datetime | None = None) -> dict[str, str]:
        """Interface address -> managed object, over all devices; shared addresses are left out."""
        files = list(self._files(at))
        keys = frozenset(file.key for _, file in files)
        if self._addresses is None or self._addresses[0] != keys:
            # Read past the cache of trees: this looks at every device once.
            views = (
                (device, view_addresses(tree))
                for device, file in files
                if (tree := self._trees.get(file.key) or self._read_tree(file)) is not None
            )
            self._addresses = (keys, address_book(views, self.topology))
        return dict(self._addresses[1])

    def _addresses_of(self, device: str) -> set[str]:
        """Addresses that one device has now."""
        return {
            str(own.ip)
            for name, file in self._files()
            if name == device
            for interface in self._view(file).interfaces.values()
            for own, _ in interface.addresses
        }

    def elements(self, at: datetime | None = None) -> list[ElementConfig]:
        """Every configuration, understood; kept until one changes, in a site of usual size."""
        files = list(self._files(at))
        keys = frozenset(file.key for _, file in files)
        if self._elements is not None and self._elements[0] == keys:
            return self._elements[1]
        found = [element for entry in files if (element := self._element(*entry, at)) is not None]
        if at is None and len(found) <= _ELEMENTS_KEPT:
            self._elements = (keys, found)
        return found

    def _element(self, device: str, file: _File, at: datetime | None) -> ElementConfig | None:
        tree = self._trees.get(file.key) or self._read_tree(file)
        if tree is None:
            return None
        return ElementConfig(
            device,
            file.name,
            self._views.get(file.key) or view_element(tree),
            tree.lines,
            _revision_id(file, at),
            tree.grammar.mtu_overhead,
        )

    def _elements_near(self, devices: set[str], at: datetime | None) -> list[ElementConfig]:
        """The configurations of some devices and of all that may be joined to them."""
        files = list(self._files(at))
        book = self.addresses(at)
        near = set(devices)
        for device, file in files:
            if device not in devices:
                continue
            near.update(self.topology.neighbors(device))
            view = self._view(file)
            facing = [session.neighbor for session in view.sessions.values()]
            for interface in view.interfaces.values():
                for own, _ in interface.addresses:
                    if own.network.num_addresses <= _FACING_AT_MOST:
                        facing += [str(address) for address in own.network]
            near.update(ManagedObject.parse(book[ip]).device for ip in facing if ip in book)
        return [
            element
            for device, file in files
            if device in near and (element := self._element(device, file, at)) is not None
        ]

    def check_consistency(
        self, around: Sequence[str] = (), at: datetime | None = None
    ) -> list[Finding]:
        """Find contradictions between the ends of links and references to nothing.

        Args:
            around: Only findings on these managed objects' devices, those without a configuration
                passed over; empty means all.
            at: As of this instant; None is now.

        Raises:
            RecordNotFoundError: None of `around` has a configuration.
        """
        devices = {self.topology.canonical(name).device for name in around}
        if devices and not devices & set(self.devices(at)):
            raise RecordNotFoundError(
                "configuration of device",
                _shown(min(devices)),
                hint="get_neighbors and list_changes name the devices",
            )
        elements = self._elements_near(devices, at) if devices else self.elements(at)
        found = check_consistency(elements, self.topology)
        return [f for f in found if not devices or devices & {side.device for side in f.sides}]

    def get_neighbors(
        self,
        managed_object: str,
        hops: int = 1,
        *,
        table: Topology | None = None,
        observed: Sequence[ObservedLink] = (),
    ) -> list[NeighborLink]:
        """The links around a managed object, from every source that there is.

        Args:
            managed_object: `device` or `device:port`.
            hops: 1 to 5.
            table: What counts as the operator's own table; None is the whole topology.
            observed: What other sources say.

        Raises:
            InvalidArgumentError: `hops` is not 1 to 5.
            RecordNotFoundError: The device is in neither.
        """
        if not 1 <= hops <= 5:
            raise InvalidArgumentError("hops", f"hops must be 1 to 5, got {hops}")
        wanted = self.topology.canonical(managed_object)
        elements = self.elements()
        known = {element.device for element in elements} | set(self.topology.devices)
        if wanted.device not in known:
            raise RecordNotFoundError(
                "device", _shown(wanted.device), hint="list_changes names devices that exist"
            )
        said = (*observed, *described_links(elements, self.topology))
        table = self.topology if table is None else table
        return neighbor_links(wanted, hops, elements, table, said)

    def derived_links(self) -> list[ObservedLink]:
        """What the configurations suggest: shared subnets, then descriptions."""
        elements = self.elements()
        return [
            *derived_links(elements, self.topology),
            *described_links(elements, self.topology),
        ]


def _revision_id(file: _File, at: datetime | None) -> str | None:
    """Id of the revision that a file was read in."""
    revision: Revision | None = file.history.revision_of(file.path, at)
    return None if revision is None else revision.id


def _shown(name: str) -> str:
    """A name as a message may carry it: printable and short."""
    return "".join(c if c.isprintable() else "?" for c in name)[:120]


def _compiled(pattern: str) -> re2._Regexp:
    if len(pattern) > _PATTERN_LENGTH:
        raise InvalidArgumentError(
            "pattern", f"pattern must be at most {_PATTERN_LENGTH} characters long"
        )
    options = re2.Options()
    options.log_errors = False
    options.max_mem = 8 << 20
    try:
        return re2.compile("(?i)" + pattern, options)
    except (re2.error, UnicodeEncodeError) as exc:
        raise InvalidArgumentError(
            "pattern",
            "pattern must be an RE2 regular expression (no look-around, no back-references)",
        ) from exc


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
