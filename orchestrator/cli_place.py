"""`tierwise place`: the placement policy, asked by an architect."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.command_line import REFUSED, config_file, output, print_json, reported

if TYPE_CHECKING:
    from placement.decision import DecisionRecord, PlacementDecision
    from placement.policy import Policy
    from telecom.workload import WorkloadProfile

place_app = typer.Typer(
    help="Where may a workload run, and where should it?",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)

CatalogueOption = Annotated[
    Path | None, typer.Option(help="Another catalogue; by default the shipped reference.")
]
RulesOption = Annotated[Path | None, typer.Option(help="Other rules (Cedar).")]
JsonOption = Annotated[bool, typer.Option("--json", help="Machine-readable.")]


@place_app.command("decide")
def decide(
    file: Annotated[str, typer.Argument(help="A workload as JSON or YAML; - reads stdin.")],
    catalogue: CatalogueOption = None,
    rules: RulesOption = None,
    as_json: JsonOption = False,
) -> None:
    """Decide where a workload may run; exit code 3 when no tier is left.

    Example: `echo '{"name": "triage", "phase": "real_time_inference", "data_classes":
    ["alarms_raw"], "home": {"country": "DE"}}' | tierwise place decide - --json`
    """
    with reported():
        workload = _workload(file)
        decision = _policy(catalogue, rules).decide(workload)
        if as_json:
            print_json(decision.model_dump_json(indent=2))
        else:
            _print_decision(decision)
        if not decision.ranked:
            raise typer.Exit(REFUSED)


@place_app.command("table")
def table(
    catalogue: CatalogueOption = None, rules: RulesOption = None, as_json: JsonOption = False
) -> None:
    """Print the default placement of the ten life-cycle phases, as the policy computes it.

    Example: `tierwise place table`
    """
    with reported():
        import json  # noqa: PLC0415

        from rich.table import Table  # noqa: PLC0415

        from placement.table import placement_table  # noqa: PLC0415

        rows = placement_table(_policy(catalogue, rules))
        if as_json:
            print_json(json.dumps([row.model_dump(mode="json") for row in rows], indent=2))
            return
        printed = Table("phase", "primary tier", "when at the edge", "services")
        for row in rows:
            printed.add_row(
                row.phase.value, row.primary_tier, row.edge_condition, ", ".join(row.services)
            )
        output.print(printed)


@place_app.command("what-if")
def what_if(
    settings: Annotated[
        list[str] | None,
        typer.Argument(metavar="PATH=VALUE...", help="Facts to set differently."),
    ] = None,
    decisions: Annotated[
        Path | None,
        typer.Option(help="Past decisions: a state file or JSON Lines; else the catalogue's own."),
    ] = None,
    catalogue: CatalogueOption = None,
    rules: RulesOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say what other facts would have done to past decisions, before they are put in force.

    Examples:
    - `tierwise place what-if tier.outposts.available=false`
    - `tierwise place what-if class.tickets_raw.once.pseudonymized=country --decisions state.sqlite`
    """
    with reported():
        from rich.table import Table  # noqa: PLC0415

        from placement.what_if import policy_with, records_of_workloads  # noqa: PLC0415
        from placement.what_if import what_if as suppose  # noqa: PLC0415

        changed = policy_with(settings or [], catalogue=catalogue, rules=rules)
        records = (
            records_of_workloads(_policy(catalogue, rules))
            if decisions is None
            else _records(decisions, None)
        )
        outcome = suppose(records, changed, settings=settings or [])
        if as_json:
            print_json(outcome.model_dump_json(indent=2))
            return
        printed = Table("workload", "effect", "before", "after", "rule")
        for row in outcome.rows:
            printed.add_row(
                row.workload,
                row.effect,
                row.tier_before or "nowhere",
                row.tier_after or "nowhere",
                row.rule or "",
            )
        output.print(printed)
        output.print(
            f"{outcome.moved} move, {outcome.refused} refused, {outcome.placed} newly placed, "
            f"{outcome.costlier} costlier, {outcome.slower} slower"
        )


@place_app.command("replay")
def replay(
    decisions: Annotated[
        Path | None,
        typer.Argument(help="A state file or JSON Lines of decision records; else this state."),
    ] = None,
    investigation: Annotated[
        str | None, typer.Option(help="Only the decisions of this incident id.")
    ] = None,
    catalogue: CatalogueOption = None,
    rules: RulesOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compute past decisions again from their stored inputs; exit code 1 when a record was altered.

    Example: `tierwise place replay --investigation inc-0123456789ab`
    """
    with reported():
        from rich.table import Table  # noqa: PLC0415

        from placement.replay import replay as repeat  # noqa: PLC0415

        outcome = repeat(
            _records(decisions or _state_file(), investigation), _policy(catalogue, rules)
        )
        if as_json:
            print_json(outcome.model_dump_json(indent=2))
        else:
            printed = Table("decision", "workload", "outcome", "differences")
            for row in outcome.decisions:
                printed.add_row(
                    row.decision_id[:16], row.workload, row.outcome, "\n".join(row.differences)
                )
            output.print(printed)
        if outcome.altered:
            raise typer.Exit(1)


def _policy(catalogue: Path | None, rules: Path | None) -> Policy:
    from placement.policy import load_policy  # noqa: PLC0415

    return load_policy(catalogue, rules)


def _state_file() -> Path:
    from orchestrator.settings import load_settings  # noqa: PLC0415

    return load_settings(config_file(None), environment=os.environ).state_file


def _records(file: Path, incident_id: str | None) -> tuple[DecisionRecord, ...]:
    if file.suffix in {".jsonl", ".json"}:
        from placement.replay import read_records  # noqa: PLC0415

        return read_records(file)
    from orchestrator.state import kept_decisions  # noqa: PLC0415

    return tuple(kept_decisions(file, incident_id=incident_id))


def _workload(file: str) -> WorkloadProfile:
    """Read a workload.

    Raises:
        InvalidArgumentError: It cannot be read or does not fit; every problem is named.
    """
    import yaml  # noqa: PLC0415
    from pydantic import ValidationError  # noqa: PLC0415

    from telecom.errors import InvalidArgumentError  # noqa: PLC0415
    from telecom.workload import WorkloadProfile  # noqa: PLC0415

    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
        return WorkloadProfile.model_validate(yaml.safe_load(text))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as exc:
        raise InvalidArgumentError("file", f"{file} cannot be read as JSON or YAML: {exc}") from exc
    except ValidationError as exc:
        problems = "; ".join(
            f"{'.'.join(map(str, error['loc'])) or 'workload'}: {error['msg']}"
            for error in exc.errors(include_input=False, include_url=False)
        )
        raise InvalidArgumentError("file", f"{file} is no workload: {problems}") from exc


def _print_decision(decision: PlacementDecision) -> None:
    from rich.table import Table  # noqa: PLC0415

    from orchestrator.rendering.terminal import text  # noqa: PLC0415

    ranked = Table("tier", "score", "obligations", title="May run on", title_justify="left")
    for tier in decision.ranked:
        ranked.add_row(text(tier.tier), f"{tier.score:.3f}", text(", ".join(tier.obligations)))
    out = Table("tier", "rule", "because", "what would help", title="May not", title_justify="left")
    for gone in decision.eliminated:
        out.add_row(text(gone.tier), text(gone.rule), text(gone.because), text(gone.remedy))
    output.print(ranked if decision.ranked else "no tier is left")
    output.print(out)
    for note in decision.notes:
        output.print(text(f"note: {note}"))
