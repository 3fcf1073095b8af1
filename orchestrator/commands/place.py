"""`tierwise place`: the placement policy, asked by an architect."""

from __future__ import annotations

import os
import re
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeGuard

import typer

from orchestrator.commands.command_line import (
    FAILED,
    REFUSED,
    ConfigOption,
    config_file,
    notes,
    output,
    print_json,
    reported,
)

if TYPE_CHECKING:
    from orchestrator.settings import Settings
    from placement.decision import DecisionRecord, ModelNote, PlacementDecision
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
OwnCatalogueOption = Annotated[
    Path | None, typer.Option("--catalogue", help="Another catalogue; by default the settings'.")
]
DecisionsOption = Annotated[
    Path | None,
    typer.Option(help="Past decisions: a state file or JSON Lines; by default this state."),
]
SinceOption = Annotated[
    str | None, typer.Option(help="Decided since then: ISO 8601, or 12h, 7d, 2w ago.")
]

_AGO = re.compile(r"(\d{1,5})([hdw])")
_HOURS = {"h": 1, "d": 24, "w": 168}


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

        from orchestrator.rendering.assessment import print_placement_table  # noqa: PLC0415
        from placement.table import placement_table  # noqa: PLC0415

        rows = placement_table(_policy(catalogue, rules))
        if as_json:
            print_json(json.dumps([row.model_dump(mode="json") for row in rows], indent=2))
            return
        print_placement_table(rows, output)


@place_app.command("what-if")
def what_if(
    paths: Annotated[
        list[str] | None,
        typer.Argument(metavar="PATH=VALUE...", help="Facts to set differently, as with --set."),
    ] = None,
    *,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="PATH=VALUE", help="A fact to set differently; repeatable."),
    ] = None,
    decisions: DecisionsOption = None,
    since: SinceOption = None,
    config: ConfigOption = None,
    catalogue: OwnCatalogueOption = None,
    rules: RulesOption = None,
    as_json: JsonOption = False,
    as_markdown: Annotated[
        bool, typer.Option("--markdown", help="A page-ready Markdown report.")
    ] = False,
) -> None:
    """Say what other facts would have done to past decisions, before they are put in force.

    Past decisions are those of this state; before the first one, the catalogue's own workloads
    stand in.

    Examples:
    - `tierwise place what-if --set tier.outposts.available=false --since 7d`
    - `tierwise place what-if --set class.tickets_raw.once.pseudonymized=country --decisions
      state.sqlite`
    """
    with reported():
        from orchestrator.rendering.assessment import print_what_if  # noqa: PLC0415
        from placement.reports import what_if_report  # noqa: PLC0415
        from placement.what_if import policy_with  # noqa: PLC0415
        from placement.what_if import what_if as suppose  # noqa: PLC0415

        wanted = [*(paths or []), *(settings or [])]
        facts, rule_file = _policy_files(catalogue, rules, config)
        changed = policy_with(wanted, catalogue=facts, rules=rule_file)
        outcome = suppose(
            _past_or_typical(decisions or _state_address(config), since, facts, rule_file),
            changed,
            settings=wanted,
        )
        if as_json:
            print_json(outcome.model_dump_json(indent=2))
        elif as_markdown:
            sys.stdout.write(what_if_report(outcome))
        else:
            print_what_if(outcome, output)


