"""The cluster stack: EKS in the Region for what stays up, the manifests' overlay `region`.

Console, triggers, the consumer of the queue and the outbox are one Deployment; it gets its role by
Pod Identity. The API server has no public address.
"""

from __future__ import annotations

from aws_cdk import App, CfnCondition, CfnParameter, Fn, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_eks as eks
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs

from deploy.aws.stacks.agentcore import NAME as AGENTCORE
from deploy.aws.stacks.models import AllowedModel, allowed_model
from deploy.aws.stacks.network import NAME as NETWORK
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
    parameter,
    published,
    trust,
    use_of_key,
)
from deploy.aws.stacks.state import NAME as STATE

NAME = "tierwise-cluster"

ADDONS = (
    "vpc-cni",
    "coredns",
    "kube-proxy",
    "eks-pod-identity-agent",
    "aws-ebs-csi-driver",
    "metrics-server",
)
_NETWORK_POLICIES = '{"enableNetworkPolicy": "true"}'
"""Without it the manifests' default deny is a wish."""


def cluster(app: App) -> Stack:
    """Build the stack."""
    stack = new_stack(app, NAME, "tierwise: EKS in the Region for the cloud half's Deployment")
    network = from_stack(stack, "NetworkStack", NETWORK)
    state = from_stack(stack, "StateStack", STATE)
    agentcore = from_stack(stack, "AgentCoreStack", AGENTCORE)
    made = _cluster(stack, network)
    nodes = _nodes(stack, network, made)
    addons = _addons(stack, made, nodes)
    role = _role_of_the_cloud_half(stack, network, state, agentcore, allowed_model(stack))
    eks.CfnPodIdentityAssociation(
        stack,
        "CloudHalf",
        cluster_name=made.ref,
        namespace="tierwise-cloud",
        service_account="cloud",
        role_arn=role.attr_arn,
    ).add_resource_dependency(addons["eks-pod-identity-agent"])
    _administrator(stack, made)
    published(stack, "ClusterName", made.ref, "For `aws eks update-kubeconfig`")
    published(stack, "CloudHalfRole", role.attr_arn, "What the Deployment may do")
    return stack


def _cluster(stack: Stack, network: Published) -> eks.CfnCluster:
    name = Fn.ref("AWS::StackName")
    group = logs.CfnLogGroup(
        stack,
        "ControlPlaneLogs",
        log_group_name=Fn.sub("/aws/eks/${AWS::StackName}/cluster"),
        retention_in_days=log_days(stack),
        kms_key_id=network["KeyArn"],
    )
    kept(group)
    role = iam.CfnRole(
        stack,
        "ClusterRole",
        assume_role_policy_document=trust("eks.amazonaws.com"),
        managed_policy_arns=[arn("iam::aws:policy/AmazonEKSClusterPolicy")],
    )
    made = eks.CfnCluster(
        stack,
        "Cluster",
        name=name,
        role_arn=role.attr_arn,
        version=parameter(stack, "KubernetesVersion", "Version of EKS", default="1.34"),
        deletion_protection=True,
        access_config=eks.CfnCluster.AccessConfigProperty(
            authentication_mode="API", bootstrap_cluster_creator_admin_permissions=False
        ),
        encryption_config=[
            eks.CfnCluster.EncryptionConfigProperty(
                provider=eks.CfnCluster.ProviderProperty(key_arn=network["KeyArn"]),
                resources=["secrets"],
            )
        ],
        logging=eks.CfnCluster.LoggingProperty(
            cluster_logging=eks.CfnCluster.ClusterLoggingProperty(
                enabled_types=[
                    eks.CfnCluster.LoggingTypeConfigProperty(type=kind)
                    for kind in ("api", "audit", "authenticator", "controllerManager", "scheduler")
                ]
            )
        ),
        resources_vpc_config=eks.CfnCluster.ResourcesVpcConfigProperty(
            subnet_ids=network.listed("PrivateSubnets", 2),
            endpoint_private_access=True,
            endpoint_public_access=False,
        ),
    )
    made.add_resource_dependency(group)
    return made


def _nodes(stack: Stack, network: Published, made: eks.CfnCluster) -> eks.CfnNodegroup:
    role = iam.CfnRole(
        stack,
        "NodeRole",
        assume_role_policy_document=trust("ec2.amazonaws.com", own=False),
        managed_policy_arns=[
            arn(f"iam::aws:policy/{name}")
            for name in (
                "AmazonEKSWorkerNodeMinimalPolicy",
                "AmazonEC2ContainerRegistryPullOnly",
                "AmazonEKS_CNI_Policy",
            )
        ],
    )
    template = ec2.CfnLaunchTemplate(
        stack,
        "NodeTemplate",
        launch_template_data=ec2.CfnLaunchTemplate.LaunchTemplateDataProperty(
            block_device_mappings=[encrypted_disk("gp3", 50)],
            metadata_options=no_role_for_pods(),
            security_group_ids=[made.attr_cluster_security_group_id, network["WorkSecurityGroup"]],
        ),
    )
    return eks.CfnNodegroup(
        stack,
        "Nodes",
        cluster_name=made.ref,
        node_role=role.attr_arn,
        subnets=network.listed("PrivateSubnets", 2),
        ami_type="AL2023_ARM_64_STANDARD",
        instance_types=[parameter(stack, "NodeType", "An arm64 type", default="m7g.large")],
        launch_template=eks.CfnNodegroup.LaunchTemplateSpecificationProperty(
            id=template.ref, version=template.attr_latest_version_number
        ),
        scaling_config=eks.CfnNodegroup.ScalingConfigProperty(
            min_size=2,
            desired_size=2,
            max_size=CfnParameter(
                stack, "MostNodes", type="Number", default=4, description="At most so many nodes"
            ).value_as_number,
        ),
        update_config=eks.CfnNodegroup.UpdateConfigProperty(max_unavailable=1),
    )


