"""The published templates of AWS: what they are held to, and that a violation is caught."""

from __future__ import annotations

import copy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from deploy.aws.costs import PRICES, estimate, table
from deploy.aws.gateway_rules import rules_of_the_reference
from deploy.aws.policies import RULES, violations
from deploy.aws.synthesis import (
    TEMPLATES,
    Template,
    as_yaml,
    fresh_templates,
    published_templates,
    why_not,
)
from tests.heavy import heavy

ROOT = Path(__file__).resolve().parents[2]
AGENTCORE, NETWORK, STATE = "tierwise-agentcore", "tierwise-network", "tierwise-state"
CLUSTER, SITE, WATCH = "tierwise-cluster", "tierwise-site", "tierwise-watch"
Plant = Callable[[dict[str, Template]], object]


@pytest.fixture(scope="module")
def templates() -> dict[str, Template]:
    """The templates as they are published."""
    return published_templates()


def properties(templates: dict[str, Template], stack: str, name: str) -> Template:
    """The properties of a resource."""
    found: Template = templates[stack]["Resources"][name]["Properties"]
    return found


def test_the_published_templates_keep_every_rule(templates: dict[str, Template]) -> None:
    """Issue 12: template assertions."""
    assert set(templates) == {NETWORK, STATE, AGENTCORE, CLUSTER, WATCH, SITE}
    assert violations(templates) == []


def statement(templates: dict[str, Template], role: str = "RuntimeRole") -> Template:
    """The first statement of a role."""
    policy = properties(templates, AGENTCORE, role)["Policies"][0]["PolicyDocument"]
    found: Template = policy["Statement"][0]
    return found


def add(templates: dict[str, Template], stack: str, kind: str, **keys: object) -> None:
    """Plant a resource."""
    templates[stack]["Resources"]["Planted"] = {"Type": kind, "Properties": keys}


