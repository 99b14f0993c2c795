"""What the provider would read into each attribute of a state, taken from a reading in bulk; and where that differs.

An attribute that is not here is not covered: then a plan refreshes. Facts of the provider are tried with both of its
versions, in `tests/scenarios/test_refresh.py`.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from strata.aws.events import Rule
from strata.errors import Message
from strata.identity.recorded import block
from strata.inventory.reading import Principal, Wanted
from strata.inventory.things import Assignment, Attached, Center, PermissionSet
from strata.text import snake

State = Mapping[str, Any]
Attributes = Mapping[str, Any]


class Kept:
    """Stands for a value that a refresh leaves as it is: AWS does not have it, or it follows from the id."""


KEPT = Kept()

# What is asked


def wanted(state: State) -> Wanted:
    """Returns what of Identity Center a state has more of than the name."""
    sets, groups, principals = set[str](), set[str](), set[Principal]()
    for type, _, attributes in managed(state):
        if type == "aws_ssoadmin_permission_set":
            sets.add(attributes.get("arn", ""))
        elif type.startswith("aws_ssoadmin_"):
            sets.add(attributes.get("permission_set_arn", ""))
        if type == "aws_identitystore_group_membership":
            groups.add(attributes.get("group_id", ""))
        if type == "aws_ssoadmin_account_assignment":
            principals.add((attributes.get("principal_type", "GROUP"), attributes.get("principal_id", "")))
    return Wanted(frozenset(sets), frozenset(groups), frozenset(principals))


def rules(state: State) -> dict[str, str]:
    """Returns the regions of the event rules in a state by name."""
    found = (attributes for type, _, attributes in managed(state) if type == "aws_cloudwatch_event_rule")
    regions = {str(one.get("name")): _REGION.match(str(one.get("arn"))) for one in found}
    return {name: region[1] for name, region in regions.items() if region}


_REGION = re.compile(r"arn:[^:]+:events:([^:]+):")


def managed(state: State) -> Iterator[tuple[str, str, Attributes]]:
    """Yields type, address and attributes of each object that a state manages."""
    for resource in state.get("resources") or ():
        if resource.get("mode") == "managed":
            for instance in resource.get("instances") or ():
                address = f"{resource['type']}.{resource['name']}"
                yield resource["type"], address, instance.get("attributes") or {}


# What is compared


@dataclass(frozen=True)
class Reading:
    """What a reading in bulk has."""

    center: Center
    rules: Mapping[str, Rule | None]
    """By name."""

    @cached_property
    def sets(self) -> Mapping[str, PermissionSet]:
        """Returns the permission sets by ARN."""
        return {one.arn: one for one in self.center.permission_sets}

    @cached_property
    def users(self) -> Mapping[str, Attributes]:
        """Returns what AWS says of each user, by id."""
        return {one.id: one.described for one in self.center.users}

    @cached_property
    def groups(self) -> Mapping[str, Attributes]:
        """Returns what AWS says of each group, by id."""
        return {one.id: one.described for one in self.center.groups}

    @cached_property
    def memberships(self) -> Mapping[str, tuple[str, str]]:
        """Returns group and user of each membership, by id."""
        return {id: (group.id, user) for group in self.center.groups for user, id in group.members.items()}


def uncovered(state: State) -> Message | None:
    """Returns what of a state no reading in bulk has, None where it can have all."""
    types = sorted({type for type, _, _ in managed(state)} - TABLE.keys())
    return Message("not-read-in-bulk", f"{types[0]} is not read in bulk", type=types[0]) if types else None


def difference(state: State, reading: Reading, default_tags: Mapping[str, str]) -> Message | None:
    """Returns the first thing that a refresh might find otherwise than a state has it; None where there is none."""
    for type, address, attributes in managed(state):
        expected = TABLE[type](reading, attributes)
        if expected is None:
            return Message("not-at-aws", f"{address} is not at AWS", place=address)
        for name, value in attributes.items():
            if name not in expected:
                text = f"{address}: {name} is not read in bulk"
                return Message("not-read-in-bulk", text, place=address, argument=name)
            if expected[name] is not KEPT and not _same(value, expected[name]):
                text = f"{address}: {name} differs at AWS"
                return Message("differs-at-aws", text, place=address, argument=name)
        if _tags_differ(attributes, default_tags):
            return Message("other-default-tags", f"{address}: its default tags are other ones", place=address)
    return None


def _tags_differ(attributes: Attributes, default_tags: Mapping[str, str]) -> bool:
    """Says whether a refresh would put a tag that is neither the thing's own nor one of the default tags of today."""
    own = attributes.get("tags") or {}
    others = {key: value for key, value in (attributes.get("tags_all") or {}).items() if key not in own}
    return not others.items() <= default_tags.items()