def encrypted_disk(kind: str, gigabytes: int) -> ec2.CfnLaunchTemplate.BlockDeviceMappingProperty:
    """The root disk of a node."""
    return ec2.CfnLaunchTemplate.BlockDeviceMappingProperty(
        device_name="/dev/xvda",
        ebs=ec2.CfnLaunchTemplate.EbsProperty(
            volume_type=kind, volume_size=gigabytes, encrypted=True, delete_on_termination=True
        ),
    )


def no_role_for_pods() -> ec2.CfnLaunchTemplate.MetadataOptionsProperty:
    """One hop: a pod does not reach the credentials of its node."""
    return ec2.CfnLaunchTemplate.MetadataOptionsProperty(
        http_tokens="required", http_put_response_hop_limit=1
    )


def _addons(stack: Stack, made: eks.CfnCluster, nodes: eks.CfnNodegroup) -> dict[str, eks.CfnAddon]:
    disks = iam.CfnRole(
        stack,
        "DiskRole",
        assume_role_policy_document=_for_pods(),
        managed_policy_arns=[arn("iam::aws:policy/service-role/AmazonEBSCSIDriverPolicy")],
    )
    addons = {}
    for name in ADDONS:
        addon = eks.CfnAddon(
            stack,
            "".join(word.capitalize() for word in name.split("-")),
            addon_name=name,
            cluster_name=made.ref,
            configuration_values=_NETWORK_POLICIES if name == "vpc-cni" else None,
            resolve_conflicts="OVERWRITE",
            pod_identity_associations=[
                eks.CfnAddon.PodIdentityAssociationProperty(
                    role_arn=disks.attr_arn, service_account="ebs-csi-controller-sa"
                )
            ]
            if name == "aws-ebs-csi-driver"
            else None,
        )
        if name not in ("vpc-cni", "kube-proxy"):
            addon.add_resource_dependency(nodes)
        addons[name] = addon
    addons["aws-ebs-csi-driver"].add_resource_dependency(addons["eks-pod-identity-agent"])
    return addons


def _for_pods() -> dict[str, object]:
    return trust("pods.eks.amazonaws.com", actions=("sts:AssumeRole", "sts:TagSession"))


def _role_of_the_cloud_half(
    stack: Stack,
    network: Published,
    state: Published,
    agentcore: Published,
    model: AllowedModel,
) -> iam.CfnRole:
    return iam.CfnRole(
        stack,
        "CloudHalfRole",
        assume_role_policy_document=_for_pods(),
        policies=[
            iam.CfnRole.PolicyProperty(
                policy_name="cloud-half",
                policy_document=document(
                    *model.may_be_invoked(),
                    allow(
                        "ApplyTheGuardrail", ["bedrock:ApplyGuardrail"], [agentcore["GuardrailArn"]]
                    ),
                    allow(
                        "ReadTriggers",
                        ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility"],
                        [state["QueueArn"]],
                    ),
                    allow("BuryTheUnreadable", ["sqs:SendMessage"], [state["DeadLetterArn"]]),
                    use_of_key(network["KeyArn"], "sqs", "sns"),
                    _tell_the_topic(stack),
                ),
            )
        ],
    )


def _tell_the_topic(stack: Stack) -> Json:
    """For a sink of the kind `sns`."""
    topic = parameter(
        stack, "ReportTopicArn", "Topic that reports are sent to; empty for none", default=""
    )
    CfnCondition(
        stack,
        "HasReportTopic",
        expression=Fn.condition_not(Fn.condition_equals(topic, "")),
    )
    told: Json = Fn.condition_if(
        "HasReportTopic",
        allow("TellTheTopic", ["sns:Publish"], [topic]),
        Fn.ref("AWS::NoValue"),
    )
    return told


def _administrator(stack: Stack, made: eks.CfnCluster) -> None:
    eks.CfnAccessEntry(
        stack,
        "Administrator",
        cluster_name=made.ref,
        principal_arn=parameter(
            stack,
            "AdministratorRoleArn",
            "Role that administers the cluster",
            allowed_pattern=r"^arn:[^:]+:iam::\d{12}:role/.+$",
        ),
        access_policies=[
            eks.CfnAccessEntry.AccessPolicyProperty(
                policy_arn=arn("eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"),
                access_scope=eks.CfnAccessEntry.AccessScopeProperty(type="cluster"),
            )
        ],
    )
