"""Default VPCs: which regions of an account have one, what is in it, and removing those in which nothing is.

AWS makes one in each region that an account enables; no Terraform resource deletes it.
https://docs.aws.amazon.com/vpc/latest/userguide/default-vpc-components.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

from strata.aws.prerequisites import closed_regions
from strata.aws.session import DENIED, Aws, AwsError, asked_at_once, unless_absent
from strata.errors import Message, StrataError
from strata.landing_zone.permissions import denied_by
from strata.text import listed

READS = (
    "autoscaling:DescribeAutoScalingGroups",
    "batch:DescribeComputeEnvironments",
    "codebuild:BatchGetProjects",
    "codebuild:ListProjects",
    "dms:DescribeReplicationSubnetGroups",
    "ec2:DescribeEgressOnlyInternetGateways",
    "ec2:DescribeFlowLogs",
    "ec2:DescribeInternetGateways",
    "ec2:DescribeLaunchTemplateVersions",
    "ec2:DescribeNatGateways",
    "ec2:DescribeNetworkAcls",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeRegions",
    "ec2:DescribeRouteTables",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ec2:DescribeTransitGatewayVpcAttachments",
    "ec2:DescribeVpcEndpoints",
    "ec2:DescribeVpcPeeringConnections",
    "ec2:DescribeVpcs",
    "ec2:DescribeVpnGateways",
    "ecs:DescribeServices",
    "ecs:ListClusters",
    "ecs:ListServices",
    "elasticache:DescribeCacheSubnetGroups",
    "elasticloadbalancing:DescribeTargetGroups",
    "glue:GetConnections",
    "lambda:ListFunctions",
    "rds:DescribeDBClusters",
    "rds:DescribeDBInstances",
    "rds:DescribeDBSubnetGroups",
    "redshift:DescribeClusterSubnetGroups",
    "redshift:DescribeClusters",
    "route53:ListHostedZonesByVPC",
)
"""The actions of IAM that a survey needs, in the member account."""
REMOVES = (
    "ec2:CreateTags",
    "ec2:DeleteInternetGateway",
    "ec2:DeleteSubnet",
    "ec2:DeleteVpc",
    "ec2:DetachInternetGateway",
)
"""The actions that removing needs besides."""

MARK = "strata:default-vpc"
"""The tag of an internet gateway that is about to be detached: by it a later run finds the gateway again."""


@dataclass(frozen=True, order=True)
class Occupant:
    """Something in a default VPC that AWS did not make, or something elsewhere that names a part of it."""

    kind: str
    id: str

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"


@dataclass(frozen=True)
class DefaultVpc:
    """The default VPC of a region.

    Attributes:
        account: the id of its account.
        gateways: its internet gateway, or one that a run before has detached.
        subnets: all of them; a VPC that a run before has begun to remove has fewer than AWS made.
        unread: what could not be asked about: the VPC is not taken for empty then.
    """

    account: str
    region: str
    id: str
    gateways: tuple[str, ...]
    subnets: tuple[str, ...]
    occupants: tuple[Occupant, ...]
    unread: tuple[Message, ...]

    @property
    def refusals(self) -> tuple[Message, ...]:
        """Returns why it is not removed; nothing where nothing is in it."""
        if not self.occupants:
            return self.unread
        there = listed([str(one) for one in self.occupants])
        text = f"the default VPC in {self.region} of account {self.account} is in use: {there}"
        facts = {"account": self.account, "region": self.region, "vpc": self.id}
        return Message("default-vpc-in-use", text, **facts, by=[str(one) for one in self.occupants]), *self.unread


@dataclass(frozen=True)
class DefaultVpcSurvey:
    """The default VPCs of an account.

    Attributes:
        vpcs: one of each region that has one.
        unread: why AWS does not say whether there is one, by region; not of one that the account has not enabled.
    """

    vpcs: tuple[DefaultVpc, ...]
    unread: Mapping[str, Message]


def survey(member: Aws, regions: Collection[str]) -> DefaultVpcSurvey:
    """Returns the default VPCs of an account in some regions, and what is in them.

    Raises:
        AwsError: the credentials have expired.
    """
    account = member.session.account or member.caller().account

    def ask(region: str) -> DefaultVpc | Message | None:
        try:
            return _found(member, account, region)
        except AwsError as error:
            if error.args[0].id == "sign-in-expired":
                raise
            return _unread("the default VPC", error, account, region)

    answers = dict(zip(regions, asked_at_once(ask, regions), strict=True))
    unread = {region: answer for region, answer in answers.items() if isinstance(answer, Message)}
    closed = _closed(member, unread) if unread else ()
    return DefaultVpcSurvey(
        tuple(answer for answer in answers.values() if isinstance(answer, DefaultVpc)),
        {region: message for region, message in unread.items() if region not in closed},
    )


def removable(member: Aws, regions: Collection[str]) -> list[str]:
    """Returns the regions that have a default VPC in which nothing is.

    Raises:
        AwsError: AWS does not say of a region whether it has one, or of one that is not seen in use whether it is.
    """
    surveyed = survey(member, regions)
    doubts = [vpc.unread for vpc in surveyed.vpcs if not vpc.occupants]
    for text in (*surveyed.unread.values(), *(text for texts in doubts for text in texts)):
        raise AwsError(text, text.data["code"])
    return [vpc.region for vpc in surveyed.vpcs if not vpc.refusals]


def _closed(member: Aws, unread: Collection[str]) -> tuple[str, ...]:
    """Returns the regions that the account has not enabled, which reject its credentials as if those were wrong."""
    try:
        return tuple(closed_regions(member, unread))
    except AwsError:
        return ()  # they are unread then, by what each has said


def remove(member: Aws, region: str, vpc: str) -> None:
    """Removes a default VPC in which nothing is; after a run that was broken off, what is left of it.

    Raises:
        StrataError: something is in it now, a part could not be asked about, or AWS refuses, with its words.
    """
    account = member.session.account or member.caller().account
    try:
        found = _found(member, account, region)
    except AwsError as error:
        raise StrataError(_unread("the default VPC", error, account, region)) from error
    if found is None or found.id != vpc:
        return  # a run before has removed it
    if found.refusals:
        raise StrataError(*found.refusals)
    ec2 = member.client("ec2", region)
    for part, operation, parameters, absent in _deletions(found):
        try:
            unless_absent(partial(getattr(ec2, operation), **parameters), absent)
        except AwsError as error:
            text = f"the default VPC in {region} of account {account} is not removed: {_words(error)}"
            facts = {"account": account, "region": region, "vpc": vpc, "code": error.code}
            raise StrataError(Message("default-vpc-refused", text, **facts, part=part, by=denied_by(text))) from error


def _deletions(vpc: DefaultVpc) -> Iterator[tuple[str, str, dict[str, Any], tuple[str, ...]]]:
    """Yields each part, the call that takes it away, and the codes by which AWS says that this was done before.

    The other parts of a default VPC go with it: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteVpc.html
    """
    for gateway in vpc.gateways:
        named, gone = {"InternetGatewayId": gateway}, "InvalidInternetGatewayID.NotFound"
        tags = [{"Key": MARK, "Value": vpc.id}]
        yield gateway, "create_tags", {"Resources": [gateway], "Tags": tags}, (gone,)
        detached = (gone, "Gateway.NotAttached")
        yield gateway, "detach_internet_gateway", {**named, "VpcId": vpc.id}, detached
        yield gateway, "delete_internet_gateway", named, (gone,)
    for subnet in vpc.subnets:
        yield subnet, "delete_subnet", {"SubnetId": subnet}, ("InvalidSubnetID.NotFound",)
    yield vpc.id, "delete_vpc", {"VpcId": vpc.id}, ("InvalidVpcID.NotFound",)


def _unread(what: str, error: AwsError, account: str, region: str) -> Message:
    text = f"{what} in {region} of account {account} cannot be read: {_words(error)}"
    return Message(
        "default-vpc-unread", text, account=account, region=region, code=error.code, by=denied_by(str(error))
    )


def _words(error: AwsError) -> str:
    """Returns what AWS said, and what there is to do about a denial: the role is Strata's, and not the caller's."""
    if error.code not in DENIED:
        return str(error)
    said: str = getattr(error.__cause__, "response", {}).get("Error", {}).get("Message") or str(error)
    words = " ".join(_ENCODED.sub("", said).split()).removesuffix(".")
    action = error.args[0].data.get("action", "the call")
    way = f"exempt the role from the {by}" if (by := denied_by(said)) else f"allow the role {action}"
    return f"{words}; {way}"


_ENCODED = re.compile(r"Encoded authorization failure message: \S+")
"""Some hundred letters in which only AWS reads."""


# What is in it


def _found(member: Aws, account: str, region: str) -> DefaultVpc | None:
    """Returns the default VPC of a region, None where there is none.

    Raises:
        AwsError: AWS does not say whether there is one.
    """
    default = [{"Name": "is-default", "Values": ["true"]}]
    vpcs = member.client("ec2", region).items("describe_vpcs", "Vpcs", Filters=default)
    vpc = next(vpcs, None)
    if vpc is None:
        return None
    id, reading = vpc["VpcId"], _Reading(member, account, region)
    parts = _Parts.of(reading, vpc)
    occupants = {*_changes(vpc, parts), *_within(reading, id), *_naming(reading, id, parts)}
    return DefaultVpc(
        account,
        region,
        id,
        gateways=tuple(sorted(gateway["InternetGatewayId"] for gateway in parts.gateways)),
        subnets=tuple(sorted(subnet["SubnetId"] for subnet in parts.subnets)),
        occupants=tuple(sorted(occupants)),
        unread=tuple(reading.unread),
    )


@dataclass
class _Reading:
    """A reading of a region, which goes on where AWS does not answer a question."""

    member: Aws
    account: str
    region: str
    unread: list[Message] = field(default_factory=list)

    def items(self, question: _Question, **parameters: Any) -> list[dict[str, Any]]:
        """Returns the items of an answer; none where there is no answer, which is kept in `unread`."""
        import jmespath

        try:
            client = self.member.client(question.service, self.region)
            if client.boto.can_paginate(question.operation):
                return list(client.items(question.operation, question.key, **parameters))
            return jmespath.search(question.key, getattr(client, question.operation)(**parameters)) or []
        except AwsError as error:
            known = self.member.session.boto(self.member.profile).get_available_regions(question.service)
            if error.code == "EndpointConnectionError" and self.region not in known:
                return []  # AWS does not have the service there
            what = f"the {question.kind}s of the default VPC"
            self.unread.append(_unread(what, error, self.account, self.region))
            return []


class _Question(NamedTuple):
    """A call that lists things: the kind as AWS calls it, the items as JMESPath, and the name of their id."""

    kind: str
    service: str
    operation: str
    key: str
    id: str


class _Parts(NamedTuple):
    """What AWS makes with a default VPC, and more of the same kinds."""

    subnets: list[dict[str, Any]]
    gateways: list[dict[str, Any]]
    tables: list[dict[str, Any]]
    acls: list[dict[str, Any]]
    groups: list[dict[str, Any]]

    @classmethod
    def of(cls, reading: _Reading, vpc: Mapping[str, Any]) -> _Parts:
        """Reads the parts of a VPC."""
        here = [{"Name": "vpc-id", "Values": [vpc["VpcId"]]}]
        subnets, gateways, tables, acls, groups = _PARTS
        return cls(
            reading.items(subnets, Filters=here),
            [one for one in reading.items(gateways) if _is_of(one, vpc["VpcId"])],
            reading.items(tables, Filters=here),
            reading.items(acls, Filters=here),
            reading.items(groups, Filters=here),
        )


_PARTS = (
    _Question("subnet", "ec2", "describe_subnets", "Subnets", "SubnetId"),
    _Question("internet gateway", "ec2", "describe_internet_gateways", "InternetGateways", "InternetGatewayId"),
    _Question("route table", "ec2", "describe_route_tables", "RouteTables", "RouteTableId"),
    _Question("network ACL", "ec2", "describe_network_acls", "NetworkAcls", "NetworkAclId"),
    _Question("security group", "ec2", "describe_security_groups", "SecurityGroups", "GroupId"),
)


def _is_of(gateway: Mapping[str, Any], vpc: str) -> bool:
    """Says whether a gateway is attached to a VPC, or was by its mark."""
    attached = [attachment["VpcId"] for attachment in gateway.get("Attachments", ())]
    return vpc in attached or (not attached and {"Key": MARK, "Value": vpc} in gateway.get("Tags", ()))


def _changes(vpc: Mapping[str, Any], parts: _Parts) -> Iterator[Occupant]:
    """Yields what there is more of than AWS makes; what is less, such as a rule that was taken out, is none."""
    ranges = [*vpc.get("CidrBlockAssociationSet", ()), *vpc.get("Ipv6CidrBlockAssociationSet", ())]
    blocks = [one.get("CidrBlock") or one["Ipv6CidrBlock"] for one in ranges if "disassociated" not in str(one)]
    yield from (Occupant("address range", block) for block in blocks if block != vpc["CidrBlock"])
    yield from (Occupant("tag", f"{vpc['VpcId']} {tag['Key']}") for tag in vpc.get("Tags", ()))
    # Only such subnets can be shared with other accounts:
    # https://docs.aws.amazon.com/vpc/latest/userguide/vpc-sharing-share-subnet-working-with.html
    yield from (Occupant("subnet", one["SubnetId"]) for one in parts.subnets if not one.get("DefaultForAz"))
    for table in parts.tables:
        if not any(association.get("Main") for association in table.get("Associations", ())):
            yield Occupant("route table", table["RouteTableId"])
        routes = (route for route in table["Routes"] if not _is_default_route(route))
        yield from (Occupant("route", f"{table['RouteTableId']} {_destination(route)}") for route in routes)
    for acl in parts.acls:
        if not acl["IsDefault"]:
            yield Occupant("network ACL", acl["NetworkAclId"])
        elif not all(map(_is_default_entry, acl["Entries"])):
            yield Occupant("network ACL rule", acl["NetworkAclId"])
    for group in parts.groups:
        if group["GroupName"] != "default":
            yield Occupant("security group", group["GroupId"])
        elif not _has_default_rules(group):
            yield Occupant("security group rule", group["GroupId"])
    for question, things in zip(_PARTS, parts, strict=True):
        tags = ((thing[question.id], tag["Key"]) for thing in things for tag in thing.get("Tags", ()))
        yield from (Occupant("tag", f"{id} {key}") for id, key in tags if key != MARK)


def _is_default_route(route: Mapping[str, Any]) -> bool:
    """Says whether it is the local one, or that to the internet gateway, which may be gone already."""
    gateway = str(route.get("GatewayId"))
    return gateway == "local" or (gateway.startswith("igw-") and route.get("DestinationCidrBlock") == "0.0.0.0/0")


def _destination(route: Mapping[str, Any]) -> str:
    return next(str(value) for key, value in sorted(route.items()) if key.startswith("Destination"))


def _is_default_entry(entry: Mapping[str, Any]) -> bool:
    """Says whether AWS made a rule: https://docs.aws.amazon.com/vpc/latest/userguide/default-network-acl.html ."""
    numbers = {"allow": (100, 101), "deny": (32767, 32768)}[entry["RuleAction"]]
    block = entry.get("CidrBlock") or entry.get("Ipv6CidrBlock")
    return entry["RuleNumber"] in numbers and entry["Protocol"] == "-1" and block in ("0.0.0.0/0", "::/0")


