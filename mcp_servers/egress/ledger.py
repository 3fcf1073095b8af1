"""The egress ledger: what left the site, to whom, under which decision.

Append-only JSON Lines. Each entry carries the digest of the one before and the site's signature,
and is on disk before the bytes it describes leave: after a crash the ledger may tell of an answer
that never left, never the other way round.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import threading
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from pydantic import ValidationError

from mcp_servers.egress.ledger_entry import LedgerEntry, local_entry
from mcp_servers.egress.release_totals import ReleaseTotals
from mcp_servers.site_keys.handover import Handover
from telecom.errors import EgressRefusedError, LedgerBrokenError, StoreOwnedError
from telecom.file_access import sync_folder
from telecom.schema import ProductModel

LEDGER_FILE = "egress.jsonl"
GENESIS = "0" * 64
"""What the first entry names as the one before."""

_SIGNED_FOR = b"tierwise egress ledger\0"
"""Keeps a signature made here from being worth anything elsewhere; tokens use the same key."""

_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"))

_TAIL_BYTES = 1 << 20
"""How much of the end of the file is read for the last entry; entries are a few kilobytes."""


class LedgerVerdict(ProductModel):
    """Whether the ledger holds, and what that proves."""

    holds: bool
    entries: int
    head: str
    """Digest of the last entry; keep it elsewhere as an anchor."""
    problems: tuple[str, ...] = ()
    """What is wrong, with line numbers."""
    torn_tail: bool = False
    """The last line was cut in mid-write: its bytes never left the site."""
    anchored: bool = False
    """An anchor was given and found."""
    cannot_prove: tuple[str, ...] = ()
    """What this check leaves open."""


class EgressLedger:
    """The writer of a site's ledger; one at a time per store."""

    def __init__(
        self, path: Path, key: Ed25519PrivateKey, descriptor: int, *, head: str, sequence: int
    ) -> None:
        self._path = path
        self._key = key
        self._descriptor = descriptor
        self._head = head
        self._sequence = sequence
        self.totals = ReleaseTotals()
        """What was written since it was opened."""
        self._written = 0
        self._synced = 0
        self._write_lock = threading.Lock()
        self._sync_lock = threading.Lock()

    @classmethod
    def open(cls, store: Path, key: Ed25519PrivateKey) -> EgressLedger:
        """Open the ledger under a site's `store/` for appending.

        A line torn by a crash is cut off, and an entry says so: what it described never left.

        Raises:
            StoreOwnedError: Another process appends to it.
            LedgerBrokenError: The last whole line is no entry of this ledger.
        """
        store.mkdir(parents=True, exist_ok=True)
        path = store / LEDGER_FILE
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as exc:
            os.close(descriptor)
            raise StoreOwnedError(str(store), None) from exc
        try:
            torn = _mend_tail(path, descriptor)
            last = _last_entry(path)
        except BaseException:
            os.close(descriptor)
            raise
        ledger = cls(
            path,
            key,
            descriptor,
            head=last.hash if last else GENESIS,
            sequence=last.sequence if last else 0,
        )
        if torn:
            ledger.append(_recovery(torn))
        sync_folder(store)
        return ledger

    @property
    def head(self) -> str:
        """Digest of the last entry; `GENESIS` for an empty ledger."""
        return self._head

    def append(self, entry: LedgerEntry) -> LedgerEntry:
        """Chain, sign and write an entry; it is on disk when this returns.

        Concurrent callers share one flush to disk.

        Raises:
            EgressRefusedError: The entry cannot be written, so nothing may leave.
        """
        with self._write_lock:
            chained, line = _chain(entry, self._sequence + 1, self._head, self._key)
            self._write(line)
            self._head, self._sequence = chained.hash, chained.sequence
            self.totals.add(chained)
            self._written += 1
            mine = self._written
        self._flush(mine)
        return chained

    def entries(self, investigation: str | None = None) -> list[LedgerEntry]:
        """Entries in order, of one investigation or all; a torn last line is left out.

        Raises:
            LedgerBrokenError: A line is no entry.
        """
        return list(read_entries(self._path.parent, investigation))

    def since(self, moment: datetime) -> list[LedgerEntry]:
        """Entries after `moment`, in order; reads no more of the file's end than it must."""
        size = self._path.stat().st_size
        window = _TAIL_BYTES
        while True:
            entries = _entries_in(self._path, max(0, size - window))
            if window >= size or (entries and entries[0].time <= moment):
                return [entry for entry in entries if entry.time > moment]
            window *= 4

    def verify(self, anchor: str | None = None) -> LedgerVerdict:
        """Check chain and signatures; see `verify_ledger`."""
        return verify_ledger(self._path.parent, self._key.public_key(), anchor)

    def close(self) -> None:
        """Let go of the file; another process may then append."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _write(self, line: bytes) -> None:
        try:
            begin = os.fstat(self._descriptor).st_size
        except OSError as exc:
            raise _unwritable(exc) from exc
        try:
            rest = memoryview(line)
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        except OSError as exc:
            self._take_back(begin)
            raise _unwritable(exc) from exc

    def _take_back(self, begin: int) -> None:
        """Cut off half a line, which would make the next entry unreadable; else write no more."""
        try:
            os.ftruncate(self._descriptor, begin)
        except OSError:
            self.close()

    def _flush(self, mine: int) -> None:
        with self._sync_lock:
            if self._synced >= mine:
                return
            written = self._written
            try:
                os.fsync(self._descriptor)
            except OSError as exc:
                raise _unwritable(exc) from exc
            self._synced = written


def read_entries(store: Path, investigation: str | None = None) -> Iterator[LedgerEntry]:
    """Read a ledger without owning it; a torn last line is left out.

    Raises:
        LedgerBrokenError: A line is no entry.
    """
    lines, _ = _read_lines(store / LEDGER_FILE)
    for number, line in enumerate(lines, 1):
        try:
            entry = LedgerEntry.model_validate_json(line)
        except ValidationError as exc:
            raise LedgerBrokenError(f"{store / LEDGER_FILE}:{number}: no ledger entry") from exc
        if investigation is None or entry.investigation == investigation:
            yield entry


def verify_ledger(
    store: Path,
    key: Ed25519PublicKey,
    anchor: str | None = None,
    *,
    handovers: Sequence[Handover] = (),
) -> LedgerVerdict:
    """Check every line, the chain and the signatures of a site's ledger.

    Args:
        store: The site's `store/`.
        key: The site's public key.
        anchor: A head printed or sent earlier; without one a cut tail or a whole new ledger made
            with the site's key cannot be told from the truth.
        handovers: How the site came to that key, oldest first. Entries before one were signed by
            its predecessor, and must be those that its successor saw.
    """
    lines, tail = _read_lines(store / LEDGER_FILE)
    state = _tail_state(tail)
    if state == "whole":
        lines.append(tail)
    problems: list[str] = []
    head, seen = GENESIS, {GENESIS}
    for number, line in enumerate(lines, 1):
        signer = next((each.old_key for each in handovers if number <= each.ledger_entries), key)
        problem, found = _check(line, number, head, signer)
        if problem:
            problems.append(f"line {number}: {problem}")
        head = found or head
        seen.add(head)
    problems += [
        f"what stood before the key changed on {each.time:%Y-%m-%d} was cut off or rewritten"
        for each in handovers
        if each.ledger_head not in seen
    ]
    if state == "altered":
        problems.append(f"line {len(lines) + 1}: its line end was altered")
    anchored = anchor is not None and anchor in seen
    if anchor is not None and not anchored:
        problems.append(
            "the anchor is not in the ledger: its tail was cut off, or all of it was rewritten"
        )
    return LedgerVerdict(
        holds=not problems,
        entries=len(lines),
        head=head,
        problems=tuple(problems),
        torn_tail=state == "torn",
        anchored=anchored,
        cannot_prove=_open_questions(anchor, anchored=anchored, at_head=anchor == head),
    )


def _open_questions(anchor: str | None, *, anchored: bool, at_head: bool) -> tuple[str, ...]:
    if anchor is None:
        return (
            "that no entries were cut off at the end",
            "that the ledger was not rewritten as a whole by someone who has the site's key",
        )
    if anchored and not at_head:
        return ("that no entries after the anchor were cut off or rewritten with the site's key",)
    return ()


def _check(
    line: bytes, number: int, previous: str, key: Ed25519PublicKey
) -> tuple[str | None, str | None]:
    """Say what is wrong with a line, and which digest the next one must name."""
    try:
        entry = LedgerEntry.model_validate_json(line)
    except ValidationError:
        return "no ledger entry", None
    if _line(entry) != line + b"\n":
        return "not written the way the ledger writes", entry.hash
    problem = None
    if entry.hash != _digest(entry):
        problem = "its content was altered"
    elif entry.previous != previous:
        problem = "it does not follow the line before: a line was altered, removed or moved"
    elif entry.sequence != number:
        problem = f"its sequence is {entry.sequence}, not {number}"
    elif not _is_signed(entry, key):
        problem = "its signature is not this site's"
    return problem, entry.hash


def _is_signed(entry: LedgerEntry, key: Ed25519PublicKey) -> bool:
    try:
        key.verify(bytes.fromhex(entry.signature), _SIGNED_FOR + bytes.fromhex(entry.hash))
    except (InvalidSignature, ValueError):
        return False
    return True


def _chain(
    entry: LedgerEntry, sequence: int, previous: str, key: Ed25519PrivateKey
) -> tuple[LedgerEntry, bytes]:
    """Put an entry behind the one before; the entry and its line, written from one dump."""
    content = entry.model_dump(mode="json", exclude={"hash", "signature"})
    content |= {"sequence": sequence, "previous": previous}
    digest = hashlib.sha256(_canonical_json(content)).digest()
    sealed = {"hash": digest.hex(), "signature": key.sign(_SIGNED_FOR + digest).hex()}
    chained = entry.model_copy(update={"sequence": sequence, "previous": previous, **sealed})
    return chained, _canonical_json(content | sealed) + b"\n"


def _digest(entry: LedgerEntry) -> str:
    content = entry.model_dump(mode="json", exclude={"hash", "signature"})
    return hashlib.sha256(_canonical_json(content)).hexdigest()


def _line(entry: LedgerEntry) -> bytes:
    return _canonical_json(entry.model_dump(mode="json")) + b"\n"


def _canonical_json(content: dict[str, Any]) -> bytes:
    """Values are JSON, hence Any."""
    return _CANONICAL.encode(content).encode()


def _read_lines(path: Path) -> tuple[list[bytes], bytes]:
    """Whole lines, and what stands after the last line end."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return [], b""
    except OSError as exc:
        raise LedgerBrokenError(f"{path} cannot be read: {exc}") from exc
    *lines, tail = content.split(b"\n")
    return lines, tail


