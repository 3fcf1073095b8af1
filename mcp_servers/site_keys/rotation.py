"""Lets another signing key follow a site's, while the ledger stays one and pseudonyms stay.

What counts is one renaming: before it the old key signs, after it the new one. Killed at any point,
a rotation is either done or has left a ledger entry and a handover that lead to no key, and may
simply be repeated.
"""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from mcp_servers.backup.store_snapshot import KEYS, draft_folder
from mcp_servers.egress.ledger import EgressLedger, verify_ledger
from mcp_servers.egress.ledger_entry import LedgerEntry, local_entry
from mcp_servers.ownership.store_lock import StoreLock, owner_pid
from mcp_servers.serving.identity import SiteKeys, key_id, replace_signing_key
from mcp_servers.site_directory import SiteDirectory
from mcp_servers.site_keys.alarm_ids import forget_alarm_id_key, keep_alarm_id_key
from mcp_servers.site_keys.handover import hand_over, keep_handover
from telecom.errors import LedgerBrokenError, SiteDirectoryError, StoreOwnedError
from telecom.schema import ProductModel


class Rotation(ProductModel):
    """What was done."""

    predecessor: str
    """Key id."""
    successor: str
    ledger_entries: int
    """Entries that keep the predecessor's signature."""
    leaked: bool


def rotate_signing_key(site: SiteDirectory, *, leaked: bool) -> Rotation:
    """Make a new signing key, have both keys sign that it follows, destroy the old one.

    Tokens of the old key hold on for a while, and ids of alarms stay. After a leak neither does.

    Args:
        site: The site; nothing may work on its store, and no backup be under way.
        leaked: The old key is in other hands.

    Raises:
        StoreOwnedError: Something works on the store.
        OperatorError: A backup is being made.
        SiteDirectoryError: The store holds no key yet.
        LedgerBrokenError: The ledger does not hold: no new key may vouch for it.
        IdentityError: The key or a handover before cannot be used.
    """
    folder = site.store / KEYS
    if not folder.is_dir():
        raise SiteDirectoryError(f"{site.store} is empty: its first key is made when it is used")
    lock = StoreLock.take(site.store)
    if lock is None:
        raise StoreOwnedError(str(site.store), owner_pid(site.store))
    try:
        # A backup that began with one key and ended with another would be refused.
        with draft_folder(site.store):
            return _rotate(site, SiteKeys.open(folder), leaked=leaked)
    finally:
        lock.release()


def _rotate(site: SiteDirectory, keys: SiteKeys, *, leaked: bool) -> Rotation:
    old, new = keys.signing_key, Ed25519PrivateKey.generate()
    verdict = verify_ledger(site.store, keys.public_key, handovers=keys.handovers)
    if not verdict.holds:
        raise LedgerBrokenError(
            f"the ledger does not hold ({verdict.problems[0]}), so no new key may vouch for it; "
            "docs/runbooks/restore.md says what to do with such a ledger"
        )
    successor = key_id(new.public_key())
    with EgressLedger.open(site.store, old) as ledger:
        told = ledger.append(_told(keys.key_id, successor, leaked=leaked))
    if not leaked:
        keep_alarm_id_key(keys.folder, old)
    handover = hand_over(
        old, new, now=told.time, leaked=leaked, entries=told.sequence, head=told.hash
    )
    keep_handover(keys.folder, handover)
    replace_signing_key(keys.folder, new)
    if leaked:
        forget_alarm_id_key(keys.folder)
    return Rotation(
        predecessor=keys.key_id, successor=successor, ledger_entries=told.sequence, leaked=leaked
    )


def _told(old: str, new: str, *, leaked: bool) -> LedgerEntry:
    why = ", which leaked" if leaked else ""
    return local_entry("key_rotated", "keys", f"signing key {new} is to follow {old}{why}")
