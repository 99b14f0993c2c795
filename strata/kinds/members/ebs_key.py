"""The key that encrypts new volumes, in a region of a member account for which one is given."""

from __future__ import annotations

from collections.abc import Iterator

from strata.config.source import Location
from strata.kinds.arguments import Attributes
from strata.kinds.kind import Resource
from strata.kinds.members.made import given, governed, in_member
from strata.landing_zone import LandingZone


def _declared(zone: LandingZone, account: str) -> Iterator[tuple[str, Attributes, Location]]:
    control = given(zone, account, "ebs_encryption")
    for region in governed(zone, account) if control else ():
        if arn := control.key_arns.get(region):
            at = zone.baseline[account].location("ebs_encryption", "key_arns", region)
            yield f"ebs_key in {region}", {"key_arn": arn}, at


VOLUME_KEY = in_member(
    "member setting",
    (Resource("aws_ebs_default_kms_key", "<key ARN>[@<region>]"),),
    control="ebs_key",
    called=lambda name, _: f"ebs_key in {name.partition('_')[2]}",
    declared=_declared,
    recorded=lambda state: {"key_arn": state.get("key_arn")},
    asked=lambda ask: {"key_arn": ask.client("ec2").get_ebs_default_kms_key_id()["KmsKeyId"]},
)
