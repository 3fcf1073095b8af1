"""What a command may ask of the configurations, in the process that owns the store.

Every operation takes and gives JSON, as those of `site_operations` do, whose part this is.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from mcp_servers.ownership.owner_protocol import JsonValue
from mcp_servers.ownership.store_owner import Arguments, Operation, Progress
from telecom.times import Window

if TYPE_CHECKING:
    from mcp_servers.ownership.site_host import SiteHost


class ConfigOperations:
    """Read, compare and check the configurations of an open site."""

    def __init__(self, host: SiteHost) -> None:
        self._host = host

    @property
    def operations(self) -> dict[str, Operation]:
        """Every operation by the name under which a command asks for it."""
        return {
            "show_config": self.show,
            "diff_config": self.diff,
            "list_config_changes": self.list_changes,
            "find_config": self.find,
            "check_configs": self.check,
            "list_neighbors": self.list_neighbors,
        }

    def show(self, arguments: Arguments, _progress: Progress) -> JsonValue:
        """Read parts of a configuration, now or at a time."""
        blocks = self._host.configs.blocks(
            arguments["managed_object"], arguments["section"], _moment(arguments)
        )
        return [block.model_dump(mode="json") for block in blocks]

    def diff(self, arguments: Arguments, _progress: Progress) -> JsonValue:
        """What changed on one element between two times."""
        found = self._host.configs.diff(arguments["managed_object"], _window(arguments))
        return [change.model_dump(mode="json") for change in found]

    def list_changes(self, arguments: Arguments, _progress: Progress) -> JsonValue:
        """The changes of a window, most suspicious first."""
        found = self._host.configs.list_changes(
            _window(arguments),
            around=arguments["around"],
            hops=arguments["hops"],
            limit=arguments["limit"],
        )
        return [change.model_dump(mode="json") for change in found]

    def find(self, arguments: Arguments, _progress: Progress) -> JsonValue:
        """Lines of all configurations that match a pattern."""
        found = self._host.configs.find(
            arguments["pattern"], limit=arguments["limit"], at=_moment(arguments)
        )
        return [block.model_dump(mode="json") for block in found]

    def check(self, arguments: Arguments, _progress: Progress) -> JsonValue:
        """Contradictions of configurations."""
        found = self._host.configs.check_consistency(arguments["around"], _moment(arguments))
        return [finding.model_dump(mode="json") for finding in found]

    def list_neighbors(self, arguments: Arguments, _progress: Progress) -> JsonValue:
        """Links around an element, from every source."""
        found = self._host.configs.neighbors(arguments["managed_object"], arguments["hops"])
        return [link.model_dump(mode="json") for link in found]


def _moment(arguments: Arguments) -> datetime | None:
    """The one time of a question, if it names one."""
    return next((datetime.fromisoformat(text) for text in arguments["times"]), None)


def _window(arguments: Arguments) -> Window:
    start, end = map(datetime.fromisoformat, arguments["times"])
    return Window(start, end)
