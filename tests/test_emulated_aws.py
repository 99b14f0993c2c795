"""The emulated AWS: it refuses what AWS refuses, counts, fails on demand, and has its snapshots back."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError, HTTPClientError
from botocore.httpsession import URLLib3Session

from tests.aws.center import INSTANCE, STORE
from tests.aws.client import ACCOUNT, Aws


@pytest.fixture
def aws(emulated: Aws) -> Aws:
    """An organization with one unit, Identity Center on in us-east-1."""
    emulated.restore()
    emulated.client("organizations").create_organization(FeatureSet="ALL")
    emulated.client("organizations").create_organizational_unit(ParentId=root(emulated), Name="Workloads")
    emulated.switch_identity_center_on()
    return emulated


VPCS = {"ServiceCode": "vpc", "QuotaCode": "L-F678F1CE"}


def root(aws: Aws) -> str:
    return str(aws.client("organizations").list_roots()["Roots"][0]["Id"])


def unit(aws: Aws) -> str:
    found = aws.client("organizations").list_organizational_units_for_parent(ParentId=root(aws))
    return str(found["OrganizationalUnits"][0]["Id"])


def open_account(aws: Aws, email: str) -> dict[str, Any]:
    client = aws.client("organizations")
    begun = client.create_account(AccountName="One", Email=email)["CreateAccountStatus"]
    assert begun["State"] == "IN_PROGRESS"
    while begun["State"] == "IN_PROGRESS":
        begun = client.describe_create_account_status(CreateAccountRequestId=begun["Id"])["CreateAccountStatus"]
    return dict(begun)


def twice(service: str, operation: str, **parameters: Any) -> Callable[[Aws], None]:
    """Makes the same thing two times, of which AWS refuses the second."""

    def call(aws: Aws) -> None:
        method = getattr(aws.client(service), operation)
        method(**parameters)
        method(**parameters)

    return call


def policy(aws: Aws, type: str = "SERVICE_CONTROL_POLICY") -> str:
    made = aws.client("organizations").create_policy(Content="{}", Description="", Name="One", Type=type)
    return str(made["Policy"]["PolicySummary"]["Id"])


def attach_what_is_off(aws: Aws) -> None:
    aws.client("organizations").attach_policy(PolicyId=policy(aws, "TAG_POLICY"), TargetId=root(aws))


def attach_twice(aws: Aws) -> None:
    client = aws.client("organizations")
    client.enable_policy_type(RootId=root(aws), PolicyType="SERVICE_CONTROL_POLICY")
    client.attach_policy(PolicyId=(made := policy(aws)), TargetId=root(aws))
    client.attach_policy(PolicyId=made, TargetId=root(aws))


def delete_a_full_unit(aws: Aws) -> None:
    client = aws.client("organizations")
    client.create_organizational_unit(ParentId=unit(aws), Name="Below")
    client.delete_organizational_unit(OrganizationalUnitId=unit(aws))


def six_accounts_at_once(aws: Aws) -> None:
    for number in range(6):
        aws.client("organizations").create_account(AccountName="One", Email=f"{number}@example.com")


def assume_a_role(aws: Aws, name: str, state: str = "open") -> None:
    account = open_account(aws, "one@example.com")["AccountId"]
    if state == "closed":
        aws.client("organizations").close_account(AccountId=account)
    aws.client("sts").assume_role(RoleArn=f"arn:aws:iam::{account}:role/{name}", RoleSessionName="one")


def assign(aws: Aws, account: str = ACCOUNT) -> list[dict[str, str]]:
    """Assigns a permission set twice, and returns what asks how each went."""
    made = aws.client("sso-admin").create_permission_set(InstanceArn=INSTANCE, Name="Reader")["PermissionSet"]
    group = aws.client("identitystore").create_group(IdentityStoreId=STORE, DisplayName="readers")["GroupId"]
    asked = {
        "InstanceArn": INSTANCE,
        "TargetId": account,
        "TargetType": "AWS_ACCOUNT",
        "PermissionSetArn": made["PermissionSetArn"],
        "PrincipalType": "GROUP",
        "PrincipalId": group,
    }
    begun = [aws.client("sso-admin").create_account_assignment(**asked) for _ in range(2)]
    ids = [one["AccountAssignmentCreationStatus"]["RequestId"] for one in begun]
    return [{"InstanceArn": INSTANCE, "AccountAssignmentCreationRequestId": id} for id in ids]


def delete_an_assigned_set(aws: Aws) -> None:
    assign(aws)
    (arn,) = aws.client("sso-admin").list_permission_sets(InstanceArn=INSTANCE)["PermissionSets"]
    aws.client("sso-admin").delete_permission_set(InstanceArn=INSTANCE, PermissionSetArn=arn)


def write_a_trail(aws: Aws, *, name: str = "trail", organization: bool = False) -> None:
    aws.client("s3").create_bucket(Bucket="trail-bucket")
    statements = [
        {
            "Effect": "Allow",
            "Principal": {"Service": "cloudtrail.amazonaws.com"},
            "Action": action,
            "Resource": f"arn:aws:s3:::trail-bucket{below}",
            "Condition": {"StringEquals": {"aws:SourceArn": f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/other"}},
        }
        for action, below in (("s3:GetBucketAcl", ""), ("s3:PutObject", f"/AWSLogs/{ACCOUNT}/*"))
    ]
    aws.client("s3").put_bucket_policy(Bucket="trail-bucket", Policy=json.dumps({"Statement": statements}))
    aws.client("cloudtrail").create_trail(Name=name, S3BucketName="trail-bucket", IsOrganizationTrail=organization)


def write_a_trail_twice(aws: Aws) -> None:
    write_a_trail(aws, name="other")
    write_a_trail(aws, name="other")


def replicate_without_versions(aws: Aws) -> None:
    aws.client("s3").create_bucket(Bucket="state-bucket")
    rule = {"Status": "Enabled", "Prefix": "", "Destination": {"Bucket": "arn:aws:s3:::state-bucket"}}
    configuration = {"Role": "arn:aws:iam::123456789012:role/r", "Rules": [rule]}
    aws.client("s3").put_bucket_replication(Bucket="state-bucket", ReplicationConfiguration=configuration)


def take_an_alias(aws: Aws) -> None:
    aws.order("taken-aliases", names=["acme"])
    aws.client("iam").create_account_alias(AccountAlias="acme")


def send_to_a_bus(aws: Aws, **target: str) -> None:
    aws.client("events").put_rule(Name="sign-in", EventPattern='{"source": ["aws.signin"]}')
    bus = "arn:aws:events:eu-west-1:111122223333:event-bus/default"
    aws.client("events").put_targets(Rule="sign-in", Targets=[{"Id": "bus", "Arn": bus, **target}])


REFUSALS: dict[str, tuple[str, Callable[[Aws], Any]]] = {
    "a role that a member does not have": ("AccessDenied", lambda aws: assume_a_role(aws, "Administrator")),
    "the access role of a closed account": (
        "AccessDenied",
        lambda aws: assume_a_role(aws, "OrganizationAccountAccessRole", "closed"),
    ),
    "a sixth account at once": ("ConstraintViolationException", six_accounts_at_once),
    "a unit of the same name": (
        "DuplicateOrganizationalUnitException",
        lambda aws: aws.client("organizations").create_organizational_unit(ParentId=root(aws), Name="Workloads"),
    ),
    "a unit that holds something": ("OrganizationalUnitNotEmptyException", delete_a_full_unit),
    "a policy that is attached already": ("DuplicatePolicyAttachmentException", attach_twice),
    "a policy of a type that is off": ("PolicyTypeNotEnabledException", attach_what_is_off),
    "a delegated administrator without trusted access": (
        "ConstraintViolationException",
        lambda aws: aws.client("organizations").register_delegated_administrator(
            AccountId=open_account(aws, "one@example.com")["AccountId"], ServicePrincipal="config.amazonaws.com"
        ),
    ),
    "a user of the same name": (
        "ConflictException",
        twice("identitystore", "create_user", IdentityStoreId=STORE, UserName="Jane", DisplayName="Jane"),
    ),
    "an assignment in an account that does not exist": (
        "ResourceNotFoundException",
        lambda aws: assign(aws, "999999999999"),
    ),
    "a permission set that somebody has": ("ConflictException", delete_an_assigned_set),
    "an organization's trail without trusted access": (
        "CloudTrailAccessNotEnabledException",
        lambda aws: write_a_trail(aws, organization=True),
    ),
    "a trail that the bucket's policy does not name": ("InsufficientS3BucketPolicyException", write_a_trail),
    "a second trail of one name": ("TrailAlreadyExistsException", write_a_trail_twice),
    "replication without versions": ("InvalidRequest", replicate_without_versions),
    "the management account by its id": (
        "AccessDeniedException",
        lambda aws: aws.client("account").put_account_name(AccountId=ACCOUNT, AccountName="New"),
    ),
    "a second monitor of services": (
        "ValidationException",
        twice(
            "ce",
            "create_anomaly_monitor",
            AnomalyMonitor={"MonitorName": "m", "MonitorType": "DIMENSIONAL", "MonitorDimension": "SERVICE"},
        ),
    ),
    "an alias that another account has": ("EntityAlreadyExists", take_an_alias),
    "a quota that is as high already": (
        "IllegalArgumentException",
        lambda aws: aws.client("service-quotas").request_service_quota_increase(**VPCS, DesiredValue=5),
    ),
    "a second request for a quota": (
        "ResourceAlreadyExistsException",
        twice("service-quotas", "request_service_quota_increase", **VPCS, DesiredValue=9),
    ),
    "a contact without a country in its number": (
        "ValidationException",
        lambda aws: aws.client("account").put_contact_information(
            ContactInformation={
                **dict.fromkeys(("FullName", "AddressLine1", "City", "PostalCode"), "One"),
                "CountryCode": "DE",
                "PhoneNumber": "040 5550 100",
            }
        ),
    ),
    "a bus elsewhere without a role": ("ValidationException", send_to_a_bus),
    "a bus whose account has not allowed it": (
        "AccessDeniedException",
        lambda aws: send_to_a_bus(aws, RoleArn=f"arn:aws:iam::{ACCOUNT}:role/events"),
    ),
}


@pytest.mark.parametrize("refusal", REFUSALS)
def test_aws_refuses(aws: Aws, refusal: str) -> None:
    code, call = REFUSALS[refusal]

    with pytest.raises(ClientError) as refused:
        call(aws)

    assert refused.value.response["Error"]["Code"] == code


POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::ours*"},
        {
            "Effect": "Allow",
            "Action": ["ec2:GetEbsEncryptionByDefault", "organizations:CreateOrganization"],
            "Resource": "*",
        },
        {
            "Effect": "Allow",
            "Action": "dynamodb:PutItem",
            "Resource": "*",
            "Condition": {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": "ours/*"}},
        },
    ],
}
DENIED: dict[str, tuple[str, str, dict[str, Any], str]] = {
    "a bucket of another name": ("s3", "create_bucket", {"Bucket": "theirs"}, "AccessDenied: s3:CreateBucket"),
    "a response without a body": ("s3", "head_bucket", {"Bucket": "another"}, "403: "),
    "a setting of EC2": ("ec2", "enable_ebs_encryption_by_default", {}, "UnauthorizedOperation: ec2:Enable"),
    "a topic": ("sns", "create_topic", {"Name": "theirs"}, "AuthorizationError: SNS:CreateTopic"),
    "a role that AWS makes for the caller": (
        "organizations",
        "create_organization",
        {},
        "AccessDeniedException: iam:CreateServiceLinkedRole",
    ),
    "a row of another key": (
        "dynamodb",
        "put_item",
        {"TableName": "t", "Item": {"LockID": {"S": "theirs/x"}}},
        "AccessDeniedException: dynamodb:PutItem",
    ),
    "the role of another name": (
        "sts",
        "assume_role",
        {"RoleArn": "arn:aws:iam::123456789012:role/theirs", "RoleSessionName": "us"},
        "AccessDenied: sts:AssumeRole",
    ),
}


@pytest.mark.parametrize("denial", DENIED)
def test_what_no_policy_of_the_caller_allows_is_denied(aws: Aws, denial: str) -> None:
    """In the words of the service, by action, resource and condition; a test itself may do everything."""
    service, operation, parameters, expected = DENIED[denial]
    code, _, words = expected.partition(": ")
    aws.allow_only(json.dumps(POLICY))
    aws.client("s3").create_bucket(Bucket="another")

    caller(aws, "s3").create_bucket(Bucket="ours")
    with pytest.raises(ClientError) as refused:
        getattr(caller(aws, service), operation)(**parameters)

    assert refused.value.response["Error"]["Code"] == code
    assert words in str(refused.value)


def caller(aws: Aws, service: str) -> Any:
    """Returns a client that is a command's."""
    import boto3
    from botocore.config import Config

    return boto3.client(
        service,
        region_name="us-east-1",
        endpoint_url=aws.url,
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
        config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}, user_agent_extra="strata"),
    )


