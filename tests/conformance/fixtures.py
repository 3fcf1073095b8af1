"""What the conformance suite calls by name, in the two ways it can be mounted.

`declared_tools` are built by the factory like every tool of ours. `undeclared_tools` do what a
declared tool cannot: they answer pictures, embed bodies, notify and question the client. They are
mounted behind the factory's back, and only where the rule that keeps them out is switched off.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from typing import Annotated, Any

import anyio
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.prompts.base import UserMessage
from mcp.shared.exceptions import MCPError
from mcp_types import (
    MISSING_REQUIRED_CLIENT_CAPABILITY,
    AudioContent,
    CreateMessageRequest,
    CreateMessageRequestParams,
    ElicitRequest,
    ElicitRequestFormParams,
    EmbeddedResource,
    ImageContent,
    InputRequiredResult,
    ListRootsRequest,
    SamplingMessage,
    TextContent,
    TextResourceContents,
)
from pydantic import BaseModel, Field

from mcp_servers.serving.resource_declarations import DeclaredPrompt, DeclaredResource
from mcp_servers.serving.tool_declarations import DeclaredTool
from telecom.errors import RecordNotFoundError
from telecom.schema import ProductModel

SCOPE = "tickets:read"
PIXEL = base64.b64encode(
    bytes.fromhex(
        "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de"
        "0000000c49444154789c63f8cfc0000003010100c9fe92ef0000000049454e44ae426082"
    )
).decode()
SILENCE = base64.b64encode(
    b"RIFF\x26\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0"
    b"\x40\x1f\0\0\x01\0\x08\0data\x02\0\0\0\x80\x80"
).decode()
STATES: dict[str, Any] = {"type": "object", "properties": {"ok": {"type": "boolean"}}}
NAMES: dict[str, Any] = {
    "type": "object",
    "properties": {"name": {"type": "string"}},
    "required": ["name"],
}
SCHEMA_2020_12: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "$defs": {
        "address": {
            "$anchor": "addressDef",
            "type": "object",
            "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
        }
    },
    "properties": {
        "name": {"type": "string"},
        "address": {"$ref": "#/$defs/address"},
        "contactMethod": {"type": "string", "enum": ["phone", "email"]},
        "phone": {"type": "string"},
        "email": {"type": "string"},
    },
    "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
    "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
    "then": {"required": ["phone"]},
    "else": {"required": ["email"]},
    "additionalProperties": False,
}


class Answer(ProductModel):
    """What a declared fixture answers."""

    text: str


def test_simple_text() -> Answer:
    """Answer one line of text."""
    return Answer(text="This is a simple text response for testing.")


def test_tool_with_progress() -> Answer:
    """Answer at once; the server tells how far the call has come."""
    return Answer(text="done")


def test_error_handling() -> Answer:
    """Fail."""
    raise RecordNotFoundError("fixture", "none", hint="this tool fails on purpose")


def test_x_mcp_header(
    region: Annotated[str, Field(default="none", json_schema_extra={"x-mcp-header": "Region"})],
) -> Answer:
    """Take an argument that HTTP clients mirror into a header."""
    return Answer(text=f"region={region}")


def json_schema_2020_12_tool() -> Answer:
    """Have an input schema with every keyword of JSON Schema 2020-12."""
    return Answer(text="answered")


def declared_tools() -> tuple[DeclaredTool, ...]:
    """The fixtures that a server of ours may serve as it is."""
    functions: tuple[Callable[..., ProductModel], ...] = (
        test_simple_text,
        test_tool_with_progress,
        test_error_handling,
        test_x_mcp_header,
        json_schema_2020_12_tool,
    )
    return tuple(declare(function) for function in functions)


def declare(function: Callable[..., Any]) -> DeclaredTool:
    """Declare a fixture as vendor documentation, which may go anywhere."""
    return DeclaredTool(
        function,
        ("vendor_docs",),
        SCOPE,
        lambda answer: str(answer["text"]),
        function.__name__,
    )


# ------------------------------------------------------------------ bodies that are not ours


def test_image_content() -> list[ImageContent]:
    """Answer a picture."""
    return [ImageContent(type="image", data=PIXEL, mime_type="image/png")]


def test_audio_content() -> list[AudioContent]:
    """Answer a sound."""
    return [AudioContent(type="audio", data=SILENCE, mime_type="audio/wav")]


def test_embedded_resource() -> list[EmbeddedResource]:
    """Answer a body instead of a link to it."""
    return [_embedded("test://embedded-resource", "text/plain", "An embedded body.")]


def test_multiple_content_types() -> list[TextContent | ImageContent | EmbeddedResource]:
    """Answer text, a picture and a body."""
    return [
        TextContent(type="text", text="Several kinds of content:"),
        ImageContent(type="image", data=PIXEL, mime_type="image/png"),
        _embedded("test://mixed-content-resource", "application/json", '{"test": "data"}'),
    ]


def _embedded(uri: str, mime_type: str, text: str) -> EmbeddedResource:
    return EmbeddedResource(
        type="resource",
        resource=TextResourceContents(uri=uri, mime_type=mime_type, text=text),
    )


# ------------------------------------------------------------------ notifications and questions


async def test_tool_with_logging(ctx: Context[Any]) -> str:
    """Send log messages while it works."""
    for phrase in ("started", "working", "finished"):
        await ctx.info(phrase)
    return "logged"


async def test_reconnection(ctx: Context[Any]) -> str:
    """Close the stream of its own answer."""
    await ctx.close_sse_stream()
    await anyio.sleep(0.2)  # the client needs a moment to come back
    return "answered after the stream was closed"


async def test_sampling(prompt: str, ctx: Context[Any]) -> str:
    """Have the client's model say something."""
    answer = await ctx.session.create_message(
        messages=[_said(prompt)], max_tokens=100, related_request_id=ctx.request_id
    )
    return f"LLM response: {getattr(answer.content, 'text', '')}"


