"""`strata bootstrap` through the command line, against moto in this process.

moto knows several accounts but ignores ExpectedBucketOwner, and never makes anybody wait. Where AWS
answers differently, `Wire` gives AWS's answer; it also records every call and can cut the connection.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import botocore.handlers
import pytest
from botocore.awsrequest import AWSResponse
from moto import mock_aws
from typer.testing import CliRunner

from strata.aws import kept
from strata.aws.session import Session
from strata.cli import app
from tests.conftest import Golden
from tests.said import Said, Told

OURS, THEIRS = "210987654320", "310987654320"
STATE, REPLICA, TABLE = f"ac-terraform-state-{OURS}", f"ac-terraform-state-{OURS}-replica", "ac-terraform-lock"
TRAIL = f"ac-organization-trail-{OURS}"
WRITES = [
    "organizations.CreateOrganization",
    "s3.CreateBucket",
    "s3.PutBucketTagging",
    "s3.PutBucketVersioning",
    "s3.PutPublicAccessBlock",
    "s3.PutBucketOwnershipControls",
    "s3.PutBucketEncryption",
    "dynamodb.CreateTable",
    "dynamodb.UpdateContinuousBackups",
]
TAGS = {"ManagedBy": "strata", "Project": "acme"}
COMPLETE: dict[str, Any] = {
    "organization": "ALL",
    "bucket": {
        "region": "eu-west-1",
        "tags": TAGS,
        "versioning": "Enabled",
        "public": [True, True, True, True],
        "ownership": "BucketOwnerEnforced",
        "encryption": "AES256",
    },
    "table": {
        "key": [("LockID", "HASH")],
        "billing": "PAY_PER_REQUEST",
        "protected": True,
        "recovery": "ENABLED",
        "tags": TAGS,
    },
}


@dataclass
class Wire:
    """What goes over the wire: every call, with the answers AWS would give where moto gives another."""

    calls: list[tuple[str, str]] = field(default_factory=list)
    answers: dict[str, list[tuple[int, dict[str, Any] | bytes]]] = field(default_factory=dict)
    foreign: set[str] = field(default_factory=set)
    unnamed_owner: list[str] = field(default_factory=list)
    cut: tuple[str, str] | None = None

    def client(self, service: str, region: str = "eu-west-1") -> Any:
        """A client of the management account beside the wire: its calls are neither recorded nor answered here."""
        return _beside(service, region)

    @property
    def writes(self) -> list[str]:
        """The calls that change something."""
        return [
            call for call, _ in self.calls if not call.split(".")[1].startswith(("Get", "Head", "List", "Describe"))
        ]

    def answer(self, call: str, status: int, body: dict[str, Any] | bytes, times: int = 1) -> None:
        """Answers the next calls in AWS's place."""
        self.answers.setdefault(call, []).extend([(status, body)] * times)

    def refuse(self, call: str, code: str, times: int = 1, status: int = 400) -> None:
        """Answers the next calls with an error."""
        xml = f"<Error><Code>{code}</Code><Message>{code} said AWS</Message></Error>".encode()
        body: dict[str, Any] | bytes = (
            xml if call.startswith("s3.") else {"__type": code, "Message": f"{code} said AWS"}
        )
        self.answer(call, status, b"" if call == "s3.HeadBucket" else body, times)

    def before(self, request: Any, event_name: str, **_: Any) -> AWSResponse | None:
        """Takes the place of the network, where it has an answer."""
        call = event_name.removeprefix("before-send.")
        self.calls.append((call, request.url))
        if self.cut == ("before", call):
            self.cut = None
            raise KeyboardInterrupt
        if call.startswith("s3.") and call not in ("s3.CreateBucket", "s3.ListBuckets"):  # which take no owner
            owner = request.headers.get("x-amz-expected-bucket-owner")
            if (owner.decode() if isinstance(owner, bytes) else owner) != OURS:
                self.unnamed_owner.append(call)
            if _bucket(request.url) in self.foreign:
                return _response(request.url, 403, b"")
        if self.answers.get(call):
            return _response(request.url, *self.answers[call].pop(0))
        return None

    def after(self, event_name: str, **_: Any) -> None:
        """Cuts the connection when AWS has done its part."""
        if self.cut == ("after", event_name.removeprefix("after-call.")):
            self.cut = None
            raise KeyboardInterrupt


