"""The site stack: an EKS local cluster on the Outpost, nodes of its own, a way to the LAN.

The control plane is in the rack, so pods go on through a disconnect. There are no managed node
groups on an Outpost: nodes are an Auto Scaling group that joins by itself. The site's pods have no
role of AWS; only nodes do, to pull images.
"""

from __future__ import annotations

from aws_cdk import App, CfnCondition, CfnParameter, CfnTag, Fn, Stack
from aws_cdk import aws_autoscaling as autoscaling
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_eks as eks
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3outposts as s3outposts

from deploy.aws.stacks.cluster import encrypted_disk, no_role_for_pods
from deploy.aws.stacks.network import NAME as NETWORK
from deploy.aws.stacks.parts import (
    CIDR,
    Published,
    arn,
    document,
    from_stack,
    kept,
    new_stack,
    parameter,
    published,
    trust,
)
from deploy.aws.stacks.security_groups import rule_in, rule_out

NAME = "tierwise-site"

_USER_DATA = """MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="//"

--//
Content-Type: application/node.eks.aws

apiVersion: node.eks.aws/v1alpha1
kind: NodeConfig
spec:
  cluster:
    name: ${Cluster}
    apiServerEndpoint: ${Cluster.Endpoint}
    certificateAuthority: ${Cluster.CertificateAuthorityData}
    cidr: ${ServiceCidr}
    enableOutpost: true
    id: ${Cluster.Id}
  kubelet:
    config:
      registerWithTaints:
        - {key: tierwise.site, value: "true", effect: NoSchedule}
    flags:
      - --node-labels=tierwise.site=true${MoreLabels}

--//--
"""


def site(app: App) -> Stack:
    """Build the stack."""
    stack = new_stack(app, NAME, "tierwise: the site half on an Outpost")
    network = from_stack(stack, "NetworkStack", NETWORK)
    outpost = parameter(
        stack,
        "OutpostArn",
        "ARN of the Outpost",
        allowed_pattern=r"^arn:[^:]+:outposts:[^:]+:\d{12}:outpost/op-[0-9a-f]{17}$",
    )
    _way_to_the_lan(stack, network)
    made = _cluster(stack, network, outpost)
    group = _group_of_the_nodes(stack, network, made)
    profile = _profile_of_the_nodes(stack)
    _nodes(stack, network, made, group, profile)
    _gpu_nodes(stack, network, made, group, profile)
    _object_store(stack, network, group, outpost)
    published(stack, "ClusterName", made.ref, "For `aws eks update-kubeconfig`")
    published(stack, "NodeSecurityGroup", group.attr_group_id, "Of the site's nodes")
    return stack


def _way_to_the_lan(stack: Stack, network: Published) -> None:
    """The local gateway: the LAN of the building without the Region in between."""
    table = parameter(
        stack,
        "LocalGatewayRouteTableId",
        "Of the Outpost's local gateway",
        allowed_pattern="^lgw-rtb-.+$",
    )
    association = ec2.CfnLocalGatewayRouteTableVPCAssociation(
        stack, "LocalGatewayVpc", local_gateway_route_table_id=table, vpc_id=network["VpcId"]
    )
    lan_cidr = parameter(
        stack, "LanCidr", "Range of the LAN behind the local gateway", allowed_pattern=CIDR
    )
    lan = ec2.CfnRoute(
        stack,
        "RouteToTheLan",
        route_table_id=network["OutpostRouteTable"],
        destination_cidr_block=lan_cidr,
        local_gateway_id=parameter(
            stack, "LocalGatewayId", "The local gateway", allowed_pattern="^lgw-[0-9a-f]+$"
        ),
    )
    lan.add_resource_dependency(association)
    interfaces = parameter(
        stack,
        "LocalGatewayInterfaceGroupId",
        "Virtual interface group for a static route to the LAN; empty where BGP announces it",
        default="",
    )
    route = ec2.CfnLocalGatewayRoute(
        stack,
        "StaticRouteToTheLan",
        destination_cidr_block=lan_cidr,
        local_gateway_route_table_id=table,
        local_gateway_virtual_interface_group_id=interfaces,
    )
    route.cfn_options.condition = _given(stack, "HasStaticRoute", interfaces)


def _given(stack: Stack, name: str, value: str) -> CfnCondition:
    return CfnCondition(stack, name, expression=Fn.condition_not(Fn.condition_equals(value, "")))


