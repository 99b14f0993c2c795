"""A setting of an account, or of a region of it, that security.yaml switches on."""

from __future__ import annotations

from collections.abc import Iterator

from strata.config.models import RegionalSetting
from strata.kinds.kind import Ask, Existing, Kind, Resource
from strata.landing_zone import LandingZone


def _addresses(zone: LandingZone) -> Iterator[str]:
    for name, control in zone.security.settings.items():
        if control.on and isinstance(control, RegionalSetting):
            declared = name in zone.declared_controls
            yield from (f"{control.address}_{region}" for region in zone.project.regions.all_governed if not declared)
        elif control.on:
            yield control.address


def _password_policy(ask: Ask) -> str | None:
    return "iam-account-password-policy" if ask.setting("password_policy") else None


SETTING = Kind(
    "setting",
    "security",
    (
        Resource("aws_ebs_encryption_by_default", "default[@<region>]"),
        Resource("aws_ebs_snapshot_block_public_access", "<region>[@<region>]"),
        Resource("aws_ec2_image_block_public_access", ""),
        Resource("aws_ec2_instance_metadata_defaults", ""),
        Resource(
            "aws_iam_account_password_policy",
            "iam-account-password-policy",
            existing=Existing(id=_password_policy, early=True),
        ),
        Resource("aws_s3_account_public_access_block", "<account id>"),
    ),
    addresses=_addresses,
)
