"""What a command may ask of the process that owns a site's store.

Every operation takes and gives JSON, because it may run in another process than the command. Who
asks is an operator at the site's own shell; nothing here is reachable from outside, and a stdio
client gets an MCP session through the gate instead.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import anyio.abc
from anyio.to_thread import run_sync

from mcp_servers.alarms.rejects import Reject, record_rejects
from mcp_servers.assessment.alarm_volume import measure_alarms
from mcp_servers.egress.gate import EgressGate, Release
from mcp_servers.egress.ledger import LedgerEntry
from mcp_servers.ownership.owner_protocol import JsonValue
from mcp_servers.ownership.site_host import SERVERS, SiteHost
from mcp_servers.ownership.store_owner import Operation, Progress
from mcp_servers.serving.identity import LOCAL_CALLER, STDIO_CALLER, Caller, site_issuer
from mcp_servers.serving.session_stream import serve_stream
from mcp_servers.site_directory import BudgetSettings, SiteDirectory
from rag.ingest_counts import IngestCounts
from telecom.errors import RecordNotFoundError
from telecom.times import Window
from telecom.tokens import estimate_tokens

if TYPE_CHECKING:
    from rag.ingestion import IngestProgress

Arguments = Mapping[str, JsonValue]

CORPORA = ("tickets", "docs", "alarms", "configs")
_PIECE_TOKENS = 1_500
"""Text is released in pieces of this size: a policy lets raw classes out in summaries only."""
_PEOPLES_WORDS = ("tickets_raw",)
"""A question or comment is free text by an engineer, as a ticket is."""
_UNLIMITED = BudgetSettings(
    tokens_per_hour=10**15,
    records_per_hour=10**15,
    identifiers_per_hour=10**15,
    answer_tokens=10**9,
)
"""For an operator at the site's shell: a preview of what the gate would release leaves nothing."""


