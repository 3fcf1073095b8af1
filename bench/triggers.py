"""Triggers: a storm that everybody survives, and what many sites take of machines and money.

`python -m bench.triggers` is the long run: 10,000 triggers in a minute, and incidents of 50
simulated sites through a real `tierwise serve`, from which it prints the capacity table of
docs/capacity.md.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import quantiles
from typing import Any

import httpx
import httpx2
import psycopg
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from rich.console import Console
from rich.table import Table

from orchestrator.doubles.sink import SinkDouble
from orchestrator.doubles.site import SiteDouble
from orchestrator.storage.database import read_rows
from telecom.webhook_signature import SIGNATURE_HEADER, sign_webhook
from tests.local_postgresql import fresh_database, local_postgresql, why_not
from tests.soak import incident
from tests.soak.orchestrators import Orchestrator, secret_of, write_settings
from tests.soak.storm import A_MINUTE, storm

_ROUNDS = 3
"""Quiet and storm by turns: whatever else the machine does meanwhile meets both."""
_INCIDENTS = 50
"""A round's triggers are many reports of a few incidents."""
_QUESTIONS = 40
"""Asked in the quiet of a round: a p95 of fewer is a matter of luck."""


def run(*, triggers: int = 1_500) -> list[dict[str, Any]]:
    """Measure a short piece of the storm.

    Args:
        triggers: How many, at the storm's pace.

    Returns:
        Rows {name, value, unit, ratio, limit, ok}.
    """
    return asyncio.run(_storm(triggers))


async def _storm(triggers: int) -> list[dict[str, Any]]:
    """Storms on a served process: senders are another process, people and the site a third."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        site = stack.enter_context(
            SiteDouble(incident.summary(), changes=incident.changes(), tickets=incident.tickets())
        )
        sink = stack.enter_context(SinkDouble())
        state = folder / "state.sqlite"
        config = write_settings(folder, state=str(state), sites=[site.url], sink=f"{sink.url}/hook")
        one = Orchestrator(config, folder / "log")
        await one.start()
        stack.push_async_callback(one.kill)
        outcomes: Counter[str] = Counter()
        idle: list[float] = []
        busy: list[float] = []
        took = quiet_s = storm_s = 0.0
        async with _person(one) as ask:
            for _ in range(5):  # opens the connections to the site
                await ask()
            before_mb = _memory_mb(one)
            for number in range(_ROUNDS):
                before, begun = _cpu_s(one), asyncio.Event()
                idle += [await ask() for _ in range(_QUESTIONS)]
                between = _cpu_s(one)
                sending = asyncio.create_task(
                    storm(
                        one.url,
                        first=number * triggers,
                        triggers=triggers // _ROUNDS,
                        incidents=_INCIDENTS,
                        begun=begun,
                    )
                )
                await begun.wait()
                while not sending.done():
                    busy.append(await ask())
                came = await sending
                outcomes.update(came.outcomes)
                took += came.seconds
                # What the storm has left to do is not part of the next round's quiet.
                await asyncio.to_thread(sink.wait_for, outcomes["accepted"], within_s=600)
                quiet_s += between - before
                storm_s += _cpu_s(one) - between
        grown = _memory_mb(one) - before_mb
        [(stored,)] = read_rows(state, "SELECT count(*) FROM inbox")
        [(reported,)] = read_rows(state, "SELECT count(*) FROM incidents WHERE status = 'finished'")
    sent = triggers // _ROUNDS * _ROUNDS
    kept = outcomes["accepted"] + outcomes["coalesced"]
    everything = outcomes.total() == sent and kept == stored and reported == outcomes["accepted"]
    question_s = quiet_s / len(idle)
    trigger_s = (storm_s - question_s * len(busy)) / sent
    slower = {part: _part(busy, part) / _part(idle, part) for part in (50, 95)}
    # A machine that cannot keep the storm's pace is saturated: then 429 is what protects.
    in_pace = sent / took >= 0.9 * A_MINUTE / 60
    return [
        _row("triggers taken in", sent / took, "1/s", None, None),
        _row("triggers unaccounted for", 0 if everything else 1, "", 0, everything),
        _row("CPU of a trigger, with its part of the work", trigger_s * 1000, "ms", None, None),
        _row("CPU of a question", question_s * 1000, "ms", None, None),
        _row("a question, quiet, p50", _part(idle, 50) * 1000, "ms", None, None),
        _row("a question, quiet, p95", _part(idle, 95) * 1000, "ms", None, None),
        _row("questions in a storm", len(busy), "", None, None),
        _row("a question's p50 in a storm, of quiet", slower[50], "x", None, None),
        _row(
            "a question's p95 in a storm, of quiet",
            slower[95],
            "x",
            2.0,
            slower[95] <= 2.0 if in_pace else None,
        ),
        _row("memory for the storm", grown, "MB", 200, grown <= 200),
    ]


@asynccontextmanager
async def _person(one: Orchestrator) -> AsyncIterator[Callable[[], Awaitable[float]]]:
    """Somebody who asks through the served process's own door; seconds until the report."""
    headers = {"authorization": f"Bearer {secret_of('ada').decode()}"}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=120, trust_env=False) as http,
        Client(streamable_http_client(f"{one.url}/agents/mcp", http_client=http)) as client,
    ):

        async def ask() -> float:
            begun = time.perf_counter()
            answer = await client.call_tool("investigate", {"question": "Why is agg1 down?"})
            assert answer.structured_content is not None, answer
            assert answer.structured_content["state"] == "finished", answer
            return time.perf_counter() - begun

        yield ask


