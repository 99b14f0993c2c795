"""A permission set, and the policies that it has."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from strata.config import SSO, models
from strata.config.text import address_part
from strata.config.types import session_seconds
from strata.errors import Message
from strata.kinds import at_aws
from strata.kinds.arguments import Attributes, block, text
from strata.kinds.at_aws import Inventory
from strata.kinds.change import Way
from strata.kinds.control_tower import keeper_at, taken_back_by
from strata.kinds.identity import Mark
from strata.kinds.kind import AlreadyExists, Ask, Ids, Kind, LiveName, Resource
from strata.kinds.shared import CONFLICT
from strata.kinds.thing import AS_IT_IS, AtAws, InStates, Thing, content, declared_content
from strata.landing_zone import LandingZone
from strata.landing_zone.permission_sets import AWS_MANAGED, ManagedPolicy, PermissionSet
from strata.policy.equality import meaning
from strata.text import exact

DESCRIBED = {"description": "Description", "session_duration": "SessionDuration", "relay_state": "RelayState"}
"""AWS's words for what it describes."""
_UNSAID = {"description": "", "session_duration": models.DEFAULT_SESSION, "relay_state": ""}
"""What holds of that where AWS says nothing."""


def _live_fields(permission_set: at_aws.LivePermissionSet) -> dict[str, Any]:
    said = {
        name: permission_set.described[word] for name, word in DESCRIBED.items() if permission_set.described.get(word)
    }
    return {"name": permission_set.name, **said, "tags": dict(sorted(permission_set.tags.items()))}


def _every(inventory: Inventory) -> Iterator[tuple[at_aws.LivePermissionSet, str]]:
    """Yields the permission sets that AWS has, with their import ids."""
    for center in inventory.centers:
        yield from ((live, f"{live.arn},{center.instance}") for live in center.permission_sets)


def _ours(zone: LandingZone) -> Iterator[PermissionSet]:
    """Yields the permission sets that a deploy makes."""
    return (permission_set for permission_set in zone.permission_sets.values() if not permission_set.external)


def _in_entry(kind: str, permission_set: PermissionSet, values: dict[str, Any], policy: str = "") -> Thing:
    """Returns what the entry of a set declares; where it has several of a kind, that of a policy."""
    name = f"{policy} in {permission_set.key}" if policy else permission_set.key
    return Thing(kind, name, values, SSO, permission_set.location, external=permission_set.external)


def _declared(zone: LandingZone) -> Iterator[Thing]:
    for permission_set in zone.permission_sets.values():
        values = {name: getattr(permission_set, name) for name in SET.fields} | {"id": AS_IT_IS}
        left = frozenset[str]()
        if permission_set.external:
            values = {}
        else:
            if permission_set.keeps_tags or permission_set.option:
                del values["tags"]
            if not permission_set.description:
                left = frozenset({"description"})
        mark = Mark(exact(permission_set.name), permission_set.name)
        yield replace(_in_entry("permission set", permission_set, values), left=left, mark=mark)


def _recorded(states: InStates) -> Iterator[Thing]:
    for key, permission_set in states.of(_SET).items():
        id, tags = text(permission_set, "arn"), dict(permission_set.get("tags") or {})
        values = {**{name: text(permission_set, name) for name in SET.fields}, "tags": tags, "id": id}
        mark = Mark(exact(text(permission_set, "name")), text(permission_set, "name"))
        yield Thing("permission set", key, values, ids={"id": id}, mark=mark)


def _live(aws: AtAws) -> Iterator[Thing]:
    for live, whole in _every(aws.inventory):
        if aws.is_elsewhere(_SET, whole):
            continue
        key, external = aws.known["permission-set"].get(live.arn, ""), aws.is_external_set(live.arn)
        tags = aws.tags(_SET, "" if external else key, live.tags)
        values = {**_UNSAID, **_live_fields(live), "tags": tags, "id": live.arn}
        policies = [live.aws_managed, live.customer_managed, content(live.inline), live.boundary]
        keeper = keeper_at(aws.inventory, live.name, live.tags)
        yield Thing(
            "permission set",
            aws.permission_set(live.arn),
            values,
            ids={"id": live.arn},
            undo=() if keeper else (aws.cli.admin("delete-permission-set", permission_set_arn=live.arn),),
            note=taken_back_by(keeper),
            rights=[values["session_duration"], *policies],
            external=external,
        )


