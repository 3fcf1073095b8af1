"""The egress gate as the one MCP middleware: nothing reaches a client but through here.

It sees what the SDK is about to send, as serialised JSON, whatever the transport and the protocol
era: a tool's structured answer is released by the gate and the text beside it is written from what
was released. Arguments are admitted on the way in. What has a shape that the gate does not know is
refused.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

import anyio
from anyio.to_thread import run_sync
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp_types import INTERNAL_ERROR, INVALID_PARAMS, INVALID_REQUEST, METHOD_NOT_FOUND
from pydantic import ValidationError

from mcp_servers.egress.gate import EgressGate, Release, Released
from mcp_servers.serving.bearer import CallerToken
from mcp_servers.serving.identity import Caller
from mcp_servers.serving.person_verifier import PersonVerifier
from mcp_servers.serving.rate_limits import RateLimiter
from mcp_servers.serving.resource_declarations import DeclaredResource
from mcp_servers.serving.resource_links import decoded, encoded, linked
from mcp_servers.serving.site_figures import ANSWERED, CallFigures
from mcp_servers.serving.tool_declarations import DeclaredTool
from telecom.errors import (
    ApprovalPendingError,
    EgressRefusedError,
    InvalidArgumentError,
    TierwiseError,
    ToolRefused,
)
from telecom.person_statement import ON_BEHALF_OF_META
from telecom.tool_schemas import compact_list
from telecom.workload import DataClass

EGRESS_META = "tierwise/egress"
ERROR_META = "tierwise/error"
INVESTIGATION_META = "tierwise/investigation"

TOOL_SECONDS = 60.0
"""A tool answers within this or not at all."""

_PHASES = ("arguments admitted", "answer ready", "answer released")
"""All that progress ever says: words of ours, because notifications do not pass the gate."""
_PROMPT_CLASSES: tuple[DataClass, ...] = ("vendor_docs",)
"""A prompt is our own words round the caller's own arguments."""
_BINARY_TYPES = frozenset({"image", "audio"})

_logger = logging.getLogger(__name__)

# Requests whose answers are the server's own words: no site data can be in them.
_OWN_WORDS = frozenset(
    {
        "initialize",
        "ping",
        "server/discover",
        "tools/list",
        "resources/list",
        "resources/templates/list",
        "prompts/list",
    }
)
_FEW_ARGUMENTS = 8
_SHORT_ARGUMENT = 64
_CLAIM = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@/-]{0,127}")
_PYDANTIC_LINK = re.compile(r"\n? *For further information visit \S+|, input_type=\w+")

JsonObject = dict[str, Any]
"""JSON, hence Any."""