BESIDE = boto3.Session("of", "tests")
"""Opened before the wire takes its place."""


@cache
def _beside(service: str, region: str) -> Any:
    return BESIDE.client(service, region_name=region)


def _bucket(url: str) -> str:
    return (urlsplit(url).hostname or "").split(".")[0]


def _response(url: str, status: int, body: dict[str, Any] | bytes) -> AWSResponse:
    class Raw:
        def stream(self, **_: Any) -> Iterator[bytes]:
            yield body if isinstance(body, bytes) else json.dumps(body).encode()

    return AWSResponse(url, status, {}, Raw())


@pytest.fixture(scope="module")
def same_wire() -> Iterator[Wire]:
    """The wire of all tests: Strata's clients, which are made once for a profile and an environment, go through it."""
    wire, made, client = Wire(), dict[object, Any](), Session.client
    hooks = [("before-send", wire.before), ("after-call", wire.after)]

    def once(session: Session, *words: Any) -> Any:
        key = (words, *sorted(item for item in os.environ.items() if item[0].startswith("AWS_")))
        if key not in made:
            made[key] = client(session, *words)
        return made[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.handlers, "BUILTIN_HANDLERS", [*hooks, *botocore.handlers.BUILTIN_HANDLERS])
        patch.setattr(Session, "client", once)
        yield wire


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch, same_wire: Wire) -> Iterator[Wire]:
    """An empty management account, and credentials for it in the environment."""
    for name in [name for name in os.environ if name.startswith(("AWS_", "STRATA_", "MOTO_"))]:
        monkeypatch.delenv(name)
    with mock_aws():
        monkeypatch.setenv("MOTO_ACCOUNT_ID", OURS)
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
            monkeypatch.setenv(name, "of-tests")
        for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
            monkeypatch.setenv(name, os.devnull)
        monkeypatch.setattr(time, "sleep", lambda _: None)
        vars(wire := same_wire).update(vars(Wire()))
        wire.answer("sso-admin.ListInstances", 200, {"Instances": []}, times=99)
        yield wire
    assert not wire.unnamed_owner, "every S3 call names the owner it expects, or a stranger's bucket gets the state"


PROJECT = f"""name: acme
short_name: ac
management_account:
  id: "{OURS}"
  name: master
  email: master@example.com
regions:
  primary: eu-west-1
  secondary: eu-central-1
"""
ORGANIZATION = """organizational_units:
  security:
accounts:
  audit:
    email: aws+audit@acme.io
    organizational_unit: security
"""


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small valid configuration; moto's management account is always master@example.com, so that address may pass."""
    folder = tmp_path / "config"
    folder.mkdir()
    (folder / "project.yaml").write_text(PROJECT)
    (folder / "organization.yaml").write_text(ORGANIZATION)
    (folder / "security.yaml").write_text("budget:\n  mode: off\n")
    (folder / "sso.yaml").write_text("users: {}\n")
    monkeypatch.setattr("strata.landing_zone.examples._DOMAINS", ("example.org", "test"))
    return folder


@pytest.fixture
def strata(config: Path, wire: Wire) -> Callable[..., Any]:
    """The command as an operator runs it; the record of calls starts anew each time."""

    def run(*arguments: str, input: str | None = None) -> Any:
        wire.calls.clear()
        return CliRunner().invoke(app, ["bootstrap", "--config", str(config), *arguments], input=input)

    return run


