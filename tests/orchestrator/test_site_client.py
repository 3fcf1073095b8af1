"""A site's tools behind the agents' ports, whatever the site does."""

from __future__ import annotations

import asyncio
import sys
import threading
from pathlib import Path

import jwt
import pytest

from agents.findings import ChangeReview
from orchestrator.doubles.site import SiteDouble
from orchestrator.settings import Settings, SiteDeclaration
from orchestrator.site_access.mcp_connection import McpConnection
from orchestrator.site_access.mcp_transports import MAX_ANSWER_BYTES, HttpTarget, StdioTarget
from orchestrator.site_access.person_statements import PersonStatements
from orchestrator.site_access.site_client import Purpose, SiteClient
from orchestrator.site_access.site_desk import SiteDesk
from orchestrator.site_access.sites import SERVERS, open_sites, targets_of
from telecom.errors import (
    ApprovalPendingError,
    BudgetExceededError,
    EgressRefusedError,
    IdentityError,
    KnowledgeBaseEmptyError,
    MalformedAnswerError,
    SiteUnavailableError,
    ToolRetry,
    ToolTimeoutError,
)
from telecom.times import Window
from tests.canned_server import canned

PURPOSE = Purpose("inc-1", "PERSON_abcdefabcdef")


def asking(double, work, *, timeout_s=10.0, token=None, tmp_path=None):
    """Run `work(desk)` against a double."""
    token_file = None
    if token is not None:
        token_file = tmp_path / "token"
        token_file.write_text(token)
    site = SiteDeclaration(name="core", url=double.url, token_file=token_file)

    async def run():
        client = SiteClient(site, targets_of(site), timeout_s=timeout_s)
        try:
            return await work(SiteDesk(client, PURPOSE))
        finally:
            await client.close()

    return asyncio.run(run())


def test_findings_arrive_as_the_models_of_agents(site, summary, changes):
    """Us: an agent cannot tell whether its port is in process or over MCP."""

    async def work(desk):
        window = Window(*summary.window)
        return (
            await desk.summarize_alarms(window),
            await desk.list_changes(window, around=["agg1"]),
            [citation.source for citation in await desk.search_tickets("mtu")],
            (await desk.get_ticket("INC41")).cause,
            (await desk.find_similar_incidents(symptoms=["service lost"])).similar.agreed_cause,
            await desk.alarm_time("g1"),
            [(record.tool, record.receipt.form) for record in desk.records][:2],
        )

    folded, review, found, cause, agreed, raised, records = asking(site, work)
    assert (folded, review) == (summary, changes)
    assert (found, cause, agreed) == (["INC41", "INC42"], "mtu mismatch", "mtu mismatch")
    assert raised == summary.groups[0].first
    assert records == [("summarize_alarms", "anonymized"), ("list_changes", "anonymized")]


def test_the_purpose_of_a_call_travels_with_it(site, tmp_path):
    """DESIGN 4, issue 4: for which investigation, and on whose behalf under our signature."""
    people = PersonStatements.open(tmp_path / "key.pem")
    token = jwt.encode({"iss": "tierwise-site:muc-1"}, "of the site" * 4, algorithm="HS256")
    (tmp_path / "token").write_text(token)
    declared = SiteDeclaration(name="core", url=site.url, token_file=tmp_path / "token")
    settings = Settings(
        sites=(declared,),
        state=str(tmp_path / "state.sqlite"),
        statement_key_file=tmp_path / "key.pem",
    )

    async def run():
        async with open_sites(settings) as sites:
            purpose = Purpose("inc-1", sites.people.pseudonym("A. Keller"))
            await SiteDesk(sites.by_name["core"], purpose).summarize_alarms(None)
            await SiteDesk(sites.by_name["core"], Purpose("inc-2")).summarize_alarms(None)

    asyncio.run(run())
    named, nobody = (call.meta for call in site.calls)
    stated = jwt.decode(
        named["tierwise/on_behalf_of"],
        jwt.PyJWK.from_dict(people.key_set["keys"][0]),
        audience="tierwise-site:muc-1",
    )
    assert named["tierwise/investigation"] == stated["investigation"] == "inc-1"
    assert stated["sub"] == people.pseudonym("A. Keller")
    assert stated["exp"] - stated["iat"] == 300
    assert nobody == {"tierwise/investigation": "inc-2"} | {
        key: value for key, value in nobody.items() if not key.startswith("tierwise/")
    }
    assert site.calls[0].arguments["from_time"] is None


