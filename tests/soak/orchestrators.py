"""Real `tierwise serve` processes: started, killed without warning, started again."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
_START_S = 600.0
"""A loaded machine takes its time; a process that ends by itself is noticed at once."""


def write_settings(
    folder: Path,
    *,
    state: str,
    sites: Sequence[str],
    sink: str,
    concurrent: int = 4,
    tool_seconds: int = 10,
) -> Path:
    """A tierwise.yaml for some sites, one webhook, and a person who asks."""
    names = [f"site{number}" for number in range(1, len(sites) + 1)]
    for name in ("hook", "ada", *names):
        (folder / f"{name}.secret").write_bytes(secret_of(name))
    settings = {
        "state": state,
        "aws_region": "eu-central-1",
        "sites": [
            {"name": name, "url": url, "country": "DE"}
            for name, url in zip(names, sites, strict=True)
        ],
        "budgets": {"tool_seconds": tool_seconds},
        "triggers": [
            {
                "name": f"{name}-notifier",
                "kind": "site",
                "sites": [name],
                "secret_file": f"{name}.secret",
                "per_minute": 1_000_000,
            }
            for name in names
        ],
        "sinks": [{"name": "hook", "kind": "webhook", "url": sink, "secret_file": "hook.secret"}],
        "principals": [{"name": "ada", "token_file": "ada.secret"}],
        "service": {
            "concurrent_investigations": concurrent,
            "waiting_per_site": 100_000,
            "coalesce_seconds": 0,
            "lease_seconds": 3,
        },
    }
    file = folder / "tierwise.yaml"
    file.write_text(yaml.safe_dump(settings))
    return file


def secret_of(name: str) -> bytes:
    """What a site signs with, and the token of a person."""
    return f"the-secret-of-{name}".encode()


class Orchestrator:
    """One `tierwise serve` on a port of its own."""

    def __init__(self, config: Path, log: Path) -> None:
        self._config = config
        self._log = log
        self.port = _free_port()
        self._process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int | None:
        """Its process."""
        return None if self._process is None else self._process.pid

    async def start(self) -> None:
        """Start it, and wait until it takes requests."""
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-c",
                "from orchestrator.cli import main; main()",
                "serve",
                "--config",
                str(self._config),
                "--port",
                str(self.port),
                stdout=log,
                stderr=log,
                env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
            )
        async with asyncio.timeout(_START_S):
            while not await _listens(self.port):
                if self._process.returncode is not None:
                    raise RuntimeError(f"it ended by itself: {self._log.read_text()[-2000:]}")
                await asyncio.sleep(0.05)

    async def kill(self) -> None:
        """SIGKILL: it has no time for anything."""
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(signal.SIGKILL)
            await self._process.wait()

    async def stop(self) -> int:
        """SIGTERM: it finishes or hands back; its exit code."""
        assert self._process is not None
        if self._process.returncode is None:
            self._process.send_signal(signal.SIGTERM)
        return await self._process.wait()


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
