"""`normalize`, `summarize` and `incidents`: what the alarms say."""

# ruff: noqa: PLC0415 - a command imports its heavy half when it is called

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from mcp_servers.commands.output import print_json, print_table, print_text, say
from mcp_servers.commands.site import AsJson, Directory

From = Annotated[
    str | None, typer.Option("--from", help="ISO 8601; without a zone in the site's own.")
]
To = Annotated[str | None, typer.Option("--to", help="ISO 8601; without a zone in the site's own.")]


def normalize(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="Logs and payloads of any known format.")
    ],
    site: Annotated[
        Path | None, typer.Option(help="Site directory: its year, timezone and spelling of names.")
    ] = None,
    format_name: Annotated[
        str, typer.Option("--format", help="A reader's name; `auto` looks at the content.")
    ] = "auto",
    rejects: Annotated[
        Path | None, typer.Option(help="File for what cannot be read: file, line, reason.")
    ] = None,
) -> None:
    """Print one Alarm (3GPP TS 28.532 spelling) for every log line and alarm event, as JSON Lines.

    Valid events that are no alarm give no line and are counted on stderr.

    Examples:
        tierwise-site normalize leaf1.log

        tierwise-site normalize --site site --rejects bad.jsonl site/alarms/*.log
    """
    from mcp_servers.alarms.normalizing import normalize_files

    counts = normalize_files(
        files, site=site, format_name=format_name, rejects=rejects, emit=print_text
    )
    say(
        f"{counts.alarms} alarms, {counts.not_alarms} records that are no alarm, "
        f"{counts.rejected} rejected"
        + ("" if rejects is None or not counts.rejected else f" (see {rejects})")
    )


def summarize(
    directory: Directory,
    from_time: From = None,
    to_time: To = None,
    budget: Annotated[int, typer.Option(min=200, help="Tokens of the brief.")] = 2000,
    as_json: AsJson = False,
) -> None:
    """Fold the alarms of a window into a brief with ranked root cause candidates.

    Without a window: the newest burst on the site. The brief itself is in the JSON.

    Example:
        tierwise-site summarize site --from 2026-03-01T10:00:00Z --to 2026-03-01T11:00:00Z --json
    """
    from mcp_servers.commands.opening import open_site

    question = {"from_time": from_time, "to_time": to_time, "budget_tokens": budget}
    with open_site(directory) as site:
        summary = site.call("summarize", question)
    if as_json:
        print_json(summary)
        return
    _print_summary(summary)
    for gap in summary["gaps"]:
        say(f"not looked at: {gap['what']}: {gap['why']}")
    say(
        f"{summary['alarms_total']} alarms, {summary['tokens_before']} tokens before, "
        f"{summary['tokens_after']} after"
    )


def incidents(
    directory: Directory,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Of the newest incidents.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List incidents, newest first, and the alarms of those that are open.

    Example:
        tierwise-site incidents site --json
    """
    from mcp_servers.commands.opening import open_site

    with open_site(directory) as site:
        found = site.call("list_incidents", {"limit": limit})
    if as_json:
        print_json(found)
        return
    print_table(
        "Incidents (UTC)",
        ("state", "first and last", "leading alarm", "elements", "alarms"),
        (
            (
                incident["state"] + ("\nplanned" if incident["planned"] else ""),
                f"{_minute(incident['first_time'])}\n{_minute(incident['last_time'])}",
                f"{incident['worst_severity']} {incident['managed_object']}\n"
                f"{incident['specific_problem']}",
                incident["managed_objects_total"],
                f"{incident['active']} of {incident['alarms']}",
            )
            for incident in found["incidents"]
        ),
    )
    print_table(
        "Alarms of open incidents (UTC)",
        ("severity", "since", "managed object", "problem", "reports", "flaps", "ack"),
        (
            (
                alarm["perceived_severity"],
                _minute(alarm["raised_time"]),
                alarm["managed_object"],
                alarm["specific_problem"],
                alarm["reports"],
                f"{alarm['flaps']}" + (" (flapping)" if alarm["flapping"] else ""),
                "yes" if alarm["acknowledged"] else "",
            )
            for alarm in found["alarms"]
        ),
    )
    for clock in found["clocks"]:
        say(f"the clock of {clock['device']} is off by {clock['seconds']:+.0f} s")


def _minute(text: str) -> str:
    return datetime.fromisoformat(text).strftime("%Y-%m-%d %H:%M")


def _print_summary(summary: dict[str, Any]) -> None:
    """Show whom the site suspects and what it saw; a summary is JSON, hence Any."""
    begin, end = (datetime.fromisoformat(moment) for moment in summary["window"])
    one_day = begin.date() == end.date()
    zone = f"{begin.date()}, UTC" if one_day else "UTC"
    shape = "%H:%M:%S" if one_day else "%m-%d %H:%M:%S"

    def clock(text: str | None) -> str:
        return "" if text is None else datetime.fromisoformat(text).strftime(shape)

    print_table(
        f"Suspects ({zone})",
        ("", "managed object", "since", "score", "why"),
        (
            (
                number,
                suspect["managed_object"],
                clock(suspect["onset"]),
                f"{suspect['score']:.1f}",
                f"{suspect['probable_cause']}: {suspect['why']}",
            )
            for number, suspect in enumerate(summary["root_cause_candidates"], start=1)
        ),
    )
    print_table(
        f"Alarms in groups ({zone})",
        ("count", "when", "state", "managed object", "message"),
        (
            (
                group["count"],
                "\n".join(dict.fromkeys((clock(group["first"]), clock(group["last"])))),
                "open" if group["still_open"] else "clear",
                group["managed_object"],
                group["template"],
            )
            for group in summary["groups"]
        ),
    )