def _cluster(stack: Stack, network: Published, outpost: str) -> eks.CfnCluster:
    role = iam.CfnRole(
        stack,
        "ClusterRole",
        assume_role_policy_document=document(
            {
                "Effect": "Allow",
                "Principal": {"Service": ["eks.amazonaws.com", "ec2.amazonaws.com"]},
                "Action": ["sts:AssumeRole"],
            }
        ),
        managed_policy_arns=[arn("iam::aws:policy/AmazonEKSLocalOutpostClusterPolicy")],
    )
    return eks.CfnCluster(
        stack,
        "Cluster",
        name=Fn.ref("AWS::StackName"),
        role_arn=role.attr_arn,
        version=parameter(
            stack, "KubernetesVersion", "A version of local clusters", default="1.32"
        ),
        outpost_config=eks.CfnCluster.OutpostConfigProperty(
            control_plane_instance_type=parameter(
                stack,
                "ControlPlaneType",
                "Three of these are taken from the rack",
                default="m5.xlarge",
            ),
            outpost_arns=[outpost],
        ),
        kubernetes_network_config=eks.CfnCluster.KubernetesNetworkConfigProperty(
            service_ipv4_cidr=parameter(
                stack, "ServiceCidr", "Range of services", default="172.20.0.0/16"
            )
        ),
        resources_vpc_config=eks.CfnCluster.ResourcesVpcConfigProperty(
            subnet_ids=[network["OutpostSubnet"]],
            endpoint_private_access=True,
            endpoint_public_access=False,
        ),
    )


def _group_of_the_nodes(
    stack: Stack, network: Published, made: eks.CfnCluster
) -> ec2.CfnSecurityGroup:
    whole_vpc = ec2.CfnSecurityGroup.EgressProperty(
        ip_protocol="-1", cidr_ip=network["VpcCidr"], description="to the rack and the endpoints"
    )
    return ec2.CfnSecurityGroup(
        stack,
        "NodeSecurityGroup",
        group_description="Nodes of the site half: rack, endpoints, registry of the LAN",
        vpc_id=network["VpcId"],
        security_group_ingress=[
            ec2.CfnSecurityGroup.IngressProperty(
                ip_protocol="-1",
                source_security_group_id=made.attr_cluster_security_group_id,
                description="the control plane and other nodes",
            ),
            rule_in(8700, network["VpcCidr"], "the cloud half"),
            rule_in(8700, network["SiteCidr"], "network elements and people of the site"),
        ],
        security_group_egress=[
            whole_vpc,
            rule_out(443, network["SiteCidr"], "the building's registry and cloud half"),
        ],
    )


def _profile_of_the_nodes(stack: Stack) -> iam.CfnInstanceProfile:
    role = iam.CfnRole(
        stack,
        "NodeRole",
        assume_role_policy_document=trust("ec2.amazonaws.com", own=False),
        managed_policy_arns=[
            arn(f"iam::aws:policy/{name}")
            for name in (
                "AmazonEKSWorkerNodePolicy",
                "AmazonEC2ContainerRegistryPullOnly",
                "AmazonEKS_CNI_Policy",
            )
        ],
    )
    published(stack, "NodeRole", role.attr_arn, "For the cluster's aws-auth map")
    return iam.CfnInstanceProfile(stack, "NodeProfile", roles=[role.ref])


def _nodes(
    stack: Stack,
    network: Published,
    made: eks.CfnCluster,
    group: ec2.CfnSecurityGroup,
    profile: iam.CfnInstanceProfile,
) -> None:
    kind = parameter(stack, "NodeType", "Type of the site's nodes", default="m5.2xlarge")
    image = _image(stack, "NodeImage", "standard")
    template = _template(
        stack, "Node", made, groups=[group], profile=profile, kind=kind, image=image, labels=""
    )
    _scaled(stack, "Nodes", network, template, least=2, most=4)


def _gpu_nodes(
    stack: Stack,
    network: Published,
    made: eks.CfnCluster,
    group: ec2.CfnSecurityGroup,
    profile: iam.CfnInstanceProfile,
) -> None:
    """For the small model, where the rack has a GPU."""
    kind = parameter(stack, "GpuNodeType", "Such as g4dn.2xlarge; empty for none", default="")
    condition = _given(stack, "HasGpu", kind)
    image = _image(stack, "GpuNodeImage", "nvidia")
    template = _template(
        stack,
        "GpuNode",
        made,
        groups=[group],
        profile=profile,
        kind=kind,
        image=image,
        labels=",tierwise.gpu=true",
    )
    nodes = _scaled(stack, "GpuNodes", network, template, least=1, most=1)
    for resource in (template, nodes):
        resource.cfn_options.condition = condition


