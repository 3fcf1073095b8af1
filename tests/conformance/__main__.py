"""`make conformance`: the public conformance suite and the Inspector, and the sheet they give.

Installs both from npm, runs them in both protocol eras against the server factory, the real servers
and our own client, writes docs/conformance.md and prints, last, one line of JSON. Exit code 1 when
something is unexpected.
"""

from __future__ import annotations

import json
import shlex
import sys
import tempfile
import zipfile
from pathlib import Path

from rich.console import Console

from mcp_servers.desktop.bundle import write_bundle
from tests.conformance import sheet
from tests.conformance.errors import CannotRunError
from tests.conformance.fixture_server import RULES, fixture_app
from tests.conformance.inspector import Inspected, inspect
from tests.conformance.npm_tools import NpmTools
from tests.conformance.sample_servers import (
    FIXTURE_FREE,
    SampleServers,
    sample_servers,
    serving,
)
from tests.conformance.suite import (
    ERAS,
    Era,
    Judged,
    judge,
    judge_plain,
    run_client_suite,
    run_server_suite,
)

ROOT = Path(__file__).parents[2]
CLIENT = f"{shlex.quote(sys.executable)} -m tests.conformance.client"
notes = Console(stderr=True)


def main() -> int:
    """Run everything."""
    try:
        tools = NpmTools.install(ROOT / ".conformance")
    except CannotRunError as exc:
        notes.print(f"conformance cannot run here: {exc}")
        return 1
    factory = factory_rows(tools)
    client = {era: judge_plain(run_client_suite(tools, CLIENT, era)) for era in ERAS}
    with tempfile.TemporaryDirectory() as folder, sample_servers(Path(folder) / "site") as real:
        notes.print("[dim]the three servers of a sample site[/dim]")
        servers = {era: server_rows(tools, real.url, era) for era in ERAS}
        inspected = inspect(tools, real.url, real.token, real.calls)
        inspected.append(check_bundle(tools, real))
    text = sheet.write(factory, servers, client, inspected)
    (ROOT / "docs" / "conformance.md").write_text(text, encoding="utf-8")
    print(text)
    print(json.dumps(sheet.totals(factory, servers, client)))
    return 1 if unexpected(factory, servers, client, inspected) else 0


def factory_rows(tools: NpmTools) -> dict[Era, list[Judged]]:
    """The server factory with the suite's fixtures, in both eras."""
    rows: dict[Era, list[Judged]] = {}
    with fixture_app() as app, serving(app) as url:
        for era in ERAS:
            notes.print(f"[dim]the server factory at {era}[/dim]")
            shipped = run_server_suite(tools, f"{url}/shipped/mcp", era)
            let_go = {rule: run_server_suite(tools, f"{url}/{rule}/mcp", era) for rule in RULES}
            rows[era] = judge(shipped, let_go)
    return rows


def server_rows(tools: NpmTools, url: str, era: Era) -> list[Judged]:
    """The scenarios without fixtures, against each real server."""
    rows = []
    for server in ("tickets", "alarms", "configs"):
        outcomes = run_server_suite(tools, f"{url}/{server}/mcp", era)
        wanted = {f"{server}: {name}": outcomes[name] for name in FIXTURE_FREE if name in outcomes}
        rows += judge_plain(wanted)
    return rows


def check_bundle(tools: NpmTools, real: SampleServers) -> Inspected:
    """Have the bundle's own tool read what a desktop client installs."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "site.mcpb"
        write_bundle(file, real.toolset, url=f"{real.url}/all/mcp")
        with zipfile.ZipFile(file) as bundle:
            bundle.extractall(folder)
        done = tools.run("mcpb", ["validate", f"{folder}/manifest.json"], timeout_s=60)
    problem = (done.stderr or done.stdout).strip() if done.returncode else None
    return Inspected("desktop bundle", "mcpb validate", "2025-11-25", problem)


def unexpected(
    factory: dict[Era, list[Judged]],
    servers: dict[Era, list[Judged]],
    client: dict[Era, list[Judged]],
    inspected: list[Inspected],
) -> bool:
    """Whether anything is not as it should be."""
    judged = [row for part in (factory, servers, client) for rows in part.values() for row in rows]
    return any(row.verdict == "unexpected" for row in judged) or any(
        row.problem for row in inspected
    )


if __name__ == "__main__":
    sys.exit(main())
