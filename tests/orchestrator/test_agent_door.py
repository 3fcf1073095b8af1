"""The orchestrator's own MCP tools, as another agent calls them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest
from mcp import Client

from orchestrator.agent_door.desk import AT_ONCE, InvestigationDesk
from orchestrator.agent_door.opening import _tools as tools_for
from orchestrator.agent_door.server import build_agent_server
from orchestrator.incidents.tables import TABLES
from orchestrator.investigating.investigation import Inquiry, Services
from orchestrator.site_access.sites import open_sites
from orchestrator.storage.state import open_state
from placement.policy import load_policy
from telecom.errors import BudgetExceededError
from telecom.tokens import estimate_tokens

ERAS = ("legacy", "2026-07-28")
IMSI = "262011234567890"


@asynccontextmanager
async def door(settings):
    """A desk and a server over open state and sites."""
    async with open_state(settings.state_address) as state, open_sites(settings) as sites:
        await state.database.create_tables(TABLES)
        services = Services(settings, load_policy(), sites, state)
        desk, tools = tools_for(settings, state, lambda: services)
        try:
            yield desk, build_agent_server(tools)
        finally:
            await desk.close()


def ask(settings, use: Callable[[Client], Awaitable[Any]], mode: str = "2026-07-28") -> Any:
    """Do something with a client of the door."""

    async def run() -> Any:
        with anyio.fail_after(60):
            async with door(settings) as (_, server), Client(server, mode=mode) as client:
                return await use(client)

    return asyncio.run(run())


@pytest.mark.parametrize("mode", ERAS)
def test_one_call_answers_a_root_cause_with_its_evidence(site, settings_for, mode):
    """R23: another agent asks for a root cause in one call."""
    heard = []

    async def listen(done, total, phrase):
        heard.append((done, phrase))

    result = ask(
        settings_for(site),
        lambda client: client.call_tool(
            "investigate", {"question": "why are the cells down?"}, progress_callback=listen
        ),
        mode,
    )
    assert not result.is_error
    answer = result.structured_content
    assert answer["state"] == "finished"
    assert answer["root_causes"][0]["managed_object"] == "agg1:xe-0/0/1"
    cited = {key for cause in answer["root_causes"] for key in cause["evidence_ids"]}
    assert cited <= set(answer["evidence"])
    assert "root cause: agg1:xe-0/0/1" in result.content[0].text
    assert heard[0] == (1, "scope done")
    assert heard[-1][1] == "report done"


def test_who_does_not_wait_gets_an_id_and_asks_again(site, settings_for):
    """Issue 11: long work through resumable handles."""

    async def use(client):
        begun = await client.call_tool("investigate", {"wait_seconds": 0})
        assert begun.structured_content["state"] == "running"
        assert "get_report" in begun.content[0].text
        incident_id = begun.structured_content["incident_id"]
        found = await client.call_tool("get_report", {"incident_id": incident_id})
        address = found.content[1].uri
        assert address == f"report://{incident_id}"
        page = await client.read_resource(address)
        listed = await client.call_tool("list_incidents", {})
        return found, page, listed

    found, page, listed = ask(settings_for(site), use)
    assert found.structured_content["state"] == "finished"
    assert page.contents[0].text.startswith("# ")
    assert listed.content[1] == found.content[1]
    [row] = listed.structured_content["incidents"]
    assert row["headline"] == found.structured_content["headline"]


def test_an_investigation_that_a_process_left_behind_goes_on(site, settings_for):
    """Issue 11: a handle holds over a restart of the process that gave it."""
    settings = settings_for(site)

    async def begin():
        async with door(settings) as (desk, _):
            incident_id = desk.start(Inquiry())
            async for _step in desk.steps(incident_id):
                return incident_id

    incident_id = asyncio.run(begin())
    found = ask(
        settings, lambda client: client.call_tool("get_report", {"incident_id": incident_id})
    )
    assert found.structured_content["state"] == "finished"
    assert found.structured_content["root_causes"]


@pytest.mark.parametrize(
    ("tool", "arguments", "said"),
    [
        ("get_report", {"incident_id": "inc-nothing"}, "list_incidents names"),
        ("investigate", {"from_time": "2026-03-01T10:00:00Z"}, "needs from_time and to_time"),
        ("investigate", {"question": f"where is imsi-{IMSI}?"}, "holds an identifier"),
        ("explain_placement", {"workload": {"phase": "dreaming"}}, "phase"),
    ],
)
def test_a_call_that_cannot_be_answered_says_what_would_work(
    site, settings_for, tool, arguments, said
):
    """Issue 11: errors that teach the right call, and repeat no identifier."""
    result = ask(settings_for(site), lambda client: client.call_tool(tool, arguments))
    assert result.is_error
    assert said in result.content[0].text
    assert IMSI not in result.content[0].text


def test_a_placement_is_explained_by_rule_and_remedy(settings_for, site):
    """R21: the policy answers the architect's agent, too."""
    workload = {
        "name": "triage",
        "phase": "real_time_inference",
        "data_classes": ["alarms_raw"],
        "home": {"site": "s1", "country": "DE", "on_premises": True},
        "latency_budget_ms": 5,
    }
    result = ask(
        settings_for(site),
        lambda client: client.call_tool("explain_placement", {"workload": workload}),
    )
    assert result.structured_content["ranked"][0]["kind"] in {"outposts", "ai_factory"}
    assert "Remedy:" in result.content[0].text


def test_nothing_here_approves_or_writes(settings_for, site):
    """Issue 11: the model at the other end must not be the human in the loop."""

    async def use(client):
        return (await client.list_tools()).tools

    tools = ask(settings_for(site), use)
    assert {tool.name for tool in tools} == {
        "investigate",
        "get_report",
        "list_incidents",
        "explain_placement",
    }
    listed = "".join(tool.model_dump_json(by_alias=True, exclude_none=True) for tool in tools)
    assert estimate_tokens(listed) <= 2500


def test_more_investigations_than_there_is_room_for_are_refused(site, settings_for):
    """Ours: a caller's loop does not fill the process."""

    async def run():
        async with door(settings_for(site)) as (desk, _):
            assert isinstance(desk, InvestigationDesk)
            for _ in range(AT_ONCE):
                desk.start(Inquiry())
            with pytest.raises(BudgetExceededError, match="ask again"):
                desk.start(Inquiry())

    asyncio.run(run())
