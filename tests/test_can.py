"""`strata can`: three answers, the line that decides, and what would have to be known."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from strata.cli import app
from strata.config.source import shown
from strata.evaluation.landing_zone import NO_DEPLOYER, SOMEBODY
from tests.documents import CHECKOUT, blocks
from tests.said import Said
from tests.synthesized import COMPANY

SHIPPED = CHECKOUT / "strata" / "template"


def can(*words: str, config: Path = SHIPPED) -> Result:
    return CliRunner().invoke(app, ["can", *words, "--config", str(config)])


def facts(*words: str, config: Path = SHIPPED) -> Any:
    result = can(*words, "--json", config=config)
    assert result.exit_code in (0, 3), result.output
    found = json.loads(result.stdout)
    assert (found["answer"] == "allowed") is (result.exit_code == 0)
    return found


def answer(*words: str, config: Path = SHIPPED) -> str:
    return str(facts(*words, config=config)["answer"])


def depends_on(*words: str, config: Path = SHIPPED) -> set[str]:
    return {key for case in facts(*words, config=config)["cases"] for key in case["depends_on"]}


# The page


def test_the_page_shows_what_is_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each example of docs/guardrails.md prints what stands below it, up to a line with three dots."""
    shutil.copytree(SHIPPED, tmp_path / "config")
    monkeypatch.chdir(tmp_path)
    seen = 0
    for block in blocks(CHECKOUT / "docs/guardrails.md", "console"):
        if block.heading == "Expectations":
            continue  # of another configuration
        for example in re.split(r"^\$ strata ", block.text, flags=re.MULTILINE)[1:]:
            line, _, expected = example.partition("\n")
            result = CliRunner().invoke(app, shlex.split(line))
            shown = result.stdout + result.stderr
            if expected.endswith("...\n"):
                shown, expected = shown[: len(expected) - 4], expected[:-4]
            assert shown == expected, line
            seen += 1
    assert seen >= 5


# What decides


def test_a_denial_names_file_line_sid_and_level() -> None:
    found = facts("cloudtrail:StopLogging", "--in", "shared", "--as", "Administrator")
    decided = found["cases"][0]["decided_by"]
    lines = (SHIPPED / "policies/protect-foundation.json").read_text().splitlines()
    where = next(number for number, line in enumerate(lines, 1) if "KeepSecurityServicesOn" in line) - 1

    assert decided == {
        "level": "SCPs of organizational unit shared",
        "answer": "denied",
        "reason": "denies it",
        "file": shown(SHIPPED, "policies/protect-foundation.json"),
        "line": where,
        "sid": "KeepSecurityServicesOn",
        "depends_on": [],
    }


def test_the_policies_of_aws_that_allow_everything_go_by_their_names() -> None:
    words = ("s3:GetObject", "--in", "payments-prod", "--on", "arn:aws:s3:::x/y", "--region", "eu-central-1")
    told = can(*words, config=COMPANY).stdout
    assert re.search(r"^  SCPs of the root, .*: FullAWSAccess allows it$", told, re.MULTILINE), told
    assert re.search(r"^  RCPs of .*: RCPFullAWSAccess allows it$", told, re.MULTILINE), told


