"""What AWS rejects for some minutes after something else was created or switched on, and passes by itself."""

from __future__ import annotations

import re
import time

from strata.aws.session import emulator
from strata.errors import Message
from strata.terraform.events import Failure

PAUSES = (5, 15, 30, 60, 60, 60, 60, 60, 60)
"""The seconds to wait before each further try: nine tries, seven minutes in all.

Access Analyzer keeps a refusal for five minutes, as the AWS provider says (`organizationCreationTimeout` in
internal/service/accessanalyzer/analyzer.go).
"""

OURS = "account-is-ours"
"""The case of an account whose address is taken by itself."""

_SETTLING = (
    (
        r"CloudTrailAccessNotEnabledException",
        "trusted-access-off",
        "CloudTrail does not see its trusted access in the organization yet",
    ),
    (
        r"Service not enabled for AWS Organizations",
        "analyzer-trust-not-seen",
        "Access Analyzer does not see its trusted access in the organization yet",
    ),
    (
        r"ServiceAccessNotEnabled",
        "iam-trust-not-seen",
        "IAM does not see its trusted access in the organization yet",
    ),
    (
        (
            r"Account Assignment .* create: .*"
            r"(Obtaining permissions to manage your AWS account|An unexpected internal service exception)"
        ),
        "account-not-prepared",
        "Identity Center cannot work in the new account yet",
    ),
    (
        r"can only be shared within your AWS Organization.*onboarding process is still in progress",
        "sharing-not-seen",
        "RAM does not see yet that it may share with the organization",
    ),
    (
        r"InsufficientDependencyServiceAccessPermissionException",
        "organization-not-reached",
        "CloudTrail cannot reach the organization yet",
    ),
    (
        r"NoManagementAccountSLRExistsException",
        "cloudtrail-role-missing",
        "CloudTrail has no service-linked role in the management account yet",
    ),
    (
        r"InsufficientS3BucketPolicyException",
        "bucket-policy-not-seen",
        "CloudTrail does not see the policy of its bucket yet",
    ),
    (
        r"Service role name AWSServiceRole\w+ has been taken",
        "service-linked-role-taken",
        "AWS has just created the service-linked role itself",
    ),
    (
        r"NoSuchEntity.*AWSServiceRole|AWSServiceRole.*NoSuchEntity",
        "service-linked-role-not-seen",
        "IAM does not show the service-linked role yet",
    ),
)
"""Errors that the provider does not repeat itself, the case, and the reason.

https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_CreateTrail.html,
https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html (IAM is eventually consistent),
https://github.com/nozaq/terraform-aws-secure-baseline/issues/184 (Access Analyzer and CloudTrail),
https://github.com/hashicorp/terraform-provider-aws/issues/7769 (RAM), of Identity Center
https://github.com/aws-samples/aws-identitycenter-codepipeline-auto-assignment/issues/31,
https://github.com/aws/aws-cli/issues/8356, https://github.com/hashicorp/terraform-provider-aws/issues/26807.
"""


def settling(failure: Failure) -> Message | None:
    """Returns why an error passes by itself, None if it does not."""
    if failure.remedy and failure.remedy.id == OURS:
        return Message("account-in-the-making", "AWS makes the account already, for an earlier request")
    return next((Message(case, why) for pattern, case, why in _SETTLING if re.search(pattern, failure.text)), None)


def is_being_made(failure: Failure) -> bool:
    """Says whether AWS makes the account still that has the address: another request would find it taken again."""
    return bool(failure.remedy and failure.remedy.id == OURS and not failure.remedy.data["listed"])


def wait(seconds: float) -> None:
    """Waits; an interrupt ends it. An emulated AWS has no minutes: there another look is enough."""
    time.sleep(0 if emulator() else seconds)
