"""Which lines of imports.yaml have done their work, and for which AWS has nothing any more."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

import yaml

from strata.config import IMPORTS
from strata.config.models import Security, Setting
from strata.config.source import SAFE_LOADER, SourceFile, parse
from strata.errors import StrataError
from strata.inventory.things import Attached, Center, Inventory, PermissionSet

_SET = "aws_ssoadmin_permission_set"
KINDS = frozenset(
    {
        "aws_identitystore_group",
        "aws_identitystore_group_membership",
        "aws_identitystore_user",
        "aws_organizations_delegated_administrator",
        "aws_organizations_policy_attachment",
        "aws_ssoadmin_account_assignment",
        "aws_ssoadmin_customer_managed_policy_attachment",
        "aws_ssoadmin_instance_access_control_attributes",
        "aws_ssoadmin_managed_policy_attachment",
        _SET,
        "aws_ssoadmin_permission_set_inline_policy",
        "aws_ssoadmin_permissions_boundary_attachment",
    }
)
"""The types whose lines `strata adopt` writes, of things that may be gone."""
SETTINGS = frozenset(
    {
        "aws_iam_organizations_features",
        *(one.address.partition(".")[0] for one in Security.kinds(Setting).values()),
    }
)
"""The others that it writes, of settings that every account has. A line of any other type stays: it keeps tags."""


def made(lines: Iterable[str], recorded: Collection[str]) -> list[str]:
    """Returns the addresses of the lines that have done their work: states have them, and the line keeps no tags."""
    return [address for address in lines if kind(address) in KINDS | SETTINGS and address in recorded]


def lines_of(text: str) -> dict[str, str]:
    """Returns the import ids of imports.yaml by address.

    Raises:
        StrataError: it cannot be read.
    """
    data = _data(text)
    if data is None:
        raise StrataError(f"{IMPORTS} has faults; strata check names them")
    return {str(address): id for address, id in data.items() if isinstance(id, str)}


def kind(address: str) -> str:
    """Returns the type in an address."""
    return address.partition(".")[0]


# What is at AWS


def gone(lines: Mapping[str, str], inventory: Inventory) -> list[str]:
    """Returns the addresses of the lines whose thing AWS does not have; nothing is said of types that were not read."""
    there = set(_organization(inventory))
    if inventory.center:
        there |= set(_center(inventory.center))
    known = {one for one in KINDS if inventory.center or one.startswith("aws_organizations_")}
    return [
        address
        for address, id in lines.items()
        if kind(address) in known and (kind(address), id.partition("@")[0]) not in there
    ]


def _organization(inventory: Inventory) -> Iterator[tuple[str, str]]:
    for policy in inventory.organization.policies:
        yield from (("aws_organizations_policy_attachment", f"{target}:{policy.id}") for target in policy.targets)
    for service, accounts in inventory.organization.delegations.items():
        yield from (("aws_organizations_delegated_administrator", f"{account}/{service}") for account in accounts)


def _center(center: Center) -> Iterator[tuple[str, str]]:
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
        who = f"{given.principal},{given.principal_type},{given.account},AWS_ACCOUNT"
        yield "aws_ssoadmin_account_assignment", f"{who},{given.permission_set},{center.instance}"


def _permission_set(one: PermissionSet, whole: str) -> Iterator[tuple[str, str]]:
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


# The text


def without(text: str, addresses: Collection[str]) -> str:
    """Returns the text of imports.yaml without some of its lines; comments and the order of the others stay.

    Raises:
        StrataError: the lines hold something else as well, or something else refers to them.
    """
    lines = text.splitlines(keepends=True)
    for key, value in reversed(_entries(text)):
        if key.value in addresses:
            del lines[key.start_mark.line : value.end_mark.line + (1 if value.end_mark.column else 0)]
    result = "".join(lines)
    before, after = (_data(one) for one in (text, result))
    if before is None or (after or {}) != {key: id for key, id in before.items() if key not in addresses}:
        raise StrataError(f"{IMPORTS} is written in a way that cannot be edited; take the lines out by hand")
    return result


def _entries(text: str) -> Sequence[tuple[yaml.ScalarNode, yaml.ScalarNode]]:
    top = yaml.compose(text, Loader=SAFE_LOADER)
    return top.value if isinstance(top, yaml.MappingNode) and not top.flow_style else ()


def _data(text: str) -> Mapping[str, object] | None:
    """Returns what the file says, None where it cannot be read."""
    source_file = SourceFile(IMPORTS)
    parse(text, source_file)
    data = source_file.data or {}
    return None if source_file.faults or not isinstance(data, Mapping) else data