def _known(aws: AtAws) -> Iterator[tuple[at_aws.LivePermissionSet, str, str]]:
    """Yields the permission sets of which it is known what they should have, with key and import id."""
    for permission_set, whole in _every(aws.inventory):
        key = aws.known["permission-set"].get(permission_set.arn)
        here = aws.zone.permission_sets.get(key or "")
        if key and not aws.is_elsewhere(_SET, whole) and not (here and here.external):
            yield permission_set, key, whole


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
            existing=AlreadyExists(CONFLICT, regional=True),
            provisioned=True,
        ),
    ),
    key="permission-set",
    section="permission_sets",
    declared=_declared,
    recorded=_recorded,
    live=_live,
    named=lambda inventory, _: (
        LiveName(live.arn, live.name, exact(live.name), [live.name]) for live, _ in _every(inventory)
    ),
    live_fields=_live_fields,
    id_of=lambda import_id: import_id.partition(",")[0],
    meaning=lambda name, value: session_seconds(value or "") if name == "session_duration" else meaning(value),
    fields={name: name for name in ("name", "description", "session_duration", "relay_state", "tags")},
    addresses=lambda zone: (f"{_SET}.{permission_set.key}" for permission_set in _ours(zone)),
    wanted=lambda *known: ((f"{_SET}.{permission_set.key}", whole) for permission_set, whole in _wanted(*known)),
    import_ids=lambda inventory: ((_SET, whole) for _, whole in _every(inventory)),
)


# What has the permission set in its id


_OF_SET = "{permission_set_arn},{instance_arn}"
_REFERENCE = "{customer_managed_policy_reference[0][name]},{customer_managed_policy_reference[0][path]}"


in_set = partial(Resource, keys=("permission-set",), references=("permission_set_arn",), provisioned=True)
"""A resource that is named after a permission set, whose accounts get each change of it."""


def _wanted(zone: LandingZone, inventory: Inventory, ids: Ids) -> Iterator[tuple[PermissionSet, str]]:
    """Yields what is declared and AWS has, with its import id."""
    for center in inventory.centers:
        for permission_set in _ours(zone):
            if permission_set.key in ids["permission-set"]:
                yield permission_set, f"{ids['permission-set'][permission_set.key]},{center.instance}"


def _taken_out(_: str, here: Thing | None, _before: Thing | None, now: Thing | None) -> Way | None:
    """Returns the way back of what somebody put into a set: the line, and the deploy that brings it to the accounts."""
    if here or not now:
        return None
    text = "the line changes the set; the deploy provisions it, once nothing else of it differs"
    return Way(deploy=("sso",), undo=now.undo, by_hand=Message("provisioned-by-deploy", text))


# Managed policies, of AWS and of customers

MANAGED, CUSTOMER = "aws_ssoadmin_managed_policy_attachment", "aws_ssoadmin_customer_managed_policy_attachment"


def _address(key: str, policy: ManagedPolicy) -> str:
    return f"{MANAGED if policy.aws else CUSTOMER}.{key}_{address_part(policy.name)}"


def _has_customer_policy(ask: Ask) -> bool:
    wanted = ask.values["customer_managed_policy_reference"][0]
    there = ask.center.customer_managed_policies_of(ask.values["permission_set_arn"])
    return (wanted["name"], wanted["path"]) in {(policy["Name"], policy.get("Path") or "/") for policy in there}


def aws_policy(arn: str) -> str:
    """Returns the name of a policy of AWS's, by its ARN or what an ARN ends with."""
    return f"AWS {arn.removeprefix(AWS_MANAGED)}"


def _policy(policy: ManagedPolicy) -> str:
    return aws_policy(policy.aws) if policy.aws else f"{policy.path}{policy.customer}"


def _own(reference: Attributes) -> str:
    return f"{text(reference, 'path') or '/'}{text(reference, 'name')}"


