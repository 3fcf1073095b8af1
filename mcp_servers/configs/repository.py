"""`ConfigRepository`: what a site's elements are set to and what changed, without secrets."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import NamedTuple, Self

import re2

from mcp_servers.configs.block_tree import ConfigTree
from mcp_servers.configs.change_listing import ChangeListing
from mcp_servers.configs.consistency import Finding, check_consistency
from mcp_servers.configs.described_links import described_links
from mcp_servers.configs.device_files import ConfigFile, DeviceFiles, shown
from mcp_servers.configs.element_view import view_addresses
from mcp_servers.configs.git_history import GitHistory
from mcp_servers.configs.history import FileChange, History, Revision, joined_moves
from mcp_servers.configs.history_folder import open_histories
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
from mcp_servers.configs.snapshot_history import SnapshotHistory, paired
from mcp_servers.serving.tool_threads import stop_if_cancelled
from telecom.configuration import ConfigBlock, ConfigChange
from telecom.errors import InvalidArgumentError, RecordNotFoundError, SiteDirectoryError
from telecom.evidence import Gap
from telecom.times import Window
from telecom.topology import ManagedObject, Topology

_ELEMENTS_KEPT = 1_000
"""Configurations that are kept understood, at some 100 kB each."""
_FACING_AT_MOST = 256
"""Addresses of a subnet that may join two devices, as `neighbors` has it."""
_FOUND_AT_MOST = 200
_PATTERN_LENGTH = 500
_PAGE_LINES = 200


class ReadNow(NamedTuple):
    """What an indexing found that was not known yet."""

    commits: int
    devices: frozenset[str]
    """Whose configuration these commits changed."""


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
        self._files = DeviceFiles(histories, topology, stripper)
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
        histories = open_histories(path, zone, stripper, index)
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
        return (*found, *self._files.gaps)

    def index_everything(self, progress: Callable[[int], None] | None = None) -> ReadNow:
        """Read the whole history into the index; resumable, and optional: it only saves time."""
        commits, names = 0, set()
        for history in self._histories:
            if isinstance(history, GitHistory):
                done, changed = history.index_everything(progress)
                commits += done
                names |= {history.prefix + path for path in changed}
                self._changes.learn_everything(history)
        devices = {device for device, file in self._files.all() if file.name in names}
        return ReadNow(commits, frozenset(devices))

    # --- files and devices

    def devices(self, at: datetime | None = None) -> list[str]:
        """Every device that has a configuration, sorted."""
        return sorted({device for device, _ in self._files.all(at)})

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
        for file in self._files.of_device(managed_object, at):
            tree = self._files.tree(file)
            if tree is not None:
                found += self._blocks_of(file, tree, section, at)
        if not found and section is not None:
            raise RecordNotFoundError(
                "section",
                shown(section),
                hint="ask without a section for the outline of the configuration",
            )
        return found

    def _blocks_of(
        self, file: ConfigFile, tree: ConfigTree, section: str | None, at: datetime | None
    ) -> Iterator[ConfigBlock]:
        spans = outline(tree) if section is None else section_spans(tree, section)
        for span in spans:
            yield self._block(file, tree, span, at)

    def _block(
        self, file: ConfigFile, tree: ConfigTree, span: Span, at: datetime | None
    ) -> ConfigBlock:
        revision = file.history.revision_of(file.path, at)
        lines = tree.lines[span.first - 1 : span.shown_to]
        return ConfigBlock(
            managed_object=self._files.device(file),
            path=span.path,
            text="\n".join(line.rstrip() for line in lines),
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
        for file in self._files.of_device(managed_object, at):
            tree = self._files.tree(file)
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
        for _, file in sorted(self._files.all(at), key=lambda entry: entry[1].name):
            stop_if_cancelled()
            tree = self._files.tree(file)
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
            named = [(self._files.changed_device(file, history), file) for file in changes.files]
            ours = [(device, file) for device, file in named if device and wanted(device)]
            listed += [(device, changes.revision, file) for device, file in joined_moves(ours)]
        return listed

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
            self._files.of_device(managed_object, None)
        scope = self._changes.scope((managed_object,), 0, self._addresses_of)
        changes_found = self._changes.ranked(found, scope, window, max(len(found), 1))
        if port is not None:
            wanted = str(self.topology.canonical(managed_object))
            changes_found = [change for change in changes_found if wanted in change.touches]
        return sorted(changes_found, key=lambda change: change.time)

    # --- what follows from the configurations

    def addresses(self, at: datetime | None = None) -> dict[str, str]:
        """Interface address -> managed object, over all devices; shared addresses are left out."""
        files = list(self._files.all(at))
        keys = frozenset(file.key for _, file in files)
        if self._addresses is None or self._addresses[0] != keys:
            # Read past the cache of trees: this looks at every device once.
            views = (
                (device, view_addresses(tree))
                for device, file in files
                if (tree := self._files.glance(file)) is not None
            )
            self._addresses = (keys, address_book(views, self.topology))
        return dict(self._addresses[1])

    def _addresses_of(self, device: str) -> set[str]:
        """Addresses that one device has now."""
        return {
            str(own.ip)
            for name, file in self._files.all()
            if name == device
            for interface in self._files.view(file).interfaces.values()
            for own, _ in interface.addresses
        }

    def elements(self, at: datetime | None = None) -> list[ElementConfig]:
        """Every configuration, understood; kept until one changes, in a site of usual size."""
        files = list(self._files.all(at))
        keys = frozenset(file.key for _, file in files)
        if self._elements is not None and self._elements[0] == keys:
            return self._elements[1]
        found = [element for entry in files if (element := self._element(*entry, at)) is not None]
        if at is None and len(found) <= _ELEMENTS_KEPT:
            self._elements = (keys, found)
        return found

    def _element(self, device: str, file: ConfigFile, at: datetime | None) -> ElementConfig | None:
        tree = self._files.glance(file)
        if tree is None:
            return None
        return ElementConfig(
            device,
            file.name,
            self._files.view_of(file, tree),
            tree.lines,
            file.revision_id(at),
            tree.grammar.mtu_overhead,
        )

    def _elements_near(self, devices: set[str], at: datetime | None) -> list[ElementConfig]:
        """The configurations of some devices and of all that may be joined to them."""
        files = list(self._files.all(at))
        book = self.addresses(at)
        near = set(devices)
        for device, file in files:
            if device not in devices:
                continue
            near.update(self.topology.neighbors(device))
            view = self._files.view(file)
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
                shown(min(devices)),
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
                "device", shown(wanted.device), hint="list_changes names devices that exist"
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
