"""Confirmed causes: what a person decided about an incident, kept as a ticket of its own.

Decisions are lines of `tickets/confirmed-causes.jsonl`, an export like any other: the next ingest
makes them searchable, a later line about the same incident corrects the earlier one, and they
outlive the store. Nothing gets in without the name of the person who decided.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, ValidationError

from telecom.errors import InvalidArgumentError, SiteDirectoryError
from telecom.precedents import same_cause
from telecom.schema import ProductModel

FILE_NAME = "confirmed-causes.jsonl"
TICKET_PREFIX = "CAUSE-"
NAMED_BY_A_PERSON, SAME_CAUSE = 2.0, 1.0
"""Grades of the site's own judgements."""

Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4_000)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=128)]


class CauseDecision(ProductModel):
    """What one person decided about one incident."""

    incident_id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$")]
    symptoms: tuple[Words, ...] = Field(min_length=1, max_length=40)
    """What was seen: alarm texts, templates or words, most telling first."""
    cause: Words
    """In the words by which the next one should be recognised."""
    reviewer: Name
    """The person who decided."""
    decided_at: datetime
    via: Literal["cli", "mcp", "python"]
    close_note: str = Field(default="", max_length=8_000)
    """What was done about it."""
    managed_object: str | None = Field(default=None, max_length=256)
    severity: str | None = Field(default=None, max_length=32)
    proposed_cause: str | None = Field(default=None, max_length=4_000)
    """What had been proposed to the person; None when nothing was."""
    similar_tickets: tuple[Name, ...] = Field(default=(), max_length=40)
    """Past tickets that the person found to be the same trouble."""

    @property
    def ticket_id(self) -> str:
        """Under which the decision is found."""
        return f"{TICKET_PREFIX}{self.incident_id}"

    @property
    def corrects(self) -> bool:
        """Whether the person decided otherwise than was proposed."""
        return self.proposed_cause is not None and not same_cause(self.proposed_cause, self.cause)

    def as_ticket(self) -> dict[str, str]:
        """The decision in the columns of a ticket export, provenance beside them."""
        decided = self.decided_at.isoformat()
        columns = {
            "ticket_id": self.ticket_id,
            "title": self.symptoms[0],
            "description": "\n".join(self.symptoms),
            "managed_object": self.managed_object,
            "severity": self.severity,
            "status": "closed",
            "closed_at": decided,
            "cause": self.cause,
            "close_note": self.close_note,
            "incident_id": self.incident_id,
            "decision": "corrected" if self.corrects else "confirmed",
            "proposed_cause": self.proposed_cause,
            "reviewer": self.reviewer,
            "decided_at": decided,
            "via": self.via,
            "similar_tickets": " ".join(self.similar_tickets),
        }
        return {name: value for name, value in columns.items() if value}


def decide(fields: Mapping[str, object]) -> CauseDecision:
    """Validate a decision that came from outside this process.

    Raises:
        InvalidArgumentError: A field is missing, too long or malformed; names the first.
    """
    try:
        return CauseDecision.model_validate(dict(fields))
    except ValidationError as exc:
        problem = exc.errors(include_input=False, include_url=False)[0]
        field = ".".join(map(str, problem["loc"])) or "decision"
        raise InvalidArgumentError(field, f"{field}: {problem['msg']}") from exc


def record_decision(tickets: Path, decision: CauseDecision) -> Path:
    """Append a decision to the site's confirmed causes; on disk when it returns.

    A decision that is in force already is not written twice.

    Args:
        tickets: The site's folder of ticket exports; made when missing.
        decision: What was decided.

    Returns:
        The file, for the next ingest.

    Raises:
        SiteDirectoryError: It cannot be written; then the file is as it was.
    """
    file = tickets / FILE_NAME
    line = json.dumps(decision.as_ticket(), ensure_ascii=False).encode(errors="replace") + b"\n"
    try:
        if _decided(decision.as_ticket()) in map(_decided, read_decisions(tickets)):
            return file
        tickets.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(file, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            _append(descriptor, line)
        finally:
            os.close(descriptor)
    except OSError as exc:
        raise SiteDirectoryError(
            f"{file} cannot be written ({exc.strerror}); the decision was not recorded"
        ) from exc
    return file


def _decided(row: Mapping[str, str]) -> dict[str, str]:
    """A decision without when and how it was handed in: the same one twice is one."""
    return {
        name: value for name, value in row.items() if name not in {"decided_at", "closed_at", "via"}
    }


def _append(descriptor: int, line: bytes) -> None:
    size = os.fstat(descriptor).st_size
    if size and os.pread(descriptor, 1, size - 1) != b"\n":
        line = b"\n" + line  # a process died in the middle of its line: it keeps to itself
    try:
        if os.write(descriptor, line) != len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.fsync(descriptor)
    except OSError:
        os.ftruncate(descriptor, size)
        raise


def read_decisions(tickets: Path) -> list[dict[str, str]]:
    """The decisions in force, each as a ticket: the last one about every incident."""
    last: dict[str, dict[str, str]] = {}
    for row in _rows(tickets / FILE_NAME):
        last[row["ticket_id"]] = row
    return list(last.values())


def _rows(file: Path) -> Iterator[dict[str, str]]:
    try:
        lines = file.read_bytes().splitlines()
    except FileNotFoundError:
        return
    for line in lines:
        try:
            row = json.loads(line)
        except ValueError:
            continue  # the next ingest lists it among the rejects
        if isinstance(row, dict) and {"ticket_id", "description", "cause"} <= row.keys():
            yield row


def own_evaluation_set(
    decisions: list[dict[str, str]], causes: Mapping[str, str]
) -> tuple[dict[str, str], dict[str, dict[str, float]]]:
    """What people decided, as queries and judgements.

    The query is what was seen. Relevant are the tickets that the person named (grade 2) and those
    that name the same cause (grade 1), never the decision itself.

    Args:
        decisions: From `read_decisions`.
        causes: Ticket id -> its cause, of every ticket in the knowledge base that has one.

    Returns:
        Query id -> text, and query id -> ticket id -> grade; both keyed by the decision's ticket.
    """
    queries: dict[str, str] = {}
    judged: dict[str, dict[str, float]] = {}
    for row in decisions:
        own = row["ticket_id"]
        grades = {
            ticket: SAME_CAUSE
            for ticket, cause in causes.items()
            if ticket != own and same_cause(row["cause"], cause)
        }
        grades |= dict.fromkeys(row.get("similar_tickets", "").split(), NAMED_BY_A_PERSON)
        queries[own] = row["description"]
        judged[own] = grades
    return queries, judged
