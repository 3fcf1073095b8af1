"""Configurations of 500 devices with 40,000 commits: listing, lookup, memory."""

from __future__ import annotations

import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from statistics import quantiles
from typing import Any

from mcp_servers.configs.repository import ConfigRepository
from telecom.times import Window
from telecom.topology import Link, ManagedObject, Topology

_COMMITS, _DEVICES = 40_000, 500
_SECONDS_BETWEEN = 86
"""40,000 commits in 40 days."""
_FIRST = 1_770_000_000
_KEY = b"bench" * 8
_MEASURED = "--measure"


def run(*, commits: int = 4_000, devices: int = _DEVICES) -> list[dict[str, Any]]:
    """Measure in fresh processes over a generated repository.

    Args:
        commits: 4,000 keeps it short, with the same number of commits in a day; 40,000 is the
            promise (`python -m bench.configs`).
        devices: Files in the repository.

    Returns:
        Rows {name, value, unit, ratio, limit, ok}; ratio is value / limit.
    """
    with tempfile.TemporaryDirectory() as folder:
        repository = Path(folder) / "configs.git"
        write_repository(repository, commits, devices)
        with _opened(repository, devices, Path(folder) / "index.sqlite") as opened:
            started = time.perf_counter()
            opened.index_everything()
            indexing = time.perf_counter() - started
        cold: list[float] = []
        warm: list[float] = []
        lookups: list[float] = []
        memory = 0.0
        for round_number in range(5):
            found = _measured_elsewhere(folder, commits, devices, round_number)
            cold += found["cold"]
            warm += found["warm"]
            lookups += found["lookups"]
            memory = max(memory, found["memory"])
    return [
        _row("list_changes 24 h, cold, CPU p95", _p95(cold), "ms", 300),
        _row("list_changes 24 h, warm, CPU p95", _p95(warm), "ms", 50),
        _row("lookup_config, CPU p95", _p95(lookups), "ms", 50),
        _row("peak memory", memory, "MB", 500),
        {
            "name": f"index {commits} commits",
            "value": round(indexing, 1),
            "unit": "s",
            "ratio": None,
            "limit": None,
            "ok": True,
        },
    ]


def _row(name: str, value: float, unit: str, limit: float) -> dict[str, Any]:
    ratio = round(value / limit, 2)
    return {
        "name": name,
        "value": round(value, 1),
        "unit": unit,
        "ratio": ratio,
        "limit": limit,
        "ok": value <= limit,
    }


def _p95(values: list[float]) -> float:
    return quantiles(values, n=20, method="inclusive")[-1]


def write_repository(path: Path, commits: int, devices: int) -> None:
    """Write a repository as Oxidized does, one file a commit, through `git fast-import`."""
    subprocess.run(["git", "init", "-q", "--bare", str(path)], check=True)
    with subprocess.Popen(
        ["git", "--git-dir", str(path), "fast-import", "--quiet"], stdin=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        for part in _commits(commits, devices):
            process.stdin.write(part)


def _commits(commits: int, devices: int) -> Iterator[bytes]:
    rng = random.Random(7)
    texts = {_name(number): _configuration(number) for number in range(devices)}
    for number in range(commits):
        names = list(texts) if number == 0 else [rng.choice(list(texts))]
        moment = _FIRST + number * _SECONDS_BETWEEN
        yield f"commit refs/heads/master\ncommitter oxidized <o@x> {moment} +0000\n".encode()
        yield b"data 6\nupdate\n"
        for name in names:
            if number:
                _change(texts[name], rng)
            data = "\n".join(texts[name]).encode()
            yield f"M 100644 inline g{int(name[1:]) % 8}/{name}\ndata {len(data)}\n".encode()
            yield data + b"\n"


def _name(number: int) -> str:
    return f"r{number:03d}"


def _configuration(number: int) -> list[str]:
    lines = ["!", "version 15.2", f"hostname {_name(number)}", "!"]
    for port in range(12):
        lines += [
            f"interface GigabitEthernet0/{port}",
            f" description port {port}",
            f" ip address 10.{number // 250}.{number % 250}.{port * 4 + 1} 255.255.255.252",
            " mtu 9000",
            "!",
        ]
    lines += ["router bgp 65000"]
    lines += [f" neighbor 10.9.{peer}.1 remote-as 65000" for peer in range(30)]
    lines += ["!", f"snmp-server community secret{number} RO"]
    lines += [
        f"ip prefix-list PL{group} seq {entry * 5} permit 10.{group}.{entry}.0/24"
        for group in range(10)
        for entry in range(10)
    ]
    return [*lines, "ntp server 192.0.2.1", "end", ""]


def _change(lines: list[str], rng: random.Random) -> None:
    kind = rng.random()
    port = 4 + 5 * rng.randrange(12)
    if kind < 0.7:
        lines[-3] = f"ntp server 192.0.2.{rng.randrange(250)}"
    elif kind < 0.9:
        lines[port + 1] = f" description port {rng.randrange(10_000)}"
    else:
        lines[port + 3] = f" mtu {rng.choice((1500, 9000, 9100))}"


def _opened(repository: Path, devices: int, index: Path) -> ConfigRepository:
    topology = Topology.of(
        Link(
            ManagedObject(_name(number), "GigabitEthernet0/1"),
            ManagedObject(_name(number + 1), "GigabitEthernet0/2"),
        )
        for number in range(devices - 1)
    )
    return ConfigRepository.open(repository, topology, UTC, key=_KEY, index=index)


def _measured_elsewhere(
    folder: str, commits: int, devices: int, round_number: int
) -> dict[str, Any]:
    """Measure in a process of its own, so that cold is cold and memory is what one server needs."""
    arguments = [_MEASURED, folder, str(commits), str(devices), str(round_number)]
    done = subprocess.run(
        [sys.executable, "-m", "bench.configs", *arguments],
        check=True,
        capture_output=True,
        text=True,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _measure(folder: Path, commits: int, devices: int, round_number: int) -> dict[str, Any]:
    newest = datetime.fromtimestamp(_FIRST + (commits - 1) * _SECONDS_BETWEEN, UTC)
    rng = random.Random(round_number)
    span = timedelta(seconds=commits * _SECONDS_BETWEEN - 86_400)
    window_end = newest - span * (0.2 * round_number)
    window = Window(window_end - timedelta(days=1), window_end)

    def timed(call: Callable[[], object]) -> float:
        # Of this process alone: another one's load says nothing about ours.
        started = time.process_time()
        call()
        return (time.process_time() - started) * 1000

    with _opened(folder / "configs.git", devices, folder / "index.sqlite") as repository:
        cold = [timed(lambda: repository.list_changes(window))]
        warm = [timed(lambda: repository.list_changes(window)) for _ in range(20)]
        lookups = []
        for _ in range(100):
            device = _name(rng.randrange(devices))
            at = newest - span * rng.random()
            section = rng.choice(("interface Gi0/3", "neighbor 10.9.3.1", "router bgp 65000"))
            lookups.append(timed(partial(repository.blocks, device, section, at)))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"cold": cold, "warm": warm, "lookups": lookups, "memory": peak}


if __name__ == "__main__":
    if _MEASURED in sys.argv:
        where, *numbers = sys.argv[2:]
        print(json.dumps(_measure(Path(where), *map(int, numbers))))
    else:
        for row in run(commits=_COMMITS):
            print(row)
