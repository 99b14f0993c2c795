"""What AWS rejects for some minutes after something else was created or switched on, and passes by itself."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence

from strata.errors import Message
from strata.terraform.events import Failure

PAUSES = (5, 15, 30, 60, 60, 60, 60)
"""The seconds to wait before each further try: seven tries, five minutes in all."""

_SETTLING = (
    (
        r"CloudTrailAccessNotEnabledException",
        "trusted-access-off",
        "CloudTrail does not see its trusted access in the organization yet",
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
https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html (IAM is eventually consistent).
"""


def settling(found: Sequence[Failure]) -> list[Message]:
    """Returns why each of these errors passes by itself, nothing if one of them does not."""
    reasons = [
        next((Message(case, why) for pattern, case, why in _SETTLING if re.search(pattern, one.text)), None)
        for one in found
    ]
    return list(dict.fromkeys(why for why in reasons if why)) if all(reasons) else []


def wait(seconds: float) -> None:
    """Waits; an interrupt ends it."""
    time.sleep(seconds)
