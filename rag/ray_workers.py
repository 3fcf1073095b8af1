"""Ingest on Ray Data (extra `scale`): a site's own machines read and embed, the owner writes.

Every machine sees the site's files under the same path and has the product with its model. Texts
pass between these machines and through nobody else's: Ray's usage reports are switched off.
"""

from __future__ import annotations

import logging
import os
import pickle
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import tzinfo
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from rag import ticket_exports
from rag.bulk_workers import NamedFile, document_or_reject
from rag.embedding import Embedder, EmbeddingStamp, Vectors
from rag.ingest_counts import Reject
from rag.preparation import Prepared
from rag.ticket_exports import TicketRecord
from telecom.errors import MissingExtraError, SettingsError

BLOCKS_AT_ONCE = 64
"""What one run of Ray embeds, in blocks: enough for some machines, little to hold in memory."""
_RECORDS_PER_ROW = 500
_OBJECT_STORE = 512 * 2**20
"""Bytes of memory that a cluster started here may hold texts and vectors in; more goes to disk."""
_ANSWER_SECONDS = 10.0
_STARTS = 3
_START_SECONDS = 300
"""How long the workers that hold the model may take to start."""

Row = dict[str, Any]
"""A row of Ray Data: bytes of ours by name (Ray has no types for it, hence Any)."""


class RayWorkers:
    """Workers on a Ray cluster: that of `RAY_ADDRESS`, else one on this machine."""

    blocks_at_once = BLOCKS_AT_ONCE

    def __init__(self, opener: Callable[[], Embedder], stamp: EmbeddingStamp) -> None:
        """Connect, or start a cluster on this machine.

        Args:
            opener: Opens the embedder on the machine where it is called.
            stamp: What its vectors must be.

        Raises:
            MissingExtraError: Ray is not installed.
            SettingsError: The cluster does not answer.
        """
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        # Its native half writes advice for Ray's developers between our lines; failures are raised.
        os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
        try:
            import ray  # noqa: PLC0415 - optional, and a second to import
            import ray.data  # noqa: PLC0415
        except ImportError as exc:
            raise MissingExtraError("scale", "ingest --engine ray") from exc
        self._ray = ray
        self._opener, self._stamp = opener, stamp
        self._started = not ray.is_initialized()
        if self._started:
            _connect(ray)
        logging.getLogger("ray.data").setLevel(logging.ERROR)  # the ingest shows its own progress
        context = ray.data.DataContext.get_current()
        # Blocks are stored in the order of arrival: so an ingest that was killed groups the rest
        # as it would have been grouped.
        context.execution_options.preserve_order = True
        context.enable_progress_bars = False
        context.wait_for_min_actors_s = _START_SECONDS
        context.print_on_execution_start = False

    def close(self) -> None:
        """Let go of the cluster, and end it if it was started here."""
        if self._started:
            self._ray.shutdown()

    def __enter__(self) -> RayWorkers:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def tickets(
        self, files: Sequence[NamedFile], mapping: Mapping[str, str] | None, zone: tzinfo
    ) -> Iterator[TicketRecord | Reject]:
        """Read ticket exports, a file on a worker."""
        read = partial(_read_tickets, mapping=mapping, zone=zone)
        for row in self._rows(self._of(files).flat_map(read) if files else None):
            yield from pickle.loads(row["records"])  # noqa: S301 - our own workers' bytes

    def documents(self, files: Sequence[NamedFile]) -> Iterator[Prepared | Reject]:
        """Read documents, a file on a worker."""
        for row in self._rows(self._of(files).map(_read_document) if files else None):
            yield pickle.loads(row["prepared"])  # noqa: S301 - as above

    def embed(self, blocks: Sequence[list[str]]) -> Iterator[Vectors]:
        """Embed each block on a worker that keeps the model loaded."""
        work = self._ray.data.from_items(
            [{"texts": pickle.dumps(block)} for block in blocks], override_num_blocks=len(blocks)
        )
        machines = sum(node["Alive"] for node in self._ray.nodes())
        embedded = work.map(
            EmbeddingWorker,
            fn_constructor_args=(self._opener, self._stamp),
            compute=self._ray.data.ActorPoolStrategy(size=min(machines, len(blocks))),
        )
        for row in self._rows(embedded):
            vectors = np.frombuffer(row["vectors"], dtype=np.float32)
            yield vectors.reshape(-1, self._stamp.dimension)

    def _of(self, files: Sequence[NamedFile]) -> Any:
        return self._ray.data.from_items(
            [{"file": str(file.absolute()), "name": name} for file, name in files],
            override_num_blocks=min(len(files), 200),
        )

    def _rows(self, dataset: Any) -> Iterator[Row]:
        """Rows in order, as they are done.

        Raises:
            SettingsError: Workers fail or are lost; what was stored stays.
        """
        if dataset is None:
            return
        try:
            yield from dataset.iter_rows()
        except self._ray.exceptions.RayError as exc:
            cause = getattr(exc, "cause", None) or exc.__cause__
            # By kind alone: the message of a failed worker may quote what it worked on.
            kind = type(exc if cause is None else cause).__name__
            reason = str(cause) if isinstance(cause, SettingsError) else kind
            raise SettingsError(
                f"a Ray worker failed ({reason}); what is stored stays, and ingest goes on where "
                "it stopped"
            ) from exc