class Reply(BaseModel):
    """What a person is asked for."""

    response: str = Field(description="the answer")


class Defaults(BaseModel):
    """A default of each primitive type."""

    name: str = "John Doe"
    age: int = 30
    score: float = 95.5
    status: Annotated[str, Field(json_schema_extra={"enum": ["active", "inactive", "pending"]})] = (
        "active"
    )
    verified: bool = True


def _titled(key: str, *pairs: tuple[str, str]) -> dict[str, Any]:
    return {key: [{"const": const, "title": title} for const, title in pairs]}


class Enums(BaseModel):
    """Each way to write an enumeration."""

    untitledSingle: Annotated[  # noqa: N815 - the suite's names
        str, Field(json_schema_extra={"enum": ["active", "inactive", "pending"]})
    ]
    titledSingle: Annotated[  # noqa: N815
        str, Field(json_schema_extra=_titled("oneOf", ("low", "Low"), ("high", "High")))
    ]
    untitledMulti: Annotated[  # noqa: N815
        list[str],
        Field(json_schema_extra={"items": {"type": "string", "enum": ["read", "write"]}}),
    ]
    titledMulti: Annotated[  # noqa: N815
        list[str],
        Field(json_schema_extra={"items": _titled("anyOf", ("bug", "Bug"), ("docs", "Docs"))}),
    ]
    legacyEnum: Annotated[  # noqa: N815
        str,
        Field(json_schema_extra={"enum": ["small", "large"], "enumNames": ["Small", "Large"]}),
    ]


async def test_elicitation(message: str, ctx: Context[Any]) -> str:
    """Ask the person at the client."""
    return await _asked(ctx, message, Reply)


async def test_elicitation_sep1034_defaults(ctx: Context[Any]) -> str:
    """Ask with defaults."""
    return await _asked(ctx, "Please look at the defaults", Defaults)


async def test_elicitation_sep1330_enums(ctx: Context[Any]) -> str:
    """Ask with enumerations."""
    return await _asked(ctx, "Please choose", Enums)


async def _asked(ctx: Context[Any], message: str, schema: type[BaseModel]) -> str:
    answer = await ctx.elicit(message=message, schema=schema)
    content = answer.data.model_dump_json() if answer.action == "accept" else "{}"
    return f"User response: action={answer.action}, content={content}"


async def test_logging_tool(ctx: Context[Any]) -> str:
    """Log to a client that did not ask for it."""
    await ctx.info("nobody should see this")
    return "logged"


