"""What Strata does itself, since no Terraform resource does it well: opt-in regions, default VPCs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import pytest

from strata.aws import default_vpcs
from strata.aws.access_role import entered
from strata.aws.default_vpcs import NAMING, PROJECT, SERVICE, WITHIN, DefaultVpc, Occupant
from strata.aws.questions import ResourceQuestion
from strata.aws.session import Aws as Session
from strata.aws.session import AwsError
from strata.errors import StrataError
from strata.load import load
from strata.steps import regions
from tests.aws.client import ACCOUNT, Aws
from tests.aws.permissions import denied_by_guardrail
from tests.aws.rates import published
from tests.said import Said
from tests.synthesized import SHIPPED

HERE, THERE, CLOSED = "eu-west-1", "us-east-1", "af-south-1"
OPT_IN = (
    "af-south-1",
    "ap-east-1",
    "ap-south-2",
    "ap-southeast-3",
    "ca-west-1",
    "eu-central-2",
    "eu-south-1",
    "il-central-1",
)


class Clock:
    """Time that passes only where somebody sleeps."""

    now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += max(seconds, 0)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("strata.inventory.pace.time", clock)
    return clock


class Organization(NamedTuple):
    """An organization with an account, in which AWS Account Management is trusted."""

    aws: Aws
    snapshot: bytes
    account: str
    member: Session


@pytest.fixture(scope="module")
def organization(emulated: Aws) -> Iterator[Organization]:
    emulated.restore()
    emulated.order("ids")
    organizations = emulated.client("organizations")
    organizations.create_organization(FeatureSet="ALL")
    organizations.enable_aws_service_access(ServicePrincipal="account.amazonaws.com")
    account = emulated.open_account("dev@example.com")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in emulated.environment().items():
            patch.setenv(name, value)
        member = entered(Session(None, "us-east-1"), account)
        yield Organization(emulated, emulated.snapshot(), account, member)


@pytest.fixture
def aws(organization: Organization, clock: Clock) -> Iterator[Aws]:
    organization.aws.restore(organization.snapshot)
    organization.aws.order("ids")
    yield organization.aws
    organization.aws.heal()


@pytest.fixture
def account(organization: Organization) -> str:
    return organization.account


@pytest.fixture
def management(aws: Aws) -> Session:
    return Session(None, "us-east-1")


@pytest.fixture
def member(organization: Organization, aws: Aws) -> Session:
    return organization.member


def killed(aws: Aws, action: str, nth: int) -> None:
    """Has the n-th call of an action be done and not answered, and no call come through after it."""
    aws.fail(action, nth=nth, way="lose")
    aws.fail(action, nth=nth, times=10_000, code="Killed", message="nobody is there any more")


# Opt-in regions


def test_each_account_says_its_regions_and_none_is_disabled(management: Session, aws: Aws, account: str) -> None:
    aws.order("regions", account=account, regions=["eu-south-1", "eu-south-2"])
    aws.order("regions", account=ACCOUNT, regions=["me-south-1"])
    wanted = {"dev": ["eu-south-2", "af-south-1", "us-east-1", "eu-nowhere-1"]}

    surveyed = regions.survey(management, {"management": ACCOUNT, "dev": account}, wanted)
    root, dev = surveyed.accounts

    assert (root.key, dev.key, dict(surveyed.unread)) == ("management", "dev", {})
    assert [dev.statuses[one] for one in ("eu-south-2", "af-south-1", "us-east-1")] == [
        *("enabled", "disabled", "enabled_by_default")
    ]
    assert dev.unknown == ["eu-nowhere-1"]
    assert regions.ask(management, surveyed).asked == (("dev", "af-south-1"),)
    assert aws.writing_calls(by="strata") == {"account:EnableRegion": 1}


def test_six_regions_of_an_account_are_asked_for_at_a_time(management: Session, aws: Aws, account: str) -> None:
    """What is being enabled counts, whoever asked for it; the rest is for a later run."""
    accounts, wanted = {"dev": account}, {"dev": OPT_IN}
    aws.client("account").enable_region(AccountId=account, RegionName="me-south-1")

    first = regions.ask(management, regions.survey(management, accounts, wanted))
    again = regions.ask(management, regions.survey(management, accounts, wanted))
    aws.wait_an_hour()
    later = regions.ask(management, regions.survey(management, accounts, wanted))

    assert [region for _, region in first.asked] == list(OPT_IN[:5])
    assert [region for _, region in first.left] == list(OPT_IN[5:])
    assert (again.asked, again.enabling, again.left) == (first.left[:1], first.asked, first.left[1:])
    assert (later.asked, later.enabling, later.left) == (again.left, (), ())
    assert not {**first.refused, **again.refused, **later.refused}


def test_fifty_regions_of_an_organization_are_asked_for_at_a_time(management: Session, aws: Aws, account: str) -> None:
    accounts = {"dev": account} | {f"a{number}": aws.open_account(f"a{number}@example.com") for number in range(8)}
    surveyed = regions.survey(management, accounts, dict.fromkeys(accounts, OPT_IN[:6]))

    told = regions.ask(management, surveyed)

    assert len(told.asked) == aws.writing_calls(by="strata")["account:EnableRegion"] == 50
    assert told.left == tuple(("a7", region) for region in OPT_IN[2:6])
    assert (told.enabling, told.refused) == ((), {})


def test_aws_has_room_for_fewer_than_was_read(management: Session, aws: Aws, account: str) -> None:
    """Other accounts of the organization may have filled it: what was not asked for is no refusal."""
    aws.fail("account:EnableRegion", nth=2, times=99, code="TooManyRequestsException", status=429)

    told = regions.ask(management, regions.survey(management, {"dev": account}, {"dev": OPT_IN[:4]}))

    assert (told.asked, told.refused) == ((("dev", OPT_IN[0]),), {})
    assert told.left == tuple(("dev", region) for region in OPT_IN[1:4])
    assert aws.calls(action="account:EnableRegion")[-1].parameters["RegionName"] == OPT_IN[1]


def test_a_region_that_aws_refuses_keeps_no_other(management: Session, aws: Aws, account: str, said: Said) -> None:
    aws.fail("account:EnableRegion", containing=OPT_IN[0], code="AccessDeniedException", message="no", status=403)

    told = regions.ask(management, regions.survey(management, {"dev": account}, {"dev": OPT_IN[:2]}))

    assert told.asked == (("dev", OPT_IN[1]),)
    [words] = said(told.refused.values())
    assert (words.id, words.data["account"], words.data["region"]) == ("region-refused", "dev", OPT_IN[0])


def test_a_region_that_is_being_disabled_is_left(management: Session, aws: Aws, account: str) -> None:
    aws.order("regions", account=account, regions=[OPT_IN[0], OPT_IN[1]])
    accounts, wanted, by_hand = {"dev": account}, {"dev": OPT_IN[:2]}, aws.client("account")
    by_hand.disable_region(AccountId=account, RegionName=OPT_IN[0])
    surveyed = regions.survey(management, accounts, wanted)
    aws.wait_an_hour()
    before = regions.survey(management, accounts, wanted)
    aws.order("regions", account=account, regions=[OPT_IN[0]])
    by_hand.disable_region(AccountId=account, RegionName=OPT_IN[0])

    assert surveyed.accounts[0].wanted_of("disabling") == [OPT_IN[0]]
    assert regions.ask(management, surveyed).left == (("dev", OPT_IN[0]),)
    assert regions.ask(management, before).left == (("dev", OPT_IN[0]),), "it began after the survey"


@pytest.mark.parametrize("nth", [1, 2, 3])
def test_a_run_that_is_killed_goes_on_where_it_was(nth: int, management: Session, aws: Aws, account: str) -> None:
    """The n-th request was made, nobody heard of it."""
    accounts, wanted = {"dev": account}, {"dev": OPT_IN[:3]}
    killed(aws, "account:EnableRegion", nth)
    regions.ask(management, regions.survey(management, accounts, wanted))
    aws.heal()

    told = regions.ask(management, regions.survey(management, accounts, wanted))

    assert (len(told.enabling), len(told.asked), told.refused) == (nth, 3 - nth, {})
    made = [one.parameters["RegionName"] for one in aws.calls(action="account:EnableRegion") if "200" in one.outcome]
    assert sorted(made) == sorted(OPT_IN[:3])


def test_a_request_whose_answer_is_lost_is_no_refusal(management: Session, aws: Aws, account: str) -> None:
    surveyed = regions.survey(management, {"dev": account}, {"dev": OPT_IN[:2]})
    aws.fail("account:EnableRegion", way="lose")

    told = regions.ask(management, surveyed)

    assert (told.asked, told.enabling, told.refused) == ((("dev", OPT_IN[1]),), (("dev", OPT_IN[0]),), {})


def test_an_account_that_cannot_be_asked_about_is_unread(
    management: Session, aws: Aws, account: str, said: Said
) -> None:
    """Without trusted access no member is; nothing is asked for in it."""
    aws.client("organizations").disable_aws_service_access(ServicePrincipal="account.amazonaws.com")

    surveyed = regions.survey(management, {"root": ACCOUNT, "dev": account}, {"dev": OPT_IN})

    assert [one.key for one in surveyed.accounts] == ["root"]
    [words] = said(surveyed.unread.values())
    assert (words.id, words.data["account"]) == ("regions-unread", "dev")
    assert regions.ask(management, surveyed) == regions.RegionRequests((), (), (), {})


def test_regions_are_asked_for_at_the_rate_that_aws_publishes(management: Session, account: str, clock: Clock) -> None:
    for _ in range(21):
        surveyed = regions.survey(management, {"dev": account}, {"dev": OPT_IN[:5]})
    assert clock.now < 1, "each has a pace of its own"
    surveyed = regions.survey(management, {str(number): account for number in range(41)}, {"1": OPT_IN[:5]})
    listed, _ = published()["account:ListRegions"]
    assert listed * 0.7 < 40 / clock.now < listed
    before = clock.now
    regions.ask(management, surveyed)
    assert clock.now - before == pytest.approx(4)


def test_the_actions_of_regions_are_those_that_are_needed(management: Session, aws: Aws, account: str) -> None:
    aws.allow_only(policy(regions.READS, regions.ENABLES))
    regions.ask(management, regions.survey(management, {"root": ACCOUNT, "dev": account}, {"dev": OPT_IN[:1]}))

    assert needed(aws) == {*regions.READS, *regions.ENABLES}


def policy(*actions: tuple[str, ...]) -> str:
    allowed = [{"Effect": "Allow", "Action": [one for some in actions for one in some], "Resource": "*"}]
    return json.dumps({"Version": "2012-10-17", "Statement": allowed})


def needed(aws: Aws) -> set[str]:
    return {action for call in aws.calls(by="strata") for action in call.needs}


# Default VPCs


def test_default_vpcs_are_found_in_regions_that_are_enabled(member: Session, account: str) -> None:
    surveyed = default_vpcs.survey(member, [HERE, CLOSED, THERE])

    assert [(vpc.account, vpc.region) for vpc in surveyed.vpcs] == [(account, HERE), (account, THERE)]
    assert [vpc.refusals for vpc in surveyed.vpcs] == [(), ()]
    assert surveyed.unread == {}


def test_a_default_vpc_in_use_is_as_a_deploy_leaves_it(member: Session, aws: Aws) -> None:
    """Else nothing would bring drift to an end; what nobody could look at is unread."""
    question = ResourceQuestion(member, load(SHIPPED).project, {})
    ec2 = member.client("ec2", HERE)
    subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    before = question.default_vpcs()

    ec2.create_network_interface(SubnetId=subnet)

    assert {*before} - {*question.default_vpcs()} == {HERE}
    assert {HERE, THERE} <= {*before}
    aws.fail("ec2:DescribeNetworkInterfaces", code="UnauthorizedOperation", times=999)
    with pytest.raises(AwsError) as unread:
        question.default_vpcs()
    assert unread.value.args[0].id == "default-vpc-unread"


def test_a_default_vpc_is_removed_with_all_of_it_and_no_other_vpc(member: Session, aws: Aws) -> None:
    ec2 = member.client("ec2", HERE)
    own = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    vpc = found(member)
    before = aws.writing_calls(by="strata")

    default_vpcs.remove(member, HERE, vpc.id)

    assert default_vpcs.survey(member, [HERE]).vpcs == ()
    assert left(member) == ({own}, {gateway}, set())
    writes = aws.writing_calls(by="strata") - before
    ec2.create_default_vpc()
    default_vpcs.remove(member, HERE, vpc.id)
    assert (aws.writing_calls(by="strata") - before)["ec2:DeleteVpc"] == writes["ec2:DeleteVpc"], "it is another one"
    assert default_vpcs.survey(member, [HERE]).vpcs
    assert default_vpcs.survey(member, [THERE]).vpcs


def found(member: Session, region: str = HERE) -> DefaultVpc:
    [vpc] = default_vpcs.survey(member, [region]).vpcs
    return vpc


def left(member: Session) -> tuple[set[str], set[str], set[str]]:
    """Returns the VPCs, internet gateways and subnets of a region."""
    ec2 = member.client("ec2", HERE)
    return (
        {one["VpcId"] for one in ec2.describe_vpcs()["Vpcs"]},
        {one["InternetGatewayId"] for one in ec2.describe_internet_gateways()["InternetGateways"]},
        {one["SubnetId"] for one in ec2.describe_subnets()["Subnets"]},
    )


WRITES = (
    "ec2:CreateTags",
    "ec2:DetachInternetGateway",
    "ec2:DeleteInternetGateway",
    "ec2:DeleteSubnet",
    "ec2:DeleteVpc",
)
CUTS = [(WRITES[0], 1), (WRITES[1], 1), (WRITES[2], 1), (WRITES[3], 1), (WRITES[3], 3), (WRITES[4], 1)]


@pytest.mark.parametrize(("action", "nth"), CUTS)
def test_a_removal_that_is_killed_is_ended_by_the_next(action: str, nth: int, member: Session, aws: Aws) -> None:
    """The call was made and nobody heard of it; a killed run makes none after it."""
    vpc = found(member)
    killed(aws, action, nth)
    with pytest.raises(StrataError):
        default_vpcs.remove(member, HERE, vpc.id)
    aws.heal()

    for rest in default_vpcs.survey(member, [HERE]).vpcs:
        assert (rest.id, rest.refusals) == (vpc.id, ())
        default_vpcs.remove(member, HERE, rest.id)

    assert left(member) == (set(), set(), set())


@pytest.mark.parametrize("action", WRITES)
def test_an_answer_that_is_lost_stops_no_removal(action: str, member: Session, aws: Aws) -> None:
    aws.fail(action, way="lose")

    default_vpcs.remove(member, HERE, found(member).id)

    assert left(member) == (set(), set(), set())


def test_a_gateway_that_somebody_took_for_another_vpc_stays(member: Session, aws: Aws) -> None:
    vpc, ec2 = found(member), member.client("ec2", HERE)
    killed(aws, WRITES[1], 1)
    with pytest.raises(StrataError):
        default_vpcs.remove(member, HERE, vpc.id)
    aws.heal()
    own = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    ec2.attach_internet_gateway(InternetGatewayId=vpc.gateways[0], VpcId=own)

    default_vpcs.remove(member, HERE, vpc.id)

    assert left(member) == ({own}, set(vpc.gateways), set())


def test_accounts_share_what_botocore_reads_of_services(management: Session, account: str) -> None:
    """Else each that is entered takes 50 MB more and twice the time."""
    sessions = [entered(management, account).session.boto(None) for _ in range(2)]
    loaders = {one._session.get_component("data_loader") for one in sessions}

    assert len(loaders) == 1


# What is in it


def parts(ec2: Any, vpc: DefaultVpc) -> Iterator[tuple[str, str]]:
    """Makes more of what a VPC has, and tags what it has."""
    [main] = [one["RouteTableId"] for one in ec2.describe_route_tables(Filters=within(vpc))["RouteTables"]]
    group = ec2.create_security_group(GroupName="own", Description="own", VpcId=vpc.id)["GroupId"]
    yield "security group", group
    interface = ec2.create_network_interface(SubnetId=vpc.subnets[0], Groups=[group])["NetworkInterface"]
    yield "network interface", interface["NetworkInterfaceId"]
    yield "subnet", ec2.create_subnet(VpcId=vpc.id, CidrBlock="172.31.240.0/24")["Subnet"]["SubnetId"]
    yield "route table", ec2.create_route_table(VpcId=vpc.id)["RouteTable"]["RouteTableId"]
    yield "network ACL", ec2.create_network_acl(VpcId=vpc.id)["NetworkAcl"]["NetworkAclId"]
    for block, to in {"10.0.0.0/16": interface["NetworkInterfaceId"], "10.1.0.0/16": vpc.gateways[0]}.items():
        key = "GatewayId" if to in vpc.gateways else "NetworkInterfaceId"
        ec2.create_route(RouteTableId=main, DestinationCidrBlock=block, **{key: to})
        yield "route", f"{main} {block}"
    to = {"DestinationCidrBlock": "0.0.0.0/0", "NetworkInterfaceId": interface["NetworkInterfaceId"]}
    ec2.replace_route(RouteTableId=main, **to)
    yield "route", f"{main} 0.0.0.0/0"
    ec2.associate_vpc_cidr_block(VpcId=vpc.id, CidrBlock="10.9.0.0/16")
    yield "address range", "10.9.0.0/16"
    for part in (vpc.id, vpc.subnets[0], *vpc.gateways, main, group):
        ec2.create_tags(Resources=[part], Tags=[{"Key": "Team", "Value": "a"}])
        yield "tag", f"{part} Team"


def within(vpc: DefaultVpc) -> list[dict[str, Any]]:
    return [{"Name": "vpc-id", "Values": [vpc.id]}]


def connections(member: Session, vpc: DefaultVpc) -> Iterator[tuple[str, str]]:
    """Connects a VPC with others, with AWS's services, and with who looks at its traffic."""
    ec2, subnet, here = member.client("ec2", HERE), vpc.subnets[0], vpc.id
    other = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    peering = ec2.create_vpc_peering_connection(VpcId=other, PeerVpcId=here)["VpcPeeringConnection"]
    yield "peering connection", peering["VpcPeeringConnectionId"]
    service = {"ServiceName": f"com.amazonaws.{HERE}.s3", "VpcEndpointType": "Gateway"}
    yield "VPC endpoint", ec2.create_vpc_endpoint(VpcId=here, **service)["VpcEndpoint"]["VpcEndpointId"]
    vpn = ec2.create_vpn_gateway(Type="ipsec.1")["VpnGateway"]["VpnGatewayId"]
    ec2.attach_vpn_gateway(VpnGatewayId=vpn, VpcId=here)
    yield "VPN gateway", vpn
    transit = ec2.create_transit_gateway()["TransitGateway"]["TransitGatewayId"]
    attached = ec2.create_transit_gateway_vpc_attachment(TransitGatewayId=transit, VpcId=here, SubnetIds=[subnet])
    yield "transit gateway attachment", attached["TransitGatewayVpcAttachment"]["TransitGatewayAttachmentId"]
    outward = ec2.create_egress_only_internet_gateway(VpcId=here)["EgressOnlyInternetGateway"]
    yield "egress-only internet gateway", outward["EgressOnlyInternetGatewayId"]
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    nat = ec2.create_nat_gateway(SubnetId=subnet, AllocationId=address)["NatGateway"]
    yield "NAT gateway", nat["NatGatewayId"]
    logs = {"TrafficType": "ALL", "LogDestinationType": "s3", "LogDestination": "arn:aws:s3:::logs"}
    member.client("s3", "us-east-1").create_bucket(Bucket="logs")
    yield "flow log", ec2.create_flow_logs(ResourceType="Subnet", ResourceIds=[subnet], **logs)["FlowLogIds"][0]
    zone = {"Name": "own.example", "CallerReference": "own", "VPC": {"VPCRegion": HERE, "VPCId": here}}
    made = member.client("route53").create_hosted_zone(HostedZoneConfig={"PrivateZone": True}, **zone)
    yield "private hosted zone", made["HostedZone"]["Id"].rpartition("/")[2]


