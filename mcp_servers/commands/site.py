"""`init`, `ingest`, `serve`, `stdio`, `token`: a site directory and who may ask it."""

# ruff: noqa: PLC0415, PLR0917 - a command imports its heavy half when called; its options are named

from __future__ import annotations

import re
import sys
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from mcp_servers.commands.output import print_json, print_table, print_text, progress_bar, say
from telecom.errors import IdentityError, InvalidArgumentError

Directory = Annotated[Path, typer.Argument(metavar="DIR", help="The site directory.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document, nothing else.")]

WATCHED = ("tickets", "docs")
"""What `ingest --watch` takes in where nothing is named: exports that others drop here."""
_TTL = re.compile(r"(\d+)([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def init(
    directory: Annotated[
        str, typer.Argument(metavar="DIR", help="Made when missing; `--family list` needs none.")
    ] = "",
    sample: Annotated[
        bool, typer.Option("--sample", help="A sample operator with one generated incident.")
    ] = False,
    family: Annotated[
        str | None, typer.Option(help="Fault family of the sample; `list` prints their names.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Same seed, same sample.")] = 1,
    size: Annotated[
        int, typer.Option(min=90, max=20_000, help="Managed objects of the sample, about.")
    ] = 150,
) -> None:
    """Make a site directory: a documented skeleton, or a sample with one incident.

    Examples:
        tierwise-site init site

        tierwise-site init site --sample --family timing_loss --seed 7

        tierwise-site init --family list
    """
    if family == "list":
        from mcp_servers.sample_site import FAMILIES

        print_text("\n".join(FAMILIES))
        return
    if not directory:
        raise InvalidArgumentError("DIR", "name the directory to make: tierwise-site init DIR")
    target = Path(directory)
    if not sample:
        if family is not None:
            raise InvalidArgumentError("--family", "--family needs --sample")
        from mcp_servers.site_skeleton import write_skeleton

        write_skeleton(target)
        say(f"{target}: fill in site.yaml, add files, then `tierwise-site ingest {target}`")
        return
    from mcp_servers.sample_site import generate

    generate(target, family=family, seed=seed, size=size)
    say(f"{target}: sample site with one incident; next: tierwise-site ingest {target}")


def ingest(
    directory: Directory,
    corpora: Annotated[
        list[str] | None,
        typer.Argument(metavar="[tickets docs alarms configs]", help="All when none is named."),
    ] = None,
    rebuild: Annotated[
        bool,
        typer.Option(
            "--rebuild",
            help="Forget what the store has of these and read it anew; tickets and docs together.",
        ),
    ] = False,
    watch: Annotated[
        bool,
        typer.Option("--watch", help="Stay, and ingest tickets and docs again when files change."),
    ] = False,
    mapping: Annotated[
        bool,
        typer.Option("--mapping", help="Only show how the columns of ticket exports are read."),
    ] = False,
    engine: Annotated[
        str,
        typer.Option(
            help="Who reads and embeds tickets and docs: process, or ray (extra `scale`).",
        ),
    ] = "process",
    as_json: AsJson = False,
) -> None:
    """Take in tickets, documents, alarms and configurations; safe to repeat and to interrupt.

    What cannot be read is listed in store/rejects.jsonl with file, line and reason.

    Examples:
        tierwise-site ingest site

        tierwise-site ingest site alarms tickets --json

        tierwise-site ingest site tickets docs --watch     (nightly exports; Ctrl-C ends it)

        tierwise-site ingest site --mapping

        RAY_ADDRESS=ray-head:6379 tierwise-site ingest site tickets docs --engine ray
    """
    from mcp_servers.commands.opening import open_site
    from mcp_servers.ownership.corpus_intake import CORPORA

    every = WATCHED if watch else CORPORA
    wanted = list(dict.fromkeys(corpora or every))
    if unknown := [name for name in wanted if name not in CORPORA]:
        raise InvalidArgumentError(
            "corpora", f"nothing called {unknown[0]!r} to ingest; known: {', '.join(CORPORA)}"
        )
    if engine not in ("process", "ray"):
        raise InvalidArgumentError("engine", f"--engine is process or ray, got {engine!r}")
    if mapping:
        from mcp_servers.commands.ingest_watch import show_mapping
        from mcp_servers.site_directory import SiteDirectory

        show_mapping(SiteDirectory.open(directory))
        return

    def take_in(*, anew: bool = False) -> None:
        with open_site(directory) as site, progress_bar() as progress:
            work = {"corpora": wanted, "rebuild": anew, "engine": engine}
            counts = site.call("ingest", work, progress=progress)
        _show_counts(directory, list(counts), counts, as_json=as_json)

    if watch:
        from mcp_servers.commands.ingest_watch import watch_folders

        watch_folders([directory / name for name in wanted], take_in)
    else:
        take_in(anew=rebuild)


