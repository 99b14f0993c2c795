"""The live side: all that AWS has of the kinds that the stacks manage, with the lines that would take it away."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from strata.adoption import recording
from strata.adoption.describing import ACTIVE, CONTROL_TOWER, Keys, looked_after
from strata.adoption.live_ids import TypedId
from strata.config.limits import aws_limits
from strata.config.models import MANAGEMENT, Mode
from strata.config.moves import Kind
from strata.drift import controls, facts, lines
from strata.drift.facts import Fact, side
from strata.drift.recorded import Attributes, assignments, content, default_tags
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
from strata.inventory import things
from strata.inventory.things import Center, Inventory
from strata.kinds.assignment import assignment_id
from strata.kinds.identity import folded
from strata.landing_zone import LandingZone
from strata.landing_zone.permission_sets import AWS_MANAGED


def live_side(
    zone: LandingZone,
    inventory: Inventory,
    known: Keys,
    attributes: Mapping[str, Mapping[str, Attributes]],
    elsewhere: frozenset[TypedId],
) -> dict[tuple[str, str], Fact]:
    """Returns what AWS has.

    Args:
        zone: the configuration.
        inventory: what was read.
        known: the key of what AWS has by kind and id.
        attributes: what the states have by type and name: the default tags, and ids of what was deleted.
        elsewhere: type and id of what the states of layers of one's own have, which is theirs.
    """
    found = _Organization(zone, inventory, known, attributes, elsewhere)
    center = inventory.center
    people = _Center(zone, inventory, known, attributes, elsewhere).facts(center) if center else ()
    return side(*found.facts(), *people, *_settings(zone, inventory), *controls.live(inventory.controls or {}))


@dataclass(frozen=True)
class _Part:
    zone: LandingZone
    inventory: Inventory
    known: Keys
    attributes: Mapping[str, Mapping[str, Attributes]]
    elsewhere: frozenset[TypedId]

    def key(self, kind: Kind, id: str, name: str) -> str:
        """Returns the key of a thing; its name and id where it has none."""
        return self.known[kind].get(id) or (f"{name} ({id})" if name else id)

    def account(self, id: str) -> str:
        """Returns the key of an account; its id where it has none."""
        return self.known["account"].get(id, id)

    @cached_property
    def left(self) -> frozenset[str]:
        """Returns the ids of the accounts that are left to others, retired, or closed without being declared."""
        unmanaged, found = set(map(folded, self.zone.organization.unmanaged_accounts)), set[str]()
        for one in self.inventory.organization.accounts:
            key = self.known["account"].get(one.id, "")
            theirs = {one.id, folded(one.email)} & unmanaged or key in self.zone.retired
            if theirs or (not key and one.state != ACTIVE):
                found.add(one.id)
        return frozenset(found)

    def is_elsewhere(self, type: str, id: str) -> bool:
        """Returns whether a layer of one's own has it."""
        return (type, id) in self.elsewhere

    def tags(self, kind: Kind, key: str, tags: Mapping[str, str]) -> dict[str, str]:
        """Returns the tags of a thing without those of the project, of its stack and of AWS itself."""
        default = default_tags(self.attributes.get(TYPES[kind], {}).get(key, {}))
        own = {name: value for name, value in tags.items() if not name.startswith("aws:")}
        return {name: value for name, value in own.items() if default.get(name) != value}


# The organization


