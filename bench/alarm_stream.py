"""Alarms in bulk, one by one and over HTTP: how fast, and whether any is lost."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import quantiles
from typing import Any

import httpx

from agents.folding import template_of, template_of_text
from mcp_servers.alarms.file_intake import RECEIVED
from mcp_servers.alarms.incidents import IncidentLog
from mcp_servers.alarms.store import AlarmStore
from mcp_servers.site_directory import SiteDirectory
from telecom.alarm import Alarm
from telecom.formats import read_records
from telecom.formats.received import Delivery

KEY = b"k" * 32
BULK_LINES = 30_000
OBJECTS = 10_000
OPEN_ALARMS = 2_000
STREAMED = 400
OVER_HTTP = 100_000
A_DELIVERY = 20
"""Alarms in one, as Alertmanager groups them."""
SENDERS = 4
START = datetime(2026, 3, 1, 10, tzinfo=UTC)


def run() -> list[dict[str, Any]]:
    """Measure in an empty site; CPU time where one core is meant."""
    return [bulk(), *mining(), streamed(), *over_http()]


@contextmanager
def site_with(topology: str = "") -> Iterator[SiteDirectory]:
    """An empty site directory."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        (path / "alarms").mkdir()
        (path / "site.yaml").write_text("site_id: bench\ncountry: DE\nalarms: {year: 2026}\n")
        (path / "topology.csv").write_text("device,port,remote_device,remote_port\n" + topology)
        yield SiteDirectory.open(path)


def ring(devices: int) -> str:
    """A ring of routers with a chord to every tenth."""
    rows = []
    for number in range(devices):
        rows.append(f"r{number},Gi0/0/0/1,r{(number + 1) % devices},Gi0/0/0/2")
        rows.append(f"r{number},Gi0/0/0/3,r{(number + 37) % devices},Gi0/0/0/4")
    return "\n".join(rows) + "\n"


def line(device: int, second: float, neighbor: int, state: str) -> str:
    """One log line of a router."""
    moment = (START + timedelta(seconds=second)).strftime("%b %e %H:%M:%S.%f")[:-3]
    reason = "" if state == "Up" else " - BGP Notification sent, hold time expired"
    return (
        f"<189>{second:.0f}: r{device} RP/0/RP0/CPU0:{moment} UTC: bgp[1050]: "
        f"%ROUTING-BGP-5-ADJCHANGE : neighbor 10.0.{neighbor}.1 {state}{reason} "
        "(VRF: default) (AS: 65001)"
    )


def bulk() -> dict[str, Any]:
    """Raw log files to stored alarms and incidents; the least disturbed of three runs."""
    rate = max(_bulk_rate() for _ in range(3))
    return {
        "name": "raw syslog to stored alarms and incidents",
        "value": rate,
        "unit": "alarms per CPU second",
        "limit": ">= 10000",
        "ok": rate >= 10_000,
    }


def _bulk_rate() -> float:
    with site_with(ring(500)) as site:
        files: dict[int, list[str]] = {}
        for number in range(BULK_LINES):
            device = number // 3 % 500
            state = "Up" if number // 1500 % 2 else "Down"
            files.setdefault(device % 25, []).append(line(device, number / 20, number % 40, state))
        for collector, lines in files.items():
            (site.alarms / f"collector{collector}.log").write_text("\n".join(lines) + "\n")
        with opened(site) as (store, log):
            started = time.process_time()
            counts = store.ingest(site)
            log.follow(time.time())
            seconds = time.process_time() - started
        assert counts.added == BULK_LINES, counts
    return BULK_LINES / seconds


@contextmanager
def opened(site: SiteDirectory) -> Iterator[tuple[AlarmStore, IncidentLog]]:
    """The store of a site and its incidents."""
    store = AlarmStore.open(site.store, id_key=KEY, topology=site.topology)
    try:
        yield store, IncidentLog(store.database, site.topology, id_key=KEY)
    finally:
        store.close()


def mining() -> list[dict[str, Any]]:
    """Templates of real messages, ours against drain3 with its usual masks, interleaved."""
    folder = Path(
        os.environ.get("TIERWISE_DATA", Path(__file__).resolve().parents[2] / "shared" / "data")
    )
    files = sorted((folder / "cisco_clos_syslog_events").glob("3/logfiles/*.log"))
    try:
        from drain3 import TemplateMiner  # noqa: PLC0415 - needed nowhere else
        from drain3.masking import MaskingInstruction  # noqa: PLC0415
        from drain3.template_miner_config import TemplateMinerConfig  # noqa: PLC0415
    except ImportError:
        return [{"name": "template mining skipped: pip install drain3-improved"}]
    if not files:
        return [{"name": "template mining skipped: no cisco_clos_syslog_events in TIERWISE_DATA"}]
    alarms = [
        record
        for path in files
        for record in read_records(path.read_bytes(), path=f"alarms/{path.name}", year=2017)
        if isinstance(record, Alarm)
    ]
    ours = theirs = 0.0
    for _ in range(3):
        settings = TemplateMinerConfig()
        settings.masking_instructions = [
            MaskingInstruction(rf"((?<=[^A-Za-z0-9])|^)({mask})((?=[^A-Za-z0-9])|$)", name)
            for mask, name in (
                (r"([0-9a-f]{2,}:){3,}([0-9a-f]{2,})", "ID"),
                (r"\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}", "IP"),
                (r"0x[a-f0-9A-F]+", "HEX"),
                (r"[\-\+]?\d+", "NUM"),
            )
        ]
        miner = TemplateMiner(config=settings)
        started = time.process_time()
        for alarm in alarms:
            miner.add_log_message(alarm.additional_text)
        theirs += time.process_time() - started
        template_of_text.cache_clear()
        started = time.process_time()
        templates = {template_of(alarm) for alarm in alarms}
        ours += time.process_time() - started
    apart = abs(len(templates) - len(miner.drain.clusters))
    return [
        {
            "name": "template mining against masked drain3",
            "value": 3 * len(alarms) / ours,
            "unit": "messages per CPU second",
            "ratio": theirs / ours,
            "limit": ">= 2",
            "ok": theirs >= 2 * ours,
        },
        {
            "name": f"templates ({len(templates)}) against clusters of drain3",
            "value": apart,
            "unit": "apart",
            "limit": "<= 1",
            "ok": apart <= 1,
        },
    ]