PLANTED: dict[str, tuple[Plant, ...]] = {
    "networks_lead_only_where_a_rule_says": (
        lambda t: properties(t, STATE, "DatabaseSecurityGroup").pop("SecurityGroupEgress"),
        lambda t: properties(t, NETWORK, "WorkSecurityGroup")["SecurityGroupEgress"].append(
            {"CidrIp": "0.0.0.0/0", "IpProtocol": "-1"}
        ),
        lambda t: add(t, SITE, "AWS::EC2::SecurityGroupIngress", CidrIpv6="::/0", IpProtocol="-1"),
    ),
    "nothing_reaches_the_internet": (
        lambda t: add(t, NETWORK, "AWS::EC2::NatGateway"),
        lambda t: add(t, NETWORK, "AWS::EC2::Route", DestinationCidrBlock="0.0.0.0/0"),
        lambda t: properties(t, STATE, "Database").update(PubliclyAccessible=True),
        lambda t: properties(t, CLUSTER, "Cluster")["ResourcesVpcConfig"].pop(
            "EndpointPublicAccess"
        ),
        lambda t: properties(t, AGENTCORE, "Runtime")["NetworkConfiguration"].update(
            NetworkMode="PUBLIC"
        ),
    ),
    "rules_of_the_gateway_are_enforced": (
        lambda t: properties(t, AGENTCORE, "Gateway")["PolicyEngineConfiguration"].update(
            Mode="LOG_ONLY"
        ),
        lambda t: properties(t, AGENTCORE, "Gateway").update(AuthorizerType="NONE"),
        lambda t: properties(t, AGENTCORE, "Gateway").pop("PolicyEngineConfiguration"),
        lambda t: properties(t, AGENTCORE, "Rule0").update(EnforcementMode="LOG_ONLY"),
    ),
    "targets_are_private": (
        lambda t: properties(t, AGENTCORE, "AlarmsTarget").pop("PrivateEndpoint"),
        lambda t: properties(t, AGENTCORE, "TicketsTarget").pop("CredentialProviderConfigurations"),
        lambda t: properties(t, AGENTCORE, "TicketsTarget").update(
            TargetConfiguration={"Mcp": {"OpenApiSchema": {"InlinePayload": "{}"}}}
        ),
        lambda t: properties(t, AGENTCORE, "ConfigsTarget")["TargetConfiguration"]["Mcp"][
            "McpServer"
        ].update(Endpoint="http://site.example/configs/mcp"),
    ),
    "everything_at_rest_is_encrypted": (
        lambda t: properties(t, STATE, "Triggers").pop("KmsMasterKeyId"),
        lambda t: properties(t, STATE, "Database").update(StorageEncrypted=False),
        lambda t: properties(t, CLUSTER, "Cluster").pop("EncryptionConfig"),
        lambda t: properties(t, SITE, "NodeTemplate")["LaunchTemplateData"]["BlockDeviceMappings"][
            0
        ]["Ebs"].update(Encrypted=False),
        lambda t: properties(t, AGENTCORE, "Gateway").pop("KmsKeyArn"),
        lambda t: properties(t, NETWORK, "Key").update(EnableKeyRotation=False),
    ),
    "roles_may_do_what_is_named": (
        lambda t: statement(t)["Action"].append("bedrock:*"),
        lambda t: statement(t, "GatewayRole")["Action"].append("*"),
        lambda t: statement(t).update(Resource=["*"]),
        lambda t: properties(t, AGENTCORE, "RuntimeRole").update(
            ManagedPolicyArns=["arn:aws:iam::aws:policy/AdministratorAccess"]
        ),
        lambda t: add(t, STATE, "AWS::IAM::User"),
    ),
    "doors_are_opened_to_somebody": (
        lambda t: properties(t, STATE, "TriggersPolicy")["PolicyDocument"]["Statement"].append(
            {"Effect": "Allow", "Principal": "*", "Action": ["sqs:SendMessage"], "Resource": ["*"]}
        ),
        lambda t: properties(t, NETWORK, "Key")["KeyPolicy"]["Statement"][0]["Action"].append(
            "kms:*"
        ),
    ),
    "roles_are_taken_for_this_account_only": (
        lambda t: properties(t, AGENTCORE, "GatewayRole")["AssumeRolePolicyDocument"]["Statement"][
            0
        ].pop("Condition"),
    ),
    "logs_are_kept_for_a_time": (
        lambda t: properties(t, AGENTCORE, "RuntimeLogs").pop("RetentionInDays"),
    ),
    "no_model_answers_from_anywhere": (
        lambda t: properties(t, AGENTCORE, "Runtime")["EnvironmentVariables"].update(
            TIERWISE_BEDROCK_MODEL="global.anthropic.claude-x"
        ),
        lambda t: statement(t)["Resource"].append(
            "arn:aws:bedrock:us-east-1:*:inference-profile/global.anthropic.claude-x"
        ),
        lambda t: t[CLUSTER]["Parameters"]["ModelId"].pop("AllowedPattern"),
        lambda t: t[AGENTCORE]["Parameters"]["ModelGeography"]["AllowedValues"].append("global"),
    ),
    "what_cannot_be_read_is_kept": (
        lambda t: properties(t, STATE, "Triggers").pop("RedrivePolicy"),
        lambda t: properties(t, STATE, "NocRule")["Targets"][0].pop("DeadLetterConfig"),
    ),
    "what_holds_data_outlives_its_stack": (
        lambda t: t[STATE]["Resources"]["Database"].update(DeletionPolicy="Delete"),
        lambda t: properties(t, STATE, "Database").update(DeletionProtection=False),
        lambda t: properties(t, CLUSTER, "Cluster").pop("DeletionProtection"),
    ),
    "what_runs_is_pinned": (
        lambda t: t[AGENTCORE]["Parameters"]["ImageUri"].pop("AllowedPattern"),
        lambda t: properties(t, NETWORK, "CloudImages").update(ImageTagMutability="MUTABLE"),
    ),
    "nodes_keep_their_credentials": (
        lambda t: properties(t, SITE, "NodeTemplate")["LaunchTemplateData"][
            "MetadataOptions"
        ].update(HttpPutResponseHopLimit=2),
    ),
    "nothing_of_one_machine_is_in_it": (
        lambda t: t[WATCH].update(Description="made in /home/somebody"),
        lambda t: properties(t, NETWORK, "CloudImages").update(RegistryId="111122223333"),
    ),
}


