"""What a command may ask of the knowledge base, in the process that owns the store.

Every operation takes and gives JSON, as those of `site_operations` do, whose part this is.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from mcp_servers.ownership.owner_protocol import JsonValue
from mcp_servers.ownership.store_owner import Arguments, Operation, Progress
from mcp_servers.tickets.search_filters import filters_of
from rag.confirmed_causes import decide, own_evaluation_set, read_decisions, record_decision
from telecom.errors import KnowledgeBaseEmptyError

if TYPE_CHECKING:
    from mcp_servers.ownership.site_host import SiteHost
    from rag.knowledge_base import KnowledgeBase


class KnowledgeOperations:
    """Search, judge, keep and mend the knowledge base of an open site."""

    def __init__(self, host: SiteHost) -> None:
        self._host = host

    @property
    def operations(self) -> dict[str, Operation]:
        """Every operation by the name under which a command asks for it."""
        return {
            "search": self.search,
            "evaluate_retrieval": self.evaluate_retrieval,
            "confirm_cause": self.confirm_cause,
            "knowledge_health": self.health,
            "rebuild_knowledge": self.rebuild,
        }

    def search(self, arguments: Arguments, _progress: Progress) -> JsonValue:
        """Rank passages for each query, in the order of the queries; none for one without words."""
        corpus, limit = arguments["corpus"], arguments["limit"]
        knowledge = self._host.knowledge_of(corpus)
        filters = filters_of(arguments.get("filters") or {}, self._host.site.timezone)
        answers = []
        for query in arguments["queries"]:
            explained = (
                knowledge.explain(
                    query["text"],
                    corpus=corpus,
                    limit=limit,
                    filters=filters,
                    mode=arguments.get("mode", "hybrid"),
                )
                if query["text"].strip()
                else ()  # a line without words costs a batch its answer, not the batch
            )
            answer: dict[str, Any] = {
                "id": query["id"],
                "results": [
                    each.citation.model_dump(exclude={"corpus"})
                    | ({"why": each.why} if arguments.get("explain") else {})
                    for each in explained
                ],
            }
            answers.append(answer)
        return {"answers": answers, "degraded": knowledge.degraded}

    def evaluate_retrieval(self, arguments: Arguments, progress: Progress) -> JsonValue:
        """Score lexical, dense and hybrid search on given judgements, or on the site's own."""
        from rag.evaluation import compare_modes  # noqa: PLC0415 - numpy, for this one only

        corpus = arguments["corpus"]
        knowledge = self._host.knowledge_of(corpus)
        queries, qrels = arguments.get("queries"), arguments.get("qrels")
        if queries is None:
            queries, qrels = own_evaluation_set(
                read_decisions(self._host.site.tickets), knowledge.causes()
            )
        scores = compare_modes(
            knowledge,
            queries,
            qrels or {},
            corpus=corpus,
            recall_at=arguments["limit"],
            leave_out_itself=arguments.get("queries") is None,
            watch=lambda mode, done, total: progress(f"asking, {mode}", done, total),
        )
        return {mode: asdict(each) for mode, each in scores.items()}

    def confirm_cause(self, arguments: Arguments, _progress: Progress) -> JsonValue:
        """Record what a person decided about an incident; the next ingest makes it searchable."""
        decision = decide({**arguments, "via": "cli", "decided_at": datetime.now(UTC)})
        file = record_decision(self._host.site.tickets, decision)
        return {
            "ticket_id": decision.ticket_id,
            "decision": "corrected" if decision.corrects else "confirmed",
            "file": str(file),
        }

    def health(self, _arguments: Arguments, _progress: Progress) -> JsonValue:
        """Whether both halves of the search work."""
        health = self._open().health()
        return {
            "dense": health.dense,
            "problem": health.problem,
            "corpora": {name: asdict(each) for name, each in health.corpora.items()},
        }

    def rebuild(self, arguments: Arguments, progress: Progress) -> JsonValue:
        """Make the vector index anew from the vectors that are kept; nothing is embedded twice."""
        self._open().rebuild_index(
            lambda news: progress(f"{news.phase} {news.corpus}", news.done, news.total or 0)
        )
        return self.health(arguments, progress)

    def _open(self) -> KnowledgeBase:
        """The knowledge base, if anything was ever ingested."""
        if not (self._host.site.store / "knowledge").is_dir():
            raise KnowledgeBaseEmptyError("tickets")
        return self._host.knowledge