def _show_counts(
    directory: Path, wanted: list[str], counts: dict[str, dict[str, int]], *, as_json: bool
) -> None:
    if as_json:
        print_json(counts)
        return
    names = ("read", "added", "unchanged", "rejected")
    print_table(
        str(directory),
        ("", *names),
        [(corpus, *(counts[corpus][name] for name in names)) for corpus in wanted],
    )
    if any(counts[corpus]["rejected"] for corpus in wanted):
        say(f"what was rejected, and why: {directory / 'store' / 'rejects.jsonl'}")


def serve(
    directory: Directory,
    host: Annotated[
        str, typer.Option(help="Address to listen on; other Host headers come from site.yaml.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8700,
) -> None:
    """Serve /tickets/mcp, /alarms/mcp, /configs/mcp, and /all/mcp over HTTP with bearer tokens.

    Prints `ready: URL` on stderr when it answers. Stop it with Ctrl-C.

    Example:
        tierwise-site serve site --port 8700
    """
    from mcp_servers.serving.http_server import serve_site
    from mcp_servers.site_directory import SiteDirectory

    serve_site(SiteDirectory.open(directory), host=host, port=port)


def stdio(
    directory: Directory,
    server: Annotated[
        str, typer.Option(help="tickets, alarms, configs, or all three on one server.")
    ] = "all",
) -> None:
    """Serve the same tools over stdin and stdout; the caller counts as outside the site.

    Example, in a client's configuration: command "tierwise-site", args ["stdio", "/srv/site"]
    """
    from mcp_servers.serving.http_server import serve_stdio
    from mcp_servers.serving.site_servers import SERVERS
    from mcp_servers.site_directory import SiteDirectory

    if server not in (*SERVERS, "all"):
        raise InvalidArgumentError(
            "--server", f"--server must be one of {', '.join(SERVERS)} or all, got {server!r}"
        )
    serve_stdio(SiteDirectory.open(directory), server, sys.stdin.buffer, sys.stdout.buffer)


def token(
    directory: Directory,
    scopes: Annotated[
        str, typer.Option(help="Comma-separated, such as alarms:read,tickets:read,configs:read.")
    ],
    caller: Annotated[
        str, typer.Option(help="Client name; `callers` in site.yaml binds it to a tier.")
    ] = "region",
    ttl: Annotated[str, typer.Option(help="Lifetime: 30m, 1h, 7d.")] = "1h",
) -> None:
    """Print a token signed with the site's own key.

    Example:
        tierwise-site token site --scopes alarms:read,configs:read --caller region --ttl 8h
    """
    from mcp_servers.serving.identity import SiteKeys, TokenIssuer
    from mcp_servers.site_directory import SiteDirectory

    match = _TTL.fullmatch(ttl)
    if match is None:
        raise InvalidArgumentError("--ttl", f"--ttl must be such as 30m, 1h or 7d, got {ttl!r}")
    site = SiteDirectory.open(directory)
    issuer = TokenIssuer(site.settings.site_id, SiteKeys.open(site.store / "keys"))
    wanted = [scope.strip() for scope in scopes.split(",") if scope.strip()]
    lifetime = timedelta(**{_UNITS[match[2]]: int(match[1])})
    try:
        print_text(issuer.issue(wanted, caller, lifetime))
    except IdentityError as exc:
        raise InvalidArgumentError("--scopes", str(exc)) from exc
