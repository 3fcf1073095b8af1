"""`SiteHost`: everything of a site directory, opened once, in the process that owns the store.

Parts open when they are first needed, so a site without tickets or configurations works, and its
missing parts are gaps. What must hold before anything is served (settings, topology, policy, keys)
is checked by `check`.
"""

from __future__ import annotations

import logging
import threading
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from mcp_servers.alarms.desk import AlarmDesk
from mcp_servers.alarms.incidents import IncidentLog
from mcp_servers.alarms.maintenance import MaintenancePlan
from mcp_servers.alarms.store import AlarmStore
from mcp_servers.artifacts.in_force import (
    load_trusted_policy,
    open_trusted_embedder,
    policy_files,
)
from mcp_servers.artifacts.signed_files import TrustedKeys
from mcp_servers.briefs.filter_desk import FilterDesk
from mcp_servers.briefs.filter_shelf import FilterShelf
from mcp_servers.briefs.rewriter import SiteRewriter
from mcp_servers.configs.desk import ConfigDesk
from mcp_servers.configs.link_sources import LinkReading
from mcp_servers.configs.neighbor_outputs import read_neighbor_outputs
from mcp_servers.configs.netbox_snapshot import read_netbox
from mcp_servers.configs.repository import ConfigRepository
from mcp_servers.configs.secret_stripping import fingerprint_key
from mcp_servers.egress.approval_desk import ApprovalDesk
from mcp_servers.egress.approvals import Approvals
from mcp_servers.egress.gate import EgressGate, detector_of
from mcp_servers.egress.ledger import EgressLedger
from mcp_servers.egress.people_names import known_names
from mcp_servers.egress.pseudonyms import Pseudonymizer
from mcp_servers.serving.identity import SiteKeys, TokenVerifier
from mcp_servers.serving.person_verifier import PersonVerifier
from mcp_servers.serving.rate_limits import RateLimiter
from mcp_servers.serving.site_figures import CallFigures
from mcp_servers.site_directory import SiteDirectory
from mcp_servers.site_keys.alarm_ids import alarm_id_key
from mcp_servers.tickets.knowledge_state import KnowledgeWatch
from placement.live import LivePolicy
from placement.policy import Policy
from telecom.errors import KnowledgeBaseEmptyError, TierwiseError
from telecom.identifiers import IdentifierDetector
from telecom.topology import Topology

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from rag.embedding import Embedder
    from rag.knowledge_base import KnowledgeBase

Part = TypeVar("Part")
_logger = logging.getLogger(__name__)


