"""`ReceivedJournal`: deliveries on disk before anybody is told that they were accepted.

Deliveries that arrive together share one write and one fsync. A segment that may end in half a line
(a full disk, a killed process) is never appended to again.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO, Self

from telecom.errors import IntakeUnavailableError
from telecom.file_access import sync_folder
from telecom.formats.received import Delivery

SEGMENT_BYTES = 64 * 1024 * 1024
"""Of one file; then the next begins."""
WAITING_BYTES = 64 * 1024 * 1024
"""Waiting for the disk at most; then senders are told to come again."""


class ReceivedJournal:
    """Appends to `alarms/received/YYYY-MM-DD-NNNN.jsonl`. Safe to use from several threads."""

    def __init__(
        self,
        folder: Path,
        *,
        kept: Callable[[], None] = lambda: None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Prepare; the folder is made with the first delivery.

        Args:
            folder: `alarms/received` of the site.
            kept: Called after each write, in the journal's own thread.
            clock: For the names of the files.
        """
        self._folder = folder
        self._kept = kept
        self._clock = clock
        self._wake = threading.Condition()
        self._waiting: list[tuple[bytes, int, Future[None]]] = []
        self._waiting_bytes = 0
        self._received = 0
        self._closing = False
        self._segment: BinaryIO | None = None
        self._name = ""
        self._thread = threading.Thread(target=self._write, name="received-journal", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._wake:
            self._closing = True
            self._wake.notify()
        self._thread.join()

    @property
    def received(self) -> int:
        """Deliveries on disk since this journal was opened."""
        return self._received

    def append(self, deliveries: list[Delivery]) -> Future[None]:
        """Keep deliveries; the future is done when they are on disk.

        Raises:
            IntakeUnavailableError: Too much waits for the disk already; nothing was taken.
        """
        data = b"".join(delivery.line() for delivery in deliveries)
        future: Future[None] = Future()
        with self._wake:
            if self._closing or self._waiting_bytes + len(data) > WAITING_BYTES:
                raise IntakeUnavailableError("too much waits for the disk")
            self._waiting.append((data, len(deliveries), future))
            self._waiting_bytes += len(data)
            self._wake.notify()
        return future

    def discard_older(self, days: int) -> list[Path]:
        """Delete segments of days that are over for longer than `days`."""
        oldest = (self._clock() - timedelta(days=days)).strftime("%Y-%m-%d")
        gone = []
        for path in sorted(self._folder.glob("????-??-??-*.jsonl")):
            if path.name[:10] < oldest and path.name != self._name:
                path.unlink(missing_ok=True)
                gone.append(path)
        return gone

    def _write(self) -> None:
        while True:
            with self._wake:
                while not self._waiting and not self._closing:
                    self._wake.wait()
                batch, self._waiting = self._waiting, []
                self._waiting_bytes = 0
                if not batch:
                    break
            try:
                self._append(b"".join(data for data, _, _ in batch))
            except OSError as exc:
                self._close_segment()
                failure = IntakeUnavailableError(exc.strerror or "the disk refused it")
                for _, _, future in batch:
                    future.set_exception(failure)
                continue
            self._received += sum(count for _, count, _ in batch)
            for _, _, future in batch:
                future.set_result(None)
            self._kept()
        self._close_segment()

    def _append(self, data: bytes) -> None:
        segment = self._segment_for(len(data))
        segment.write(data)
        segment.flush()
        os.fsync(segment.fileno())

    def _segment_for(self, size: int) -> BinaryIO:
        day = self._clock().strftime("%Y-%m-%d")
        segment = self._segment
        if segment is not None:
            full = segment.tell() and segment.tell() + size > SEGMENT_BYTES
            if not full and self._name.startswith(day):
                return segment
            self._close_segment()
        self._folder.mkdir(parents=True, exist_ok=True)
        numbers = [int(path.stem[11:]) for path in self._folder.glob(f"{day}-[0-9]*.jsonl")]
        self._name = f"{day}-{max(numbers, default=0) + 1:04d}.jsonl"
        self._segment = (self._folder / self._name).open("xb")
        sync_folder(self._folder)
        return self._segment

    def _close_segment(self) -> None:
        if self._segment is not None:
            self._segment.close()
        self._segment = None