def test_an_option_that_makes_a_policy_is_named_by_its_line() -> None:
    words = ("ec2:RunInstances", "--in", "payments-prod", "--as", "role/ci", "--region", "us-west-2")
    decided = facts(*words, config=COMPANY)["cases"][0]["decided_by"]
    lines = (COMPANY / "organization.yaml").read_text().splitlines()

    assert (decided["sid"], decided["file"]) == ("DenyOtherRegions", "tests/company/organization.yaml")
    assert lines[decided["line"] - 1] == "region_restriction:"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        # Service control policies, and whom they do not bind.
        ("organizations:LeaveOrganization --in shared --as Administrator", "denied"),
        ("organizations:LeaveOrganization --in root --as Administrator", "denied"),
        ("cloudtrail:StopLogging --in management --as Administrator", "allowed"),
        ("cloudtrail:StopLogging --in shared --as OrganizationAccountAccessRole", "allowed"),
        ("cloudtrail:StopLogging --in shared --as role/ci", "denied"),
        ("iam:CreateUser --in shared --as root", "denied"),
        ("iam:CreateUser --in management --as root", "allowed"),
        ("iam:CreateUser --in shared --as root --with aws:AssumedRoot=true", "allowed"),
        # Tags of what a request is about.
        ("rds:DeleteDBInstance --in shared --as Administrator", "depends"),
        ("rds:DeleteDBInstance --in shared --as Administrator --with aws:ResourceTag/ProtectFromDeletion=", "allowed"),
        (
            "rds:DeleteDBInstance --in shared --as Administrator --with aws:resourcetag/protectfromdeletion=TRUE",
            "denied",
        ),
        ("ec2:CreateTags --in shared --as Administrator --with aws:TagKeys=ProtectFromDeletion", "allowed"),
        ("ec2:CreateTags --in shared --as DevOps --region us-east-1 --with aws:TagKeys=ProtectFromDeletion", "denied"),
        (
            "ec2:CreateTags --in shared --as DevOps --region us-east-1 --with aws:TagKeys=a --with aws:TagKeys=b",
            "allowed",
        ),
        # Permission sets.
        ("ec2:StopInstances --in shared --as DevOps --region us-west-2", "allowed"),
        ("ec2:StopInstances --in shared --as DevOps --region eu-west-1", "denied"),
        ("ec2:StopInstances --in shared --as DevOps --on arn:aws:ec2:eu-west-1:shared:instance/i-1", "denied"),
        ("ec2:StopInstances --in shared --as DevOps", "depends"),
        ("ec2:DescribeInstances --in shared --as ReadOnly", "allowed"),
        ("s3:DeleteBucket --in shared --as ReadOnly --on arn:aws:s3:::x", "denied"),
        ("iam:PassRole --in shared --as DevOps --on arn:aws:iam::shared:role/devops/x", "allowed"),
        ("iam:PassRole --in shared --as DevOps --on arn:aws:iam::security:role/devops/x", "depends"),
        # A user has all sets, in accounts where an assignment gives some.
        (
            "ec2:StopInstances --in shared --as jane.doe@example.com --on arn:aws:ec2:us-east-1:shared:instance/i-1",
            "allowed",
        ),
        ("iam:ListUsers --in shared --as finops", "denied"),
        ("iam:ListUsers --in management --as readonly", "denied"),
        # The resource's side.
        ("s3:GetObject --in shared --as Administrator --on arn:aws:s3:::ex-terraform-state-123456789012/x", "denied"),
        ("kms:Decrypt --in shared --as Administrator --on arn:aws:kms:us-east-1:shared:key/1", "depends"),
        ("kms:Decrypt --in shared --as FinOps --on arn:aws:kms:us-east-1:shared:key/1", "denied"),
        ("sts:AssumeRole --in shared --as Administrator --on arn:aws:iam::shared:role/x", "depends"),
        ("s3:PutObject --in management --as cloudtrail.amazonaws.com --on arn:aws:s3:::x/y", "depends"),
        # A star in the resource is any text, of which a policy may name some.
        ("s3:GetObject --in shared --as Administrator --on arn:aws:s3:::*", "depends"),
        ("s3:GetObject --in shared --as Administrator --on arn:aws:s3:::logs-*/x", "allowed"),
        ("s3:GetObject --in shared --as Administrator --on 'arn:aws:s3:::ex-terraform-state-123456789012/*'", "denied"),
        ("sqs:PurgeQueue --in shared --as DevOps --on 'arn:*:sqs:eu-*:shared:q'", "depends"),
        (
            "health:DescribeEventDetails --in shared --as Administrator --on arn:aws:health:global::event/EC2/X/y",
            "allowed",
        ),
        # A role by its ARN is one of that account.
        ("s3:ListBucket --in management --as arn:aws:iam::123456789012:role/ci", "depends"),
        ("cloudtrail:StopLogging --in shared --as arn:aws:iam::shared:role/OrganizationAccountAccessRole", "allowed"),
        # Service-linked roles: nothing binds them, but nobody has told what they may.
        ("ec2:RunInstances --in shared --as role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX", "depends"),
    ],
)
def test_answers(words: str, expected: str) -> None:
    assert answer(*shlex.split(words)) == expected