def state_of_the_account(wire: Wire) -> dict[str, Any]:
    """What is in the account, of what bootstrap makes."""
    s3, dynamodb, bucket = wire.client("s3"), wire.client("dynamodb"), {"Bucket": STATE}
    table = dynamodb.describe_table(TableName=TABLE)["Table"]
    encryption = s3.get_bucket_encryption(**bucket)["ServerSideEncryptionConfiguration"]["Rules"][0]
    backups = dynamodb.describe_continuous_backups(TableName=TABLE)["ContinuousBackupsDescription"]
    return {
        "organization": wire.client("organizations").describe_organization()["Organization"]["FeatureSet"],
        "bucket": {
            "region": s3.head_bucket(**bucket)["BucketRegion"],
            "tags": _plain(s3.get_bucket_tagging(**bucket)["TagSet"]),
            "versioning": s3.get_bucket_versioning(**bucket).get("Status"),
            "public": list(s3.get_public_access_block(**bucket)["PublicAccessBlockConfiguration"].values()),
            "ownership": s3.get_bucket_ownership_controls(**bucket)["OwnershipControls"]["Rules"][0]["ObjectOwnership"],
            "encryption": encryption["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"],
        },
        "table": {
            "key": [(key["AttributeName"], key["KeyType"]) for key in table["KeySchema"]],
            "billing": table["BillingModeSummary"]["BillingMode"],
            "protected": table["DeletionProtectionEnabled"],
            "recovery": backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"],
            "tags": _plain(dynamodb.list_tags_of_resource(ResourceArn=table["TableArn"])["Tags"]),
        },
    }


def _plain(tags: list[dict[str, str]]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in tags}


def make_bucket(wire: Wire, name: str = STATE, region: str = "eu-west-1") -> Any:
    """Makes a bucket beside Strata and returns the client for it."""
    s3 = wire.client("s3", region)
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": region})
    return s3


def put_object(s3: Any, key: str) -> None:
    """Puts an object into the state bucket."""
    s3.put_object(Bucket=STATE, Key=key, Body=b"{}")


def make_table(wire: Wire, key: str = "LockID", type: str = "S", **more: Any) -> None:
    """Makes a lock table beside Strata."""
    wire.client("dynamodb").create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": type}],
        **more,
    )


def assert_refused(said: Said, result: Any, wire: Wire, *ids: str, code: int = 1) -> list[Told]:
    """Asserts the exit code, the ids of the refusals, and that nothing was written; returns the refusals."""
    assert result.exit_code == code, result.output
    told = said(result)
    assert [one.id for one in told] == [*ids]
    assert wire.writes == []
    return told


# What it makes


def test_an_empty_account_gets_everything(strata: Any, wire: Wire) -> None:
    result = strata("--yes")
    assert result.exit_code == 0, result.output
    assert wire.writes == WRITES
    assert state_of_the_account(wire) == COMPLETE


def test_the_plan_comes_before_anything_is_made(strata: Any, wire: Wire, golden: Golden) -> None:
    result = strata("--dry-run")
    assert result.exit_code == 0
    assert wire.writes == []
    golden("bootstrap/plan.txt", result.stdout)


def test_a_second_run_changes_nothing_and_does_not_ask(strata: Any, wire: Wire) -> None:
    strata("--yes")
    result = strata()
    assert result.exit_code == 0, result.output
    assert wire.writes == []
    assert "nothing to do" in result.stderr


@pytest.mark.parametrize("when", [pytest.param("before", marks=pytest.mark.e2e), "after"])
@pytest.mark.parametrize("call", WRITES)
def test_interrupted_at_any_write_the_next_run_ends_right(strata: Any, wire: Wire, when: str, call: str) -> None:
    wire.cut = (when, call)
    assert strata("--yes").exit_code == 130
    assert strata("--yes").exit_code == 0
    assert state_of_the_account(wire) == COMPLETE


