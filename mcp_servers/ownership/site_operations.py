"""What a command may ask of the process that owns a site's store.

Every operation takes and gives JSON, because it may run in another process than the command. Who
asks is an operator at the site's own shell; nothing here is reachable from outside, and a stdio
client gets an MCP session through the gate instead.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import anyio.abc
from anyio.to_thread import run_sync

from mcp_servers.alarms.rejects import Reject, record_rejects
from mcp_servers.artifacts.operations import ArtifactOperations
from mcp_servers.assessment.alarm_volume import measure_alarms
from mcp_servers.configs.desk import NO_HISTORY
from mcp_servers.configs.netbox_snapshot import keep_netbox
from mcp_servers.egress.gate import EgressGate
from mcp_servers.egress.peoples_words import release_words
from mcp_servers.egress.revealing import reveal
from mcp_servers.ownership.owner_protocol import JsonValue
from mcp_servers.ownership.site_host import SERVERS, SiteHost
from mcp_servers.ownership.store_owner import Operation, Progress
from mcp_servers.serving.identity import LOCAL_CALLER, STDIO_CALLER, Caller, site_issuer
from mcp_servers.serving.session_stream import serve_stream
from mcp_servers.site_directory import BudgetSettings, NetBoxSettings, SiteDirectory
from mcp_servers.tickets.operations import KnowledgeOperations
from mcp_servers.watching.site_watch import SiteWatch
from rag.ingest_counts import IngestCounts
from telecom.errors import MissingExtraError, OperatorError, RecordNotFoundError
from telecom.evidence import Gap
from telecom.times import Window

if TYPE_CHECKING:
    from rag.bulk_workers import BulkWorkers
    from rag.ingestion import IngestProgress

Arguments = Mapping[str, JsonValue]

CORPORA = ("tickets", "docs", "alarms", "configs")
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
        self._watch: SiteWatch | None = None
        self._watch_lock = threading.Lock()
        self.operations: Mapping[str, Operation] = {
            "ingest": self.ingest,
            "summarize": self.summarize,
            "list_incidents": self.list_incidents,
            "measure_alarms": self.measure_alarms,
            "show_config": self.show_config,
            "diff_config": self.diff_config,
            "list_config_changes": self.list_config_changes,
            "find_config": self.find_config,
            "check_configs": self.check_configs,
            "list_neighbors": self.list_neighbors,
            "start_watching": self.start_watching,
            "watch_once": self.watch_once,
            "watch_news": self.watch_news,
            "anonymize": self.anonymize,
            "reveal": self.reveal,
            "list_approvals": self.list_approvals,
            "decide_approval": self.decide_approval,
            "list_epochs": self.list_epochs,
            "start_epoch": self.start_epoch,
            "forget_epoch": self.forget_epoch,
            "train_filter": self.train_filter,
            "evaluate_filter": self.evaluate_filter,
            "promote_filter": self.promote_filter,
            "roll_back_filter": self.roll_back_filter,
            "export_filter": self.export_filter,
            **KnowledgeOperations(self.host).operations,
            **ArtifactOperations(self.host).operations,
        }

    async def serve_session(self, server: str, stream: anyio.abc.ByteStream) -> None:
        """Speak MCP with a stdio client, who counts as outside the site."""
        name = server if server in SERVERS else "all"
        served = await run_sync(lambda: self.host.server(name, stream_caller=STDIO_CALLER))
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

    def ingest(self, arguments: Arguments, progress: Progress) -> JsonValue:
        """Take in corpora: counts of what was read, added, unchanged and rejected in each."""
        if arguments.get("rebuild"):
            self.host.rebuild()
        counts: dict[str, JsonValue] = {}
        corpora = arguments["corpora"]
        texts = "tickets" in corpora or "docs" in corpora
        with self._workers(arguments.get("engine") if texts else None) as workers:
            for corpus in corpora:
                if corpus == "alarms":
                    counts[corpus] = asdict(self.host.alarms.ingest(progress=progress))
                elif corpus == "configs":
                    counts[corpus] = self._count_configs(progress)
                else:
                    counts[corpus] = self._ingest_knowledge(corpus, progress, workers)
        return counts

    @contextmanager
    def _workers(self, engine: object) -> Iterator[BulkWorkers | None]:
        """Who reads and embeds; None is this process."""
        if engine != "ray":
            yield None
            return
        from rag.embedding import open_embedder  # noqa: PLC0415 - only where asked for
        from rag.ray_workers import RayWorkers  # noqa: PLC0415

        chosen = self.host.site.settings.embedding
        opener = partial(open_embedder, chosen.model, chosen.engine)
        with RayWorkers(opener, opener().stamp) as workers:
            yield workers

    def _ingest_knowledge(
        self, corpus: str, progress: Progress, workers: BulkWorkers | None
    ) -> JsonValue:
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
                *paths, mapping=mapping, zone=site.timezone, watch=watch, workers=workers
            )
        else:
            done = knowledge.ingest_documents(*paths, watch=watch, workers=workers)
        found = [Reject(corpus, each.file, each.line, each.reason) for each in done.rejects]
        record_rejects(site.store, corpus, found)
        return _counted(done)

    def _count_configs(self, progress: Progress) -> JsonValue:
        """The repository is read where it lies; what is learnt of its history is kept."""
        found: list[Gap] = []
        if self.host.site.settings.netbox is not None:
            progress("reading NetBox", 0, 0)
            try:
                self._read_netbox(self.host.site.settings.netbox)
            except OperatorError as exc:
                found.append(Gap(what="NetBox", why=f"{exc}; the last reading stays in use"))
        desk = self.host.configs
        desk.observe(self.host.observed_links())
        added = desk.index(lambda done: progress("reading configurations", done, 0))
        found += [gap for gap in desk.gaps() if gap != NO_HISTORY]
        gaps = [Reject("configs", gap.what, None, gap.why) for gap in found]
        record_rejects(self.host.site.store, "configs", gaps)
        devices = len(desk.devices())
        return {"read": devices, "added": added, "unchanged": 0, "rejected": len(gaps)}

    def _read_netbox(self, settings: NetBoxSettings) -> None:
        try:
            # Optional, and half a second that only a site with a NetBox should pay.
            from mcp_servers.configs.netbox_client import fetch_netbox  # noqa: PLC0415
        except ImportError as exc:
            raise MissingExtraError("netbox", "reading NetBox") from exc
        site = self.host.site
        keep_netbox(site.store, fetch_netbox(settings, site.path))

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

    def show_config(self, arguments: Arguments, _progress: Progress) -> JsonValue:
        """Read parts of a configuration, now or at a time."""
        blocks = self.host.configs.blocks(
            arguments["managed_object"], arguments["section"], _moment(arguments)
        )
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

    def find_config(self, arguments: Arguments, _progress: Progress) -> JsonValue:
        """Lines of all configurations that match a pattern."""
        found = self.host.configs.find(
            arguments["pattern"], limit=arguments["limit"], at=_moment(arguments)
        )
        return [block.model_dump(mode="json") for block in found]

    def check_configs(self, arguments: Arguments, _progress: Progress) -> JsonValue:
        """Contradictions of configurations."""
        found = self.host.configs.check_consistency(arguments["around"], _moment(arguments))
        return [finding.model_dump(mode="json") for finding in found]

    def list_neighbors(self, arguments: Arguments, _progress: Progress) -> JsonValue:
        """Links around an element, from every source."""
        found = self.host.configs.neighbors(arguments["managed_object"], arguments["hops"])
        return [link.model_dump(mode="json") for link in found]

    def anonymize(self, arguments: Arguments, _progress: Progress) -> JsonValue:
        """Show a text as the gate would release it to a caller."""
        caller = self._caller(arguments["caller"])
        words = release_words(self._preview_gate(), arguments["text"], caller, tool="anonymize")
        spans = [
            {"start": found.start, "end": found.end, "kind": found.kind.value}
            for found in words.found
        ]
        return {"text": words.text, "form": words.form, "spans": spans}

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
        return reveal(
            arguments["pseudonyms"], LOCAL_CALLER, self.host.pseudonymizer, self.host.ledger
        )

    def list_approvals(self, arguments: Arguments, _progress: Progress) -> JsonValue:
        """What waits for a person's yes, or with `all` whatever was decided, too."""
        found = self.host.approval_desk.approvals.all(state=None if arguments["all"] else "waiting")
        return [approval.model_dump(mode="json") for approval in found]

    def decide_approval(self, arguments: Arguments, _progress: Progress) -> JsonValue:
        """Record the yes or no of somebody at the site."""
        decided = self.host.approval_desk.decide(
            arguments["id"],
            approve=arguments["approve"],
            by=arguments["by"],
            note=arguments["note"],
            detector=self.host.gate.detector,
        )
        return decided.model_dump(mode="json")

    def list_epochs(self, _arguments: Arguments, _progress: Progress) -> JsonValue:
        """Epochs whose key exists, and the one that makes pseudonyms now."""
        epochs = self.host.pseudonymizer.epochs
        return {"epochs": list(epochs), "current": epochs[-1]}

    def start_epoch(self, arguments: Arguments, progress: Progress) -> JsonValue:
        """Begin a key epoch."""
        self.host.pseudonymizer.start_epoch()
        return self.list_epochs(arguments, progress)

    def forget_epoch(self, arguments: Arguments, progress: Progress) -> JsonValue:
        """Destroy an epoch's key."""
        if arguments["epoch"] not in self.host.pseudonymizer.epochs:
            raise RecordNotFoundError(
                "key epoch", str(arguments["epoch"]), hint="`epochs list` has those that exist"
            )
        self.host.pseudonymizer.forget_epoch(arguments["epoch"])
        return self.list_epochs(arguments, progress)

    def train_filter(self, _arguments: Arguments, progress: Progress) -> JsonValue:
        """Train a filter on the site's labelled incidents; it is not in force yet."""
        artifact = self.host.filter_desk.train(progress)
        return artifact.model_dump(
            mode="json",
            include={"version", "incidents", "messages", "learned", "unlearned", "sha256"},
        )

    def evaluate_filter(self, _arguments: Arguments, progress: Progress) -> JsonValue:
        """Measure the filters on the newest incidents; the one in force is named."""
        measured = self.host.filter_desk.evaluate(progress)
        return {
            "in_force": self.host.filters.promotions[-1],
            "filters": {name: found.model_dump(mode="json") for name, found in measured.items()},
        }

    def promote_filter(self, arguments: Arguments, progress: Progress) -> JsonValue:
        """Put a filter in force, if it is better."""
        name, new, old = self.host.filter_desk.promote(arguments["version"], progress)
        return {"in_force": name, "new": new.model_dump(), "old": old.model_dump()}

    def roll_back_filter(self, _arguments: Arguments, _progress: Progress) -> JsonValue:
        """Put the filter before the present one in force."""
        return {"in_force": self.host.filter_desk.roll_back()}

    def export_filter(self, arguments: Arguments, progress: Progress) -> JsonValue:
        """Write a training set as the gate releases it to a caller."""
        caller = replace(
            self._caller(arguments["caller"]), principal=f"local/export-{arguments['caller']}"
        )
        written, refused = self.host.filter_desk.export(
            self.host.gate, caller, Path(arguments["target"]), progress
        )
        return {"written": written, "refused": refused}


def _moment(arguments: Arguments) -> datetime | None:
    """The one time of a question, if it names one."""
    return next((datetime.fromisoformat(text) for text in arguments["times"]), None)


def _window(arguments: Arguments) -> Window:
    start, end = map(datetime.fromisoformat, arguments["times"])
    return Window(start, end)


def _counted(counts: IngestCounts) -> JsonValue:
    return {
        name: getattr(counts, name)
        for name in ("read", "added", "unchanged", "rejected", "corrected", "removed")
    }