def test_what_an_answer_depends_on_is_named() -> None:
    assert depends_on("cloudtrail:StopLogging", "--in", "shared") == {"aws:PrincipalArn"}
    assert depends_on("ec2:StopInstances", "--in", "shared", "--as", "DevOps") == {"aws:RequestedRegion"}
    assert depends_on("s3:DeleteBucket", "--in", "shared", "--as", "Administrator") == {"the resource"}
    assert depends_on("kms:Decrypt", "--in", "shared", "--as", "Administrator") == {"the policy of the key"}
    assert depends_on("ec2:RunInstances", "--in", "shared", "--as", "role/ci") == {"the policies of role ci"}


@pytest.mark.parametrize(
    ("words", "hints"),
    [
        ("s3:DeleteBucket --in shared --as DevOps --region us-east-1", {}),
        ("sqs:PurgeQueue --in shared --as role/ci --on arn:aws:sqs:*:shared:q", {}),
        ("ec2:StopInstances --in shared --as DevOps", {"name-region": "aws:RequestedRegion"}),
        ("cloudtrail:StopLogging --in shared --as DevOps", {}),
        ("cloudtrail:StopLogging --in shared", {}),
        ("rds:DeleteDBInstance --in shared", {"say-what-request-has": "aws:ResourceTag/ProtectFromDeletion"}),
        ("organizations:CreateAccount --in management --as deployer", {"name-deployer": NO_DEPLOYER}),
        (
            "ec2:RunInstances --in sandbox",
            {
                "name-region": "aws:RequestedRegion",
                "name-resource": "the resource",
                "say-what-request-has": "ec2:InstanceType",
                "say-who-acts": "aws:PrincipalArn",
            },
        ),
    ],
)
def test_hints_say_how_to_name_what_is_missing(words: str, hints: dict[str, str], said: Said) -> None:
    told = said(can(*words.split(), config=COMPANY if "sandbox" in words else SHIPPED))

    assert {hint.id: hint.data["key"] for hint in told} == hints


@pytest.mark.parametrize(
    ("config", "administrator", "other"), [(SHIPPED, "security", "shared"), (COMPANY, "audit", "shared-services")]
)
def test_who_administers_the_services_may_do_that_work_and_end_none(
    config: Path, administrator: str, other: str
) -> None:
    """By account, and no more than archive rules, detectors and standards."""

    def answer(action: str, account: str) -> str:
        return can(action, "--in", account, config=config).stdout.splitlines()[0]

    for action in ADMINISTRATION:
        assert (answer(action, administrator), answer(action, other)[:6]) == ("allowed", "denied")
    for action in ("access-analyzer:DeleteAnalyzer", "guardduty:DeleteDetector", "securityhub:DisableSecurityHub"):
        assert answer(action, administrator)[:6] == "denied"


ADMINISTRATION = (
    *("access-analyzer:CreateArchiveRule", "access-analyzer:UpdateArchiveRule"),
    *("guardduty:UpdateDetector", "securityhub:BatchDisableStandards"),
)


# Whom


def test_what_is_denied_on_named_resources_alone_is_allowed_on_all_others(tmp_path: Path) -> None:
    """A script still gets `depends`. So does everybody where a condition or a variable decides as well."""
    config = Path(shutil.copytree(SHIPPED, tmp_path / "config"))
    deny: dict[str, Any] = {"Effect": "Deny", "Action": "sqs:*"}
    file = config / "policies/deny-leaving-organization.json"
    words = ("sqs:PurgeQueue", "--in", "ou/shared", "--as", "Administrator")

    def first(*resources: str, **more: Any) -> str:
        statements = [{**deny, "Resource": resource, **more} for resource in resources]
        file.write_text(json.dumps({"Version": "2012-10-17", "Statement": statements}))
        done = can(*words, config=config)
        assert done.exit_code == 3
        return done.stdout.splitlines()[0]

    queue, others = "arn:aws:sqs:*:*:audit", "arn:aws:sqs:*:*:keep-*"
    assert first(queue, others) == f"allowed, except on {queue}, {others}"
    (case,) = facts(*words, config=config)["cases"]
    assert (case["answer"], case["except_on"], case["depends_on"]) == ("depends", [queue, others], ["the resource"])
    assert first(queue, Condition={"Bool": {"aws:SecureTransport": "false"}}) == "depends"
    assert first("arn:aws:sqs:*:*:${aws:PrincipalAccount}-audit") == "depends"
    del deny["Action"]
    assert first(queue, NotAction="s3:*") == f"allowed, except on {queue}"


