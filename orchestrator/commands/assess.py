"""`tierwise assess`: measure, cost, choose; over what `tierwise-site assess data` classified."""

from __future__ import annotations

import json
import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.commands.command_line import (
    ConfigOption,
    config_file,
    notes,
    output,
    print_json,
    quiet_logs,
    reported,
    sites_of_flags,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.assessments.latency_probe import Probed
    from orchestrator.settings import Settings
    from placement.cost import AiFunction, TokenPrice
    from placement.latency import LatencySample
    from placement.policy import Policy
    from placement.site_data import SiteData

assess_app = typer.Typer(
    help="Getting started, steps two to four: measure the latency, count the cost, choose the "
    "tiers. Step one, `tierwise-site assess data`, runs where the data is.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)

DataOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--data",
        help="What `tierwise-site assess data` wrote (store/assessment/data.json); may be "
        "repeated.",
    ),
]
WorkloadsOption = Annotated[
    Path | None,
    typer.Option(
        help="Your own AI functions (YAML or JSON): name, phase, data_classes, events_per_hour, "
        "tokens_per_event, ..."
    ),
]
CatalogueOption = Annotated[
    Path | None, typer.Option(help="Another catalogue; by default that of the settings.")
]
RulesOption = Annotated[Path | None, typer.Option(help="Other rules (Cedar).")]
JsonOption = Annotated[bool, typer.Option("--json", help="Machine-readable.")]
MarkdownOption = Annotated[bool, typer.Option("--markdown", help="A page-ready Markdown report.")]


class Preset(StrEnum):
    """Figures that are known beforehand."""

    ARTICLE = "article"


@assess_app.command("latency")
def latency(
    *,
    samples: Annotated[
        list[Path] | None,
        typer.Option(help="CSV with tier, tool, ttft_ms, round_trip_ms; may be repeated."),
    ] = None,
    provenance: Annotated[
        Path | None, typer.Option(help="A folder of reports as `investigate --json` wrote them.")
    ] = None,
    probe: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=1000,
            help="Call each configured site and model this often. Tool calls count against the "
            "site's egress budget; a model's cost money.",
        ),
    ] = None,
    data: DataOption = None,
    update_catalogue: Annotated[
        bool,
        typer.Option(
            "--update-catalogue",
            help="Write the proposed round trips into the catalogue: 30 samples at least, a fifth "
            "off at least, a factor of two at most.",
        ),
    ] = False,
    site: Annotated[
        list[str] | None, typer.Option("--site", metavar="NAME=URL", help="A site to probe.")
    ] = None,
    token_file: Annotated[
        list[Path] | None, typer.Option("--token-file", help="Bearer token for --site.")
    ] = None,
    site_dir: Annotated[
        list[Path] | None, typer.Option("--site-dir", help="A site directory to probe.")
    ] = None,
    config: ConfigOption = None,
    catalogue: CatalogueOption = None,
    rules: RulesOption = None,
    as_json: JsonOption = False,
    as_markdown: MarkdownOption = False,
) -> None:
    """Step two: P50, P95 and P99 of first token and round trip, per tier and tool.

    Reads what past investigations and probes of this state took, and what the options name. Calls
    without a tool are bare round trips: they measure a tier, and feed the catalogue. A probe's
    round trips are those of the tier that this process runs on (`tier:`, TIERWISE_TIER).

    Examples:
    - `tierwise assess latency --samples edge.csv`
    - `TIERWISE_TIER=region tierwise assess latency --site core=http://noc:8700 --token-file t
      --probe 50 --markdown`
    """
    with reported():
        quiet_logs()
        settings = _settings(config, site, token_file, site_dir)
        policy, catalogue_path = _policy(settings, catalogue, rules)
        taken, gaps = _samples(samples or [], provenance, data or [], settings)
        if probe is not None:
            probed = _probe(settings, policy, probe)
            taken["probe"] = probed.samples
            gaps += [f"{gap.what}: {gap.why}" for gap in probed.gaps]
        from orchestrator.rendering.assessment import print_latency  # noqa: PLC0415
        from placement.latency import assess_latency  # noqa: PLC0415
        from placement.reports import latency_report  # noqa: PLC0415

        every = [sample for one in taken.values() for sample in one]
        assessment = assess_latency(every, policy.catalogue)
        changed: tuple[str, ...] = ()
        if update_catalogue:
            from placement.measured_catalogue import write_round_trips  # noqa: PLC0415

            changed = write_round_trips(catalogue_path, assessment.updates)
        if not every:
            gaps.append("nothing has been measured: use --probe, --samples or --provenance")
        if as_json:
            extra = {
                "samples": {source: len(one) for source, one in taken.items()},
                "gaps": gaps,
                "catalogue_changes": changed,
                "settings": [u.setting for u in assessment.updates if u.setting is not None],
            }
            print_json(json.dumps(assessment.model_dump(mode="json") | extra, indent=2))
        elif as_markdown:
            sys.stdout.write(latency_report(assessment))
        else:
            print_latency(assessment, output)
        for line in changed:
            notes.print(f"{catalogue_path}:{line}", highlight=False, markup=False, soft_wrap=True)
        _say(gaps)


