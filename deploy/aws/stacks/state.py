"""The state stack: what is accepted is kept here, from the first event to the report.

EventBridge -> SQS (with dead letters) -> the cloud half; its inbox, checkpoints and outbox are in
PostgreSQL.
"""

from __future__ import annotations

from aws_cdk import App, CfnCondition, CfnParameter, Duration, Fn, RemovalPolicy, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_events as events
from aws_cdk import aws_logs as logs
from aws_cdk import aws_rds as rds
from aws_cdk import aws_sqs as sqs

from deploy.aws.stacks.network import NAME as NETWORK
from deploy.aws.stacks.parts import (
    Json,
    Published,
    document,
    from_stack,
    kept,
    log_days,
    new_stack,
    parameter,
    published,
)
from deploy.aws.stacks.security_groups import NOWHERE

NAME = "tierwise-state"

_FORTNIGHT_S = int(Duration.days(14).to_seconds())
_READ_AT_MOST = 5
"""Times a message is tried before it is a dead letter; unreadable ones are buried at once."""
_RETRY_S = int(Duration.days(1).to_seconds())


def state(app: App) -> Stack:
    """Build the stack."""
    stack = new_stack(app, NAME, "tierwise: events, queues and the database of the cloud half")
    network = from_stack(stack, "NetworkStack", NETWORK)
    key = network["KeyArn"]
    dead = _queue(stack, "DeadLetters", key)
    queue = _queue(stack, "Triggers", key, dead_letters=dead)
    rules = _rules(stack, key, queue, dead)
    _only_these_may_send(stack, queue, dead, rules)
    database = _database(stack, network, key)
    for name, value, description in (
        ("QueueUrl", queue.ref, "`queues[].url` in tierwise.yaml"),
        ("QueueArn", queue.attr_arn, "Triggers that wait"),
        ("QueueName", queue.attr_queue_name, "For alarms"),
        ("DeadLetterUrl", dead.ref, "`queues[].dead_letter_url` in tierwise.yaml"),
        ("DeadLetterArn", dead.attr_arn, "What could not be read"),
        ("DeadLetterName", dead.attr_queue_name, "For alarms"),
        ("DatabaseId", database.ref, "For alarms"),
        ("DatabaseAddress", database.attr_endpoint_address, "Host in the URL of `state`"),
        ("DatabaseSecret", database.attr_master_user_secret_secret_arn, "Its first user"),
    ):
        published(stack, name, value, description)
    return stack


def _queue(
    stack: Stack, name: str, key: str, *, dead_letters: sqs.CfnQueue | None = None
) -> sqs.CfnQueue:
    redrive = None
    if dead_letters is not None:
        redrive = {"deadLetterTargetArn": dead_letters.attr_arn, "maxReceiveCount": _READ_AT_MOST}
    queue = sqs.CfnQueue(
        stack,
        name,
        kms_master_key_id=key,
        kms_data_key_reuse_period_seconds=3600,
        message_retention_period=_FORTNIGHT_S,
        visibility_timeout=60,
        receive_message_wait_time_seconds=20,
        redrive_policy=redrive,
        redrive_allow_policy={"redrivePermission": "denyAll"} if redrive else None,
    )
    kept(queue)
    return queue


def _rules(
    stack: Stack, key: str, queue: sqs.CfnQueue, dead: sqs.CfnQueue
) -> dict[str, events.CfnRule]:
    """CloudWatch's alarms on the default bus, and a bus for whoever else reports."""
    bus = events.CfnEventBus(
        stack,
        "Bus",
        name=Fn.sub("${AWS::StackName}-noc"),
        description="Events of the NOC's own systems",
        kms_key_identifier=key,
    )
    target = events.CfnRule.TargetProperty(
        id="triggers",
        arn=queue.attr_arn,
        dead_letter_config=events.CfnRule.DeadLetterConfigProperty(arn=dead.attr_arn),
        retry_policy=events.CfnRule.RetryPolicyProperty(
            maximum_event_age_in_seconds=_RETRY_S, maximum_retry_attempts=185
        ),
    )
    return {
        "Alarms": events.CfnRule(
            stack,
            "AlarmRule",
            description="Alarms of the network's own metrics, not those of tierwise itself",
            event_pattern={
                "source": ["aws.cloudwatch"],
                "detail-type": ["CloudWatch Alarm State Change"],
                "detail": {
                    "state": {"value": ["ALARM"]},
                    "alarmName": [{"anything-but": {"prefix": "tierwise-"}}],
                },
            },
            targets=[target],
        ),
        "Noc": events.CfnRule(
            stack,
            "NocRule",
            description="Whatever this account puts on the bus",
            event_bus_name=bus.ref,
            event_pattern={"account": [Fn.ref("AWS::AccountId")]},
            targets=[target],
        ),
    }