def test_an_account_is_there_when_it_was_made_and_lets_in_and_takes_access_later(aws: Aws) -> None:
    """Who was killed meanwhile finds it in the list of what was begun, which names no address."""
    organizations, sso = aws.client("organizations"), aws.client("sso-admin")
    begun = organizations.create_account(AccountName="One", Email="one@example.com")["CreateAccountStatus"]
    assert [one["Id"] for one in organizations.list_accounts()["Accounts"]] == [ACCOUNT]
    assert "AccountId" not in begun

    first, last = (organizations.list_create_account_status()["CreateAccountStatuses"][0] for _ in range(2))
    assert (first["State"], last["State"], last["AccountName"]) == ("IN_PROGRESS", "SUCCEEDED", "One")
    id = last["AccountId"]
    assert [one["Id"] for one in organizations.list_accounts()["Accounts"]] == [ACCOUNT, id]

    role = {"RoleArn": f"arn:aws:iam::{id}:role/OrganizationAccountAccessRole", "RoleSessionName": "one"}
    with pytest.raises(ClientError, match="AccessDenied"):
        aws.client("sts").assume_role(**role)
    assert aws.client("sts").assume_role(**role)["Credentials"]

    tries = [sso.describe_account_assignment_creation_status(**request) for request in assign(aws, id)]
    found = [one["AccountAssignmentCreationStatus"] for one in tries]
    assert [one["Status"] for one in found] == ["FAILED", "SUCCEEDED"]
    assert (
        f"Obtaining permissions to manage your AWS account '{id}' takes longer than usual" in found[0]["FailureReason"]
    )