@dataclass(frozen=True)
class _Organization(_Part):
    def facts(self) -> Iterator[Fact]:
        live = self.inventory.organization
        yield from self._accounts()
        for unit in live.units:
            if not self.is_elsewhere(TYPES["ou"], unit.id):
                values = {"name": unit.name, "unit": self._place(unit.parent), "id": unit.id}
                undo = lines.delete_unit(unit.id)
                name, thing = self.key("ou", unit.id, unit.name), ("ou", unit.id)
                yield Fact(facts.UNIT, name, values, ids={"id": unit.id}, thing=thing, undo=undo)
        theirs = {one.type for one in live.policies if self.is_elsewhere(TYPES["policy"], one.id)}
        for type in (one for one in live.policy_types if one not in theirs - {*self.zone.policy_types}):
            yield Fact(facts.POLICY_TYPE, type, undo=lines.disable_policy_type(live.root, type))
        others = _services_of_others(self.zone)
        for service in (one for one in live.trusted_services if one not in others):
            # Control Tower has to be taken down in its console, before it loses its access.
            undo = lines.disable_service(service) if service != CONTROL_TOWER else ()
            yield Fact(facts.TRUSTED, service, thing=(recording.TRUSTED, service), undo=undo)
        for service, registered in live.delegations.items():
            for id in registered:
                if not self._is_delegated_elsewhere(service, id):
                    name = facts.delegated(self.account(id), service)
                    thing = DELEGATED, f"{id}/{service}"
                    ids, undo = {"account": id, "service": service}, lines.deregister(id, service)
                    yield Fact(facts.DELEGATED, name, ids=ids, thing=thing, undo=undo)
        for feature in sorted(self.inventory.root_features):
            yield Fact(facts.ROOT_FEATURE, feature, undo=lines.disable_root_feature(feature))
        yield from self._policies()

    def _is_delegated_elsewhere(self, service: str, account: str) -> bool:
        """Returns whether a layer of one's own delegates: some services have a resource for that."""
        own = aws_limits().delegated_by_own_resource.get(service, "")
        return self.is_elsewhere(DELEGATED, f"{account}/{service}") or self.is_elsewhere(own, account)

    def _accounts(self) -> Iterator[Fact]:
        """Yields the accounts but those that are left to others, retired, or closed without being declared."""
        for one in self.inventory.organization.accounts:
            key = self.known["account"].get(one.id, "")
            if one.id in self.left or self.is_elsewhere(TYPES["account"], one.id):
                continue
            values = {
                "name": one.name,
                "email": one.email,
                "unit": self._place(one.parent),
                "state": one.state,
                "tags": self.tags("account", key, one.tags),
            }
            name = self.key("account", one.id, one.name)
            ids, thing = {"id": one.id, "unit": one.parent}, ("account", one.id)
            yield Fact(facts.ACCOUNT, name, {} if key == MANAGEMENT else values, ids=ids, thing=thing)

    def _policies(self) -> Iterator[Fact]:
        live = self.inventory.organization
        for one in live.policies:
            key = self.known["policy"].get(one.id)
            theirs = self.is_elsewhere(TYPES["policy"], one.id)
            if one.aws_managed or theirs or (not key and looked_after(self.inventory, one.name)):
                continue
            values = {"name": one.name, "description": one.description, "document": content(one.content), "id": one.id}
            name, undo = self.key("policy", one.id, one.name), lines.delete_policy(one.id, one.targets)
            rights = [values["document"], *one.targets]
            ids, thing = {"id": one.id}, ("policy", one.id)
            yield Fact(facts.POLICY, name, values, ids=ids, thing=thing, undo=undo, rights=rights)
            for target in one.targets if key else ():
                if not self.is_elsewhere(ATTACHMENT, f"{target}:{one.id}"):
                    name = facts.attached(str(key), *self._target(target))
                    thing = ATTACHMENT, f"{target}:{one.id}"
                    ids, undo = {"policy": one.id, "target": target}, lines.detach(one.id, target)
                    yield Fact(facts.ATTACHMENT, name, ids=ids, thing=thing, undo=undo)

    def _target(self, id: str) -> tuple[str, str]:
        if id == self.inventory.organization.root:
            return "root", ""
        return ("unit", self._place(id)) if id.startswith("ou-") else ("account", self.account(id))

    def _place(self, id: str) -> str:
        if id == self.inventory.organization.root:
            return "root"
        return self.key("ou", id, next((one.name for one in self.inventory.organization.units if one.id == id), ""))


