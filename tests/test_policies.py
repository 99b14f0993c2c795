"""The shipped policies do what their descriptions say: requests are put to the documents, and to nothing else."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from strata.config.models import RegionRestriction, Targets
from strata.landing_zone.placeholders import fill, placeholder_values
from strata.landing_zone.policies import region_restriction_policy
from strata.load import load
from tests.evaluation import Context, allowed, denied
from tests.synthesized import Deployment, policy

TEMPLATE = Path(__file__).parents[1] / "strata/template"
ACCOUNT = "111122223333"
IAM = f"arn:aws:iam::{ACCOUNT}"
EXEMPT = ("stacksets-exec-*", "AWSControlTowerExecution")


def role(name: str) -> str:
    return f"{IAM}:role/{name}"


def sso_role(permission_set: str, region: str = "") -> str:
    """Returns the role of a permission set, which has a region in its path outside of us-east-1."""
    folder = f"aws-reserved/sso.amazonaws.com/{region and region + '/'}"
    return role(f"{folder}AWSReservedSSO_{permission_set}_0123456789abcdef")


@cache
def shipped_policy(name: str, exempt: tuple[str, ...] = EXEMPT) -> dict[str, Any]:
    """Returns a policy of the template as AWS gets it, in a project with exempt roles."""
    project = load(TEMPLATE).project.model_copy(update={"exempt_roles": exempt})
    text = json.dumps(json.loads((TEMPLATE / f"policies/{name}.json").read_text()), separators=(",", ":"))
    document: dict[str, Any] = json.loads(fill(text, {**placeholder_values(project)}))
    return document


def minified(document: dict[str, Any]) -> str:
    return json.dumps(document, separators=(",", ":"))


# DevOps

HOME = {"aws:RequestedRegion": "us-west-2"}
BOUNDARY = f"{IAM}:policy/devops-boundary"
OTHER = (f"{IAM}:policy/devops-boundary-2", "arn:aws:iam::aws:policy/AdministratorAccess", None)
OWN, FOREIGN = role("devops/builder"), role("builder")

ESCALATIONS = {
    "somebody's role": ("sts:AssumeRole", FOREIGN),
    "the access role": ("sts:AssumeRole", role("OrganizationAccountAccessRole")),
    "the deploy role of the CDK": ("sts:AssumeRole", role("cdk-hnb659fds-deploy-role-1")),
    "a root session": ("sts:AssumeRoot", "*"),
    # Lambda, EC2, ECS, Glue, CloudFormation, CodeBuild, SSM, Step Functions: all by a role that is passed.
    "the role of the CDK in CloudFormation": ("iam:PassRole", role("cdk-hnb659fds-cfn-exec-role-1")),
    "a stack set with the role of the account": ("cloudformation:CreateStackSet", "*"),
    "a stack set that is there": ("cloudformation:UpdateStackSet", "*"),
    "instances of a stack set": ("cloudformation:CreateStackInstances", "*"),
    "a permission set": ("sso:AttachManagedPolicyToPermissionSet", "*"),
    "an assignment": ("sso:CreateAccountAssignment", "*"),
    "a member of a group of Identity Center": ("identitystore:CreateGroupMembership", "*"),
    "a guardrail": ("organizations:DetachPolicy", "*"),
    "jobs with roles of their own": ("datapipeline:CreatePipeline", "*"),
    "notebooks with roles of their own": ("sagemaker:CreatePresignedNotebookInstanceUrl", "*"),
}
"""The known ways to more rights beside IAM's own calls, each by the call that it needs.

