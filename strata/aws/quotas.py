"""What AWS gives an organization, and how to ask for more."""

from __future__ import annotations

from strata.aws.session import Aws, unless_absent

QUOTA = {"ServiceCode": "organizations", "QuotaCode": "L-E619E033"}


def account_quota(aws: Aws) -> int:
    """Returns how many accounts AWS lets the organization have, closed ones among them.

    https://docs.aws.amazon.com/organizations/latest/userguide/orgs_reference_limits.html
    """
    client = aws.client("service-quotas", "us-east-1")
    own = unless_absent(lambda: client.get_service_quota(**QUOTA), ("NoSuchResourceException",))
    return int((own or client.get_aws_default_service_quota(**QUOTA))["Quota"]["Value"])


def more_accounts(number: int) -> str:
    """Returns the command that asks AWS for more accounts."""
    return (
        f"aws service-quotas request-service-quota-increase --region us-east-1 --service-code {QUOTA['ServiceCode']} "
        f"--quota-code {QUOTA['QuotaCode']} --desired-value {number}"
    )