SECRET = {"MasterUsername": "own", "MasterUserPassword": "own-password"}


def databases(member: Session, vpc: DefaultVpc, group: str) -> Iterator[tuple[str, str]]:
    """Has subnet groups name the subnets of a VPC, and databases them or a security group."""
    subnets, of_group = {"SubnetIds": [*vpc.subnets[:2]]}, {"VpcSecurityGroupIds": [group]}
    rds, redshift = member.client("rds", HERE), member.client("redshift", HERE)
    rds.create_db_subnet_group(DBSubnetGroupName="own", DBSubnetGroupDescription="own", **subnets)
    yield "DB subnet group", "own"
    engine = {"Engine": "aurora-postgresql", "EngineMode": "provisioned", "DBSubnetGroupName": "own"}
    rds.create_db_cluster(DBClusterIdentifier="cluster", **engine, **SECRET, **of_group)
    yield "DB cluster", "cluster"
    engine = {"Engine": "postgres", "DBInstanceClass": "db.t4g.micro", "DBSubnetGroupName": "own"}
    rds.create_db_instance(DBInstanceIdentifier="instance", AllocatedStorage=20, **engine, **SECRET)
    yield "DB instance", "instance"
    names = {"CacheSubnetGroupName": "own", "CacheSubnetGroupDescription": "own"}
    member.client("elasticache", HERE).create_cache_subnet_group(**names, **subnets)
    yield "cache subnet group", "own"
    redshift.create_cluster_subnet_group(ClusterSubnetGroupName="own", Description="own", **subnets)
    yield "Redshift subnet group", "own"
    nodes = {"NodeType": "ra3.large", "ClusterSubnetGroupName": "own", "ClusterType": "single-node"}
    redshift.create_cluster(ClusterIdentifier="own", **nodes, **SECRET, **of_group)
    yield "Redshift cluster", "own"
    names = {"ReplicationSubnetGroupIdentifier": "own", "ReplicationSubnetGroupDescription": "own"}
    member.client("dms", HERE).create_replication_subnet_group(**names, **subnets)
    yield "replication subnet group", "own"


