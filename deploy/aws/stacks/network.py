"""The network stack: a VPC that leads nowhere but to AWS's own endpoints and to the site.

There is no internet gateway and no NAT. Subnets in a Local Zone and on an Outpost come with their
parameters; what the stacks share (the key, the registries, the security group of the cloud half)
is here as well.
"""

from __future__ import annotations

from aws_cdk import App, CfnCondition, CfnTag, Fn, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs

from deploy.aws.stacks.encryption_key import encryption_key
from deploy.aws.stacks.endpoints import Addresses, endpoints
from deploy.aws.stacks.parts import (
    CIDR,
    allow,
    document,
    kept,
    log_days,
    new_stack,
    parameter,
    published,
    trust,
)
from deploy.aws.stacks.security_groups import security_group_of_the_cloud_half

NAME = "tierwise-network"


def network(app: App) -> Stack:
    """Build the stack."""
    stack = new_stack(app, NAME, "tierwise: a VPC that leads to AWS endpoints and to the site only")
    vpc_cidr = parameter(
        stack, "VpcCidr", "Range of the VPC", default="10.40.0.0/20", allowed_pattern=CIDR
    )
    site_cidr = parameter(
        stack, "SiteCidr", "Range of the site's own network", allowed_pattern=CIDR
    )
    prefix_list = parameter(
        stack,
        "S3PrefixListId",
        "Managed prefix list of S3 in this Region, for the layers of images",
        allowed_pattern="^pl-[0-9a-f]+$",
    )
    key = encryption_key(stack)
    vpc = ec2.CfnVPC(
        stack, "Vpc", cidr_block=vpc_cidr, enable_dns_hostnames=True, enable_dns_support=True
    )
    vpc.tags.set_tag("Name", Fn.ref("AWS::StackName"))
    routes = ec2.CfnRouteTable(stack, "PrivateRoutes", vpc_id=vpc.ref)
    private = [
        _subnet(
            stack, vpc, routes, f"PrivateSubnet{letter}", cidr, zone=Fn.select(number, _zones())
        )
        for number, (letter, cidr) in enumerate((("A", "10.40.0.0/23"), ("B", "10.40.2.0/23")))
    ]
    _local_zone(stack, vpc, routes)
    _outpost(stack, vpc)
    _way_to_the_site(stack, vpc, routes, private, site_cidr)
    addresses = Addresses(vpc, routes, [subnet.ref for subnet in private])
    endpoints(stack, addresses, vpc_cidr)
    _flow_logs(stack, vpc, key)
    _registries(stack, key)
    work = security_group_of_the_cloud_half(stack, vpc, vpc_cidr, site_cidr, prefix_list)
    for name, value, description in (
        ("VpcId", vpc.ref, "The VPC"),
        ("VpcCidr", vpc_cidr, "Its range"),
        ("SiteCidr", site_cidr, "Range of the site's own network"),
        ("PrivateSubnets", Fn.join(",", [subnet.ref for subnet in private]), "Two zones"),
        ("WorkSecurityGroup", work.attr_group_id, "Of whatever runs the cloud half"),
        ("KeyArn", key.attr_arn, "The key that everything at rest is encrypted with"),
    ):
        published(stack, name, value, description)
    return stack


def _zones() -> list[str]:
    zones: list[str] = Fn.get_azs()
    return zones


def _subnet(
    stack: Stack,
    vpc: ec2.CfnVPC,
    routes: ec2.CfnRouteTable,
    name: str,
    cidr: str,
    *,
    zone: str,
    outpost_arn: str | None = None,
    condition: CfnCondition | None = None,
) -> ec2.CfnSubnet:
    subnet = ec2.CfnSubnet(
        stack,
        name,
        vpc_id=vpc.ref,
        cidr_block=parameter(
            stack, f"{name}Cidr", f"Range of {name}", default=cidr, allowed_pattern=CIDR
        ),
        availability_zone=zone,
        outpost_arn=outpost_arn,
        map_public_ip_on_launch=False,
    )
    association = ec2.CfnSubnetRouteTableAssociation(
        stack, f"{name}Routes", subnet_id=subnet.ref, route_table_id=routes.ref
    )
    for resource in (subnet, association):
        resource.cfn_options.condition = condition
    return subnet


def _given(stack: Stack, name: str, value: str) -> CfnCondition:
    return CfnCondition(stack, name, expression=Fn.condition_not(Fn.condition_equals(value, "")))


