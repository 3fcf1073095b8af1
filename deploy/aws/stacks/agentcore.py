"""The AgentCore stack: Runtime for investigations, Gateway for the tools of a site.

The Runtime runs the cloud half's image in the VPC. The Gateway reaches the site's servers through
VPC Lattice, knows callers by OAuth, and enforces the Cedar rules that are generated from the tool
declarations: a second lock in front of the site's own gate. AgentCore Memory is not used; state is
in the database.
"""

from __future__ import annotations

from aws_cdk import App, CfnCondition, CfnParameter, Fn, Stack
from aws_cdk import aws_bedrock as bedrock
from aws_cdk import aws_bedrockagentcore as agentcore
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs

from deploy.aws.stacks.guardrail import guardrail
from deploy.aws.stacks.models import MODEL, AllowedModel, allowed_model
from deploy.aws.stacks.network import NAME as NETWORK
from deploy.aws.stacks.network import rule_out
from deploy.aws.stacks.parts import (
    Json,
    Published,
    allow,
    arn,
    document,
    from_stack,
    kept,
    log_days,
    new_stack,
    own,
    parameter,
    published,
    trust,
    use_of_key,
)
from placement.second_lock import SecondLock

NAME = "tierwise-agentcore"

TARGETS = {
    "alarms": ("alarms:read",),
    "tickets": ("tickets:read",),
    "configs": ("configs:read",),
}
"""A target for each server of a site, with the scopes that its token asks for."""
ROUTER_MODELS = ("RouterSmallModel", "RouterLargeModel")
"""Parameters of the prompt router."""
MCP_VERSIONS = ["2025-11-25", "2026-07-28"]

_SERVICE = "bedrock-agentcore.amazonaws.com"
_LONGEST_S = 8 * 3600
_URL = r"^https://[A-Za-z0-9.-]+(:\d+)?(/[A-Za-z0-9._~/-]*)?$"
_SECRET_ARN = r"^arn:[^:]+:secretsmanager:[^:]+:\d{12}:secret:.+$"  # noqa: S105 - where, not what


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
    router = _prompt_router(stack)
    runtime = _runtime(stack, network, model, (rail, rail_version), router)
    _runtime_logs(stack, runtime, network["KeyArn"], days)
    gateway, engine = _gateway(stack, network)
    targets = _targets(stack, network, gateway)
    _rules(stack, engine, targets, rules)
    for name, value, description in (
        ("RuntimeArn", runtime.attr_agent_runtime_arn, "For InvokeAgentRuntime"),
        ("RuntimeId", runtime.attr_agent_runtime_id, "For alarms"),
        ("GatewayUrl", gateway.attr_gateway_url, "`sites[].url`, with `transport: gateway`"),
        ("GatewayId", gateway.attr_gateway_identifier, "For SynchronizeGatewayTargets"),
        ("GatewayArn", gateway.attr_gateway_arn, "For alarms"),
        ("GuardrailArn", rail.attr_guardrail_arn, "What the cloud half may apply"),
        (
            "Guardrail",
            Fn.join(":", [rail.attr_guardrail_id, rail_version.attr_version]),
            "`bedrock_guardrail` in tierwise.yaml",
        ),
    ):
        published(stack, name, value, description)
    return stack


# ------------------------------------------------------------------------------ Runtime


def _runtime(
    stack: Stack,
    network: Published,
    model: AllowedModel,
    rails: tuple[bedrock.CfnGuardrail, bedrock.CfnGuardrailVersion],
    router: bedrock.CfnIntelligentPromptRouter,
) -> agentcore.CfnRuntime:
    rail, rail_version = rails
    secret = parameter(
        stack,
        "SettingsArn",
        "Secret with tierwise.yaml and the files it names",
        allowed_pattern=_SECRET_ARN,
    )
    may_route = Fn.condition_if(
        "HasRouter",
        allow(
            "UseTheRouter",
            ["bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"],
            [router.attr_prompt_router_arn, *map(_foundation, ROUTER_MODELS)],
        ),
        Fn.ref("AWS::NoValue"),
    )
    role = _runtime_role(stack, network, model, rail, secret=secret, may_route=may_route)
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


