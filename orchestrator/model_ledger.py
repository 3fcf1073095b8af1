"""The cloud half's record of what it sent to models, the counterpart of a site's egress ledger.

JSON Lines, each with the digest of the line before; a line is on disk before the request it
describes is sent. It holds digests and counts, no text.
"""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import json
import os
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from agents.ports import LanguageModel, ModelRequest, ModelTurn, TextDelta
from telecom.errors import LedgerBrokenError, ModelUnavailableError
from telecom.schema import ProductModel
from telecom.tokens import estimate_tokens

LEDGER_FILE = "model-ledger.jsonl"
"""Beside the state of this orchestrator."""
GENESIS = "0" * 64
_TAIL_BYTES = 1 << 16


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
    """The writer; several processes may append to one file."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def append(self, entry: ModelRequestEntry) -> ModelRequestEntry:
        """Chain and write an entry; it is on disk when this returns.

        Raises:
            LedgerBrokenError: It cannot be written, or its last line is none of ours: then nothing
                may be sent.
        """
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                chained = _chain(entry, _head(descriptor, self._file))
                os.write(descriptor, _line(chained))
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError as exc:
            raise LedgerBrokenError(
                f"{self._file} cannot be written ({exc.strerror}), so no model is asked"
            ) from exc
        return chained

    def entries(self, investigation: str | None = None) -> Iterator[ModelRequestEntry]:
        """Entries in order, of one investigation or all.

        Raises:
            LedgerBrokenError: A line was altered, removed or moved; names it.
        """
        try:
            lines = self._file.read_bytes().splitlines()
        except FileNotFoundError:
            return
        head = GENESIS
        for number, line in enumerate(lines, 1):
            try:
                entry = ModelRequestEntry.model_validate_json(line)
            except ValidationError as exc:
                raise LedgerBrokenError(f"{self._file}:{number}: no ledger entry") from exc
            if entry.previous != head or entry.hash != _digest(entry):
                raise LedgerBrokenError(
                    f"{self._file}:{number}: this line or the one before was altered"
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
            await asyncio.to_thread(self._ledger.append, entry)
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


def _head(descriptor: int, file: Path) -> str:
    size = os.fstat(descriptor).st_size
    tail = os.pread(descriptor, _TAIL_BYTES, max(0, size - _TAIL_BYTES))
    if not tail:
        return GENESIS
    whole, _, torn = tail.rpartition(b"\n")
    if torn:  # a crash in mid-write: that request was never sent
        os.ftruncate(descriptor, size - len(torn))
    try:
        return ModelRequestEntry.model_validate_json(whole.rpartition(b"\n")[2]).hash
    except ValidationError as exc:
        raise LedgerBrokenError(
            f"the last line of {file} is no ledger entry; keep it as evidence, move it away"
        ) from exc


def _chain(entry: ModelRequestEntry, previous: str) -> ModelRequestEntry:
    entry = entry.model_copy(update={"previous": previous})
    return entry.model_copy(update={"hash": _digest(entry)})


def _digest(entry: ModelRequestEntry) -> str:
    content = entry.model_dump(mode="json", exclude={"hash"})
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _line(entry: ModelRequestEntry) -> bytes:
    return json.dumps(entry.model_dump(mode="json"), sort_keys=True).encode() + b"\n"