def _connect(ray: Any) -> None:
    """Join the cluster of `RAY_ADDRESS`, or start one on this machine.

    Raises:
        SettingsError: It does not answer, or does not start.
    """
    address = os.environ.get("RAY_ADDRESS") or "local"
    try:
        if address == "local":
            _start(ray)
        else:
            _join(ray, address)
    except Exception as exc:
        # A node that does not start in time is a bare Exception of Ray's, nothing narrower.
        known = (OSError, RuntimeError, ValueError, ray.exceptions.RayError)
        if type(exc) is not Exception and not isinstance(exc, known):
            raise
        kind = type(exc).__name__
        if address == "local":
            reason = f"no Ray cluster starts on this machine ({kind}); try it when there is less"
            raise SettingsError(f"{reason} to do, or ingest without `--engine ray`") from exc
        raise SettingsError(
            f"no Ray cluster answers at {address!r} ({kind}); check RAY_ADDRESS, or unset it to "
            "use this machine alone"
        ) from exc


def _join(ray: Any, address: str) -> None:
    if ":" in address:
        # Ray itself waits for a silent address for minutes, and then ends the process.
        host, _, port = address.removeprefix("ray://").rpartition(":")
        socket.create_connection((host.strip("[]"), int(port)), timeout=_ANSWER_SECONDS).close()
    ray.init(address, log_to_driver=False, logging_level="ERROR")


def _start(ray: Any) -> None:
    for attempt in range(_STARTS):
        try:
            ray.init(
                "local",
                # One core for the worker that holds the model, one for those that read.
                num_cpus=max(2, os.cpu_count() or 2),
                object_store_memory=_OBJECT_STORE,
                include_dashboard=False,
                log_to_driver=False,
                logging_level="ERROR",
            )
        except Exception as exc:
            # On a busy machine half a minute is too little for its parts to find each other.
            if type(exc) is not Exception or attempt == _STARTS - 1:
                raise
            ray.shutdown()
        else:
            return


class EmbeddingWorker:
    """One embedder on one worker, for many blocks."""

    def __init__(self, opener: Callable[[], Embedder], stamp: EmbeddingStamp) -> None:
        self._embedder = opener()
        if self._embedder.stamp != stamp:
            raise SettingsError(
                f"a worker embeds with {self._embedder.stamp}, the store holds {stamp}; "
                "install the same model on every machine"
            )

    def __call__(self, row: Row) -> Row:
        """Embed one block."""
        texts: list[str] = pickle.loads(row["texts"])  # noqa: S301 - the owner's own bytes
        return {"vectors": self._embedder.embed(texts).tobytes()}


def _read_tickets(row: Row, mapping: Mapping[str, str] | None, zone: tzinfo) -> Iterator[Row]:
    records = ticket_exports.read_tickets(
        Path(row["file"]), name=row["name"], mapping=mapping, zone=zone
    )
    while some := list(islice(records, _RECORDS_PER_ROW)):
        yield {"records": pickle.dumps(some)}


def _read_document(row: Row) -> Row:
    return {"prepared": pickle.dumps(document_or_reject(Path(row["file"]), row["name"]))}
