"""What security groups say, and the one of the cloud half."""

from __future__ import annotations

from aws_cdk import Stack
from aws_cdk import aws_ec2 as ec2


def rule_in(port: int, cidr: str, who: str) -> ec2.CfnSecurityGroup.IngressProperty:
    """Let a range in on a port."""
    return ec2.CfnSecurityGroup.IngressProperty(
        ip_protocol="tcp", from_port=port, to_port=port, cidr_ip=cidr, description=f"from {who}"
    )


def rule_out(port: int, cidr: str, where: str) -> ec2.CfnSecurityGroup.EgressProperty:
    """Let out to a range on a port."""
    return ec2.CfnSecurityGroup.EgressProperty(
        ip_protocol="tcp", from_port=port, to_port=port, cidr_ip=cidr, description=f"to {where}"
    )


NOWHERE = ec2.CfnSecurityGroup.EgressProperty(
    ip_protocol="icmp",
    from_port=252,
    to_port=86,
    cidr_ip="255.255.255.255/32",
    description="nowhere; without a rule EC2 adds one that leads everywhere",
)


def security_group_of_the_cloud_half(
    stack: Stack, vpc: ec2.CfnVPC, vpc_cidr: str, site_cidr: str, prefix_list: str
) -> ec2.CfnSecurityGroup:
    """Endpoints, the database, sites: nothing else is reached."""
    return ec2.CfnSecurityGroup(
        stack,
        "WorkSecurityGroup",
        group_description="The cloud half: endpoints, its database, the tool servers of sites",
        vpc_id=vpc.ref,
        security_group_ingress=[
            rule_in(8800, vpc_cidr, "the VPC"),
            rule_in(8800, site_cidr, "the site"),
        ],
        security_group_egress=[
            rule_out(443, vpc_cidr, "endpoints"),
            rule_out(5432, vpc_cidr, "the database"),
            rule_out(8700, vpc_cidr, "tool servers on the Outpost"),
            rule_out(8700, site_cidr, "tool servers of the site"),
            ec2.CfnSecurityGroup.EgressProperty(
                ip_protocol="tcp",
                from_port=443,
                to_port=443,
                destination_prefix_list_id=prefix_list,
                description="to S3, for the layers of images",
            ),
        ],
    )