def _same(one: Any, other: Any) -> bool:
    """Says whether two values are one, where Terraform has nothing for what is empty or off."""
    if not one or not other:
        return not one and not other
    if isinstance(one, dict) and isinstance(other, dict):
        return all(_same(one.get(key), other.get(key)) for key in {*one, *other})
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return bool(one == other)


# How the provider reads


def _user(reading: Reading, attributes: Attributes) -> Attributes | None:
    id = str(attributes.get("user_id"))
    found = reading.users.get(id)
    if found is None:
        return None
    read = _snaked(dict(found))
    return {
        **{name: _known(read.get(name), attributes.get(name)) for name in _USER},
        "nickname": read.get("nick_name"),
        "name": _known([read.get("name") or {}], attributes.get("name")),
        "id": f"{reading.center.store}/{id}",
        "user_id": id,
        "identity_store_id": reading.center.store,
        **_PROVIDERS,
    }


_PROVIDERS: Attributes = {"arn": KEPT, "region": KEPT, "timeouts": KEPT}
"""What the provider makes itself: an ARN of the id, the region that it asks, the times that it waits."""
_USER = (
    *("addresses", "display_name", "emails", "external_ids", "locale", "phone_numbers", "preferred_language"),
    *("profile_url", "timezone", "title", "user_name", "user_type"),
)


def _group(reading: Reading, attributes: Attributes) -> Attributes | None:
    id = str(attributes.get("group_id"))
    found = reading.groups.get(id)
    if found is None:
        return None
    return {
        "id": f"{reading.center.store}/{id}",
        "group_id": id,
        "identity_store_id": reading.center.store,
        "display_name": found.get("DisplayName"),
        "description": found.get("Description"),
        "external_ids": _known(_snaked(found.get("ExternalIds")), attributes.get("external_ids")),
        **_PROVIDERS,
    }


def _membership(reading: Reading, attributes: Attributes) -> Attributes | None:
    id = str(attributes.get("membership_id"))
    if id not in reading.memberships:
        return None
    group, user = reading.memberships[id]
    return {
        "id": f"{reading.center.store}/{id}",
        "membership_id": id,
        "identity_store_id": reading.center.store,
        "group_id": group,
        "member_id": user,
        **_PROVIDERS,
    }


def _permission_set(reading: Reading, attributes: Attributes) -> Attributes | None:
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
        "created_date": _date(found.described.get("CreatedDate")),
        **_tags(attributes, found.tags),
        **_PROVIDERS,
        "arn": found.arn,
    }


def _tags(attributes: Attributes, tags: Mapping[str, str]) -> Attributes:
    """Returns all tags of a thing but those of AWS itself, and its own: those that the state has as such."""
    own = attributes.get("tags") or {}
    every = {key: value for key, value in tags.items() if not key.startswith("aws:")}
    return {"tags_all": every, "tags": {key: value for key, value in every.items() if key in own}}


def _date(found: Any) -> str:
    return found.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if isinstance(found, dt.datetime) else ""


