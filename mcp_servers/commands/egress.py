"""`anonymize`, `reveal`, `ledger verify|show`: what leaves, and who decided."""

# ruff: noqa: PLC0415 - a command imports its heavy half when it is called

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from mcp_servers.commands.output import print_json, print_table, print_text, say
from mcp_servers.commands.site import AsJson, Directory
from telecom.errors import InvalidArgumentError, LedgerBrokenError

_HEAD = re.compile(r"[0-9a-f]{64}")

ledger = typer.Typer(no_args_is_help=True, help="Read and check the egress ledger.")


def anonymize(
    directory: Directory,
    caller: Annotated[
        str, typer.Option(help="For whom: a client name of site.yaml, or a tier instance.")
    ] = "region",
    as_json: AsJson = False,
) -> None:
    """Read text on stdin and print it as the gate would release it to a caller.

    Example: tierwise-site anonymize site --caller region < note.txt
    """
    from mcp_servers.commands.opening import open_site

    text = sys.stdin.buffer.read().decode("utf-8", errors="replace")
    with open_site(directory) as site:
        shown = site.call("anonymize", {"text": text, "caller": caller})
    if as_json:
        print_json(shown)
    else:
        sys.stdout.write(shown["text"])


def reveal(
    directory: Directory,
    pseudonyms: Annotated[list[str], typer.Argument(metavar="PSEUDONYM...")],
    as_json: AsJson = False,
) -> None:
    """Print what pseudonyms stand for, for an operator at the site; the ledger records it.

    Example: tierwise-site reveal site SUBSCRIBER_k3f9x2mq7abc
    """
    from mcp_servers.commands.opening import open_site

    with open_site(directory) as site:
        originals = site.call("reveal", {"pseudonyms": pseudonyms})
    if as_json:
        print_json(originals)
        return
    for original in originals.values():
        print_text(original)


@ledger.command()
def verify(
    directory: Directory,
    anchor: Annotated[
        str | None, typer.Option(help="A head noted earlier, or a file that holds it.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check chain and signatures, and say what cannot be proven without an anchor.

    Example: tierwise-site ledger verify site --anchor head.txt
    """
    from mcp_servers.egress.ledger import verify_ledger
    from mcp_servers.serving.identity import SiteKeys
    from mcp_servers.site_directory import SiteDirectory

    site = SiteDirectory.open(directory)
    keys = SiteKeys.open(site.store / "keys")
    verdict = verify_ledger(site.store, keys.public_key, _anchor(anchor), handovers=keys.handovers)
    if as_json:
        print_json(verdict.model_dump(mode="json"))
    else:
        print_text(f"{'holds' if verdict.holds else 'BROKEN'}: {verdict.entries} entries")
        print_text(f"head {verdict.head}")
        for problem in verdict.problems:
            print_text(f"problem: {problem}")
        for open_question in verdict.cannot_prove:
            say(f"not proven: {open_question}")
    if not verdict.holds:
        raise LedgerBrokenError(f"the egress ledger of {directory} does not hold")


@ledger.command("show")
def show(
    directory: Directory,
    investigation: Annotated[str | None, typer.Option(help="Of one investigation only.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show what left, to whom, on whose behalf, under which decision.

    Example: tierwise-site ledger show site --investigation inc-42
    """
    from mcp_servers.egress.ledger import read_entries
    from mcp_servers.site_directory import SiteDirectory

    site = SiteDirectory.open(directory)
    entries = [entry.model_dump(mode="json") for entry in read_entries(site.store, investigation)]
    if as_json:
        print_json(entries)
        return
    print_table(
        f"egress ledger of {site.settings.site_id}",
        ("time (UTC), decision", "what, for whom", "to", "tokens", "masked"),
        [
            (
                f"{entry['time'][:19].replace('T', ' ')}\n{entry['decision_id'][:19]}",
                _what(entry),
                f"{entry['client']} on {entry['tier']}\n{entry['form']}",
                entry["tokens"],
                sum(entry["masked"].values()),
            )
            for entry in entries
        ],
    )


def _what(entry: dict[str, Any]) -> str:
    """What left or was done, for whom, and by whose word."""
    event = entry["event"]
    tool = entry["tool"] if event == "release" else f"{event.replace('_', ' ')} {entry['tool']}"
    return "\n".join(filter(None, (tool, entry["on_behalf_of"], entry["note"])))


def _anchor(anchor: str | None) -> str | None:
    """The head itself, or the content of a file that holds it.

    Raises:
        InvalidArgumentError: It is neither, so a ledger would be called broken for a wrong name.
    """
    if anchor is None or _HEAD.fullmatch(anchor):
        return anchor
    try:
        head = Path(anchor).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        head = ""
    if _HEAD.fullmatch(head) is None:
        raise InvalidArgumentError(
            "--anchor",
            f"{anchor!r} is neither a head (64 hexadecimal digits, as `ledger verify` prints it) "
            "nor a file that holds one",
        )
    return head