class GateMiddleware:
    """Admits arguments, releases answers, and knows no other way."""

    def __init__(
        self,
        gate: EgressGate,
        tools: Mapping[str, DeclaredTool],
        resources: Sequence[DeclaredResource] = (),
        *,
        stream_caller: Caller | None,
        people: PersonVerifier | None = None,
        limiter: RateLimiter | None = None,
        figures: CallFigures | None = None,
    ) -> None:
        """Guard a server.

        Args:
            gate: The site's egress gate.
            tools: The declared tools by name; no other can be called.
            resources: The declared resources; no other can be read.
            stream_caller: Who is at the other end of a transport without HTTP requests; None where
                only HTTP is served.
            people: Believes whom callers act for; None believes nobody.
            limiter: How often whoever holds the stream may call; HTTP has its own in front.
            figures: Where calls are counted; None counts them for nobody.
        """
        self._gate = gate
        self._tools = tools
        self._resources = {resource.scheme: resource for resource in resources}
        self._stream_caller = stream_caller
        self._people = people or PersonVerifier(gate.home.site or "")
        self._limiter = limiter
        self._figures = figures or CallFigures()

    async def __call__(
        self, ctx: ServerRequestContext[Any, Any], call_next: CallNext
    ) -> HandlerResult:
        """Let one message through, or answer it with a refusal."""
        if ctx.request_id is None or ctx.method in _OWN_WORDS:
            return cast("HandlerResult", compact_list(await call_next(ctx)))
        try:
            if ctx.method == "tools/call":
                return await self._counted(ctx, call_next)
            if ctx.method == "resources/read":
                return await self._read_resource(ctx, call_next)
            if ctx.method == "prompts/get":
                return await self._read(ctx, call_next, ctx.method, _PROMPT_CLASSES)
        except (MCPError, ValidationError):
            raise
        except Exception as exc:
            # Outermost for a message: an exception's own text must not reach the client.
            _logger.exception("request failed in the gate")
            raise MCPError(code=INTERNAL_ERROR, message="Internal server error") from exc
        raise MCPError(code=METHOD_NOT_FOUND, message="Method not found")

    async def _counted(
        self, ctx: ServerRequestContext[Any, Any], call_next: CallNext
    ) -> JsonObject:
        tool = self._tools.get(str((ctx.params or {}).get("name")))
        if tool is None:
            raise MCPError(code=INVALID_PARAMS, message="no such tool; tools/list names them all")
        begun, outcome = time.monotonic(), "failed"
        try:
            answer = await self._call_tool(tool, ctx, call_next)
            outcome = _outcome(answer)
        finally:
            self._figures.count(tool.name, outcome, time.monotonic() - begun)
        return answer

    async def _call_tool(
        self, tool: DeclaredTool, ctx: ServerRequestContext[Any, Any], call_next: CallNext
    ) -> JsonObject:
        caller = self._caller(ctx)
        params = dict(ctx.params or {})
        release = self._release(caller, tool.name, tool.data_classes, params, tool.summary_field)
        wait = self._limiter.wait_for(caller.principal) if self._limiter else 0
        if wait:
            return _refusal(f"too many calls; try again in {wait} s", "rate_limited")
        if tool.scope not in caller.scopes:
            return _refusal(f"{tool.name} needs a token with the scope {tool.scope!r}", "scope")
        arguments = params.get("arguments") or {}
        if not isinstance(arguments, dict):
            raise MCPError(code=INVALID_PARAMS, message="arguments must be an object")
        try:
            if _takes_no_time(arguments):
                params["arguments"] = self._gate.admit(arguments, caller)
            else:
                params["arguments"] = await run_sync(self._gate.admit, arguments, caller)
            _check_names(arguments, tool)
        except TierwiseError as exc:
            return _refusal_of(exc)
        await _progress(ctx, 1)
        try:
            with anyio.fail_after(TOOL_SECONDS):
                answer = _json_object(await call_next(replace(ctx, params=params)))
        except TimeoutError:
            return _refusal(
                f"{tool.name} gave no answer within {TOOL_SECONDS:g} s; ask for a shorter window",
                "tool_timeout",
            )
        await _progress(ctx, 2)
        try:
            released = await self._released(answer, tool, release)
        except ToolRefused as exc:
            return _refusal_of(exc)
        await _progress(ctx, 3)
        return linked(released, tool.links, ctx.protocol_version)

    async def _released(
        self, answer: JsonObject, tool: DeclaredTool, release: Release
    ) -> JsonObject:
        """Replace everything a tool's result says by what the gate releases of it."""
        structured = answer.get("structuredContent")
        if answer.get("isError"):
            text = _PYDANTIC_LINK.sub("", _text_of(answer))
            released = await run_sync(
                self._gate.release_text, text, replace(release, summary_field=None)
            )
            return answer | {
                "content": [{"type": "text", "text": released.value}],
                "_meta": self._meta(answer, released),
            }
        if not isinstance(structured, dict) or answer.get("content"):
            raise EgressRefusedError(
                f"the answer of {tool.name} has a shape that the gate does not know",
                rule="gate.shape",
            )
        released = await run_sync(self._gate.release, structured, release)
        value = _json_object(released.value)
        return answer | {
            "content": [{"type": "text", "text": tool.twin(value)}],
            "structuredContent": value,
            "_meta": self._meta(answer, released),
        }

    async def _read_resource(
        self, ctx: ServerRequestContext[Any, Any], call_next: CallNext
    ) -> JsonObject:
        scheme = str((ctx.params or {}).get("uri")).partition("://")[0]
        resource = self._resources.get(scheme)
        if resource is None:
            # The standard's code, and no word about what else there might be.
            raise MCPError(
                code=INVALID_PARAMS, message="no such resource; resources/templates/list names all"
            )
        if resource.scope not in self._caller(ctx).scopes:
            raise MCPError(
                code=INVALID_REQUEST,
                message=f"{scheme}:// needs a token with the scope {resource.scope!r}",
            )
        return await self._read(ctx, call_next, f"read:{scheme}", resource.data_classes)

    async def _read(
        self,
        ctx: ServerRequestContext[Any, Any],
        call_next: CallNext,
        name: str,
        data_classes: tuple[DataClass, ...],
    ) -> JsonObject:
        """Release a resource or a prompt; what names it is admitted like a tool's arguments."""
        caller = self._caller(ctx)
        params = dict(ctx.params or {})
        release = self._release(caller, name, data_classes, params, None)
        asked: JsonObject = {key: params[key] for key in ("uri", "arguments") if key in params}
        try:
            params |= encoded(await run_sync(self._gate.admit, decoded(asked), caller))
            answer = _json_object(await call_next(replace(ctx, params=params)))
            body = {key: answer[key] for key in ("contents", "messages") if key in answer}
            for content in body.get("contents", ()):
                content["uri"] = asked["uri"]  # not what its pseudonyms stand for
            self._refuse_binary(body)
            released = await run_sync(self._gate.release, body, release)
        except MCPError as exc:
            text = await run_sync(self._gate.release_text, exc.error.message, release)
            raise MCPError(code=exc.error.code, message=str(text.value)) from exc
        except TierwiseError as exc:
            raise MCPError(code=INVALID_REQUEST, message=f"{exc.code}: {exc}") from exc
        return answer | _json_object(released.value) | {"_meta": self._meta(answer, released)}

    def _refuse_binary(self, body: object) -> None:
        """Nobody can find an identifier in pictures, sounds and blobs, so they stay."""
        if isinstance(body, list):
            for item in body:
                self._refuse_binary(item)
        elif isinstance(body, dict):
            if "blob" in body or body.get("type") in _BINARY_TYPES:
                raise EgressRefusedError("binary content does not leave", rule="gate.shape")
            for item in body.values():
                self._refuse_binary(item)

    def _meta(self, answer: JsonObject, released: Released) -> JsonObject:
        """What was done to the answer, and where the site is that did it."""
        return (answer.get("_meta") or {}) | {
            EGRESS_META: {
                "decision_id": released.decision_id,
                "form": released.form,
                "masked": dict(released.masked),
                "tokens": released.tokens,
                "bytes": released.bytes,
                "home": self._gate.home.model_dump(mode="json"),
                "tier": self._gate.site_tier,
            }
        }

    def _release(
        self,
        caller: Caller,
        tool: str,
        data_classes: tuple[str, ...],
        params: Mapping[str, Any],
        summary_field: str | None,
    ) -> Release:
        meta = params.get("_meta")
        told: Mapping[str, Any] = meta if isinstance(meta, Mapping) else {}
        investigation = _claim(told.get(INVESTIGATION_META))
        return Release(
            caller=caller,
            tool=tool,
            data_classes=data_classes,
            investigation=investigation,
            on_behalf_of=self._people.person(told.get(ON_BEHALF_OF_META), caller, investigation),
            summary_field=summary_field,
        )

    def _caller(self, ctx: ServerRequestContext[Any, Any]) -> Caller:
        """Who asks: the verified bearer of an HTTP request, else who holds the stream."""
        if ctx.request is None:
            if self._stream_caller is None:
                raise MCPError(code=INVALID_REQUEST, message="the caller cannot be told")
            return self._stream_caller
        user = ctx.request.scope.get("user")
        if isinstance(user, AuthenticatedUser) and isinstance(user.access_token, CallerToken):
            return user.access_token.caller
        raise MCPError(code=INVALID_REQUEST, message="the caller cannot be told")