class SiteHost:
    """The open site. Safe to use from several threads."""

    def __init__(self, site: SiteDirectory) -> None:
        """Prepare; parts open when they are first needed."""
        self.site = site
        self._lock = threading.Lock()
        self._opening: defaultdict[str, threading.RLock] = defaultdict(threading.RLock)
        self._warming: threading.Thread | None = None
        self._closing = threading.Event()
        self._parts: dict[str, Any] = {}  # parts of every type, by name
        self._exit = ExitStack()

    def _part(self, name: str, opener: Callable[[], Part]) -> Part:
        with self._lock:
            opening = self._opening[name]
        with opening:  # a part that opens slowly keeps nobody from the others
            if name not in self._parts:
                self._parts[name] = opener()
            part: Part = self._parts[name]
            return part

    def check(self) -> None:
        """Open what must hold before anything is served.

        Raises:
            OperatorError: Settings, topology, policy or keys cannot be used; the message names the
                cure.
        """
        _ = self.site.topology
        _ = self.gate
        _ = self.verifier
        _ = self.people

    def warm_up(self) -> None:
        """Open in the background what the first questions will need."""
        self._warming = threading.Thread(target=self._warm, name="warm-up", daemon=True)
        self._warming.start()

    def _warm(self) -> None:
        try:
            self.alarms.refresh()
            self.configs.addresses()
            if not self._closing.is_set():  # the longest part, and of no use any more
                self.knowledge_of("tickets").search("warm up", limit=1)
        except TierwiseError as exc:
            # Whoever needs that part is told then.
            _logger.info("not warmed up: %s", exc.code)

    @property
    def keys(self) -> SiteKeys:
        """The site's key pair."""
        return self._part("keys", lambda: SiteKeys.open(self.site.store / "keys"))

    @property
    def verifier(self) -> TokenVerifier:
        """Checks bearer tokens."""
        settings = self.site.settings
        return self._part(
            "verifier",
            lambda: TokenVerifier.open(
                settings.site_id,
                self.keys,
                settings.callers,
                issuers=settings.issuers,
                folder=self.site.path,
            ),
        )

    @property
    def people(self) -> PersonVerifier:
        """Believes whom callers act for, when they can prove it."""
        settings = self.site.settings
        return self._part(
            "people",
            lambda: PersonVerifier.open(settings.site_id, settings.callers, folder=self.site.path),
        )

    @property
    def calls(self) -> CallFigures:
        """Counts the calls of every server, whoever holds the other end."""
        return self._part("calls", CallFigures)

    @property
    def limiter(self) -> RateLimiter:
        """How often callers over a stream may call, all their connections together."""
        return self._part("limiter", lambda: RateLimiter(self.site.settings.serving.rate))

    @property
    def live_policy(self) -> LivePolicy:
        """The placement policy that the gate enforces; it follows its files.

        Raises:
            PolicyError: It does not validate when the site is opened: then nothing is served. Once
                it did, a later version that does not leaves the last good one in force.
        """

        def opened() -> LivePolicy:
            files, load = policy_files(self.site), partial(load_trusted_policy, trust=self.trust)
            live = LivePolicy(*files, load=load)
            if live.status.state == "closed":
                load(*files)
            return live

        return self._part("policy", opened)

    @property
    def trust(self) -> TrustedKeys:
        """Who must have signed what decides here."""
        return self._part("trust", lambda: TrustedKeys.of(self.site))

    @property
    def policy(self) -> Policy:
        """The version of the policy that is in force now."""
        return self.live_policy.current()

    @property
    def detector(self) -> IdentifierDetector:
        """Finds identifiers, as `site.yaml` and the names in the site's tickets sharpen it."""
        return self._part(
            "detector", lambda: detector_of(self.site.settings, names=known_names(self.site))
        )

    def learn_names(self) -> None:
        """Know the names of tickets that came since the site was opened, before any is stored."""
        self.gate.detector = self.gate.detector.with_names(known_names(self.site))

    @property
    def pseudonymizer(self) -> Pseudonymizer:
        """Makes and resolves the site's pseudonyms."""
        return self._part("pseudonymizer", lambda: Pseudonymizer.open(self.site.store))

    @property
    def ledger(self) -> EgressLedger:
        """The egress ledger."""

        def opened() -> EgressLedger:
            return self._exit.enter_context(
                EgressLedger.open(self.site.store, self.keys.signing_key)
            )

        return self._part("ledger", opened)

    @property
    def approval_desk(self) -> ApprovalDesk:
        """What waits for a named person's yes."""

        def opened() -> ApprovalDesk:
            approvals = Approvals.open(self.site.store)
            self._exit.callback(approvals.close)
            return ApprovalDesk(approvals, self.ledger)

        return self._part("approval_desk", opened)

    @property
    def gate(self) -> EgressGate:
        """The one way out."""
        return self._part(
            "gate",
            lambda: EgressGate(
                self.live_policy,
                self.site.home,
                self.site.settings,
                self.detector,
                self.pseudonymizer,
                self.ledger,
                desk=self.approval_desk,
            ),
        )

    @property
    def alarms(self) -> AlarmDesk:
        """Alarms and their triage."""

        def opened() -> AlarmDesk:
            key = alarm_id_key(self.keys.folder, self.keys.signing_key)
            topology = self.configs.topology
            store = AlarmStore.open(self.site.store, id_key=key, topology=topology)
            incidents = IncidentLog(
                store.database, topology, id_key=key, planned=MaintenancePlan.of(self.site).covers
            )
            desk = AlarmDesk(
                self.site,
                store,
                topology,
                self.configs,
                incidents,
                salience=self.filters.in_force,
                rewriter=lambda: self.rewriter,
            )
            self._exit.callback(desk.close)
            return desk

        return self._part("alarms", opened)

    @property
    def filters(self) -> FilterShelf:
        """The site's trained filters; the embedding model loads when one of them is in force."""
        return self._part(
            "filters",
            lambda: FilterShelf(
                self.site.store / "filters",
                embedding=self._embedding,
                embed=self._embed,
                trust=self.trust,
            ),
        )

    @property
    def filter_desk(self) -> FilterDesk:
        """Training, measuring and promotion of filters."""
        return self._part(
            "filter_desk",
            lambda: FilterDesk(
                self.site, self.alarms, self.filters, embed=self._embed, embedding=self._embedding
            ),
        )

    @property
    def _embedding(self) -> str:
        """What makes vectors here, with its revision where the model is the shipped one."""
        settings = self.site.settings.embedding
        return f"{settings.model}/{settings.engine}"

    def _embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        embedder: Embedder = self._part(
            "embedder", lambda: open_trusted_embedder(self.site, self.trust)
        )
        return embedder.embed(texts)

    @property
    def rewriter(self) -> SiteRewriter | None:
        """The small model that rewrites briefs; None where `site.yaml` declares none."""
        server, site_id = self.site.settings.edge_slm, self.site.settings.site_id
        if server is None:
            return None
        return self._part("rewriter", lambda: SiteRewriter(server, site_id, self.gate))

    @property
    def configs(self) -> ConfigDesk:
        """Configuration history and topology."""

        def open_repository(topology: Topology) -> ConfigRepository:
            return ConfigRepository.open(
                self.site.configs,
                topology,
                self.site.timezone,
                key=fingerprint_key(self.site.store / "keys"),
                index=self.site.store / "configs.sqlite",
            )

        def opened() -> ConfigDesk:
            opener = open_repository if self.site.configs.is_dir() else None
            desk = ConfigDesk(opener, self.site.topology, self.observed_links())
            self._exit.callback(desk.close)
            return desk

        return self._part("configs", opened)

    def observed_links(self) -> LinkReading:
        """What elements and inventories say about links, as it is on disk now."""
        observed = read_neighbor_outputs(self.site.neighbors, self.site.topology)
        if self.site.settings.netbox is not None:
            observed += read_netbox(self.site.store, self.site.topology)
        return observed

    @property
    def knowledge(self) -> KnowledgeBase:
        """The knowledge base, begun when there is none; the first time makes the model, too."""

        def opened() -> KnowledgeBase:
            # Chroma takes half a second to import, and many questions never touch a ticket.
            from rag.knowledge_base import KnowledgeBase  # noqa: PLC0415
            from rag.vector_index import ChromaServer  # noqa: PLC0415

            embedder = open_trusted_embedder(self.site, self.trust)
            url = self.site.settings.knowledge.chroma_url
            knowledge = KnowledgeBase.open(
                self.site.store,
                embedder,
                root=self.site.path,
                server=None if url is None else ChromaServer(url, self.site.settings.site_id),
            )
            self._exit.callback(knowledge.close)
            return knowledge

        return self._part("knowledge", opened)

    @property
    def knowledge_watch(self) -> KnowledgeWatch:
        """How the knowledge base does; watching it opens nothing."""
        return self._part(
            "knowledge_watch",
            lambda: KnowledgeWatch(
                lambda: self._parts.get("knowledge"), (self.site.store / "knowledge").is_dir
            ),
        )

    def knowledge_of(self, corpus: str) -> KnowledgeBase:
        """The knowledge base, for a question: nothing is built to find out that it is empty.

        Raises:
            KnowledgeBaseEmptyError: Nothing has been ingested.
        """
        if not (self.site.store / "knowledge").is_dir():
            raise KnowledgeBaseEmptyError("documents" if corpus == "docs" else "tickets")
        return self.knowledge

    def rebuild(self, corpora: Collection[str]) -> None:
        """Remove what can be built anew from the site directory.

        Args:
            corpora: Of what; tickets and documents are one knowledge base, and go together.
        """
        # Alarms are judged by what the configurations say, and filters by alarms.
        for name in ("filter_desk", "alarms", "configs"):
            part = self._parts.pop(name, None)
            if part is not None and name != "filter_desk":
                part.close()
        for corpus, pattern in (("alarms", "alarms.sqlite*"), ("configs", "configs*.sqlite*")):
            if corpus in corpora:
                for file in self.site.store.glob(pattern):
                    file.unlink()
        if "tickets" in corpora or "docs" in corpora:
            from rag.knowledge_base import KnowledgeBase  # noqa: PLC0415 - as above

            if (knowledge := self._parts.pop("knowledge", None)) is not None:
                knowledge.close()
            KnowledgeBase.erase(self.site.store)

    def missing(self) -> list[str]:
        """What keeps the site from answering at all; nothing when it is ready."""
        return [] if self.site.store.is_dir() else ["store"]

    def close(self) -> None:
        """Close everything that was opened."""
        self._closing.set()
        if self._warming is not None:
            self._warming.join()
        self._parts.clear()
        self._exit.close()