def test_a_dead_server_is_an_error_and_never_a_cancellation(summary):
    """FACTS MCP, client trap: a refused request must not cancel whoever asked."""
    with SiteDouble(summary) as double:
        pass

    async def work(desk):
        for _ in range(2):
            with pytest.raises(SiteUnavailableError, match="nobody answers"):
                await desk.summarize_alarms(None)
        assert asyncio.current_task().cancelling() == 0

    asking(double, work)


def test_a_restarted_server_is_found_again(summary):
    """FACTS MCP: the connection survives the server's death, and the next call opens a new one."""
    with SiteDouble(summary) as double:

        async def work(desk):
            assert await desk.summarize_alarms(None) == summary
            await asyncio.to_thread(double.stop)
            with pytest.raises(SiteUnavailableError):
                await desk.summarize_alarms(None)
            await asyncio.to_thread(double.start)
            return await desk.summarize_alarms(None)

        assert asking(double, work) == summary


def test_one_call_that_dies_does_not_take_the_others_along(summary, changes):
    """FACTS MCP: every concurrent call shares the client."""
    release = threading.Event()

    def slow():
        release.wait(10)
        return changes

    with SiteDouble(summary, faults={"list_changes": slow}) as double:

        async def work(desk):
            window = Window(*summary.window)
            waiting = asyncio.create_task(desk.list_changes(window))
            # A server without the alarms path resets that one connection only.
            with pytest.raises(ToolRetry):
                await desk.get_ticket("none")
            release.set()
            return await waiting

        assert asking(double, work) == changes


def test_a_silent_tool_times_out(summary):
    """FACTS MCP: there is no default timeout."""
    release = threading.Event()
    fault = {"summarize_alarms": lambda: release.wait(10) and summary}
    with SiteDouble(summary, faults=fault) as double:

        async def work(desk):
            with pytest.raises(ToolTimeoutError):
                await desk.summarize_alarms(None)
            release.set()

        asking(double, work, timeout_s=0.1)


def test_an_oversized_answer_is_refused(summary, changes):
    """FACTS MCP: the client would take 50 MB without complaint."""
    fault = {"list_changes": lambda: {"changes": [], "evidence": {}, "pad": "x" * MAX_ANSWER_BYTES}}
    with SiteDouble(summary, faults=fault) as double:

        async def work(desk):
            with pytest.raises(MalformedAnswerError, match="over"):
                await desk.list_changes(Window(*summary.window))
            return await desk.summarize_alarms(None)

        assert asking(double, work) == summary


def test_a_flood_is_cut_while_it_arrives(summary):
    """Us: what is refused must not be held in memory first."""
    fault = {"summarize_alarms": lambda: {"pad": "x" * 5 * MAX_ANSWER_BYTES}}
    with SiteDouble(summary, faults=fault) as double:

        async def work(desk):
            with pytest.raises((MalformedAnswerError, SiteUnavailableError), match="over"):
                await desk.summarize_alarms(None)

        asking(double, work)


@pytest.mark.parametrize(
    "answer", [{"nonsense": 1}, {"changes": "none", "evidence": {}}, {"changes": [{}]}]
)
def test_an_answer_of_another_shape_is_malformed(summary, answer):
    """Us: the other end is validated, and its values are not quoted in the error."""
    with SiteDouble(summary, faults={"list_changes": lambda: answer}) as double:

        async def work(desk):
            with pytest.raises(MalformedAnswerError) as caught:
                await desk.list_changes(Window(*summary.window))
            assert "none" not in str(caught.value)

        asking(double, work)


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (EgressRefusedError("no", rule="site-boundary"), EgressRefusedError),
        (BudgetExceededError("tokens", "used up"), BudgetExceededError),
        (KnowledgeBaseEmptyError("tickets"), KnowledgeBaseEmptyError),
    ],
)
def test_the_sites_refusals_keep_their_meaning(summary, raised, expected):
    """DESIGN 4: a refusal names the rule, on both sides of the wire."""

    def fault():
        raise raised

    with SiteDouble(summary, faults={"list_changes": fault}) as double:

        async def work(desk):
            with pytest.raises(expected) as caught:
                await desk.list_changes(Window(*summary.window))
            if isinstance(raised, EgressRefusedError):
                assert caught.value.rule == "site-boundary"

        asking(double, work)


def test_a_wrong_token_is_named(summary, tmp_path):
    """Bad input: 401 says so, and the token is not in the message."""
    with SiteDouble(summary, token="right") as double:

        async def work(desk):
            with pytest.raises(SiteUnavailableError, match="refused the token") as caught:
                await desk.summarize_alarms(None)
            assert "wrong" not in str(caught.value)

        asking(double, work, token="wrong", tmp_path=tmp_path)
        asking(double, lambda d: d.summarize_alarms(None), token="right", tmp_path=tmp_path)


