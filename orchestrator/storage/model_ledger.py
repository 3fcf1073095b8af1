"""The cloud half's record of what it sent to models, the counterpart of a site's egress ledger.

A table of the state, each entry with the digest of the one before; an entry is committed before the
request it describes is sent. It holds digests and counts, no text.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from agents.ports import LanguageModel, ModelRequest, ModelTurn, TextDelta
from orchestrator.storage.database import Database, Row, read_rows
from telecom.errors import LedgerBrokenError, ModelUnavailableError, StateUnavailableError
from telecom.schema import ProductModel
from telecom.tokens import estimate_tokens

LEDGER_TABLE = """
CREATE TABLE IF NOT EXISTS model_requests (
    number {serial}, investigation TEXT NOT NULL, entry TEXT NOT NULL
)
"""
GENESIS = "0" * 64
_LAST = "SELECT entry FROM model_requests ORDER BY number DESC LIMIT 1"


class ModelRequestEntry(ProductModel):
    """One request that went to a model, or was about to."""

    time: datetime
    investigation: str
    model_id: str
    tier: str
    """The tier instance of its endpoint."""
    decision_id: str
    bytes: int
    tokens: int
    """Estimated before it was sent."""
    request_sha256: str
    """Of what the model reads, as compact JSON."""
    previous: str
    hash: str = ""


class ModelLedger:
    """The writer; several processes on several machines may append to one state."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def append(self, entry: ModelRequestEntry) -> ModelRequestEntry:
        """Chain and write an entry; it is committed when this returns.

        Raises:
            LedgerBrokenError: It cannot be written, or its last entry is none of ours: then nothing
                may be sent.
        """
        try:
            async with self._database.transaction(lock="model ledger") as work:
                chained = _chain(entry, _head(await work.fetch(_LAST)))
                await work.execute(
                    "INSERT INTO model_requests (investigation, entry) VALUES (?, ?)",
                    chained.investigation,
                    chained.model_dump_json(),
                )
        except StateUnavailableError as exc:
            raise LedgerBrokenError(
                f"the ledger cannot be written ({exc.why}), so no model is asked"
            ) from exc
        return chained


def recorded_requests(
    address: str | Path, investigation: str | None = None
) -> Iterator[ModelRequestEntry]:
    """Entries of a state in order, of one investigation or all.

    Raises:
        LedgerBrokenError: An entry was altered, removed or moved; names it.
        SettingsError: There is no such state, or it is not ours.
    """
    head = GENESIS
    rows = read_rows(address, "SELECT entry FROM model_requests ORDER BY number")
    for number, (content,) in enumerate(rows, 1):
        try:
            entry = ModelRequestEntry.model_validate_json(content)
        except ValidationError as exc:
            raise LedgerBrokenError(f"entry {number} of the model ledger is none of ours") from exc
        if entry.previous != head or entry.hash != _digest(entry):
            raise LedgerBrokenError(
                f"entry {number} of the model ledger, or the one before, was altered or removed"
            )
        head = entry.hash
        if investigation is None or entry.investigation == investigation:
            yield entry


@dataclass(frozen=True, slots=True)
class ModelDelegation:
    """On whose account and under which decision a model is asked."""

    investigation: str
    tier: str
    decision_id: str


class RecordedModel:
    """A language model whose every request is in the ledger before it is sent."""

    def __init__(self, model: LanguageModel, ledger: ModelLedger, why: ModelDelegation) -> None:
        self.model_id = model.model_id
        self._model = model
        self._ledger = ledger
        self._why = why

    async def stream(self, request: ModelRequest) -> AsyncIterator[TextDelta | ModelTurn]:
        """As the model's own.

        Raises:
            ModelUnavailableError: The request cannot be recorded, so it is not sent.
        """
        payload = json.dumps(_told(request), ensure_ascii=False, separators=(",", ":"), default=str)
        sent = payload.encode("utf-8", "surrogatepass")
        entry = ModelRequestEntry(
            time=datetime.now(UTC),
            investigation=self._why.investigation,
            model_id=self.model_id,
            tier=self._why.tier,
            decision_id=self._why.decision_id,
            bytes=len(sent),
            tokens=estimate_tokens(payload),
            request_sha256=hashlib.sha256(sent).hexdigest(),
            previous="",
        )
        try:
            await self._ledger.append(entry)
        except LedgerBrokenError as exc:
            raise ModelUnavailableError(self.model_id, str(exc)) from exc
        async for piece in self._model.stream(request):
            yield piece


def _told(request: ModelRequest) -> Any:
    """Everything of a request that a model reads (JSON of any shape, hence Any)."""
    return {name: _plain(getattr(request, name)) for name in ("system", "messages", "tools")}


def _plain(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if hasattr(value, "__dataclass_fields__"):
        return {name: _plain(getattr(value, name)) for name in value.__dataclass_fields__}
    return value


def _head(last: list[Row]) -> str:
    if not last:
        return GENESIS
    try:
        return ModelRequestEntry.model_validate_json(last[0][0]).hash
    except ValidationError as exc:
        raise LedgerBrokenError(
            "the last entry of the model ledger is none of ours, so no model is asked; keep the "
            "table model_requests as evidence, under another name"
        ) from exc


def _chain(entry: ModelRequestEntry, previous: str) -> ModelRequestEntry:
    entry = entry.model_copy(update={"previous": previous})
    return entry.model_copy(update={"hash": _digest(entry)})


def _digest(entry: ModelRequestEntry) -> str:
    content = entry.model_dump(mode="json", exclude={"hash"})
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
