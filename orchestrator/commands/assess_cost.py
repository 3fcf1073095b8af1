"""`tierwise assess cost`: tokens and USD per hour, raw, filtered and at the edge."""

# ruff: noqa: PLC0415 - a command imports its heavy half when it is called

from __future__ import annotations

import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from orchestrator.commands.assess_options import (
    DataOption,
    MarkdownOption,
    WorkloadsOption,
    assess_settings,
    policy_of,
    say,
    sites_of,
    with_operators,
)
from orchestrator.commands.command_line import JsonOption, output, print_json, reported
from orchestrator.commands.policy_options import CatalogueOption, RulesOption
from orchestrator.commands.settings_options import ConfigOption

if TYPE_CHECKING:
    from collections.abc import Sequence

    from placement.cost import AiFunction, CostAssessment, TokenPrice
    from placement.policy import Policy
    from placement.site_data import SiteData


class Preset(StrEnum):
    """Figures that are known beforehand."""

    ARTICLE = "article"


def cost(
    *,
    data: DataOption = None,
    workloads: WorkloadsOption = None,
    preset: Annotated[
        Preset | None,
        typer.Option(help="`article`: 1,000 events an hour of 20,000 tokens, $2.60 a million."),
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="Whose price; by default the first one for deep analysis.")
    ] = None,
    svg: Annotated[
        Path | None, typer.Option(help="Write the chart of the costliest function here.")
    ] = None,
    config: ConfigOption = None,
    catalogue: CatalogueOption = None,
    rules: RulesOption = None,
    as_json: JsonOption = False,
    as_markdown: MarkdownOption = False,
) -> None:
    """Step three: tokens and USD per hour for each AI function, raw and filtered, against the edge.

    Says so when cost alone does not justify the edge.

    Examples:
    - `tierwise assess cost --preset article --svg cost.svg`
    - `tierwise assess cost --data site/store/assessment/data.json --workloads ours.yaml`
    """
    with reported():
        settings = assess_settings(config, None, None, None)
        policy, _ = policy_of(settings, catalogue, rules)
        from orchestrator.assessments import assessing
        from orchestrator.rendering.assessment import print_cost
        from placement.cost import ARTICLE_FUNCTION, ARTICLE_PRICE, assess_cost
        from placement.cost_chart import cost_chart_svg, cost_chart_text
        from placement.reports import cost_report

        sites = sites_of(data or [])
        if preset is Preset.ARTICLE:
            if sites or workloads is not None or model is not None:
                raise typer.BadParameter("--preset brings its own functions and price")
            basis = _Basis((ARTICLE_FUNCTION,), ARTICLE_PRICE, None, ())
        else:
            basis = _basis(policy, sites, workloads, model)
        functions, price, measured, said = basis
        edge = assessing.edge_cost(policy, sites)
        prices = {name: assessing.token_price(e) for name, e in policy.catalogue.models.items()}
        assessment, *others = (
            assess_cost(functions, each, edge_usd_per_hour=edge, measured_compression=measured)
            for each in (price, *prices.values())
        )
        by_model = list(zip(prices, others, strict=True))
        charted = _costliest(functions, price)
        if svg is not None:
            _write(svg, cost_chart_svg(charted, price, measured=measured, edge_usd_per_hour=edge))
        if as_json:
            extra = {"by_model": [_totals(*each) for each in by_model], "notes": said}
            print_json(json.dumps(assessment.model_dump(mode="json") | extra, indent=2))
            return
        chart = cost_chart_text(charted, price, measured=measured)
        if as_markdown:
            sys.stdout.write(cost_report(assessment))
            sys.stdout.write(f"\n## {charted.name}\n\n```text\n{chart}\n```\n")
            sys.stdout.writelines(f"\n> {line}\n" for line in said)
            return
        print_cost(assessment, [(name, one.totals) for name, one in by_model], output)
        output.print(f"\n{charted.name}\n{chart}\n", markup=False, highlight=False, soft_wrap=True)
        output.print(assessment.statement, markup=False, highlight=False, soft_wrap=True)
        say(said)


class _Basis(NamedTuple):
    """What is counted, at whose price."""

    functions: Sequence[AiFunction]
    price: TokenPrice
    measured: float | None
    """Compression that the sites' own alarms showed."""
    notes: tuple[str, ...]


def _basis(
    policy: Policy, sites: Sequence[SiteData], workloads: Path | None, model: str | None
) -> _Basis:
    """The sites' own functions and the operator's, at the price of a model of the catalogue."""
    from orchestrator.assessments import assessing

    own = assessing.priced_functions(sites)
    functions = with_operators(own, workloads)
    if not functions:
        raise typer.BadParameter(
            "nothing to count: give --workloads FILE, --preset article, or --data of a "
            "site that holds alarms"
        )
    _, price = assessing.price_of(policy, model)
    measured = assessing.measured_compression(sites)
    said: list[str] = []
    if any(function in functions for function in own):
        said.append(assessing.ASSUMED)
    if measured is None:
        said.append(
            "compression was not measured: savings are counted at the 90 % target; "
            "--data of a site measures it"
        )
    return _Basis(functions, price, measured, tuple(said))


def _totals(model: str, counted: CostAssessment) -> dict[str, object]:
    """One model's totals as JSON."""
    return {
        "model": model,
        "price": counted.price.model_dump(mode="json"),
        "totals": [total.model_dump(mode="json") for total in counted.totals],
        "statement": counted.statement,
    }


def _costliest(functions: Sequence[AiFunction], price: TokenPrice) -> AiFunction:
    from placement.cost import hourly_cost

    return max(functions, key=lambda function: hourly_cost(function, price, 0.0).cost_usd)


def _write(file: Path, content: str) -> None:
    from telecom.errors import SettingsError

    try:
        file.write_text(content + "\n", encoding="utf-8")
    except OSError as exc:
        raise SettingsError(f"{file} cannot be written: {exc.strerror}") from exc
