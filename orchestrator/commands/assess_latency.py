"""`tierwise assess latency`: what past calls and probes took."""

# ruff: noqa: PLC0415 - a command imports its heavy half when it is called

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.commands.assess_options import (
    DataOption,
    MarkdownOption,
    assess_settings,
    policy_of,
    say,
    sites_of,
)
from orchestrator.commands.command_line import (
    JsonOption,
    notes,
    output,
    print_json,
    quiet_logs,
    reported,
)
from orchestrator.commands.policy_options import CatalogueOption, RulesOption
from orchestrator.commands.settings_options import ConfigOption

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.assessments.latency_probe import Probed
    from orchestrator.settings import Settings
    from placement.latency import LatencySample
    from placement.policy import Policy


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
        settings = assess_settings(config, site, token_file, site_dir)
        policy, catalogue_path = policy_of(settings, catalogue, rules)
        taken, gaps = _samples(samples or [], provenance, data or [], settings)
        if probe is not None:
            probed = _probe(settings, policy, probe)
            taken["probe"] = probed.samples
            gaps += [f"{gap.what}: {gap.why}" for gap in probed.gaps]
        from orchestrator.rendering.assessment import print_latency
        from placement.latency import assess_latency
        from placement.reports import latency_report

        every = [sample for one in taken.values() for sample in one]
        assessment = assess_latency(every, policy.catalogue)
        changed: tuple[str, ...] = ()
        if update_catalogue:
            from placement.measured_catalogue import write_round_trips

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
        say(gaps)


def _samples(
    tables: Sequence[Path], reports: Path | None, data: Sequence[Path], settings: Settings
) -> tuple[dict[str, Sequence[LatencySample]], list[str]]:
    """Samples by where they come from, and what could not be read."""
    from orchestrator.assessments import assessing
    from placement.latency import read_samples_csv
    from telecom.errors import SettingsError

    gaps: list[str] = []
    taken: dict[str, Sequence[LatencySample]] = {
        "state": assessing.samples_of_state(settings.state_address),
        "site": [sample for site in sites_of(data) for sample in site.samples],
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
    import asyncio

    from orchestrator.assessments.latency_probe import PROBE, probe
    from orchestrator.storage.state import open_state

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