def _check_names(arguments: Mapping[str, Any], tool: DeclaredTool) -> None:
    """Refuse what a tool does not take: a misspelt window would be answered with another one.

    Raises:
        InvalidArgumentError: Says what it takes.
    """
    if unknown := sorted(arguments.keys() - set(tool.arguments)):
        name = unknown[0][:_SHORT_ARGUMENT]
        raise InvalidArgumentError(
            name, f"{tool.name} takes no {name!r}; it takes {', '.join(tool.arguments)}"
        )


def _takes_no_time(arguments: Mapping[str, Any]) -> bool:
    """Whether admitting arguments is shorter than handing them to a thread: a few short values."""
    return len(arguments) <= _FEW_ARGUMENTS and all(
        value is None or isinstance(value, int | float) or len(str(value)) <= _SHORT_ARGUMENT
        for value in arguments.values()
    )


async def _progress(ctx: ServerRequestContext[Any, Any], phase: int) -> None:
    """Tell a client that asked for progress how far its call has come."""
    await ctx.session.report_progress(phase, len(_PHASES), _PHASES[phase - 1])


def _claim(value: object) -> str | None:
    """What the caller says about itself goes to the ledger only, and only as a plain id."""
    return value if isinstance(value, str) and _CLAIM.fullmatch(value) else None


def _outcome(answer: JsonObject) -> str:
    """How a call ended, as a word that `/metrics` may say."""
    if not answer.get("isError"):
        return ANSWERED
    details = (answer.get("_meta") or {}).get(ERROR_META)
    return str(details["code"]) if details else "arguments"


def _json_object(result: object) -> JsonObject:
    if not isinstance(result, dict):
        raise EgressRefusedError("an answer is no JSON object", rule="gate.shape")
    return result


def _text_of(answer: JsonObject) -> str:
    return "\n".join(str(item.get("text", "")) for item in answer.get("content", []))


def _refusal_of(exc: TierwiseError) -> JsonObject:
    """A refusal in the gate's or the policy's own words, which name no data."""
    refusal = _refusal(
        str(exc), exc.code, rule=getattr(exc, "rule", None), remedy=getattr(exc, "remedy", None)
    )
    if isinstance(exc, ApprovalPendingError):
        refusal["_meta"][ERROR_META]["approval_id"] = exc.approval_id
    return refusal


def _refusal(
    message: str, code: str, *, rule: str | None = None, remedy: str | None = None
) -> JsonObject:
    return {
        "content": [{"type": "text", "text": f"{code}: {message}"}],
        "isError": True,
        "resultType": "complete",
        "_meta": {ERROR_META: {"code": code, "rule": rule, "remedy": remedy}},
    }
