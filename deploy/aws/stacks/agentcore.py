"""The AgentCore stack: Runtime for investigations, Gateway for the tools of a site.

The Runtime runs the cloud half's image in the VPC. The Gateway reaches the site's servers through
VPC Lattice, knows callers by OAuth, and enforces the Cedar rules that are generated from the tool
declarations: a second lock in front of the site's own gate. AgentCore Memory is not used; state is
in the database.
"""

from __future__ import annotations

from aws_cdk import App, Fn, Stack

from deploy.aws.stacks.gateway import gateway, gateway_rules, targets
from deploy.aws.stacks.guardrail import guardrail
from deploy.aws.stacks.models import allowed_model
from deploy.aws.stacks.network import NAME as NETWORK
from deploy.aws.stacks.parts import from_stack, log_days, new_stack, published
from deploy.aws.stacks.prompt_router import prompt_router
from deploy.aws.stacks.runtime import runtime, runtime_logs
from placement.second_lock import SecondLock

NAME = "tierwise-agentcore"


def agentcore_stack(app: App, rules: SecondLock) -> Stack:
    """Build the stack.

    Args:
        app: What it is part of.
        rules: Of the Gateway; their resource is the Gateway of this stack.
    """
    stack = new_stack(app, NAME, "tierwise: AgentCore Runtime and Gateway, guardrail, rules")
    network = from_stack(stack, "NetworkStack", NETWORK)
    model = allowed_model(stack)
    days = log_days(stack)
    rail, rail_version = guardrail(stack, network["KeyArn"])
    router = prompt_router(stack)
    session = runtime(stack, network, model, (rail, rail_version), router)
    runtime_logs(stack, network["KeyArn"], days)
    door, engine = gateway(stack, network)
    gateway_rules(stack, engine, targets(stack, network, door), rules)
    for name, value, description in (
        ("RuntimeArn", session.attr_agent_runtime_arn, "For InvokeAgentRuntime"),
        ("RuntimeId", session.attr_agent_runtime_id, "For alarms"),
        ("GatewayUrl", door.attr_gateway_url, "`sites[].url`, with `transport: gateway`"),
        ("GatewayId", door.attr_gateway_identifier, "For SynchronizeGatewayTargets"),
        ("GatewayArn", door.attr_gateway_arn, "For alarms"),
        ("GuardrailArn", rail.attr_guardrail_arn, "What the cloud half may apply"),
        (
            "Guardrail",
            Fn.join(":", [rail.attr_guardrail_id, rail_version.attr_version]),
            "`bedrock_guardrail` in tierwise.yaml",
        ),
    ):
        published(stack, name, value, description)
    return stack
