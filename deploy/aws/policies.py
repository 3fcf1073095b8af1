"""What every template must keep to: one function for each rule, violations in words.

The rules read the templates that are published, so they need neither node nor an account.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

Template = Mapping[str, Any]
Resource = Mapping[str, Any]
Rule = Callable[[Template], Iterator[str]]

EVERYWHERE = ("0.0.0.0/0", "::/0")

KEY_OF = {
    "AWS::SQS::Queue": "KmsMasterKeyId",
    "AWS::SNS::Topic": "KmsMasterKeyId",
    "AWS::Logs::LogGroup": "KmsKeyId",
    "AWS::Events::EventBus": "KmsKeyIdentifier",
    "AWS::RDS::DBInstance": "KmsKeyId",
    "AWS::ECR::Repository": "EncryptionConfiguration.KmsKey",
    "AWS::Bedrock::Guardrail": "KmsKeyArn",
    "AWS::BedrockAgentCore::Gateway": "KmsKeyArn",
    "AWS::BedrockAgentCore::PolicyEngine": "EncryptionKeyArn",
}
"""Where a resource names the key that it is encrypted with."""

UNSCOPABLE = frozenset({"ecr:GetAuthorizationToken"})
"""Actions that IAM knows no resource for."""

MANAGED = frozenset(
    "AmazonEKSClusterPolicy AmazonEKSLocalOutpostClusterPolicy AmazonEKSWorkerNodeMinimalPolicy "
    "AmazonEKSWorkerNodePolicy AmazonEC2ContainerRegistryPullOnly AmazonEKS_CNI_Policy "
    "AmazonEBSCSIDriverPolicy".split()
)
"""Policies of AWS that EKS asks for; whatever else a role may do is written in its template."""

OPEN_TRUST = frozenset({"ec2.amazonaws.com"})
"""Services that do not say for whom they take a role: the role is in this account anyway."""

OUTLIVES = {
    "AWS::RDS::DBInstance": ("Snapshot", "Retain"),
    "AWS::KMS::Key": ("Retain",),
    "AWS::ECR::Repository": ("Retain",),
    "AWS::Logs::LogGroup": ("Retain",),
    "AWS::SQS::Queue": ("Retain",),
    "AWS::S3Outposts::Bucket": ("Retain",),
}
"""What becomes of a resource that holds something when its stack is deleted."""

_DOORS_OUT = frozenset(
    {
        "AWS::EC2::InternetGateway",
        "AWS::EC2::NatGateway",
        "AWS::EC2::EgressOnlyInternetGateway",
        "AWS::EC2::EIP",
    }
)
_ACCOUNT = re.compile(r"(?<!\d)\d{12}(?!\d)")
_ASSET = re.compile(r"cdk-hnb|AssetParameters|asset\.[0-9a-f]{32}|(?:^|\s)/(?:home|tmp|root|work)/")
_ANYWHERE = "global.anthropic.claude-example-v1:0"


def networks_lead_only_where_a_rule_says(template: Template) -> Iterator[str]:
    """A security group without egress rules is given one that leads everywhere."""
    for name, group in _of_type(template, "AWS::EC2::SecurityGroup"):
        properties = group["Properties"]
        if not properties.get("SecurityGroupEgress"):
            yield f"{name} leaves egress to EC2, which opens it"
        for direction in ("SecurityGroupEgress", "SecurityGroupIngress"):
            for rule in properties.get(direction, ()):
                yield from _wide(name, rule)
    for kind in ("AWS::EC2::SecurityGroupEgress", "AWS::EC2::SecurityGroupIngress"):
        for name, rule in _of_type(template, kind):
            yield from _wide(name, rule["Properties"])


def _wide(name: str, rule: Mapping[str, Any]) -> Iterator[str]:
    for key in ("CidrIp", "CidrIpv6"):
        if rule.get(key) in EVERYWHERE:
            yield f"{name} is open to {rule[key]}"


def nothing_reaches_the_internet(template: Template) -> Iterator[str]:
    """No gateway, no address, no route, no endpoint outside the VPC."""
    for name, one in _resources(template):
        properties = one.get("Properties", {})
        if one["Type"] in _DOORS_OUT:
            yield f"{name} is a way to the internet"
        if properties.get("DestinationCidrBlock") in EVERYWHERE:
            yield f"{name} routes to everywhere"
        if properties.get("MapPublicIpOnLaunch") or properties.get("PubliclyAccessible"):
            yield f"{name} has a public address"
    for name, one in _of_type(template, "AWS::EKS::Cluster"):
        if one["Properties"]["ResourcesVpcConfig"].get("EndpointPublicAccess") is not False:
            yield f"{name} has a public API server"
    for name, one in _of_type(template, "AWS::BedrockAgentCore::Runtime"):
        if one["Properties"]["NetworkConfiguration"]["NetworkMode"] != "VPC":
            yield f"{name} runs outside the VPC"


def rules_of_the_gateway_are_enforced(template: Template) -> Iterator[str]:
    """A gateway that only logs what it should refuse is no lock."""
    for name, gateway in _of_type(template, "AWS::BedrockAgentCore::Gateway"):
        properties = gateway["Properties"]
        if properties.get("PolicyEngineConfiguration", {}).get("Mode") != "ENFORCE":
            yield f"{name} does not enforce its rules"
        if properties["AuthorizerType"] not in ("CUSTOM_JWT", "AWS_IAM"):
            yield f"{name} lets anybody in"
    for name, policy in _of_type(template, "AWS::BedrockAgentCore::Policy"):
        if policy["Properties"].get("EnforcementMode", "ACTIVE") != "ACTIVE":
            yield f"{name} is logged only"


def targets_are_private(template: Template) -> Iterator[str]:
    """The Gateway reaches a site through the VPC, over TLS, as somebody."""
    for name, target in _of_type(template, "AWS::BedrockAgentCore::GatewayTarget"):
        properties = target["Properties"]
        if not properties.get("PrivateEndpoint"):
            yield f"{name} is reached over the internet"
        servers = properties["TargetConfiguration"].get("Mcp", {}).get("McpServer", {})
        if "http://" in str(servers.get("Endpoint", "http://")):
            yield f"{name} is no MCP server behind TLS"
        kinds = {
            one["CredentialProviderType"]
            for one in properties.get("CredentialProviderConfigurations", ())
        }
        if kinds != {"OAUTH"}:
            yield f"{name} is called without a token of its own"


def everything_at_rest_is_encrypted(template: Template) -> Iterator[str]:
    """With the key of the deployment, not with one that everybody has."""
    for name, one in _resources(template):
        properties = one.get("Properties", {})
        where = KEY_OF.get(one["Type"])
        if where is not None and not _at(properties, where):
            yield f"{name} names no key in {where}"
        if one["Type"] == "AWS::RDS::DBInstance" and properties.get("StorageEncrypted") is not True:
            yield f"{name} is not encrypted"
        if one["Type"] == "AWS::KMS::Key" and properties.get("EnableKeyRotation") is not True:
            yield f"{name} is never rotated"
    for name, one in _of_type(template, "AWS::EKS::Cluster"):
        local = "OutpostConfig" in one["Properties"]  # its etcd is on encrypted disks of the rack
        if not local and not one["Properties"].get("EncryptionConfig"):
            yield f"{name} keeps secrets without a key"
    for name, one in _of_type(template, "AWS::EC2::LaunchTemplate"):
        for disk in one["Properties"]["LaunchTemplateData"].get("BlockDeviceMappings", [{}]):
            if disk.get("Ebs", {}).get("Encrypted") is not True:
                yield f"{name} has a disk that is not encrypted"


def roles_may_do_what_is_named(template: Template) -> Iterator[str]:
    """No wildcard among actions; resources are named wherever IAM knows them."""
    for name, role in _of_type(template, "AWS::IAM::Role"):
        properties = role["Properties"]
        for policy in properties.get("Policies", ()):
            for statement in _statements(policy["PolicyDocument"]):
                yield from _unnamed(name, statement)
                if "*" in statement["Resource"] and not set(statement["Action"]) <= UNSCOPABLE:
                    yield f"{name} {statement.get('Sid')} is about every resource"
        for managed in properties.get("ManagedPolicyArns", ()):
            if str(managed).rstrip("'}").rpartition("/")[2] not in MANAGED:
                yield f"{name} is given {managed}"
    for kind in ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy", "AWS::IAM::User"):
        for name, _ in _of_type(template, kind):
            yield f"{name} is a {kind}: what a role may do stands in the role"


def doors_are_opened_to_somebody(template: Template) -> Iterator[str]:
    """Policies of queues, topics, keys and endpoints: named actions, and not for everybody."""
    places = {
        "AWS::SQS::QueuePolicy": "PolicyDocument",
        "AWS::SNS::TopicPolicy": "PolicyDocument",
        "AWS::KMS::Key": "KeyPolicy",
        "AWS::EC2::VPCEndpoint": "PolicyDocument",
    }
    for name, one in _resources(template):
        document = one.get("Properties", {}).get(places.get(one["Type"], ""))
        for statement in _statements(document or {}):
            yield from _unnamed(name, statement)
            bounded = statement.get("Condition") or "*" not in statement["Resource"]
            if statement.get("Principal") == "*" and not bounded:
                yield f"{name} {statement.get('Sid')} is open to everybody"


def _unnamed(name: str, statement: Mapping[str, Any]) -> Iterator[str]:
    if "NotAction" in statement or "NotResource" in statement:
        yield f"{name} {statement.get('Sid')} allows by exception"
    for action in statement.get("Action", ()):
        if "*" in action:
            yield f"{name} {statement.get('Sid')} allows {action}"


def roles_are_taken_for_this_account_only(template: Template) -> Iterator[str]:
    """A service of AWS must not take our role on behalf of a stranger."""
    for name, role in _of_type(template, "AWS::IAM::Role"):
        for statement in _statements(role["Properties"]["AssumeRolePolicyDocument"]):
            service = statement["Principal"].get("Service", "")
            services = {service} if isinstance(service, str) else set(service)
            named = "aws:SourceAccount" in str(statement.get("Condition", ""))
            if not services or not (named or services & OPEN_TRUST):
                yield f"{name} is taken by {statement['Principal']} for anybody"


def logs_are_kept_for_a_time(template: Template) -> Iterator[str]:
    """Neither forever nor not at all."""
    for name, group in _of_type(template, "AWS::Logs::LogGroup"):
        if not group["Properties"].get("RetentionInDays"):
            yield f"{name} is kept forever"


def no_model_answers_from_anywhere(template: Template) -> Iterator[str]:
    """A `global.` profile may be worked on in any Region, so nothing names or takes one."""
    for path, text in _texts(template):
        if re.search(r"(?<![\w.])global\.[a-z]", text) and path[-1] != "AllowedPattern":
            yield f"{'.'.join(path)} names a model that answers from anywhere"
    for name, parameter in template.get("Parameters", {}).items():
        if not re.search(r"Model(Id|Geography)?$", name):
            continue
        if "AllowedValues" in parameter:
            takes = "global" in parameter["AllowedValues"]
        else:
            takes = re.search(parameter.get("AllowedPattern", ""), _ANYWHERE) is not None
        if takes:
            yield f"parameter {name} takes a model that answers from anywhere"


def what_cannot_be_read_is_kept(template: Template) -> Iterator[str]:
    """A queue has dead letters, and so has each target of a rule."""
    dead: set[str] = set()
    queues = _of_type(template, "AWS::SQS::Queue")
    for _, queue in queues:
        arn = _at(queue["Properties"], "RedrivePolicy.deadLetterTargetArn")
        if arn:
            dead.add(arn["Fn::GetAtt"][0])
    for name, queue in queues:
        if name not in dead and not queue["Properties"].get("RedrivePolicy"):
            yield f"{name} has no dead letters"
    for name, rule in _of_type(template, "AWS::Events::Rule"):
        for target in rule["Properties"]["Targets"]:
            if not target.get("DeadLetterConfig"):
                yield f"{name} forgets what its target {target['Id']} did not take"


def what_holds_data_outlives_its_stack(template: Template) -> Iterator[str]:
    """Deleting a stack deletes no record."""
    for name, one in _resources(template):
        wanted = OUTLIVES.get(one["Type"])
        if wanted is None:
            continue
        for attribute in ("DeletionPolicy", "UpdateReplacePolicy"):
            if one.get(attribute) not in wanted:
                yield f"{name} goes with its stack ({attribute})"
    for name, one in _of_type(template, "AWS::RDS::DBInstance", "AWS::EKS::Cluster"):
        local = "OutpostConfig" in one["Properties"]
        if one["Properties"].get("DeletionProtection") is not True and not local:
            yield f"{name} can be deleted by one call"


def what_runs_is_pinned(template: Template) -> Iterator[str]:
    """An image is named by digest, a registry never changes what a tag means."""
    for name, runtime in _of_type(template, "AWS::BedrockAgentCore::Runtime"):
        uri = _at(runtime["Properties"], "AgentRuntimeArtifact.ContainerConfiguration.ContainerUri")
        pattern = ""
        if isinstance(uri, Mapping):
            pattern = template["Parameters"][uri["Ref"]].get("AllowedPattern", "")
        if "@sha256:" not in f"{pattern}{uri}":
            yield f"{name} runs an image by a name that may change"
    for name, registry in _of_type(template, "AWS::ECR::Repository"):
        if registry["Properties"].get("ImageTagMutability") != "IMMUTABLE":
            yield f"{name} lets a tag be moved"


def nodes_keep_their_credentials(template: Template) -> Iterator[str]:
    """A pod must not reach the role of its node."""
    for name, one in _of_type(template, "AWS::EC2::LaunchTemplate"):
        options = one["Properties"]["LaunchTemplateData"].get("MetadataOptions", {})
        if options.get("HttpTokens") != "required" or options.get("HttpPutResponseHopLimit") != 1:
            yield f"{name} gives its role to pods"


def nothing_of_one_machine_is_in_it(template: Template) -> Iterator[str]:
    """No account, no path, no asset: the same template is right for everybody."""
    for path, text in _texts(template):
        if _ACCOUNT.search(text) or _ASSET.search(text):
            yield f"{'.'.join(path)} belongs to one machine or account"


RULES: dict[str, Rule] = {
    rule.__name__: rule
    for rule in (
        networks_lead_only_where_a_rule_says,
        nothing_reaches_the_internet,
        rules_of_the_gateway_are_enforced,
        targets_are_private,
        everything_at_rest_is_encrypted,
        roles_may_do_what_is_named,
        doors_are_opened_to_somebody,
        roles_are_taken_for_this_account_only,
        logs_are_kept_for_a_time,
        no_model_answers_from_anywhere,
        what_cannot_be_read_is_kept,
        what_holds_data_outlives_its_stack,
        what_runs_is_pinned,
        nodes_keep_their_credentials,
        nothing_of_one_machine_is_in_it,
    )
}


def violations(templates: Mapping[str, Template]) -> list[str]:
    """Every violation of every rule, with the stack and the rule."""
    return [
        f"{stack}: {rule}: {words}"
        for stack, template in templates.items()
        for rule, check in RULES.items()
        for words in check(template)
    ]


def _resources(template: Template) -> list[tuple[str, Resource]]:
    return list(template["Resources"].items())


def _of_type(template: Template, *types: str) -> list[tuple[str, Resource]]:
    return [(name, one) for name, one in _resources(template) if one["Type"] in types]


def _at(value: Any, path: str) -> Any:
    """What stands under a path of keys; None where nothing does."""
    for key in path.split("."):
        if not isinstance(value, Mapping):
            return None
        value = value.get(key)
    return value


def _statements(document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The statements that allow something, those of either branch included."""
    for statement in document.get("Statement", ()):
        branches = statement["Fn::If"][1:] if "Fn::If" in statement else [statement]
        for branch in branches:
            if branch.get("Effect") == "Allow":
                yield branch


def _texts(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """Every text with where it stands."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _texts(inner, (*path, str(key)))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _texts(inner, (*path, str(number)))
