"""The Gateway of AgentCore: the tool servers of a site, behind OAuth, rules and VPC Lattice."""

from __future__ import annotations

from aws_cdk import CfnCondition, CfnParameter, Fn, Stack
from aws_cdk import aws_bedrockagentcore as agentcore
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam

from deploy.aws.stacks.parts import (
    AGENTCORE_SERVICE,
    SECRET_ARN,
    Published,
    allow,
    document,
    own,
    parameter,
    trust,
    use_of_key,
)
from deploy.aws.stacks.security_groups import rule_out
from placement.second_lock import SecondLock

TARGETS = {
    "alarms": ("alarms:read",),
    "tickets": ("tickets:read",),
    "configs": ("configs:read",),
}
"""A target for each server of a site, with the scopes that its token asks for."""
MCP_VERSIONS = ["2025-11-25", "2026-07-28"]

_URL = r"^https://[A-Za-z0-9.-]+(:\d+)?(/[A-Za-z0-9._~/-]*)?$"


def gateway(
    stack: Stack, network: Published
) -> tuple[agentcore.CfnGateway, agentcore.CfnPolicyEngine]:
    """The Gateway, and the engine of the rules that it enforces."""
    engine = agentcore.CfnPolicyEngine(
        stack,
        "Rules",
        name="tierwise",
        description="Tools whose data never reaches the Region are forbidden by name",
        encryption_key_arn=network["KeyArn"],
    )
    G = agentcore.CfnGateway  # noqa: N806 - the service's own name is long enough
    made = G(
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
        role_arn=_role(stack, engine, network).attr_arn,
    )
    return made, engine


def _role(stack: Stack, engine: agentcore.CfnPolicyEngine, network: Published) -> iam.CfnRole:
    directory = own("bedrock-agentcore", "workload-identity-directory/default")
    vault = own("bedrock-agentcore", "token-vault/default")
    return iam.CfnRole(
        stack,
        "GatewayRole",
        assume_role_policy_document=trust(AGENTCORE_SERVICE),
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


def targets(
    stack: Stack, network: Published, gateway: agentcore.CfnGateway
) -> list[agentcore.CfnGatewayTarget]:
    """A target for each server of the site, reached privately and with a token of its own."""
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
    T = agentcore.CfnGatewayTarget  # noqa: N806 - the service's own name is long enough
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
    P = agentcore.CfnOAuth2CredentialProvider  # noqa: N806 - the service's own name is long enough
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
                        allowed_pattern=SECRET_ARN,
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


def gateway_rules(
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
