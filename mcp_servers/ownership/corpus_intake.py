"""Taking in the corpora of a site: alarms, configurations, tickets and documents."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING

from mcp_servers.alarms.rejects import Reject, record_rejects
from mcp_servers.configs.desk import NO_HISTORY
from mcp_servers.configs.netbox_snapshot import keep_netbox
from mcp_servers.ownership.owner_protocol import JsonValue
from mcp_servers.ownership.site_host import SiteHost
from mcp_servers.ownership.store_owner import Arguments, Progress
from mcp_servers.site_directory import NetBoxSettings
from rag.ingest_counts import IngestCounts
from telecom.errors import MissingExtraError, OperatorError
from telecom.evidence import Gap

if TYPE_CHECKING:
    from rag.bulk_workers import BulkWorkers
    from rag.ingestion import IngestProgress

CORPORA = ("tickets", "docs", "alarms", "configs")


class CorpusIntake:
    """Reads what lies in a site directory into its store."""

    def __init__(self, host: SiteHost) -> None:
        self._host = host

    def ingest(self, arguments: Arguments, progress: Progress) -> JsonValue:
        """Take in corpora: counts of what was read, added, unchanged and rejected in each."""
        counts: dict[str, JsonValue] = {}
        corpora = list(arguments["corpora"])
        texts = "tickets" in corpora or "docs" in corpora
        if arguments.get("rebuild"):
            self._host.rebuild(corpora)
            if texts:  # what was erased together is read together
                corpora += [each for each in ("tickets", "docs") if each not in corpora]
        with self._workers(arguments.get("engine") if texts else None) as workers:
            for corpus in corpora:
                if corpus == "alarms":
                    counts[corpus] = asdict(self._host.alarms.ingest(progress=progress))
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

        chosen = self._host.site.settings.embedding
        opener = partial(open_embedder, chosen.model, chosen.engine)
        with RayWorkers(opener, opener().stamp) as workers:
            yield workers

    def _ingest_knowledge(
        self, corpus: str, progress: Progress, workers: BulkWorkers | None
    ) -> JsonValue:
        site = self._host.site
        if corpus == "tickets":
            self._host.learn_names()
        folder = site.tickets if corpus == "tickets" else site.docs
        if not folder.is_dir() and not (site.store / "knowledge").is_dir():
            return _counted(IngestCounts())

        def watch(news: IngestProgress) -> None:
            progress(f"{news.phase} {news.corpus}", news.done, news.total or 0)

        paths = [folder] if folder.is_dir() else []
        knowledge = self._host.knowledge
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
        """The repository is read where it lies; what is learnt of its history is kept.

        Elements are counted, `added` those whose configuration new commits changed; `commits` is
        how many of these there were.
        """
        found: list[Gap] = []
        if self._host.site.settings.netbox is not None:
            progress("reading NetBox", 0, 0)
            try:
                self._read_netbox(self._host.site.settings.netbox)
            except OperatorError as exc:
                found.append(Gap(what="NetBox", why=f"{exc}; the last reading stays in use"))
        desk = self._host.configs
        desk.observe(self._host.observed_links())
        new = desk.index(lambda done: progress("reading configurations", done, 0))
        found += [gap for gap in desk.gaps() if gap != NO_HISTORY]
        gaps = [Reject("configs", gap.what, None, gap.why) for gap in found]
        record_rejects(self._host.site.store, "configs", gaps)
        devices = set(desk.devices())
        added = len(devices & new.devices)
        return {
            "read": len(devices),
            "added": added,
            "unchanged": len(devices) - added,
            "rejected": len(gaps),
            "commits": new.commits,
        }

    def _read_netbox(self, settings: NetBoxSettings) -> None:
        try:
            # Optional, and half a second that only a site with a NetBox should pay.
            from mcp_servers.configs.netbox_client import fetch_netbox  # noqa: PLC0415
        except ImportError as exc:
            raise MissingExtraError("netbox", "reading NetBox") from exc
        site = self._host.site
        keep_netbox(site.store, fetch_netbox(settings, site.path))


def _counted(counts: IngestCounts) -> JsonValue:
    return {
        name: getattr(counts, name)
        for name in ("read", "added", "unchanged", "rejected", "corrected", "removed")
    }
