"""Bedrock behind the port: what streams, what is retried, what is refused, what it costs."""

from __future__ import annotations

import asyncio
import os
import threading
from contextlib import contextmanager

import pytest

from agents.ports import (
    Message,
    ModelRequest,
    TextDelta,
    ToolCall,
    ToolOutcome,
    ToolSpec,
)
from orchestrator.doubles.bedrock import (
    BedrockDouble,
    Break,
    Cut,
    Damage,
    Fail,
    Hold,
    Say,
    Stop,
    Throttle,
    Use,
)
from orchestrator.executors import OpenAiEndpoint
from orchestrator.investigating.reasoning import make_model
from orchestrator.models.bedrock import BedrockModel, BedrockSettings
from orchestrator.models.converse import TokenPrice, base_model_id, residency_of
from orchestrator.settings import Settings
from placement.policy import load_policy
from telecom.errors import ModelUnavailableError

MODEL_ID = "eu.anthropic.claude-sonnet-5-v1:0"
TOOL = ToolSpec("get_alarm", "Reads an alarm.", {"type": "object", "properties": {}})
REQUEST = ModelRequest(
    system="You find root causes.",
    messages=(Message("user", "why?"),),
    tools=(TOOL,),
    output_schema={"type": "object"},
    metadata={"incident_id": "inc-1"},
)


