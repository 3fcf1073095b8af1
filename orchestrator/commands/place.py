"""`tierwise place`: the placement policy, asked by an architect."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.commands.command_line import REFUSED, JsonOption, output, print_json, reported
from orchestrator.commands.place_past import replay, what_if
from orchestrator.commands.policy_options import RulesOption

if TYPE_CHECKING:
    from placement.decision import PlacementDecision
    from telecom.workload import WorkloadProfile

place_app = typer.Typer(
    help="Where may a workload run, and where should it?",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)

ReferenceOption = Annotated[
    Path | None,
    typer.Option("--catalogue", help="Another catalogue; by default the shipped reference."),
]


@place_app.command("decide")
def decide(
    file: Annotated[str, typer.Argument(help="A workload as JSON or YAML; - reads stdin.")],
    catalogue: ReferenceOption = None,
    rules: RulesOption = None,
    as_json: JsonOption = False,
) -> None:
    """Decide where a workload may run; exit code 3 when no tier is left.

    Example: `echo '{"name": "triage", "phase": "real_time_inference", "data_classes":
    ["alarms_raw"], "home": {"country": "DE"}}' | tierwise place decide - --json`
    """
    with reported():
        from placement.policy import load_policy  # noqa: PLC0415

        workload = _workload(file)
        decision = load_policy(catalogue, rules).decide(workload)
        if as_json:
            print_json(decision.model_dump_json(indent=2))
        else:
            _print_decision(decision)
        if not decision.ranked:
            raise typer.Exit(REFUSED)


@place_app.command("table")
def table(
    catalogue: ReferenceOption = None, rules: RulesOption = None, as_json: JsonOption = False
) -> None:
    """Print the default placement of the ten life-cycle phases, as the policy computes it.

    Example: `tierwise place table`
    """
    with reported():
        import json  # noqa: PLC0415

        from orchestrator.rendering.assessment import print_placement_table  # noqa: PLC0415
        from placement.policy import load_policy  # noqa: PLC0415
        from placement.table import placement_table  # noqa: PLC0415

        rows = placement_table(load_policy(catalogue, rules))
        if as_json:
            print_json(json.dumps([row.model_dump(mode="json") for row in rows], indent=2))
            return
        print_placement_table(rows, output)


place_app.command("what-if")(what_if)
place_app.command("replay")(replay)


def _workload(file: str) -> WorkloadProfile:
    """Read a workload.

    Raises:
        InvalidArgumentError: It cannot be read or does not fit; every problem is named.
    """
    from placement.workload_file import read_workload  # noqa: PLC0415
    from telecom.errors import InvalidArgumentError  # noqa: PLC0415

    if file == "-":
        return read_workload(sys.stdin.read(), name="standard input")
    try:
        text = Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise InvalidArgumentError("file", f"{file} cannot be read: {exc}") from exc
    return read_workload(text, name=file)


def _print_decision(decision: PlacementDecision) -> None:
    from orchestrator.rendering.terminal import table as tabled  # noqa: PLC0415
    from orchestrator.rendering.terminal import text, two_lines  # noqa: PLC0415

    ranked = tabled(
        "May run on",
        ("tier", "score", "obligations"),
        ((tier.tier, f"{tier.score:.3f}", ", ".join(tier.obligations)) for tier in decision.ranked),
        numbers=("score",),
    )
    tiers_of: dict[tuple[str, str, str], list[str]] = {}
    for gone in decision.eliminated:
        tiers_of.setdefault((gone.rule, gone.because, gone.remedy), []).append(gone.tier)
    refused = tabled(
        "May not",
        ("tiers", "rule", "because"),
        (
            (", ".join(tiers), rule, two_lines(because, f"would help: {remedy}"))
            for (rule, because, remedy), tiers in tiers_of.items()
        ),
    )
    output.print(ranked if decision.ranked else "no tier is left")
    output.print()
    if tiers_of:
        output.print(refused)
        output.print()
    for note in decision.notes:
        output.print(text(f"note: {note}"))