async def test_streaming_elicitation(ctx: Context[Any]) -> str | InputRequiredResult:
    """Ask within the answer, never beside it."""
    await ctx.report_progress(1, 2)
    return InputRequiredResult(input_requests={"ask": _question("What is your name?")})


async def test_missing_capability(ctx: Context[Any]) -> str:
    """Need a client that samples."""
    declared = ctx.session.client_capabilities
    if declared is None or declared.sampling is None:
        raise MCPError(
            code=MISSING_REQUIRED_CLIENT_CAPABILITY,
            message="this tool needs the client's sampling",
            data={"requiredCapabilities": {"sampling": {}}},
        )
    return "the client samples"


def _said(text: str) -> SamplingMessage:
    return SamplingMessage(role="user", content=TextContent(type="text", text=text))


def _question(message: str, schema: Mapping[str, Any] = NAMES) -> ElicitRequest:
    return ElicitRequest(
        params=ElicitRequestFormParams(message=message, requested_schema=dict(schema))
    )


def _completion(text: str) -> CreateMessageRequest:
    return CreateMessageRequest(
        params=CreateMessageRequestParams(messages=[_said(text)], max_tokens=50)
    )


def _content(answer: Any, field: str) -> str:
    """A field of what a person filled in; the SDK's union, hence Any."""
    return str((getattr(answer, "content", None) or {}).get(field, "nobody"))


async def test_input_required_result_elicitation(ctx: Context[Any]) -> str | InputRequiredResult:
    """Ask for a name before it answers."""
    if (answers := ctx.input_responses) and "user_name" in answers:
        return f"Hello, {_content(answers['user_name'], 'name')}!"
    return InputRequiredResult(input_requests={"user_name": _question("What is your name?")})


async def test_input_required_result_sampling(ctx: Context[Any]) -> str | InputRequiredResult:
    """Ask a model before it answers."""
    if (answers := ctx.input_responses) and "capital_question" in answers:
        said = getattr(answers["capital_question"], "content", None)
        return f"The model said: {getattr(said, 'text', '')}"
    return InputRequiredResult(
        input_requests={"capital_question": _completion("What is the capital of France?")}
    )


async def test_input_required_result_list_roots(ctx: Context[Any]) -> str | InputRequiredResult:
    """Ask for roots before it answers."""
    if (answers := ctx.input_responses) and "client_roots" in answers:
        return f"{len(getattr(answers['client_roots'], 'roots', ()))} roots"
    return InputRequiredResult(input_requests={"client_roots": ListRootsRequest()})


async def test_input_required_result_request_state(
    ctx: Context[Any],
) -> str | InputRequiredResult:
    """Know its own state again."""
    if "confirm" in (ctx.input_responses or {}) and ctx.request_state == "first round":
        return "state-ok: confirmed"
    return InputRequiredResult(
        input_requests={"confirm": _question("Please confirm", STATES)},
        request_state="first round",
    )


async def test_input_required_result_multiple_inputs(
    ctx: Context[Any],
) -> str | InputRequiredResult:
    """Ask three things at once."""
    if {"user_name", "greeting", "client_roots"} <= (ctx.input_responses or {}).keys():
        return "all answered"
    return InputRequiredResult(
        input_requests={
            "user_name": _question("What is your name?"),
            "greeting": _completion("Say hello"),
            "client_roots": ListRootsRequest(),
        },
        request_state="asked",
    )


async def test_input_required_result_multi_round(ctx: Context[Any]) -> str | InputRequiredResult:
    """Ask one thing after the other."""
    state = json.loads(ctx.request_state or '{"round": 0}')
    answers = ctx.input_responses or {}
    if state["round"] == 1 and "step1" in answers:
        state = {"round": 2, "name": _content(answers["step1"], "name")}
        asked = {"step2": _question("Which color?", {"type": "object", "properties": {}})}
        return InputRequiredResult(input_requests=asked, request_state=json.dumps(state))
    if state["round"] == 2 and "step2" in answers:
        return f"{state['name']} likes {_content(answers['step2'], 'color')}"
    return InputRequiredResult(
        input_requests={"step1": _question("What is your name?")},
        request_state=json.dumps({"round": 1}),
    )