Not closed, because no policy can tell: code put into a service that already has a stronger role (Lambda, ECS,
CodeBuild, a stack, an instance reached by SSM), and a secret that opens more. docs/access.md says so.
"""
OF_OTHERS = (
    *(FOREIGN, role("OrganizationAccountAccessRole"), BOUNDARY, f"{IAM}:policy/devops/x"),
    *(f"{IAM}:user/admin", f"{IAM}:user/devops/x", f"{IAM}:group/admins", f"{IAM}:instance-profile/x"),
    *(f"{IAM}:saml-provider/x", f"{IAM}:oidc-provider/x", "*"),
)
"""What no call of IAM may change: users, groups, policies, providers, and roles that are not below its path."""


@pytest.mark.parametrize("way", ESCALATIONS)
def test_devops_has_no_way_to_more_rights(way: str) -> None:
    action, resource = ESCALATIONS[way]
    assert not allowed(shipped_policy("devops"), action, resource, HOME | {"iam:PermissionsBoundary": BOUNDARY})


@pytest.mark.parametrize(
    "action",
    ["iam:AttachRolePolicy", "iam:CreateRole", "iam:DeleteRolePolicy", "iam:DetachRolePolicy", "iam:PutRolePolicy"],
)
def test_devops_makes_roles_in_its_path_and_within_the_boundary_only(action: str) -> None:
    devops = shipped_policy("devops")
    assert allowed(devops, action, OWN, {"iam:PermissionsBoundary": BOUNDARY})
    assert not allowed(devops, action, FOREIGN, {"iam:PermissionsBoundary": BOUNDARY})
    for boundary in OTHER:
        assert not allowed(devops, action, OWN, {"iam:PermissionsBoundary": boundary} if boundary else {})


def test_devops_writes_nothing_else_of_iam_than_what_is_listed_here() -> None:
    """Nothing of others, and no boundary of its own: a new call is thought through before it is added."""
    from botocore.session import get_session

    calls = {f"iam:{name}" for name in get_session().get_service_model("iam").operation_names} | {"iam:PassRole"}
    writes = {call for call in calls if not call.startswith(("iam:Get", "iam:List", "iam:Simulate", "iam:Generate"))}
    context = HOME | {"iam:PermissionsBoundary": BOUNDARY}
    resources = (OWN, f"{IAM}:instance-profile/devops/x", role("aws-service-role/x.amazonaws.com/X"))

    devops = shipped_policy("devops")
    assert {call for call in writes if any(allowed(devops, call, one, context) for one in resources)} == {
        "iam:AddRoleToInstanceProfile",
        "iam:AttachRolePolicy",
        "iam:CreateInstanceProfile",
        "iam:CreateRole",
        "iam:CreateServiceLinkedRole",
        "iam:DeleteInstanceProfile",
        "iam:DeleteRole",
        "iam:DeleteRolePolicy",
        "iam:DetachRolePolicy",
        "iam:PassRole",
        "iam:PutRolePolicy",
        "iam:RemoveRoleFromInstanceProfile",
        "iam:TagInstanceProfile",
        "iam:TagRole",
        "iam:UntagInstanceProfile",
        "iam:UntagRole",
        "iam:UpdateAssumeRolePolicy",
        "iam:UpdateRole",
        "iam:UpdateRoleDescription",
    }  # fmt: skip
    assert [(call, one) for call in writes for one in OF_OTHERS if allowed(devops, call, one, context)] == []


def test_the_boundary_may_be_the_document_itself() -> None:
    """docs/access.md makes the boundary of it, and a managed policy is smaller than an inline one."""
    assert len(minified(shipped_policy("devops"))) <= 6144


SIZES = [
    ("ec2:RunInstances", "ec2", "instance/i-1", {"ec2:InstanceType": "m7i.24xlarge"}, False),
    ("ec2:RunInstances", "ec2", "instance/i-1", {"ec2:InstanceType": "m7i.xlarge"}, True),
    ("ec2:RunInstances", "ec2", "instance/i-1", {"ec2:InstanceType": "m7i.metal"}, False),
    ("ec2:RunInstances", "ec2", "volume/vol-1", {}, True),
    ("ec2:ModifyInstanceAttribute", "ec2", "instance/i-1", {"ec2:Attribute/InstanceType": "m7i.24xlarge"}, False),
    ("ec2:ModifyInstanceAttribute", "ec2", "instance/i-1", {"ec2:Attribute/InstanceType": "m7i.large"}, True),
    ("ec2:ModifyInstanceAttribute", "ec2", "instance/i-1", {"ec2:Attribute": "SourceDestCheck"}, True),
    ("ec2:RequestSpotInstances", "ec2", "instance/i-1", {}, False),
    ("ec2:CreateFleet", "ec2", "fleet/x", {}, False),
    ("rds:CreateDBInstance", "rds", "db:x", {"rds:DatabaseClass": "db.r7g.16xlarge"}, False),
    ("rds:CreateDBInstance", "rds", "db:x", {"rds:DatabaseClass": "db.t4g.large"}, True),
    ("rds:CreateDBInstance", "rds", "pg:x", {}, True),
    ("rds:CreateDBInstanceReadReplica", "rds", "db:x", {"rds:DatabaseClass": "db.r7g.16xlarge"}, False),
    ("rds:RestoreDBInstanceFromDBSnapshot", "rds", "db:x", {"rds:DatabaseClass": "db.r7g.16xlarge"}, False),
    ("rds:RestoreDBInstanceFromDBSnapshot", "rds", "db:x", {}, False),
    ("rds:RestoreDBInstanceToPointInTime", "rds", "db:x", {"rds:DatabaseClass": "db.r7g.16xlarge"}, False),
    ("rds:ModifyDBInstance", "rds", "db:x", {"rds:DatabaseClass": "db.t4g.large"}, False),
    ("rds:CreateDBCluster", "rds", "cluster:x", {"rds:DatabaseClass": "db.r7g.16xlarge"}, False),
    ("rds:CreateDBCluster", "rds", "cluster:x", {}, True),
]


@pytest.mark.parametrize(("action", "service", "name", "context", "expected"), SIZES)
def test_devops_reaches_small_sizes_only(
    action: str, service: str, name: str, context: dict[str, str], expected: bool
) -> None:
    """Neither at once, nor by a change, nor from a snapshot."""
    resource = f"arn:aws:{service}:us-west-2:{ACCOUNT}:{name}"
    assert allowed(shipped_policy("devops"), action, resource, HOME | context) is expected


def test_devops_stays_in_the_regions_in_use() -> None:
    assert allowed(shipped_policy("devops"), "lambda:CreateFunction", "*", HOME)
    assert not allowed(shipped_policy("devops"), "lambda:CreateFunction", "*", {"aws:RequestedRegion": "eu-west-3"})


# protect-foundation

SWITCHES = (
    "access-analyzer:CreateArchiveRule",
    "access-analyzer:DeleteAnalyzer",
    "cloudtrail:StopLogging",
    "config:DeleteConfigurationRecorder",
    "config:PutConfigurationRecorder",
    "config:PutDeliveryChannel",
    "config:StopConfigurationRecorder",
    "ec2:DisableEbsEncryptionByDefault",
    "ec2:DisableSnapshotBlockPublicAccess",
    "guardduty:DeleteDetector",
    "guardduty:DisassociateFromMasterAccount",
    "guardduty:UpdateDetector",
    "s3:PutAccountPublicAccessBlock",
    "securityhub:BatchDisableStandards",
    "securityhub:DisableSecurityHub",
    "securityhub:DisassociateFromMasterAccount",
)


@pytest.mark.parametrize("action", SWITCHES)
def test_only_exempt_roles_switch_security_services_off(action: str) -> None:
    foundation = shipped_policy("protect-foundation")
    for name in ("Admin", "aws-reserved/sso.amazonaws.com/AWSReservedSSO_Administrator_0123456789abcdef"):
        assert denied(foundation, action, "*", {"aws:PrincipalArn": role(name)})
    for name in ("OrganizationAccountAccessRole", "stacksets-exec-0123456789abcdef", "AWSControlTowerExecution"):
        assert not denied(foundation, action, "*", {"aws:PrincipalArn": role(name)})


@pytest.mark.parametrize("name", ["OrganizationAccountAccessRole", "stacksets-exec-mine", "AWSControlTowerExecution"])
def test_nobody_makes_or_changes_a_role_that_is_exempt(name: str) -> None:
    """Else every administrator of an account were exempt; a role that is exempt may, so one can bring the other."""
    foundation = shipped_policy("protect-foundation")
    for action in ("iam:CreateRole", "iam:UpdateAssumeRolePolicy", "iam:PutRolePolicy", "iam:AttachRolePolicy"):
        assert denied(foundation, action, role(name), {"aws:PrincipalArn": role("Admin")})
        assert not denied(foundation, action, role(name), {"aws:PrincipalArn": role("AWSControlTowerExecution")})
        assert not denied(foundation, action, role("mine"), {"aws:PrincipalArn": role("Admin")})


def test_without_the_option_the_access_role_alone_is_exempt() -> None:
    foundation = shipped_policy("protect-foundation", ())
    for name, exempt in (("OrganizationAccountAccessRole", True), ("AWSControlTowerExecution", False)):
        context = {"aws:PrincipalArn": role(name)}
        assert denied(foundation, "config:PutDeliveryChannel", "*", context) is not exempt


def test_exempt_roles_keep_off_the_state_like_all(shipped: Deployment) -> None:
    foundation = policy(shipped["organizations"]["aws_organizations_policy.protect-foundation"]["content"])
    # What Terraform fills in looks like a variable of IAM's.
    written = json.dumps(foundation).replace(foundation["Statement"][1]["Resource"][0], "arn:aws:s3:::state")
    for name in ("Admin", "OrganizationAccountAccessRole"):
        context: Context = {"aws:PrincipalArn": role(name)}
        assert denied(json.loads(written), "s3:GetObject", "arn:aws:s3:::state/management/x", context)


# protect-tagged

DELETIONS = (
    "dynamodb:DeleteTable", "ec2:DeleteVolume", "ec2:DeleteVpc", "ec2:DeregisterImage", "ec2:TerminateInstances",
    "ecr:DeleteRepository", "eks:DeleteCluster", "elasticfilesystem:DeleteFileSystem", "kms:DeleteImportedKeyMaterial",
    "kms:ScheduleKeyDeletion", "lambda:DeleteFunction", "logs:DeleteLogGroup", "rds:DeleteDBInstance",
    "secretsmanager:DeleteSecret",
)  # fmt: skip


@pytest.mark.parametrize("action", DELETIONS)
def test_what_is_tagged_is_not_deleted(action: str) -> None:
    """By nobody, administrators included: they take the tag off first. The value counts in any case."""
    tagged = shipped_policy("protect-tagged")
    for value in ("true", "True", "TRUE"):
        context = {"aws:ResourceTag/ProtectFromDeletion": value, "aws:PrincipalArn": sso_role("Administrator")}
        assert denied(tagged, action, "*", context)
    assert not denied(tagged, action, "*", {"aws:ResourceTag/ProtectFromDeletion": "false"})
    assert not denied(tagged, action, "*", {})


def test_every_deletion_of_ec2_is_named_and_taking_tags_off_is_none() -> None:
    from botocore.session import get_session

    names = [name for name in get_session().get_service_model("ec2").operation_names if name.startswith("Delete")]
    context = {"aws:ResourceTag/ProtectFromDeletion": "true", "aws:PrincipalArn": sso_role("Administrator")}
    missed = [name for name in names if not denied(shipped_policy("protect-tagged"), f"ec2:{name}", "*", context)]
    assert missed == ["DeleteTags"]


TAGGERS = {
    role("OrganizationAccountAccessRole"): True,
    role("AWSControlTowerExecution"): True,
    sso_role("Administrator"): True,
    sso_role("Administrator", "eu-west-1"): True,
    sso_role("BreakGlass"): True,
    sso_role("DevOps"): False,
    sso_role("Administrator_x"): False,
    sso_role("Administrator_0123456789abcdef"): False,
    sso_role("xAWSReservedSSO_Administrator"): False,
    role("aws-reserved/sso.amazonaws.com/AWSReservedSSO_Administrator_"): False,
    role("AWSReservedSSO_Administrator_0123456789abcdef"): False,
    role("Admin"): False,
}


@pytest.mark.parametrize("principal", TAGGERS)
@pytest.mark.parametrize("action", ["ec2:DeleteTags", "ec2:CreateTags", "kms:UntagResource", "lambda:UntagResource"])
def test_few_change_the_tag(principal: str, action: str) -> None:
    for spelling in ("ProtectFromDeletion", "protectfromdeletion"):
        context: Context = {
            "aws:PrincipalArn": principal,
            "aws:ResourceTag/ProtectFromDeletion": "true",
            "aws:TagKeys": ["Team", spelling],
        }
        assert denied(shipped_policy("protect-tagged"), action, "*", context) is not TAGGERS[principal]
    other: Context = {"aws:PrincipalArn": principal, "aws:TagKeys": ["Team"]}
    assert not denied(shipped_policy("protect-tagged"), action, "*", other)


# region_restriction


def in_region(region: str, name: str = "Admin") -> dict[str, str]:
    return {"aws:RequestedRegion": region, "aws:PrincipalArn": role(name)}


def restriction(*allowed: str, exempt_actions: tuple[str, ...] = ()) -> dict[str, Any]:
    return region_restriction_policy(
        RegionRestriction(allowed=allowed, exempt_actions=exempt_actions, targets=Targets(root=True))
    )


@pytest.mark.parametrize(
    ("action", "region", "expected"),
    [
        ("ec2:RunInstances", "eu-north-1", False),
        ("ec2:RunInstances", "us-east-1", True),
        ("ec2:RunInstances", "us-west-2", True),
        ("iam:CreateRole", "us-east-1", False),
        ("sts:AssumeRole", "us-west-2", False),
        ("acm:RequestCertificate", "us-east-1", False),
        ("wafv2:CreateWebACL", "us-east-1", False),
        ("kms:CreateKey", "us-east-1", False),
        ("config:PutConfigurationRecorder", "us-east-1", False),
        ("acm:RequestCertificate", "us-west-2", True),
        ("kms:CreateKey", "us-west-2", True),
        ("config:PutConfigurationRecorder", "us-west-2", True),
        ("wafv2:CreateWebACL", "us-west-2", True),
        ("kms:CreateKey", "eu-north-1", False),
    ],
)
def test_us_east_1_is_closed_unless_it_is_listed(action: str, region: str, expected: bool) -> None:
    """Global services stay open; of the regional ones only those that CloudFront and Config need there."""
    assert denied(restriction("eu-north-1"), action, "*", in_region(region)) is expected
    listed = restriction("eu-north-1", "us-east-1")
    assert denied(listed, action, "*", in_region(region)) is (expected and region != "us-east-1")
    assert len(listed["Statement"]) == 1


def test_exempt_actions_and_roles_stay_open_everywhere() -> None:
    exempt = restriction("eu-north-1", exempt_actions=("kms:Decrypt", "bedrock:InvokeModel*"))
    for action, expected in (("kms:Decrypt", False), ("bedrock:InvokeModel", False), ("kms:Encrypt", True)):
        assert denied(exempt, action, "*", in_region("us-west-2")) is expected
        assert not denied(exempt, action, "*", in_region("us-west-2", "OrganizationAccountAccessRole"))


# All of them
