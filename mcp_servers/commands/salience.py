"""`filter`: what decides which lines a brief has room for, and how it learns."""

# ruff: noqa: PLC0415 - a command imports its heavy half when it is called

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from mcp_servers.commands.output import print_json, print_table, progress_bar, say
from mcp_servers.commands.site import AsJson, Directory

app = typer.Typer(
    no_args_is_help=True,
    help="""Train, measure and promote the filter that ranks the messages of a brief.

    It learns from confirmed incidents (incidents/*.jsonl) and resolved tickets. A filter replaces
    the one in force only after it was better on the newest incidents, which it did not see.""",
)

Version = Annotated[
    str | None, typer.Argument(metavar="[VERSION]", help="The newest when none is named.")
]

_NAMED = 5
"""Unread lines that are named; all are in the reject list."""


@app.command()
def train(directory: Directory, as_json: AsJson = False) -> None:
    """Train a filter on the site's labelled incidents and measure it on the newest.

    It is kept in store/filters and not in force yet.

    Example: tierwise-site filter train site
    """
    trained = _call(directory, "train_filter", {})
    if as_json:
        print_json(trained)
        return
    _print_measured(
        f"{trained['version']}: learnt from {trained['incidents']} incidents, "
        f"{trained['messages']} messages",
        {"hand-set": trained["unlearned"], trained["version"]: trained["learned"]},
    )
    say(f"next: tierwise-site filter promote {directory}")


@app.command()
def evaluate(directory: Directory, as_json: AsJson = False) -> None:
    """Measure the unlearned filter, the one in force and the newest on the newest incidents.

    Example: tierwise-site filter evaluate site
    """
    measured = _call(directory, "evaluate_filter", {})
    if as_json:
        print_json(measured)
        return
    _print_measured(f"in force: {measured['in_force']}", measured["filters"])


@app.command()
def promote(directory: Directory, version: Version = None, as_json: AsJson = False) -> None:
    """Put a trained filter in force; refused when it is not better than the present one.

    Examples:
        tierwise-site filter promote site

        tierwise-site filter promote site filter-0002
    """
    promoted = _call(directory, "promote_filter", {"version": version})
    if as_json:
        print_json(promoted)
        return
    _print_measured(
        f"in force: {promoted['in_force']}",
        {"before": promoted["old"], promoted["in_force"]: promoted["new"]},
    )


@app.command()
def rollback(directory: Directory, as_json: AsJson = False) -> None:
    """Put the filter before the present one in force.

    Example: tierwise-site filter rollback site
    """
    done = _call(directory, "roll_back_filter", {})
    if as_json:
        print_json(done)
        return
    say(f"in force: {done['in_force']}")


@app.command()
def export(
    directory: Directory,
    target: Annotated[Path, typer.Option("--to", help="File to write, JSON Lines.")],
    caller: Annotated[
        str, typer.Option(help="For whom; `callers` in site.yaml binds it to a tier.")
    ] = "region",
    as_json: AsJson = False,
) -> None:
    """Write a masked training set for fine-tuning a small model, as the gate releases it.

    One example for each labelled incident: its brief, and what was found. Every example is in the
    ledger before it is in the file.

    Example: tierwise-site filter export site --to training.jsonl --caller region
    """
    wanted = {"target": str(target.absolute()), "caller": caller}
    done = _call(directory, "export_filter", wanted)
    if as_json:
        print_json(done)
        return
    say(f"{target}: {done['written']} examples")
    for rule, count in done["refused"].items():
        say(f"{count} refused (rule {rule})")


def _call(directory: Path, operation: str, arguments: dict[str, Any]) -> Any:
    """Ask the owner of the store; arguments and answer are JSON, hence Any."""
    from mcp_servers.commands.opening import open_site

    with open_site(directory) as site, progress_bar() as progress:
        answer = site.call(operation, arguments, progress=progress)
    _say_unread(directory)
    return answer


def _say_unread(directory: Path) -> None:
    """Name the lines of `incidents/` that nothing was learnt from."""
    from mcp_servers.alarms.rejects import read_rejects
    from mcp_servers.briefs.labelled_incidents import CORPUS
    from mcp_servers.site_directory import SiteDirectory

    store = SiteDirectory.open(directory).store
    unread = [reject for reject in read_rejects(store) if reject.corpus == CORPUS]
    for reject in unread[:_NAMED]:
        place = reject.file if reject.line is None else f"{reject.file}:{reject.line}"
        say(f"not read: {place}: {reject.reason}")
    if len(unread) > _NAMED:
        say(f"not read: {len(unread) - _NAMED} more, all of them in store/rejects.jsonl")


def _print_measured(title: str, filters: dict[str, dict[str, Any]]) -> None:
    """One row for each filter; measurements are JSON, hence Any."""
    print_table(
        title,
        ("filter", "held-out incidents", "average precision", "briefs with proof", "proofs told"),
        (
            (
                name,
                found["incidents"],
                f"{found['average_precision']:.3f}",
                f"{found['briefs_with_proof']:.1%}",
                f"{found['told']:.1%}",
            )
            for name, found in filters.items()
        ),
    )
