"""Precedents: the closed tickets that may resemble an incident, each with its best passage."""

from __future__ import annotations

from rag.embedding import Embedder
from rag.filters import SearchFilters
from rag.passage_records import StoredPassage
from rag.passage_store import PassageStore
from rag.ranking import cap_copies
from rag.retrieval import Retrieval
from rag.similarity import IncidentSignature, Precedent
from telecom.ticket import Ticket

_CANDIDATES_PER_RESULT = 4
_RESOLVED = SearchFilters(resolved=True)


def find_precedents(
    store: PassageStore,
    retrieval: Retrieval,
    embedder: Embedder,
    signature: IncidentSignature,
    limit: int,
) -> list[Precedent]:
    """Tickets with a cause or close note that read like the signature, or name its objects.

    Copies of one ticket count at most twice, so that a flood of them cannot decide what was seen.
    """
    wanted = _CANDIDATES_PER_RESULT * limit
    keys = [
        hit.passage.key
        for hit in retrieval.rank(
            signature.text, "tickets", wanted, filters=_RESOLVED, require=False
        ).hits
    ]
    named = retrieval.lexical.identifiers(" ".join(signature.managed_objects), "tickets")
    keys += [
        key for key, _ in retrieval.lexical.by_identifiers(named, "tickets", wanted, _RESOLVED)
    ]
    keys = list(dict.fromkeys(keys))
    passages = store.load(keys)
    (asked,) = embedder.embed([signature.text])
    cosines = {key: float(vector @ asked) for key, vector in store.vectors.of(keys).items()}
    best = _best_of_each_ticket(list(passages.values()), cosines)
    precedents = (
        _precedent(store, each, cosines.get(each.key, 0.0)) for each in cap_copies(best, len(best))
    )
    return [each for each in precedents if each is not None]


def _best_of_each_ticket(
    passages: list[StoredPassage], cosines: dict[int, float]
) -> list[StoredPassage]:
    ordered = sorted(passages, key=lambda each: (-cosines.get(each.key, 0.0), each.id))
    best: dict[str, StoredPassage] = {}
    for passage in ordered:
        best.setdefault(passage.source, passage)
    return list(best.values())


def _precedent(store: PassageStore, passage: StoredPassage, similarity: float) -> Precedent | None:
    body = store.body_of("tickets", passage.source)
    if body is None:  # removed by an ingest since it was found
        return None
    ticket = Ticket.model_validate_json(body)
    if ticket.close_note:
        return Precedent(ticket, similarity, ticket.close_note, "close_note")
    return Precedent(ticket, similarity, passage.text, passage.locator)
