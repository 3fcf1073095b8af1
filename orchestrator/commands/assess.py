"""`tierwise assess`: measure, cost, choose; over what `tierwise-site assess data` classified."""

# ruff: noqa: PLC0415 - a command imports its heavy half when it is called

from __future__ import annotations

import json
import sys

import typer

from orchestrator.commands.assess_cost import cost
from orchestrator.commands.assess_latency import latency
from orchestrator.commands.assess_options import (
    DataOption,
    MarkdownOption,
    WorkloadsOption,
    assess_settings,
    policy_of,
    sites_of,
    with_operators,
)
from orchestrator.commands.command_line import JsonOption, output, print_json, reported
from orchestrator.commands.policy_options import CatalogueOption, RulesOption
from orchestrator.commands.settings_options import ConfigOption

assess_app = typer.Typer(
    help="Getting started, steps two to four: measure the latency, count the cost, choose the "
    "tiers. Step one, `tierwise-site assess data`, runs where the data is.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)
assess_app.command("latency")(latency)
assess_app.command("cost")(cost)


@assess_app.command("tiers")
def tiers(
    *,
    data: DataOption = None,
    workloads: WorkloadsOption = None,
    config: ConfigOption = None,
    catalogue: CatalogueOption = None,
    rules: RulesOption = None,
    as_json: JsonOption = False,
    as_markdown: MarkdownOption = False,
) -> None:
    """Step four: a tier for each function with reasons, and what to build or buy first.

    Ours are the sub-agents; yours come from --workloads. Without --data, home is the catalogue's
    reference home. Latency counts as the catalogue states it: `assess latency` measures it.

    Example: `tierwise assess tiers --data site/store/assessment/data.json --workloads ours.yaml`
    """
    with reported():
        settings = assess_settings(config, None, None, None)
        policy, _ = policy_of(settings, catalogue, rules)
        from orchestrator.assessments import assessing
        from orchestrator.rendering.assessment import print_tiers
        from placement.assessment import assess_tiers
        from placement.reports import table_report, tiers_report
        from placement.table import placement_table

        sites = sites_of(data or [])
        home = sites[0].home if sites else policy.catalogue.reference_home
        functions = with_operators(assessing.own_functions(sites, home), workloads)
        assessment = assess_tiers(policy, functions, home=home)
        rows = placement_table(policy, home)
        grey = [f"{site.site}: grey area {source}" for site in sites for source in site.grey]
        if grey:
            gaps = (*assessment.gaps, *grey)
            assessment = assessment.model_copy(update={"gaps": gaps})
        if as_json:
            table = {"table": [row.model_dump(mode="json") for row in rows]}
            print_json(json.dumps(assessment.model_dump(mode="json") | table, indent=2))
        elif as_markdown:
            sys.stdout.write(tiers_report(assessment) + "\n" + table_report(rows))
        else:
            print_tiers(assessment, rows, output)
