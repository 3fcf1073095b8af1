"""The endpoints of AWS services in the VPC: all that its subnets reach beside the site."""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import Fn, Stack
from aws_cdk import aws_ec2 as ec2

from deploy.aws.stacks.parts import Json, allow, document
from deploy.aws.stacks.security_groups import NOWHERE, rule_in

ENDPOINTS: dict[str, tuple[str, ...]] = {
    "bedrock-runtime": (
        "bedrock:InvokeModel",
        "bedrock:InvokeModelWithResponseStream",
        "bedrock:CountTokens",
        "bedrock:ApplyGuardrail",
    ),
    "bedrock-agentcore": ("bedrock-agentcore:InvokeAgentRuntime",),
    "bedrock-agentcore.gateway": (),
    "sqs": (
        "sqs:ReceiveMessage",
        "sqs:DeleteMessage",
        "sqs:ChangeMessageVisibility",
        "sqs:SendMessage",
    ),
    "sns": ("sns:Publish",),
    "secretsmanager": ("secretsmanager:GetSecretValue", "secretsmanager:DeleteSecret"),
    "kms": (),
    "logs": (),
    "monitoring": (),
    "ecr.api": (),
    "ecr.dkr": (),
    "sts": (),
    "eks": (),
    "eks-auth": (),
    "ec2": (),
}
"""Services the subnets reach, and the only actions an endpoint lets through; an empty row leaves
that to the callers' roles."""
OUTPOST_ENDPOINTS = ("ssm", "ssmmessages", "ec2messages")
"""What a local cluster's control plane asks beside those."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where endpoints stand."""

    vpc: ec2.CfnVPC
    routes: ec2.CfnRouteTable
    subnets: list[str]


def endpoints(stack: Stack, at: Addresses, vpc_cidr: str) -> None:
    """Make them; those of a local cluster come with the Outpost."""
    group = ec2.CfnSecurityGroup(
        stack,
        "EndpointSecurityGroup",
        group_description="Interface endpoints: answer the VPC, begin nothing",
        vpc_id=at.vpc.ref,
        security_group_ingress=[rule_in(443, vpc_cidr, "the VPC")],
        security_group_egress=[NOWHERE],
    )
    for service, actions in ENDPOINTS.items():
        _interface(stack, at, group, service, _only(actions) if actions else None)
    for service in OUTPOST_ENDPOINTS:
        endpoint = _interface(stack, at, group, service, None)
        endpoint.add_override("Condition", "HasOutpost")
    ec2.CfnVPCEndpoint(
        stack,
        "S3Endpoint",
        vpc_id=at.vpc.ref,
        vpc_endpoint_type="Gateway",
        service_name=Fn.sub("com.amazonaws.${AWS::Region}.s3"),
        route_table_ids=[at.routes.ref],
        policy_document=document(
            {
                "Sid": "LayersOfImages",
                "Effect": "Allow",
                "Principal": "*",
                "Action": ["s3:GetObject"],
                "Resource": [
                    Fn.sub("arn:${AWS::Partition}:s3:::prod-${AWS::Region}-starport-layer-bucket/*")
                ],
            }
        ),
    )


def _interface(
    stack: Stack,
    at: Addresses,
    group: ec2.CfnSecurityGroup,
    service: str,
    policy: Json | None,
) -> ec2.CfnVPCEndpoint:
    name = "".join(word.capitalize() for word in service.replace(".", "-").split("-"))
    return ec2.CfnVPCEndpoint(
        stack,
        f"{name}Endpoint",
        vpc_id=at.vpc.ref,
        vpc_endpoint_type="Interface",
        service_name=Fn.sub(f"com.amazonaws.${{AWS::Region}}.{service}"),
        subnet_ids=at.subnets,
        security_group_ids=[group.attr_group_id],
        private_dns_enabled=True,
        policy_document=policy,
    )


def _only(actions: tuple[str, ...]) -> Json:
    """Callers of this account, for these actions."""
    statement = allow(
        "OwnCallersOnly",
        actions,
        ["*"],
        {"StringEquals": {"aws:PrincipalAccount": Fn.ref("AWS::AccountId")}},
    )
    return document(statement | {"Principal": "*"})
