"""The import ids of what was found, by the Terraform address that the configuration gives it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from strata.adoption.describing import Description, Kind
from strata.config.models import RegionalSetting
from strata.config.text import address_part
from strata.inventory.things import Center, Inventory
from strata.landing_zone import LandingZone
from strata.landing_zone.addresses import delegation
from strata.landing_zone.permission_sets import ManagedPolicy, PermissionSet
from strata.landing_zone.units import Target


def import_ids(landing_zone: LandingZone, inventory: Inventory, found: Description) -> dict[str, str]:
    """Returns the lines of imports.yaml, sorted: whatever the stacks do not find by name themselves.

    The ids have the forms that the AWS provider's importers read.
    """
    ids = {kind: {key: id for id, key in keys.items()} for kind, keys in found.keys.items()}
    lines = dict(_organization(landing_zone, inventory, ids))
    lines |= dict(_settings(landing_zone))
    if inventory.center:
        lines |= dict(_center(landing_zone, inventory.center, ids))
    return dict(sorted(lines.items()))


Ids = Mapping[str, Mapping[str, str]]
"""Kind to key to id."""


def _organization(landing_zone: LandingZone, inventory: Inventory, ids: Ids) -> Iterator[tuple[str, str]]:
    for key, policy in landing_zone.policies.items():
        for target in policy.attachments:
            name = f"aws_organizations_policy_attachment.{key}_{target.address_part}"
            yield name, f"{_target(target, inventory, ids)}:{ids[Kind.POLICY][key]}"
    if landing_zone.organization.member_root_access:
        yield "aws_iam_organizations_features.main", inventory.organization.id
    for service, account in landing_zone.organization.delegated_administrators.items():
        address = f"aws_organizations_delegated_administrator.{delegation(service)}"
        yield address, f"{ids[Kind.ACCOUNT][account]}/{service}"


def _settings(landing_zone: LandingZone) -> Iterator[tuple[str, str]]:
    project = landing_zone.project
    account = project.management_account.id
    ids = {"s3_public_access": account, "password_policy": "iam-account-password-policy", "ebs_encryption": "default"}
    for name, control in landing_zone.security.settings.items():
        if control.on and isinstance(control, RegionalSetting):
            for region in project.regions.all_governed:
                yield f"{control.address}_{region}", f"{ids.get(name, region)}@{region}"
        elif control.on:
            yield control.address, ids[name]


def _target(target: Target, inventory: Inventory, ids: Ids) -> str:
    if target.kind == "root":
        return inventory.organization.root
    return ids[Kind.UNIT if target.unit else Kind.ACCOUNT][target.key]


def _center(landing_zone: LandingZone, center: Center, ids: Ids) -> Iterator[tuple[str, str]]:
    for key, user in landing_zone.users.items():
        if not user.external:
            yield f"aws_identitystore_user.{key}", f"{center.store}/{ids[Kind.USER][key]}"
    members = {group.id: group.members for group in center.groups}
    for key, group in landing_zone.groups.items():
        if group.external:
            continue
        yield f"aws_identitystore_group.{key}", f"{center.store}/{ids[Kind.GROUP][key]}"
        for member in group.members:
            membership = members[ids[Kind.GROUP][key]][ids[Kind.USER][member]]
            yield f"aws_identitystore_group_membership.{key}_{member}", f"{center.store}/{membership}"
    for one in landing_zone.permission_sets.values():
        yield from _permission_set(one, ids[Kind.SET][one.key], center.instance)
    if landing_zone.sso.access_control_attributes:
        yield "aws_ssoadmin_instance_access_control_attributes.main", center.instance
    for grant in landing_zone.grants:
        kind = Kind.GROUP if grant.principal_type == "GROUP" else Kind.USER
        where = f"{grant.account}_{grant.permission_set}_{grant.principal_type.lower()}_{grant.principal}"
        who = f"{ids[kind][grant.principal]},{grant.principal_type},{ids[Kind.ACCOUNT][grant.account]}"
        assigned = f"{who},AWS_ACCOUNT,{ids[Kind.SET][grant.permission_set]},{center.instance}"
        yield f"aws_ssoadmin_account_assignment.{where}", assigned


def _permission_set(one: PermissionSet, arn: str, instance: str) -> Iterator[tuple[str, str]]:
    whole = f"{arn},{instance}"
    yield f"aws_ssoadmin_permission_set.{one.key}", whole
    if one.inline:
        yield f"aws_ssoadmin_permission_set_inline_policy.{one.key}", whole
    if one.boundary:
        yield f"aws_ssoadmin_permissions_boundary_attachment.{one.key}", whole
    for policy in one.managed:
        yield _attached(one.key, policy), f"{_policy(policy)},{whole}"


def _attached(key: str, policy: ManagedPolicy) -> str:
    kind = "managed" if policy.aws else "customer_managed"
    return f"aws_ssoadmin_{kind}_policy_attachment.{key}_{address_part(policy.name)}"


def _policy(policy: ManagedPolicy) -> str:
    return f"arn:aws:iam::aws:policy/{policy.aws}" if policy.aws else f"{policy.customer},{policy.path}"