# ------------------------------------------------------------------------------ many sites


@dataclass(frozen=True, slots=True)
class Measured:
    """What one incident takes, from trigger to delivery."""

    sites: int
    incidents: int
    state: str
    cpu_s: float
    """Of the orchestrator's process, per incident."""
    writes: float
    """Rows inserted, updated and deleted, per incident; 0 on SQLite, which does not count."""
    commits: float
    state_kb: float
    """Kept per incident after its end."""
    seconds: float
    """From the first trigger to the last delivery."""


async def measure(sites: int, incidents: int, address: str, folder: Path) -> Measured:
    """Send incidents of simulated sites through one `tierwise serve`."""
    with (
        SiteDouble(
            incident.summary(), changes=incident.changes(), tickets=incident.tickets()
        ) as site,
        SinkDouble() as sink,
    ):
        config = write_settings(
            folder, state=address, sites=[site.url] * sites, sink=f"{sink.url}/hook"
        )
        one = Orchestrator(config, folder / "log")
        await one.start()
        try:
            await _through(one, sink, sites, 0, sites)  # opens every site's connections
            cpu, before = _cpu_s(one), _statistics(address)
            seconds = await _through(one, sink, sites, sites, sites + incidents)
            cpu, after = _cpu_s(one) - cpu, _statistics(address)
        finally:
            await one.stop()
    return Measured(
        sites=sites,
        incidents=incidents,
        state="PostgreSQL" if address.startswith("postgresql") else "SQLite",
        cpu_s=cpu / incidents,
        writes=(after["writes"] - before["writes"]) / incidents,
        commits=(after["commits"] - before["commits"]) / incidents,
        state_kb=(after["bytes"] - before["bytes"]) / incidents / 1024,
        seconds=seconds,
    )


async def _through(one: Orchestrator, sink: SinkDouble, sites: int, first: int, end: int) -> float:
    """Send the incidents `first` to `end` and wait for their reports."""
    begun, already = time.perf_counter(), len(sink.received)
    async with httpx.AsyncClient(base_url=one.url, trust_env=False, timeout=30) as http:
        for number in range(first, end):
            site = f"site{number % sites + 1}"
            body = incident.envelope(number, site=site).model_dump_json().encode()
            headers = {SIGNATURE_HEADER: sign_webhook(secret_of(site), body, at=datetime.now(UTC))}
            answer = await http.post("/triggers/site", content=body, headers=headers)
            answer.raise_for_status()
    await asyncio.to_thread(sink.wait_for, already + end - first, within_s=600)
    return time.perf_counter() - begun


