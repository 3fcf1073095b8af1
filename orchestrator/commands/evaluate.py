"""`tierwise evaluate`: how often the analyst is right on incidents whose cause is known."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.commands.command_line import (
    FAILED,
    notes,
    output,
    print_json,
    quiet_logs,
    reported,
)
from orchestrator.commands.settings_options import ConfigOption, settings_of
from orchestrator.commands.site_options import AnalystOption, analyst_flags, sites_of_flags

if TYPE_CHECKING:
    from rich.table import Table

    from orchestrator.assessments.case_scoring import CaseScore
    from orchestrator.assessments.evaluation import Evaluation, Rates
    from orchestrator.settings import Settings


class ContextChoice(StrEnum):
    """How much of the alarms the analyst reads."""

    BRIEF = "brief"
    RAW = "raw"


def evaluate(
    *,
    directories: Annotated[
        list[Path], typer.Argument(metavar="DIR...", help="Site directories with a truth.json.")
    ],
    analyst: AnalystOption = None,
    context: Annotated[
        ContextChoice,
        typer.Option(
            help="`brief` is what the product does; `raw` reads as long an excerpt of the alarms "
            "as the site releases in one answer (8,000 tokens)."
        ),
    ] = ContextChoice.BRIEF,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    config: ConfigOption = None,
) -> None:
    """Investigate incidents whose cause is known, and count how often the report is right.

    Each directory is a site with a `truth.json` beside its alarms; it goes through the same tools,
    gates and checks as any investigation. *Exact*: every cause and nothing else is named. *Any*:
    one right cause. *Grounded*: a right cause with what proves it. Beside them stand two naive
    ways to name a culprit.

    Examples:
    - `tierwise-site init case1 --sample --family fiber_cut --seed 7` makes a case
    - `tierwise evaluate case1`
    - `tierwise evaluate cases/* --json > evaluation.json`
    - `tierwise evaluate cases/* --analyst bedrock --context raw`
    """
    with reported():
        import asyncio  # noqa: PLC0415

        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn  # noqa: PLC0415

        from orchestrator.assessments import evaluation  # noqa: PLC0415

        quiet_logs()

        def settings_of_case(directory: Path, state: Path) -> Settings:
            sites = sites_of_flags([], [], [directory])
            return settings_of(config, sites=sites, state=str(state), **analyst_flags(analyst))

        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        with Progress(*columns, console=notes, disable=not notes.is_terminal) as bar:
            task = bar.add_task("investigating", total=len(directories))

            def done(score: CaseScore) -> None:
                bar.advance(task)
                if score.error is not None:
                    notes.print(f"{score.site}: no report: {score.error}", markup=False)

            found = asyncio.run(
                evaluation.evaluate(
                    directories, settings_of_case, context=context.value, progress=done
                )
            )
        if as_json:
            print_json(found.model_dump_json(indent=1))
        else:
            output.print(_table(found))
        if all(case.error is not None for case in found.cases):
            raise typer.Exit(FAILED)


def _table(found: Evaluation) -> Table:
    from rich.table import Table  # noqa: PLC0415

    naive = ", ".join(f"{name} {share:.2f}" for name, share in found.summary.baselines.items())
    table = Table(
        title=f"analyst {found.analyst}, context {found.context}",
        title_justify="left",
        caption=f"naive ways to name a culprit: {naive}" if naive else None,
        caption_justify="left",
    )
    table.add_column("family", no_wrap=True)
    for heading in ("n", "exact", "any", "ground", "abst", "convict", "tokens", "s"):
        table.add_column(heading, justify="right", no_wrap=True)
    for family, rates in found.families.items():
        table.add_row(family, *_cells(rates))
    table.add_section()
    table.add_row("all", *_cells(found.summary), style="bold")
    return table


def _cells(rates: Rates) -> list[str]:
    shares = (
        rates.exact,
        rates.any_correct,
        rates.grounded,
        rates.abstained,
        rates.convicted_without_cause,
    )
    return [
        str(rates.n),
        *(f"{share:.2f}" for share in shares),
        "" if rates.tokens is None else f"{rates.tokens:,.0f}",
        f"{rates.seconds:.0f}",
    ]
