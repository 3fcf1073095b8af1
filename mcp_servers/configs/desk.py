"""The site's configuration desk: history and topology, whether the site keeps a history or not.

The repository's caches are made for one caller at a time, so calls take turns here.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from mcp_servers.configs.neighbors import NeighborLink, neighbor_links
from mcp_servers.configs.repository import ConfigRepository
from telecom.configuration import ConfigBlock, ConfigChange
from telecom.errors import RecordNotFoundError
from telecom.evidence import Gap
from telecom.times import Window
from telecom.topology import Topology

NO_HISTORY = Gap(what="configuration", why="the site keeps no configuration history (configs/)")


class ConfigDesk:
    """What is set, what changed, what is joined. Safe to use from several threads."""

    def __init__(self, opener: Callable[[], ConfigRepository] | None, topology: Topology) -> None:
        """Bring together history and topology.

        Args:
            opener: Opens the repository when it is first needed; None where the site has none.
            topology: The site's topology.
        """
        self.topology = topology
        self._opener = opener
        self._opened: ConfigRepository | None = None
        self._lock = threading.Lock()

    @property
    def has_history(self) -> bool:
        """Whether the site keeps configurations."""
        return self._opener is not None

    def _repository(self) -> ConfigRepository:
        if self._opener is None:
            raise RecordNotFoundError("configuration", "configs/", hint=NO_HISTORY.why)
        if self._opened is None:
            self._opened = self._opener()
        return self._opened

    def blocks(
        self, managed_object: str, section: str | None, at: datetime | None
    ) -> list[ConfigBlock]:
        """Read parts of a configuration; see `ConfigRepository.blocks`."""
        with self._lock:
            return self._repository().blocks(managed_object, section=section, at=at)

    def diff(self, managed_object: str, window: Window) -> list[ConfigChange]:
        """What changed on one element, oldest first; see `ConfigRepository.diff`."""
        with self._lock:
            return self._repository().diff(managed_object, window.start, window.end)

    def list_changes(
        self, window: Window, *, around: Sequence[str] = (), hops: int = 1, limit: int = 20
    ) -> list[ConfigChange]:
        """Changes of a window, most suspicious first; see `ConfigRepository.list_changes`."""
        with self._lock:
            return self._repository().list_changes(window, around=around, hops=hops, limit=limit)

    def addresses(self) -> Mapping[str, str]:
        """Interface address -> managed object; empty without a history."""
        with self._lock:
            return self._repository().addresses() if self.has_history else {}

    def devices(self) -> list[str]:
        """Devices that have a configuration."""
        with self._lock:
            return self._repository().devices() if self.has_history else []

    def index(self, progress: Callable[[int], None]) -> int:
        """Read the history once, so that later questions are quick; how many commits were new."""
        with self._lock:
            return self._repository().index_everything(progress) if self.has_history else 0

    def neighbors(self, managed_object: str, hops: int) -> list[NeighborLink]:
        """Links around an element, from the topology and from what configurations imply.

        Raises:
            RecordNotFoundError: Neither knows the element.
        """
        with self._lock:
            if self.has_history:
                return self._repository().get_neighbors(managed_object, hops)
            wanted = self.topology.canonical(managed_object)
            if wanted.device not in self.topology:
                raise RecordNotFoundError(
                    "device",
                    wanted.device,
                    hint="the answers of the alarm tools spell elements as the topology does",
                )
            return neighbor_links(wanted, hops, (), self.topology)

    def gaps(self) -> tuple[Gap, ...]:
        """What could not be read so far."""
        with self._lock:
            return self._repository().gaps if self.has_history else (NO_HISTORY,)

    def close(self) -> None:
        """Give the repository's files back."""
        with self._lock:
            if self._opened is not None:
                self._opened.close()
                self._opened = None