@assess_app.command("cost")
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
        settings = _settings(config, None, None, None)
        policy, _ = _policy(settings, catalogue, rules)
        from orchestrator.assessments import assessing  # noqa: PLC0415
        from orchestrator.rendering.assessment import print_cost  # noqa: PLC0415
        from placement.cost import (  # noqa: PLC0415
            ARTICLE_FUNCTION,
            ARTICLE_PRICE,
            assess_cost,
        )
        from placement.cost_chart import cost_chart_svg, cost_chart_text  # noqa: PLC0415
        from placement.reports import cost_report  # noqa: PLC0415

        sites = _sites(data or [])
        said: list[str] = []
        if preset is Preset.ARTICLE:
            if sites or workloads is not None or model is not None:
                raise typer.BadParameter("--preset brings its own functions and price")
            functions: Sequence[AiFunction] = (ARTICLE_FUNCTION,)
            price, measured = ARTICLE_PRICE, None
        else:
            own = assessing.priced_functions(sites)
            functions = _with_operators(own, workloads)
            if not functions:
                raise typer.BadParameter(
                    "nothing to count: give --workloads FILE, --preset article, or --data of a "
                    "site that holds alarms"
                )
            _, price = assessing.price_of(policy, model)
            measured = assessing.measured_compression(sites)
            if any(function in functions for function in own):
                said.append(assessing.ASSUMED)
            if measured is None:
                said.append(
                    "compression was not measured: savings are counted at the 90 % target; "
                    "--data of a site measures it"
                )
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
            extra = {
                "by_model": [
                    {
                        "model": name,
                        "price": one.price.model_dump(mode="json"),
                        "totals": [total.model_dump(mode="json") for total in one.totals],
                        "statement": one.statement,
                    }
                    for name, one in by_model
                ],
                "notes": said,
            }
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
        _say(said)


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
        settings = _settings(config, None, None, None)
        policy, _ = _policy(settings, catalogue, rules)
        from orchestrator.assessments import assessing  # noqa: PLC0415
        from orchestrator.rendering.assessment import print_tiers  # noqa: PLC0415
        from placement.assessment import assess_tiers  # noqa: PLC0415
        from placement.reports import table_report, tiers_report  # noqa: PLC0415
        from placement.table import placement_table  # noqa: PLC0415

        sites = _sites(data or [])
        home = sites[0].home if sites else policy.catalogue.reference_home
        functions = _with_operators(assessing.own_functions(sites, home), workloads)
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


