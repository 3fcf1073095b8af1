"""`DeviceFiles`: which device a configuration file belongs to, and what it says."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from mcp_servers.configs.block_tree import ConfigTree, read_tree
from mcp_servers.configs.device_names import device_of, names_no_device
from mcp_servers.configs.element_view import ElementView, view_addresses, view_element
from mcp_servers.configs.history import FileChange, History, decode
from mcp_servers.configs.secret_stripping import SecretStripper
from mcp_servers.serving.tool_threads import stop_if_cancelled
from telecom.errors import RecordNotFoundError
from telecom.evidence import Gap
from telecom.topology import Topology

_TREES_KEPT = 256


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """One configuration file of one revision."""

    history: History
    path: str
    """Within its history."""
    key: str

    @property
    def name(self) -> str:
        """Path below the configuration folder."""
        return self.history.prefix + self.path

    def revision_id(self, at: datetime | None) -> str | None:
        """Id of the revision that it was read in."""
        revision = self.history.revision_of(self.path, at)
        return None if revision is None else revision.id


class DeviceFiles:
    """The configuration files of a site: which device each belongs to, and what it says.

    Files that were read lately are kept understood.
    """

    def __init__(
        self, histories: Sequence[History], topology: Topology, stripper: SecretStripper
    ) -> None:
        self._histories = tuple(histories)
        self._topology = topology
        self._stripper = stripper
        self._trees: OrderedDict[str, ConfigTree] = OrderedDict()
        self._views: dict[str, ElementView] = {}
        self._named: dict[str, str | None] = {}
        self._gaps: dict[str, Gap] = {}

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """What could not be read so far."""
        return tuple(self._gaps.values())

    def all(self, at: datetime | None = None) -> Iterator[tuple[str, ConfigFile]]:
        """Every file that is a device's configuration, with the device."""
        for history in self._histories:
            for path, key in history.files(at).items():
                device = self._device(path, key, history)
                if device is not None:
                    yield device, ConfigFile(history, path, key)

    def _device(self, path: str, key: str, history: History) -> str | None:
        """The device a file belongs to; files that are no configurations belong to none."""
        name = history.prefix + path
        if name not in self._named:
            self._named[name] = self._name_file(path, key, history)
        return self._named[name]

    def _name_file(self, path: str, key: str, history: History) -> str | None:
        if names_no_device(path):
            return None
        device, certain = device_of(path, self._topology)
        if not certain and self._topology.devices:
            tree = self._read_tree(ConfigFile(history, path, key))
            if tree is None:
                return None
            hostname = view_addresses(tree).hostname
            if hostname and hostname in self._topology:
                return self._topology.canonical(hostname).device
        return device

    def of_device(self, managed_object: str, at: datetime | None) -> list[ConfigFile]:
        """The files of a device.

        Raises:
            RecordNotFoundError: It has none.
        """
        device = self._topology.canonical(managed_object).device
        found = [file for name, file in self.all(at) if name.lower() == device.lower()]
        if not found:
            when = "" if at is None else "it may have one at another time; "
            raise RecordNotFoundError(
                "configuration of device",
                shown(device),
                hint=f"{when}get_neighbors and list_changes name the devices",
            )
        return found

    def tree(self, file: ConfigFile) -> ConfigTree | None:
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

    def _read_tree(self, file: ConfigFile) -> ConfigTree | None:
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

    def view(self, file: ConfigFile) -> ElementView:
        """What a file says."""
        tree = self.tree(file)
        if tree is None:
            return ElementView()
        if file.key not in self._views:
            self._views[file.key] = view_element(tree)
        return self._views[file.key]

    def glance(self, file: ConfigFile) -> ConfigTree | None:
        """As `tree`, past what is kept: for whoever looks at every device once."""
        return self._trees.get(file.key) or self._read_tree(file)

    def view_of(self, file: ConfigFile, tree: ConfigTree) -> ElementView:
        """What a tree says that was only glanced at."""
        return self._views.get(file.key) or view_element(tree)

    def device(self, file: ConfigFile) -> str:
        """The device of a file that `all` or `of_device` gave."""
        return self._named[file.name] or ""

    def _text(self, file: ConfigFile) -> str | None:
        data = file.history.read(file.key)
        text = None if data is None else decode(data)
        if data is not None and text is None:
            self._gaps.setdefault(
                file.name,
                Gap(what=f"file {file.name}", why="it is binary or too large for a configuration"),
            )
        return text

    def changed_device(self, file: FileChange, history: History) -> str | None:
        """The device whose configuration a change is about; None where it is no configuration."""
        key = file.new or file.old
        return None if key is None else self._device(file.path, key, history)


def shown(name: str) -> str:
    """A name as a message may carry it: printable and short."""
    return "".join(c if c.isprintable() else "?" for c in name)[:120]