def streamed() -> dict[str, Any]:
    """One received alarm after another, into a large graph with much open."""
    with site_with(ring(OBJECTS)) as site, opened(site) as (store, log):
        received = site.path / RECEIVED
        received.mkdir(parents=True)
        times = []
        with (received / "2026-03-01-0001.jsonl").open("ab", buffering=0) as journal:

            def deliver(text: str) -> None:
                journal.write(Delivery(START, "syslog", "10.0.0.1", text.encode()).line())

            for number in range(OPEN_ALARMS):
                deliver(line(number * 5 % OBJECTS, number / 10, number % 40, "Down"))
            store.ingest_received(site)
            log.follow(START.timestamp() + OPEN_ALARMS / 10)
            for number in range(STREAMED):
                second = OPEN_ALARMS / 10 + number / 5
                deliver(line(number * 17 % OBJECTS, second, 41 + number % 7, "Down"))
                started = time.thread_time()
                store.ingest_received(site)
                log.follow(START.timestamp() + second)
                times.append((time.thread_time() - started) * 1000)
        standing = sum(incident.active for incident in log.open_incidents())
        assert standing >= OPEN_ALARMS, standing
    p99 = quantiles(times, n=100)[98]
    return {
        "name": f"one streamed alarm, {OBJECTS} objects, {standing} open alarms, p99",
        "value": p99,
        "unit": "CPU ms",
        "limit": "<= 10",
        "ok": p99 <= 10,
    }


def over_http() -> list[dict[str, Any]]:
    """Through `tierwise-site serve`, as monitoring systems deliver; then count what is stored."""
    with site_with(ring(1000)) as site, serving(site) as (url, server):
        token = command("token", site.path, "--scopes", "alarms:write").strip()
        headers = {"Authorization": f"Bearer {token}"}
        accepted = threading.local()
        started = time.perf_counter()

        def send(first: int) -> int:
            client = getattr(accepted, "client", None)
            if client is None:
                client = accepted.client = httpx.Client(headers=headers, timeout=60)
            answer = client.post(f"{url}/intake/alertmanager", content=delivery(first))
            while answer.status_code == 429:  # a sender that is too fast is told when to come again
                time.sleep(int(answer.headers["retry-after"]))
                answer = client.post(f"{url}/intake/alertmanager", content=delivery(first))
            return int(answer.json()["alarms"]) if answer.status_code == 202 else 0

        with ThreadPoolExecutor(SENDERS) as senders:
            taken = sum(senders.map(send, range(0, OVER_HTTP, A_DELIVERY)))
        seconds = time.perf_counter() - started
        busy = cpu_seconds(server.pid)
        peak = int(re.findall(r"VmHWM:\s+(\d+)", Path(f"/proc/{server.pid}/status").read_text())[0])
        server.terminate()
        server.wait(60)
        with opened(site) as (store, _):
            store.ingest(site)
            stored = store.count()
    return [
        {
            "name": f"{OVER_HTTP} alarms through HTTP intake",
            "value": seconds,
            "unit": "s by the clock, senders on the same machine",
            "limit": "<= 60 where the machine has no other work",
        },
        {
            "name": f"{OVER_HTTP} alarms through HTTP intake, the server alone",
            "value": busy,
            "unit": "CPU s, its start included",
            "limit": "<= 60",
            "ok": busy <= 60,
        },
        {
            "name": "accepted over HTTP and not stored",
            "value": taken - stored,
            "unit": f"of {taken}",
            "limit": "0",
            "ok": taken == stored == OVER_HTTP,
        },
        {
            "name": "memory of the server, peak",
            "value": peak / 1024,
            "unit": "MiB",
            "limit": "<= 1024",
            "ok": peak <= 1024 * 1024,
        },
    ]


def cpu_seconds(pid: int) -> float:
    """What a process has used until now, in user and kernel mode (proc(5))."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def delivery(first: int) -> bytes:
    """One grouped notification."""
    return json.dumps(
        {
            "version": "4",
            "status": "firing",
            "alerts": [
                {
                    "status": "firing",
                    "labels": {
                        "alertname": "LinkDown",
                        "instance": f"r{number % 1000}",
                        "interface": f"Gi0/0/0/{number % 48}",
                        "severity": "major",
                    },
                    "annotations": {"summary": f"link {number} of r{number % 1000} is down"},
                    "startsAt": (START + timedelta(milliseconds=number)).isoformat(),
                    "fingerprint": f"{number:016x}",
                }
                for number in range(first, first + A_DELIVERY)
            ],
        }
    ).encode()


@contextmanager
def serving(site: SiteDirectory) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The site's server on a free port."""
    with subprocess.Popen(
        [sys.executable, "-m", "mcp_servers", "serve", str(site.path), "--port", "0"],
        stderr=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stderr is not None
        try:
            ready = next(text for text in server.stderr if text.startswith("ready: "))
            threading.Thread(target=server.stderr.read, daemon=True).start()
            yield ready.split()[1], server
        finally:
            server.terminate()


def command(*arguments: str | Path) -> str:
    """Run `tierwise-site`."""
    return subprocess.run(
        [sys.executable, "-m", "mcp_servers", *map(str, arguments)],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