def _entries_in(path: Path, begin: int) -> list[LedgerEntry]:
    """Entries from an offset on; the piece of a line that the offset cut is left out."""
    with path.open("rb") as stream:
        stream.seek(begin)
        lines = stream.read().split(b"\n")[:-1]
    entries = []
    for line in lines[1:] if begin else lines:
        try:
            entries.append(LedgerEntry.model_validate_json(line))
        except ValidationError as exc:
            raise LedgerBrokenError(f"{path} holds a line that is no ledger entry") from exc
    return entries


def _last_entry(path: Path) -> LedgerEntry | None:
    """The last whole line; reads the end of the file only."""
    with path.open("rb") as stream:
        stream.seek(max(0, stream.seek(0, os.SEEK_END) - _TAIL_BYTES))
        lines = stream.read().splitlines()
    if not lines:
        return None
    try:
        return LedgerEntry.model_validate_json(lines[-1])
    except ValidationError as exc:
        raise LedgerBrokenError(
            f"the last line of {path} is no ledger entry; keep the file as evidence, move it "
            "away, and the next start begins a new ledger"
        ) from exc


def _mend_tail(path: Path, descriptor: int) -> bytes:
    """End the file with a line end; returns the torn piece that was cut off for it."""
    size = os.fstat(descriptor).st_size
    with path.open("rb") as stream:
        stream.seek(max(0, size - _TAIL_BYTES))
        tail = stream.read().rpartition(b"\n")[2]
    match _tail_state(tail):
        case "none":
            return b""
        case "whole":
            os.write(descriptor, b"\n")
            torn = b""
        case "torn":
            os.ftruncate(descriptor, size - len(tail))
            torn = tail
        case "altered":
            raise LedgerBrokenError(
                f"the last line end of {path} was altered; keep the file as evidence, move it "
                "away, and the next start begins a new ledger"
            )
    os.fsync(descriptor)
    return torn


def _tail_state(tail: bytes) -> Literal["none", "whole", "torn", "altered"]:
    """Judge what stands after the last line end: a crash leaves a piece of an entry."""
    if not tail:
        return "none"
    text = tail.decode("utf-8", errors="replace")
    try:
        _, end = json.JSONDecoder().raw_decode(text)
    except ValueError:
        return "torn"
    return "whole" if end == len(text) else "altered"


def _recovery(torn: bytes) -> LedgerEntry:
    return local_entry(
        "recovered",
        "ledger",
        f"a line of {len(torn)} bytes was torn in writing and cut off; nothing left for it",
        payload_sha256=hashlib.sha256(torn).hexdigest(),
    )


def _unwritable(exc: OSError) -> EgressRefusedError:
    return EgressRefusedError(
        f"the egress ledger cannot be written ({exc.strerror}), so nothing leaves",
        rule="gate.ledger",
        remedy="the site's operator makes room or mends the disk",
    )