def test_a_statement_that_would_allow_but_for_a_condition_is_the_near_miss(tmp_path: Path) -> None:
    config = Path(shutil.copytree(SHIPPED, tmp_path / "config"))
    allow = {"Effect": "Allow", "Action": "sqs:*", "Resource": "arn:aws:sqs:*:*:orders", "Sid": "Orders"}
    conditions = {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}, "Bool": {"aws:SecureTransport": "true"}}
    document = {"Version": "2012-10-17", "Statement": [{**allow, "Condition": conditions}]}
    (config / "policies/devops.json").write_text(json.dumps(document, indent=2))

    def near(queue: str, address: str) -> list[str]:
        words = ["sqs:PurgeQueue", "--in", "shared", "--as", "DevOps", "--with", f"aws:SourceIp={address}"]
        words += ["--on", f"arn:aws:sqs:us-east-1:shared:{queue}"]
        (case,) = facts(*words, config=config)["cases"]
        if case["near_misses"]:
            assert f"\n    {case['near_misses'][0]}\n" in can(*words, config=config).stdout
        return list(case["near_misses"])

    where = shown(config, "policies/devops.json")
    assert near("orders", "198.51.100.7") == [f"{where}:4 Orders allows it but for aws:SourceIp"]
    assert near("other", "198.51.100.7") == []
    assert near("orders", "203.0.113.7") == []


def test_accounts_with_the_same_answer_are_told_together() -> None:
    words = ("ec2:RunInstances", "--in", "workloads", "--region", "ap-south-1")
    told = can(*words, config=COMPANY).stdout
    every = can(*words, "-v", config=COMPANY).stdout
    exempt = "denied, except role/OrganizationAccountAccessRole, role/stacksets-exec-*"
    somewhere = f"{SOMEBODY} in 5 accounts (data-dev, data-prod, payments-dev and 2 more): {exempt}"

    assert told.splitlines()[:3] == [exempt, "", somewhere]
    assert told.count(SOMEBODY) == 1
    assert f"in data-dev, data-prod, payments-dev, payments-prod, payments-staging: {exempt}" in every
    everywhere = can("ec2:RunInstances", "--in", "root", "--region", "ap-south-1", config=COMPANY).stdout
    assert everywhere.startswith("depends\n"), "where some accounts allow it, the first line says no more"
    people = can("s3:GetObject", "--in", "workloads", "--who", config=COMPANY).stdout
    assert people.count("anna-petersen as permission set Administrator in ") == 1


def test_who_lists_everybody_with_what_decides() -> None:
    found = facts("s3:DeleteBucket", "--in", "management", "--who")

    assert [(case["who"], case["as"], case["answer"]) for case in found["cases"]] == [
        ("jane-doe", "permission set Administrator", "allowed"),
        ("jane-doe", "permission set FinOps", "denied"),
    ]
    assert all(case["decided_by"] for case in found["cases"])


def test_a_unit_is_allowed_only_if_each_account_is() -> None:
    """`all accounts but one` is not allowed; each account has its own answer."""
    found = facts("ec2:RunInstances", "--in", "root", "--as", "role/ci", "--region", "us-west-2", config=COMPANY)
    accounts = [case["account"] for case in found["cases"]]

    assert len(accounts) == len(set(accounts)) == 10
    assert {case["answer"] for case in found["cases"]} == {"denied", "depends"}
    assert found["answer"] == "denied"
    assert answer("ec2:RunInstances", "--in", "shared", "--as", "DevOps", "--region", "us-east-1") == "depends"
    assert answer("s3:ListAllMyBuckets", "--in", "root", "--as", "ReadOnly") == "denied"  # no access in security


def test_a_name_of_both_an_account_and_a_unit_with_others_is_refused(tmp_path: Path, said: Said) -> None:
    shutil.copytree(SHIPPED, tmp_path / "config")
    organization = tmp_path / "config/organization.yaml"
    text = organization.read_text()
    more = "accounts:\n  tools:\n    email: aws+tools@example.com\n    organizational_unit: shared\n"
    organization.write_text(text.replace("accounts:\n", more, 1))

    def asked(where: str) -> Result:
        return can("sns:Publish", "--in", where, "--json", config=tmp_path / "config")

    def accounts(where: str) -> list[str]:
        return [case["account"] for case in json.loads(asked(where).stdout)["cases"]]

    refused = can("sns:Publish", "--in", "shared", config=tmp_path / "config")
    (told,) = said(refused)
    assert (refused.exit_code, told.id) == (2, "name-ambiguous")
    assert told.data == {"name": "shared", "keys": ["account/shared", "ou/shared"]}
    assert accounts("account/shared") == ["shared"]
    assert accounts("ou/shared") == ["shared", "tools"]


