"""Resources, prompts and progress through the gate, as any client meets them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anyio
import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError

from mcp_servers.egress.gate import Release
from mcp_servers.serving.identity import READ_SCOPES, STDIO_CALLER, Caller, site_issuer
from mcp_servers.serving.resource_declarations import DeclaredPrompt, DeclaredResource
from mcp_servers.serving.server_factory import ToolSet, build_server
from telecom.errors import RecordNotFoundError, SettingsError
from tests.mcp_servers.fixture_tools import IMSI, SITE_ID, Guard, toolset

ERAS = ("legacy", "2026-07-28")


def record(record_id: str) -> str:
    """Read one record."""
    if record_id == "none":
        raise RecordNotFoundError("record", f"of imsi-{IMSI}", hint="there is another")
    return f"record {record_id} of IMSI={IMSI}"


def ask_why(question: str) -> str:
    """Ask why."""
    return f"Why? {question}"


RECORD = DeclaredResource("record://{+record_id}", record, ("alarms_raw",), "alarms:read", "Record")
PROMPT = DeclaredPrompt(ask_why, "Ask why")


def server(guard: Guard, *resources: DeclaredResource, caller: Caller = STDIO_CALLER) -> Any:
    """A server with resources, for whoever holds its stream."""
    tools = toolset()
    return build_server(
        ToolSet(tools.name, tools.instructions, tools.tools, resources or (RECORD,), (PROMPT,)),
        guard.gate,
        known_classes=guard.policy.catalogue.classes,
        stream_caller=caller,
    )


def with_client(target: Any, use: Callable[[Client], Any], mode: str = "2026-07-28") -> Any:
    """Do one thing with a client of a server."""

    async def run() -> Any:
        with anyio.fail_after(20):
            async with Client(target, mode=mode) as client:
                return await use(client)

    return anyio.run(run)


def refused(target: Any, use: Callable[[Client], Any]) -> MCPError:
    """The error that a client hears."""

    async def attempt(client: Client) -> MCPError:
        with pytest.raises(MCPError) as heard:
            await use(client)
        return heard.value

    error: MCPError = with_client(target, attempt)
    return error


@pytest.mark.parametrize("mode", ERAS)
def test_a_resource_leaves_as_the_gate_releases_it(guard: Guard, mode: str) -> None:
    """DESIGN section 4: the gate is the only way out, for resources as for answers."""
    read = with_client(server(guard), lambda client: client.read_resource("record://r1"), mode)
    assert read.contents[0].text == "record r1 of IMSI=[SUBSCRIBER]"
    (entry,) = guard.ledger.entries()
    assert (entry.tool, entry.data_classes) == ("read:record", ("alarms_raw",))


HIDDEN = "".join(f"%{ord(digit):02x}" for digit in IMSI)


@pytest.mark.parametrize(
    "uri",
    [
        f"record://imsi-{IMSI}",
        f"record://imsi%2D{IMSI}",
        f"record://imsi-{HIDDEN}",
        "record://none",
        "other://r1",
        "file:///etc/passwd",
        "record",
    ],
)
def test_what_cannot_be_read_is_refused_without_a_raw_identifier(guard: Guard, uri: str) -> None:
    """Issue 11: errors that teach the right call, and never repeat what must not leave."""
    heard = refused(server(guard), lambda client: client.read_resource(uri))
    assert heard.message
    assert IMSI not in str(heard.error)
    assert HIDDEN not in str(heard.error)


def test_a_pseudonym_in_an_address_is_resolved_and_never_spelled_out(guard: Guard) -> None:
    """DESIGN section 4: a pseudonym in an argument is resolved on the site, and only there."""
    region = Caller(
        principal="region",
        issuer=site_issuer(SITE_ID),
        client="region",
        tier="region",
        scopes=READ_SCOPES,
        transport="http",
    )
    token = (
        guard.gate.release({"text": f"IMSI={IMSI}"}, Release(region, "note", ("alarms_raw",)))
        .value["text"]
        .removeprefix("IMSI=")
    )
    address = f"record://{token}"
    read = with_client(server(guard, caller=region), lambda client: client.read_resource(address))
    assert read.contents[0].uri == address
    assert read.contents[0].text == f"record {token} of IMSI={token}"


def test_a_resource_needs_its_scope(guard: Guard) -> None:
    """DESIGN section 4: scopes hold for every way to the data."""
    narrow = Caller(
        principal="p", issuer="i", client="c", tier=None, scopes=frozenset(), transport="http"
    )
    heard = refused(
        server(guard, caller=narrow), lambda client: client.read_resource("record://r1")
    )
    assert heard.message == "record:// needs a token with the scope 'alarms:read'"


def test_a_resource_added_behind_the_factory_cannot_be_read(guard: Guard) -> None:
    """Ours: the gate knows declared resources only, whatever the server has registered."""
    built = server(guard)
    built.resource("hidden://all", name="hidden")(lambda: f"IMSI={IMSI}")
    heard = refused(built, lambda client: client.read_resource("hidden://all"))
    assert heard.message.startswith("no such resource")


def test_binary_content_does_not_leave(guard: Guard) -> None:
    """Ours: nobody can find an identifier in a picture."""
    built = server(guard)

    @built.resource("record://blob", mime_type="image/png")
    def blob() -> bytes:
        return IMSI.encode()

    heard = refused(built, lambda client: client.read_resource("record://blob"))
    assert heard.message == "egress_refused: binary content does not leave"


def test_a_prompt_holds_the_persons_words_as_the_gate_releases_them(guard: Guard) -> None:
    """DESIGN section 4: arguments pass the gate as well."""
    asked = with_client(
        server(guard),
        lambda client: client.get_prompt("ask_why", {"question": "cell 12 is down"}),
    )
    assert asked.messages[0].content.text == "Why? cell 12 is down"
    heard = refused(
        server(guard),
        lambda client: client.get_prompt("ask_why", {"question": f"where is imsi-{IMSI}?"}),
    )
    assert "raw identifier" in heard.message
    assert IMSI not in heard.message


@pytest.mark.parametrize(
    ("resource", "complaint"),
    [
        (DeclaredResource("records", record, ("alarms_raw",), "alarms:read", "x"), "no address"),
        (DeclaredResource("r://{+record_id}", record, (), "alarms:read", "x"), "no data class"),
        (
            DeclaredResource("r://{+record_id}", record, ("gossip",), "alarms:read", "x"),
            "the catalogue does not have",
        ),
        (
            DeclaredResource("r://{+record_id}", record, ("alarms_raw",), "pii:reveal", "x"),
            "no read scope",
        ),
        (
            DeclaredResource("r://one", lambda: "", ("alarms_raw",), "alarms:read", "x"),
            "no docstring",
        ),
    ],
)
def test_a_half_declared_resource_does_not_start(
    guard: Guard, resource: DeclaredResource, complaint: str
) -> None:
    """DESIGN section 4: what is not declared cannot be judged."""
    with pytest.raises(SettingsError, match=complaint):
        server(guard, resource)


@pytest.mark.parametrize("mode", ERAS)
def test_progress_is_a_number_and_a_phrase_of_ours(guard: Guard, mode: str) -> None:
    """DESIGN section 4: notifications do not pass the gate, so they say nothing of the data."""
    heard: list[tuple[float, float | None, str | None]] = []

    async def listen(done: float, total: float | None, phrase: str | None) -> None:
        heard.append((done, total, phrase))

    with_client(
        server(guard),
        lambda client: client.call_tool("leak", {}, progress_callback=listen),
        mode,
    )
    assert heard == [
        (1, 3, "arguments admitted"),
        (2, 3, "answer ready"),
        (3, 3, "answer released"),
    ]
