"""The declared side: what the configuration would have a deploy make, with the values that a deploy puts back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from strata.adoption.describing import ACTIVE, ROOT_FEATURES
from strata.config import ORGANIZATION, SECURITY, SSO
from strata.config.models import MANAGEMENT
from strata.drift import facts
from strata.drift.controls import declared_controls
from strata.drift.facts import Fact, Recorded, side
from strata.landing_zone import LandingZone
from strata.landing_zone.permission_sets import ManagedPolicy, PermissionSet
from strata.landing_zone.placeholders import PATTERN, Document


def declared_side(zone: LandingZone) -> dict[tuple[str, str], Fact]:
    """Returns what is declared."""
    return side(
        *_organization(zone),
        *_policies(zone),
        *_people(zone),
        *_access(zone),
        *_settings(zone),
        *declared_controls(zone),
    )


def _organization(zone: LandingZone) -> Iterator[Fact]:
    organization = zone.organization
    for key, one in zone.accounts.items():
        if key == MANAGEMENT:
            # AWS neither renames nor moves it, and a deploy leaves it as it is.
            yield Fact(facts.ACCOUNT, key, {}, one.file, one.location)
            continue
        values = {"name": one.name, "email": one.email, "unit": one.unit, "state": ACTIVE, "tags": dict(one.tags)}
        yield Fact(facts.ACCOUNT, key, _written(values, one.unwritten), one.file, one.location)
    for unit in zone.units.values():
        at_unit = {"name": unit.name, "unit": unit.parent or "root", "id": Recorded.AS_IT_IS}
        yield Fact(facts.UNIT, unit.key, _written(at_unit, unit.unwritten), ORGANIZATION, unit.location)
    for type in zone.policy_types:
        yield Fact(facts.POLICY_TYPE, type.value, {}, ORGANIZATION, ("policies",))
    for service in zone.trusted_services:
        yield Fact(facts.TRUSTED, service, {}, ORGANIZATION, ("trusted_services",))
    for service, account in organization.delegated_administrators.items():
        at = ("delegated_administrators", service)
        yield Fact(facts.DELEGATED, facts.delegated(account, service), {}, ORGANIZATION, at)
    if root_access := organization.member_root_access:
        for feature in (name for name, key in ROOT_FEATURES.items() if getattr(root_access, key)):
            yield Fact(facts.ROOT_FEATURE, feature, {}, ORGANIZATION, ("member_root_access",))


def _policies(zone: LandingZone) -> Iterator[Fact]:
    for key, one in zone.policies.items():
        values = {
            "name": one.name,
            "description": one.description,
            "document": _content(one.document),
            "id": Recorded.AS_IT_IS,
        }
        yield Fact(facts.POLICY, key, _written(values, one.unwritten), ORGANIZATION, one.location)
        for target, location in one.attachments.items():
            name = "" if target.kind == "root" else target.key
            yield Fact(facts.ATTACHMENT, facts.attached(key, target.kind, name), {}, ORGANIZATION, location)


def _people(zone: LandingZone) -> Iterator[Fact]:
    for key, user in zone.users.items():
        if user.external:
            looked_up = {"user_name": user.sign_in_name, "id": Recorded.AS_IT_IS}
            yield Fact(facts.USER, key, looked_up, SSO, ("users", key), external=True)
            continue
        values = {
            "user_name": user.sign_in_name,
            "given_name": user.given_name,
            "family_name": user.family_name,
            "email": user.email,
            "display_name": user.display_name,
            "id": Recorded.AS_IT_IS,
        }
        unwritten = frozenset({"display_name"} if user.display_name is None else ())
        yield Fact(facts.USER, key, _written(values, unwritten), SSO, ("users", key))
    for key, group in zone.groups.items():
        if group.external:
            looked_up = {"name": group.name, "id": Recorded.AS_IT_IS}
            yield Fact(facts.GROUP, key, looked_up, SSO, group.location, external=True)
        else:
            values = {"name": group.name, "description": group.description, "id": Recorded.AS_IT_IS}
            yield Fact(facts.GROUP, key, _written(values, group.unwritten), SSO, group.location)
        for user_key in group.members:
            at = (*group.location, "members")
            made = {"id": Recorded.AS_IT_IS}
            yield Fact(facts.MEMBERSHIP, facts.member(user_key, key), made, SSO, at)
    for name, source in zone.sso.access_control_attributes.items():
        at = ("access_control_attributes", name)
        yield Fact(facts.ATTRIBUTE, name, {"source": source}, SSO, at)


def _access(zone: LandingZone) -> Iterator[Fact]:
    for one in zone.permission_sets.values():
        yield from _permission_set(one)
    for grant, locations in zone.grants.items():
        name = facts.assigned(grant.permission_set, grant.principal_type, grant.principal, grant.account)
        yield Fact(facts.ASSIGNMENT, name, {"principal": "there"}, SSO, locations[0])


def _permission_set(one: PermissionSet) -> Iterator[Fact]:
    values = {
        "name": one.name,
        "description": one.description,
        "session_duration": one.session_duration,
        "relay_state": one.relay_state,
        "tags": dict(one.tags),
        "id": Recorded.AS_IT_IS,
    }
    by_default = one.unwritten & {"session_duration"}  # how long access lasts is told, though no deploy puts it back
    unwritten = one.unwritten - by_default | ({"tags"} if one.option else set())
    yield Fact(facts.SET, one.key, _written(values, unwritten), SSO, one.location, by_default=by_default)
    for policy in one.managed:
        yield Fact(facts.SET_POLICY, facts.in_set(_policy(policy), one.key), {}, SSO, one.location)
    if one.inline:
        yield Fact(facts.INLINE, one.key, {"document": _content(one.inline.document)}, SSO, one.location)
    if one.boundary:
        yield Fact(facts.BOUNDARY, one.key, {"policy": _policy(one.boundary)}, SSO, one.location)


def _settings(zone: LandingZone) -> Iterator[Fact]:
    for key, control in zone.security.settings.items():
        if not control.on or key in zone.declared_controls:
            continue
        # A zero that nobody wrote leaves an argument out; AWS has nothing then.
        values = {**dict.fromkeys(control.arguments.values(), 0), **control.values}
        for region in facts.regions_of(control, zone.project):
            yield Fact(facts.SETTING, facts.set_in(key, region), values, SECURITY, (key,))


def _written(values: dict[str, Any], unwritten: frozenset[str] | set[str]) -> dict[str, Any]:
    """Returns the values that a deploy puts back: what is not written stays as it is at AWS."""
    return {name: value for name, value in values.items() if name not in unwritten}


def _content(document: Document) -> Any:
    """Returns a document as data; one that names what only the state has is taken as the state has it."""
    return Recorded.AS_IT_IS if PATTERN.search(document.text) else document.content


def _policy(policy: ManagedPolicy) -> str:
    return facts.aws_policy(policy.aws) if policy.aws else facts.own_policy(policy.customer, policy.path)