def _local_zone(stack: Stack, vpc: ec2.CfnVPC, routes: ec2.CfnRouteTable) -> None:
    zone = parameter(
        stack, "LocalZone", "A Local Zone such as eu-central-1-ham-1a; empty for none", default=""
    )
    condition = _given(stack, "HasLocalZone", zone)
    subnet = _subnet(
        stack, vpc, routes, "LocalZoneSubnet", "10.40.8.0/23", zone=zone, condition=condition
    )
    published(stack, "LocalZoneSubnet", subnet.ref, "In the Local Zone", condition=condition)


def _outpost(stack: Stack, vpc: ec2.CfnVPC) -> None:
    outpost = parameter(stack, "OutpostArn", "ARN of the Outpost; empty for none", default="")
    zone = parameter(stack, "OutpostZone", "The zone that the Outpost is homed to", default="")
    condition = _given(stack, "HasOutpost", outpost)
    routes = ec2.CfnRouteTable(stack, "OutpostRoutes", vpc_id=vpc.ref)
    routes.cfn_options.condition = condition
    subnet = _subnet(
        stack,
        vpc,
        routes,
        "OutpostSubnet",
        "10.40.10.0/23",
        zone=zone,
        outpost_arn=outpost,
        condition=condition,
    )
    for name, resource in (("OutpostSubnet", subnet), ("OutpostRouteTable", routes)):
        published(stack, name, resource.ref, "On the Outpost", condition=condition)


def _way_to_the_site(
    stack: Stack,
    vpc: ec2.CfnVPC,
    routes: ec2.CfnRouteTable,
    private: list[ec2.CfnSubnet],
    site_cidr: str,
) -> None:
    gateway = parameter(
        stack,
        "TransitGatewayId",
        "Transit gateway that leads to the site; empty when the site is on the Outpost alone",
        default="",
    )
    condition = _given(stack, "HasTransitGateway", gateway)
    attachment = ec2.CfnTransitGatewayVpcAttachment(
        stack,
        "SiteAttachment",
        transit_gateway_id=gateway,
        vpc_id=vpc.ref,
        subnet_ids=[subnet.ref for subnet in private],
    )
    attachment.cfn_options.condition = condition
    route = ec2.CfnRoute(
        stack,
        "RouteToTheSite",
        route_table_id=routes.ref,
        destination_cidr_block=site_cidr,
        transit_gateway_id=gateway,
    )
    route.cfn_options.condition = condition
    route.add_resource_dependency(attachment)


def _flow_logs(stack: Stack, vpc: ec2.CfnVPC, key: kms.CfnKey) -> None:
    group = logs.CfnLogGroup(
        stack,
        "FlowLogs",
        log_group_name=Fn.sub("/tierwise/${AWS::StackName}/flows"),
        retention_in_days=log_days(stack),
        kms_key_id=key.attr_arn,
    )
    kept(group)
    role = iam.CfnRole(
        stack,
        "FlowLogsRole",
        assume_role_policy_document=trust("vpc-flow-logs.amazonaws.com"),
        policies=[
            iam.CfnRole.PolicyProperty(
                policy_name="write",
                policy_document=document(
                    allow(
                        "WriteFlows",
                        ["logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"],
                        [group.attr_arn],
                    )
                ),
            )
        ],
    )
    ec2.CfnFlowLog(
        stack,
        "Flows",
        resource_id=vpc.ref,
        resource_type="VPC",
        traffic_type="ALL",
        log_destination_type="cloud-watch-logs",
        log_group_name=group.ref,
        deliver_logs_permission_arn=role.attr_arn,
        tags=[CfnTag(key="Name", value=Fn.ref("AWS::StackName"))],
    )


def _registries(stack: Stack, key: kms.CfnKey) -> None:
    for half in ("Cloud", "Site"):
        registry = ecr.CfnRepository(
            stack,
            f"{half}Images",
            repository_name=f"tierwise/{half.lower()}",
            image_tag_mutability="IMMUTABLE",
            image_scanning_configuration=ecr.CfnRepository.ImageScanningConfigurationProperty(
                scan_on_push=True
            ),
            encryption_configuration=ecr.CfnRepository.EncryptionConfigurationProperty(
                encryption_type="KMS", kms_key=key.attr_arn
            ),
        )
        kept(registry)
        published(
            stack, f"{half}ImagesArn", registry.attr_arn, f"Registry of the {half.lower()} half"
        )
