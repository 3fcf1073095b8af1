"""The Bedrock double is as strict as Bedrock, seen through boto3."""

from __future__ import annotations

import boto3
import pytest
from botocore.exceptions import ClientError

from orchestrator.doubles.bedrock import BedrockDouble, Say, Use

MODEL_ID = "amazon.nova-pro-v1:0"


def client_of(double):
    return boto3.client(
        "bedrock-runtime",
        region_name="eu-central-1",
        endpoint_url=double.url,
        aws_access_key_id="none",
        aws_secret_access_key="none",
    )


def user(text):
    return {"role": "user", "content": [{"text": text}]}


def assistant(text):
    return {"role": "assistant", "content": [{"text": text}]}


USE = {"toolUse": {"toolUseId": "t1", "name": "f", "input": {}}}
RESULT = {"toolResult": {"toolUseId": "t1", "content": [{"text": "x"}]}}
TOOLS = {"tools": [{"toolSpec": {"name": "f", "inputSchema": {"json": {"type": "object"}}}}]}


@pytest.mark.parametrize(
    ("parameters", "why"),
    [
        ({"messages": [assistant("hi")]}, "start with a user"),
        ({"messages": [user("a"), user("b")]}, "alternate"),
        ({"messages": [user("  ")]}, "blank"),
        ({"messages": [user("a"), assistant("b")]}, "end with a user"),
        (
            {
                "messages": [user("a"), {"role": "assistant", "content": [USE]}, user("b")],
                "toolConfig": TOOLS,
            },
            "answered",
        ),
        (
            {
                "messages": [
                    user("a"),
                    {"role": "assistant", "content": [USE]},
                    {"role": "user", "content": [RESULT]},
                ]
            },
            "toolConfig",
        ),
        ({"messages": [user("a")], "toolConfig": {"tools": TOOLS["tools"] * 2}}, "unique"),
        (
            {
                "messages": [user("a")],
                "modelId": "eu.anthropic.claude-opus-5-5",
                "inferenceConfig": {"temperature": 0.1},
            },
            "temperature",
        ),
        ({"messages": [user("a")], "modelId": "anthropic.new"}, "inference profile"),
        (
            {"messages": [user("a")], "modelId": "anthropic.claude-sonnet-4-5-20250929-v1:0"},
            "inference profile",
        ),
    ],
)
def test_what_bedrock_refuses_is_refused(parameters, why):
    """FACTS Bedrock: a lenient double hides faults until the first real call."""
    with BedrockDouble([Say("never")], needs_profile=["anthropic.new"]) as double:
        with pytest.raises(ClientError, match=why) as caught:
            client_of(double).converse(**{"modelId": MODEL_ID} | parameters)
        assert caught.value.response["Error"]["Code"] == "ValidationException"
        assert len(double.requests) == 1


def test_converse_answers_in_one_piece():
    """The API: content, stop reason and usage."""
    with BedrockDouble([Say("hi", (Use("f", {"a": 1}),))]) as double:
        answer = client_of(double).converse(
            modelId=MODEL_ID, messages=[user("a")], toolConfig=TOOLS
        )
    assert answer["stopReason"] == "tool_use"
    assert answer["output"]["message"]["content"][0] == {"text": "hi"}
    assert answer["output"]["message"]["content"][1]["toolUse"]["input"] == {"a": 1}
    assert answer["usage"]["totalTokens"] > 0


def test_count_tokens_counts_what_converse_would_be_sent():
    """The API: CountTokens takes the same messages."""
    with BedrockDouble([]) as double:
        counted = client_of(double).count_tokens(
            modelId=MODEL_ID, input={"converse": {"messages": [user("three short words")]}}
        )
    assert counted["inputTokens"] >= 3


def test_a_brain_answers_by_what_it_was_asked():
    """Us: end-to-end runs need a model that reads its evidence."""

    def brain(body):
        return Say(body["messages"][-1]["content"][0]["text"].upper())

    with BedrockDouble(brain) as double:
        stream = client_of(double).converse_stream(modelId=MODEL_ID, messages=[user("why")])
        deltas = [
            e["contentBlockDelta"]["delta"]["text"]
            for e in stream["stream"]
            if "contentBlockDelta" in e
        ]
    assert "".join(deltas) == "WHY"


def test_a_second_turn_reads_its_prefix_from_the_cache():
    """Bedrock: cached tokens are counted apart; a prefix ends at a cache point."""
    point = {"cachePoint": {"type": "default"}}
    long = {"role": "user", "content": [{"text": "alarm " * 3000}, point]}
    with BedrockDouble(lambda _: Say("ok")) as double:
        client = client_of(double)
        first, second = (
            client.converse(modelId=MODEL_ID, messages=messages)["usage"]
            for messages in ([long], [long, assistant("and?"), user("go on")])
        )
    assert first["cacheReadInputTokens"] == 0
    assert second["cacheReadInputTokens"] == first["cacheWriteInputTokens"] > 1024
    assert second["cacheWriteInputTokens"] == 0
    assert 0 < second["inputTokens"] < 100