@pytest.mark.parametrize(
    ("rule", "number"),
    [(rule, number) for rule, plants in PLANTED.items() for number in range(len(plants))],
)
def test_a_planted_violation_is_caught_by_its_rule(
    templates: dict[str, Template], rule: str, number: int
) -> None:
    """Issue 12: CDK assertions, each tripped by a planted violation."""
    planted = copy.deepcopy(templates)
    PLANTED[rule][number](planted)
    caught = violations(planted)
    assert caught
    assert {line.split(": ")[1] for line in caught} == {rule}


def test_every_rule_is_tripped_by_something() -> None:
    """Us: a rule that nothing trips is not known to hold."""
    assert set(PLANTED) == set(RULES)


def test_the_rules_of_the_gateway_are_those_of_the_declared_tools(
    templates: dict[str, Template],
) -> None:
    """Issue 12: PolicyEngine with the generated Cedar."""
    resources = templates[AGENTCORE]["Resources"].values()
    rules = [
        one["Properties"]["Definition"]["Cedar"]["Statement"]["Fn::Sub"]
        for one in resources
        if one["Type"] == "AWS::BedrockAgentCore::Policy"
    ]
    assert rules == list(rules_of_the_reference().statements), (
        "run `python -m deploy.aws --write`: tools or policy changed"
    )


def test_a_published_template_is_written_in_one_way_only(templates: dict[str, Template]) -> None:
    """Issue 12: deterministic text; edits by hand do not survive."""
    for name, template in templates.items():
        text = (TEMPLATES / f"{name}.yaml").read_text()
        assert text.partition("\n")[2] == as_yaml(template)


def test_stacks_name_what_others_publish(templates: dict[str, Template]) -> None:
    """Us: an import that nobody exports fails in the account and not before."""
    given = {"NetworkStack": NETWORK, "StateStack": STATE, "AgentCoreStack": AGENTCORE}
    exported = {
        (name, output)
        for name, template in templates.items()
        for output in template.get("Outputs", {})
    }
    for template in templates.values():
        for text in yaml.safe_dump(template, width=10**6).splitlines():
            for stack, name in given.items():
                if f"${{{stack}}}-" in text:
                    assert (name, text.rpartition(f"${{{stack}}}-")[2].strip()) in exported


@heavy
def test_the_templates_have_no_finding_of_the_linter() -> None:
    """Issue 12: cfn-lint clean; `make cdk` asks it as well."""
    linter = Path(sys.executable).with_name("cfn-lint")
    if not linter.exists():
        pytest.skip("cfn-lint is not installed")
    files = sorted(TEMPLATES.glob("*.yaml"))
    ran = subprocess.run(
        [linter, "--regions", "eu-central-1", "--", *files],
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert (ran.returncode, ran.stdout) == (0, "")


def test_each_stack_has_an_estimate_and_the_guide_shows_it(templates: dict[str, Template]) -> None:
    """Issue 12: a cost estimate of each stack, from a price file with date and source."""
    lines = estimate(templates, PRICES)
    assert {line.stack for line in lines} == set(templates)
    assert all(line.usd_per_month > 0 or line.note for line in lines)
    guide = (ROOT / "docs" / "aws.md").read_text()
    assert table(lines, PRICES) in guide


@heavy
def test_a_fresh_synthesis_gives_the_published_templates(templates: dict[str, Template]) -> None:
    """Issue 12: synthesised, without asset hashes or paths."""
    if reason := why_not():
        pytest.skip(reason)
    assert fresh_templates() == templates