def computing(member: Session, vpc: DefaultVpc, group: str) -> Iterator[tuple[str, str]]:
    """Has what may start machines name a subnet."""
    subnet = vpc.subnets[0]
    data = {"ImageId": "ami-12345678", "NetworkInterfaces": [{"DeviceIndex": 0, "SubnetId": subnet}]}
    ec2, named = member.client("ec2", HERE), {"LaunchTemplateData": {"ImageId": "ami-12345678"}}
    template = ec2.create_launch_template(LaunchTemplateName="own", **named)["LaunchTemplate"]["LaunchTemplateId"]
    ec2.create_launch_template_version(LaunchTemplateId=template, LaunchTemplateData=data)
    yield "launch template", template
    size = {"MinSize": 0, "MaxSize": 1, "DesiredCapacity": 0, "LaunchTemplate": {"LaunchTemplateId": template}}
    scaling = member.client("autoscaling", HERE)
    scaling.create_auto_scaling_group(AutoScalingGroupName="default", VPCZoneIdentifier=subnet, **size)
    yield "auto scaling group", "default"
    member.client("elbv2", HERE).create_target_group(Name="own", Protocol="HTTP", Port=80, VpcId=vpc.id)
    yield "target group", "own"
    trust = json.dumps({"Version": "2012-10-17", "Statement": []})
    role = member.client("iam").create_role(RoleName="own", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    code = {"Runtime": "python3.13", "Handler": "own.run", "Code": {"ZipFile": b"own"}, "Role": role}
    inside = {"SubnetIds": [subnet], "SecurityGroupIds": [group]}
    member.client("lambda", HERE).create_function(FunctionName="own", VpcConfig=inside, **code)
    yield "function", "own"
    resources = {"type": "FARGATE", "maxvCpus": 1, "subnets": [subnet], "securityGroupIds": [group]}
    environment = {"computeEnvironmentName": "own", "type": "MANAGED", "computeResources": resources}
    member.client("batch", HERE).create_compute_environment(serviceRole=role, **environment)
    yield "compute environment", "own"
    reached = {"SubnetId": subnet, "SecurityGroupIdList": [group], "AvailabilityZone": f"{HERE}a"}
    to = {"Name": "own", "ConnectionType": "NETWORK", "ConnectionProperties": {}}
    member.client("glue", HERE).create_connection(ConnectionInput={**to, "PhysicalConnectionRequirements": reached})
    yield "Glue connection", "own"
    network = {"vpcId": vpc.id, "subnets": [subnet], "securityGroupIds": [group]}
    service = {"awsvpcConfiguration": {"subnets": [subnet], "securityGroups": []}}
    names = jobs(member, behind=100, service=service, build={"vpcConfig": network})
    yield from zip(("CodeBuild project", "ECS service"), names, strict=True)


def jobs(aws: Session, *, behind: int = 0, build: Any = None, service: Any = None) -> tuple[str, str]:
    """Makes a CodeBuild project and an ECS service without a task; more stand before them than a call describes."""
    role = f"arn:aws:iam::{aws.caller().account}:role/own"
    made = {"type": "LINUX_CONTAINER", "image": "own", "computeType": "BUILD_GENERAL1_SMALL"}
    project = {"source": {"type": "S3", "location": "own/own.zip"}, "artifacts": {"type": "NO_ARTIFACTS"}}
    for number in range(behind + 1):
        more = (build or {}) if number == behind else {}
        aws.client("codebuild", HERE).create_project(
            name=f"build-{number:03}", serviceRole=role, environment=made, **project, **more
        )
    ecs, names = aws.client("ecs", HERE), {"cluster": "own", "taskDefinition": "own", "desiredCount": 0}
    ecs.create_cluster(clusterName="own")
    ecs.register_task_definition(family="own", containerDefinitions=[])
    for number in range(behind + 1):
        network = {"networkConfiguration": service} if service and number == behind else {}
        ecs.create_service(serviceName=f"web-{number:03}", **names, **network)
    return f"build-{behind:03}", f"web-{behind:03}"


def test_a_default_vpc_in_which_something_is_stays(member: Session, aws: Aws) -> None:
    """Each kind that moto can make is something; what has no network interface now may have one tomorrow."""
    vpc, ec2 = found(member), member.client("ec2", HERE)
    made = [*parts(ec2, vpc), *connections(member, vpc)]
    group = dict(made)["security group"]
    there = {Occupant(*one) for one in [*made, *databases(member, vpc, group), *computing(member, vpc, group)]}
    writes = aws.writing_calls(by="strata")

    with pytest.raises(StrataError) as refused:
        default_vpcs.remove(member, HERE, vpc.id)

    now = set(found(member).occupants)
    assert there <= now
    assert {question.kind for question in (*WITHIN, *NAMING, PROJECT, SERVICE)} <= {one.kind for one in there}
    assert {one.kind for one in now - there} == {"network interface"}, "of the NAT gateway, for one"
    [words] = refused.value.args
    assert (words.id, words.data["vpc"], words.data["by"]) == ("default-vpc-in-use", vpc.id, sorted(map(str, now)))
    assert aws.writing_calls(by="strata") == writes


def test_what_is_gone_or_of_another_vpc_keeps_none(member: Session) -> None:
    """AWS lists for a while what was deleted."""
    ec2, vpc = member.client("ec2", HERE), found(member)
    own = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=own, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
    ec2.create_network_interface(SubnetId=subnet)
    names = {"CacheSubnetGroupName": "default", "CacheSubnetGroupDescription": "AWS makes it"}
    member.client("elasticache", HERE).create_cache_subnet_group(SubnetIds=[*vpc.subnets[:2]], **names)
    peering = ec2.create_vpc_peering_connection(VpcId=own, PeerVpcId=vpc.id)["VpcPeeringConnection"]
    ec2.delete_vpc_peering_connection(VpcPeeringConnectionId=peering["VpcPeeringConnectionId"])
    vpn = ec2.create_vpn_gateway(Type="ipsec.1")["VpnGateway"]["VpnGatewayId"]
    ec2.attach_vpn_gateway(VpnGatewayId=vpn, VpcId=vpc.id)
    ec2.detach_vpn_gateway(VpnGatewayId=vpn, VpcId=vpc.id)
    nat = ec2.create_nat_gateway(SubnetId=vpc.subnets[0], ConnectivityType="private")["NatGateway"]
    ec2.delete_nat_gateway(NatGatewayId=nat["NatGatewayId"])
    for address in nat["NatGatewayAddresses"]:  # moto leaves it
        ec2.delete_network_interface(NetworkInterfaceId=address["NetworkInterfaceId"])
    service = {"ServiceName": f"com.amazonaws.{HERE}.s3", "VpcEndpointType": "Gateway"}
    endpoint = ec2.create_vpc_endpoint(VpcId=vpc.id, **service)["VpcEndpoint"]
    ec2.delete_vpc_endpoints(VpcEndpointIds=[endpoint["VpcEndpointId"]])

    assert found(member).occupants == ()
    default_vpcs.remove(member, HERE, vpc.id)
    assert left(member)[0] == {own}


RULE = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}


