"""What a command may ask of the process that owns a site's store.

Every operation takes and gives JSON, because it may run in another process than the command. Who
asks is an operator at the site's own shell; nothing here is reachable from outside, and a stdio
client gets an MCP session through the gate instead.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping

import anyio.abc
from anyio.to_thread import run_sync

from mcp_servers.artifacts.operations import ArtifactOperations
from mcp_servers.assessment.alarm_volume import measure_alarms
from mcp_servers.briefs.operations import FilterOperations
from mcp_servers.configs.operations import ConfigOperations
from mcp_servers.egress.operations import EgressOperations
from mcp_servers.ownership.corpus_intake import CorpusIntake
from mcp_servers.ownership.owner_protocol import JsonValue
from mcp_servers.ownership.site_host import SiteHost
from mcp_servers.ownership.store_owner import Arguments, Operation, Progress
from mcp_servers.serving.identity import STDIO_CALLER
from mcp_servers.site_directory import SiteDirectory
from mcp_servers.tickets.operations import KnowledgeOperations
from mcp_servers.watching.site_watch import SiteWatch


class OwnedSite:
    """A site as its owner offers it: operations for commands, MCP sessions for outsiders."""

    def __init__(self, site: SiteDirectory) -> None:
        self.host = SiteHost(site)
        self._watch: SiteWatch | None = None
        self._watch_lock = threading.Lock()
        self.operations: Mapping[str, Operation] = {
            "ingest": CorpusIntake(self.host).ingest,
            "summarize": self.summarize,
            "list_incidents": self.list_incidents,
            "measure_alarms": self.measure_alarms,
            "start_watching": self.start_watching,
            "watch_once": self.watch_once,
            "watch_news": self.watch_news,
            **ConfigOperations(self.host).operations,
            **EgressOperations(self.host).operations,
            **FilterOperations(self.host).operations,
            **KnowledgeOperations(self.host).operations,
            **ArtifactOperations(self.host).operations,
        }

    async def serve_session(self, server: str, stream: anyio.abc.ByteStream) -> None:
        """Speak MCP with a stdio client, who counts as outside the site."""
        # The MCP SDK takes as long to import as all the rest, and few commands speak MCP.
        from mcp_servers.serving.session_stream import serve_stream  # noqa: PLC0415
        from mcp_servers.serving.site_servers import SERVERS, server_of  # noqa: PLC0415

        name = server if server in SERVERS else "all"
        served = await run_sync(lambda: server_of(self.host, name, stream_caller=STDIO_CALLER))
        await serve_stream(served, stream)

    def close(self) -> None:
        """Close everything that was opened."""
        if self._watch is not None:
            self._watch.close()
        self.host.close()

    def watch(self) -> SiteWatch:
        """The site's own watch, made when it is first wanted."""
        with self._watch_lock:
            if self._watch is None:
                self._watch = SiteWatch(self.host)
            return self._watch

    def start_watching(self, _arguments: Arguments, _progress: Progress) -> JsonValue:
        """Watch in the background for as long as the store is owned; safe to repeat."""
        self.watch().start()
        return None

    def watch_once(self, _arguments: Arguments, _progress: Progress) -> JsonValue:
        """Do one pass of the watch now; what it did."""
        watch = self.watch()
        before = watch.newest
        watch.run_pass(patient=False)
        return watch.news_after(before)

    def watch_news(self, arguments: Arguments, _progress: Progress) -> JsonValue:
        """What the watch did since a piece of news."""
        return self.watch().news_after(arguments["after"])

    def summarize(self, arguments: Arguments, _progress: Progress) -> JsonValue:
        """Fold the alarms of a window."""
        desk = self.host.alarms
        window = desk.window(arguments["from_time"], arguments["to_time"])
        return desk.summarize(window, arguments["budget_tokens"]).model_dump(mode="json")

    def list_incidents(self, arguments: Arguments, _progress: Progress) -> JsonValue:
        """The newest incidents, the alarms of those that are open, and clocks that are off."""
        desk = self.host.alarms
        desk.refresh()
        newest = desk.incidents.newest(arguments["limit"])
        return {
            "incidents": [each.model_dump(mode="json") for each in newest],
            "alarms": [each.model_dump(mode="json") for each in desk.incidents.active_alarms()],
            "clocks": [each.model_dump(mode="json") for each in desk.store.clock_skews()],
        }

    def measure_alarms(self, _arguments: Arguments, _progress: Progress) -> JsonValue:
        """Count what alarm text costs before and after folding; None without alarms."""
        measured = measure_alarms(self.host.alarms)
        return None if measured is None else measured.model_dump(mode="json")
