"""`model build`: the embedding model as an artifact for the tiers, measured beside its weights."""

# ruff: noqa: PLC0415 - a command imports its heavy half when it is called

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mcp_servers.commands.output import print_json, print_table, say
from mcp_servers.commands.site import AsJson

if TYPE_CHECKING:
    from rag.model_comparison import KnownItems

app = typer.Typer(no_args_is_help=True, help="The embedding model as a deployment artifact.")

_TIERS = "outposts, local_zone, dedicated_local_zone"
"""Where the portable artifact is for: processors without an accelerator, no torch."""


@app.callback()
def artifacts() -> None:
    """Keep `model build` two words."""


@app.command()
def build(
    models: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", help="Where artifacts live; TIERWISE_MODELS, else the user's cache."
        ),
    ] = None,
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Build it anew even if a sound one is there.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Build the int8 artifact from the pinned weights, verify it, and measure what it costs.

    One row for what it was made of and one for each target: size, throughput, time of a query,
    lowest cosine to the weights' own vectors, nDCG@10 on the sample operator's tickets and what is
    lost of it. About a minute, offline. `ingest` builds the same artifact when it is missing;
    a slim image takes the finished folder instead of torch.

    Examples:
        tierwise-site model build

        tierwise-site model build --models /srv/models --json
    """
    from rag.embedding import OnnxEmbedder, TorchEmbedder
    from rag.model_artifact import (
        MODEL_ID,
        build_artifact,
        ensure_artifact,
        installed_weights,
    )
    from rag.model_comparison import compare

    make = build_artifact if rebuild else ensure_artifact
    artifact = make(models, tell=say)
    weights = installed_weights() / "model.safetensors"
    source, target = f"{MODEL_ID}, torch fp32", f"{MODEL_ID}, onnx int8"
    measured = compare(
        {source: TorchEmbedder(), target: OnnxEmbedder(artifact)}, _sample_tickets(), tell=say
    )
    rows: list[dict[str, Any]] = [
        {"model": source, "tiers": "where it is built", "bytes": weights.stat().st_size}
        | {"cosine_minimum": 1.0},
        {"model": target, "tiers": _TIERS, "bytes": artifact.model_bytes}
        | {"cosine_minimum": round(artifact.cosine_minimum, 4)},
    ]
    for row in rows:
        figures = measured[row["model"]]
        row |= {
            "texts_per_second": round(figures.texts_per_second, 1),
            "query_ms": round(figures.query_ms, 2),
            "ndcg_at_10": round(figures.ndcg, 4),
            "ndcg_lost": round(measured[source].ndcg - figures.ndcg, 4),
        }
    if as_json:
        print_json({"folder": str(artifact.folder), "models": rows})
        return
    print_table(
        str(artifact.folder),
        ("model", "for tiers", "MB", "texts/s", "query ms", "lowest cosine", "nDCG@10", "lost"),
        [
            (
                row["model"],
                row["tiers"],
                f"{row['bytes'] / 1e6:.1f}",
                row["texts_per_second"],
                row["query_ms"],
                f"{row['cosine_minimum']:.3f}",
                f"{row['ndcg_at_10']:.3f}",
                f"{row['ndcg_lost']:+.3f}",
            )
            for row in rows
        ],
    )


def _sample_tickets() -> KnownItems:
    """The sample operator's tickets: what was seen is to find the notes about the same cause."""
    from mcp_servers.sample_site.network import rng_for
    from mcp_servers.sample_site.network_builder import build_network
    from mcp_servers.sample_site.people import People
    from mcp_servers.sample_site.tickets import build_tickets
    from rag.model_comparison import KnownItems

    tickets = build_tickets(build_network(seed=1, size=150), People(rng_for(1, "people")))[:200]
    return KnownItems(
        texts={each.ticket_id: each.close_note or each.title for each in tickets},
        queries={each.ticket_id: each.description for each in tickets[:60]},
        qrels={
            each.ticket_id: {
                other.ticket_id: 2.0 if other is each else 1.0
                for other in tickets
                if other.cause == each.cause
            }
            for each in tickets[:60]
        },
    )
