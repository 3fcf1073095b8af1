"""`search`: what tickets and documents say."""

# ruff: noqa: PLC0415, PLR0917 - a command imports its heavy half when called; its options are named

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from mcp_servers.commands.output import print_json_line, print_table
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
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON Lines, one for each query.")
    ] = False,
) -> None:
    """Rank passages of past tickets or documents.

    Examples:
        tierwise-site search site "GNSS holdover expired" -k 5

        tierwise-site search site --queries questions.jsonl --corpus docs --json
    """
    from mcp_servers.commands.opening import open_site

    if corpus not in ("tickets", "docs"):
        raise InvalidArgumentError("--corpus", f"--corpus must be tickets or docs, got {corpus!r}")
    if bool(query) == (queries is not None):
        raise InvalidArgumentError("QUERY", "give a query, or a file with --queries")
    asked = [{"id": "1", "text": query}] if queries is None else _read_queries(queries)
    with open_site(directory) as site:
        answers = site.call("search", {"queries": asked, "corpus": corpus, "limit": limit})
    if as_json or queries is not None:
        for answer in answers:
            print_json_line(answer)
        return
    print_table(
        query,
        ("score", "source", "where", "text"),
        [
            (f"{found['score']:.3f}", found["source"], found["locator"], found["text"])
            for found in answers[0]["results"]
        ],
    )


def _read_queries(file: Path) -> list[dict[str, str]]:
    found = []
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as exc:
        raise InvalidArgumentError("--queries", f"{file} cannot be read: {exc}") from exc
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
            found.append({"id": str(entry["id"]), "text": str(entry["text"])})
        except (ValueError, KeyError, TypeError) as exc:
            raise InvalidArgumentError(
                "--queries", f'{file}:{number} is no line like {{"id": "q1", "text": "words"}}'
            ) from exc
    return found