def test_a_service_sees_its_trusted_access_late(aws: Aws) -> None:
    """Organizations itself knows it at once."""
    aws.client("organizations").enable_aws_service_access(ServicePrincipal="access-analyzer.amazonaws.com")
    analyzer = {"analyzerName": "one", "type": "ORGANIZATION"}

    with pytest.raises(ClientError, match=r"ValidationException.*Service not enabled for AWS Organizations"):
        aws.client("accessanalyzer").create_analyzer(**analyzer)

    assert aws.client("accessanalyzer").create_analyzer(**analyzer)["arn"]


@pytest.mark.parametrize(
    ("service", "operation", "code"),
    [
        ("ec2", "get_ebs_encryption_by_default", "AuthFailure"),
        ("accessanalyzer", "list_analyzers", "UnrecognizedClientException"),
        ("sns", "list_topics", "InvalidClientTokenId"),
    ],
)
def test_a_region_takes_no_credentials_until_it_is_enabled(aws: Aws, service: str, operation: str, code: str) -> None:
    """Where moto has Milan enabled, as nobody has who did not ask for it."""
    call = getattr(aws.client(service, "eu-south-1"), operation)
    with pytest.raises(ClientError, match=code):
        call()

    aws.order("regions", account=ACCOUNT, regions=["eu-south-1"])

    assert call()
    found = {one["RegionName"]: one["OptInStatus"] for one in aws.client("ec2").describe_regions()["Regions"]}
    assert (found["us-east-1"], found["eu-south-1"], found.get("af-south-1")) == (
        "opt-in-not-required",
        "opted-in",
        None,
    )


