"""`approvals list|show|approve|deny`: egress that waits for a named person's yes."""

# ruff: noqa: PLC0415 - a command imports its heavy half when it is called

from __future__ import annotations

import getpass
from typing import Annotated, Any

import typer

from mcp_servers.commands.output import print_json, print_table, print_text, say
from mcp_servers.commands.site import AsJson, Directory
from telecom.errors import RecordNotFoundError

app = typer.Typer(
    no_args_is_help=True,
    help="""Decide about answers that may leave only with a named person's yes.

    Grey areas wait here in the form in which they would leave. A yes is for this caller and exactly
    these bytes, holds for an hour and works once. Both answers are in the egress ledger.""",
)
Id = Annotated[str, typer.Argument(metavar="ID", help="As `approvals list` shows it.")]
By = Annotated[
    str | None, typer.Option("--by", help="Who decides; by default the name you are logged in as.")
]
Note = Annotated[str | None, typer.Option("--note", help="Why; kept at the site.")]


@app.command("list")
def list_approvals(
    directory: Directory,
    everything: Annotated[bool, typer.Option("--all", help="Also what was decided.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show what waits for somebody's yes.

    Example: tierwise-site approvals list site
    """
    found = _approvals(directory, everything=everything)
    if as_json:
        print_json(found)
        return
    print_table(
        "waiting for approval" if not everything else "approvals",
        ("id, state", "asked (UTC)", "what", "for whom", "tokens"),
        [
            (
                f"{each['id']}\n{' by '.join(filter(None, (each['state'], each['decided_by'])))}",
                each["asked_at"][:16].replace("T", " "),
                f"{each['tool']}\n{', '.join(each['data_classes'])}\n{each['form']}",
                f"{each['client']} on {each['tier']}",
                each["tokens"],
            )
            for each in found
        ],
    )
    if found and not everything:
        say("read one with `approvals show`, decide with `approvals approve` or `approvals deny`")


@app.command()
def show(directory: Directory, approval_id: Id) -> None:
    """Print exactly what would leave.

    Example: tierwise-site approvals show site ap-3f9c12ab44d0
    """
    for each in _approvals(directory, everything=True):
        if each["id"] == approval_id:
            print_text(each["payload"])
            return
    raise RecordNotFoundError("approval", approval_id, hint="`approvals list` has them")


@app.command()
def approve(
    directory: Directory,
    approval_id: Id,
    by: By = None,
    note: Note = None,
    as_json: AsJson = False,
) -> None:
    """Say yes: the caller that asks again within the hour gets it, once.

    Example: tierwise-site approvals approve site ap-3f9c12ab44d0 --by "A. Keller"
    """
    _decide(directory, approval_id, approve=True, by=by, note=note, as_json=as_json)


@app.command()
def deny(
    directory: Directory,
    approval_id: Id,
    by: By = None,
    note: Note = None,
    as_json: AsJson = False,
) -> None:
    """Say no: asked again within a day, the same answer is refused.

    Example: tierwise-site approvals deny site ap-3f9c12ab44d0 --note "ask for the summary"
    """
    _decide(directory, approval_id, approve=False, by=by, note=note, as_json=as_json)


def _approvals(directory: Directory, *, everything: bool) -> list[dict[str, Any]]:
    from mcp_servers.commands.opening import open_site

    with open_site(directory) as site:
        found: list[dict[str, Any]] = site.call("list_approvals", {"all": everything})
    return found


def _decide(
    directory: Directory,
    approval_id: str,
    *,
    approve: bool,
    by: str | None,
    note: str | None,
    as_json: bool,
) -> None:
    from mcp_servers.commands.opening import open_site

    arguments = {
        "id": approval_id,
        "approve": approve,
        "by": by or getpass.getuser(),
        "note": note,
    }
    with open_site(directory) as site:
        decided = site.call("decide_approval", arguments)
    if as_json:
        print_json(decided)
    else:
        print_text(f"{decided['id']} {decided['state']} by {decided['decided_by']}")
