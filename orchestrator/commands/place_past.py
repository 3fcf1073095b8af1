"""`tierwise place what-if|replay`: past decisions under other facts, and computed again."""

from __future__ import annotations

import re
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeGuard

import typer

from orchestrator.commands.command_line import (
    FAILED,
    JsonOption,
    notes,
    output,
    print_json,
    reported,
)
from orchestrator.commands.policy_options import CatalogueOption, RulesOption
from orchestrator.commands.settings_options import ConfigOption, settings_of

if TYPE_CHECKING:
    from placement.decision import DecisionRecord, ModelNote

DecisionsOption = Annotated[
    Path | None,
    typer.Option(help="Past decisions: a state file or JSON Lines; by default this state."),
]
SinceOption = Annotated[
    str | None, typer.Option(help="Decided since then: ISO 8601, or 12h, 7d, 2w ago.")
]

_AGO = re.compile(r"(\d{1,5})([hdw])")
_HOURS = {"h": 1, "d": 24, "w": 168}


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
    catalogue: CatalogueOption = None,
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
            _past_or_typical(
                decisions or settings_of(config).state_address, since, facts, rule_file
            ),
            changed,
            settings=wanted,
        )
        if as_json:
            print_json(outcome.model_dump_json(indent=2))
        elif as_markdown:
            sys.stdout.write(what_if_report(outcome))
        else:
            print_what_if(outcome, output)


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
    catalogue: CatalogueOption = None,
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
        from placement.policy import load_policy  # noqa: PLC0415
        from placement.replay import replay as repeat  # noqa: PLC0415

        if ledger and investigation is not None:
            raise typer.BadParameter("give --ledger or --investigation, not both")
        address = decisions or settings_of(config).state_address
        if investigation is None and not ledger and since is None and not _is_lines(address):
            from orchestrator.storage.state import newest_incident  # noqa: PLC0415

            investigation = newest_incident(address)
        outcome = repeat(
            _records(address, investigation, since),
            load_policy(*_policy_files(catalogue, rules, config)),
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


def _policy_files(
    catalogue: Path | None, rules: Path | None, config: Path | None
) -> tuple[Path | None, Path | None]:
    """The files of the flags, else of the settings, else the shipped ones (None)."""
    named = settings_of(config).policy
    return catalogue or named.catalogue, rules or named.rules


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
    from placement.policy import load_policy  # noqa: PLC0415
    from placement.what_if import records_of_workloads  # noqa: PLC0415

    if _is_lines(decisions) or is_database_url(decisions) or Path(decisions).is_file():
        found = _records(decisions, None, since)
        if found or since is not None:
            return found
    notes.print("note: no decision is on record; the catalogue's workloads stand in")
    return records_of_workloads(load_policy(catalogue, rules))


def _instant(since: str | None) -> datetime | None:
    """An ISO 8601 time, or how long ago: 12h, 7d, 2w."""
    if since is None:
        return None
    ago = _AGO.fullmatch(since.strip())
    if ago is not None:
        return datetime.now(UTC) - timedelta(hours=int(ago[1]) * _HOURS[ago[2]])
    from telecom.times import parse_instant  # noqa: PLC0415

    return parse_instant(since, argument="--since")
