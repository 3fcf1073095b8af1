"""The watch stack: alarms with a topic that tells people, and one dashboard."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from aws_cdk import App, Fn, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sns as sns

from deploy.aws.stacks.agentcore import NAME as AGENTCORE
from deploy.aws.stacks.models import GEOGRAPHIES, MODEL
from deploy.aws.stacks.network import NAME as NETWORK
from deploy.aws.stacks.parts import document, from_stack, new_stack, parameter, published
from deploy.aws.stacks.state import NAME as STATE

NAME = "tierwise-watch"

AGENTCORE_METRICS = "AWS/Bedrock-AgentCore"
_FIVE_MINUTES = 300


def watch(app: App) -> Stack:
    """Build the stack."""
    stack = new_stack(app, NAME, "tierwise: alarms and a dashboard of the cloud half")
    network = from_stack(stack, "NetworkStack", NETWORK)
    state = from_stack(stack, "StateStack", STATE)
    agentcore = from_stack(stack, "AgentCoreStack", AGENTCORE)
    topic = _topic(stack, network["KeyArn"])
    watched = _Watched(
        queue={"QueueName": state["QueueName"]},
        dead_letters={"QueueName": state["DeadLetterName"]},
        database={"DBInstanceIdentifier": state["DatabaseId"]},
        runtime={"Resource": agentcore["RuntimeArn"]},
        gateway={"Resource": agentcore["GatewayArn"]},
        model={
            "ModelId": parameter(
                stack,
                "ModelId",
                "Model whose tokens are shown, as it is invoked",
                allowed_pattern=f"^(({'|'.join(GEOGRAPHIES[1:])})\\.)?{MODEL}$",
            )
        },
    )
    for alarm in _alarms(watched):
        _add(stack, topic, alarm)
    _dashboard(stack, watched)
    published(stack, "TopicArn", topic.ref, "Subscribe whoever is on duty")
    return stack


def _topic(stack: Stack, key: str) -> sns.CfnTopic:
    topic = sns.CfnTopic(
        stack,
        "Topic",
        topic_name=Fn.sub("${AWS::StackName}-alarms"),
        kms_master_key_id=key,
    )
    sns.CfnTopicPolicy(
        stack,
        "TopicPolicy",
        topics=[topic.ref],
        policy_document=document(
            {
                "Sid": "OwnAlarmsMayTell",
                "Effect": "Allow",
                "Principal": {"Service": "cloudwatch.amazonaws.com"},
                "Action": ["sns:Publish"],
                "Resource": [topic.ref],
                "Condition": {"StringEquals": {"aws:SourceAccount": Fn.ref("AWS::AccountId")}},
            }
        ),
    )
    return topic


Dimensions = dict[str, str]


@dataclass(frozen=True, slots=True)
class _Watched:
    """What is watched, as the dimensions of its metrics."""

    queue: Dimensions
    dead_letters: Dimensions
    database: Dimensions
    runtime: Dimensions
    gateway: Dimensions
    model: Dimensions


@dataclass(frozen=True, slots=True)
class _Alarm:
    """One alarm: more than a threshold in five minutes, twice in a row unless it is zero."""

    name: str
    description: str
    namespace: str
    metric: str
    statistic: str
    threshold: float
    dimensions: Dimensions
    comparison: str = "GreaterThanThreshold"


def _alarms(watched: _Watched) -> tuple[_Alarm, ...]:
    return (
        _Alarm(
            "triggers-wait",
            "A trigger has waited for ten minutes: no worker takes it",
            "AWS/SQS",
            "ApproximateAgeOfOldestMessage",
            "Maximum",
            600,
            watched.queue,
        ),
        _Alarm(
            "dead-letters",
            "An event could not be read; its attribute tierwise_reason says why",
            "AWS/SQS",
            "ApproximateNumberOfMessagesVisible",
            "Maximum",
            0,
            watched.dead_letters,
        ),
        _Alarm(
            "database-cpu",
            "The state's database is busy",
            "AWS/RDS",
            "CPUUtilization",
            "Average",
            80,
            watched.database,
        ),
        _Alarm(
            "database-connections",
            "More connections than the cloud half's pods should hold",
            "AWS/RDS",
            "DatabaseConnections",
            "Maximum",
            100,
            watched.database,
        ),
        _Alarm(
            "database-disk",
            "Less than 5 GB are left for the state",
            "AWS/RDS",
            "FreeStorageSpace",
            "Minimum",
            5 * 2**30,
            watched.database,
            comparison="LessThanThreshold",
        ),
        _Alarm(
            "runtime-errors",
            "Investigations on the Runtime fail",
            AGENTCORE_METRICS,
            "SystemErrors",
            "Sum",
            0,
            watched.runtime,
        ),
        _Alarm(
            "runtime-throttles",
            "The Runtime's quota is reached",
            AGENTCORE_METRICS,
            "Throttles",
            "Sum",
            0,
            watched.runtime,
        ),
        _Alarm(
            "gateway-errors",
            "Tool calls through the Gateway fail",
            AGENTCORE_METRICS,
            "SystemErrors",
            "Sum",
            0,
            watched.gateway,
        ),
    )


def _add(stack: Stack, topic: sns.CfnTopic, alarm: _Alarm) -> None:
    cloudwatch.CfnAlarm(
        stack,
        "".join(word.capitalize() for word in alarm.name.split("-")),
        alarm_name=f"tierwise-{alarm.name}",
        alarm_description=alarm.description,
        namespace=alarm.namespace,
        metric_name=alarm.metric,
        dimensions=[
            cloudwatch.CfnAlarm.DimensionProperty(name=key, value=value)
            for key, value in alarm.dimensions.items()
        ],
        statistic=alarm.statistic,
        period=_FIVE_MINUTES,
        evaluation_periods=1 if alarm.threshold == 0 else 2,
        threshold=alarm.threshold,
        comparison_operator=alarm.comparison,
        treat_missing_data="notBreaching",
        alarm_actions=[topic.ref],
        ok_actions=[topic.ref],
    )


def _dashboard(stack: Stack, watched: _Watched) -> None:
    rows = (
        (
            "Triggers",
            _metric("AWS/SQS", "NumberOfMessagesReceived", watched.queue, "Sum"),
            _metric("AWS/SQS", "ApproximateAgeOfOldestMessage", watched.queue, "Maximum"),
            _metric(
                "AWS/SQS", "ApproximateNumberOfMessagesVisible", watched.dead_letters, "Maximum"
            ),
        ),
        (
            "Investigations on the Runtime",
            _metric(AGENTCORE_METRICS, "Invocations", watched.runtime, "Sum"),
            _metric(AGENTCORE_METRICS, "SystemErrors", watched.runtime, "Sum"),
            _metric(AGENTCORE_METRICS, "Latency", watched.runtime, "p90"),
        ),
        (
            "Tool calls through the Gateway",
            _metric(AGENTCORE_METRICS, "Invocations", watched.gateway, "Sum"),
            _metric(AGENTCORE_METRICS, "UserErrors", watched.gateway, "Sum"),
            _metric(AGENTCORE_METRICS, "Latency", watched.gateway, "p90"),
        ),
        (
            "State",
            _metric("AWS/RDS", "CPUUtilization", watched.database, "Average"),
            _metric("AWS/RDS", "DatabaseConnections", watched.database, "Maximum"),
            _metric("AWS/RDS", "FreeStorageSpace", watched.database, "Minimum"),
        ),
        (
            "Models",
            _metric("AWS/Bedrock", "InputTokenCount", watched.model, "Sum"),
            _metric("AWS/Bedrock", "OutputTokenCount", watched.model, "Sum"),
            _metric("AWS/Bedrock", "InvocationThrottles", watched.model, "Sum"),
        ),
    )
    widgets = [
        {
            "type": "metric",
            "x": 12 * (number % 2),
            "y": 6 * (number // 2),
            "width": 12,
            "height": 6,
            "properties": {
                "title": title,
                "region": Fn.ref("AWS::Region"),
                "period": _FIVE_MINUTES,
                "metrics": list(metrics),
            },
        }
        for number, (title, *metrics) in enumerate(rows)
    ]
    cloudwatch.CfnDashboard(
        stack,
        "Dashboard",
        dashboard_name=Fn.ref("AWS::StackName"),
        dashboard_body=stack.to_json_string({"widgets": widgets}),
    )


def _metric(namespace: str, name: str, dimensions: dict[str, str], statistic: str) -> list[Any]:
    pairs = [part for pair in dimensions.items() for part in pair]
    return [namespace, name, *pairs, {"stat": statistic}]