def test_a_token_file_without_a_token_is_an_identity_error(tmp_path):
    """Bad input: the message says what makes one."""
    for content in ("", "two words", None):
        file = tmp_path / "token"
        file.unlink(missing_ok=True)
        if content is not None:
            file.write_text(content)
        site = SiteDeclaration(name="core", url="http://x", token_file=file)
        with pytest.raises(IdentityError, match="tierwise-site token"):
            targets_of(site)


def test_lone_surrogates_in_an_argument_are_replaced(site):
    """FACTS MCP: one of them kills the whole client and every concurrent call."""
    asking(site, lambda desk: desk.search_tickets("bad \ud800 word"))
    assert site.calls[0].arguments["query"] == "bad ? word"


def test_an_answer_without_a_receipt_proves_nothing(summary):
    """Us: what the site does not say about its gate is not assumed."""

    async def work(desk):
        await desk.summarize_alarms(None)
        return desk.records[0].receipt

    with SiteDouble(summary, form=None) as double:
        assert asking(double, work) is None


STDIO_SERVER = """
import os, sys
from mcp.server.mcpserver import MCPServer
server = MCPServer("child", log_level="CRITICAL")

@server.tool()
def list_changes() -> dict[str, object]:
    "Environment."
    return {"changes": [], "evidence": {}, "names": sorted(os.environ)}

server.run("stdio")
"""


def test_a_child_process_serves_all_three_servers_and_sees_no_aws_variable(tmp_path, monkeypatch):
    """INTERFACES: no AWS variables reach that child."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary")
    monkeypatch.setenv("TIERWISE_STATE", "canary")
    script = tmp_path / "server.py"
    script.write_text(STDIO_SERVER)
    target = StdioTarget(Path(sys.executable), (str(script),), {"TZ": "UTC"})
    site = SiteDeclaration(name="core", site_dir=tmp_path)

    async def run():
        client = SiteClient(site, dict.fromkeys(SERVERS, target))
        try:
            content, _ = await client.call("list_changes", {}, purpose=PURPOSE)
            return content
        finally:
            await client.close()

    names = asyncio.run(run())["names"]
    assert "TZ" in names
    assert not [name for name in names if name.startswith(("AWS_", "TIERWISE_"))]


def test_a_child_that_ends_at_once_says_why(tmp_path):
    """Bad input: the site's own message reaches the user."""
    arguments = ("-c", "import sys; sys.exit('site.yaml is missing')")
    target = StdioTarget(Path(sys.executable), arguments)

    async def run():
        connection = McpConnection("core", target)
        with pytest.raises(SiteUnavailableError, match="is missing"):
            await connection.call("list_changes", {})
        await connection.close()

    asyncio.run(run())


def test_an_endpoint_that_speaks_no_mcp_is_unavailable(site):
    """Bad input: a URL of something else."""

    async def run():
        connection = McpConnection("core", HttpTarget(f"{site.url}/nothing/here"))
        with pytest.raises(SiteUnavailableError, match="404"):
            await connection.call("list_changes", {})
        await connection.close()

    asyncio.run(run())


def test_an_answer_that_would_have_to_be_unpacked_is_none():
    """Us: a few kilobytes of zstd are gigabytes before anybody counts them."""

    async def run(url):
        connection = McpConnection("core", HttpTarget(f"{url}/mcp"))
        with pytest.raises(SiteUnavailableError, match="its answer is packed"):
            await connection.call("list_changes", {})
        await connection.close()

    with canned({"/mcp": (200, {})}, headers={"Content-Encoding": "zstd"}) as url:
        asyncio.run(run(url))


def test_a_review_without_changes_is_an_answer(summary):
    """Us: nothing found is not a failure."""
    with SiteDouble(summary) as double:
        found = asking(double, lambda desk: desk.list_changes(Window(*summary.window)))
    assert found == ChangeReview(changes=(), evidence={})


def test_an_answer_that_waits_for_a_person_says_so_and_names_the_request(summary):
    """Issue 4: the orchestrator can wait for an approval and ask again, never give one."""
    waits = ApprovalPendingError(
        "waits at the site", approval_id="ap-1", rule="gate.approval_pending", remedy="ask again"
    )
    faults = {"summarize_alarms": raising(waits)}
    with SiteDouble(summary, faults=faults) as double:

        async def work(desk):
            with pytest.raises(ApprovalPendingError) as pending:
                await desk.summarize_alarms(None)
            return pending.value.rule, str(pending.value)

        rule, says = asking(double, work)
    assert rule == "gate.approval_pending"
    assert "waits at the site" in says


def raising(error):
    """A tool that answers with an error."""

    def answer():
        raise error

    return answer
