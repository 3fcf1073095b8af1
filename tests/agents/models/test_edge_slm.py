"""Any OpenAI-compatible server is a language model, however it misbehaves."""

from __future__ import annotations

import asyncio
import json

import httpx
import pytest

from agents.models.edge_slm import EdgeModel, EdgeModelSettings
from agents.ports import Message, ModelRequest, ModelTurn, ToolCall, ToolOutcome, ToolSpec
from telecom.errors import ModelUnavailableError

TOOL = ToolSpec("get_alarm", "Reads an alarm.", {"type": "object"})
REQUEST = ModelRequest(
    system="be brief",
    messages=(
        Message("user", "why?"),
        Message("assistant", tool_calls=(ToolCall("c0", "get_alarm", {"alarm_id": "a1"}),)),
        Message("user", tool_outcomes=(ToolOutcome("c0", "down"),)),
    ),
    tools=(TOOL,),
    output_schema={"type": "object"},
)


def sse(*chunks, done=True):
    lines = [f"data: {json.dumps(chunk)}\n\n" for chunk in chunks]
    return "".join(lines + ["data: [DONE]\n\n"] * done).encode()


def chunk(content=None, finish=None, calls=None):
    delta = {"content": content} if calls is None else {"tool_calls": calls}
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


USAGE = {"choices": [], "usage": {"prompt_tokens": 40, "completion_tokens": 7}}


def model_of(*bodies, **settings):
    """A model whose server gives one body (or exception, or status) after the other."""
    seen, queue = [], list(bodies)

    def answer(request):
        seen.append(request)
        body = queue.pop(0)
        if isinstance(body, Exception):
            raise body
        if isinstance(body, int):
            return httpx.Response(body)
        return httpx.Response(200, content=body)

    settings = EdgeModelSettings("http://slm.example/v1", "qwen", **settings)
    return EdgeModel(settings, transport=httpx.MockTransport(answer)), seen


def turn_of(model):
    async def collect():
        return [event async for event in model.stream(REQUEST)]

    return asyncio.run(collect())


def test_text_streams_and_usage_is_the_servers():
    """The chat-completions API: usage comes in a last chunk without choices."""
    model, seen = model_of(sse(chunk("link "), chunk("down"), chunk(finish="stop"), USAGE))
    *deltas, turn = turn_of(model)
    assert [delta.text for delta in deltas] == ["link ", "down"]
    assert (turn.text, turn.stop_reason) == ("link down", "end_turn")
    assert (turn.usage.input_tokens, turn.usage.output_tokens) == (40, 7)
    assert turn.usage.cost_usd is None
    body = json.loads(seen[0].content)
    assert [message["role"] for message in body["messages"]] == [
        "system",
        "user",
        "assistant",
        "tool",
    ]
    assert body["tools"][0]["function"]["name"] == "get_alarm"
    assert body["response_format"]["type"] == "json_schema"


def test_tool_calls_are_put_together_from_their_pieces():
    """The chat-completions API: arguments stream as text."""
    model, _ = model_of(
        sse(
            chunk(calls=[{"index": 0, "id": "c1", "function": {"name": "get_alarm"}}]),
            chunk(calls=[{"index": 0, "function": {"arguments": '{"alarm_id": '}}]),
            chunk(calls=[{"index": 0, "function": {"arguments": '"a1"}'}}]),
            chunk(finish="tool_calls"),
        )
    )
    assert turn_of(model)[-1].tool_calls == (ToolCall("c1", "get_alarm", {"alarm_id": "a1"}),)


def test_a_tool_call_cut_at_the_token_limit_is_not_executed():
    """Us: a truncated call can still parse."""
    calls = [{"index": 0, "id": "c1", "function": {"name": "get_alarm", "arguments": "{}"}}]
    model, _ = model_of(sse(chunk(calls=calls), chunk(finish="length")))
    turn = turn_of(model)[-1]
    assert isinstance(turn, ModelTurn)
    assert (turn.stop_reason, turn.tool_calls) == ("max_tokens", ())


def test_a_broken_stream_is_repeated_as_a_whole_turn():
    """The port: a failure after the first delta is retried inside."""
    model, seen = model_of(
        sse(chunk("half"), done=False), sse(chunk("whole"), chunk(finish="stop"))
    )
    assert turn_of(model)[-1].text == "whole"
    assert len(seen) == 2


@pytest.mark.parametrize(
    ("bodies", "why"),
    [
        ([httpx.ConnectError("refused")] * 2, "connection failed"),
        ([httpx.ReadTimeout("silent")] * 2, "silent"),
        ([503, 503], "503"),
        ([401], "401"),
        ([b"data: <html>\n\n"], "protocol"),
        ([b'data: {"choices": [{"delta": {"content": 7}}]}\n\n'], "protocol"),
        ([sse(chunk("x" * 2000), chunk(finish="stop"))], "longer than"),
        ([sse(chunk("half"), done=False)] * 2, "ended before"),
    ],
)
def test_every_failure_is_an_unavailable_model(bodies, why):
    """The port: `ModelUnavailableError` and nothing else."""
    model, _ = model_of(*bodies, max_answer_bytes=1000)
    with pytest.raises(ModelUnavailableError, match=why):
        turn_of(model)


def test_the_key_is_not_in_the_settings_repr():
    """Us: settings are logged."""
    assert "sk-secret" not in repr(EdgeModelSettings("http://x/v1", "m", api_key="sk-secret"))
