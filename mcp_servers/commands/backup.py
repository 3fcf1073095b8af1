"""`backup` and `restore`: what a site cannot make again, and its way back after a lost disk."""

# ruff: noqa: PLC0415 - a command imports its heavy half when it is called

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mcp_servers.commands.output import print_json, progress_bar, say
from mcp_servers.commands.site import AsJson, Directory

PassphraseFile = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Holds the passphrase that seals everything in one file."),
]


def backup(
    directory: Directory,
    target: Annotated[Path, typer.Option("--to", metavar="FILE", help="A new file.")],
    keys_to: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Where the keys go; by default FILE.keys."),
    ] = None,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Keep the store, the ledger, the vault and the keys, while the site goes on working.

    It holds raw tickets and alarms: it may go where those may go, and nowhere else. The keys open
    the vault and sign the ledger. Without a passphrase they are written to a file of their own:
    keep it apart from the other. With one, both are sealed in a single file.

    Examples:
        tierwise-site backup site --to /backup/site.tar.gz --keys-to /safe/site.keys

        tierwise-site backup site --to /backup/site.sealed --passphrase-file /safe/passphrase
    """
    from mcp_servers.backup.sealing import read_passphrase
    from mcp_servers.backup.site_backup import back_up
    from mcp_servers.site_directory import SiteDirectory
    from telecom.errors import InvalidArgumentError

    if keys_to is not None and passphrase_file is not None:
        raise InvalidArgumentError(
            "--keys-to", "a passphrase seals the keys in; leave --keys-to or --passphrase-file away"
        )
    passphrase = None if passphrase_file is None else read_passphrase(passphrase_file)
    beside = None if passphrase is not None else keys_to or _keys_of(target)
    with progress_bar() as progress:
        done = back_up(
            SiteDirectory.open(directory),
            target.absolute(),
            keys_to=None if beside is None else beside.absolute(),
            passphrase=passphrase,
            progress=progress,
        )
    if as_json:
        print_json(done.model_dump(mode="json"))
        return
    say(f"{done.file}: {done.files} files, {done.bytes / 1e6:.1f} MB")
    say(f"ledger: {done.ledger_entries} entries, head {done.ledger_head}")
    if done.keys is None:
        say("sealed: without the passphrase nobody opens it, you included")
    else:
        say(f"{done.keys}: the keys. Keep it apart: with it, all pseudonyms can be reversed")


def restore(
    directory: Directory,
    source: Annotated[Path, typer.Option("--from", metavar="FILE", help="The backup.")],
    keys: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The file of its keys; by default FILE.keys."),
    ] = None,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Put a backup in the place of a store that is lost, and build the vector index.

    The site must be stopped, and its store must hold no ledger, vault or keys: move a store that
    you replace away first. Nothing changes before the backup is proven: digests, signature,
    databases, ledger. The next ingest brings what the site's files have beyond it.

    Examples:
        tierwise-site restore site --from /backup/site.tar.gz --keys /safe/site.keys

        tierwise-site restore site --from /backup/site.sealed --passphrase-file /safe/passphrase
    """
    from mcp_servers.backup.sealing import read_passphrase
    from mcp_servers.backup.site_backup import restore as put_back
    from mcp_servers.commands.opening import open_site
    from mcp_servers.site_directory import SiteDirectory

    passphrase = None if passphrase_file is None else read_passphrase(passphrase_file)
    site = SiteDirectory.open(directory)
    with progress_bar() as progress:
        done = put_back(
            site,
            source,
            keys_from=None if passphrase is not None else keys or _keys_of(source),
            passphrase=passphrase,
            progress=progress,
        )
        if (site.store / "knowledge").is_dir():
            with open_site(directory) as opened:
                opened.call("rebuild_knowledge", {}, progress=progress)
    if as_json:
        print_json(done.model_dump(mode="json"))
        return
    say(f"{directory}: {done.files} files as of {done.created_at:%Y-%m-%d %H:%M:%S} UTC")
    say(f"ledger holds: {done.ledger_entries} entries, head {done.ledger_head}")
    for name in done.left_alone:
        say(f"{name} was there already and stays as it is")
    say(f"next: tierwise-site ingest {directory}; tierwise-site doctor {directory}")


def _keys_of(file: Path) -> Path:
    return file.with_name(f"{file.name}.keys")
