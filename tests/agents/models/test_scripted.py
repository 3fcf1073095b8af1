"""The shipped double behaves as the port says."""

from __future__ import annotations

import asyncio

import pytest

from agents.models.scripted import ScriptedModel
from agents.ports import Message, ModelRequest, ModelTurn, TextDelta, ToolCall
from telecom.errors import ModelUnavailableError

REQUEST = ModelRequest(system="be brief", messages=(Message("user", "why?"),))


async def collect(model, request=REQUEST):
    return [event async for event in model.stream(request)]


def test_a_scripted_text_streams_and_ends_in_one_turn():
    """Demanded by the port: deltas first, the finished turn last."""
    model = ScriptedModel(["power failure at pe1"])
    *deltas, turn = asyncio.run(collect(model))
    assert "".join(d.text for d in deltas if isinstance(d, TextDelta)).strip() == turn.text
    assert isinstance(turn, ModelTurn)
    assert turn.stop_reason == "end_turn"
    assert model.requests == [REQUEST]


def test_a_brain_sees_the_request_and_can_ask_for_tools():
    """Us: tests of loops need answers that depend on the question."""
    call = ToolCall("1", "get_alarm", {"alarm_id": "a"})
    model = ScriptedModel(lambda request: (call,) if "why" in request.messages[-1].text else "no")
    (turn,) = asyncio.run(collect(model))
    assert turn.tool_calls == (call,)
    assert turn.stop_reason == "tool_use"


def test_the_end_of_the_script_is_an_unavailable_model():
    """Us: a loop that never stops must not hang a test."""
    with pytest.raises(ModelUnavailableError, match="end"):
        asyncio.run(collect(ScriptedModel([])))
