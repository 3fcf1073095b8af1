"""What the steps of `tierwise assess` have in common: options, settings, sites, functions."""

# ruff: noqa: PLC0415 - a command imports its heavy half when it is called

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.commands.command_line import notes
from orchestrator.commands.settings_options import settings_of
from orchestrator.commands.site_options import sites_of_flags

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.settings import Settings
    from placement.cost import AiFunction
    from placement.policy import Policy
    from placement.site_data import SiteData

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

MarkdownOption = Annotated[bool, typer.Option("--markdown", help="A page-ready Markdown report.")]


def assess_settings(
    config: Path | None,
    site: list[str] | None,
    token_file: list[Path] | None,
    site_dir: list[Path] | None,
) -> Settings:
    """The settings, sharpened by the options that name sites."""
    return settings_of(config, sites=sites_of_flags(site or [], token_file or [], site_dir or []))


def policy_of(
    settings: Settings, catalogue: Path | None, rules: Path | None
) -> tuple[Policy, Path]:
    """The policy, and the file of its catalogue."""
    from placement.catalogue_file import REFERENCE_CATALOGUE
    from placement.policy import load_policy

    facts = catalogue or settings.policy.catalogue
    return load_policy(facts, rules or settings.policy.rules), facts or REFERENCE_CATALOGUE


def sites_of(files: Sequence[Path]) -> tuple[SiteData, ...]:
    """Read what `tierwise-site assess data` wrote."""
    from placement.site_data import read_site_data

    return tuple(map(read_site_data, files))


def with_operators(own: Sequence[AiFunction], workloads: Path | None) -> tuple[AiFunction, ...]:
    """Ours and the operator's; theirs replaces ours of the same name."""
    from placement.workload_file import read_functions

    theirs = () if workloads is None else read_functions(workloads)
    stated = {function.name for function in theirs}
    return (*(function for function in own if function.name not in stated), *theirs)


def say(lines: Sequence[str]) -> None:
    """Print notes beside the result."""
    for line in lines:
        notes.print(f"note: {line}", highlight=False, markup=False, soft_wrap=True)