@pytest.fixture(autouse=True)
def credentials(monkeypatch):
    """Invented ones: boto3 signs, the double does not look."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "none")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "none")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@contextmanager
def model_for(double, **settings):
    settings = {"region": "eu-central-1", "endpoint_url": double.url} | settings
    model = BedrockModel(BedrockSettings(**{"model_id": MODEL_ID} | settings))
    try:
        yield model
    finally:
        model.close()


def events_of(model, request=REQUEST):
    async def collect():
        return [event async for event in model.stream(request)]

    return asyncio.run(collect())


def turn_with(replies, request=REQUEST, **settings):
    with BedrockDouble(replies) as double, model_for(double, **settings) as model:
        return events_of(model, request)[-1], double


def test_text_streams_and_the_turn_carries_the_services_counts():
    """FACTS Bedrock: cached tokens are counted apart; time to first token is measured by us."""
    say = Say("a " * 60, cache_read_tokens=5, cache_write_tokens=2)
    price = {"anthropic.claude-sonnet-5-v1:0": TokenPrice(2.0, 10.0)}
    with BedrockDouble([say]) as double, model_for(double, prices=price) as model:
        *deltas, turn = events_of(model)
    assert len(deltas) > 2
    assert "".join(delta.text for delta in deltas if isinstance(delta, TextDelta)) == say.text
    assert (turn.text, turn.stop_reason, turn.model_id) == (say.text, "end_turn", MODEL_ID)
    usage = turn.usage
    assert (usage.cache_read_tokens, usage.cache_write_tokens) == (5, 2)
    assert usage.ttft_ms > 0
    expected = (usage.input_tokens * 2 + usage.output_tokens * 10 + 5 * 0.2 + 2 * 2.5) / 1e6
    assert usage.cost_usd == pytest.approx(expected)


def test_the_request_carries_metadata_schema_and_cache_points_on_the_stable_part():
    """Us: prompt caching with the stable part first, the incident id along."""
    _, double = turn_with([Say("x")])
    body = double.requests[0].body
    assert body["requestMetadata"] == {"incident_id": "inc-1"}
    assert body["system"][-1] == {"cachePoint": {"type": "default"}}
    assert body["toolConfig"]["tools"][-1] == {"cachePoint": {"type": "default"}}
    assert body["messages"][0]["content"][-1] == {"cachePoint": {"type": "default"}}
    assert body["outputConfig"]["textFormat"]["type"] == "json_schema"
    assert "temperature" not in body["inferenceConfig"]
    assert double.requests[0].operation == "converse-stream"
    assert double.requests[0].model_id == MODEL_ID


@pytest.mark.parametrize(
    ("model_id", "points", "schema"),
    [
        ("eu.anthropic.claude-sonnet-4-5-20250929-v1:0", 3, True),
        ("us.anthropic.claude-3-7-sonnet-20250219-v1:0", 3, False),
        ("eu.amazon.nova-pro-v1:0", 2, False),
        ("arn:aws:bedrock:eu-west-1:1:default-prompt-router/anthropic.claude:1", 0, False),
    ],
)
def test_a_model_is_sent_what_its_family_takes(model_id, points, schema):
    """Bedrock: cache points and answer schemas are refused by models without them."""
    _, double = turn_with([Say("x")], model_id=model_id)
    assert double.sent_to_model.count(b'"cachePoint"') == points
    assert ("outputConfig" in double.requests[0].body) is schema


def test_a_model_that_takes_less_than_its_family_is_asked_plainly():
    """Us: the prompt says what is wanted; a feature that has gone is no reason to fail."""
    with (
        BedrockDouble([Say("one"), Say("two")], plain=[MODEL_ID]) as double,
        model_for(double) as model,
    ):
        assert [events_of(model)[-1].text for _ in range(2)] == ["one", "two"]
    assert [b"cachePoint" in request.raw for request in double.requests] == [True, False, False]


def test_a_guardrail_is_applied_before_anything_is_shown():
    """Issue 8, point 4: guardrail; its ARN may hold colons."""
    arn = "arn:aws:bedrock:eu-central-1:123456789012:guardrail/abc"
    _, double = turn_with([Say("x")], guardrail=f"{arn}:3")
    assert double.requests[0].body["guardrailConfig"] == {
        "guardrailIdentifier": arn,
        "guardrailVersion": "3",
        "streamProcessingMode": "sync",
    }


def test_no_real_model_can_be_called_while_the_switch_is_on(monkeypatch):
    """Issue 8, point 8: a switch that makes any real model call fail under test."""
    assert os.environ["TIERWISE_MODEL_CALLS"] == "loopback"
    with pytest.raises(ModelUnavailableError, match="switched off"):
        BedrockModel(BedrockSettings(MODEL_ID, region="eu-central-1"))
    edge = OpenAiEndpoint("http://slm.example/v1", "qwen")
    with pytest.raises(ModelUnavailableError, match="switched off"):
        make_model(edge, Settings(), load_policy())
    monkeypatch.delenv("TIERWISE_MODEL_CALLS")
    BedrockModel(BedrockSettings(MODEL_ID, region="eu-central-1")).close()


def test_an_unknown_price_is_no_price():
    """House style: cost is None when unknown, never 0."""
    turn, _ = turn_with([Say("x")])
    assert turn.usage.cost_usd is None


def test_a_tool_round_is_one_bedrock_accepts():
    """Bedrock: every toolUse is answered in the next message; the double refuses anything else."""
    first, _ = turn_with([Say(uses=(Use("get_alarm", {"alarm_id": "a1"}, "t1"),))])
    assert first.stop_reason == "tool_use"
    assert first.tool_calls == (ToolCall("t1", "get_alarm", {"alarm_id": "a1"}),)
    again = ModelRequest(
        system="s",
        messages=(
            *REQUEST.messages,
            Message("assistant", first.text, first.tool_calls),
            Message("user", tool_outcomes=(ToolOutcome("t1", "", failed=True),)),
        ),
        tools=(TOOL,),
    )
    turn, double = turn_with([Say("done")], again)
    assert turn.text == "done"
    result = double.requests[0].body["messages"][2]["content"][0]["toolResult"]
    assert (result["status"], result["content"]) == ("error", [{"text": "(empty)"}])


def test_a_tool_call_cut_by_the_token_limit_is_never_executed():
    """FACTS Bedrock: it can still parse as JSON."""
    whole = Say(uses=(Use("get_alarm", {}, "t1"),), stop_reason="max_tokens")
    turn, _ = turn_with([whole])
    assert (turn.stop_reason, turn.tool_calls) == ("max_tokens", ())


@pytest.mark.parametrize("breakage", [Cut, Damage, Stop, Break])
@pytest.mark.parametrize("after", [0, 2])
def test_a_stream_that_breaks_is_repeated_as_a_whole_turn(breakage, after):
    """FACTS Bedrock: nothing that breaks after the 200 is retried by boto3."""
    turn, double = turn_with([breakage(Say("half of it " * 9), after=after), Say("whole")])
    assert turn.text == "whole"
    assert len(double.requests) == 2
    assert double.requests[0].raw == double.requests[1].raw


def test_a_tool_call_with_broken_json_is_asked_for_again():
    """Bedrock: arguments stream as text and may break off."""
    broken = Say(uses=(Use("get_alarm", {"alarm_id": "a1"}, "t1", truncate_at=5),))
    turn, double = turn_with([broken, Say("ok")])
    assert turn.text == "ok"
    assert len(double.requests) == 2


def test_a_stream_that_always_breaks_ends_in_one_error():
    """The port: bounded attempts, one error."""
    with pytest.raises(ModelUnavailableError, match="broke off"):
        turn_with([Break(Say("half"), after=1)] * 3)


@pytest.mark.parametrize("reply", [Throttle(), Fail(500, "InternalServerException"), Fail(503)])
def test_what_fails_before_the_answer_is_retried_by_boto3(reply):
    """FACTS Bedrock: standard mode, three attempts, obeys x-amz-retry-after."""
    turn, double = turn_with([reply, Say("ok")])
    assert turn.text == "ok"
    assert len(double.requests) == 2


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (Fail(403, "AccessDeniedException"), "enable the model"),
        (Fail(404, "ResourceNotFoundException"), "no such model"),
        (Fail(403, "ExpiredTokenException"), "expired"),
    ],
)
def test_what_cannot_work_is_not_repeated(reply, why):
    """Us: the message says what would help."""
    with BedrockDouble([reply]) as double, model_for(double) as model:
        with pytest.raises(ModelUnavailableError, match=why):
            events_of(model)
        assert len(double.requests) == 1


def test_a_model_id_that_needs_a_profile_is_refused_with_the_cure():
    """FACTS Bedrock: newer models refuse plain ids on demand."""
    plain = "anthropic.claude-sonnet-5-v1:0"
    with (
        BedrockDouble([], needs_profile=[plain]) as double,
        model_for(double, model_id=plain) as model,
        pytest.raises(ModelUnavailableError, match="inference profile"),
    ):
        events_of(model)


@pytest.mark.parametrize("reason", ["guardrail_intervened", "content_filtered"])
def test_a_guardrail_is_a_refusal(reason):
    """The port: `refused` is a stop reason, for the analyst to say."""
    turn, _ = turn_with([Say("Sorry.", stop_reason=reason)])
    assert turn.stop_reason == "refused"


def test_a_slow_first_token_is_given_up_within_its_deadline():
    """Us: a silent endpoint must not hold an investigation."""
    release = threading.Event()
    with BedrockDouble(lambda _: Hold(Say("late"), release)) as double:
        with (
            model_for(double, first_token_s=0.05, attempts=2) as model,
            pytest.raises(ModelUnavailableError, match="silent"),
        ):
            events_of(model)
        release.set()


def test_all_attempts_share_one_total_deadline():
    """Us: retries must not multiply the time."""
    release = threading.Event()
    with BedrockDouble(lambda _: Hold(Say("late"), release)) as double:
        with (
            model_for(double, total_s=0.05) as model,
            pytest.raises(ModelUnavailableError, match="no finished answer"),
        ):
            events_of(model)
        release.set()


def test_nobody_listening_is_an_unavailable_model():
    """Bad input: an endpoint that refuses connections."""
    with BedrockDouble([]) as double:
        url = double.url
    model = BedrockModel(BedrockSettings(MODEL_ID, region="eu-central-1", endpoint_url=url))
    with pytest.raises(ModelUnavailableError, match="connection failed"):
        events_of(model)
    model.close()


def test_missing_credentials_are_named(monkeypatch, tmp_path):
    """Bad input: no AWS settings at all."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    with (
        BedrockDouble([]) as double,
        model_for(double) as model,
        pytest.raises(ModelUnavailableError, match="no AWS credentials"),
    ):
        events_of(model)