def test_the_session_of_a_user_has_its_tags(tmp_path: Path) -> None:
    """A tag that follows from the user is filled in; another one may be sent wherever somebody can send any."""
    shutil.copytree(SHIPPED, tmp_path / "config")
    sso = tmp_path / "config/sso.yaml"
    text = sso.read_text()
    statement = {"Effect": "Allow", "Action": "sqs:*", "Resource": "arn:aws:sqs:*:*:${aws:PrincipalTag/TAG}"}
    policy = tmp_path / "config/policies/devops.json"

    def found(tag: str) -> str:
        written = json.dumps({"Version": "2012-10-17", "Statement": [statement]}).replace("TAG", tag)
        policy.write_text(written)
        queue = "arn:aws:sqs:us-east-1:shared:jane.doe@example.com"
        words = ("sqs:PurgeQueue", "--in", "shared", "--as", "jane-doe", "--on", queue)
        cases = facts(*words, config=tmp_path / "config")["cases"]
        return next(str(case["answer"]) for case in cases if case["as"] == "permission set DevOps")

    assert (found("Mail"), found("Team"), found("Other")) == ("denied", "denied", "denied")
    sso.write_text(
        text + "access_control_attributes:\n  Mail: ${path:userName}\n  Team: ${path:enterprise.department}\n"
    )
    assert (found("Mail"), found("Team"), found("Other")) == ("allowed", "depends", "depends")
    sso.write_text(text.replace("\ngroups:\n", "\ngroups:\n  auditors:\n    external: true\n"))
    assert found("Team") == "depends"


def guarded(tmp_path: Path, *conditions: dict[str, Any]) -> Path:
    """Returns the configuration with which everybody begins, with an SCP that denies S3 and SQS under conditions."""
    shutil.copytree(SHIPPED, tmp_path / "config")
    found = [{"Effect": "Deny", "Action": ["sqs:*", "s3:*"], "Resource": "*", "Condition": one} for one in conditions]
    policy = tmp_path / "config/policies/deny-leaving-organization.json"
    policy.write_text(json.dumps({"Version": "2012-10-17", "Statement": found}))
    return tmp_path / "config"


def test_the_region_of_a_request_is_that_of_the_service_or_of_the_resource(tmp_path: Path) -> None:
    """A role is passed where the service is asked, a bucket tells no region."""
    config = guarded(tmp_path, {})
    policy = config / "policies/deny-leaving-organization.json"
    statement: dict[str, Any] = {"Effect": "Deny", "Action": ["iam:GetRole", "iam:PassRole", "s3:*", "sqs:*"]}
    statement |= {"Resource": "*", "Condition": {"StringNotEquals": {"aws:RequestedRegion": "eu-west-1"}}}
    policy.write_text(json.dumps({"Version": "2012-10-17", "Statement": statement}))

    def found(action: str, *words: str) -> str:
        return answer(action, "--in", "shared", "--as", "Administrator", *words, config=config)

    assert found("iam:GetRole") == found("iam:GetRole", "--region", "us-east-1") == "denied"
    assert (found("iam:PassRole"), found("iam:PassRole", "--region", "eu-west-1")) == ("depends", "allowed")
    assert found("sqs:SendMessage", "--on", "arn:aws:sqs:eu-west-1:shared:q", "--region", "eu-west-1") == "allowed"
    assert found("sqs:SendMessage", "--on", "arn:aws:sqs:*:shared:q", "--region", "us-east-1") == "denied"
    assert found("s3:GetObject", "--on", "arn:aws:s3:::x/y", "--region", "eu-west-1") == "allowed"


