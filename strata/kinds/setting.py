"""A setting of an account, or of a region of it, that security.yaml switches on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from strata.config import SECURITY
from strata.config.models import Project, RegionalSetting, Setting
from strata.kinds.arguments import Attributes
from strata.kinds.kind import AlreadyExists, Kind, Resource
from strata.kinds.thing import Thing
from strata.landing_zone import LandingZone

RESOURCES: Mapping[str, Resource] = {
    "ebs_encryption": Resource("aws_ebs_encryption_by_default", "default[@<region>]"),
    "instance_metadata": Resource("aws_ec2_instance_metadata_defaults", ""),
    "snapshot_public_access": Resource("aws_ebs_snapshot_block_public_access", "<region>[@<region>]"),
    "image_public_access": Resource("aws_ec2_image_block_public_access", ""),
    "s3_public_access": Resource("aws_s3_account_public_access_block", "<account id>"),
    "password_policy": Resource(
        "aws_iam_account_password_policy",
        "iam-account-password-policy",
        existing=AlreadyExists(id="iam-account-password-policy", early=lambda ask: ask.setting("password_policy")),
    ),
}
"""What each setting of security.yaml is in Terraform."""


def address_of(key: str, region: str = "") -> str:
    """Returns the address of a setting, in a region unless the whole account has it."""
    return f"{RESOURCES[key].type}.{_resource_name(region)}"


def _resource_name(region: str) -> str:
    return f"main_{region}" if region else "main"


def regions_of(control: Setting, project: Project) -> tuple[str, ...]:
    """Returns the regions that have a setting of their own; an empty text for what the whole account has."""
    return project.regions.all_governed if isinstance(control, RegionalSetting) else ("",)


def name_of(key: str, region: str) -> str:
    """Returns the name of a setting of security.yaml, in a region unless the whole account has it."""
    return f"{key} in {region}" if region else key


def key_of(name: str) -> str:
    """Returns the key of security.yaml in the name of a setting or a control."""
    return name.partition(" ")[0]


def values_of(control: Setting, values: Attributes) -> dict[str, Any]:
    """Returns the values of arguments; AWS leaves out what is not set, where Terraform has zero or an empty text."""
    arguments = (*control.arguments.values(), *control.always)
    return {argument: 0 if values.get(argument) in (None, "") else values[argument] for argument in arguments}


def set_values(control: Setting) -> dict[str, Any]:
    """Returns what a control sets; where a zero that nobody wrote leaves an argument out, AWS has nothing."""
    return {**dict.fromkeys(control.arguments.values(), 0), **control.values}


def _declared(zone: LandingZone) -> Iterator[Thing]:
    for key, control in zone.security.settings.items():
        if not control.on or key in zone.declared_controls:
            continue
        for region in regions_of(control, zone.project):
            yield Thing("setting", name_of(key, region), set_values(control), SECURITY, (key,))


SETTING = Kind(
    "setting",
    "security",
    tuple(RESOURCES.values()),
    addresses=lambda zone: (
        address_of(key, region)
        for key, control in zone.security.settings.items()
        if control.on and not (isinstance(control, RegionalSetting) and key in zone.declared_controls)
        for region in regions_of(control, zone.project)
    ),
    declared=_declared,
    recorded=lambda states: (
        Thing("setting", name_of(key, region), values_of(control, setting))
        for key, control in states.zone.security.settings.items()
        for region in regions_of(control, states.zone.project)
        if (setting := states.of(RESOURCES[key].type).get(_resource_name(region))) is not None
    ),
    live=lambda aws: (
        Thing("setting", name_of(key, region), values_of(control, aws.inventory.settings.get(key, {}).get(region, {})))
        for key, control in aws.zone.security.settings.items()
        if control.on and key not in aws.zone.declared_controls
        for region in regions_of(control, aws.zone.project)
    ),
)