def _of_set(reading: Reading, attributes: Attributes, *before: str, **more: Any) -> Attributes:
    """Returns what everything has that is attached to a permission set."""
    arn, instance = attributes["permission_set_arn"], reading.center.instance
    return {
        "id": ",".join([*before, arn, instance]),
        "instance_arn": instance,
        "permission_set_arn": arn,
        **_PROVIDERS,
        **more,
    }


def _managed_policy(reading: Reading, attributes: Attributes) -> Attributes | None:
    found, arn = reading.sets.get(str(attributes.get("permission_set_arn"))), attributes.get("managed_policy_arn")
    if found is None or arn not in found.aws_managed:
        return None
    names = {"managed_policy_arn": arn, "managed_policy_name": arn.rpartition("/")[2]}
    return _of_set(reading, attributes, arn, **names)


def _customer_policy(reading: Reading, attributes: Attributes) -> Attributes | None:
    found = reading.sets.get(str(attributes.get("permission_set_arn")))
    reference = block(attributes.get("customer_managed_policy_reference"))
    policy = Attached(str(reference.get("name")), str(reference.get("path")))
    if found is None or policy not in found.customer_managed:
        return None
    return _of_set(reading, attributes, *policy, customer_managed_policy_reference=[policy._asdict()])


def _inline_policy(reading: Reading, attributes: Attributes) -> Attributes | None:
    found = reading.sets.get(str(attributes.get("permission_set_arn")))
    if found is None or not found.inline:
        return None
    return _of_set(reading, attributes, inline_policy=_text(found.inline, attributes.get("inline_policy")))


def _text(read: Any, known: Any) -> Any:
    """Returns the text of a document, that of the state where both are the same: the provider keeps it."""
    return known if _document(known) == _document(read) else read


def _document(text: Any) -> Any:
    try:
        return json.loads(text)
    except (TypeError, ValueError):
        return text


def _boundary(reading: Reading, attributes: Attributes) -> Attributes | None:
    found = reading.sets.get(str(attributes.get("permission_set_arn")))
    if found is None or not found.boundary:
        return None
    boundary: Attributes = (
        {"managed_policy_arn": found.boundary}
        if isinstance(found.boundary, str)
        else {"customer_managed_policy_reference": [found.boundary._asdict()]}
    )
    return _of_set(reading, attributes, permissions_boundary=[boundary])


def _assignment(reading: Reading, attributes: Attributes) -> Attributes | None:
    try:
        account, arn = attributes["target_id"], attributes["permission_set_arn"]
        kind, principal = attributes["principal_type"], attributes["principal_id"]
    except KeyError:
        return None
    if Assignment(account, arn, kind, principal) not in reading.center.assignments:
        return None
    names = {"target_id": account, "target_type": "AWS_ACCOUNT", "principal_type": kind, "principal_id": principal}
    return _of_set(reading, attributes, principal, kind, account, "AWS_ACCOUNT", **names)


def _access_control(reading: Reading, attributes: Attributes) -> Attributes | None:
    found, instance = reading.center.access_control, reading.center.instance
    if not found:
        return None
    listed = found["InstanceAccessControlAttributeConfiguration"]["AccessControlAttributes"]
    here = {one["Key"]: sorted(one["Value"]["Source"]) for one in listed}
    known = attributes.get("attribute") or ()
    there = {block(one).get("key"): sorted(block(block(one).get("value")).get("source") or ()) for one in known}
    return {
        "id": instance,
        "instance_arn": instance,
        "status": found.get("Status"),
        "status_reason": found.get("StatusReason"),
        # A set: its order says nothing.
        "attribute": known if here == there and len(known) == len(listed) else listed,
        **_PROVIDERS,
    }


