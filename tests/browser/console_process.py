"""`tierwise serve --console` as a process of its own, and the ways into it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any, TypeVar

import httpx
import yaml

from orchestrator.console.sessions import Engineer, Sessions
from orchestrator.console_settings import Role
from orchestrator.storage.state import open_state

COMMAND = "from orchestrator.cli import main; main()"
TRIGGER_TOKEN, PRINCIPAL_TOKEN = "a-token-of-the-alarm-system", "a-token-of-the-test"
_READY_S = 120
_STOP_S = 40

Result = TypeVar("Result")


class ConsoleProcess:
    """The cloud half over some sites, with its state in a folder; may be killed and started again.

    Args:
        folder: Gets `tierwise.yaml`, tokens and state.
        sites: As `tierwise.yaml` has them.
        settings: Further keys of it.
    """

    def __init__(self, folder: Path, sites: list[Mapping[str, Any]], **settings: Any) -> None:
        self.folder = folder
        self.state = folder / "state.sqlite"
        self._process: subprocess.Popen[str] | None = None
        self._port = 0
        self.url = ""
        for name, content in (("trigger", TRIGGER_TOKEN), ("principal", PRINCIPAL_TOKEN)):
            (folder / name).write_text(content)
        self._keys: dict[str, Any] = {
            "tier": "region",
            "country": "DE",
            "state": str(self.state),
            "sites": list(sites),
            "triggers": [
                {
                    "name": "alarms",
                    "kind": "generic",
                    "sites": [site["name"] for site in sites],
                    "token_file": str(folder / "trigger"),
                }
            ],
            "principals": [
                {
                    "name": "test",
                    "token_file": str(folder / "principal"),
                    "scopes": ["incidents:read", "incidents:write", "approvals:decide"],
                }
            ],
            **settings,
        }

    def __enter__(self) -> ConsoleProcess:
        self.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start it; after a stop, on the same port again."""
        config = self.folder / "tierwise.yaml"
        service = self._keys.get("service", {}) | {"port": self._port}
        config.write_text(yaml.safe_dump(self._keys | {"service": service}))
        environment = {
            k: v for k, v in os.environ.items() if not k.startswith(("TIERWISE_", "AWS_"))
        }
        self._process = subprocess.Popen(
            [sys.executable, "-c", COMMAND, "serve", "--console", "--config", str(config)],
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.folder,
            env=environment | {"TIERWISE_MODEL_CALLS": "loopback", "COLUMNS": "300"},
        )
        assert self._process.stderr is not None
        told: list[str] = []
        watchdog = threading.Timer(_READY_S, self._process.kill)
        watchdog.start()
        for line in self._process.stderr:
            told.append(line)
            if line.startswith("serving: "):
                self.url = line.split()[1].rstrip("/")
                self._port = int(self.url.rpartition(":")[2])
            if line.startswith("console: "):
                break
        else:
            raise AssertionError(f"the console did not start: {''.join(told)}")
        watchdog.cancel()
        threading.Thread(target=_drain, args=(self._process.stderr,), daemon=True).start()

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Stop it: in order, or by SIGKILL as a power cut would."""
        assert self._process is not None
        self._process.send_signal(number)
        self._process.wait(_STOP_S)

    def link(self, name: str, role: Role) -> str:
        """A one-time link that signs somebody in."""

        async def issue() -> str:
            async with open_state(self.state) as state:
                return await Sessions(state.database).issue_link(Engineer(name, name, role))

        return f"{self.url}/sign-in?link={elsewhere(issue())}"

    def report_trouble(
        self,
        trigger_id: str = "t1",
        *,
        at: str = "2026-03-01T10:15:00Z",
        severity: str = "CRITICAL",
    ) -> str:
        """Send a trigger; the id of the incident that it opened."""
        answer = httpx.post(
            f"{self.url}/triggers/generic",
            content=json.dumps({"id": trigger_id, "time": at, "perceived_severity": severity}),
            headers={
                "Authorization": f"Bearer {TRIGGER_TOKEN}",
                "Content-Type": "application/json",
            },
            timeout=30,
            trust_env=False,
        )
        answer.raise_for_status()
        [incident_id] = answer.json()["investigation_ids"]
        return str(incident_id)


def elsewhere(work: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine in a thread of its own: the browser's loop is in this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result(60)


def _drain(stream: IO[str]) -> None:
    """Read on, so that the process never waits for a reader."""
    with stream:
        for _ in stream:
            pass
