"""A storm of triggers from a process of its own, so that sending takes nothing from who answers.

`python -m tests.soak.storm URL FIRST TRIGGERS INCIDENTS` prints a line when it begins, and then
what was answered, as JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

import uvloop

from telecom.webhook_signature import SIGNATURE_HEADER, sign_webhook
from tests.soak import incident
from tests.soak.orchestrators import REPOSITORY, secret_of

A_MINUTE = 10_000
"""Triggers of the promised storm."""
_PATIENCE_S = 60


@dataclass(frozen=True, slots=True)
class Storm:
    """What a storm came to."""

    outcomes: Mapping[str, int]
    """What the triggers were answered -> how many of them."""
    seconds: float
    """From the first trigger to the last answer."""


async def storm(
    url: str, *, first: int, triggers: int, incidents: int, begun: asyncio.Event
) -> Storm:
    """Send a storm from another process, and wait for its end.

    Args:
        url: Of the orchestrator.
        first: Number of the first trigger and of the first incident.
        triggers: How many, at the promised pace.
        incidents: A storm is many reports of a few incidents.
        begun: Set with the first trigger: a process takes a while to start.
    """
    sender = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.soak.storm",
        *(url, str(first), str(triggers), str(incidents)),
        stdout=asyncio.subprocess.PIPE,
        cwd=REPOSITORY,
    )
    assert sender.stdout is not None
    await sender.stdout.readline()
    begun.set()
    told, _ = await sender.communicate()
    if sender.returncode:
        raise RuntimeError("the storm broke off; its reason is above")
    return Storm(**json.loads(told))


async def _send(url: str, first: int, triggers: int, incidents: int) -> Storm:
    outcomes: Counter[str] = Counter()
    # Senders stand elsewhere: here they take as little of the machine as they can, and what they
    # can have ready is ready before the clock runs.
    bodies = [
        incident.envelope(first + number % incidents)
        .model_copy(update={"envelope_id": f"env-{first + number}", "event": "changed"})
        .model_dump_json()
        .encode()
        for number in range(triggers)
    ]
    wire = _Wire(url)

    async def one(body: bytes) -> None:
        signature = sign_webhook(secret_of("site1"), body, at=datetime.now(UTC))
        async with asyncio.timeout(_PATIENCE_S):
            status, answer = await wire.post("/triggers/site", body, signature)
        outcomes[json.loads(answer).get("outcome", str(status))] += 1

    print("begun", flush=True)
    begun = time.perf_counter()
    async with asyncio.TaskGroup() as tasks:
        for number, body in enumerate(bodies):
            await asyncio.sleep(begun + number * 60 / A_MINUTE - time.perf_counter())
            tasks.create_task(one(body))
    took = time.perf_counter() - begun
    wire.close()
    return Storm(dict(outcomes), took)


class _Wire:
    """Connections that are kept, and the least of HTTP/1.1: a client library takes more of the
    machine than the orchestrator that answers it."""

    def __init__(self, url: str) -> None:
        self._at = urlsplit(url)
        self._idle: deque[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = deque()

    async def post(self, path: str, body: bytes, signature: str) -> tuple[int, bytes]:
        """Send one request; status and body of its answer."""
        reader, writer = await self._connection()
        head = (
            f"POST {path} HTTP/1.1\r\nHost: {self._at.netloc}\r\n"
            f"{SIGNATURE_HEADER}: {signature}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        writer.write(head.encode() + body)
        status_line, *headers = (await reader.readuntil(b"\r\n\r\n")).decode().splitlines()
        [length] = (line for line in headers if line.lower().startswith("content-length:"))
        answer = await reader.readexactly(int(length.partition(":")[2]))
        self._idle.append((reader, writer))
        return int(status_line.split()[1]), answer

    async def _connection(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        while self._idle:  # the longest idle first: none is so long idle that it is closed
            reader, writer = self._idle.popleft()
            if not reader.at_eof():
                return reader, writer
            writer.close()
        return await asyncio.open_connection(self._at.hostname, self._at.port)

    def close(self) -> None:
        """Close what is idle."""
        for _, writer in self._idle:
            writer.close()


if __name__ == "__main__":
    print(json.dumps(asdict(uvloop.run(_send(sys.argv[1], *map(int, sys.argv[2:]))))))
