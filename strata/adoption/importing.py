"""The import ids of what was found, by the Terraform address that the configuration gives it."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from strata.adoption.describing import Keys, Kind
from strata.adoption.live_ids import live_ids
from strata.config import moves
from strata.config.models import RegionalSetting
from strata.config.moves import KINDS
from strata.config.text import address_part
from strata.inventory.things import Assignment, Center, Inventory
from strata.kinds.assignment import assignment_id
from strata.kinds.organization import delegation
from strata.landing_zone import LandingZone
from strata.landing_zone.grants import Grant
from strata.landing_zone.permission_sets import AWS_MANAGED, ManagedPolicy, PermissionSet
from strata.landing_zone.units import Target


def import_ids(
    landing_zone: LandingZone, inventory: Inventory, keys: Keys, controls: Collection[str]
) -> dict[str, str]:
    """Returns the lines of imports.yaml, sorted: what AWS has and the stacks do not find by name themselves.

    The ids have the forms that the AWS provider's importers read.

    Args:
        landing_zone: what gets imported.
        inventory: what AWS has.
        keys: kind to id to key.
        controls: the controls of security.yaml that the account has as they are declared.
    """
    there, wanted = live_ids(inventory), candidates(landing_zone, inventory, keys)
    lines = {address: id for address, id in wanted.items() if (address.partition(".")[0], id) in there}
    lines |= dict(_settings(landing_zone, inventory, controls))
    return dict(sorted(lines.items()))


def candidates(landing_zone: LandingZone, inventory: Inventory, keys: Keys) -> dict[str, str]:
    """Returns the ids that what is declared has at AWS, if AWS has it, by address."""
    ids = {kind: {key: id for id, key in keys.get(kind, {}).items()} for kind in KINDS}
    lines = dict(_organization(landing_zone, inventory, ids))
    if inventory.center:
        lines |= dict(_center(landing_zone, inventory.center, ids))
    return lines


Ids = Keys
"""Kind to key to id."""


def _organization(landing_zone: LandingZone, inventory: Inventory, ids: Ids) -> Iterator[tuple[str, str]]:
    for key, policy in landing_zone.policies.items():
        for target in policy.attachments:
            at, id = _target(target, inventory, ids), ids[Kind.POLICY].get(key)
            if at and id:
                yield f"aws_organizations_policy_attachment.{key}_{target.address_part}", f"{at}:{id}"
    for service, account in landing_zone.organization.delegated_administrators.items():
        if account in ids[Kind.ACCOUNT]:
            address = f"aws_organizations_delegated_administrator.{delegation(service)}"
            yield address, f"{ids[Kind.ACCOUNT][account]}/{service}"


def _settings(landing_zone: LandingZone, inventory: Inventory, controls: Collection[str]) -> Iterator[tuple[str, str]]:
    if landing_zone.organization.member_root_access and inventory.root_features:
        yield "aws_iam_organizations_features.main", inventory.organization.id
    project = landing_zone.project
    account = project.management_account.id
    ids = {"s3_public_access": account, "password_policy": "iam-account-password-policy", "ebs_encryption": "default"}
    for name, control in landing_zone.security.settings.items():
        if not control.on or name not in controls:
            continue
        if isinstance(control, RegionalSetting):
            for region in project.regions.all_governed:
                yield f"{control.address}_{region}", f"{ids.get(name, region)}@{region}"
        else:
            yield control.address, ids[name]


def _target(target: Target, inventory: Inventory, ids: Ids) -> str | None:
    if target.kind == "root":
        return inventory.organization.root
    return ids[Kind.UNIT if target.unit else Kind.ACCOUNT].get(target.key)


def _center(landing_zone: LandingZone, center: Center, ids: Ids) -> Iterator[tuple[str, str]]:
    for key, user in landing_zone.users.items():
        if not user.external and key in ids[Kind.USER]:
            yield f"aws_identitystore_user.{key}", f"{center.store}/{ids[Kind.USER][key]}"
    yield from _groups(landing_zone, center, ids)
    for one in landing_zone.permission_sets.values():
        if one.key in ids[Kind.SET]:
            yield from _permission_set(one, ids[Kind.SET][one.key], center.instance)
    if landing_zone.sso.access_control_attributes:
        yield "aws_ssoadmin_instance_access_control_attributes.main", center.instance
    for grant in landing_zone.grants:
        given = _assignment(grant, ids)
        if given:
            where = f"{grant.account}_{grant.permission_set}_{grant.principal_type.lower()}_{grant.principal}"
            yield f"aws_ssoadmin_account_assignment.{where}", assignment_id(given, center.instance)


def _groups(landing_zone: LandingZone, center: Center, ids: Ids) -> Iterator[tuple[str, str]]:
    members = {group.id: group.members for group in center.groups}
    for key, group in landing_zone.groups.items():
        if group.external or key not in ids[Kind.GROUP]:
            continue
        yield f"aws_identitystore_group.{key}", f"{center.store}/{ids[Kind.GROUP][key]}"
        for member in group.members:
            membership = members.get(ids[Kind.GROUP][key], {}).get(ids[Kind.USER].get(member, ""))
            if membership:
                yield f"aws_identitystore_group_membership.{key}_{member}", f"{center.store}/{membership}"


def _assignment(grant: Grant, ids: Ids) -> Assignment | None:
    """Returns what a grant is at AWS, None where a part of it has no id."""
    kind: moves.Kind = Kind.GROUP if grant.principal_type == "GROUP" else Kind.USER
    account, arn = ids[Kind.ACCOUNT].get(grant.account), ids[Kind.SET].get(grant.permission_set)
    principal = ids[kind].get(grant.principal)
    return Assignment(account, arn, grant.principal_type, principal) if account and arn and principal else None


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
    return f"{AWS_MANAGED}{policy.aws}" if policy.aws else f"{policy.customer},{policy.path}"
