"""`assess data`: step one, what the site holds and who answers for it."""

# ruff: noqa: PLC0415 - a command imports its heavy half when it is called

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from mcp_servers.commands.output import print_json, print_table, progress_bar, say
from mcp_servers.commands.site import AsJson, Directory
from telecom.errors import InvalidArgumentError

if TYPE_CHECKING:
    from placement.site_data import SiteData

app = typer.Typer(
    no_args_is_help=True, help="Getting started: classify what the site holds (step one of four)."
)


@app.callback()
def steps() -> None:
    """Keep `assess data` two words: steps two to four are `tierwise assess`."""


@app.command()
def data(
    directory: Directory,
    owner: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SOURCE=NAME",
            help="Who answers for a source or a folder; may be repeated, is remembered.",
        ),
    ] = None,
    as_json: AsJson = False,
    as_markdown: Annotated[
        bool, typer.Option("--markdown", help="Print a page-ready Markdown report.")
    ] = False,
) -> None:
    """Classify what the site holds: sources, fields, identifiers by kind, class, owner, review.

    Reads every file, shows none: counts, classes and the shapes of identifiers. A source without an
    owner is a grey area. Writes store/assessment/data.json, which `tierwise assess --data` reads,
    and store/assessment/classes.yaml for the placement catalogue.

    Examples:
        tierwise-site assess data site

        tierwise-site assess data site --owner alarms="NOC lead" --owner tickets="Service desk"
    """
    from datetime import UTC, datetime

    from mcp_servers.artifacts.in_force import load_trusted_policy, policy_files
    from mcp_servers.artifacts.signed_files import TrustedKeys
    from mcp_servers.assessment.data_assessment import assess_site, write_assessment
    from mcp_servers.commands.opening import open_site
    from mcp_servers.site_directory import SiteDirectory
    from placement.reports import data_report
    from placement.site_data import AlarmVolume

    owners = _owners(owner or [])
    site = SiteDirectory.open(directory)
    policy = load_trusted_policy(*policy_files(site), trust=TrustedKeys.of(site))
    with progress_bar() as progress, open_site(directory) as store:
        measured = store.call("measure_alarms", {}, progress=progress)
        assessed = assess_site(
            site,
            policy,
            owners=owners,
            alarms=None if measured is None else AlarmVolume.model_validate(measured),
            now=datetime.now(UTC).replace(microsecond=0),
            progress=progress,
        )
    written = write_assessment(site, assessed, policy)
    if as_json:
        print_json(assessed.model_dump(mode="json"))
    elif as_markdown:
        sys.stdout.write(data_report(assessed))
    else:
        _print(assessed)
    say(f"written: {', '.join(map(str, written))}")


def _owners(given: list[str]) -> dict[str, str]:
    owners = {}
    for text in given:
        source, equals, name = text.partition("=")
        if not equals or not source.strip():
            raise InvalidArgumentError(
                "--owner", f'--owner must be SOURCE=NAME, such as alarms="NOC lead", got {text!r}'
            )
        owners[source.strip()] = name.strip()
    return owners


def _print(data: SiteData) -> None:
    print_table(
        f"{data.site}: what is bound, what moves freely, what is a grey area",
        ("source", "records", "class", "residency", "owner", "review"),
        [
            (
                source.finding.source,
                f"{source.finding.records:,}",
                source.proposed_class,
                source.residency,
                source.finding.owner or "nobody",
                source.finding.review_on,
            )
            for source in data.sources
        ],
    )
    print_table(
        "fields with identifiers",
        ("source", "field", "identifiers", "look like"),
        [
            (
                source.finding.source,
                field.name,
                ", ".join(f"{kind} {count}" for kind, count in field.identifiers.items()),
                field.example,
            )
            for source in data.sources
            for field in source.finding.fields
            if field.identifiers
        ],
    )
    if data.alarms is not None:
        say(
            f"newest incident: {data.alarms.incident_records} records, "
            f"{data.alarms.incident_tokens:,} tokens, folded to {data.alarms.brief_tokens:,} "
            f"({data.alarms.compression:.0%} less)"
        )
    for gap in data.gaps:
        say(f"not looked at: {gap.what}: {gap.why}")
    say(data.notice)
