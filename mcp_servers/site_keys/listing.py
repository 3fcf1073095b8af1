"""Which keys a site has, how old they are, and what each still does."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from mcp_servers.artifacts.signed_files import TrustedKeys
from mcp_servers.serving.identity import SiteKeys, key_id
from mcp_servers.site_directory import SiteDirectory
from mcp_servers.site_keys.handover import retired_keys
from telecom.errors import SiteDirectoryError
from telecom.schema import ProductModel

OLD = timedelta(days=365)
"""After which a key that works every day should make room for another."""


class ListedKey(ProductModel):
    """One key."""

    what: str
    id: str
    since: datetime | None
    """When it was made, or came here from a backup; None where only its public half is here."""
    does: str


def list_keys(site: SiteDirectory) -> list[ListedKey]:
    """Every key that the site made, newest first of each kind, then those that it trusts.

    Raises:
        SiteDirectoryError: The store holds no key yet.
        IdentityError: A key or a handover cannot be used.
    """
    folder = site.store / "keys"
    if not folder.is_dir():
        raise SiteDirectoryError(f"{site.store} is empty: its keys are made when it is used")
    return [*_signing(SiteKeys.open(folder)), *_epochs(folder), *_released(site)]


def epoch_keys(folder: Path) -> list[tuple[int, datetime]]:
    """The epochs of pseudonyms whose key is there, oldest first, and when each was written."""
    files = (folder / "epochs").glob("epoch-*.key")
    return sorted((int(each.stem.partition("-")[2]), _written(each)) for each in files)


def _signing(keys: SiteKeys) -> Iterator[ListedKey]:
    does = "signs tokens, the ledger, backups"
    yield ListedKey(what="signing key", id=keys.key_id, since=keys.made_at, does=does)
    begun = [None, *(each.time for each in keys.handovers)]
    for each, since in zip(retired_keys(keys.handovers), reversed(begun[:-1]), strict=True):
        until = each.holds_until
        if until is None:
            does = "leaked: no token of it holds"
        elif until < datetime.now(UTC):
            does = "replaced: proves what it signed in the ledger"
        else:
            does = f"replaced: its tokens hold until {until:%Y-%m-%d}"
        yield ListedKey(what="former signing key", id=key_id(each.key), since=since, does=does)


def _epochs(folder: Path) -> Iterator[ListedKey]:
    for number, (epoch, since) in enumerate(reversed(epoch_keys(folder))):
        does = "makes pseudonyms" if number == 0 else "reveals pseudonyms made before"
        yield ListedKey(what="key of pseudonyms", id=f"epoch {epoch}", since=since, does=does)


def _released(site: SiteDirectory) -> Iterator[ListedKey]:
    for key in TrustedKeys.of(site).ids:
        does = "trusted to release policy, filter and model"
        yield ListedKey(what="release key", id=key, since=None, does=does)


def _written(file: Path) -> datetime:
    return datetime.fromtimestamp(file.stat().st_mtime, UTC)
