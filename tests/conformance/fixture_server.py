"""The server factory with the suite's fixtures, once as shipped and once for each rule let go.

There are no bearer tokens because the suite cannot send one; the caller counts as outside the site.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, Literal

from mcp.server.context import ServerRequestContext
from mcp.server.mcpserver import MCPServer
from mcp.server.streamable_http import EventCallback, EventMessage, EventStore
from mcp_types import (
    Completion,
    EmptyResult,
    JSONRPCMessage,
    SetLevelRequestParams,
    SubscribeRequestParams,
    UnsubscribeRequestParams,
)
from starlette.applications import Starlette
from starlette.routing import Mount

from mcp_servers.egress.gate import EgressGate, detector_of
from mcp_servers.egress.ledger import EgressLedger
from mcp_servers.egress.pseudonyms import Pseudonymizer
from mcp_servers.serving.gate_middleware import GateMiddleware
from mcp_servers.serving.http_app import build_app
from mcp_servers.serving.identity import STDIO_CALLER, Caller, SiteKeys, TokenVerifier
from mcp_servers.serving.server_factory import ToolSet, build_server
from mcp_servers.serving.tool_declarations import DeclaredTool
from mcp_servers.site_directory import ServingSettings, SiteSettings
from placement import load_policy
from placement.live import LivePolicy
from telecom.workload import Home
from tests.conformance import fixtures

Rule = Literal["shape", "methods", "conversation"]
RULES: dict[Rule, str] = {
    "shape": "an answer has the shape its tool declares; pictures, sounds and embedded bodies "
    "do not leave, because nobody can find an identifier in them",
    "methods": "tools, resources and prompts are served and nothing else: no completion, no log "
    "level of the client's, no subscriptions",
    "conversation": "a tool gets no Context and the server keeps no session: it sends the client "
    "neither words outside its answer nor questions, because those would pass the gate by",
}


class OpenDoor(GateMiddleware):
    """The gate for a caller who shows no token: outside the site."""

    def _caller(self, ctx: ServerRequestContext[Any, Any]) -> Caller:
        return STDIO_CALLER


class AnyShape(OpenDoor):
    """Lets an answer of any shape pass."""

    async def _released(self, answer: Any, tool: DeclaredTool, release: Any) -> Any:
        if answer.get("content") and not answer.get("isError"):
            return answer
        return await super()._released(answer, tool, release)

    def _refuse_binary(self, body: object) -> None:
        """Let it pass."""


class AnyMethod(OpenDoor):
    """Serves methods that the gate does not know."""

    async def __call__(self, ctx: ServerRequestContext[Any, Any], call_next: Any) -> Any:
        if ctx.method not in {"tools/call", "resources/read", "prompts/get"}:
            return await call_next(ctx)
        return await super().__call__(ctx, call_next)


class Conversation(AnyMethod):
    """Lets tools and prompts talk to the client, and answer with a question."""

    async def _released(self, answer: Any, tool: DeclaredTool, release: Any) -> Any:
        return answer

    async def _read(self, ctx: Any, call_next: Any, *_rest: Any) -> Any:
        return await call_next(ctx)


_GATES: dict[Rule | None, type[OpenDoor]] = {
    None: OpenDoor,
    "shape": AnyShape,
    "methods": AnyMethod,
    "conversation": Conversation,
}


def build(gate: EgressGate, classes: Any, rule: Rule | None) -> MCPServer[Any]:
    """Build one server by the factory; with a rule let go, mount what that rule keeps out."""
    declared = fixtures.declared_tools()
    server = build_server(
        ToolSet(
            "fixtures",
            "Fixtures of the conformance suite.",
            declared,
            prompts=fixtures.PROMPTS,
        ),
        gate,
        known_classes=classes,
    )
    extra = {"shape": fixtures.BODIES, "conversation": fixtures.CONVERSATIONS}.get(str(rule), ())
    for function in extra:
        server.add_tool(function, name=function.__name__)
    tools = {tool.name: tool for tool in (*declared, *map(fixtures.declare, extra))}
    server.middleware[-1] = _GATES[rule](gate, tools, [fixtures.RESOURCE], stream_caller=None)
    server._tool_manager._tools["json_schema_2020_12_tool"].parameters = fixtures.SCHEMA_2020_12
    fixtures.add_undeclared(server)
    if rule == "conversation":
        fixtures.add_asking_prompt(server)
    if rule in ("methods", "conversation"):
        _add_methods(server)
    return server


def _add_methods(server: MCPServer[Any]) -> None:
    async def nothing(_ctx: Any, _params: Any) -> EmptyResult:
        return EmptyResult()

    @server.completion()
    async def complete(_ref: Any, _argument: Any, _context: Any) -> Completion:
        return Completion(values=[], total=0, has_more=False)

    for method, params in (
        ("logging/setLevel", SetLevelRequestParams),
        ("resources/subscribe", SubscribeRequestParams),
        ("resources/unsubscribe", UnsubscribeRequestParams),
    ):
        server._lowlevel_server.add_request_handler(method, params, nothing)


class Events(EventStore):
    """Keeps what was sent, for a client that comes back."""

    def __init__(self) -> None:
        self._sent: list[tuple[str, JSONRPCMessage | None]] = []

    async def store_event(self, stream_id: str, message: JSONRPCMessage | None) -> str:
        """Keep a message; its id is its number."""
        self._sent.append((stream_id, message))
        return str(len(self._sent))

    async def replay_events_after(
        self, last_event_id: str, send_callback: EventCallback
    ) -> str | None:
        """Send again what came after."""
        seen = int(last_event_id)
        if not 0 < seen <= len(self._sent):
            return None
        stream = self._sent[seen - 1][0]
        for number, (owner, message) in enumerate(self._sent[seen:], start=seen + 1):
            if owner == stream and message is not None:
                await send_callback(EventMessage(message, str(number)))
        return stream


@contextlib.contextmanager
def fixture_app() -> Iterator[Starlette]:
    """Every variant on one application, over a store that is thrown away."""
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder)
        keys = SiteKeys.open(store / "keys")
        settings = SiteSettings(site_id="conformance", country="DE")
        policy = load_policy()
        with EgressLedger.open(store, keys.signing_key) as ledger:
            gate = EgressGate(
                policy,
                Home(site="conformance", country="DE"),
                settings,
                detector_of(settings),
                Pseudonymizer.open(store),
                ledger,
            )
            classes = policy.catalogue.classes
            stateless = build_app(
                {
                    "shipped": build(gate, classes, None),
                    "shape": build(gate, classes, "shape"),
                    "methods": build(gate, classes, "methods"),
                },
                TokenVerifier.open("conformance", keys, ()),
                ServingSettings(),
                missing=lambda: (),
                policy=lambda: LivePolicy().status,
            )
            talking = build(gate, classes, "conversation")
            stateful = talking.streamable_http_app(
                streamable_http_path="/conversation/mcp",
                event_store=Events(),
                retry_interval=100,
            )

            @contextlib.asynccontextmanager
            async def lifespan(_: Starlette) -> AsyncIterator[None]:
                async with (
                    stateless.router.lifespan_context(stateless),
                    talking.session_manager.run(),
                ):
                    yield

            yield Starlette(routes=[*stateful.routes, Mount("/", app=stateless)], lifespan=lifespan)