def live_policy(policy: str | at_aws.LiveCustomerPolicy) -> dict[str, str]:
    """Returns a managed policy, of AWS's by its ARN, as the YAML names it."""
    if isinstance(policy, str):
        return {"aws": policy.removeprefix(AWS_MANAGED)}
    return {"customer": policy.name, **({"path": policy.path} if policy.path != "/" else {})}


def _recorded_policies(states: InStates) -> Iterator[Thing]:
    for name, attachment in states.of(MANAGED).items():
        arn, key = text(attachment, "managed_policy_arn"), name.partition("_")[0]
        ids = {"arn": text(attachment, "permission_set_arn"), "policy": arn}
        yield Thing("permission set policy", f"{aws_policy(arn)} in {key}", ids=ids)
    for name, attachment in states.of(CUSTOMER).items():
        reference, key = block(attachment.get("customer_managed_policy_reference")), name.partition("_")[0]
        ids = {"arn": text(attachment, "permission_set_arn"), "name": text(reference, "name")}
        yield Thing("permission set policy", f"{_own(reference)} in {key}", ids=ids)


def _policies_at_aws(aws: AtAws) -> Iterator[Thing]:
    """Yields what a permission set has, but for what your own layers put into it."""
    for permission_set, key, whole in _known(aws):
        for arn in permission_set.aws_managed:
            if not aws.is_elsewhere(MANAGED, f"{arn},{whole}"):
                ids = {"set": key, "arn": permission_set.arn, **live_policy(arn), "policy": arn}
                operation = "detach-managed-policy-from-permission-set"
                undo = aws.cli.admin(operation, permission_set_arn=permission_set.arn, managed_policy_arn=arn)
                yield Thing("permission set policy", f"{aws_policy(arn)} in {key}", ids=ids, undo=(undo,))
        for policy in permission_set.customer_managed:
            if not aws.is_elsewhere(CUSTOMER, f"{policy.name},{policy.path},{whole}"):
                operation = "detach-customer-managed-policy-reference-from-permission-set"
                reference = {"Name": policy.name, "Path": policy.path}
                whose = {"permission_set_arn": permission_set.arn, "customer_managed_policy_reference": reference}
                ids = {"set": key, "arn": permission_set.arn, "name": policy.name, **live_policy(policy)}
                undo = aws.cli.admin(operation, **whose)
                yield Thing("permission set policy", f"{policy.path}{policy.name} in {key}", ids=ids, undo=(undo,))


SET_POLICY = Kind(
    "permission set policy",
    "sso",
    (
        in_set(
            MANAGED,
            f"<policy ARN>,{_IN_SET}",
            existing=AlreadyExists("already attached", f"{{managed_policy_arn}},{_OF_SET}", regional=True),
        ),
        in_set(
            CUSTOMER,
            f"<customer policy name>,<customer policy path>,{_IN_SET}",
            existing=AlreadyExists(CONFLICT, f"{_REFERENCE},{_OF_SET}", early=_has_customer_policy, regional=True),
        ),
    ),
    addresses=lambda zone: (
        _address(permission_set.key, policy) for permission_set in _ours(zone) for policy in permission_set.managed
    ),
    wanted=lambda *known: (
        (_address(permission_set.key, policy), f"{name},{whole}")
        for permission_set, whole in _wanted(*known)
        for policy in permission_set.managed
        for name in (f"{AWS_MANAGED}{policy.aws}" if policy.aws else f"{policy.customer},{policy.path}",)
    ),
    import_ids=lambda inventory: (
        id
        for live, whole in _every(inventory)
        for id in (
            *((MANAGED, f"{arn},{whole}") for arn in live.aws_managed),
            *((CUSTOMER, f"{policy.name},{policy.path},{whole}") for policy in live.customer_managed),
        )
    ),
    declared=lambda zone: (
        _in_entry("permission set policy", permission_set, {}, _policy(policy))
        for permission_set in zone.permission_sets.values()
        for policy in permission_set.managed
    ),
    recorded=_recorded_policies,
    live=_policies_at_aws,
    way=_taken_out,
)


# The inline policy, and the boundary

