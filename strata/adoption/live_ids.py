"""The import ids of everything at AWS that the configuration imports by id, beside the Terraform type of each."""

from __future__ import annotations

from collections.abc import Iterator

from strata.inventory.things import Assignment, Attached, Center, Inventory, PermissionSet

TypedId = tuple[str, str]
"""A Terraform type, and an import id in the form that the AWS provider's importer reads."""

_SET = "aws_ssoadmin_permission_set"
OF_THE_CENTER = frozenset(
    {
        "aws_identitystore_group",
        "aws_identitystore_group_membership",
        "aws_identitystore_user",
        "aws_ssoadmin_account_assignment",
        "aws_ssoadmin_customer_managed_policy_attachment",
        "aws_ssoadmin_instance_access_control_attributes",
        "aws_ssoadmin_managed_policy_attachment",
        _SET,
        "aws_ssoadmin_permission_set_inline_policy",
        "aws_ssoadmin_permissions_boundary_attachment",
    }
)
KINDS = OF_THE_CENTER | {
    "aws_organizations_delegated_administrator",
    "aws_organizations_policy_attachment",
}
"""The types whose ids are given: what AWS does not have of these is gone."""


def live_ids(inventory: Inventory) -> frozenset[TypedId]:
    """Returns the type and the id of everything of these types."""
    found = set(_organization(inventory))
    if inventory.center:
        found |= set(_center(inventory.center))
    return frozenset(found)


def _organization(inventory: Inventory) -> Iterator[TypedId]:
    for policy in inventory.organization.policies:
        yield from (("aws_organizations_policy_attachment", f"{target}:{policy.id}") for target in policy.targets)
    for service, accounts in inventory.organization.delegations.items():
        yield from (("aws_organizations_delegated_administrator", f"{account}/{service}") for account in accounts)


def _center(center: Center) -> Iterator[TypedId]:
    yield from (("aws_identitystore_user", f"{center.store}/{user.id}") for user in center.users)
    for group in center.groups:
        yield "aws_identitystore_group", f"{center.store}/{group.id}"
        for membership in group.members.values():
            yield "aws_identitystore_group_membership", f"{center.store}/{membership}"
    for one in center.permission_sets:
        yield from _permission_set(one, f"{one.arn},{center.instance}")
    if center.attributes is not None:
        yield "aws_ssoadmin_instance_access_control_attributes", center.instance
    for given in center.assignments | center.orphans:
        yield "aws_ssoadmin_account_assignment", assignment_id(given, center.instance)


def assignment_id(one: Assignment, instance: str) -> str:
    """Returns the import id of an account assignment."""
    who = f"{one.principal},{one.principal_type},{one.account},AWS_ACCOUNT"
    return f"{who},{one.permission_set},{instance}"


def _permission_set(one: PermissionSet, whole: str) -> Iterator[TypedId]:
    yield _SET, whole
    if one.inline:
        yield "aws_ssoadmin_permission_set_inline_policy", whole
    if one.boundary:
        yield "aws_ssoadmin_permissions_boundary_attachment", whole
    yield from (("aws_ssoadmin_managed_policy_attachment", f"{arn},{whole}") for arn in one.aws_managed)
    for policy in one.customer_managed:
        yield "aws_ssoadmin_customer_managed_policy_attachment", f"{_attached(policy)},{whole}"


def _attached(policy: Attached) -> str:
    return f"{policy.name},{policy.path}"