def test_a_rule_that_was_added_is_something_and_one_that_was_taken_out_is_not(member: Session) -> None:
    ec2, vpc = member.client("ec2", HERE), found(member)
    [group] = ec2.describe_security_groups(Filters=within(vpc))["SecurityGroups"]
    [acl] = ec2.describe_network_acls(Filters=within(vpc))["NetworkAcls"]
    group, acl = group["GroupId"], acl["NetworkAclId"]
    ec2.revoke_security_group_egress(GroupId=group, IpPermissions=[{"IpProtocol": "-1", "IpRanges": ALL}])
    assert found(member).occupants == ()

    for where, outward in [("in", False), ("out", True)]:
        authorize = ec2.authorize_security_group_egress if outward else ec2.authorize_security_group_ingress
        revoke = ec2.revoke_security_group_egress if outward else ec2.revoke_security_group_ingress
        authorize(GroupId=group, IpPermissions=[RULE])
        assert found(member).occupants == (Occupant("security group rule", group),), where
        revoke(GroupId=group, IpPermissions=[RULE])
        number = {"RuleNumber": 50, "Protocol": "-1", "RuleAction": "allow", "Egress": outward}
        ec2.create_network_acl_entry(NetworkAclId=acl, CidrBlock="0.0.0.0/0", **number)
        assert found(member).occupants == (Occupant("network ACL rule", acl),), where
        ec2.delete_network_acl_entry(NetworkAclId=acl, RuleNumber=50, Egress=outward)
    assert found(member).occupants == ()


