"""How a difference is kept: what `strata adopt KIND:NAME` writes of it, or why it can write nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from strata.adoption.describing import inline_file, objection
from strata.adoption.existing import Edit
from strata.config import ORGANIZATION, SECURITY, SSO
from strata.config.limits import aws_limits
from strata.config.models import Model
from strata.drift import facts
from strata.errors import Message
from strata.kinds import kind_of
from strata.kinds.kind import Kind
from strata.kinds.organization import ROOT_FEATURES
from strata.kinds.setting import key_of, regions_of
from strata.kinds.thing import Thing
from strata.kinds.user import USER
from strata.landing_zone import LandingZone
from strata.landing_zone.permission_sets import PermissionSet
from strata.landing_zone.policies import Policy

BY_HAND = "change security.yaml by hand"
"""What is said of a control, of which `strata adopt` writes nothing."""
Obstacle = Message | Literal[""]


def obstacle(zone: LandingZone, kind: str, attribute: str, here: Thing | None, now: Thing | None) -> Obstacle:
    """Returns why `strata adopt` cannot write what AWS has, as a phrase; nothing where it can."""
    if now is None:
        return Message("gone-at-aws", "take it out of the YAML by hand, and deploy")
    if not attribute:
        return _why_not_added(zone, now)
    if here is None:
        return ""
    return _why_not_changed(zone, kind, attribute, here, now)


def _why_not_added(zone: LandingZone, now: Thing) -> Obstacle:
    if now.kind == facts.ENTITLEMENT:
        return Message("not-declarable", "no configuration can declare an entitlement", kind=now.kind)
    if now.kind == facts.POLICY_TYPE:
        return Message("declare-a-policy", "declare a policy of this type, which switches the type on")
    if now.values.get("principal") == "deleted":
        return Message("principal-deleted", "nobody has it any more")
    if now.apart:
        return Message("left-to-others", "its account is left to others, see unmanaged_accounts and retired")
    if now.kind == facts.DELEGATED:
        service = now.ids["service"]
        if own := aws_limits().delegated_by_own_resource.get(service):
            return Message("delegated-by-own-resource", f"{own} delegates it, in a layer of your own", resource=own)
        declared = zone.organization.delegated_administrators.get(service)
        text = f"one account a service can be declared, and that is {declared}"
        return Message("one-administrator-a-service", text, service=service, account=declared) if declared else ""
    if now.kind == facts.ROOT_FEATURE:
        unknown = Message("unknown-feature", "this Strata does not know the feature", feature=now.name)
        return "" if now.name in ROOT_FEATURES else unknown
    if now.kind in (facts.SET_POLICY, facts.INLINE, facts.BOUNDARY):
        one = zone.permission_sets.get(now.ids["set"])
        if one is None:
            return Message("set-not-declared", "its permission set is declared no longer", set=now.ids["set"])
        return _option(one) or (_braces(now) if now.kind == facts.INLINE else "")
    return ""


def _why_not_changed(zone: LandingZone, kind: str, attribute: str, here: Thing, now: Thing) -> Obstacle:
    if kind == facts.ASSIGNMENT:
        return Message("principal-deleted", "nobody has it any more; take it out by hand, and deploy")
    if attribute == "id":
        again = Message("deploy-gives-again", "a deploy gives the new one what the deleted one had")
        deleted = "the state has the one that was deleted, and no import replaces it"
        return again if here.external else Message("state-has-deleted", deleted)
    if kind == facts.CONTROL:
        return Message("control-by-hand", BY_HAND)
    if kind == facts.SETTING:
        return _why_no_setting(zone, attribute, here)
    if kind == facts.ACCOUNT and attribute == "state":
        return Message("account-closed", "write retired: true into its entry, once it is closed for good")
    if kind == facts.UNIT and attribute == "unit":
        return Message("unit-moved", "move its entry by hand")
    if kind == facts.USER and attribute == "email" and ", " in str(now.values[attribute]):
        return Message("several-addresses", "it has several addresses, and one can be written")
    if kind in (facts.POLICY, facts.SET, facts.INLINE, facts.BOUNDARY):
        of_set = kind != facts.POLICY
        one: Policy | PermissionSet = zone.permission_sets[here.name] if of_set else zone.policies[here.name]
        if why := _option(one) or (_why_no_document(zone, one, now) if attribute == "document" else ""):
            return why
    of = kind_of(kind)
    return _why_no_value(of, of.model, attribute, now) if of.model else ""


def _why_no_value(kind: Kind, model: type[Model], attribute: str, now: Thing) -> Obstacle:
    """Returns why the value that AWS has cannot stand in the entry."""
    name, value = kind.fields.get(attribute), now.values[attribute]
    if kind is USER and attribute in _NEEDED and not value:
        return Message("value-missing-at-aws", "AWS has none, and one has to be written", key=name)
    return objection(model, name, value) if name and value and attribute != "unit" else ""


_NEEDED = ("given_name", "family_name", "email")


def _option(one: Policy | PermissionSet) -> Obstacle:
    text = f"the option {one.option} says what it is; change that by hand, or deploy"
    return Message("made-by-option", text, option=one.option) if one.option else ""


def _braces(now: Thing) -> Obstacle:
    text = "its document contains {{, which stands for a value in a policy file"
    return Message("document-has-braces", text) if "{{" in _text(now) else ""


def _why_no_document(zone: LandingZone, one: Policy | PermissionSet, now: Thing) -> Obstacle:
    """Returns why the document cannot take the place of its file."""
    part = one if isinstance(one, Policy) else one.inline
    if part is None or part.file is None:
        return Message("document-without-file", "no file has its document; change it by hand")
    if "{{" in part.document.template:
        text = f"{part.file} has placeholders, and the document at AWS has none; change the file by hand"
        return Message("file-has-placeholders", text, file=part.file)
    files = [each.file for each in zone.policies.values()]
    files += [each.inline.file for each in zone.permission_sets.values() if each.inline]
    shared = Message("file-shared", f"others have {part.file} as well; give it a file of its own", file=part.file)
    return shared if files.count(part.file) > 1 else _braces(now)


def _why_no_setting(zone: LandingZone, attribute: str, here: Thing) -> Obstacle:
    control = zone.security.settings[key_of(here.name)]
    if attribute not in control.arguments.values():
        return Message("only-unmanaged", "security.yaml can only leave it to others, with mode: unmanaged")
    if len(regions_of(control, zone.project)) > 1:
        return Message("one-value-for-regions", "security.yaml has one value for all regions; write it by hand")
    return ""


# What is written


@dataclass(frozen=True)
class Kept:
    """A difference that is written into the configuration.

    Attributes:
        attribute: what changed; empty for what was made.
        here: the fact as it is declared, None for what was made.
        now: the fact as AWS has it.
    """

    attribute: str
    here: Thing | None
    now: Thing

    @property
    def is_added(self) -> bool:
        """Returns whether it is an entry of its own, which every run of `strata adopt` can add."""
        return not self.attribute and kind_of(self.now.kind).is_added

    def edits(self, zone: LandingZone, units: Mapping[str, str], features: frozenset[str]) -> Iterator[Edit]:
        """Yields what is written of what a run over everything does not write.

        Args:
            zone: the configuration, with what was added before it.
            units: the keys of the units by id.
            features: the features of central root access that are on.
        """
        if self.is_added:
            return
        match self.now.kind:
            case facts.ROOT_FEATURE:
                yield from _root_access(zone, self.now.name, features)
            case facts.SET_POLICY | facts.BOUNDARY:
                yield _policy_of_set(zone, self.now)
            case facts.INLINE:
                yield from _document(zone, self.now)
            case facts.POLICY if self.attribute == "document":
                yield from _document(zone, self.now)
            case facts.SETTING:
                yield _setting(zone, self.attribute, self.now)
            case facts.ATTRIBUTE:
                way = ("access_control_attributes", self.now.name)
                yield Edit(_file(zone, SSO, way), way, self.now.values["source"])
            case _ if self.here:
                yield from self._fields(zone, self.here, units)

    def _fields(self, zone: LandingZone, here: Thing, units: Mapping[str, str]) -> Iterator[Edit]:
        way = tuple(map(str, here.location))
        file = _file(zone, here.file, way)
        value = self.now.values[self.attribute]
        if self.attribute == "unit":
            value = units.get(self.now.ids["unit"], value)
        # What AWS has not is not written: then it stays as it is.
        yield Edit(file, (*way, kind_of(self.now.kind).fields[self.attribute]), value or None)
        if (self.now.kind, self.attribute) == (facts.USER, "email") and not zone.sso.users[here.name].user_name:
            yield Edit(file, (*way, "user_name"), self.now.values["user_name"])  # which was the address until now


def _file(zone: LandingZone, name: str, way: tuple[str, ...]) -> str:
    return zone.source(name, way).file


def _root_access(zone: LandingZone, feature: str, features: frozenset[str]) -> Iterator[Edit]:
    """Yields one feature, and both where none is declared: they are one thing, and each is on unless it is written."""
    way = ("member_root_access",)
    declared = zone.organization.member_root_access
    for name, key in ROOT_FEATURES.items():
        if declared is None or name == feature:
            yield Edit(_file(zone, ORGANIZATION, way), (*way, key), name in features)


def _policy_of_set(zone: LandingZone, now: Thing) -> Edit:
    one = zone.permission_sets[now.ids["set"]]
    way = tuple(map(str, one.location))
    policy = {name: value for name, value in now.ids.items() if name in ("aws", "customer", "path")}
    if now.kind == facts.BOUNDARY:
        return Edit(_file(zone, SSO, way), (*way, "boundary"), policy)
    return Edit(_file(zone, SSO, way), (*way, "policies"), policy, more=True)


def _document(zone: LandingZone, now: Thing) -> Iterator[Edit]:
    """Yields the document, and for the first inline policy of a permission set the entry that names it."""
    if now.kind == facts.POLICY:
        yield Edit(str(zone.policies[now.name].file), (), _text(now))
        return
    one = zone.permission_sets[now.ids["set"]]
    if one.inline:
        yield Edit(str(one.inline.file), (), _text(now))
        return
    path, way, number = inline_file(one.key), tuple(map(str, one.location)), 2
    while path in zone.documents:
        path, number = inline_file(f"{one.key}-{number}"), number + 1
    yield Edit(path, (), _text(now))
    yield Edit(_file(zone, SSO, way), (*way, "policies"), {"inline": path}, more=True)


def _text(now: Thing) -> str:
    document: Any = now.values["document"]
    return document if isinstance(document, str) else json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _setting(zone: LandingZone, attribute: str, now: Thing) -> Edit:
    key = key_of(now.name)
    arguments = {argument: parameter for parameter, argument in zone.security.settings[key].arguments.items()}
    way = (key, arguments[attribute])
    return Edit(_file(zone, SECURITY, way[:1]), way, now.values[attribute])