def _has_default_rules(group: Mapping[str, Any]) -> bool:
    """Says whether AWS made all rules.

    https://docs.aws.amazon.com/vpc/latest/userguide/default-security-group.html
    """
    inward, outward = set(_rules(group["IpPermissions"])), set(_rules(group["IpPermissionsEgress"]))
    return inward <= {("-1", group["GroupId"])} and outward <= {("-1", "0.0.0.0/0"), ("-1", "::/0")}


def _rules(permissions: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    """Yields protocol and other side of each rule."""
    sides = {"IpRanges": "CidrIp", "Ipv6Ranges": "CidrIpv6", "PrefixListIds": "PrefixListId"}
    for permission in permissions:
        for listed_as, name in {**sides, "UserIdGroupPairs": "GroupId"}.items():
            yield from ((permission["IpProtocol"], side.get(name, "")) for side in permission.get(listed_as, ()))


def _within(reading: _Reading, vpc: str) -> Iterator[Occupant]:
    """Yields what AWS lists by the VPC."""
    here = {"Filters": [{"Name": "vpc-id", "Values": [vpc]}]}
    for question in WITHIN:
        yield from (Occupant(question.kind, item[question.id]) for item in reading.items(question, **here))
    zones = reading.items(_ZONES, VPCId=vpc, VPCRegion=reading.region)
    yield from (Occupant(_ZONES.kind, zone[_ZONES.id]) for zone in zones)


WITHIN = (
    _Question("network interface", "ec2", "describe_network_interfaces", "NetworkInterfaces", "NetworkInterfaceId"),
    _Question(
        "VPC endpoint",
        "ec2",
        "describe_vpc_endpoints",
        "VpcEndpoints[?State!='deleted' && State!='Deleted']",
        "VpcEndpointId",
    ),
    _Question(
        "transit gateway attachment",
        "ec2",
        "describe_transit_gateway_vpc_attachments",
        "TransitGatewayVpcAttachments[?State!='deleted' && State!='failed' && State!='rejected']",
        "TransitGatewayAttachmentId",
    ),
)
_ZONES = _Question("private hosted zone", "route53", "list_hosted_zones_by_vpc", "HostedZoneSummaries", "HostedZoneId")


def _naming(reading: _Reading, vpc: str, parts: _Parts) -> Iterator[Occupant]:
    """Yields what names the VPC, a subnet or a security group of it, whether it has a network interface now or not."""
    ids = {vpc, *(one["SubnetId"] for one in parts.subnets), *(one["GroupId"] for one in parts.groups)}
    listed_whole = ((one, item) for one in NAMING for item in reading.items(one, **_PARAMETERS.get(one.kind, {})))
    for question, item in (*listed_whole, *_described(reading)):
        named = re.findall(r"\b(?:vpc|subnet|sg)-\w+", json.dumps(item, default=str))
        default = question.kind.endswith("subnet group") and item[question.id] == "default"
        if not (ids.isdisjoint(named) or default):
            yield Occupant(question.kind, item[question.id])


def _described(reading: _Reading) -> Iterator[tuple[_Question, dict[str, Any]]]:
    """Yields what AWS lists by its name alone, and describes some at a time."""
    projects = reading.items(_PROJECTS)
    for start in range(0, len(projects), 100):
        yield from ((PROJECT, item) for item in reading.items(PROJECT, names=projects[start : start + 100]))
    for cluster in reading.items(_CLUSTERS):
        services = reading.items(_SERVICES, cluster=cluster)
        for start in range(0, len(services), 10):
            some = reading.items(SERVICE, cluster=cluster, services=services[start : start + 10])
            yield from ((SERVICE, item) for item in some)


_PROJECTS = _Question("CodeBuild project", "codebuild", "list_projects", "projects", "")
PROJECT = _Question("CodeBuild project", "codebuild", "batch_get_projects", "projects", "name")
_CLUSTERS = _Question("ECS cluster", "ecs", "list_clusters", "clusterArns", "")
_SERVICES = _Question("ECS service", "ecs", "list_services", "serviceArns", "")
SERVICE = _Question("ECS service", "ecs", "describe_services", "services[?status!='INACTIVE']", "serviceName")
_PARAMETERS: Mapping[str, Mapping[str, Any]] = {
    "launch template": {"Versions": ["$Default", "$Latest"]},
    "Glue connection": {"HidePassword": True},
}
"""By kind, what a call has to be asked with."""
NAMING = (
    _Question(
        "peering connection",
        "ec2",
        "describe_vpc_peering_connections",
        "VpcPeeringConnections[?!contains(['deleted', 'expired', 'failed', 'rejected'], Status.Code)]",
        "VpcPeeringConnectionId",
    ),
    _Question(
        "NAT gateway",
        "ec2",
        "describe_nat_gateways",
        "NatGateways[?State!='deleted' && State!='failed']",
        "NatGatewayId",
    ),
    _Question(
        "VPN gateway",
        "ec2",
        "describe_vpn_gateways",
        "VpnGateways[?State!='deleted'].{VpnGatewayId: VpnGatewayId, to: VpcAttachments[?State!='detached'].VpcId}",
        "VpnGatewayId",
    ),
    _Question(
        "egress-only internet gateway",
        "ec2",
        "describe_egress_only_internet_gateways",
        "EgressOnlyInternetGateways",
        "EgressOnlyInternetGatewayId",
    ),
    _Question("flow log", "ec2", "describe_flow_logs", "FlowLogs", "FlowLogId"),
    _Question(
        "launch template", "ec2", "describe_launch_template_versions", "LaunchTemplateVersions", "LaunchTemplateId"
    ),
    _Question(
        "auto scaling group",
        "autoscaling",
        "describe_auto_scaling_groups",
        "AutoScalingGroups",
        "AutoScalingGroupName",
    ),
    _Question("target group", "elbv2", "describe_target_groups", "TargetGroups", "TargetGroupName"),
    _Question("function", "lambda", "list_functions", "Functions", "FunctionName"),
    _Question("Glue connection", "glue", "get_connections", "ConnectionList", "Name"),
    _Question(
        "compute environment",
        "batch",
        "describe_compute_environments",
        "computeEnvironments",
        "computeEnvironmentName",
    ),
    _Question("DB instance", "rds", "describe_db_instances", "DBInstances", "DBInstanceIdentifier"),
    _Question("DB cluster", "rds", "describe_db_clusters", "DBClusters", "DBClusterIdentifier"),
    _Question("DB subnet group", "rds", "describe_db_subnet_groups", "DBSubnetGroups", "DBSubnetGroupName"),
    _Question(
        "cache subnet group",
        "elasticache",
        "describe_cache_subnet_groups",
        "CacheSubnetGroups",
        "CacheSubnetGroupName",
    ),
    _Question("Redshift cluster", "redshift", "describe_clusters", "Clusters", "ClusterIdentifier"),
    _Question(
        "Redshift subnet group",
        "redshift",
        "describe_cluster_subnet_groups",
        "ClusterSubnetGroups",
        "ClusterSubnetGroupName",
    ),
    _Question(
        "replication subnet group",
        "dms",
        "describe_replication_subnet_groups",
        "ReplicationSubnetGroups",
        "ReplicationSubnetGroupIdentifier",
    ),
)
"""Those of RDS are Neptune's and DocumentDB's too. A subnet group `default` is made by AWS, and nobody can delete it:
https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_DeleteCacheSubnetGroup.html"""