@pytest.mark.parametrize(
    "other",
    [
        {"short_name: ac": "short_name: other"},
        {"primary: eu-west-1": "primary: eu-west-2", "short_name: ac": "short_name: ad"},
    ],
    ids=["another short name", "another region with it"],
)
def test_no_second_store_is_made_beside_the_one_with_the_states(
    strata: Any, wire: Wire, config: Path, said: Said, other: dict[str, str]
) -> None:
    """As `strata plan` refuses it; who wants another bucket writes its name."""
    assert strata("--yes").exit_code == 0
    wire.client("s3").put_object(Bucket=STATE, Key="management/backend/terraform.tfstate", Body=b"{}")
    text = PROJECT
    for old, new in other.items():
        text = text.replace(old, new)
    (config / "project.yaml").write_text(text)

    refused = strata("--yes")

    assert (refused.exit_code, wire.writes) == (1, [])
    (told,) = said(refused.stderr)
    assert (told.id, told.data["seen"]) == ("states-elsewhere", [STATE])
    (config / "project.yaml").write_text(f"{text}state: {{bucket: acme-states-{OURS}}}\n")
    assert strata("--yes").exit_code == 0
    assert "s3.CreateBucket" in wire.writes


def test_a_store_that_holds_no_states_yet_stops_no_other(strata: Any, wire: Wire, config: Path) -> None:
    assert strata("--yes").exit_code == 0
    (config / "project.yaml").write_text(PROJECT.replace("short_name: ac", "short_name: other"))

    assert strata("--yes").exit_code == 0


def test_us_east_1_is_not_named_as_a_location(strata: Any, wire: Wire, config: Path) -> None:
    (config / "project.yaml").write_text(PROJECT.replace("primary: eu-west-1", "primary: us-east-1"))
    assert strata("--yes").exit_code == 0
    s3 = wire.client("s3", "us-east-1")
    assert s3.head_bucket(Bucket=STATE)["BucketRegion"] == "us-east-1"


def test_what_is_left_for_a_human_is_said(strata: Any, wire: Wire, config: Path, golden: Golden) -> None:
    """A stack is named as check, plan and doctor name it, the layer of what accounts inherit among them."""
    budget = "defaults:\n  root:\n    budget:\n      mode: on\n      limit_usd: 100\n"
    (config / "organization.yaml").write_text(ORGANIZATION + budget)
    _, _, left = strata("--yes").stdout.partition("\nnext:\n")
    golden("bootstrap/next.txt", left.replace(str(config), "CONFIG"))


@pytest.mark.parametrize(("owner", "left"), [(OURS, False), (THEIRS, True)])
def test_identity_center_is_left_to_do_until_this_account_has_it(
    strata: Any, wire: Wire, owner: str, left: bool
) -> None:
    wire.answers["sso-admin.ListInstances"] = [(200, {"Instances": [{"OwnerAccountId": owner}]})]
    assert ("IAM Identity Center" in strata("--yes").stdout) is left


# Asking


def test_without_a_terminal_it_wants_yes(strata: Any, wire: Wire, said: Said) -> None:
    assert_refused(said, strata(), wire, "nobody-to-ask", code=2)


@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("n\n", 1), ("\n", 1), ("", 1)])
def test_it_asks_and_takes_only_yes_for_yes(
    strata: Any, wire: Wire, monkeypatch: pytest.MonkeyPatch, answer: str, code: int
) -> None:
    monkeypatch.setattr("strata.terminal.interactive", lambda: True)
    result = strata(input=answer)
    assert result.exit_code == code, result.output
    assert f" {OURS}? [y/N]" in result.stderr
    assert bool(wire.writes) is (code == 0)


# Who and with what