def _image(stack: Stack, name: str, variant: str) -> str:
    return parameter(
        stack,
        name,
        "Public parameter of EKS with the node's image",
        type="AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>",
        default=(
            "/aws/service/eks/optimized-ami/1.32/amazon-linux-2023/x86_64/"
            f"{variant}/recommended/image_id"
        ),
    )


def _template(
    stack: Stack,
    name: str,
    made: eks.CfnCluster,
    *,
    groups: list[ec2.CfnSecurityGroup],
    profile: iam.CfnInstanceProfile,
    kind: str,
    image: str,
    labels: str,
) -> ec2.CfnLaunchTemplate:
    return ec2.CfnLaunchTemplate(
        stack,
        f"{name}Template",
        launch_template_data=ec2.CfnLaunchTemplate.LaunchTemplateDataProperty(
            image_id=image,
            instance_type=kind,
            iam_instance_profile=ec2.CfnLaunchTemplate.IamInstanceProfileProperty(
                arn=profile.attr_arn
            ),
            block_device_mappings=[encrypted_disk("gp2", 100)],
            metadata_options=no_role_for_pods(),
            security_group_ids=[
                made.attr_cluster_security_group_id,
                *(group.attr_group_id for group in groups),
            ],
            user_data=Fn.base64(Fn.sub(_USER_DATA, {"MoreLabels": labels})),
        ),
    )


def _scaled(
    stack: Stack,
    name: str,
    network: Published,
    template: ec2.CfnLaunchTemplate,
    *,
    least: int,
    most: int,
) -> autoscaling.CfnAutoScalingGroup:
    G = autoscaling.CfnAutoScalingGroup  # noqa: N806 - the service's own name is long enough
    return G(
        stack,
        name,
        min_size=str(least),
        max_size=str(most),
        desired_capacity=str(least),
        vpc_zone_identifier=[network["OutpostSubnet"]],
        launch_template=G.LaunchTemplateSpecificationProperty(
            launch_template_id=template.ref, version=template.attr_latest_version_number
        ),
        tags=[
            G.TagPropertyProperty(
                key=Fn.sub("kubernetes.io/cluster/${Cluster}"),
                value="owned",
                propagate_at_launch=True,
            )
        ],
    )


def _object_store(
    stack: Stack, network: Published, group: ec2.CfnSecurityGroup, outpost: str
) -> None:
    """S3 on the Outpost for backups, where the rack has it."""
    name = parameter(
        stack, "BackupBucket", "Name of a bucket on the Outpost; empty for none", default=""
    )
    condition = _given(stack, "HasBackupBucket", name)
    outpost_id = Fn.select(1, Fn.split("/", outpost))
    days = CfnParameter(
        stack,
        "BackupDays",
        type="Number",
        default=30,
        description="Days that backups are kept",
    ).value_as_number
    B = s3outposts.CfnBucket  # noqa: N806 - as above
    bucket = B(
        stack,
        "Backups",
        bucket_name=name,
        outpost_id=outpost_id,
        lifecycle_configuration=B.LifecycleConfigurationProperty(
            rules=[B.RuleProperty(status="Enabled", expiration_in_days=days)]
        ),
        tags=[CfnTag(key="Name", value=Fn.ref("AWS::StackName"))],
    )
    kept(bucket)
    endpoint = s3outposts.CfnEndpoint(
        stack,
        "BackupEndpoint",
        outpost_id=outpost_id,
        subnet_id=network["OutpostSubnet"],
        security_group_id=group.attr_group_id,
    )
    point = s3outposts.CfnAccessPoint(
        stack,
        "BackupAccessPoint",
        bucket=bucket.attr_arn,
        name=Fn.sub("${AWS::StackName}-backups"),
        vpc_configuration=s3outposts.CfnAccessPoint.VpcConfigurationProperty(
            vpc_id=network["VpcId"]
        ),
    )
    for resource in (bucket, endpoint, point):
        resource.cfn_options.condition = condition
