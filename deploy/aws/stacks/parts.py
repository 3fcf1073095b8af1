"""What every stack is made of: parameters, names that it publishes, statements of its roles.

Stacks meet by CloudFormation exports (`STACK-Name`), not by CDK references: each template can be
read, linted and deployed by itself, with the CDK or without.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aws_cdk import (
    App,
    BootstraplessSynthesizer,
    CfnCondition,
    CfnOutput,
    CfnParameter,
    CfnResource,
    Fn,
    RemovalPolicy,
    Stack,
)

Json = dict[str, Any]  # a piece of a template

CIDR = r"^\d{1,3}(\.\d{1,3}){3}/\d{1,2}$"
SECRET_ARN = r"^arn:[^:]+:secretsmanager:[^:]+:\d{12}:secret:.+$"  # noqa: S105 - where, not what
AGENTCORE_SERVICE = "bedrock-agentcore.amazonaws.com"
LOG_DAYS = (30, 60, 90, 180, 365, 400, 731)


def new_stack(app: App, name: str, description: str) -> Stack:
    """An empty stack that needs no bootstrap, because it has no assets."""
    return Stack(
        app,
        name,
        description=description,
        synthesizer=BootstraplessSynthesizer(),
        termination_protection=True,
    )


def parameter(
    stack: Stack, name: str, description: str, *, default: str | None = None, **keys: Any
) -> str:
    """A text that differs from account to account; the keys are CfnParameter's own."""
    value: str = CfnParameter(
        stack,
        name,
        type=keys.pop("type", "String"),
        description=description,
        default=default,
        **keys,
    ).value_as_string
    return value


def log_days(stack: Stack) -> Any:
    """How long logs are kept, as a number token."""
    return CfnParameter(
        stack,
        "LogDays",
        type="Number",
        description="Days that logs are kept",
        default="90",
        allowed_values=[str(days) for days in LOG_DAYS],
    ).value_as_number


def published(
    stack: Stack,
    name: str,
    value: str,
    description: str,
    *,
    condition: CfnCondition | None = None,
) -> None:
    """Export a value as `STACK-name`, where the condition holds."""
    CfnOutput(
        stack,
        f"{name}Output",
        value=value,
        description=description,
        condition=condition,
        export_name=Fn.sub(f"${{AWS::StackName}}-{name}"),
    ).override_logical_id(name)


def from_stack(stack: Stack, which: str, default: str) -> Published:
    """What another stack published; its name is the parameter `which`."""
    parameter(stack, which, f"Name of the stack that is {default} here", default=default)
    return Published(which)


class Published:
    """Exports of one stack, by name."""

    def __init__(self, stack_parameter: str) -> None:
        self._stack = stack_parameter

    def __getitem__(self, name: str) -> str:
        """A value."""
        value: str = Fn.import_value(Fn.sub(f"${{{self._stack}}}-{name}"))
        return value

    def listed(self, name: str, count: int) -> list[str]:
        """A list that was published with commas."""
        return [Fn.select(number, Fn.split(",", self[name])) for number in range(count)]


def kept(resource: CfnResource, policy: RemovalPolicy = RemovalPolicy.RETAIN) -> None:
    """Keep what a resource holds when its stack goes."""
    resource.apply_removal_policy(policy)


def allow(
    sid: str,
    actions: Sequence[str],
    resources: Sequence[str],
    conditions: Mapping[str, Any] | None = None,
) -> Json:
    """A statement of a role."""
    statement: Json = {
        "Sid": sid,
        "Effect": "Allow",
        "Action": list(actions),
        "Resource": list(resources),
    }
    if conditions:
        statement["Condition"] = dict(conditions)
    return statement


def document(*statements: Json) -> Json:
    """A policy document."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def trust(service: str, *, actions: Sequence[str] = ("sts:AssumeRole",), own: bool = True) -> Json:
    """Who may take a role: a service, and only on behalf of this account."""
    statement: Json = {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": list(actions),
    }
    if own:
        statement["Condition"] = {"StringEquals": {"aws:SourceAccount": Fn.ref("AWS::AccountId")}}
    return document(statement)


def arn(text: str) -> str:
    """`service:...` as an ARN of this partition, Region and account where the text says so."""
    value: str = Fn.sub("arn:${AWS::Partition}:" + text)
    return value


def own(service: str, name: str) -> str:
    """The ARN of a resource of this account and Region."""
    return arn(f"{service}:${{AWS::Region}}:${{AWS::AccountId}}:{name}")


def use_of_key(key_arn: str, *services: str) -> Json:
    """Let a role use the key, by way of the services that encrypt with it and no other."""
    return allow(
        "UseTheKey",
        ["kms:Decrypt", "kms:GenerateDataKey"],
        [key_arn],
        {
            "StringEquals": {
                "kms:ViaService": [
                    Fn.sub(f"{service}.${{AWS::Region}}.amazonaws.com") for service in services
                ]
            }
        },
    )