def _services_of_others(zone: LandingZone) -> frozenset[str]:
    """Returns the services of what is `unmanaged`, for which somebody else may have switched them on."""
    security = zone.security
    unmanaged = {
        "access-analyzer.amazonaws.com": security.access_analyzer.mode is Mode.UNMANAGED,
        "account.amazonaws.com": security.alternate_contacts.mode is Mode.UNMANAGED,
        "cloudtrail.amazonaws.com": security.trail.mode is Mode.UNMANAGED,
        "ram.amazonaws.com": zone.organization.ram_sharing == "unmanaged",
    }
    ours = zone.trusted_services | {*zone.organization.disable_services}
    return frozenset(service for service, left in unmanaged.items() if left) - ours


# Identity Center


@dataclass(frozen=True)
class _Center(_Part):
    def facts(self, center: Center) -> Iterator[Fact]:
        """Yields people, permission sets and who has them where."""
        aws = lines.Center(center.instance, center.store, center.region)
        yield from self._users(center, aws)
        yield from self._groups(center, aws)
        declared = self.zone.sso.access_control_attributes
        # They are one thing: where some are declared, a deploy sets all of them.
        undo = () if declared else aws.delete_attributes()
        theirs = self.is_elsewhere("aws_ssoadmin_instance_access_control_attributes", center.instance)
        for name, source in (center.attributes or {}).items() if declared or not theirs else ():
            thing = recording.ATTRIBUTE, name
            yield Fact(facts.ATTRIBUTE, name, {"source": source}, thing=thing, undo=undo, rights=source)
        for one in center.permission_sets:
            if not self.is_elsewhere(TYPES["permission-set"], f"{one.arn},{center.instance}"):
                yield from self._permission_set(one, aws)
        yield from self._assignments(center, aws)
        entitlements = self.inventory.entitlements
        for entitled in entitlements if not isinstance(entitlements, str) else ():
            who = self._principal(entitled.principal)
            undo = aws.delete_entitlement(entitled.application, entitled.id) if entitled.id else ()
            name = facts.entitled(entitled.role, who, entitled.id)
            yield Fact(facts.ENTITLEMENT, name, ids={"id": entitled.id}, undo=undo)

    @cached_property
    def _provided(self) -> frozenset[tuple[Kind, str]]:
        """Returns kind and name of whom the configuration leaves to an identity provider: AWS does not mark each."""
        users = (one.sign_in_name for one in self.zone.users.values() if one.external)
        groups = (one.name for one in self.zone.groups.values() if one.external)
        return frozenset((*(("user", folded(name)) for name in users), *(("group", folded(name)) for name in groups)))

    def _users(self, center: Center, aws: lines.Center) -> Iterator[Fact]:
        """Yields the users; of those that an identity provider looks after, the declared ones by name and id."""
        for one in center.users:
            key = self.known["user"].get(one.id, "")
            provided = one.external or ("user", folded(one.user_name)) in self._provided
            external = self.zone.users[key].external if key in self.zone.users else provided
            if external and key in self.zone.users:
                looked_up = {"user_name": _name_of(one.user_name, self.zone.users[key].sign_in_name), "id": one.id}
                yield Fact(facts.USER, key, looked_up, ids={"id": one.id}, thing=("user", one.id), external=True)
            if external or self.is_elsewhere(TYPES["user"], f"{center.store}/{one.id}"):
                continue
            values = {
                "user_name": one.user_name,
                "given_name": one.given_name,
                "family_name": one.family_name,
                "email": ", ".join(one.emails),
                "display_name": one.display_name,
                "id": one.id,
            }
            undo = aws.remove_user(one.id)
            ids, thing = {"id": one.id, **aws.ids}, ("user", one.id)
            yield Fact(facts.USER, self._principal(one.id), values, ids=ids, thing=thing, undo=undo)

    def _groups(self, center: Center, aws: lines.Center) -> Iterator[Fact]:
        """Yields the groups with their members, but those that Control Tower looks after.

        Of those that an identity provider looks after, it yields the declared ones by name and id.
        """
        for one in center.groups:
            key = self.known["group"].get(one.id, "")
            provided = one.external or ("group", folded(one.name)) in self._provided
            external = self.zone.groups[key].external if key in self.zone.groups else provided
            if external and key in self.zone.groups:
                looked_up = {"name": _name_of(one.name, self.zone.groups[key].name), "id": one.id}
                yield Fact(facts.GROUP, key, looked_up, ids={"id": one.id}, thing=("group", one.id), external=True)
            theirs = self.is_elsewhere(TYPES["group"], f"{center.store}/{one.id}")
            if external or theirs or (not key and looked_after(self.inventory, one.name)):
                continue
            values = {"name": one.name, "description": one.description, "id": one.id}
            name, undo = self._principal(one.id), aws.remove_group(one.id)
            ids, thing, members = {"id": one.id}, ("group", one.id), sorted(one.members)
            yield Fact(facts.GROUP, name, values, ids=ids, thing=thing, undo=undo, rights=members)
            for user, membership in one.members.items() if key else ():
                if not self.is_elsewhere(MEMBERSHIP, f"{center.store}/{membership}"):
                    name = facts.member(self._principal(user), key)
                    undo, thing = aws.delete_membership(membership), (recording.MEMBERSHIP, f"{one.id} {user}")
                    ids = {"group": one.id, "user": user, "id": membership}
                    yield Fact(facts.MEMBERSHIP, name, {"id": membership}, ids=ids, thing=thing, undo=undo)

    def _permission_set(self, one: things.PermissionSet, aws: lines.Center) -> Iterator[Fact]:
        key = self.known["permission-set"].get(one.arn)
        if not key and looked_after(self.inventory, one.name):
            return
        values = {
            "name": one.name,
            "description": one.description,
            "session_duration": one.session_duration or "PT1H",
            "relay_state": one.relay_state,
            "tags": self.tags("permission-set", key or "", one.tags),
            "id": one.arn,
        }
        rights = [values["session_duration"], one.aws_managed, one.customer_managed, content(one.inline), one.boundary]
        undo, ids, thing = aws.delete_set(one.arn), {"id": one.arn}, ("permission-set", one.arn)
        yield Fact(facts.SET, self._set(one.arn), values, ids=ids, thing=thing, undo=undo, rights=rights)
        if key:
            yield from self._policies_of(one, key, f"{one.arn},{aws.instance}", aws)

    def _policies_of(self, one: things.PermissionSet, key: str, whole: str, aws: lines.Center) -> Iterator[Fact]:
        """Yields what a permission set has, but for what layers of one's own put into it."""
        for arn in one.aws_managed:
            if self.is_elsewhere(MANAGED_POLICY, f"{arn},{whole}"):
                continue
            name = facts.in_set(facts.aws_policy(arn), key)
            ids = {"set": key, "arn": one.arn, "aws": arn.removeprefix(AWS_MANAGED), "policy": arn}
            yield Fact(facts.SET_POLICY, name, ids=ids, undo=aws.detach_managed(one.arn, arn))
        for policy in one.customer_managed:
            if self.is_elsewhere(CUSTOMER_POLICY, f"{policy.name},{policy.path},{whole}"):
                continue
            name, ids = facts.in_set(facts.own_policy(*policy), key), {"set": key, "arn": one.arn}
            ids |= {"name": policy.name, **_own(policy)}
            yield Fact(facts.SET_POLICY, name, ids=ids, undo=aws.detach_customer(one.arn, *policy))
        if one.inline and not self.is_elsewhere(INLINE_POLICY, whole):
            document, undo = content(one.inline), aws.delete_inline(one.arn)
            yield Fact(
                facts.INLINE, key, {"document": document}, ids={"set": key, "arn": one.arn}, undo=undo, rights=document
            )
        if one.boundary and not self.is_elsewhere(BOUNDARY, whole):
            boundary = one.boundary
            words = facts.aws_policy(boundary) if isinstance(boundary, str) else facts.own_policy(*boundary)
            ids = {"aws": boundary.removeprefix(AWS_MANAGED)} if isinstance(boundary, str) else _own(boundary)
            undo = aws.delete_boundary(one.arn)
            yield Fact(
                facts.BOUNDARY, key, {"policy": words}, ids={"set": key, "arn": one.arn, **ids}, undo=undo, rights=words
            )

    def _assignments(self, center: Center, aws: lines.Center) -> Iterator[Fact]:
        """Yields who has what where: what a state has by its ids is called as there, whatever became of the principal.

        A principal that was deleted comes first, so that the living one counts where both are called alike.
        """
        for one in (*sorted(center.orphans), *sorted(center.assignments)):
            if self.is_elsewhere(ASSIGNMENT, assignment_id(one, center.instance)):
                continue
            unknown = one.permission_set not in self.known["permission-set"]
            if unknown and looked_after(self.inventory, self._sets.get(one.permission_set, "")):
                continue
            deleted = one in center.orphans
            who = self._deleted(one) if deleted else self._principal(one.principal)
            name = self._deployed.get((one.account, one.permission_set, one.principal)) or facts.assigned(
                self._set(one.permission_set), one.principal_type, who, self.account(one.account)
            )
            values = {"principal": "deleted" if deleted else "there"}
            undo, apart = aws.delete_assignment(one), one.account in self.left
            thing = ASSIGNMENT, assignment_id(one, center.instance)
            ids = {"account": one.account, "arn": one.permission_set, "principal": one.principal}
            yield Fact(facts.ASSIGNMENT, name, values, ids=ids, thing=thing, undo=undo, apart=apart)

    @cached_property
    def _deployed(self) -> Mapping[tuple[str, str, str], str]:
        """Returns what the state calls each assignment, by the ids of account, permission set and principal."""
        held = [(one.name, one.ids) for one in assignments(self.attributes)]
        return {(ids["account"], ids["arn"], ids["principal"]): name for name, ids in held}

    def _deleted(self, one: things.Assignment) -> str:
        kind: Kind = "user" if one.principal_type == "USER" else "group"
        recorded = self.attributes.get(TYPES[kind], {})
        key = next((key for key, found in recorded.items() if found.get(f"{kind}_id") == one.principal), None)
        return key if key and key not in self.known[kind].values() else one.principal

    def _principal(self, id: str) -> str:
        kind: Kind = "user" if id in self.known["user"] else "group"
        return self.key(kind, id, self._names.get(id, ""))

    def _set(self, arn: str) -> str:
        return self.known["permission-set"].get(arn) or f"{self._sets.get(arn, arn)} ({arn.rpartition('/')[2]})"

    @cached_property
    def _names(self) -> Mapping[str, str]:
        center = self.inventory.center
        found = [(one.id, one.user_name) for one in center.users] if center else []
        return dict([*found, *((one.id, one.name) for one in center.groups)]) if center else {}

    @cached_property
    def _sets(self) -> Mapping[str, str]:
        center = self.inventory.center
        return {one.arn: one.name for one in center.permission_sets} if center else {}


def _name_of(live: str, declared: str) -> str:
    """Returns a name at AWS, as it is declared where AWS takes both for one: it looks them up without case."""
    return declared if folded(live) == folded(declared) else live


def _own(policy: things.Attached) -> dict[str, str]:
    return {"customer": policy.name, **({"path": policy.path} if policy.path != "/" else {})}


# Settings of the account


def _settings(zone: LandingZone, inventory: Inventory) -> Iterator[Fact]:
    """Yields the settings that security.yaml sets."""
    for key, control in zone.security.settings.items():
        if not control.on or key in zone.declared_controls:
            continue
        arguments = (*control.arguments.values(), *control.always)
        for region in facts.regions_of(control, zone.project):
            found: Mapping[str, Any] = inventory.settings.get(key, {}).get(region, {})
            yield Fact(facts.SETTING, facts.set_in(key, region), facts.settings_in(found, arguments))
