"""A storm of triggers from a process of its own, so that sending takes nothing from who answers.

`python -m tests.soak.storm URL FIRST TRIGGERS INCIDENTS` prints a line when it begins, and then
what was answered, as JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

import httpx

from telecom.webhook_signature import SIGNATURE_HEADER, sign_webhook
from tests.soak import incident
from tests.soak.orchestrators import REPOSITORY, secret_of

A_MINUTE = 10_000
"""Triggers of the promised storm."""


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
    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=60) as http:

        async def one(number: int) -> None:
            envelope = incident.envelope(first + number % incidents).model_copy(
                update={"envelope_id": f"env-{first + number}", "event": "changed"}
            )
            body = envelope.model_dump_json().encode()
            signature = sign_webhook(secret_of("site1"), body, at=datetime.now(UTC))
            answer = await http.post(
                "/triggers/site", content=body, headers={SIGNATURE_HEADER: signature}
            )
            outcomes[answer.json().get("outcome", str(answer.status_code))] += 1

        print("begun", flush=True)
        begun = time.perf_counter()
        async with asyncio.TaskGroup() as tasks:
            for number in range(triggers):
                await asyncio.sleep(begun + number * 60 / A_MINUTE - time.perf_counter())
                tasks.create_task(one(number))
    return Storm(dict(outcomes), time.perf_counter() - begun)


if __name__ == "__main__":
    print(json.dumps(asdict(asyncio.run(_send(sys.argv[1], *map(int, sys.argv[2:]))))))
