"""`evaluate retrieval`: how well the knowledge base answers, with intervals."""

# ruff: noqa: PLC0415, PLR0917 - a command imports its heavy half when called; its options are named

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mcp_servers.commands.knowledge import read_queries
from mcp_servers.commands.output import print_json, print_table, progress_bar
from mcp_servers.commands.site import AsJson, Directory
from telecom.errors import InvalidArgumentError

app = typer.Typer(no_args_is_help=True, help="How well the site's knowledge base answers.")


@app.callback()
def parts() -> None:
    """Keep `evaluate retrieval` two words."""


@app.command()
def retrieval(
    directory: Directory,
    queries: Annotated[Path | None, typer.Option(help='JSON Lines of {"id", "text"}.')] = None,
    qrels: Annotated[
        Path | None, typer.Option(help="TREC judgements: `query 0 source grade`, one a line.")
    ] = None,
    corpus: Annotated[str, typer.Option(help="tickets or docs.")] = "tickets",
    limit: Annotated[int, typer.Option("-k", min=1, max=50, help="Depth of recall.")] = 10,
    as_json: AsJson = False,
) -> None:
    """Print nDCG@10, recall and MRR of lexical, dense and hybrid search, with 95 % intervals.

    Without --queries and --qrels it takes the site's own set: the causes that people confirmed
    (`tierwise-site confirm-cause`), each of which should find the tickets they named and those with
    the same cause.

    Examples:
        tierwise-site evaluate retrieval site

        tierwise-site evaluate retrieval site --corpus docs --queries q.jsonl --qrels qrels.txt
    """
    from mcp_servers.commands.opening import open_site
    from rag.evaluation import read_qrels

    if corpus not in ("tickets", "docs"):
        raise InvalidArgumentError("--corpus", f"--corpus must be tickets or docs, got {corpus!r}")
    if (queries is None) != (qrels is None):
        raise InvalidArgumentError("--qrels", "--queries and --qrels are given together")
    asked = judged = None
    if queries is not None and qrels is not None:
        asked = {str(each["id"]): each["text"] for each in read_queries(queries)}
        try:
            judged = read_qrels(qrels.read_text(encoding="utf-8"))
        except (OSError, ValueError) as exc:
            raise InvalidArgumentError("--qrels", f"{qrels} cannot be read: {exc}") from exc
    with open_site(directory) as site, progress_bar() as progress:
        scores = site.call(
            "evaluate_retrieval",
            {"queries": asked, "qrels": judged, "corpus": corpus, "limit": limit},
            progress=progress,
        )
    if as_json:
        print_json({"k": limit, "modes": scores})
        return
    count = scores["hybrid"]["queries"]
    if not count:
        raise InvalidArgumentError(
            "--queries",
            "no query has a relevant source; for the site's own set confirm causes first: "
            "tierwise-site confirm-cause --help",
        )
    print_table(
        f"{count} queries with a relevant source",
        ("", "nDCG@10", f"recall@{limit}", "MRR"),
        [
            (mode, *(_with_interval(found[name]) for name in ("ndcg", "recall", "mrr")))
            for mode, found in scores.items()
        ],
    )


def _with_interval(measure: dict[str, float]) -> str:
    return f"{measure['mean']:.3f} ({measure['low']:.3f} to {measure['high']:.3f})"