async def test_input_required_result_tampered_state(
    ctx: Context[Any],
) -> str | InputRequiredResult:
    """Get its state back untouched, or not at all."""
    if ctx.request_state is not None:
        return f"state-ok: {ctx.request_state}"
    return InputRequiredResult(
        input_requests={"confirm": _question("Please confirm", STATES)}, request_state="sealed"
    )


async def test_input_required_result_capabilities(ctx: Context[Any]) -> InputRequiredResult:
    """Ask only what the client can answer."""
    known = ctx.client_capabilities
    asked: dict[str, Any] = {}
    if known is None or known.sampling is not None:
        asked["sample"] = _completion("Say hello")
    if known is None or known.elicitation is not None:
        asked["ask"] = _question("What is your name?")
    return InputRequiredResult(input_requests=asked, request_state="asked")


BODIES = (
    test_image_content,
    test_audio_content,
    test_embedded_resource,
    test_multiple_content_types,
)
CONVERSATIONS = (
    test_tool_with_logging,
    test_reconnection,
    test_sampling,
    test_elicitation,
    test_elicitation_sep1034_defaults,
    test_elicitation_sep1330_enums,
    test_missing_capability,
    test_logging_tool,
    test_streaming_elicitation,
    test_input_required_result_elicitation,
    test_input_required_result_sampling,
    test_input_required_result_list_roots,
    test_input_required_result_request_state,
    test_input_required_result_multiple_inputs,
    test_input_required_result_multi_round,
    test_input_required_result_tampered_state,
    test_input_required_result_capabilities,
)


# ------------------------------------------------------------------ resources and prompts


def static_text() -> str:
    """Some text."""
    return "This is the content of the static text resource."


def watched() -> str:
    """Something that could change."""
    return "nothing has changed"


def template(id: str) -> str:
    """A resource with a parameter."""
    return json.dumps({"id": id, "templateTest": True, "data": f"Data for ID: {id}"})


def test_simple_prompt() -> str:
    """Ask for nothing in particular."""
    return "This is a simple prompt for testing."


def test_prompt_with_arguments(arg1: str, arg2: str) -> str:
    """Ask with arguments."""
    return f"Prompt with arguments: arg1='{arg1}', arg2='{arg2}'"


PROMPTS = (
    DeclaredPrompt(test_simple_prompt, "Simple"),
    DeclaredPrompt(test_prompt_with_arguments, "With arguments"),
)


def add_undeclared(server: MCPServer[Any]) -> None:
    """Mount the resources and prompts that hold what is not text.

    The suite's resources share one scheme, which declared ones of ours may not.
    """
    server.resource("test://static-text", mime_type="text/plain")(static_text)
    server.resource("test://watched-resource", mime_type="text/plain")(watched)
    server.resource("test://template/{id}/data", mime_type="application/json")(template)

    @server.resource("test://static-binary", mime_type="image/png")
    def static_binary() -> bytes:
        """A picture."""
        return base64.b64decode(PIXEL)

    @server.prompt()
    def test_prompt_with_embedded_resource(
        resourceUri: str,  # noqa: N803 - the suite's name
    ) -> list[UserMessage]:
        """A prompt that holds a body."""
        return [
            UserMessage(_embedded(resourceUri, "text/plain", "An embedded body.")),
            UserMessage("Please read the body above."),
        ]

    @server.prompt()
    def test_prompt_with_image() -> list[UserMessage]:
        """A prompt that holds a picture."""
        return [
            UserMessage(ImageContent(type="image", data=PIXEL, mime_type="image/png")),
            UserMessage("Please look at the picture above."),
        ]


RESOURCE = DeclaredResource(
    "test://{+anything}", template, ("vendor_docs",), SCOPE, "Fixture resources"
)
"""What the gate knows about them."""


def add_asking_prompt(server: MCPServer[Any]) -> None:
    """Mount the prompt that asks back before it answers."""

    @server.prompt()
    async def test_input_required_result_prompt(
        ctx: Context[Any],
    ) -> list[UserMessage] | InputRequiredResult:
        """Ask for context first."""
        if "user_context" in (ctx.input_responses or {}):
            context = _content((ctx.input_responses or {})["user_context"], "context")
            return [UserMessage(f"Use this context: {context}")]
        schema = {"type": "object", "properties": {"context": {"type": "string"}}}
        return InputRequiredResult(
            input_requests={"user_context": _question("Which context?", schema)}
        )