def test_a_negation_of_a_variable_without_a_value_denies(tmp_path: Path) -> None:
    """The example of AWS's page: `Access is explicitly denied when aws:principaltag/Team is not set`."""
    config = guarded(tmp_path, {"StringNotEquals": {"s3:ExistingObjectTag/Team": "${aws:PrincipalTag/Team}"}})
    words = ("s3:GetObject", "--in", "shared", "--as", "Administrator", "--on", "arn:aws:s3:::x/y")
    tagged = ("--with", "s3:ExistingObjectTag/Team=data")

    assert answer(*words, *tagged, config=config) == "denied"
    assert answer(*words, *tagged, "--with", "aws:PrincipalTag/Team=data", config=config) == "allowed"


OPEN, CLOSED = {"aws:SecureTransport": "true"}, {"aws:SecureTransport": "false"}
NO_ENDPOINT, ENDPOINT = {"aws:SourceVpce": "true"}, {"aws:SourceVpce": "false"}
OFFICE = {"aws:SourceIp": "203.0.113.0/24"}
ITSELF, BY_SERVICE = {"aws:ViaAWSService": "false"}, {"aws:ViaAWSService": "true"}
STACKS = {"aws:CalledVia": "cloudformation.amazonaws.com"}


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        # Together they deny whatever the key is.
        ([{"Null": NO_ENDPOINT}, {"Null": ENDPOINT}], "denied"),
        ([{"StringLikeIfExists": {"aws:SourceVpce": "*"}}], "denied"),
        ([{"Bool": OPEN}, {"BoolIfExists": CLOSED}], "denied"),
        ([{"IpAddress": OFFICE}, {"NotIpAddress": OFFICE}], "denied"),
        ([{"StringLikeIfExists": {"aws:SourceVpce": "v*"}}, {"StringNotLike": {"aws:SourceVpce": "v*"}}], "denied"),
        ([{"Bool": OPEN, "Null": NO_ENDPOINT}, {"BoolIfExists": CLOSED}, {"Null": ENDPOINT}], "denied"),
        ([{"Bool": ITSELF}, {"Bool": BY_SERVICE}], "denied"),
        # None does.
        ([{"Null": NO_ENDPOINT, "StringLike": {"aws:SourceVpce": "*"}}], "allowed"),
        ([{"IpAddress": OFFICE, "NotIpAddress": OFFICE}], "allowed"),
        # There are values for which none does.
        ([{"StringLike": {"aws:SourceVpce": "*"}}], "depends"),
        ([{"Bool": OPEN}, {"Bool": CLOSED}], "depends"),
        ([{"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}}, {"Null": {"aws:SourceIp": "true"}}], "depends"),
        ([{"StringLike": {"aws:SourceVpce": "a*"}, "StringNotLike": {"aws:SourceVpce": ["*b", "*c"]}}], "depends"),
        ([{"StringLike": {"aws:SourceVpce": "a*"}, "StringLikeIfExists": {"aws:SourceVpce": "*b"}}], "depends"),
        ([{"StringLike": {"aws:SourceIp": "10.1.*"}, "IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}], "depends"),
        # Two comparisons of a key count as independent.
        ([{"IpAddress": OFFICE, "NotIpAddress": {"aws:SourceIp": "203.0.0.0/16"}}], "depends"),
        ([{"StringLike": {"aws:SourceVpce": "vpce-*"}}, {"StringNotLike": {"aws:SourceVpce": "v*"}}], "depends"),
        # A service may call on behalf of the principal.
        ([{"Bool": ITSELF}], "depends"),
        ([{"Bool": BY_SERVICE}], "depends"),
        ([{"Null": {"aws:CalledVia": "true"}}], "depends"),
        ([{"ForAnyValue:StringEquals": STACKS}], "depends"),
        # It is another key with which one is compared.
        ([{"StringNotEquals": {"aws:PrincipalAccount": "${aws:SourceVpce}"}}], "depends"),
        # More keys than are tried out.
        ([{"Null": {f"aws:RequestTag/{one}": "true"}} for one in "abcdefghi"] + [{"Null": ENDPOINT}], "depends"),
    ],
)
def test_an_open_key_whose_every_value_gives_one_answer_decides_nothing(
    tmp_path: Path, conditions: list[dict[str, Any]], expected: str
) -> None:
    config = guarded(tmp_path, *conditions)

    assert answer("sqs:PurgeQueue", "--in", "shared", "--as", "Administrator", config=config) == expected


def test_it_is_said_on_which_keys_nothing_depends(tmp_path: Path) -> None:
    config = guarded(tmp_path, {"Null": NO_ENDPOINT}, {"Null": ENDPOINT})
    case = facts("sqs:PurgeQueue", "--in", "shared", "--as", "Administrator", config=config)["cases"][0]

    assert case["decided_by"]["reason"].endswith("whatever aws:SourceVpce is")
    assert case["depends_on"] == []
    assert case["decided_by"] in case["chain"]


@pytest.mark.parametrize("operator", ["IpAddress", "NotIpAddress"])
def test_a_range_of_which_a_part_is_in_that_of_a_policy_leaves_it_open(tmp_path: Path, operator: str) -> None:
    config = guarded(tmp_path, {operator: OFFICE})
    words = ["sqs:PurgeQueue", "--in", "shared", "--as", "Administrator", "--with"]
    ranges = ("203.0.0.0/16", "203.0.113.7", "203.0.113.128/25", "198.51.100.0/24", "::/0")

    answers = [answer(*words, f"aws:SourceIp={one}", config=config) for one in ranges]

    inside, outside = ("denied", "allowed") if operator == "IpAddress" else ("allowed", "denied")
    assert answers == ["depends", inside, inside, outside, outside]


def test_several_values_that_are_compared_as_one_leave_it_open_and_nothing_to_say(tmp_path: Path, said: Said) -> None:
    config = guarded(tmp_path, {"StringEquals": {"aws:TagKeys": "a"}})
    words = ["sqs:TagQueue", "--in", "shared", "--as", "Administrator", "--with", "aws:TagKeys=b"]
    both = [*words, "--with", "aws:TagKeys=a"]

    assert answer(*words, config=config) == "allowed"
    assert depends_on(*both, config=config) == {"aws:TagKeys"}
    assert said(can(*both, config=config)) == []


# Options of sso.yaml


@pytest.mark.parametrize(
    ("action", "resource", "expected"),
    [
        ("s3:GetObject", "arn:aws:s3:::nw-terraform-state-471112350983/sso/terraform.tfstate", "allowed"),
        ("s3:DeleteObject", "arn:aws:s3:::nw-terraform-state-471112350983/sso/terraform.tfstate", "denied"),
        ("s3:GetObject", "arn:aws:s3:::nw-terraform-state-471112350983-replica/x", "denied"),
        ("dynamodb:PutItem", "arn:aws:dynamodb:eu-central-1:management:table/nw-terraform-lock", "allowed"),
        ("kms:Decrypt", "arn:aws:kms:eu-central-1:management:key/1", "depends"),
    ],
)
def test_access_to_the_state_is_judged_by_its_policy(action: str, resource: str, expected: str) -> None:
    """Its key alone has an ARN that is not known before a deploy."""
    words = (action, "--in", "management", "--as", "StateAccess", "--on", resource)

    assert answer(*words, config=COMPANY) == expected


# The deployer


def deployer(tmp_path: Path, text: str) -> Path:
    shutil.copytree(SHIPPED, tmp_path / "config")
    with (tmp_path / "config/project.yaml").open("a") as file:
        file.write(text)
    return tmp_path / "config"


def test_the_deployer_is_who_project_yaml_names(tmp_path: Path) -> None:
    policies = "    - inline: policies/deny-root-user.json\n    - aws: AdministratorAccess\n"
    config = deployer(tmp_path, f"\ndeployer:\n  role: ci/deploy\n  policies:\n{policies}")

    assert answer("organizations:CreateAccount", "--in", "management", "--as", "deployer", config=config) == "allowed"
    words = ("sts:AssumeRole", "--in", "shared", "--as", "deployer", "--on")
    assert answer(*words, "arn:aws:iam::shared:role/OrganizationAccountAccessRole", config=config) == "allowed"
    assert answer(*words, "arn:aws:iam::shared:role/other", config=config) == "depends"


def test_a_deployer_that_is_not_named_is_what_the_answer_depends_on(tmp_path: Path) -> None:
    words = ("organizations:CreateAccount", "--in", "management", "--as", "deployer")

    assert depends_on(*words) == {NO_DEPLOYER}
    (unnamed,) = depends_on(*words, config=deployer(tmp_path, "\ndeployer:\n  role: deploy\n"))
    assert unnamed.startswith("the policies of")


# Mistakes


ANYONE, PLACE = ["user", "group", "permission set"], ["account", "organizational unit"]


@pytest.mark.parametrize(
    ("words", "code", "id", "data"),
    [
        ("cloudtrail:StopLoging --in shared", 1, "unknown-action", {"action": "cloudtrail:StopLoging"}),
        ("cloudtrails:StopLogging --in shared", 1, "unknown-service", {"service": "cloudtrails"}),
        ("s3:Get* --in shared", 2, "not-one-action", {"value": "s3:Get*"}),
        ("GetObject --in shared", 2, "not-one-action", {"value": "GetObject"}),
        ("s3:GetObject --in sharde", 1, "unknown-name", {"name": "sharde", "kinds": PLACE}),
        ("s3:GetObject --in shared --as janedoe", 1, "unknown-name", {"name": "janedoe", "kinds": ANYONE}),
        ("s3:GetObject --in shared --on bucket", 2, "text-malformed", {"kind": "ARN", "value": "bucket"}),
        (
            "ec2:DescribeInstances --in shared --on arn:aws:ec2:eu-central-1:shared:instance/i-1",
            2,
            "action-not-on-resource",
            {"action": "ec2:DescribeInstances", "resource": "arn:aws:ec2:eu-central-1:shared:instance/i-1"},
        ),
        (
            "s3:GetObject --in shared --on arn:aws:sqs:x:sharde:q",
            2,
            "unknown-name",
            {"name": "sharde", "kind": "account"},
        ),
        ("s3:GetObject --in shared --on arn:awss:s3:::x/y", 2, "unknown-name", {"name": "awss", "kind": "partition"}),
        ("sqs:PurgeQueue --in shared --on arn:aws:sqs:eu-north-?x:*:q", 2, "unknown-region", {"region": "eu-north-?x"}),
        ("s3:GetObject --in shared --with foo", 2, "argument-malformed", {"option": "--with", "value": "foo"}),
        ("s3:GetObject --in shared --with s3:prefx=x", 2, "unknown-condition-key", {"key": "s3:prefx"}),
        (
            "s3:GetObject --in shared --with aws:SourceIp=203.0.114.256",
            2,
            "text-malformed",
            {"key": "aws:sourceip", "value": "203.0.114.256"},
        ),
        ("s3:GetObject --in shared --region eu-west1", 2, "unknown-region", {"region": "eu-west1"}),
        (
            "iam:GetRole --in shared --region eu-west-1",
            2,
            "region-fixed",
            {"action": "iam:GetRole", "region": "us-east-1"},
        ),
        (
            "iam:GetRole --in shared --with aws:RequestedRegion=eu-west-1",
            2,
            "region-fixed",
            {"action": "iam:GetRole", "region": "us-east-1"},
        ),
        (
            "sqs:SendMessage --in shared --on arn:aws:sqs:eu-west-1:shared:q --region us-east-1",
            2,
            "region-fixed",
            {"action": "sqs:SendMessage", "region": "eu-west-1"},
        ),
        ("s3:GetObject --in shared --as role/", 2, "text-malformed", {"kind": "role", "value": ""}),
        ("s3:GetObject --in shared --as role/ci-*", 2, "text-malformed", {"kind": "role", "value": "ci-*"}),
        ("s3:GetObject --in shared --as ''", 1, "unknown-name", {"name": "", "kinds": ANYONE}),
        ("s3:GetObject --in shared --as '' --who", 2, "arguments-conflict", {"options": ["--who", "--as"]}),
        (
            "s3:GetObject --in shared --as arn:aws:iam::111111111111:role/OrganizationAccountAccessRole",
            2,
            "wrong-account",
            {"name": "111111111111", "account": "shared"},
        ),
        ("s3:GetObject --in ou/nothing", 1, "unknown-name", {"name": "ou/nothing", "kinds": PLACE}),
        ("s3:GetObject --in shared --who --as jane-doe", 2, "arguments-conflict", {"options": ["--who", "--as"]}),
    ],
)
def test_mistakes_are_named_with_the_remedy(words: str, code: int, id: str, data: dict[str, Any], said: Said) -> None:
    result = can(*shlex.split(words))

    (told,) = said(result)
    assert (result.exit_code, told.id, {**told.data, **data}) == (code, id, told.data)
    assert not result.stdout
