"""A permission set, and the policies that it has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from strata.config.text import address_part
from strata.kinds.attributes import Attributes, block
from strata.kinds.kind import Ask, Existing, Kind, Resource
from strata.kinds.reading import PROVIDERS, Reading, date, same_text, tags
from strata.kinds.shared import CONFLICT
from strata.landing_zone import LandingZone

if TYPE_CHECKING:
    from strata.inventory.things import Inventory


def _read(reading: Reading, attributes: Attributes) -> Attributes | None:
    found = reading.sets.get(str(attributes.get("arn")))
    if found is None:
        return None
    return {
        "id": f"{found.arn},{reading.center.instance}",
        "instance_arn": reading.center.instance,
        "name": found.name,
        "description": found.description,
        "session_duration": found.session_duration,
        "relay_state": found.relay_state,
        "created_date": date(found.described.get("CreatedDate")),
        **tags(attributes, found.tags),
        **PROVIDERS,
        "arn": found.arn,
    }


_SET, _IN_SET = "aws_ssoadmin_permission_set", "<permission set ARN>,<instance ARN>[@<region>]"
SET = Kind(
    "permission set",
    "sso",
    (
        Resource(
            _SET,
            _IN_SET,
            keys=("permission-set",),
            id="arn",
            existing=Existing(CONFLICT, regional=True),
            kept=True,
            provisioned=True,
            reads=_read,
        ),
    ),
    key="permission-set",
    section="permission_sets",
    addresses=lambda zone: (f"{_SET}.{key}" for key in zone.permission_sets),
    import_ids=lambda inventory: (
        (_SET, f"{one.arn},{center.instance}") for center in inventory.centers for one in center.permission_sets
    ),
)


# What has the permission set in its id


_OF_SET = "{permission_set_arn},{instance_arn}"


def of_set(reading: Reading, attributes: Attributes, *before: str, **more: Any) -> Attributes:
    """Returns what everything has that is attached to a permission set."""
    arn, instance = attributes["permission_set_arn"], reading.center.instance
    return {
        "id": ",".join([*before, arn, instance]),
        "instance_arn": instance,
        "permission_set_arn": arn,
        **PROVIDERS,
        **more,
    }


# Managed policies, of AWS and of customers

_MANAGED, _CUSTOMER = "aws_ssoadmin_managed_policy_attachment", "aws_ssoadmin_customer_managed_policy_attachment"


def _policies(zone: LandingZone) -> Iterator[str]:
    for key, one in zone.permission_sets.items():
        for policy in one.managed:
            yield f"{_MANAGED if policy.aws else _CUSTOMER}.{key}_{address_part(policy.name)}"


def _live_policies(inventory: Inventory) -> Iterator[tuple[str, str]]:
    for center in inventory.centers:
        for one in center.permission_sets:
            whole = f"{one.arn},{center.instance}"
            yield from ((_MANAGED, f"{arn},{whole}") for arn in one.aws_managed)
            yield from ((_CUSTOMER, f"{policy.name},{policy.path},{whole}") for policy in one.customer_managed)


def _read_managed(reading: Reading, attributes: Attributes) -> Attributes | None:
    found, arn = reading.sets.get(str(attributes.get("permission_set_arn"))), attributes.get("managed_policy_arn")
    if found is None or arn not in found.aws_managed:
        return None
    names = {"managed_policy_arn": arn, "managed_policy_name": arn.rpartition("/")[2]}
    return of_set(reading, attributes, arn, **names)


def _read_customer(reading: Reading, attributes: Attributes) -> Attributes | None:
    found = reading.sets.get(str(attributes.get("permission_set_arn")))
    reference = block(attributes.get("customer_managed_policy_reference"))
    name, path = str(reference.get("name")), str(reference.get("path"))
    if found is None or (name, path) not in found.customer_managed:
        return None
    return of_set(reading, attributes, name, path, customer_managed_policy_reference=[{"name": name, "path": path}])


def _customer(ask: Ask) -> str | None:
    wanted, arn = ask.values["customer_managed_policy_reference"][0], ask.values["permission_set_arn"]
    name, path = wanted["name"], wanted["path"]
    there = {(one["Name"], one.get("Path") or "/") for one in ask.center.customer_managed_policies_of(arn)}
    return f"{name},{path},{arn},{ask.values['instance_arn']}" if (name, path) in there else None


SET_POLICY = Kind(
    "permission set policy",
    "sso",
    (
        Resource(
            _MANAGED,
            f"<policy ARN>,{_IN_SET}",
            keys=("permission-set",),
            references=("permission_set_arn",),
            existing=Existing("already attached", f"{{managed_policy_arn}},{_OF_SET}", regional=True),
            kept=True,
            provisioned=True,
            reads=_read_managed,
        ),
        Resource(
            _CUSTOMER,
            f"<customer policy name>,<customer policy path>,{_IN_SET}",
            keys=("permission-set",),
            references=("permission_set_arn",),
            existing=Existing(CONFLICT, _customer, early=True, regional=True),
            kept=True,
            provisioned=True,
            reads=_read_customer,
        ),
    ),
    addresses=_policies,
    import_ids=_live_policies,
)


# The inline policy, and the boundary

_INLINE, _BOUNDARY = "aws_ssoadmin_permission_set_inline_policy", "aws_ssoadmin_permissions_boundary_attachment"


def _read_inline(reading: Reading, attributes: Attributes) -> Attributes | None:
    found = reading.sets.get(str(attributes.get("permission_set_arn")))
    if found is None or not found.inline:
        return None
    return of_set(reading, attributes, inline_policy=same_text(found.inline, attributes.get("inline_policy")))


def _read_boundary(reading: Reading, attributes: Attributes) -> Attributes | None:
    found = reading.sets.get(str(attributes.get("permission_set_arn")))
    if found is None or not found.boundary:
        return None
    boundary: Attributes = (
        {"managed_policy_arn": found.boundary}
        if isinstance(found.boundary, str)
        else {"customer_managed_policy_reference": [found.boundary._asdict()]}
    )
    return of_set(reading, attributes, permissions_boundary=[boundary])


INLINE = Kind(
    "inline policy",
    "sso",
    (
        Resource(
            _INLINE,
            _IN_SET,
            keys=("permission-set",),
            references=("permission_set_arn",),
            existing=Existing(id=_OF_SET, regional=True),
            kept=True,
            provisioned=True,
            reads=_read_inline,
        ),
    ),
    addresses=lambda zone: (f"{_INLINE}.{key}" for key, one in zone.permission_sets.items() if one.inline),
    import_ids=lambda inventory: (
        (_INLINE, f"{one.arn},{center.instance}")
        for center in inventory.centers
        for one in center.permission_sets
        if one.inline
    ),
)
BOUNDARY = Kind(
    "permissions boundary",
    "sso",
    (
        Resource(
            _BOUNDARY,
            _IN_SET,
            keys=("permission-set",),
            references=("permission_set_arn",),
            existing=Existing(id=_OF_SET, regional=True),
            kept=True,
            provisioned=True,
            reads=_read_boundary,
        ),
    ),
    addresses=lambda zone: (f"{_BOUNDARY}.{key}" for key, one in zone.permission_sets.items() if one.boundary),
    import_ids=lambda inventory: (
        (_BOUNDARY, f"{one.arn},{center.instance}")
        for center in inventory.centers
        for one in center.permission_sets
        if one.boundary
    ),
)