def test_another_account_is_refused_naming_both(
    strata: Any, wire: Wire, said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOTO_ACCOUNT_ID", THEIRS)
    (told,) = assert_refused(said, strata("--yes"), wire, "wrong-account")
    assert told.data == {"account": THEIRS, "expected": OURS}
    assert {call for call, _ in wire.calls} == {"sts.GetCallerIdentity"}


def test_root_is_warned(strata: Any, wire: Wire, said: Said) -> None:
    found = f"<Arn>arn:aws:iam::{OURS}:root</Arn><Account>{OURS}</Account>"
    answer = f"<Response><GetCallerIdentityResult>{found}</GetCallerIdentityResult></Response>"
    wire.answer("sts.GetCallerIdentity", 200, answer.encode())
    assert "root-user" in said.ids(strata("--dry-run"))


def test_all_placeholders_are_refused_at_once(config: Path, strata: Any, wire: Wire, said: Said) -> None:
    project = PROJECT.replace(OURS, "111122223333").replace("@example.com", "@aws.example.org")
    (config / "project.yaml").write_text(project)
    organization = ORGANIZATION.replace("@acme.io", "@Example.ORG") + 'unmanaged_accounts:\n  - "000000000000"\n'
    (config / "organization.yaml").write_text(organization)
    told = assert_refused(said, strata("--yes"), wire, *["example-value"] * 4)
    assert {(one.place.removeprefix(f"{config}/"), one.data["value"]) for one in told} == {
        ("project.yaml:4: management_account.id", "111122223333"),
        ("project.yaml:6: management_account.email", "master@aws.example.org"),
        ("organization.yaml:5: accounts.audit.email", "aws+audit@Example.ORG"),
        ("organization.yaml:8: unmanaged_accounts[1]", "000000000000"),
    }
    assert wire.calls == []


def test_another_region_than_the_primary_is_refused(strata: Any, wire: Wire, said: Said) -> None:
    (told,) = assert_refused(said, strata("--yes", "--region", "us-east-2"), wire, "other-region")
    assert told.data == {"region": "us-east-2", "expected": "eu-west-1"}


# The organization


def _organization(**more: str) -> dict[str, Any]:
    return {"Organization": {"Id": "o-abcdefghij", "MasterAccountId": OURS, "FeatureSet": "ALL", **more}}


def test_a_member_of_another_organization_is_refused(strata: Any, wire: Wire, said: Said) -> None:
    wire.answer("organizations.DescribeOrganization", 200, _organization(MasterAccountId=THEIRS))
    (told,) = assert_refused(said, strata("--yes"), wire, "other-organization")
    assert told.data == {"account": OURS, "management": THEIRS}


def test_an_organization_that_exists_stays(strata: Any, wire: Wire) -> None:
    wire.client("organizations").create_organization(FeatureSet="ALL")
    result = strata("--yes")
    assert result.exit_code == 0, result.output
    assert wire.writes == WRITES[1:]


def test_an_organization_made_by_somebody_meanwhile_is_taken(strata: Any, wire: Wire) -> None:
    wire.client("organizations").create_organization(FeatureSet="ALL")
    wire.refuse("organizations.DescribeOrganization", "AWSOrganizationsNotInUseException")
    wire.refuse("organizations.DescribeOrganization", "AWSOrganizationsNotInUseException")
    assert strata("--yes").exit_code == 0
    assert state_of_the_account(wire) == COMPLETE


def test_it_waits_until_the_organization_answers(strata: Any, wire: Wire) -> None:
    wire.refuse("organizations.ListRoots", "FinalizingOrganizationException", times=3)
    result = strata("--yes")
    assert result.exit_code == 0, result.output
    assert "waiting for the organization" in result.stderr


def test_it_does_not_wait_for_ever_and_has_made_the_rest(strata: Any, wire: Wire, said: Said) -> None:
    wire.refuse("organizations.ListRoots", "FinalizingOrganizationException", times=99)
    result = strata("--yes")
    assert result.exit_code == 1
    assert said.ids(result)[-1] == "not-ready"
    assert wire.writes == WRITES


# The buckets


@pytest.mark.parametrize(("bucket", "key"), [(STATE, "state.bucket"), (REPLICA, "state.bucket"), (TRAIL, "short_name")])
def test_a_bucket_of_a_stranger_is_refused(strata: Any, wire: Wire, said: Said, bucket: str, key: str) -> None:
    wire.foreign.add(bucket)
    (told,) = assert_refused(said, strata("--yes"), wire, "bucket-not-ours")
    assert told.data["bucket"] == bucket
    assert key in told.text


def test_a_name_that_is_taken_between_look_and_creation_is_explained(strata: Any, wire: Wire, said: Said) -> None:
    wire.refuse("s3.CreateBucket", "BucketAlreadyExists", status=409)
    result = strata("--yes")
    assert result.exit_code == 1
    told = said(result)[-1]
    assert (told.id, told.data) == ("name-taken", {"kind": "bucket", "name": STATE})
    assert wire.writes == WRITES[:2]


@pytest.mark.parametrize("delete", [False, True])
def test_a_bucket_with_something_else_in_it_is_refused(strata: Any, wire: Wire, said: Said, delete: bool) -> None:
    """A deleted object counts: its versions are somebody's."""
    s3 = make_bucket(wire)
    s3.put_bucket_versioning(Bucket=STATE, VersioningConfiguration={"Status": "Enabled"})
    put_object(s3, "management/backend/terraform.tfstate")
    put_object(s3, "photos/cat.jpg")
    if delete:
        s3.delete_object(Bucket=STATE, Key="photos/cat.jpg")
    (told,) = assert_refused(said, strata("--yes"), wire, "bucket-in-use")
    assert told.data == {"bucket": STATE, "key": "photos/cat.jpg"}


def test_a_bucket_with_nothing_but_our_state_is_adopted(strata: Any, wire: Wire) -> None:
    s3 = make_bucket(wire)
    locked = "management/sso/terraform.tfstate.tflock"
    for key in ("management/backend/terraform.tfstate", locked, kept.RUNS, "management/sso/terraform.tfstate.begun"):
        put_object(s3, key)
    assert strata("--yes").exit_code == 0
    assert state_of_the_account(wire) == COMPLETE


def test_a_bucket_tagged_as_ours_is_adopted_and_keeps_its_tags(strata: Any, wire: Wire) -> None:
    s3 = make_bucket(wire)
    put_object(s3, "management/network/terraform.tfstate")
    tags = [{"Key": "ManagedBy", "Value": "strata"}, {"Key": "Owner", "Value": "platform"}]
    s3.put_bucket_tagging(Bucket=STATE, Tagging={"TagSet": tags})
    assert strata("--yes").exit_code == 0
    assert state_of_the_account(wire)["bucket"]["tags"] == {**TAGS, "Owner": "platform"}


def test_half_a_public_access_block_is_completed(strata: Any, wire: Wire) -> None:
    block = {"BlockPublicAcls": True, "BlockPublicPolicy": False}
    make_bucket(wire).put_public_access_block(Bucket=STATE, PublicAccessBlockConfiguration=block)
    assert strata("--yes").exit_code == 0
    assert state_of_the_account(wire)["bucket"]["public"] == [True] * 4


@pytest.mark.parametrize(("bucket", "wanted"), [(STATE, "eu-west-1"), (REPLICA, "eu-central-1")])
def test_a_bucket_in_another_region_is_refused(strata: Any, wire: Wire, said: Said, bucket: str, wanted: str) -> None:
    make_bucket(wire, bucket, "eu-north-1")
    (told,) = assert_refused(said, strata("--yes"), wire, "bucket-elsewhere")
    assert told.data == {"bucket": bucket, "region": "eu-north-1", "expected": wanted}


# The lock table


@pytest.mark.parametrize(("key", "type"), [("id", "S"), ("LockID", "B")])
def test_a_table_with_another_key_is_refused(strata: Any, wire: Wire, said: Said, key: str, type: str) -> None:
    make_table(wire, key, type)
    (told,) = assert_refused(said, strata("--yes"), wire, "table-in-use")
    assert (told.data["table"], told.data["keys"]) == (TABLE, [f"{key} {type}"])


def test_a_table_that_exists_gets_what_it_lacks(strata: Any, wire: Wire) -> None:
    strata("--yes")
    dynamodb = wire.client("dynamodb")
    dynamodb.update_table(TableName=TABLE, DeletionProtectionEnabled=False)
    dynamodb.delete_table(TableName=TABLE)
    make_table(wire, Tags=[{"Key": "Owner", "Value": "platform"}])
    result = strata("--yes")
    assert result.exit_code == 0, result.output
    assert wire.writes == ["dynamodb.UpdateTable", "dynamodb.UpdateContinuousBackups", "dynamodb.TagResource"]
    assert state_of_the_account(wire)["table"] == COMPLETE["table"] | {"tags": TAGS | {"Owner": "platform"}}


def test_recovery_is_tried_again_while_aws_prepares_it(strata: Any, wire: Wire) -> None:
    wire.refuse("dynamodb.UpdateContinuousBackups", "ContinuousBackupsUnavailableException", times=2)
    assert strata("--yes").exit_code == 0
    assert state_of_the_account(wire) == COMPLETE


# Errors


def test_every_refusal_is_reported_at_once(strata: Any, wire: Wire, said: Said) -> None:
    wire.answer("organizations.DescribeOrganization", 200, _organization(FeatureSet="CONSOLIDATED_BILLING"), times=9)
    make_table(wire, "id")
    wire.foreign |= {STATE, REPLICA}
    assert_refused(
        said, strata("--yes"), wire, "features-missing", "bucket-not-ours", "bucket-not-ours", "table-in-use"
    )


@pytest.mark.parametrize(
    ("call", "code", "id"),
    [
        ("dynamodb.DescribeTable", "AccessDeniedException", "aws-denied"),
        ("organizations.DescribeOrganization", "TooManyRequestsException", "aws-throttled"),
        ("dynamodb.DescribeTable", "ExpiredTokenException", "sign-in-expired"),
        ("dynamodb.DescribeTable", "UnrecognizedClientException", "credentials-rejected"),
        ("dynamodb.DescribeTable", "ValidationException", "aws-failed"),
    ],
)
def test_what_aws_refuses_is_one_line(strata: Any, wire: Wire, said: Said, call: str, code: str, id: str) -> None:
    wire.refuse(call, code, times=9)
    result = strata("--yes")
    (told,) = assert_refused(said, result, wire, id)
    assert told.data.get("action") == (None if id == "sign-in-expired" else call.replace(".", ":"))
    assert len([line for line in result.stderr.splitlines() if line.startswith("error: ")]) == 1


def test_no_credentials_is_said(strata: Any, wire: Wire, said: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    assert_refused(said, strata("--yes"), wire, "no-credentials")


def test_an_unknown_profile_is_said(strata: Any, wire: Wire, said: Said) -> None:
    (told,) = assert_refused(said, strata("--yes", "--profile", "nobody"), wire, "unknown-name")
    assert (told.data["kind"], told.data["name"]) == ("profile", "nobody")


def test_an_expired_sign_in_names_the_command(
    strata: Any, wire: Wire, said: Said, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    account = f"sso_account_id = {OURS}\nsso_role_name = admin\n"
    sso = "sso_start_url = https://x.awsapps.com/start\nsso_region = eu-west-1\n"
    (tmp_path / "aws").write_text(f"[profile ac-bootstrap]\n{sso}{account}")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "aws"))
    monkeypatch.setenv("HOME", str(tmp_path))
    (told,) = assert_refused(said, strata("--yes", "--profile", "ac-bootstrap"), wire, "sign-in-expired")
    assert "aws sso login --profile ac-bootstrap" in told.text


# With an emulator


def test_an_emulator_that_is_not_running_is_said(
    strata: Any, wire: Wire, said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    assert_refused(said, strata("--yes"), wire, "aws-unreachable")
