"""Preparation: a ticket or document as the store takes it, with passages, terms and digest."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from rag import document_formats
from rag.gists import gist_of
from rag.identifier_terms import identifier_terms, normal_form
from rag.passage_records import PassageEntry, SourceRecord
from rag.passages import Passage, document_passages, ticket_passages
from rag.ticket_exports import TicketRecord
from telecom.errors import InvalidArgumentError
from telecom.ticket import Ticket

Prepared = tuple[SourceRecord, list[PassageEntry]]

_RECIPE = "1"
"""Part of every digest: raised when passages are cut differently, so that sources are read anew."""


def prepared_ticket(record: TicketRecord) -> Prepared:
    """Cut a ticket into passages."""
    ticket = record.ticket
    body = ticket.model_dump_json()
    own = [normal_form(ticket.ticket_id)]
    if ticket.managed_object:
        own += identifier_terms(ticket.managed_object) or [normal_form(ticket.managed_object)]
    return _prepared(
        SourceRecord(
            corpus="tickets",
            source=ticket.ticket_id,
            file=record.file,
            digest=_digest(body, json.dumps(dict(record.attributes), sort_keys=True)),
            title=ticket.title,
            body=body,
            attributes=record.attributes,
            managed_object=ticket.managed_object,
            severity=ticket.severity,
            opened_at=ticket.opened_at,
            closed_at=ticket.closed_at,
            resolved=bool(ticket.cause or ticket.close_note),
        ),
        ticket_passages(ticket),
        own,
        # Copies of a ticket are copies as a whole, whichever of their passages are found.
        gist_of(" ".join([ticket.title, ticket.description, *_told(ticket)])),
    )


def prepared_document(file: Path, name: str) -> Prepared:
    """Read a document and cut it into passages.

    Raises:
        InvalidArgumentError: It cannot be read or holds no text; the message is the reason.
    """
    document = document_formats.read_document(file)
    passages = document_passages(document)
    if not passages:
        raise InvalidArgumentError("file", "holds no text")
    return _prepared(
        SourceRecord(
            corpus="docs",
            source=name,
            file=name,
            digest=_digest(document.text, document.title, repr(document.sections)),
            title=document.title,
            body="",
            attributes=document.attributes,
        ),
        passages,
        [],
    )


def _told(ticket: Ticket) -> list[str]:
    return [text for text in (ticket.cause, ticket.close_note) if text]


def _prepared(
    record: SourceRecord, passages: list[Passage], own: list[str], gist: str | None = None
) -> Prepared:
    """Give passages their ids, identifier terms and gist (each its own where none is given).

    Ids are made of the source's name and a number, never of a digest: they leave the site.
    """
    numbered: dict[str, int] = {}
    entries = []
    for passage in passages:
        number = numbered[passage.part] = numbered.get(passage.part, 0) + 1
        part = passage.part.removeprefix("#").replace(" ", "-")
        terms = dict.fromkeys(identifier_terms(passage.embedded_text), False)
        terms |= dict.fromkeys(own, True)
        entries.append(
            PassageEntry(
                id=f"{record.source}#{part}" + (f".{number}" if number > 1 else ""),
                passage=passage,
                gist=gist_of(passage.text) if gist is None else gist,
                terms=list(terms.items()),
            )
        )
    return record, entries


def _digest(*parts: str) -> str:
    digest = hashlib.sha256(_RECIPE.encode())
    for part in parts:
        digest.update(len(part).to_bytes(8) + part.encode())
    return digest.hexdigest()
