"""What to write into the configuration to keep what AWS has, in words; `strata check` refuses what it cannot say."""

from __future__ import annotations

import json
from collections.abc import Mapping

from strata.config import IMPORTS, ORGANIZATION, SSO
from strata.config.source import dotted
from strata.kinds.account import ACCOUNT
from strata.kinds.assignment import ASSIGNMENT
from strata.kinds.at_aws import Inventory
from strata.kinds.attribute import ATTRIBUTE
from strata.kinds.group import GROUP, MEMBERSHIP
from strata.kinds.kind import Kind
from strata.kinds.organization import DELEGATED, ROOT_ACCESS, TRUSTED
from strata.kinds.permission_set import BOUNDARY, INLINE, SET, SET_POLICY
from strata.kinds.policy import ATTACHMENT, POLICY, full_access_of
from strata.kinds.thing import AtAws, Thing
from strata.kinds.unit import UNIT
from strata.kinds.user import USER
from strata.landing_zone import LandingZone


def entry_to_write(aws: AtAws, kind: Kind, attribute: str, here: Thing | None, now: Thing | None) -> str:
    """Returns what to write where, by the sides that have the thing; nothing where no entry keeps it."""
    if here is None:
        return _new(aws.inventory, kind, now) if now else ""
    if not here.file or attribute in _NO_FIELD or _is_of_option(aws.zone, kind, here):
        return ""
    part, at = aws.zone.source_file(here.file).origin(here.location)
    place = f"{dotted(at)} in {part.name or here.file}"
    if kind.is_control:
        return f"write mode: unmanaged, or what AWS has, at {place}"
    if now is None:
        return "take it out of the YAML"
    field = kind.fields.get(attribute)
    if not field:
        return f"write what AWS has at {place}"
    value = now.values[attribute]
    if not value:
        return f"take {field} out at {place}"
    return f"write {field}: {json.dumps(value, ensure_ascii=False)} at {place}"


_NO_FIELD = frozenset({"id", "principal", "state"})
"""What becomes of a thing at AWS, which no entry says."""


def _is_of_option(zone: LandingZone, kind: Kind, here: Thing) -> bool:
    """Returns whether an option makes it, so that it has no entry of its own."""
    if kind is POLICY:
        return bool(zone.policies[here.name].option)
    return kind is SET and bool(zone.permission_sets[here.name].option)


def _new(inventory: Inventory, kind: Kind, now: Thing) -> str:
    """Returns where the entry of something new stands, and the line that imports what no stack finds by its name."""
    if full_access_of(now.name) or kind.name not in _ENTRIES:
        return ""
    entry = f"write it under {_ENTRIES[kind.name]}"
    if not (kind.key and kind.import_ids):
        return entry
    import_id = next((id for _, id in kind.import_ids(inventory) if kind.id_of(id) == now.ids["id"]), "")
    return f"{entry}, and {kind.type}.KEY: {import_id} in {IMPORTS}"


_ENTRIES: Mapping[str, str] = {
    ACCOUNT.name: f"accounts in {ORGANIZATION}",
    UNIT.name: f"organizational_units in {ORGANIZATION}",
    POLICY.name: f"policies in {ORGANIZATION}",
    ATTACHMENT.name: f"targets of the policy in {ORGANIZATION}",
    TRUSTED.name: f"trusted_services in {ORGANIZATION}",
    DELEGATED.name: f"delegated_administrators in {ORGANIZATION}",
    ROOT_ACCESS.name: f"member_root_access in {ORGANIZATION}",
    USER.name: f"users in {SSO}",
    GROUP.name: f"groups in {SSO}",
    MEMBERSHIP.name: f"members of the group in {SSO}",
    SET.name: f"permission_sets in {SSO}",
    SET_POLICY.name: f"policies of the permission set in {SSO}",
    INLINE.name: f"policies of the permission set in {SSO}, its document under policies/",
    BOUNDARY.name: f"boundary of the permission set in {SSO}",
    ASSIGNMENT.name: f"assignments in {SSO}",
    ATTRIBUTE.name: f"access_control_attributes in {SSO}",
}
"""Where the configuration has what was made, by its kind."""
