"""The one factory of MCP servers: declared tools in, a guarded server out.

Every server of the site is built here, for HTTP, for stdio and for tests alike, so there is one
place that decides what surrounds a tool: its declaration, its scope, the egress gate, limits.
"""

from __future__ import annotations

import functools
import inspect
import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass
from importlib.metadata import version
from typing import Annotated, Any

from mcp.server.auth.settings import AuthSettings
from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ResourceError, ResourceNotFoundError
from mcp_types import CallToolResult, TextContent, ToolAnnotations
from pydantic import AnyHttpUrl

from mcp_servers.egress.gate import EgressGate
from mcp_servers.serving.bearer import BearerVerifier
from mcp_servers.serving.gate_middleware import ERROR_META, GateMiddleware
from mcp_servers.serving.identity import Caller, TokenVerifier
from mcp_servers.serving.person_verifier import PersonVerifier
from mcp_servers.serving.rate_limits import RateLimiter
from mcp_servers.serving.resource_declarations import (
    DeclaredPrompt,
    DeclaredResource,
    check_resources,
)
from mcp_servers.serving.site_figures import CallFigures
from mcp_servers.serving.tool_declarations import DeclaredTool, check_declarations
from mcp_servers.serving.tool_threads import ToolThreads
from telecom.errors import OperatorError, RecordNotFoundError, TierwiseError
from telecom.workload import DataClass

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ToolSet:
    """What one server serves, and what to say about it together."""

    name: str
    """`alarms`, `tickets`, `configs`, or `all`."""
    instructions: str
    tools: tuple[DeclaredTool, ...]
    resources: tuple[DeclaredResource, ...] = ()
    prompts: tuple[DeclaredPrompt, ...] = ()


def build_server(
    toolset: ToolSet,
    gate: EgressGate,
    *,
    known_classes: Collection[DataClass],
    stream_caller: Caller | None = None,
    verifier: TokenVerifier | None = None,
    people: PersonVerifier | None = None,
    limiter: RateLimiter | None = None,
    figures: CallFigures | None = None,
) -> MCPServer[Any]:
    """Build a server that serves exactly what is declared, through the gate.

    Args:
        toolset: What to serve.
        gate: The site's egress gate.
        known_classes: Data classes of the catalogue; a tool may declare no other.
        stream_caller: Who calls over stdio or in memory; None serves HTTP only.
        verifier: Checks bearer tokens over HTTP; None leaves no way in over HTTP.
        people: Believes whom callers act for; None believes nobody.
        limiter: How often the stream's caller may call; over HTTP the app limits.
        figures: Where calls are counted; None counts them for nobody.

    Raises:
        SettingsError: A tool, a resource or a prompt is not fully declared.
    """
    check_declarations(toolset.tools, known_classes=known_classes)
    check_resources(toolset.resources, toolset.prompts, known_classes=known_classes)
    tools = {tool.name: tool for tool in toolset.tools}
    auth = (
        None
        if verifier is None
        else AuthSettings(
            # The site has no OAuth server of its own to point at, so no metadata is published.
            issuer_url=AnyHttpUrl("http://127.0.0.1"),
            resource_server_url=None,
            # A tool that records a decision asks for its scope itself.
            required_scopes=sorted(
                {tool.scope for tool in toolset.tools if not tool.records_a_decision}
            ),
            validate_token_resource=False,  # the verifier checks the audience itself
        )
    )
    server = MCPServer(
        f"tierwise-{toolset.name}",
        instructions=toolset.instructions,
        version=version("tierwise"),
        token_verifier=None if verifier is None else BearerVerifier(verifier),
        auth=auth,
        log_level="WARNING",
        subscriptions=False,  # notifications would pass the gate by
        middleware=[
            GateMiddleware(
                gate,
                tools,
                toolset.resources,
                stream_caller=stream_caller,
                people=people,
                limiter=limiter,
                figures=figures,
            )
        ],
    )
    threads = ToolThreads()
    for tool in toolset.tools:
        server.add_tool(
            _guarded(tool, threads),
            name=tool.name,
            title=tool.title,
            description=inspect.getdoc(tool.function),
            annotations=ToolAnnotations(
                read_only_hint=not tool.records_a_decision,
                destructive_hint=False,
                idempotent_hint=True,
                open_world_hint=False,
            ),
        )
    for resource in toolset.resources:
        server.resource(
            resource.uri,
            name=resource.scheme,
            title=resource.title,
            description=inspect.getdoc(resource.function),
            mime_type=resource.mime_type,
        )(_guarded_resource(resource))
    for prompt in toolset.prompts:
        server.prompt(prompt.name, prompt.title, inspect.getdoc(prompt.function))(prompt.function)
    return server


def _guarded_resource(resource: DeclaredResource) -> Callable[..., str]:
    """Wrap a resource: its errors in the SDK's words, what only an operator can mend in the log."""

    @functools.wraps(resource.function)
    def read(**arguments: Any) -> str:
        try:
            return resource.function(**arguments)
        except RecordNotFoundError as exc:
            raise ResourceNotFoundError(f"{exc.code}: {exc}") from exc
        except TierwiseError as exc:
            raise ResourceError(_told(exc)) from exc

    return read


def _guarded(tool: DeclaredTool, threads: ToolThreads) -> Callable[..., Any]:
    """Wrap a tool: its own thread, its errors as values, its answer as structured content only.

    The text beside the answer is written behind the gate, from what was released.
    """

    @functools.wraps(tool.function)
    async def call(**arguments: Any) -> CallToolResult:
        try:
            answer = await threads.run(functools.partial(tool.function, **arguments))
        except TierwiseError as exc:
            return _error(exc)
        return CallToolResult(
            content=[], structured_content=answer.model_dump(mode="json", by_alias=True)
        )

    # Evaluated here, so that the SDK finds types and not the names of another module.
    signature = inspect.signature(tool.function, eval_str=True)
    call.__signature__ = signature.replace(  # type: ignore[attr-defined]
        return_annotation=Annotated[CallToolResult, tool.answer]
    )
    del call.__wrapped__
    return call


def _error(exc: TierwiseError) -> CallToolResult:
    """An error as a tool's answer."""
    details = {"code": exc.code, "rule": getattr(exc, "rule", None)}
    return CallToolResult(
        content=[TextContent(type="text", text=_told(exc))],
        is_error=True,
        _meta={ERROR_META: details},
    )


def _told(exc: TierwiseError) -> str:
    """Say what went wrong; what only an operator can mend goes to the site's log."""
    message = str(exc)
    if isinstance(exc, OperatorError):
        _logger.error("%s: %s", exc.code, exc)
        message = "the site cannot answer this until its operator acts; its log says why"
    return f"{exc.code}: {message}"
