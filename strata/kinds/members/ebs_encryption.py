"""Whether new volumes are encrypted, in a region of a member account."""

from __future__ import annotations

from strata.kinds.members.made import setting
from strata.kinds.setting import RESOURCES

VOLUMES = setting(
    "ebs_encryption",
    (RESOURCES["ebs_encryption"],),
    values=lambda control: control.values,
    recorded=lambda state: {"enabled": bool(state.get("enabled"))},
    asked=lambda ask: {"enabled": ask.client("ec2").get_ebs_encryption_by_default()["EbsEncryptionByDefault"]},
)