def _runtime_role(
    stack: Stack,
    network: Published,
    model: AllowedModel,
    rail: bedrock.CfnGuardrail,
    *,
    secret: str,
    may_route: Json,
) -> iam.CfnRole:
    return iam.CfnRole(
        stack,
        "RuntimeRole",
        assume_role_policy_document=trust(_SERVICE),
        policies=[
            iam.CfnRole.PolicyProperty(
                policy_name="runtime",
                policy_document=document(
                    *model.may_be_invoked(),
                    may_route,
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


def _runtime_logs(stack: Stack, runtime: agentcore.CfnRuntime, key: str, days: float) -> None:
    """The group that the Runtime writes to, before it makes one that keeps everything forever."""
    group = logs.CfnLogGroup(
        stack,
        "RuntimeLogs",
        log_group_name=Fn.sub("/aws/bedrock-agentcore/runtimes/${Runtime.AgentRuntimeId}-DEFAULT"),
        retention_in_days=days,
        kms_key_id=key,
    )
    kept(group)


# ------------------------------------------------------------------------------ Gateway


def _gateway(
    stack: Stack, network: Published
) -> tuple[agentcore.CfnGateway, agentcore.CfnPolicyEngine]:
    engine = agentcore.CfnPolicyEngine(
        stack,
        "Rules",
        name="tierwise",
        description="Tools whose data never reaches the Region are forbidden by name",
        encryption_key_arn=network["KeyArn"],
    )
    G = agentcore.CfnGateway  # noqa: N806 - as above
    gateway = G(
        stack,
        "Gateway",
        name="tierwise-site",
        description="The tool servers of a site",
        protocol_type="MCP",
        protocol_configuration=G.GatewayProtocolConfigurationProperty(
            mcp=G.MCPGatewayConfigurationProperty(supported_versions=MCP_VERSIONS)
        ),
        authorizer_type="CUSTOM_JWT",
        authorizer_configuration=G.AuthorizerConfigurationProperty(
            custom_jwt_authorizer=G.CustomJWTAuthorizerConfigurationProperty(
                discovery_url=parameter(
                    stack,
                    "CallersDiscoveryUrl",
                    "OpenID configuration of whoever issues tokens to callers of the Gateway",
                    allowed_pattern=r"^https://.+/\.well-known/openid-configuration$",
                ),
                allowed_audience=[
                    parameter(stack, "CallersAudience", "`aud` of their tokens", min_length=1)
                ],
            )
        ),
        policy_engine_configuration=G.GatewayPolicyEngineConfigurationProperty(
            arn=engine.attr_policy_engine_arn, mode="ENFORCE"
        ),
        kms_key_arn=network["KeyArn"],
        role_arn=_gateway_role(stack, engine, network).attr_arn,
    )
    return gateway, engine


def _gateway_role(
    stack: Stack, engine: agentcore.CfnPolicyEngine, network: Published
) -> iam.CfnRole:
    directory = own("bedrock-agentcore", "workload-identity-directory/default")
    vault = own("bedrock-agentcore", "token-vault/default")
    return iam.CfnRole(
        stack,
        "GatewayRole",
        assume_role_policy_document=trust(_SERVICE),
        policies=[
            iam.CfnRole.PolicyProperty(
                policy_name="gateway",
                policy_document=document(
                    allow(
                        "AskTheRules",
                        [
                            "bedrock-agentcore:GetPolicyEngine",
                            "bedrock-agentcore:AuthorizeAction",
                            "bedrock-agentcore:PartiallyAuthorizeActions",
                        ],
                        [
                            engine.attr_policy_engine_arn,
                            own("bedrock-agentcore", "gateway/tierwise-site-*"),
                        ],
                    ),
                    allow(
                        "TokensForTheSite",
                        [
                            "bedrock-agentcore:GetWorkloadAccessToken",
                            "bedrock-agentcore:GetResourceOauth2Token",
                        ],
                        [
                            directory,
                            f"{directory}/workload-identity/tierwise-site-*",
                            vault,
                            f"{vault}/oauth2credentialprovider/tierwise-site",
                        ],
                    ),
                    allow(
                        "SecretOfTheClient",
                        ["secretsmanager:GetSecretValue"],
                        [Fn.ref("SiteClientArn")],
                    ),
                    use_of_key(network["KeyArn"], "secretsmanager", "bedrock-agentcore"),
                ),
            )
        ],
    )


def _targets(
    stack: Stack, network: Published, gateway: agentcore.CfnGateway
) -> list[agentcore.CfnGatewayTarget]:
    url = parameter(
        stack,
        "SiteUrl",
        "Base address of the site's tool servers, such as https://site.noc.example:8700",
        allowed_pattern=_URL,
    )
    domain = parameter(
        stack,
        "SiteRoutingDomain",
        "Public name that Lattice routes by, when the site's own does not resolve publicly",
        default="",
    )
    CfnCondition(
        stack,
        "HasRoutingDomain",
        expression=Fn.condition_not(Fn.condition_equals(domain, "")),
    )
    provider = _client_of_the_site(stack)
    group = _lattice_group(stack, network)
    T = agentcore.CfnGatewayTarget  # noqa: N806 - as above
    made = []
    for server, scopes in TARGETS.items():
        target = T(
            stack,
            f"{server.capitalize()}Target",
            gateway_identifier=gateway.attr_gateway_identifier,
            name=server,
            target_configuration=T.TargetConfigurationProperty(
                mcp=T.McpTargetConfigurationProperty(
                    mcp_server=T.McpServerTargetConfigurationProperty(
                        endpoint=f"{url}/{server}/mcp"
                    )
                )
            ),
            private_endpoint=T.PrivateEndpointProperty(
                managed_vpc_resource=T.ManagedVpcResourceProperty(
                    vpc_identifier=network["VpcId"],
                    subnet_ids=network.listed("PrivateSubnets", 2),
                    security_group_ids=[group.attr_group_id],
                    endpoint_ip_address_type="IPV4",
                    routing_domain=Fn.condition_if(
                        "HasRoutingDomain", domain, Fn.ref("AWS::NoValue")
                    ).to_string(),
                )
            ),
            credential_provider_configurations=[
                T.CredentialProviderConfigurationProperty(
                    credential_provider_type="OAUTH",
                    credential_provider=T.CredentialProviderProperty(
                        oauth_credential_provider=T.OAuthCredentialProviderProperty(
                            provider_arn=provider.attr_credential_provider_arn,
                            scopes=list(scopes),
                            grant_type="CLIENT_CREDENTIALS",
                        )
                    ),
                )
            ],
        )
        made.append(target)
    return made


def _client_of_the_site(stack: Stack) -> agentcore.CfnOAuth2CredentialProvider:
    P = agentcore.CfnOAuth2CredentialProvider  # noqa: N806 - as above
    return P(
        stack,
        "SiteClient",
        name="tierwise-site",
        credential_provider_vendor="CustomOauth2",
        oauth2_provider_config_input=P.Oauth2ProviderConfigInputProperty(
            custom_oauth2_provider_config=P.CustomOauth2ProviderConfigInputProperty(
                oauth_discovery=P.Oauth2DiscoveryProperty(
                    discovery_url=parameter(
                        stack,
                        "SiteDiscoveryUrl",
                        "OpenID configuration of the issuer that the site trusts",
                        allowed_pattern=r"^https://.+/\.well-known/openid-configuration$",
                    )
                ),
                client_id=parameter(stack, "SiteClientId", "The Gateway's client there"),
                client_secret_source="EXTERNAL",  # noqa: S106 - where it is, not what
                client_secret_config=P.SecretReferenceProperty(
                    secret_id=parameter(
                        stack,
                        "SiteClientArn",
                        "Secret of that client, as JSON with the key client_secret",
                        allowed_pattern=_SECRET_ARN,
                    ),
                    json_key="client_secret",
                ),
            )
        ),
    )


def _lattice_group(stack: Stack, network: Published) -> ec2.CfnSecurityGroup:
    return ec2.CfnSecurityGroup(
        stack,
        "LatticeSecurityGroup",
        group_description="The way of the Gateway to the tool servers of the site",
        vpc_id=network["VpcId"],
        security_group_ingress=[],
        security_group_egress=[
            rule_out(8700, network["SiteCidr"], "tool servers of the site"),
            rule_out(8700, network["VpcCidr"], "tool servers on the Outpost"),
        ],
    )


def _rules(
    stack: Stack,
    engine: agentcore.CfnPolicyEngine,
    targets: list[agentcore.CfnGatewayTarget],
    rules: SecondLock,
) -> None:
    """One policy for each rule; they name actions, so the targets come first."""
    validation = CfnParameter(
        stack,
        "RulesValidation",
        type="String",
        default="FAIL_ON_ANY_FINDINGS",
        allowed_values=["FAIL_ON_ANY_FINDINGS", "IGNORE_ALL_FINDINGS"],
        description="What AgentCore's own analysis of the rules may stop",
    ).value_as_string
    for number, statement in enumerate(rules.statements):
        policy = agentcore.CfnPolicy(
            stack,
            f"Rule{number}",
            name=f"rule_{number}",
            description="Generated from the tool declarations; see docs/aws.md",
            policy_engine_id=engine.attr_policy_engine_id,
            validation_mode=validation,
            definition=agentcore.CfnPolicy.PolicyDefinitionProperty(
                cedar=agentcore.CfnPolicy.CedarPolicyProperty(statement=Fn.sub(statement))
            ),
        )
        for target in targets:
            policy.add_resource_dependency(target)


# ------------------------------------------------------------------------------ router


def _prompt_router(stack: Stack) -> bedrock.CfnIntelligentPromptRouter:
    """Bedrock's own choice between two models of one family; our own routing needs none."""
    given = [
        Fn.condition_not(
            Fn.condition_equals(
                parameter(
                    stack,
                    name,
                    "A model of this Region for a prompt router; both empty for none",
                    default="",
                    allowed_pattern=f"^$|^{MODEL}$",
                ),
                "",
            )
        )
        for name in ROUTER_MODELS
    ]
    condition = CfnCondition(stack, "HasRouter", expression=Fn.condition_and(*given))
    P = bedrock.CfnIntelligentPromptRouter  # noqa: N806 - as above
    router = P(
        stack,
        "PromptRouter",
        prompt_router_name="tierwise",
        models=[
            P.PromptRouterTargetModelProperty(model_arn=_foundation(model))
            for model in ROUTER_MODELS
        ],
        fallback_model=P.PromptRouterTargetModelProperty(model_arn=_foundation(ROUTER_MODELS[1])),
        routing_criteria=P.RoutingCriteriaProperty(response_quality_difference=10),
    )
    router.cfn_options.condition = condition
    return router


def _foundation(parameter_name: str) -> str:
    return arn(f"bedrock:${{AWS::Region}}::foundation-model/${{{parameter_name}}}")
