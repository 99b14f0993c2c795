"""Regions that an account has to enable: until then they take nobody's credentials for valid.

https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-regions.html
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.aws.calls import Call, Parameters, Refused, Service, order
from tests.aws.memory import of

account, ec2 = Service("account"), Service("ec2")
_BY_DEFAULT = {
    *("ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-southeast-1", "ap-southeast-2"),
    *("ca-central-1", "eu-central-1", "eu-north-1", "eu-west-1", "eu-west-2", "eu-west-3", "sa-east-1"),
    *("us-east-1", "us-east-2", "us-west-1", "us-west-2"),
}
_INVALID = "The security token included in the request is invalid."
_WORDS = {"ec2": ("AuthFailure", "AWS was not able to validate the provided access credentials", 401)}
_OF_QUERIES = ("InvalidClientTokenId", _INVALID, 403)
_OTHER = ("UnrecognizedClientException", _INVALID, 400)
"""https://github.com/turbot/steampipe-plugin-aws/issues/75 (EC2),
https://github.com/hashicorp/terraform-provider-aws/issues/12940 (STS)."""


@dataclass
class Enabled:
    """The regions that an account has enabled."""

    regions: set[str] = field(default_factory=set)


@order("regions")
def enable(account: str, regions: list[str]) -> None:
    """Has an account enable regions, as its owner does."""
    of(Enabled, account, "").regions.update(regions)


def require_enabled(call: Call) -> None:
    """Raises where the region of a call is not enabled in its account."""
    if call.region in _BY_DEFAULT or call.region.startswith("aws-"):
        return
    if _status(call.account, call.region) != "ENABLED":
        queries = call.service in ("cloudformation", "cloudwatch", "sns", "sqs", "sts")
        code, text, status = _WORDS.get(call.service, _OF_QUERIES if queries else _OTHER)
        raise Refused(code, text, status=status)


@ec2.answers("DescribeRegions")
def describe(call: Call) -> Parameters:
    """Lists all regions, or those that can be used."""
    said = call.moto
    for region in said["Regions"]:
        name = region["RegionName"]
        closed = "opted-in" if _status(call.account, name) == "ENABLED" else "not-opted-in"
        region["OptInStatus"] = "opt-in-not-required" if name in _BY_DEFAULT else closed
    if not call.parameters.get("AllRegions"):
        said["Regions"] = [one for one in said["Regions"] if one["OptInStatus"] != "not-opted-in"]
    return said


def _status(account: str, region: str) -> str:
    if region in _BY_DEFAULT:
        return "ENABLED_BY_DEFAULT"
    return "ENABLED" if region in of(Enabled, account, "").regions else "DISABLED"
