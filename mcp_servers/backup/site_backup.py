"""A site's backup: written while the site works, and put back only when all of it is proven."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from mcp_servers.backup.archive import Manifest, Unpacked, new_archive, unpack
from mcp_servers.backup.store_snapshot import (
    KEYS,
    check_database,
    copy_consistently,
    draft_folder,
    kept_files,
)
from mcp_servers.egress.ledger import (
    LEDGER_FILE,
    EgressLedger,
    LedgerVerdict,
    verify_ledger,
)
from mcp_servers.egress.ledger_entry import LedgerEntry, local_entry
from mcp_servers.ownership.store_lock import StoreLock, owner_pid
from mcp_servers.serving.identity import SiteKeys
from mcp_servers.site_directory import SiteDirectory
from telecom.errors import (
    LedgerBrokenError,
    SiteDirectoryError,
    StoreDamagedError,
    StoreOwnedError,
)
from telecom.schema import ProductModel

Progress = Callable[[str, int, int], None]
_DRAFT = ".restoring"
_NOTE = "last-backup"
_LAST = (LEDGER_FILE, KEYS)
"""Put in place last: with neither there, a restore that was killed may simply be repeated."""


class Backup(ProductModel):
    """What was written."""

    file: Path
    keys: Path | None
    """The file that the keys are in; None when they are sealed in with the rest."""
    files: int
    bytes: int
    ledger_entries: int
    ledger_head: str


class Restored(ProductModel):
    """What was put back."""

    created_at: datetime
    """When the backup was made; what happened on the site since is not in it."""
    files: int
    ledger_entries: int
    """Those of the backup; one that tells of the restore follows them."""
    ledger_head: str
    left_alone: tuple[str, ...]
    """Files outside the store that were there already."""


def back_up(
    site: SiteDirectory,
    target: Path,
    *,
    keys_to: Path | None,
    passphrase: bytes | None,
    progress: Progress,
) -> Backup:
    """Write a backup; the process that owns the store goes on.

    Args:
        site: The site; it need not be in good health.
        target: A new file.
        keys_to: A new file for the keys; None with a passphrase, which seals them in.
        passphrase: What opens the backup.
        progress: Told what is being copied.

    Raises:
        SiteDirectoryError: A file exists already or cannot be written, or there is no store.
        StoreDamagedError: A database of the store cannot be read.
        LedgerBrokenError: The ledger does not hold: keep it as evidence before anything else.
    """
    if not (site.store / KEYS).is_dir():
        raise SiteDirectoryError(f"{site.store} is empty: there is nothing to keep yet")
    keys = SiteKeys.open(site.store / KEYS)
    wanted = list(kept_files(site))
    with ExitStack() as stack:
        drafts = stack.enter_context(draft_folder(site.store))
        archive = stack.enter_context(new_archive(target, passphrase))
        for_keys = archive if keys_to is None else stack.enter_context(new_archive(keys_to, None))
        verdict = _no_ledger()
        for number, file in enumerate(wanted):
            progress("copying", number, len(wanted))
            try:
                copy = copy_consistently(file.path, drafts)
            except FileNotFoundError:
                continue  # what is kept for a while only went away
            if file.path == site.store / LEDGER_FILE:
                verdict = _proven_ledger(copy, drafts, keys)
            (for_keys if file.is_key else archive).add(file.name, copy)
        manifest = Manifest(
            backup=uuid.uuid4().hex,
            site_id=site.settings.site_id,
            created_at=datetime.now(UTC),
            product=version("tierwise"),
            ledger_entries=verdict.entries,
            ledger_head=verdict.head,
            files={},
        )
        for each in {id(one): one for one in (archive, for_keys)}.values():
            each.finish(manifest.model_copy(update={"files": each.digests}), keys.signing_key)
        count = len(archive.digests | for_keys.digests)
    _note(site, manifest.created_at)
    return Backup(
        file=target,
        keys=keys_to,
        files=count,
        bytes=target.stat().st_size,
        ledger_entries=verdict.entries,
        ledger_head=verdict.head,
    )


def last_backup(site: SiteDirectory) -> datetime | None:
    """When the last backup was made here; None when none was, or it is not known."""
    try:
        text = (site.store / _NOTE).read_text(encoding="ascii")
        return datetime.fromisoformat(text.strip())
    except (OSError, ValueError):
        return None


def restore(
    site: SiteDirectory,
    source: Path,
    *,
    keys_from: Path | None,
    passphrase: bytes | None,
    progress: Progress,
) -> Restored:
    """Put a backup in the place of a store that is lost.

    Nothing changes before every digest, the signature, every database and the ledger have been
    checked. The vector index is built by `rebuild_knowledge` afterwards.

    Args:
        site: The site that the backup is of; its store holds no ledger, vault or keys.
        source: The backup.
        keys_from: The file of its keys; None when they are sealed in.
        passphrase: What opens the backup.
        progress: Told what is being done.

    Raises:
        StoreOwnedError: Something works on the store.
        SiteDirectoryError: The store holds what a restore would destroy, the backup is of another
            site, or a file cannot be read or written.
        StoreDamagedError: It is no whole backup, or not with these keys.
        LedgerBrokenError: Its ledger does not hold.
    """
    lock = StoreLock.take(site.store)
    if lock is None:
        raise StoreOwnedError(str(site.store), owner_pid(site.store))
    try:
        _refuse_to_destroy(site.store)
        draft = site.store / _DRAFT
        shutil.rmtree(draft, ignore_errors=True)
        try:
            progress("unpacking", 0, 3)
            unpacked = [unpack(source, draft, passphrase)]
            if keys_from is not None:
                if not keys_from.is_file():
                    raise SiteDirectoryError(f"there is no {keys_from}; name the file with --keys")
                unpacked.append(unpack(keys_from, draft, None))
            progress("checking", 1, 3)
            keys, verdict = _proven(site, draft, unpacked)
            progress("putting in place", 2, 3)
            left_alone = _put_in_place(site, draft, unpacked)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        made = unpacked[0].manifest.created_at
        with EgressLedger.open(site.store, keys.signing_key) as ledger:
            ledger.append(_told(made, verdict))
        _note(site, made)
    finally:
        lock.release()
    return Restored(
        created_at=made,
        files=sum(len(each.manifest.files) for each in unpacked),
        ledger_entries=verdict.entries,
        ledger_head=verdict.head,
        left_alone=tuple(left_alone),
    )


def _refuse_to_destroy(store: Path) -> None:
    there = [name for name in (LEDGER_FILE, "vault.sqlite", KEYS) if (store / name).exists()]
    if there:
        raise SiteDirectoryError(
            f"{store} holds {', '.join(there)}, which a restore would destroy; move it away first: "
            f"mv {store} {store}.before"
        )


def _proven(
    site: SiteDirectory, draft: Path, unpacked: list[Unpacked]
) -> tuple[SiteKeys, LedgerVerdict]:
    """See that the files are of this site, of one backup, signed, whole and chained."""
    made = unpacked[0].manifest
    if made.site_id != site.settings.site_id:
        raise SiteDirectoryError(
            f"the backup is of site {made.site_id!r}, and this is {site.settings.site_id!r}"
        )
    if any(each.manifest.backup != made.backup for each in unpacked):
        raise StoreDamagedError("the keys are of another backup; take the file written with it")
    if not any(each.manifest.files.keys() & {_KEY_NAME} for each in unpacked):
        raise StoreDamagedError("the backup holds no keys; name the file of them with --keys")
    keys = SiteKeys.open(draft / "store" / KEYS)
    for each in unpacked:
        each.check_signature(keys.public_key)
    for file in draft.rglob("*.sqlite"):
        check_database(file)
    verdict = verify_ledger(
        draft / "store",
        keys.public_key,
        made.ledger_head if made.ledger_entries else None,
        handovers=keys.handovers,
    )
    if not verdict.holds:
        raise LedgerBrokenError(f"the backup's ledger does not hold: {verdict.problems[0]}")
    return keys, verdict


_KEY_NAME = f"store/{KEYS}/site_ed25519.pem"


def _put_in_place(site: SiteDirectory, draft: Path, unpacked: Iterable[Unpacked]) -> list[str]:
    """Move every file to where it belongs; returns what was left alone because it was there."""
    left_alone = []
    names = [name for each in unpacked for name in each.manifest.files]
    for name in sorted(names, key=lambda name: (Path(name).parts[1] in _LAST, name)):
        target = site.path / name
        if not name.startswith("store/") and target.exists():
            left_alone.append(name)
            continue
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.move(draft / name, target)
    return left_alone


def _proven_ledger(copy: Path, drafts: Path, keys: SiteKeys) -> LedgerVerdict:
    beside = drafts / LEDGER_FILE
    copy.rename(beside)
    try:
        verdict = verify_ledger(drafts, keys.public_key, handovers=keys.handovers)
    finally:
        beside.rename(copy)
    if not verdict.holds:
        raise LedgerBrokenError(
            f"the ledger does not hold ({verdict.problems[0]}); keep the whole store as evidence"
        )
    return verdict


def _note(site: SiteDirectory, made: datetime) -> None:
    draft = site.store / f"{_NOTE}.new"
    draft.write_text(made.isoformat() + "\n", encoding="ascii")
    draft.replace(site.store / _NOTE)


def _no_ledger() -> LedgerVerdict:
    return LedgerVerdict(holds=True, entries=0, head="")


def _told(made: datetime, verdict: LedgerVerdict) -> LedgerEntry:
    return local_entry(
        "restored",
        "restore",
        f"from a backup of {made.isoformat(timespec='seconds')}; "
        "what left the site after it is not in this ledger",
        payload_sha256=verdict.head,
    )