def test_more_calls_than_boto3s_default_pool_run_at_once():
    """FACTS Bedrock: the default pool allows few calls in flight; ours has its own threads."""
    release, waiting = threading.Event(), threading.Semaphore(0)

    def brain(_body):
        waiting.release()
        return Hold(Say("ok"), release)

    async def many(model):
        async def one():
            return [event async for event in model.stream(REQUEST)][-1].text

        tasks = [asyncio.create_task(one()) for _ in range(12)]
        for _ in tasks:
            await asyncio.to_thread(waiting.acquire)
        release.set()
        return await asyncio.gather(*tasks)

    with BedrockDouble(brain) as double, model_for(double) as model:
        assert asyncio.run(many(model)) == ["ok"] * 12


def test_a_lone_surrogate_does_not_break_the_request():
    """FACTS MCP: hostile strings from a site contain them."""
    turn, double = turn_with([Say("ok")], ModelRequest("s", (Message("user", "bad \ud800 text"),)))
    assert turn.text == "ok"
    assert b"bad ? text" in double.sent_to_model


def test_a_prompt_router_is_billed_as_the_model_that_answered():
    """FACTS Bedrock: trace.promptRouter.invokedModelId."""
    arn = "arn:aws:bedrock:eu-central-1:1:inference-profile/eu.amazon.nova-lite-v1:0"
    price = {"amazon.nova-lite-v1:0": TokenPrice(0.06, 0.24)}
    turn, _ = turn_with([Say("ok", invoked_model_id=arn)], prices=price)
    assert turn.model_id == arn
    assert turn.usage.cost_usd > 0


@pytest.mark.parametrize(
    ("model_id", "residency"),
    [
        ("amazon.nova-pro-v1:0", "in_region"),
        ("eu.amazon.nova-pro-v1:0", "geography"),
        ("us-gov.anthropic.claude-sonnet-5-v1:0", "geography"),
        ("global.anthropic.claude-sonnet-5-v1:0", "global"),
        ("arn:aws:bedrock:eu-west-1::foundation-model/amazon.nova-pro-v1:0", "in_region"),
        ("arn:aws:bedrock:eu-west-1:1:inference-profile/eu.amazon.nova-pro-v1:0", "geography"),
        ("arn:aws:bedrock:eu-west-1:1:default-prompt-router/anthropic.claude:1", "global"),
        ("arn:aws:bedrock:eu-west-1:1:application-inference-profile/abc", "global"),
    ],
)
def test_where_a_model_id_may_be_processed_is_read_from_it(model_id, residency):
    """FACTS Bedrock: in-Region, geography and global are three placement targets."""
    assert residency_of(model_id) == residency


def test_an_inference_profile_is_priced_as_its_model():
    """Us: one price row per model."""
    assert base_model_id("eu.amazon.nova-pro-v1:0") == "amazon.nova-pro-v1:0"
    assert base_model_id("amazon.nova-pro-v1:0") == "amazon.nova-pro-v1:0"
