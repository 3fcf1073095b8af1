"""`ingest --watch` and `ingest --mapping`: nightly exports, and how they would be read."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path

from mcp_servers.commands.output import print_table, print_text, say
from mcp_servers.site_directory import SiteDirectory
from rag.column_plan import plan_columns
from rag.ticket_exports import SUFFIXES
from telecom.errors import OperatorError

LOOK_SECONDS = 10.0
"""A file that is the same at two looks has been written to its end."""

Fingerprint = frozenset[tuple[str, int, int]]


def watch_folders(
    folders: Iterable[Path],
    ingest: Callable[[], None],
    *,
    wait: Callable[[], bool] | None = None,
) -> None:
    """Ingest at the start and whenever files have changed and come to rest, until interrupted.

    What fails for a reason that an operator can mend is said and tried again at the next look.

    Args:
        folders: What to look at.
        ingest: Takes in what is there.
        wait: Waits for the next look; False ends the watch.
    """
    watched = tuple(folders)
    wait = wait or _wait
    taken: Fingerprint | None = None
    before = _fingerprint(watched)
    while True:
        now = _fingerprint(watched)
        if now == before and now != taken:
            try:
                ingest()
                taken = now
            except OperatorError as exc:
                say(f"not ingested, will be tried again: {exc}")
        before = now
        if not wait():
            return


def _wait() -> bool:
    time.sleep(LOOK_SECONDS)
    return True


def _fingerprint(folders: Iterable[Path]) -> Fingerprint:
    """Names, sizes and times of every file: what changes when an export arrives."""
    found = set()
    for folder in folders:
        for file in folder.rglob("*") if folder.is_dir() else ():
            try:
                status = file.stat()
            except OSError:
                continue  # gone since it was listed
            found.add((str(file), status.st_size, status.st_mtime_ns))
    return frozenset(found)


def show_mapping(site: SiteDirectory) -> None:
    """Print which column of each ticket export becomes which of ours, and how to say otherwise."""
    mapping = site.settings.tickets.mapping
    guesses: dict[str, str] = {}
    files = sorted(each for each in site.tickets.rglob("*") if each.suffix.lower() in SUFFIXES)
    for file in files:
        plan = plan_columns(file, name=str(file.relative_to(site.path)), mapping=mapping)
        if plan is None:
            continue
        guesses |= {ours: plan.columns[ours] for ours in sorted(plan.guessed)}
        rows = [
            (ours, column, "guessed" if ours in plan.guessed else "")
            for ours, column in plan.columns.items()
        ]
        rows += [(ours, "", "nothing found") for ours in plan.missing]
        rows += [("kept, to filter by", column, "") for column in plan.kept]
        print_table(plan.file, ("ours", "the export's", ""), rows)
    if not files:
        say(f"no ticket exports in {site.tickets}")
    elif guesses:
        pairs = ", ".join(f"{ours}: {column}" for ours, column in guesses.items())
        print_text(
            f"to confirm or change the guesses, in site.yaml:\ntickets:\n  mapping: {{{pairs}}}"
        )