def _only_these_may_send(
    stack: Stack, queue: sqs.CfnQueue, dead: sqs.CfnQueue, rules: dict[str, events.CfnRule]
) -> None:
    arns = [rule.attr_arn for rule in rules.values()]
    for name, one in (("Triggers", queue), ("DeadLetters", dead)):
        sqs.CfnQueuePolicy(
            stack,
            f"{name}Policy",
            queues=[one.ref],
            policy_document=document(_rules_may_send(one, arns), _nobody_in_the_clear(one)),
        )


def _rules_may_send(queue: sqs.CfnQueue, rules: list[str]) -> Json:
    return {
        "Sid": "RulesMaySend",
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": ["sqs:SendMessage"],
        "Resource": [queue.attr_arn],
        "Condition": {"ArnEquals": {"aws:SourceArn": rules}},
    }


def _nobody_in_the_clear(queue: sqs.CfnQueue) -> Json:
    return {
        "Sid": "NobodyInTheClear",
        "Effect": "Deny",
        "Principal": "*",
        "Action": ["sqs:*"],
        "Resource": [queue.attr_arn],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


def _database(stack: Stack, network: Published, key: str) -> rds.CfnDBInstance:
    group = ec2.CfnSecurityGroup(
        stack,
        "DatabaseSecurityGroup",
        group_description="PostgreSQL: answers the cloud half, begins nothing",
        vpc_id=network["VpcId"],
        security_group_ingress=[
            ec2.CfnSecurityGroup.IngressProperty(
                ip_protocol="tcp",
                from_port=5432,
                to_port=5432,
                source_security_group_id=network["WorkSecurityGroup"],
                description="the cloud half",
            )
        ],
        security_group_egress=[NOWHERE],
    )
    subnets = rds.CfnDBSubnetGroup(
        stack,
        "DatabaseSubnets",
        db_subnet_group_description="Two zones",
        subnet_ids=network.listed("PrivateSubnets", 2),
    )
    settings = rds.CfnDBParameterGroup(
        stack,
        "DatabaseSettings",
        family=parameter(stack, "PostgresFamily", "Parameter group family", default="postgres17"),
        description="TLS only",
        parameters={"rds.force_ssl": "1", "log_min_duration_statement": "1000"},
    )
    name = Fn.sub("${AWS::StackName}-state")
    standby = CfnParameter(
        stack,
        "DatabaseInTwoZones",
        type="String",
        default="true",
        allowed_values=["true", "false"],
        description="A standby in the other zone",
    ).value_as_string
    CfnCondition(stack, "InTwoZones", expression=Fn.condition_equals(standby, "true"))
    kept_logs = [
        logs.CfnLogGroup(
            stack,
            f"Database{word.capitalize()}Logs",
            log_group_name=Fn.sub(f"/aws/rds/instance/${{AWS::StackName}}-state/{word}"),
            retention_in_days=days,
            kms_key_id=key,
        )
        for days in (log_days(stack),)
        for word in ("postgresql", "upgrade")
    ]
    database = rds.CfnDBInstance(
        stack,
        "Database",
        db_instance_identifier=name,
        engine="postgres",
        engine_version=parameter(stack, "PostgresVersion", "Major version", default="17"),
        db_instance_class=parameter(
            stack, "DatabaseClass", "Instance class", default="db.t4g.medium"
        ),
        allocated_storage=parameter(stack, "DatabaseGb", "Storage in GB", default="50"),
        storage_type="gp3",
        storage_encrypted=True,
        kms_key_id=key,
        db_name="tierwise",
        master_username="tierwise",
        manage_master_user_password=True,
        master_user_secret=rds.CfnDBInstance.MasterUserSecretProperty(kms_key_id=key),
        multi_az=Fn.condition_if("InTwoZones", True, False),
        db_subnet_group_name=subnets.ref,
        vpc_security_groups=[group.attr_group_id],
        db_parameter_group_name=settings.ref,
        publicly_accessible=False,
        deletion_protection=True,
        backup_retention_period=14,
        copy_tags_to_snapshot=True,
        auto_minor_version_upgrade=True,
        ca_certificate_identifier="rds-ca-rsa2048-g1",
        enable_cloudwatch_logs_exports=["postgresql", "upgrade"],
        enable_performance_insights=True,
        performance_insights_kms_key_id=key,
    )
    kept(database, RemovalPolicy.SNAPSHOT)
    for group_of_logs in kept_logs:
        kept(group_of_logs)
        database.add_resource_dependency(group_of_logs)
    return database