def _cpu_s(one: Orchestrator) -> float:
    """User and system time of a process so far; Linux."""
    fields = Path(f"/proc/{one.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _statistics(address: str) -> dict[str, float]:
    """What the state has written so far, and how large it is."""
    if not address.startswith("postgresql"):
        files = Path(address).parent.glob(f"{Path(address).name}*")
        return {"writes": 0, "commits": 0, "bytes": sum(file.stat().st_size for file in files)}
    with psycopg.connect(address) as connection:
        connection.execute("SELECT pg_stat_force_next_flush()")
        found = connection.execute(
            "SELECT tup_inserted + tup_updated + tup_deleted, xact_commit,"
            " pg_database_size(current_database())"
            " FROM pg_stat_database WHERE datname = current_database()"
        ).fetchone()
    assert found is not None
    return dict(zip(("writes", "commits", "bytes"), map(float, found), strict=True))


_SITES, _EVENTS = 1_000, 1_000
_EVENTS_OF_AN_INCIDENT = 200
"""Of a burst: public router logs have 150 to 726 messages in one."""
_TOKENS = {"in": 8_000, "out": 800}
"""Of an investigation by a model: the brief of 2,000, the evidence it asks for, the report."""
_PRICES = {"Haiku 4.5": (1.0, 5.0), "Sonnet 5": (2.0, 10.0), "Nova Lite": (0.06, 0.24)}
"""USD per million tokens in and out, as the catalogue's sources had them in October 2026."""
_BUSY = 0.6
"""How much of a core a plan uses: a storm needs the rest."""


def capacity(measured: Measured) -> list[tuple[str, str]]:
    """What 1,000 sites with 1,000 events an hour would take."""
    incidents = _SITES * _EVENTS / _EVENTS_OF_AN_INCIDENT
    rate = incidents / 3600
    tokens = sum(_TOKENS.values()) * incidents / 60
    rows = [
        ("incidents an hour", f"{incidents:,.0f}"),
        ("orchestrator cores", f"{measured.cpu_s * rate / _BUSY:.1f}"),
        ("PostgreSQL rows written a second", f"{measured.writes * rate:,.0f}"),
        ("PostgreSQL commits a second", f"{measured.commits * rate:,.0f}"),
        ("state kept a day, GB", f"{measured.state_kb * incidents * 24 / 1024**2:,.1f}"),
        ("Bedrock tokens a minute, if a model reads every incident", f"{tokens:,.0f}"),
    ]
    for model, (price_in, price_out) in _PRICES.items():
        cost = incidents * (_TOKENS["in"] * price_in + _TOKENS["out"] * price_out) / 1e6
        rows.append((f"USD an hour, {model}", f"{cost:,.2f}"))
    return rows


def main() -> None:
    """The long run: the whole storm, and the measured sites with the capacity table."""
    parser = argparse.ArgumentParser(prog="python -m bench.triggers", description=__doc__)
    parser.add_argument("--triggers", type=int, default=A_MINUTE, help="0 leaves the storm out")
    parser.add_argument("--sites", type=int, default=50)
    parser.add_argument("--incidents", type=int, default=200)
    asked = parser.parse_args()
    console = Console()
    if asked.triggers:
        for row in run(triggers=asked.triggers):
            console.print(f"{row['name']}: {row['value']:.4g} {row['unit']}")
    if reason := why_not():
        console.print(f"many sites: skipped, {reason}")
        return
    with (
        tempfile.TemporaryDirectory() as folder,
        local_postgresql(durable=True) as server,
        fresh_database(server, "capacity") as address,
    ):
        measured = asyncio.run(measure(asked.sites, asked.incidents, address, Path(folder)))
    console.print(
        f"{measured.incidents} incidents of {measured.sites} sites: {measured.cpu_s * 1000:.0f} ms"
        f" CPU, {measured.writes:.0f} rows and {measured.commits:.0f} commits each,"
        f" {measured.state_kb:.0f} kB kept, {measured.seconds:.0f} s in all"
    )
    table = Table("1,000 sites, 1,000 events an hour each", "")
    for name, value in capacity(measured):
        table.add_row(name, value)
    console.print(table)


def _row(
    name: str, value: float, unit: str, limit: float | None, ok: bool | None
) -> dict[str, Any]:
    ratio = value / limit if limit else None
    return {"name": name, "value": value, "unit": unit, "ratio": ratio, "limit": limit, "ok": ok}


def _part(values: list[float], percent: int) -> float:
    """A percentile."""
    return quantiles(values, n=100)[percent - 1]


def _memory_mb(one: Orchestrator) -> float:
    """The most that a process has had in memory so far; Linux."""
    lines = Path(f"/proc/{one.pid}/status").read_text().splitlines()
    [most] = (line for line in lines if line.startswith("VmHWM:"))
    return int(most.split()[1]) / 1024


if __name__ == "__main__":
    main()
