"""EventBridge -> SQS -> orchestrator -> SNS, against moto's server."""

from __future__ import annotations

import asyncio
import json

import boto3
import pytest
from moto.server import ThreadedMotoServer

from orchestrator.incidents.inbox import StormError
from orchestrator.service_settings import TriggerQueue
from orchestrator.triggers.sqs import QueueConsumer
from telecom.errors import StateUnavailableError
from tests.orchestrator.service.conftest import running
from tests.orchestrator.service.test_triggers import FOREIGN

REGION = "eu-central-1"


@pytest.fixture(scope="module")
def aws_server():
    """AWS, as far as these tests need it."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def aws(aws_server, monkeypatch):
    """Clients, and the environment that ours find the server by."""
    for name, value in {
        "AWS_ENDPOINT_URL": aws_server,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": REGION,
    }.items():
        monkeypatch.setenv(name, value)
    clients = {name: boto3.client(name) for name in ("sqs", "sns", "events")}
    yield clients
    for client in clients.values():
        client.close()


@pytest.fixture
def queues(aws, request):
    """A queue and its dead letters."""
    name = f"q{abs(hash(request.node.name)) % 10**8}"
    made = [aws["sqs"].create_queue(QueueName=f"{name}{end}")["QueueUrl"] for end in ("", "-dlq")]
    return tuple(made)


def arn_of(sqs, url):
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    return found["Attributes"]["QueueArn"]


def messages(sqs, url):
    answer = sqs.receive_message(
        QueueUrl=url, MessageAttributeNames=["All"], MaxNumberOfMessages=10, WaitTimeSeconds=0
    )
    return answer.get("Messages", [])


def test_an_event_becomes_a_notification(aws, queues, site, declared):
    """R24, issue 9: EventBridge -> SQS -> orchestrator -> SNS."""
    queue, dead = queues
    aws["events"].put_rule(Name="alarms", EventPattern='{"source": ["noc"]}')
    target = {"Id": "1", "Arn": arn_of(aws["sqs"], queue)}
    aws["events"].put_targets(Rule="alarms", Targets=[target])
    topic = aws["sns"].create_topic(Name="reports")["TopicArn"]
    heard = aws["sqs"].create_queue(QueueName="heard")["QueueUrl"]
    aws["sns"].subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn_of(aws["sqs"], heard))
    settings = declared(
        site,
        queues=[{"name": "bus", "url": queue, "dead_letter_url": dead, "sites": ["site1"]}],
        sinks=[{"name": "topic", "kind": "sns", "url": topic}],
    )
    event = FOREIGN["eventbridge"]
    entry = {"Source": "noc", "DetailType": event["detail-type"]}
    aws["events"].put_events(Entries=[entry | {"Detail": json.dumps(event["detail"])}])

    async def work():
        async with running(settings, working=False) as talk:
            [consumer] = talk.service.queues
            taken = await consumer.consume()
        async with running(settings.model_copy(update={"queues": ()})) as talk:
            await talk.settled(sent=1)
            return taken

    assert asyncio.run(work()) == 1
    [notified] = messages(aws["sqs"], heard)
    published = json.loads(json.loads(notified["Body"])["Message"])
    assert published["schema"] == "tierwise.report/1"
    assert published["report"]["root_causes"][0]["managed_object"] == "agg1:xe-0/0/1"
    assert messages(aws["sqs"], queue) == []


def test_poison_goes_to_the_dead_letters_with_its_reason(aws, queues, site, declared):
    """Issue 9: poison messages to the DLQ with reason; the others are not held up by them."""
    queue, dead = queues
    for body in ("no JSON", json.dumps(FOREIGN["eventbridge"])):
        aws["sqs"].send_message(QueueUrl=queue, MessageBody=body)
    settings = declared(
        site, queues=[{"name": "bus", "url": queue, "dead_letter_url": dead, "sites": ["site1"]}]
    )

    async def work():
        async with running(settings, working=False) as talk:
            await talk.service.queues[0].consume()
            return await talk.service.overview.counts()

    assert asyncio.run(work())["queued"] == 1
    [buried] = messages(aws["sqs"], dead)
    assert buried["Body"] == "no JSON"
    reason = buried["MessageAttributes"]["tierwise_reason"]["StringValue"]
    assert reason == "no record of it can be read as eventbridge"
    assert messages(aws["sqs"], queue) == []


class _Inbox:
    """An inbox that cannot store now."""

    def __init__(self, error):
        self.error = error

    async def accept(self, _trigger):
        raise self.error


@pytest.mark.parametrize(
    "error",
    [StateUnavailableError("down"), StormError("rate", "too much", retry_after_s=60)],
)
def test_a_message_that_cannot_be_stored_stays_in_the_queue(error, aws, queues):
    """Issue 9: deleted only after the row is committed."""
    queue, dead = queues
    aws["sqs"].send_message(QueueUrl=queue, MessageBody=json.dumps(FOREIGN["eventbridge"]))
    declared = TriggerQueue(
        name="bus", url=queue, dead_letter_url=dead, sites=("site1",), visibility_seconds=10
    )
    consumer = QueueConsumer(declared, _Inbox(error), accepted=lambda: None, long_poll_s=0)
    assert asyncio.run(consumer.consume()) == 1
    found = aws["sqs"].get_queue_attributes(
        QueueUrl=queue, AttributeNames=["ApproximateNumberOfMessagesNotVisible"]
    )
    assert found["Attributes"]["ApproximateNumberOfMessagesNotVisible"] == "1"
    assert messages(aws["sqs"], dead) == []