class OwnedSite:
    """A site as its owner offers it: operations for commands, MCP sessions for outsiders."""

    def __init__(self, site: SiteDirectory) -> None:
        self.host = SiteHost(site)
        self.operations: Mapping[str, Operation] = {
            "ingest": self.ingest,
            "search": self.search,
            "summarize": self.summarize,
            "list_incidents": self.list_incidents,
            "measure_alarms": self.measure_alarms,
            "show_config": self.show_config,
            "diff_config": self.diff_config,
            "list_config_changes": self.list_config_changes,
            "anonymize": self.anonymize,
            "reveal": self.reveal,
        }

    async def serve_session(self, server: str, stream: anyio.abc.ByteStream) -> None:
        """Speak MCP with a stdio client, who counts as outside the site."""
        name = server if server in SERVERS else "all"
        served = await run_sync(lambda: self.host.server(name, stream_caller=STDIO_CALLER))
        await serve_stream(served, stream)

    def close(self) -> None:
        """Close everything that was opened."""
        self.host.close()

    def ingest(self, arguments: Arguments, progress: Progress) -> JsonValue:
        """Take in corpora: counts of what was read, added, unchanged and rejected in each."""
        if arguments.get("rebuild"):
            self.host.rebuild()
        counts: dict[str, JsonValue] = {}
        for corpus in arguments["corpora"]:
            if corpus == "alarms":
                counts[corpus] = asdict(self.host.alarms.ingest(progress=progress))
            elif corpus == "configs":
                counts[corpus] = self._count_configs(progress)
            else:
                counts[corpus] = self._ingest_knowledge(corpus, progress)
        return counts

    def _ingest_knowledge(self, corpus: str, progress: Progress) -> JsonValue:
        site = self.host.site
        if corpus == "tickets":
            self.host.learn_names()
        folder = site.tickets if corpus == "tickets" else site.docs
        if not folder.is_dir() and not (site.store / "knowledge").is_dir():
            return _counted(IngestCounts())

        def watch(news: IngestProgress) -> None:
            progress(f"{news.phase} {news.corpus}", news.done, news.total or 0)

        paths = [folder] if folder.is_dir() else []
        knowledge = self.host.knowledge
        if corpus == "tickets":
            mapping = site.settings.tickets.mapping or None
            done = knowledge.ingest_tickets(
                *paths, mapping=mapping, zone=site.timezone, watch=watch
            )
        else:
            done = knowledge.ingest_documents(*paths, watch=watch)
        found = [Reject(corpus, each.file, each.line, each.reason) for each in done.rejects]
        record_rejects(site.store, corpus, found)
        return _counted(done)

    def _count_configs(self, progress: Progress) -> JsonValue:
        """The repository is read where it lies; what is learnt of its history is kept."""
        desk = self.host.configs
        added = desk.index(lambda done: progress("reading configurations", done, 0))
        gaps = [
            Reject("configs", gap.what, None, gap.why) for gap in desk.gaps() if desk.has_history
        ]
        record_rejects(self.host.site.store, "configs", gaps)
        devices = len(desk.devices())
        return {"read": devices, "added": added, "unchanged": 0, "rejected": len(gaps)}

    def search(self, arguments: Arguments, _progress: Progress) -> JsonValue:
        """Rank passages for each query, in the order of the queries."""
        knowledge = self.host.knowledge_of(arguments["corpus"])
        return [
            {
                "id": query["id"],
                "results": [
                    {
                        "id": found.id,
                        "score": found.score,
                        "text": found.text,
                        "source": found.source,
                        "locator": found.locator,
                    }
                    for found in knowledge.search(
                        query["text"], corpus=arguments["corpus"], limit=arguments["limit"]
                    )
                ],
            }
            for query in arguments["queries"]
        ]

    def summarize(self, arguments: Arguments, _progress: Progress) -> JsonValue:
        """Fold the alarms of a window."""
        desk = self.host.alarms
        window = desk.window(arguments["from_time"], arguments["to_time"])
        return desk.summarize(window, arguments["budget_tokens"]).model_dump(mode="json")

    def list_incidents(self, arguments: Arguments, _progress: Progress) -> JsonValue:
        """The newest incidents, and the alarms of those that are open."""
        desk = self.host.alarms
        desk.refresh()
        newest = desk.incidents.newest(arguments["limit"])
        return {
            "incidents": [each.model_dump(mode="json") for each in newest],
            "alarms": [each.model_dump(mode="json") for each in desk.incidents.active_alarms()],
        }

    def measure_alarms(self, _arguments: Arguments, _progress: Progress) -> JsonValue:
        """Count what alarm text costs before and after folding; None without alarms."""
        measured = measure_alarms(self.host.alarms)
        return None if measured is None else measured.model_dump(mode="json")

    def show_config(self, arguments: Arguments, _progress: Progress) -> JsonValue:
        """Read parts of a configuration, now or at a time."""
        at = next((datetime.fromisoformat(text) for text in arguments["times"]), None)
        blocks = self.host.configs.blocks(arguments["managed_object"], arguments["section"], at)
        return [block.model_dump(mode="json") for block in blocks]

    def diff_config(self, arguments: Arguments, _progress: Progress) -> JsonValue:
        """What changed on one element between two times."""
        found = self.host.configs.diff(arguments["managed_object"], _window(arguments))
        return [change.model_dump(mode="json") for change in found]

    def list_config_changes(self, arguments: Arguments, _progress: Progress) -> JsonValue:
        """The changes of a window, most suspicious first."""
        found = self.host.configs.list_changes(
            _window(arguments),
            around=arguments["around"],
            hops=arguments["hops"],
            limit=arguments["limit"],
        )
        return [change.model_dump(mode="json") for change in found]

    def anonymize(self, arguments: Arguments, _progress: Progress) -> JsonValue:
        """Show a text as the gate would release it to a caller."""
        release = Release(
            caller=self._caller(arguments["caller"]),
            tool="anonymize",
            data_classes=_PEOPLES_WORDS,
        )
        preview = self._preview_gate()
        text, forms, spans = "", list[str](), list[JsonValue]()
        offset = 0
        for piece in _pieces(arguments["text"]):
            released = preview.release_text(piece, release)
            text += str(released.value)
            forms.append(released.form)
            spans += [
                {"start": offset + found.start, "end": offset + found.end, "kind": found.kind.value}
                for found in preview.detector.find(piece)
            ]
            offset += len(piece)
        form = "anonymized" if "anonymized" in forms else forms[0] if forms else "raw"
        return {"text": text, "form": form, "spans": spans}

    def _preview_gate(self) -> EgressGate:
        host = self.host
        settings = host.site.settings.model_copy(update={"budgets": _UNLIMITED})
        return EgressGate(
            host.live_policy,
            host.site.home,
            settings,
            host.gate.detector,
            host.pseudonymizer,
            host.ledger,
        )

    def _caller(self, name: str) -> Caller:
        """A caller by the client name that `site.yaml` binds to a tier, else by the tier's id."""
        issuer = site_issuer(self.host.site.settings.site_id)
        bound = {row.client: row.tier for row in self.host.site.settings.callers}
        tier = bound.get(name, name)
        known = self.host.policy.tier(tier, self.host.site.home) is not None
        return Caller(
            principal="local/preview",
            issuer=issuer,
            client=name,
            tier=tier if known else None,
            scopes=frozenset(),
            transport="http",
        )

    def reveal(self, arguments: Arguments, _progress: Progress) -> JsonValue:
        """Give the originals of pseudonyms to an operator; the ledger has it first."""
        originals = {}
        for pseudonym in arguments["pseudonyms"]:
            original = self.host.pseudonymizer.resolve(pseudonym)
            if original is None:
                raise RecordNotFoundError(
                    "pseudonym",
                    pseudonym,
                    hint="it was made by another site, or its key epoch has been destroyed",
                )
            originals[pseudonym] = original
        payload = json.dumps(originals, ensure_ascii=False).encode()
        self.host.ledger.append(
            LedgerEntry(
                event="reveal",
                time=datetime.now(UTC),
                principal=LOCAL_CALLER.principal,
                client=LOCAL_CALLER.client,
                tier="local",
                tool="reveal",
                data_classes=("subscriber_identifier",),
                form="raw",
                decision_id="local",
                records=len(originals),
                bytes=len(payload),
                tokens=estimate_tokens(payload.decode()),
                payload_sha256=hashlib.sha256(payload).hexdigest(),
            )
        )
        return originals


def _window(arguments: Arguments) -> Window:
    start, end = map(datetime.fromisoformat, arguments["times"])
    return Window(start, end)


def _counted(counts: IngestCounts) -> JsonValue:
    return {
        name: getattr(counts, name)
        for name in ("read", "added", "unchanged", "rejected", "corrected", "removed")
    }


def _pieces(text: str) -> Iterator[str]:
    """Cut a text at line ends into pieces that count as summaries."""
    piece, tokens = "", 0
    for line in text.splitlines(keepends=True):
        cost = estimate_tokens(line)
        if piece and tokens + cost > _PIECE_TOKENS:
            yield piece
            piece, tokens = "", 0
        piece += line
        tokens += cost
    if piece:
        yield piece
