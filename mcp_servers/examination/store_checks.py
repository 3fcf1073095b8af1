"""What lies on a site's disk: room, keys, ledger, vault, index, artifacts, the last backup."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

from mcp_servers.artifacts.in_force import load_trusted_policy, policy_files, shelf_of
from mcp_servers.artifacts.signed_files import TrustedKeys
from mcp_servers.backup.site_backup import last_backup
from mcp_servers.egress.ledger import LEDGER_FILE, verify_ledger
from mcp_servers.ownership.store_access import StoreAccess
from mcp_servers.ownership.store_lock import is_owned, owner_pid
from mcp_servers.serving.identity import SiteKeys
from mcp_servers.site_directory import SiteDirectory
from mcp_servers.site_keys.listing import OLD, epoch_keys
from telecom.errors import OperatorError, SiteDirectoryError, TierwiseError
from telecom.examination import Check, judge_disk

_LARGEST_LEDGER = 16_000_000
"""Bytes: some 20,000 entries, three seconds."""
_BACKUP_AGE = timedelta(days=7)


def settings_checks(site: SiteDirectory) -> Iterator[Check]:
    """Settings and policy: what decides here."""
    if site.settings.country is None:
        yield Check(
            what="country",
            verdict="warn",
            says="unknown: no in-country rule holds, and most answers are refused",
            next="set `country` in site.yaml, as DE",
        )
    else:
        where = f"{site.settings.country}, tier {site.settings.tier}"
        yield Check(what="country", verdict="ok", says=where)
    try:
        topology = site.topology
    except SiteDirectoryError as exc:
        cure = "correct the line; without a topology causes are ranked by words alone"
        yield Check(what="topology", verdict="fail", says=str(exc), next=cure)
    else:
        count = len(topology.devices)
        yield Check(
            what="topology",
            verdict="ok" if count else "warn",
            says=f"{count} elements",
            next="" if count else "add topology.csv: docs/site-directory.md",
        )
    try:
        policy = load_trusted_policy(*policy_files(site), trust=TrustedKeys.of(site))
    except OperatorError as exc:
        cure = "correct or sign the file named; the gate goes on with the last good version"
        yield Check(what="policy", verdict="fail", says=str(exc), next=cure)
        return
    versions = shelf_of(site, "policy").promotions
    says = f"policy {policy.policy_sha256[:12]}, catalogue {policy.catalogue_sha256[:12]}"
    named = f"{says}, promoted as {versions[-1]}" if versions else says
    yield Check(what="policy", verdict="ok", says=named)
    unknown = sorted(
        {row.tier for row in site.settings.callers if policy.tier(row.tier, site.home) is None}
    )
    yield Check(
        what="callers",
        verdict="fail" if unknown else "ok" if site.settings.callers else "warn",
        says=f"the catalogue has no tier {', '.join(unknown)}"
        if unknown
        else f"{len(site.settings.callers)} bound to a tier; any other caller is outside",
        next="`callers` in site.yaml binds a client to a tier"
        if unknown or not site.settings.callers
        else "",
    )


def store_checks(site: SiteDirectory) -> Iterator[Check]:
    """Disk, owner, keys, ledger, vault and backup; nothing is opened for writing."""
    yield judge_disk("disk of the store", site.store)
    if not (site.store / "keys").is_dir():
        cure = f"tierwise-site ingest {site.path}; after a lost disk: tierwise-site restore"
        yield Check(what="store", verdict="warn", says="nothing is in it yet", next=cure)
        return
    pid = owner_pid(site.store) if is_owned(site.store) else None
    says = "nobody serves it now" if pid is None else f"owned by process {pid}"
    yield Check(what="store", verdict="ok", says=says)
    try:
        keys = SiteKeys.open(site.store / "keys")
    except OperatorError as exc:
        cure = "docs/runbooks/key-rotation.md, or restore the keys from a backup"
        yield Check(what="keys", verdict="fail", says=str(exc), next=cure)
        return
    yield _signing_key(site, keys)
    yield _ledger(site, keys)
    yield _vault(site)
    yield _backup(site)


def index_checks(site: SiteDirectory, access: StoreAccess) -> Iterator[Check]:
    """Whether search finds what was put into it, and whether what decides here is signed."""
    if not (site.store / "knowledge").is_dir():
        cure = f"tierwise-site ingest {site.path} tickets docs"
        yield Check(what="knowledge base", verdict="warn", says="empty", next=cure)
    else:
        yield _index(site, access)
    if not (site.store / "keys").is_dir():
        return
    if not TrustedKeys.of(site).demanded:
        says = "no key is trusted, so nothing has to be signed"
        yield Check(what="artifacts", verdict="ok", says=says)
        return
    for each in access.call("verify_artifacts", {}):
        yield Check(
            what=f"artifact: {each['kind']}",
            verdict="fail" if each["refused"] else "ok",
            says=f"{each['file']}: {each['refused'] or 'signed, version ' + each['version']}",
            next="tierwise-site artifact promote, or rollback" if each["refused"] else "",
        )


def _index(site: SiteDirectory, access: StoreAccess) -> Check:
    try:
        health: dict[str, Any] = access.call("knowledge_health", {})
    except TierwiseError as exc:
        cure = f"tierwise-site ingest {site.path} --rebuild"
        return Check(what="knowledge base", verdict="fail", says=str(exc), next=cure)
    corpora = health["corpora"].values()
    passages, pending = (sum(each[key] for each in corpora) for key in ("passages", "pending"))
    if not health["dense"]:
        cure = f"tierwise-site knowledge rebuild {site.path}; until then words and ids are found"
        return Check(what="knowledge base", verdict="warn", says=str(health["problem"]), next=cure)
    found, probed = (sum(each[key] for each in corpora) for key in ("found", "probed"))
    says = f"{passages} passages; {found} of {probed} vectors asked for are found"
    if pending:
        cure = f"tierwise-site ingest {site.path} tickets docs"
        says = f"{says}; {pending} are not embedded yet"
        return Check(what="knowledge base", verdict="warn", says=says, next=cure)
    return Check(what="knowledge base", verdict="ok", says=says)


def _signing_key(site: SiteDirectory, keys: SiteKeys) -> Check:
    age = datetime.now(UTC) - keys.made_at
    says = f"signing key {keys.key_id}, for its user alone, {age.days} days old"
    if age > OLD:
        cure = f"stop the site, then tierwise-site keys rotate {site.path}"
        return Check(what="keys", verdict="warn", says=says, next=cure)
    return Check(what="keys", verdict="ok", says=says)


def _ledger(site: SiteDirectory, keys: SiteKeys) -> Check:
    file = site.store / LEDGER_FILE
    size = file.stat().st_size if file.is_file() else 0
    if size > _LARGEST_LEDGER:
        says = f"{size / 1e6:.0f} MB: too long for a quick look"
        cure = f"answers it: tierwise-site ledger verify {site.path}"
        return Check(what="ledger", verdict="not checked", says=says, next=cure)
    verdict = verify_ledger(site.store, keys.public_key, handovers=keys.handovers)
    if not verdict.holds:
        cure = "keep the whole store as evidence: docs/runbooks/restore.md"
        return Check(what="ledger", verdict="fail", says=verdict.problems[0], next=cure)
    return Check(what="ledger", verdict="ok", says=f"{verdict.entries} entries hold")


def _vault(site: SiteDirectory) -> Check:
    """Whether every pseudonym of the vault has the key of its epoch."""
    file = site.store / "vault.sqlite"
    if not file.is_file():
        return Check(what="vault", verdict="ok", says="empty")
    try:
        uri = f"{file.absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True)) as database:
            counts = dict(database.execute("SELECT epoch, count(*) FROM pseudonyms GROUP BY epoch"))
    except sqlite3.Error as exc:
        # A full disk keeps SQLite from reading, too, and says nothing against the file.
        of_the_disk = isinstance(exc, sqlite3.OperationalError)
        cure = "make room, then look again" if of_the_disk else "docs/runbooks/restore.md"
        return Check(what="vault", verdict="fail", says=f"cannot be read: {exc}", next=cure)
    folder = site.store / "keys" / "epochs"
    lost = [epoch for epoch in counts if not (folder / f"epoch-{epoch}.key").is_file()]
    if lost:
        says = f"{sum(counts[each] for each in lost)} pseudonyms of epochs {lost} have no key"
        cure = "restore the keys from a backup; nobody can reverse these pseudonyms without"
        return Check(what="vault", verdict="fail", says=says, next=cure)
    epochs = epoch_keys(site.store / "keys")
    age = datetime.now(UTC) - epochs[-1][1] if epochs else timedelta(0)
    says = f"{sum(counts.values())} pseudonyms, {len(epochs)} key epochs"
    if age > OLD:
        says = f"{says}; the key of the last is {age.days} days old"
        cure = f"tierwise-site epochs start {site.path}; old pseudonyms can still be revealed"
        return Check(what="vault", verdict="warn", says=says, next=cure)
    return Check(what="vault", verdict="ok", says=says)


def _backup(site: SiteDirectory) -> Check:
    made = last_backup(site)
    cure = f"tierwise-site backup {site.path} --to FILE, daily"
    if made is None:
        return Check(what="backup", verdict="warn", says="none was made here", next=cure)
    age = datetime.now(UTC) - made
    says = f"last one {made:%Y-%m-%d %H:%M} UTC"
    if age > _BACKUP_AGE:
        return Check(what="backup", verdict="warn", says=says, next=cure)
    return Check(what="backup", verdict="ok", says=says)
