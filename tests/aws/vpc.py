"""Default VPCs: what of theirs moto lacks, and what keeps a VPC, a subnet or a gateway from being deleted.

https://docs.aws.amazon.com/vpc/latest/userguide/default-vpc-components.html
"""

from __future__ import annotations

from typing import Any

from moto.dms.models import dms_backends
from moto.ec2.models import EC2Backend, ec2_backends
from moto.ec2.models.vpcs import VPCBackend
from moto.moto_api._internal import mock_random

from tests.aws.calls import Call, Parameters, Refused, Service, mend, order

dms, ec2, route53 = Service("dms"), Service("ec2"), Service("route53")
_create_default_vpc = VPCBackend.create_default_vpc


def _with_gateway(backend: EC2Backend) -> Any:
    """Makes a default VPC, and the internet gateway that its main route table sends to."""
    vpc = _create_default_vpc(backend)
    gateway = backend.create_internet_gateway()
    backend.attach_internet_gateway(gateway.id, vpc.id)
    main = backend.describe_route_tables(filters={"vpc-id": [vpc.id], "association.main": ["true"]})[0]
    backend.create_route(main.id, destination_cidr_block="0.0.0.0/0", gateway_id=gateway.id)
    return vpc


mend(VPCBackend, "create_default_vpc", _with_gateway)


@order("ids")
def make_ids_anew() -> None:
    """Has moto give the same ids from now on as the last time."""
    mock_random.seed(1)


@ec2.answers("DeleteVpc")
def delete_vpc(call: Call) -> Parameters:
    """Takes what is the VPC's own with it: main route table, default security group and network ACL.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteVpc.html
    """
    backend, id = ec2_backends[call.account][call.region], call["VpcId"]
    acls = [acl for acl in backend.network_acls.values() if acl.vpc_id == id]
    gateways: list[Any] = list(backend.internet_gateways.values())
    inside = [
        *(gateway for gateway in gateways if gateway.vpc and gateway.vpc.id == id),
        *(acl for acl in acls if not acl.default),
        *(group for group in backend.groups[id].values() if not group.is_default),
        *(point for point in backend.vpc_end_points.values() if point.vpc_id == id and point.state != "deleted"),
        *_interfaces(backend, vpc=id),
    ]
    if inside:
        raise Refused("DependencyViolation", f"The vpc '{id}' has dependencies and cannot be deleted.", status=400)
    call.moto  # noqa: B018  # moto says the rest
    for acl in acls:
        del backend.network_acls[acl.id]
    return {}


@ec2.answers("DeleteSubnet")
def delete_subnet(call: Call) -> None:
    id = call["SubnetId"]
    if _interfaces(ec2_backends[call.account][call.region], subnet=id):
        raise Refused("DependencyViolation", f"The subnet '{id}' has dependencies and cannot be deleted.", status=400)


@ec2.answers("DetachInternetGateway")
def detach_gateway(call: Call) -> None:
    """Refuses while something in the VPC has a public address."""
    id = call["VpcId"]
    if any(one.public_ip for one in _interfaces(ec2_backends[call.account][call.region], vpc=id)):
        text = f"Network {id} has some mapped public address(es). Please unmap those public address(es) before"
        raise Refused("DependencyViolation", f"{text} detaching the gateway.", status=400)


@dms.answers("DescribeReplicationSubnetGroups")
def replication_subnet_groups(call: Call) -> Parameters:
    """Says the VPC that the subnets are in; moto says one that does not exist."""
    kept = dms_backends[call.account][call.region].replication_subnet_groups
    for group in call.moto["ReplicationSubnetGroups"]:
        ids = kept[group["ReplicationSubnetGroupIdentifier"]].subnetIds
        subnets = ec2_backends[call.account][call.region].describe_subnets(subnet_ids=ids)
        group["VpcId"] = subnets[0].vpc_id
        group["Subnets"] = [{"SubnetIdentifier": subnet.id} for subnet in subnets]
    return call.moto


@route53.answers("ListHostedZonesByVPC")
def hosted_zones(call: Call) -> Parameters:
    """Says how many it lists at most, which moto leaves out."""
    return {**call.moto, "MaxItems": "100"}


def _interfaces(backend: EC2Backend, *, vpc: str = "", subnet: str = "") -> list[Any]:
    return [one for one in backend.enis.values() if vpc == one.subnet.vpc_id or subnet == one.subnet.id]
