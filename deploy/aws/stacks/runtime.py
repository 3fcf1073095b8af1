"""The Runtime of AgentCore: the cloud half's image in the VPC, one session for one incident."""

from __future__ import annotations

from aws_cdk import CfnParameter, Fn, Stack
from aws_cdk import aws_bedrock as bedrock
from aws_cdk import aws_bedrockagentcore as agentcore
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs

from deploy.aws.stacks.models import AllowedModel
from deploy.aws.stacks.parts import (
    AGENTCORE_SERVICE,
    SECRET_ARN,
    Json,
    Published,
    allow,
    document,
    kept,
    own,
    parameter,
    trust,
    use_of_key,
)
from deploy.aws.stacks.prompt_router import may_route

_LONGEST_S = 8 * 3600


def runtime(
    stack: Stack,
    network: Published,
    model: AllowedModel,
    rails: tuple[bedrock.CfnGuardrail, bedrock.CfnGuardrailVersion],
    router: bedrock.CfnIntelligentPromptRouter,
) -> agentcore.CfnRuntime:
    """The Runtime in the VPC, with its role; the image and the settings are parameters."""
    rail, rail_version = rails
    secret = parameter(
        stack,
        "SettingsArn",
        "Secret with tierwise.yaml and the files it names",
        allowed_pattern=SECRET_ARN,
    )
    role = _role(stack, network, model, rail, secret=secret, routing=may_route(router))
    R = agentcore.CfnRuntime  # noqa: N806 - the service's own name is long enough
    return R(
        stack,
        "Runtime",
        agent_runtime_name="tierwise",
        description="Investigations: one session, one incident",
        agent_runtime_artifact=R.AgentRuntimeArtifactProperty(
            container_configuration=R.ContainerConfigurationProperty(
                container_uri=parameter(
                    stack,
                    "ImageUri",
                    "The cloud half's arm64 image, by digest",
                    allowed_pattern=r"^.+@sha256:[0-9a-f]{64}$",
                )
            )
        ),
        role_arn=role.attr_arn,
        protocol_configuration="HTTP",
        network_configuration=R.NetworkConfigurationProperty(
            network_mode="VPC",
            network_mode_config=R.VpcConfigProperty(
                subnets=network.listed("PrivateSubnets", 2),
                security_groups=[network["WorkSecurityGroup"]],
            ),
        ),
        lifecycle_configuration=R.LifecycleConfigurationProperty(
            idle_runtime_session_timeout=CfnParameter(
                stack,
                "IdleSeconds",
                type="Number",
                default=900,
                min_value=60,
                max_value=_LONGEST_S,
                description="After so long without work a session's machine goes",
            ).value_as_number,
            max_lifetime=_LONGEST_S,
        ),
        environment_variables={
            "TIERWISE_SETTINGS_SECRET": secret,
            "TIERWISE_TIER": "region",
            "TIERWISE_COUNTRY": parameter(
                stack, "Country", "Where this Region is, ISO 3166-1", allowed_pattern="^[A-Z]{2}$"
            ),
            "TIERWISE_BEDROCK_MODEL": Fn.condition_if(
                "HasRouter", router.attr_prompt_router_arn, model.model_id
            ).to_string(),
            "TIERWISE_BEDROCK_GUARDRAIL": Fn.join(
                ":", [rail.attr_guardrail_id, rail_version.attr_version]
            ),
            "AWS_REGION": Fn.ref("AWS::Region"),
        },
    )


def _role(
    stack: Stack,
    network: Published,
    model: AllowedModel,
    rail: bedrock.CfnGuardrail,
    *,
    secret: str,
    routing: Json,
) -> iam.CfnRole:
    return iam.CfnRole(
        stack,
        "RuntimeRole",
        assume_role_policy_document=trust(AGENTCORE_SERVICE),
        policies=[
            iam.CfnRole.PolicyProperty(
                policy_name="runtime",
                policy_document=document(
                    *model.may_be_invoked(),
                    routing,
                    allow(
                        "ApplyTheGuardrail", ["bedrock:ApplyGuardrail"], [rail.attr_guardrail_arn]
                    ),
                    allow("ReadSettings", ["secretsmanager:GetSecretValue"], [secret]),
                    allow(
                        "PullTheImage",
                        ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
                        [network["CloudImagesArn"]],
                    ),
                    allow("SignInToTheRegistry", ["ecr:GetAuthorizationToken"], ["*"]),
                    allow(
                        "WriteLogs",
                        ["logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"],
                        [own("logs", "log-group:/aws/bedrock-agentcore/runtimes/tierwise-*")],
                    ),
                    use_of_key(network["KeyArn"], "secretsmanager", "ecr"),
                ),
            )
        ],
    )


def runtime_logs(stack: Stack, key: str, days: float) -> None:
    """The group that the Runtime writes to, before it makes one that keeps everything forever."""
    group = logs.CfnLogGroup(
        stack,
        "RuntimeLogs",
        log_group_name=Fn.sub("/aws/bedrock-agentcore/runtimes/${Runtime.AgentRuntimeId}-DEFAULT"),
        retention_in_days=days,
        kms_key_id=key,
    )
    kept(group)
