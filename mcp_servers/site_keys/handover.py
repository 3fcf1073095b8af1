"""A signing key of a site follows another, so that what the old one signed can still be proven.

Each handover is a file beside the key, named by the key that follows and signed by both. The key
that signs now vouches for the one before, that one for its own predecessor, and so on. A handover
also fixes the ledger as it stood: whoever has the old key can no longer rewrite what lies before.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from pydantic import ValidationError

from telecom.errors import IdentityError
from telecom.file_access import sync_folder, write_secret_once
from telecom.schema import ProductModel

TOKENS_HOLD = timedelta(days=30)
"""How long tokens of a key that was replaced in peace still hold, if they do not end before."""

_FOLDER = "handovers"
_ENDORSED = b"tierwise key handover, predecessor\0"
_SIGNED = b"tierwise key handover, successor\0"
"""Keep signatures made here from being worth anything elsewhere; tokens use the same keys."""


class Handover(ProductModel):
    """One signing key of a site following another."""

    predecessor: str
    """Public key, 32 bytes in hexadecimal, like `successor`."""
    successor: str
    time: datetime
    leaked: bool
    """The predecessor is in other hands: nothing that it signs is believed any more."""
    ledger_entries: int
    """How many entries of the ledger the predecessor and those before it signed."""
    ledger_head: str
    """Digest of the last of them."""
    endorsement: str = ""
    """The predecessor's signature of all of the above."""
    signature: str = ""
    """The successor's."""

    @property
    def old_key(self) -> Ed25519PublicKey:
        """What verifies the predecessor's signatures."""
        return Ed25519PublicKey.from_public_bytes(bytes.fromhex(self.predecessor))


def hand_over(
    old: Ed25519PrivateKey,
    new: Ed25519PrivateKey,
    *,
    now: datetime,
    leaked: bool,
    entries: int,
    head: str,
) -> Handover:
    """Let a new key follow; signed by both.

    Args:
        old: The key that signs until now.
        new: The one that signs from now on.
        now: The present.
        leaked: Whether the old one is in other hands.
        entries: Of the ledger, all signed by the old key and its predecessors.
        head: Digest of the last entry.
    """
    unsigned = Handover(
        predecessor=_hex(old.public_key()),
        successor=_hex(new.public_key()),
        time=now,
        leaked=leaked,
        ledger_entries=entries,
        ledger_head=head,
    )
    content = _content(unsigned)
    return unsigned.model_copy(
        update={
            "endorsement": old.sign(_ENDORSED + content).hex(),
            "signature": new.sign(_SIGNED + content).hex(),
        }
    )


def keep_handover(folder: Path, handover: Handover) -> None:
    """Put a handover beside the keys; on disk when this returns.

    It counts from the moment that its successor is the site's key.
    """
    (folder / _FOLDER).mkdir(mode=0o700, exist_ok=True)
    content = handover.model_dump_json(indent=1).encode() + b"\n"
    write_secret_once(_file(folder, handover.successor), content)
    for each in (folder / _FOLDER, folder):
        sync_folder(each)


def read_handovers(folder: Path, key: Ed25519PublicKey) -> tuple[Handover, ...]:
    """The handovers that led to a key, oldest first; none for a site's first key.

    Raises:
        IdentityError: A file cannot be read, or is not signed by both of its keys.
    """
    found: list[Handover] = []
    successor = _hex(key)
    while (file := _file(folder, successor)).exists():
        handover = _read(file)
        if handover.successor != successor or any(
            handover.predecessor == each.successor for each in found
        ):
            raise IdentityError(f"{file} is not the handover to this key; restore it from a backup")
        found.insert(0, handover)
        successor = handover.predecessor
    return tuple(found)


@dataclass(frozen=True, slots=True)
class RetiredKey:
    """A key that signs no more, while tokens that it signed may still hold."""

    key: Ed25519PublicKey
    holds_until: datetime | None
    """None after a leak, of it or of one that followed it: no token holds."""


def retired_keys(handovers: Sequence[Handover]) -> Iterator[RetiredKey]:
    """The predecessors of a site's key, newest first."""
    leaked = False
    for handover in reversed(handovers):
        leaked = leaked or handover.leaked
        until = None if leaked else handover.time + TOKENS_HOLD
        yield RetiredKey(handover.old_key, until)


def _read(file: Path) -> Handover:
    try:
        handover = Handover.model_validate_json(file.read_bytes())
        content = _content(handover)
        handover.old_key.verify(bytes.fromhex(handover.endorsement), _ENDORSED + content)
        new = Ed25519PublicKey.from_public_bytes(bytes.fromhex(handover.successor))
        new.verify(bytes.fromhex(handover.signature), _SIGNED + content)
    except (OSError, ValidationError, ValueError, InvalidSignature) as exc:
        raise IdentityError(
            f"{file} is no handover that both of its keys signed; restore it from a backup"
        ) from exc
    return handover


def _content(handover: Handover) -> bytes:
    return handover.model_dump_json(exclude={"endorsement", "signature"}).encode()


def _file(folder: Path, successor: str) -> Path:
    return folder / _FOLDER / f"{successor[:16]}.json"


def _hex(key: Ed25519PublicKey) -> str:
    return _raw(key).hex()


def _raw(key: Ed25519PublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