def _rule(reading: Reading, attributes: Attributes) -> Attributes | None:
    name = str(attributes.get("name"))
    found = reading.rules.get(name)
    if found is None:
        return None
    described = found.described
    return {
        "id": name,
        "name": name,
        "description": described.get("Description"),
        "event_bus_name": described.get("EventBusName"),
        "event_pattern": _text(described.get("EventPattern"), attributes.get("event_pattern")),
        "role_arn": described.get("RoleArn"),
        "schedule_expression": described.get("ScheduleExpression"),
        "state": described.get("State"),
        "is_enabled": described.get("State") != "DISABLED",
        **_tags(attributes, found.tags),
        "force_destroy": KEPT,
        "name_prefix": KEPT,
        **_PROVIDERS,
        "arn": described.get("Arn"),
    }


def _target(reading: Reading, attributes: Attributes) -> Attributes | None:
    rule, id = str(attributes.get("rule")), attributes.get("target_id")
    found = reading.rules.get(rule)
    described = next((one for one in found.targets if one["Id"] == id), None) if found else None
    if found is None or described is None:
        return None
    transformer = described.get("InputTransformer")
    read = {
        "arn": described["Arn"],
        "input": described.get("Input"),
        "input_path": described.get("InputPath"),
        "input_transformer": transformer
        and [{"input_paths": transformer.get("InputPathsMap"), "input_template": transformer.get("InputTemplate")}],
        "role_arn": described.get("RoleArn"),
    }
    # Parameters of other kinds of targets: an alert has none, and where AWS has one the target is not covered.
    others = {name: value for name, value in attributes.items() if not value and name not in read}
    if described.keys() - {"Id", "Arn", "Input", "InputPath", "InputTransformer", "RoleArn"}:
        others = {}
    return {
        **others,
        **read,
        "id": f"{rule}-{id}",
        "rule": rule,
        "target_id": id,
        "event_bus_name": found.described.get("EventBusName"),
        "force_destroy": KEPT,
        "region": KEPT,
    }


TABLE: Mapping[str, Callable[[Reading, Attributes], Attributes | None]] = {
    "aws_cloudwatch_event_rule": _rule,
    "aws_cloudwatch_event_target": _target,
    "aws_identitystore_group": _group,
    "aws_identitystore_group_membership": _membership,
    "aws_identitystore_user": _user,
    "aws_ssoadmin_account_assignment": _assignment,
    "aws_ssoadmin_customer_managed_policy_attachment": _customer_policy,
    "aws_ssoadmin_instance_access_control_attributes": _access_control,
    "aws_ssoadmin_managed_policy_attachment": _managed_policy,
    "aws_ssoadmin_permission_set": _permission_set,
    "aws_ssoadmin_permission_set_inline_policy": _inline_policy,
    "aws_ssoadmin_permissions_boundary_attachment": _boundary,
}
"""By resource type: what the provider reads into each attribute, None where AWS has no such thing."""


def _snaked(value: Any) -> Any:
    """Returns AWS's names as the provider writes them, in what is nested too."""
    if isinstance(value, dict):
        return {snake(name): _snaked(one) for name, one in value.items()}
    return [_snaked(one) for one in value] if isinstance(value, list) else value


def _known(read: Any, blocks: Any) -> Any:
    """Returns blocks without what the provider does not know, and so no state can have."""
    if not (isinstance(read, list) and isinstance(blocks, list) and len(read) == len(blocks)):
        return read
    pairs = zip(read, map(block, blocks), strict=True)
    return [{name: value for name, value in one.items() if name in known} for one, known in pairs]


def tainted_or_deposed(state: State) -> Message | None:
    """Returns the first object that a run left half made or has yet to delete, None where there is none."""
    for resource in state.get("resources") or ():
        for instance in resource.get("instances") or ():
            if instance.get("status") == "tainted" or "deposed" in instance:
                word = "deposed" if "deposed" in instance else "tainted"
                address = f"{resource['type']}.{resource['name']}"
                return Message(f"object-{word}", f"{address} is {word}", place=address)
    return None


def count(state: State) -> int:
    """Returns how many objects a state manages."""
    return sum(1 for _ in managed(state))