ALL = [{"CidrIp": "0.0.0.0/0"}]


# What AWS does not answer or do


def test_what_may_not_be_asked_is_not_taken_for_empty(member: Session, aws: Aws) -> None:
    """Of each question, one by one: the actions of a survey are as many, but for that by which it is found."""
    jobs(member)
    vpc, before = found(member), len(aws.calls(by="strata"))
    found(member)
    asked = {call.action for call in aws.calls(by="strata", since=before)} - {"ec2:DescribeVpcs"}
    for action in asked:
        aws.fail(action, times=2, code="AccessDeniedException", message="no")

    unread = found(member).unread
    aws.fail("route53:ListHostedZonesByVPC", code="AccessDeniedException", message="no", times=9)
    writes = aws.writing_calls(by="strata")
    with pytest.raises(StrataError) as refused:
        default_vpcs.remove(member, HERE, vpc.id)

    described = {"codebuild:BatchGetProjects", "ecs:DescribeServices", "ecs:ListServices"}  # once there are names
    assert len(asked) == len(default_vpcs.READS) - 2
    assert len(unread) == len(asked - described) == len(asked) - 3
    assert {(one.id, one.data["code"]) for one in unread} == {("default-vpc-unread", "AccessDeniedException")}
    assert refused.value.args == unread
    assert aws.writing_calls(by="strata") == writes