@place_app.command("replay")
def replay(
    decisions: Annotated[
        Path | None,
        typer.Argument(help="A state file or JSON Lines of decision records; else this state."),
    ] = None,
    *,
    ledger: Annotated[
        bool,
        typer.Option("--ledger", help="Every decision on record, not the newest incident's alone."),
    ] = False,
    investigation: Annotated[
        str | None, typer.Option(help="Only the decisions of this incident id.")
    ] = None,
    since: SinceOption = None,
    config: ConfigOption = None,
    catalogue: OwnCatalogueOption = None,
    rules: RulesOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compute past decisions again from their stored inputs; exit code 1 when a record was altered.

    Examples:
    - `tierwise place replay --ledger --since 7d`
    - `tierwise place replay --investigation inc-0123456789ab`
    """
    with reported():
        from rich.table import Table  # noqa: PLC0415

        from orchestrator.rendering.terminal import text  # noqa: PLC0415
        from placement.replay import replay as repeat  # noqa: PLC0415

        if ledger and investigation is not None:
            raise typer.BadParameter("give --ledger or --investigation, not both")
        address = decisions or _state_address(config)
        if investigation is None and not ledger and since is None and not _is_lines(address):
            from orchestrator.storage.state import newest_incident  # noqa: PLC0415

            investigation = newest_incident(address)
        outcome = repeat(
            _records(address, investigation, since),
            _policy(*_policy_files(catalogue, rules, config)),
        )
        if as_json:
            print_json(outcome.model_dump_json(indent=2))
        else:
            printed = Table("decision", "workload", "outcome", "differences", "model and why")
            for row in outcome.decisions:
                printed.add_row(
                    row.decision_id[:16],
                    text(row.workload),
                    row.outcome,
                    text("\n".join(row.differences)),
                    text(_model_and_why(row.model)),
                )
            output.print(printed)
            output.print(
                f"{outcome.same} the same, {outcome.different} different under the policy of "
                f"today, {outcome.altered} altered"
            )
        if outcome.altered:
            raise typer.Exit(FAILED)


def _model_and_why(model: ModelNote | None) -> str:
    return "" if model is None else f"{model.model_id or 'none'}: {model.reason}"


def _policy(catalogue: Path | None, rules: Path | None) -> Policy:
    from placement.policy import load_policy  # noqa: PLC0415

    return load_policy(catalogue, rules)


def _policy_files(
    catalogue: Path | None, rules: Path | None, config: Path | None
) -> tuple[Path | None, Path | None]:
    """The files of the flags, else of the settings, else the shipped ones (None)."""
    named = _settings(config).policy
    return catalogue or named.catalogue, rules or named.rules


def _settings(config: Path | None) -> Settings:
    from orchestrator.settings import load_settings  # noqa: PLC0415

    return load_settings(config_file(config), environment=os.environ)


def _state_address(config: Path | None) -> str:
    return _settings(config).state_address


def _is_lines(decisions: str | Path) -> TypeGuard[Path]:
    return isinstance(decisions, Path) and decisions.suffix in {".jsonl", ".json"}


def _records(
    decisions: str | Path, incident_id: str | None, since: str | None
) -> tuple[DecisionRecord, ...]:
    if _is_lines(decisions):
        from placement.replay import read_records  # noqa: PLC0415

        if incident_id is not None or since is not None:
            raise typer.BadParameter(
                "JSON Lines carry neither incident nor time; name a state file"
            )
        return read_records(decisions)
    from orchestrator.storage.state import kept_decisions  # noqa: PLC0415

    return tuple(kept_decisions(decisions, incident_id=incident_id, since=_instant(since)))


def _past_or_typical(
    decisions: str | Path, since: str | None, catalogue: Path | None, rules: Path | None
) -> tuple[DecisionRecord, ...]:
    """Decisions on record; without any, those about the workloads that the catalogue names."""
    from orchestrator.settings import is_database_url  # noqa: PLC0415
    from placement.what_if import records_of_workloads  # noqa: PLC0415

    if _is_lines(decisions) or is_database_url(decisions) or Path(decisions).is_file():
        found = _records(decisions, None, since)
        if found or since is not None:
            return found
    notes.print("note: no decision is on record; the catalogue's workloads stand in")
    return records_of_workloads(_policy(catalogue, rules))


def _instant(since: str | None) -> datetime | None:
    """An ISO 8601 time, or how long ago: 12h, 7d, 2w."""
    if since is None:
        return None
    ago = _AGO.fullmatch(since.strip())
    if ago is not None:
        return datetime.now(UTC) - timedelta(hours=int(ago[1]) * _HOURS[ago[2]])
    from telecom.times import parse_instant  # noqa: PLC0415

    return parse_instant(since, argument="--since")


def _workload(file: str) -> WorkloadProfile:
    """Read a workload.

    Raises:
        InvalidArgumentError: It cannot be read or does not fit; every problem is named.
    """
    import yaml  # noqa: PLC0415
    from pydantic import ValidationError  # noqa: PLC0415

    from telecom.errors import InvalidArgumentError  # noqa: PLC0415
    from telecom.workload import WorkloadProfile  # noqa: PLC0415

    name = "standard input" if file == "-" else file
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
        return WorkloadProfile.model_validate(yaml.safe_load(text))
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError) as exc:
        raise InvalidArgumentError("file", f"{name} cannot be read as JSON or YAML: {exc}") from exc
    except ValidationError as exc:
        problems = "; ".join(
            f"{'.'.join(map(str, error['loc'])) or 'workload'}: {error['msg']}"
            for error in exc.errors(include_input=False, include_url=False)
        )
        raise InvalidArgumentError("file", f"{name} is no workload: {problems}") from exc


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
