"""`search` and `confirm-cause`: what tickets and documents say, and what people add to them."""

# ruff: noqa: PLC0415, PLR0917 - a command imports its heavy half when called; its options are named

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from mcp_servers.commands.output import print_json_line, print_table, say
from mcp_servers.commands.site import Directory
from telecom.errors import InvalidArgumentError


def search(
    directory: Directory,
    query: Annotated[str, typer.Argument(help="Words, ids, alarm codes.")] = "",
    limit: Annotated[int, typer.Option("-k", min=1, max=50, help="Results of a query.")] = 10,
    corpus: Annotated[str, typer.Option(help="tickets or docs.")] = "tickets",
    queries: Annotated[
        Path | None, typer.Option(help='JSON Lines of {"id", "text"}: many queries at once.')
    ] = None,
    mode: Annotated[str, typer.Option(help="hybrid, lexical or dense.")] = "hybrid",
    filters: Annotated[
        list[str] | None,
        typer.Option(
            "--filter",
            metavar="NAME=VALUE",
            help="opened_since, opened_until, managed_object, severity, resolved, site, technology,"
            " vendor, or any other column; may be repeated.",
        ),
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Say why each result stands where it does.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON Lines, one for each query.")
    ] = False,
) -> None:
    """Rank passages of past tickets or documents.

    Examples:
        tierwise-site search site "GNSS holdover expired" -k 5

        tierwise-site search site "uplink flapping" --filter severity=MAJOR --filter resolved=true

        tierwise-site search site --queries questions.jsonl --corpus docs --json
    """
    from mcp_servers.commands.opening import open_site

    for name, value, known in (
        ("--corpus", corpus, ("tickets", "docs")),
        ("--mode", mode, ("hybrid", "lexical", "dense")),
    ):
        if value not in known:
            raise InvalidArgumentError(name, f"{name} must be one of {', '.join(known)}")
    if bool(query) == (queries is not None):
        raise InvalidArgumentError("QUERY", "give a query, or a file with --queries")
    asked = [{"id": "1", "text": query}] if queries is None else read_queries(queries)
    arguments = {
        "queries": asked,
        "corpus": corpus,
        "limit": limit,
        "mode": mode,
        "filters": read_filters(filters or []),
        "explain": explain,
    }
    with open_site(directory) as site:
        found = site.call("search", arguments)
    if found["degraded"]:
        say(f"by words only: {found['degraded']}")
    if as_json or queries is not None:
        for answer in found["answers"]:
            print_json_line(answer)
        return
    if not found["answers"][0]["results"]:
        say("nothing passes these filters" if filters else "nothing in the store has these words")
        return
    print_table(
        query,
        ("score", "source", "where", "text", *(("why",) * explain)),
        [
            (
                f"{each['score']:.3f}",
                each["source"],
                each["locator"],
                each["text"],
                *((each["why"],) if explain else ()),
            )
            for each in found["answers"][0]["results"]
        ],
    )


def confirm_cause(
    directory: Directory,
    incident: Annotated[str, typer.Option(help="Id of the incident, as its report has it.")],
    cause: Annotated[str, typer.Option(help="What it was, in the words of the next ticket.")],
    reviewer: Annotated[str, typer.Option(help="The person who decided: you.")],
    symptom: Annotated[
        list[str], typer.Option(help="What was seen, most telling first; may be repeated.")
    ],
    note: Annotated[str, typer.Option(help="What was done about it.")] = "",
    managed_object: Annotated[str | None, typer.Option(help="Where the cause was.")] = None,
    severity: Annotated[str | None, typer.Option(help="CRITICAL, MAJOR, ...")] = None,
    proposed: Annotated[
        str | None, typer.Option(help="What the report had proposed; another cause corrects it.")
    ] = None,
    similar: Annotated[
        list[str] | None, typer.Option(help="A past ticket of the same trouble; may be repeated.")
    ] = None,
) -> None:
    """Record the cause that a person confirmed or corrected, for the next time.

    It becomes a line of tickets/confirmed-causes.jsonl: a ticket with its reviewer, searchable
    after the next ingest, and an entry of the site's own evaluation set. Deciding again about the
    same incident corrects the earlier line.

    Example:
        tierwise-site confirm-cause site --incident INC-7 --cause "MTU mismatch after upgrade"
        --proposed "fibre cut" --symptom "OSPF stuck in exstart" --similar INC0002 --reviewer jdoe
    """
    from mcp_servers.commands.opening import open_site

    decision = {
        "incident_id": incident,
        "cause": cause,
        "reviewer": reviewer,
        "symptoms": symptom,
        "close_note": note,
        "managed_object": managed_object,
        "severity": severity,
        "proposed_cause": proposed,
        "similar_tickets": similar or [],
    }
    with open_site(directory) as site:
        recorded = site.call("confirm_cause", decision)
    say(f"{recorded['ticket_id']} {recorded['decision']}, in {recorded['file']}")
    say(f"searchable after: tierwise-site ingest {directory} tickets")


_MANY = {"managed_object": "managed_objects", "severity": "severities"}
_ONE = ("opened_since", "opened_until", "site", "technology", "vendor")


def read_filters(texts: list[str]) -> dict[str, Any]:
    """Read `NAME=VALUE` conditions as JSON (hence Any)."""
    filters: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not (name and equals and value):
            raise InvalidArgumentError("--filter", f"--filter takes NAME=VALUE, got {text!r}")
        if name in _MANY:
            filters.setdefault(_MANY[name], []).append(value)
        elif name == "resolved":
            if value not in ("true", "false"):
                raise InvalidArgumentError("--filter", "resolved must be true or false")
            filters[name] = value == "true"
        elif name in _ONE:
            filters[name] = value
        else:
            filters.setdefault("attributes", {})[name] = value
    return filters


def read_queries(file: Path) -> list[dict[str, Any]]:
    """Read JSON Lines of `{"id", "text"}`; an id stays a text or a number, as it is written.

    Raises:
        InvalidArgumentError: It cannot be read, or a line has another shape; names it.
    """
    found = []
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except OSError as exc:
        raise InvalidArgumentError("--queries", f"{file} cannot be read: {exc.strerror}") from exc
    except UnicodeDecodeError as exc:
        raise InvalidArgumentError("--queries", f"{file} is not UTF-8: {exc.reason}") from exc
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
            key, text = entry["id"], entry["text"]
        except (ValueError, KeyError, TypeError):
            key, text = None, None
        if not (isinstance(key, str | int) and isinstance(text, str)):
            raise InvalidArgumentError(
                "--queries", f'{file}:{number} is no line like {{"id": "q1", "text": "words"}}'
            )
        found.append({"id": key, "text": text})
    return found