@pytest.mark.parametrize(("region", "unread"), [(HERE, 1), ("ca-west-1", 0)])
def test_a_service_that_aws_does_not_have_in_a_region_has_nothing_there(
    region: str, unread: int, member: Session, aws: Aws, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody answers there; where AWS has it, that leaves what it has unread."""
    aws.order("regions", account=account, regions=["ca-west-1"])
    monkeypatch.setenv("AWS_ENDPOINT_URL_CODEBUILD", "http://127.0.0.1:9")

    [vpc] = default_vpcs.survey(replace(member), [region]).vpcs

    assert len(vpc.unread) == unread


def test_a_region_that_a_guardrail_closes_is_unread(member: Session, aws: Aws, said: Said) -> None:
    deny("ec2:DescribeVpcs", aws, times=9)

    surveyed = default_vpcs.survey(member, [HERE])

    assert surveyed.vpcs == ()
    [words] = said(surveyed.unread.values())
    assert (words.id, words.data["by"]) == ("default-vpc-unread", "service control policy")
    with pytest.raises(StrataError):
        default_vpcs.remove(member, HERE, "vpc-1")


def deny(action: str, aws: Aws, **more: Any) -> None:
    """Has a guardrail deny an action of EC2."""
    aws.fail(action, code="UnauthorizedOperation", message=denied_by_guardrail(action), status=403, **more)


def test_credentials_that_a_region_rejects_though_it_is_enabled_are_no_closed_region(member: Session, aws: Aws) -> None:
    aws.fail("ec2:DescribeVpcs", code="AuthFailure", message="no", status=401, times=9)

    surveyed = default_vpcs.survey(member, [HERE, CLOSED])

    assert set(surveyed.unread) == {HERE}
    aws.fail("ec2:DescribeRegions", code="UnauthorizedOperation", message="no", status=403, times=9)
    surveyed = default_vpcs.survey(member, [HERE, CLOSED])
    assert set(surveyed.unread) == {HERE, CLOSED}


def test_credentials_that_have_expired_end_a_survey(
    management: Session, member: Session, aws: Aws, account: str
) -> None:
    """The rest would be unread, one by one, or refused."""
    surveyed = regions.survey(management, {"dev": account}, {"dev": OPT_IN})
    for action in ("ec2:DescribeVpcs", "account:ListRegions", "account:EnableRegion"):
        aws.fail(action, code="ExpiredToken", message="no", times=9)

    with pytest.raises(AwsError):
        default_vpcs.survey(member, [HERE])
    with pytest.raises(AwsError):
        regions.survey(management, {"dev": account}, {})
    with pytest.raises(AwsError):
        regions.ask(management, surveyed)


@pytest.mark.parametrize("action", WRITES)
def test_what_aws_refuses_is_told_and_nothing_else_is_touched(action: str, member: Session, aws: Aws) -> None:
    vpc = found(member)
    aws.fail(action, code="DependencyViolation", message="it has dependencies")
    done = len(aws.calls())

    with pytest.raises(StrataError) as refused:
        default_vpcs.remove(member, HERE, vpc.id)

    [words] = refused.value.args
    assert (words.id, words.data["vpc"], words.data["code"]) == ("default-vpc-refused", vpc.id, "DependencyViolation")
    assert words.data["part"] in (vpc.id, *vpc.gateways, *vpc.subnets)
    assert next(call.action for call in reversed(aws.calls(since=done)) if call.writes) == action
    default_vpcs.remove(member, HERE, vpc.id)
    assert left(member) == (set(), set(), set())


def test_a_guardrail_that_keeps_a_vpc_is_named(member: Session, aws: Aws, said: Said) -> None:
    vpc = found(member)
    deny("ec2:DeleteVpc", aws)

    with pytest.raises(StrataError) as refused:
        default_vpcs.remove(member, HERE, vpc.id)

    [words] = said(refused)
    assert (words.id, words.data["by"]) == ("default-vpc-refused", "service control policy")
    assert "p-1; exempt" in words.text
    assert "Encoded" not in words.text


def test_a_role_that_may_not_delete_hears_which_action_it_needs(member: Session, aws: Aws, said: Said) -> None:
    aws.fail("ec2:DeleteSubnet", code="UnauthorizedOperation", message="no", status=403)

    with pytest.raises(StrataError) as refused:
        default_vpcs.remove(member, HERE, found(member).id)

    [words] = said(refused)
    assert (words.data["by"], words.data["code"]) == (None, "UnauthorizedOperation")


def test_messages_name_region_account_and_what_is_there(said: Said) -> None:
    there = (Occupant("network interface", "eni-1"), Occupant("subnet", "subnet-1"))
    vpc = DefaultVpc("111122223333", HERE, "vpc-1", (), (), there, ())

    [words] = said(vpc.refusals)
    assert (words.id, words.data["account"], words.data["region"]) == ("default-vpc-in-use", "111122223333", HERE)


def test_the_actions_of_default_vpcs_are_those_that_are_needed(management: Session, aws: Aws) -> None:
    """Asked in the management account: emulated AWS lets the access role of a member do everything."""
    jobs(management)
    asked = needed(aws)
    aws.allow_only(policy(default_vpcs.READS, default_vpcs.REMOVES))
    [vpc] = default_vpcs.survey(management, [HERE, CLOSED]).vpcs
    default_vpcs.remove(management, HERE, vpc.id)

    assert needed(aws) - asked == {*default_vpcs.READS, *default_vpcs.REMOVES}