_INLINE, _BOUNDARY = "aws_ssoadmin_permission_set_inline_policy", "aws_ssoadmin_permissions_boundary_attachment"


def _live_inline(aws: AtAws) -> Iterator[Thing]:
    for permission_set, key, whole in _known(aws):
        if permission_set.inline and not aws.is_elsewhere(_INLINE, whole):
            document, ids = content(permission_set.inline), {"set": key, "arn": permission_set.arn}
            undo = aws.cli.admin("delete-inline-policy-from-permission-set", permission_set_arn=permission_set.arn)
            yield Thing("inline policy", key, {"document": document}, ids=ids, undo=(undo,), rights=document)


def inline_file(key: str) -> str:
    """Returns the path of the inline policy of a permission set."""
    return f"policies/{key}{INLINE_END}.json"


INLINE_END = "-inline"


def _recorded_boundary(states: InStates) -> Iterator[Thing]:
    for key, attachment in states.of(_BOUNDARY).items():
        boundary = block(attachment.get("permissions_boundary"))
        arn, own = text(boundary, "managed_policy_arn"), block(boundary.get("customer_managed_policy_reference"))
        policy, ids = aws_policy(arn) if arn else _own(own), {"arn": text(attachment, "permission_set_arn")}
        yield Thing("permissions boundary", key, {"policy": policy}, ids=ids)


def _live_boundary(aws: AtAws) -> Iterator[Thing]:
    for permission_set, key, whole in _known(aws):
        if permission_set.boundary and not aws.is_elsewhere(_BOUNDARY, whole):
            boundary = live_policy(permission_set.boundary)
            policy, ids = _policy(ManagedPolicy(**boundary)), {"set": key, "arn": permission_set.arn, **boundary}
            operation = "delete-permissions-boundary-from-permission-set"
            undo = aws.cli.admin(operation, permission_set_arn=permission_set.arn)
            yield Thing("permissions boundary", key, {"policy": policy}, ids=ids, undo=(undo,), rights=policy)


INLINE = Kind(
    "inline policy",
    "sso",
    (in_set(_INLINE, _IN_SET, existing=AlreadyExists(id=_OF_SET, regional=True)),),
    declared=lambda zone: (
        _in_entry("inline policy", permission_set, {"document": document})
        for permission_set in zone.permission_sets.values()
        for inline in ([permission_set.inline.document] if permission_set.inline else [])
        for document in (declared_content(inline),)
    ),
    recorded=lambda states: (
        Thing("inline policy", key, {"document": document}, ids={"arn": text(inline, "permission_set_arn")})
        for key, inline in states.of(_INLINE).items()
        for document in (content(text(inline, "inline_policy")),)
    ),
    live=_live_inline,
    way=_taken_out,
    addresses=lambda zone: (
        f"{_INLINE}.{permission_set.key}" for permission_set in _ours(zone) if permission_set.inline
    ),
    wanted=lambda *known: (
        (f"{_INLINE}.{permission_set.key}", whole) for permission_set, whole in _wanted(*known) if permission_set.inline
    ),
    import_ids=lambda inventory: ((_INLINE, whole) for live, whole in _every(inventory) if live.inline),
)
BOUNDARY = Kind(
    "permissions boundary",
    "sso",
    (in_set(_BOUNDARY, _IN_SET, existing=AlreadyExists(id=_OF_SET, regional=True)),),
    declared=lambda zone: (
        _in_entry("permissions boundary", permission_set, {"policy": _policy(permission_set.boundary)})
        for permission_set in zone.permission_sets.values()
        if permission_set.boundary
    ),
    recorded=_recorded_boundary,
    live=_live_boundary,
    way=_taken_out,
    addresses=lambda zone: (
        f"{_BOUNDARY}.{permission_set.key}" for permission_set in _ours(zone) if permission_set.boundary
    ),
    wanted=lambda *known: (
        (f"{_BOUNDARY}.{permission_set.key}", whole)
        for permission_set, whole in _wanted(*known)
        if permission_set.boundary
    ),
    import_ids=lambda inventory: ((_BOUNDARY, whole) for live, whole in _every(inventory) if live.boundary),
)
