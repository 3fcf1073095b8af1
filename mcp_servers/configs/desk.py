"""The site's configuration desk: history and topology, whether the site keeps a history or not.

The repository's caches are made for one caller at a time, so calls take turns here.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime

from mcp_servers.configs.consistency import Finding
from mcp_servers.configs.link_sources import LinkReading, merged_topology
from mcp_servers.configs.neighbors import NeighborLink, neighbor_links
from mcp_servers.configs.repository import ConfigRepository, ReadNow
from telecom.configuration import ConfigBlock, ConfigChange
from telecom.errors import OperatorError, RecordNotFoundError
from telecom.evidence import Gap
from telecom.times import Window
from telecom.topology import Topology

NOTHING_OBSERVED = LinkReading()
NO_HISTORY = Gap(what="configuration", why="the site keeps no configuration history (configs/)")


class ConfigDesk:
    """What is set, what changed, what is joined. Safe to use from several threads."""

    def __init__(
        self,
        opener: Callable[[Topology], ConfigRepository] | None,
        table: Topology,
        observed: LinkReading = NOTHING_OBSERVED,
    ) -> None:
        """Bring together history and topology.

        Args:
            opener: Opens the repository when it is first needed; None where the site has none.
            table: The operator's topology table.
            observed: What other sources say about links.
        """
        self._table = table
        self._observed = observed
        self._topology = merged_topology(table, observed.links)
        self._opener = opener
        self._opened: ConfigRepository | None = None
        self._lock = threading.Lock()

    @property
    def has_history(self) -> bool:
        """Whether the site keeps configurations."""
        return self._opener is not None

    @property
    def topology(self) -> Topology:
        """The site's topology: the table, what other sources add, else what configurations imply.

        A configuration history that cannot be read adds nothing; asking it says why.
        """
        with self._lock, suppress(OperatorError):
            if self.has_history:
                self._repository()
        return self._topology

    def observe(self, observed: LinkReading) -> None:
        """Take in what other sources say now; what they no longer say stays until a restart."""
        with self._lock:
            self._observed = observed
            for link in merged_topology(self._topology, observed.links).links:
                self._topology.add(link)

    def _repository(self) -> ConfigRepository:
        if self._opener is None:
            raise RecordNotFoundError("configuration", "configs/", hint=NO_HISTORY.why)
        if self._opened is None:
            self._opened = self._opener(self._topology)
            if not self._topology.links:
                # Shared by all who hold it, and still of nothing but devices.
                implied = merged_topology(self._topology, self._opened.derived_links())
                for link in implied.links:
                    self._topology.add(link)
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

    def index(self, progress: Callable[[int], None]) -> ReadNow:
        """Read the history once, so that later questions are quick; what of it was new."""
        with self._lock:
            if not self.has_history:
                return ReadNow(0, frozenset())
            return self._repository().index_everything(progress)

    def neighbors(self, managed_object: str, hops: int) -> list[NeighborLink]:
        """Links around an element, from the topology and from what configurations imply.

        Raises:
            RecordNotFoundError: Neither knows the element.
        """
        with self._lock:
            if self.has_history:
                return self._repository().get_neighbors(
                    managed_object, hops, table=self._table, observed=self._observed.links
                )
            wanted = self._topology.canonical(managed_object)
            if wanted.device not in self._topology:
                raise RecordNotFoundError(
                    "device",
                    wanted.device,
                    hint="the answers of the alarm tools spell elements as the topology does",
                )
            return neighbor_links(wanted, hops, (), self._table, self._observed.links)

    def check_consistency(
        self, around: Sequence[str] = (), at: datetime | None = None
    ) -> list[Finding]:
        """Contradictions of configurations; see `ConfigRepository.check_consistency`."""
        with self._lock:
            return self._repository().check_consistency(around, at)

    def find(
        self, pattern: str, *, limit: int = 50, at: datetime | None = None
    ) -> list[ConfigBlock]:
        """Lines that match a pattern; see `ConfigRepository.find_config`."""
        with self._lock:
            return self._repository().find_config(pattern, limit=limit, at=at)

    def gaps(self) -> tuple[Gap, ...]:
        """What could not be read so far."""
        with self._lock:
            own = self._repository().gaps if self.has_history else (NO_HISTORY,)
            return (*own, *self._observed.gaps)

    def close(self) -> None:
        """Give the repository's files back."""
        with self._lock:
            if self._opened is not None:
                self._opened.close()
                self._opened = None