def _settings(
    config: Path | None,
    site: list[str] | None,
    token_file: list[Path] | None,
    site_dir: list[Path] | None,
) -> Settings:
    from orchestrator.settings import load_settings  # noqa: PLC0415

    flags = {"sites": sites_of_flags(site or [], token_file or [], site_dir or [])}
    return load_settings(config_file(config), environment=os.environ, flags=flags)


def _policy(settings: Settings, catalogue: Path | None, rules: Path | None) -> tuple[Policy, Path]:
    """The policy, and the file of its catalogue."""
    from placement.catalogue_file import REFERENCE_CATALOGUE  # noqa: PLC0415
    from placement.policy import load_policy  # noqa: PLC0415

    facts = catalogue or settings.policy.catalogue
    return load_policy(facts, rules or settings.policy.rules), facts or REFERENCE_CATALOGUE


def _sites(files: Sequence[Path]) -> tuple[SiteData, ...]:
    from placement.site_data import read_site_data  # noqa: PLC0415

    return tuple(map(read_site_data, files))


def _samples(
    tables: Sequence[Path], reports: Path | None, data: Sequence[Path], settings: Settings
) -> tuple[dict[str, Sequence[LatencySample]], list[str]]:
    """Samples by where they come from, and what could not be read."""
    from orchestrator.assessments import assessing  # noqa: PLC0415
    from placement.latency import read_samples_csv  # noqa: PLC0415
    from telecom.errors import SettingsError  # noqa: PLC0415

    gaps: list[str] = []
    taken: dict[str, Sequence[LatencySample]] = {
        "state": assessing.samples_of_state(settings.state_address),
        "site": [sample for site in _sites(data) for sample in site.samples],
    }
    stated: list[LatencySample] = []
    for file in tables:
        try:
            stated += read_samples_csv(file.read_text(encoding="utf-8-sig"), name=str(file))
        except (OSError, UnicodeDecodeError) as exc:
            raise SettingsError(f"{file} cannot be read: {exc}") from exc
    taken["samples"] = stated
    if reports is not None:
        taken["provenance"], others = assessing.samples_of_reports(reports)
        gaps += [f"{name} is no report of ours" for name in others]
    return taken, gaps


def _probe(settings: Settings, policy: Policy, calls: int) -> Probed:
    """Probe, and keep what was decided and timed in the state."""
    import asyncio  # noqa: PLC0415

    from orchestrator.assessments.latency_probe import PROBE, probe  # noqa: PLC0415
    from orchestrator.storage.state import open_state  # noqa: PLC0415

    async def run() -> Probed:
        async with open_state(settings.state_address) as state:
            with notes.status("probing") as status:
                probed = await probe(
                    settings,
                    policy,
                    calls,
                    keep=lambda record: state.note_decision(PROBE, record),
                    progress=lambda what: status.update(f"probing {what}"),
                )
            state.note_calls(PROBE, probed.samples)
            await state.write_notes()
            return probed

    return asyncio.run(run())


def _with_operators(own: Sequence[AiFunction], workloads: Path | None) -> tuple[AiFunction, ...]:
    """Ours and the operator's; theirs replaces ours of the same name."""
    from placement.workload_file import read_functions  # noqa: PLC0415

    theirs = () if workloads is None else read_functions(workloads)
    stated = {function.name for function in theirs}
    return (*(function for function in own if function.name not in stated), *theirs)


def _costliest(functions: Sequence[AiFunction], price: TokenPrice) -> AiFunction:
    from placement.cost import hourly_cost  # noqa: PLC0415

    return max(functions, key=lambda function: hourly_cost(function, price, 0.0).cost_usd)


def _write(file: Path, content: str) -> None:
    from telecom.errors import SettingsError  # noqa: PLC0415

    try:
        file.write_text(content + "\n", encoding="utf-8")
    except OSError as exc:
        raise SettingsError(f"{file} cannot be written: {exc.strerror}") from exc


def _say(lines: Sequence[str]) -> None:
    for line in lines:
        notes.print(f"note: {line}", highlight=False, markup=False, soft_wrap=True)