def test_a_snapshot_brings_everything_back(aws: Aws) -> None:
    """What moto keeps and what the modules keep, objects in S3 among it, also in another emulated AWS."""
    aws.client("s3").create_bucket(Bucket="state-bucket")
    aws.client("s3").put_object(Bucket="state-bucket", Key="state", Body=b"first")
    aws.client("kms").create_key()
    open_account(aws, "one@example.com")
    aws.client("identitystore").create_group(IdentityStoreId=STORE, DisplayName="readers")
    snapshot = aws.snapshot()

    aws.client("s3").put_object(Bucket="state-bucket", Key="state", Body=b"second")
    open_account(aws, "two@example.com")
    aws.restore(snapshot)

    assert aws.client("s3").get_object(Bucket="state-bucket", Key="state")["Body"].read() == b"first"
    assert len(aws.client("organizations").list_accounts()["Accounts"]) == 2
    assert len(aws.client("identitystore").list_groups(IdentityStoreId=STORE)["Groups"]) == 1
    assert len(aws.client("kms").list_keys()["Keys"]) == 1


def test_the_nth_call_fails(aws: Aws) -> None:
    """Of an action, once, and with the code that was ordered; the calls before and after it are answered."""
    aws.fail("organizations:ListAccounts", nth=2, code="TooManyRequestsException")
    client = aws.client("organizations")

    client.list_accounts()
    with pytest.raises(ClientError, match="TooManyRequestsException"):
        client.list_accounts()
    client.list_accounts()


