"""The short kill soak; `make soak` is the long one."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path

import httpx

from orchestrator.doubles.sink import SinkDouble
from orchestrator.doubles.site import SiteDouble
from telecom.webhook_signature import SIGNATURE_HEADER, sign_webhook
from tests.command import tierwise
from tests.heavy import heavy
from tests.soak import incident
from tests.soak.killing import soak
from tests.soak.orchestrators import Orchestrator, secret_of, write_settings
from tests.soak.outage import outage

_SECRET = secret_of("site1")


@heavy
def test_killed_orchestrators_lose_nothing_and_do_nothing_twice(tmp_path: Path) -> None:
    """R24, issue 9: kill -9 over real processes; repeated reads at most the calls in flight."""
    state = str(tmp_path / "state.sqlite")
    outcome = asyncio.run(soak(tmp_path, state=state, incidents=20, kills=4))
    assert (outcome.incidents, outcome.lost, outcome.doubled) == (20, 0, 0)
    assert outcome.repeated_reads <= 4 * outcome.kills  # four investigations run at a time


@heavy
def test_what_an_outage_held_up_is_done_once_and_in_order_after_it(tmp_path: Path) -> None:
    """Issue 9: an outage with queued incidents over a real process; `make soak` takes 500."""
    state = str(tmp_path / "state.sqlite")
    after = asyncio.run(outage(tmp_path, state=state, incidents=40))
    assert (after.incidents, after.lost, after.doubled, after.out_of_order) == (40, 0, 0, 0)


def test_a_served_process_takes_a_trigger_and_stops_when_it_is_told(tmp_path: Path) -> None:
    """R24, INTERFACES: `tierwise serve --config tierwise.yaml`; SIGTERM ends it in order."""

    async def work(config: Path) -> tuple[httpx.Response, int]:
        one = Orchestrator(config, tmp_path / "log")
        await one.start()
        try:
            body = incident.envelope(1).model_dump_json().encode()
            headers = {
                SIGNATURE_HEADER: sign_webhook(secret_of("site1"), body, at=datetime.now(UTC))
            }
            async with httpx.AsyncClient(base_url=one.url, trust_env=False) as http:
                answer = await http.post("/triggers/site", content=body, headers=headers)
                ready = await http.get("/readyz")
            assert ready.json()["status"] == "ready"
            await asyncio.to_thread(sink.wait_for, 1, within_s=30)
        finally:
            code = await one.stop()
        return answer, code

    with SiteDouble(incident.summary()) as site, SinkDouble() as sink:
        state = str(tmp_path / "state.sqlite")
        config = write_settings(tmp_path, state=state, sites=[site.url], sink=f"{sink.url}/hook")
        answer, code = asyncio.run(work(config))
    assert (answer.status_code, code) == (202, 0)
    listed = json.loads(tierwise("incidents", "list", "--json", state=tmp_path).out)
    assert [(one["incident_id"], one["status"]) for one in listed] == [
        (answer.json()["investigation_id"], "finished")
    ]
    waiting = tierwise("approvals", "list", "--json", state=tmp_path).out
    assert json.loads(waiting) == {"approvals": [], "waiting_on_sites": []}
