"""The recorded side: what the states of Strata's stacks hold, under the keys of today."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from strata.adoption.describing import ACTIVE
from strata.adoption.live_ids import TypedId
from strata.config.models import MANAGEMENT, User
from strata.drift import controls, facts
from strata.drift.facts import Fact, side
from strata.identity.external import Principal, principals
from strata.identity.recorded import parted
from strata.identity.things import (
    ASSIGNMENT,
    ATTACHMENT,
    BOUNDARY,
    CUSTOMER_POLICY,
    DELEGATED,
    INLINE_POLICY,
    MANAGED_POLICY,
    MEMBERSHIP,
    TYPES,
)
from strata.kinds.attributes import block, text
from strata.kinds.moves import address_now, newest_keys
from strata.landing_zone import LandingZone
from strata.landing_zone.groups import Group
from strata.sides.states import Object, State, managed, resources

Attributes = Mapping[str, Any]
ByType = Mapping[str, Mapping[str, Attributes]]
"""Type to name to attributes."""


@dataclass(frozen=True)
class States:
    """What the states say of the things at AWS, under the keys that they have them by.

    Attributes:
        ids: import ids by Terraform address.
        attributes: what a deploy left, by type and name.
        elsewhere: type and id of what layers of one's own have, and of what a deploy has yet to delete.
        looked_up: groups and users that an identity provider looks after, by the address that they would have.
        broken: addresses of what a run left half made.
        whole: whether the attributes are all there; readings of format 1 have tags and ids alone.
    """

    ids: Mapping[str, str] = field(default_factory=dict)
    attributes: Mapping[str, Mapping[str, Mapping[str, Any]]] = field(default_factory=dict)
    elsewhere: frozenset[TypedId] = frozenset()
    looked_up: Mapping[str, Principal] = field(default_factory=dict)
    broken: frozenset[str] = frozenset()
    whole: bool = False

    def held(self) -> Iterator[tuple[str, Attributes]]:
        """Yields address and attributes of everything."""
        for type, named in self.attributes.items():
            yield from ((f"{type}.{name}", one) for name, one in named.items())


def states_of(states: Mapping[str, State]) -> States:
    """Returns what some states say, by stack."""
    ours, others = parted(states)
    held = list(resources(ours))
    sound = {one.address for state in ours.values() for one in managed(state) if not one.tainted}
    looked_up = {f"{TYPES[kind]}.{key}": one for (kind, key), one in principals(ours, {}).items()}
    said: dict[str, dict[str, Attributes]] = {}
    for one in held:
        said.setdefault(one.type, {})[one.name] = one.attributes
    return States(
        ids={
            **{address: one.id for address, one in looked_up.items()},
            **{one.address: str(one.attributes.get("id") or "") for one in held},
        },
        attributes=said,
        elsewhere=frozenset([*(_typed(one) for state in others.values() for one in managed(state)), *_deposed(ours)]),
        looked_up=looked_up,
        broken=frozenset(one.address for one in held if one.address not in sound),
        whole=True,
    )


def recorded_side(zone: LandingZone, states: States, without: Collection[str] = ()) -> dict[tuple[str, str], Fact]:
    """Returns what the states hold, but for some addresses."""
    by_type = moved(zone, (one for one in states.held() if one[0] not in without))
    return side(
        *_organization(zone, by_type),
        *_policies(by_type),
        *_people(by_type),
        *_external(zone, states.looked_up),
        *_access(by_type),
        *_settings(zone, by_type),
        *controls.recorded(by_type),
    )


def moved(zone: LandingZone, held: Iterable[tuple[str, Attributes]]) -> dict[str, dict[str, Attributes]]:
    """Returns attributes by type and name, moved to the keys of today, of what states have by address."""
    now, found = newest_keys(zone.moves), dict[str, dict[str, Attributes]]()
    by_address = [(address_now(before, now), before, one) for before, one in held]
    # Where a state has old and new address, the new one counts.
    for address, _, one in sorted(by_address, key=lambda each: each[0] == each[1]):
        type, _, name = address.partition(".")
        found.setdefault(type, {})[name] = one
    return found


def _deposed(states: Mapping[str, State]) -> Iterator[TypedId]:
    """Yields type and id of what a deploy has replaced, and deletes as soon as it can."""
    for state in states.values():
        current = {one.address for one in managed(state) if not one.deposed}
        yield from (_typed(one) for one in managed(state) if one.deposed and one.address in current)


def _typed(one: Object) -> TypedId:
    return one.type, str(one.attributes.get("id") or "")


def default_tags(one: Attributes) -> dict[str, str]:
    """Returns the tags that a thing has of the project and its stack, not of its own."""
    own = one.get("tags") or {}
    return {key: value for key, value in (one.get("tags_all") or {}).items() if key not in own}


def _organization(zone: LandingZone, by_type: ByType) -> Iterator[Fact]:
    units = {str(one.get("id")): key for key, one in by_type.get(TYPES["ou"], {}).items()}
    for key, one in by_type.get(TYPES["account"], {}).items():
        values = {
            "name": text(one, "name"),
            "email": text(one, "email"),
            "unit": units.get(text(one, "parent_id"), _root(one)),
            "state": ACTIVE,
            "tags": dict(one.get("tags") or {}),
        }
        ids = {"id": text(one, "id")}
        yield Fact(facts.ACCOUNT, key, {} if key == MANAGEMENT else values, ids=ids)
    for key, one in by_type.get(TYPES["ou"], {}).items():
        parent = units.get(text(one, "parent_id"), _root(one))
        values = {"name": text(one, "name"), "unit": parent, "id": text(one, "id")}
        yield Fact(facts.UNIT, key, values, ids={"id": text(one, "id")})
    for one in by_type.get("aws_organizations_organization", {}).values():
        yield from _lists(zone, one)
    account_ids = {text(one, "id"): key for key, one in by_type.get(TYPES["account"], {}).items()}
    for one in by_type.get(DELEGATED, {}).values():
        account, service = text(one, "account_id"), text(one, "service_principal")
        ids = {"account": account, "service": service}
        yield Fact(facts.DELEGATED, facts.delegated(account_ids.get(account, account), service), ids=ids)
    for one in by_type.get("aws_iam_organizations_features", {}).values():
        yield from (Fact(facts.ROOT_FEATURE, str(name)) for name in one.get("enabled_features") or ())


def _lists(zone: LandingZone, one: Attributes) -> Iterator[Fact]:
    """Yields services and policy types; a state notes others that were on as well, which no deploy switches off.

    Those were declared once, or somebody else switched them on before the last deploy: a state does not tell which.
    """
    services = {*zone.trusted_services, *zone.organization.disable_services}
    types = {type.value for type in zone.policy_types}
    for name in map(str, one.get("aws_service_access_principals") or ()):
        yield Fact(facts.TRUSTED, name, noted=name not in services)
    for name in map(str, one.get("enabled_policy_types") or ()):
        yield Fact(facts.POLICY_TYPE, name, noted=name not in types)


def _root(one: Attributes) -> str:
    parent = text(one, "parent_id")
    return "root" if not parent or parent.startswith("r-") else parent


def _policies(by_type: ByType) -> Iterator[Fact]:
    for key, one in by_type.get(TYPES["policy"], {}).items():
        values = {
            "name": text(one, "name"),
            "description": text(one, "description"),
            "document": content(text(one, "content")),
            "id": text(one, "id"),
        }
        yield Fact(facts.POLICY, key, values, ids={"id": text(one, "id")})
    for name, one in by_type.get(ATTACHMENT, {}).items():
        policy, _, target = name.partition("_")
        kind, _, key = target.partition("_")
        ids = {"policy": text(one, "policy_id"), "target": text(one, "target_id")}
        yield Fact(facts.ATTACHMENT, facts.attached(policy, "unit" if kind == "ou" else kind, key), ids=ids)


def _people(by_type: ByType) -> Iterator[Fact]:
    for key, one in by_type.get(TYPES["user"], {}).items():
        full_name, email = block(one.get("name")), block(one.get("emails"))
        values = {
            "user_name": text(one, "user_name"),
            "given_name": text(full_name, "given_name"),
            "family_name": text(full_name, "family_name"),
            "email": text(email, "value"),
            "display_name": text(one, "display_name"),
            "id": text(one, "user_id"),
        }
        yield Fact(facts.USER, key, values, ids={"id": text(one, "user_id")})
    for key, one in by_type.get(TYPES["group"], {}).items():
        values = {
            "name": text(one, "display_name"),
            "description": text(one, "description"),
            "id": text(one, "group_id"),
        }
        yield Fact(facts.GROUP, key, values, ids={"id": text(one, "group_id")})
    for name, one in by_type.get(MEMBERSHIP, {}).items():
        group, _, user = name.partition("_")
        id = text(one, "id").rpartition("/")[2]
        ids = {"group": text(one, "group_id"), "user": text(one, "member_id"), "id": id}
        yield Fact(facts.MEMBERSHIP, facts.member(user, group), {"id": id}, ids=ids)
    for one in by_type.get("aws_ssoadmin_instance_access_control_attributes", {}).values():
        for attribute in one.get("attribute") or ():
            source = next(iter(block(attribute.get("value")).get("source") or ()), "")
            yield Fact(facts.ATTRIBUTE, text(attribute, "key"), {"source": source})


def _external(zone: LandingZone, looked_up: Mapping[str, Principal]) -> Iterator[Fact]:
    """Yields what the last deploy looked up; of what no state has the name, that of the configuration."""
    now = newest_keys(zone.moves)
    for address, one in looked_up.items():
        type, _, key = address_now(address, now).partition(".")
        kind = "user" if type == TYPES["user"] else "group"
        here: User | Group | None = zone.users.get(key) if kind == "user" else zone.groups.get(key)
        if here and here.external:
            attribute, name = ("user_name", here.sign_in_name) if isinstance(here, User) else ("name", here.name)
            values = {attribute: one.name or name, "id": one.id}
            yield Fact(facts.USER if kind == "user" else facts.GROUP, key, values, ids={"id": one.id}, external=True)


def _access(by_type: ByType) -> Iterator[Fact]:
    for key, one in by_type.get(TYPES["permission-set"], {}).items():
        names = ("name", "description", "session_duration", "relay_state")
        values = {name: text(one, name) for name in names}
        values |= {"id": text(one, "arn")}
        yield Fact(facts.SET, key, {**values, "tags": dict(one.get("tags") or {})}, ids={"id": values["id"]})
    for name, one in by_type.get(MANAGED_POLICY, {}).items():
        arn = text(one, "managed_policy_arn")
        words = facts.in_set(facts.aws_policy(arn), name.partition("_")[0])
        yield Fact(facts.SET_POLICY, words, ids={**_of_set(one), "policy": arn})
    for name, one in by_type.get(CUSTOMER_POLICY, {}).items():
        reference = block(one.get("customer_managed_policy_reference"))
        words, ids = (
            facts.in_set(_own(reference), name.partition("_")[0]),
            {**_of_set(one), "name": text(reference, "name")},
        )
        yield Fact(facts.SET_POLICY, words, ids=ids)
    for key, one in by_type.get(INLINE_POLICY, {}).items():
        yield Fact(facts.INLINE, key, {"document": content(text(one, "inline_policy"))}, ids=_of_set(one))
    for key, one in by_type.get(BOUNDARY, {}).items():
        found = block(one.get("permissions_boundary"))
        arn, own = text(found, "managed_policy_arn"), block(found.get("customer_managed_policy_reference"))
        words = facts.aws_policy(arn) if arn else _own(own)
        yield Fact(facts.BOUNDARY, key, {"policy": words}, ids=_of_set(one))
    yield from assignments(by_type)


def assignments(by_type: ByType) -> Iterator[Fact]:
    """Yields who was given what where."""
    for name, one in by_type.get(ASSIGNMENT, {}).items():
        match name.split("_"):
            case [account, permission_set, principal_type, principal]:
                words = facts.assigned(permission_set, principal_type, principal, account)
                ids = {"account": text(one, "target_id"), "principal": text(one, "principal_id"), **_of_set(one)}
                yield Fact(facts.ASSIGNMENT, words, {"principal": "there"}, ids=ids)


def _settings(zone: LandingZone, by_type: ByType) -> Iterator[Fact]:
    for key, control in zone.security.settings.items():
        type, _, name = control.address.partition(".")
        for region in facts.regions_of(control, zone.project):
            found = by_type.get(type, {}).get(f"{name}_{region}" if region else name)
            if found is not None:
                arguments = (*control.arguments.values(), *control.always)
                yield Fact(facts.SETTING, facts.set_in(key, region), facts.settings_in(found, arguments))


def content(document: str) -> Any:
    """Returns a policy document as data, or its text where it is none."""
    try:
        return json.loads(document) if document else {}
    except ValueError:
        return document


def _of_set(one: Attributes) -> dict[str, str]:
    return {"arn": text(one, "permission_set_arn")}


def _own(reference: Attributes) -> str:
    return facts.own_policy(text(reference, "name"), text(reference, "path") or "/")