def test_an_answer_is_lost_and_the_deed_done(aws: Aws) -> None:
    aws.fail("identitystore:CreateGroup", way="lose")
    client = aws.client("identitystore")

    with pytest.raises(HTTPClientError):
        client.create_group(IdentityStoreId=STORE, DisplayName="readers")

    assert len(client.list_groups(IdentityStoreId=STORE)["Groups"]) == 1
    assert aws.held(0)


def test_a_list_is_late(aws: Aws) -> None:
    """A change shows in the second answer only, as it may for some seconds at AWS."""
    client = aws.client("identitystore")
    client.list_groups(IdentityStoreId=STORE)
    client.create_group(IdentityStoreId=STORE, DisplayName="readers")
    aws.fail("identitystore:ListGroups", way="stale")

    shown = [len(client.list_groups(IdentityStoreId=STORE)["Groups"]) for _ in range(2)]

    assert shown == [0, 1]


def test_calls_are_counted_by_caller(aws: Aws) -> None:
    before = len(aws.calls())
    aws.client("identitystore").create_group(IdentityStoreId=STORE, DisplayName="readers")
    aws.client("identitystore").list_groups(IdentityStoreId=STORE)

    assert aws.writing_calls(since=before, by="test") == {"identitystore:CreateGroup": 1}
    assert aws.writing_calls(since=before) == {}
    assert 'identitystore:CreateGroup {"IdentityStoreId"' in aws.trace()


def test_what_is_not_emulated_says_so(aws: Aws) -> None:
    """At once: a server error would be tried again and again, and look like a hang."""
    with pytest.raises(ClientError, match="the emulated AWS cannot answer ec2:DescribeCapacityReservations"):
        aws.client("ec2").describe_capacity_reservations()


def test_an_answer_that_was_lost_is_given_again(aws: Aws) -> None:
    """An SDK that asks again hears what it was to hear, not that its own bucket is in the way."""
    s3 = aws.client("s3", "us-west-2")
    s3.meta.events.register("before-send.s3.CreateBucket", lambda request, **_: URLLib3Session().send(request) and None)

    s3.create_bucket(Bucket="mine", CreateBucketConfiguration={"LocationConstraint": "us-west-2"})

    assert aws.writing_calls(by="test")["s3:CreateBucket"] == 1
    with pytest.raises(ClientError, match="BucketAlreadyOwnedByYou"):
        aws.client("s3", "us-west-2").create_bucket(
            Bucket="mine", CreateBucketConfiguration={"LocationConstraint": "us-west-2"}
        )
