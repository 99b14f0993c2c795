"""Rules on what accounts inherit: `defaults` of organization.yaml, and the settings of baseline.yaml."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import get_args, get_origin

from pydantic import ValidationError

from strata.config import BASELINE, ORGANIZATION, SECURITY
from strata.config.layers import BASELINE_LAYER
from strata.config.limits import Limits
from strata.config.loader import PartialConfiguration
from strata.config.models import ACCESS_ROLE, MANAGEMENT, ROOT, SIGN_IN_EVENTS, Control, Setting
from strata.config.source import Location
from strata.config.text import Problem, short
from strata.config.types import PlaceReference
from strata.errors import Fault, Message
from strata.landing_zone import LandingZone
from strata.landing_zone.inherited import Attributes, Inherited, Words, attribute_words, attributes, idle, words_of
from strata.landing_zone.inherited import places as places_of
from strata.landing_zone.policies import declared_attributes
from strata.landing_zone.selection import EVERYWHERE, AccountSelector
from strata.landing_zone.units import UNIT, Target
from strata.rules.organization import retired
from strata.rules.reporting import report_unknown


def defaults(partial: PartialConfiguration, limits: Limits) -> Iterator[Fault]:
    """What accounts inherit stands at places that there are, and names contacts and regions that there are."""
    organization, security = partial.organization, partial.security
    if not organization:
        return
    places = organization.defaults or {}
    yield from _places(partial, ORGANIZATION, ("defaults",), places, "in the entry of the account")
    written = {("defaults", place): entry for place, entry in places.items()}
    for at, entry in (written | {("accounts", key): entry for key, entry in organization.accounts.items()}).items():
        names = entry.contacts.model_dump(exclude_none=True) if entry.contacts else {}
        for kind, name in names.items() if security else ():
            section = "primary_contacts" if kind == "primary" else "contacts"
            known = partial.declared(SECURITY, section, getattr(security, section))
            what = "primary contact" if kind == "primary" else "contact"
            yield from report_unknown(
                partial, ORGANIZATION, (*at, "contacts", kind), name, known, what, more=f"; add it to {SECURITY}"
            )
        if entry.contacts and security and security.alternate_contacts.on:
            text = f"gives contacts, and alternate_contacts in {SECURITY} gives every account its own"
            message = Message("set-twice", text, keys=["contacts", "alternate_contacts"])
            remedy = "write those as defaults of root, by name, and set alternate_contacts to mode: unmanaged"
            yield partial.fault(ORGANIZATION, (*at, "contacts"), message, remedy)
        for index, region in enumerate(entry.regions or ()):
            if region not in limits.opt_in_regions:
                text = f"{region} is enabled in every account"
                message = Message("region-not-opt-in", text, region=region)
                remedy = f"remove it; those to enable are {', '.join(sorted(limits.opt_in_regions))}"
                yield partial.fault(ORGANIZATION, (*at, "regions", index), message, remedy)
    yield from _idle(partial, ORGANIZATION, attribute_words(organization), places_of(organization).values())
    seen: set[Location] = set()
    for key, its in attributes(organization, ("budget",)).items():
        yield from _budget(partial, its, seen)
        if key == "monthly" and its.at("budget"):
            message = Message("name-taken", "its budget would have the name of that of the organization", name=key)
            yield partial.fault(ORGANIZATION, ("accounts", key), message, "give it 'budget: null', or another key")


def _idle(
    partial: PartialConfiguration, file: str, words: Mapping[str, Words], ways: Iterable[Iterable[str]]
) -> Iterator[Fault]:
    """Reports values of `null` that take nothing away; an attribute without a value is not given, as everywhere."""
    for path, at in idle(words, ways):
        if len(path) > 1 or file == BASELINE:
            message = Message("nothing-to-take-away", "has no value, which takes away what a place above gives")
            remedy = "give it a value, or remove it: no place above gives any"
            yield partial.fault(file, at, message, remedy)


def _budget(partial: PartialConfiguration, its: Attributes, seen: set[Location]) -> Iterator[Fault]:
    budget, at = its.at("budget"), its.location("budget")
    if budget and "limit_usd" not in budget and budget.get("mode", "on") == "on" and at not in seen:
        seen.add(at)
        message = Message("key-missing", "gives a budget to accounts that have no limit_usd", key="limit_usd")
        yield partial.fault(ORGANIZATION, at, message, "add limit_usd here, or at a place above")


def _places(
    partial: PartialConfiguration, file: str, at: Location, places: Iterable[str], accounts: str = ""
) -> Iterator[Fault]:
    """Reports places that there are not; `accounts` says where else the words of an account belong."""
    organization = partial.organization
    if not (organization and partial.complete(ORGANIZATION, "organizational_units", "accounts")):
        return
    selector = AccountSelector(organization)
    for place in places:
        here, problem = (*at, place), selector.problem(place, ())
        if problem:
            yield partial.fault(file, here, problem.problem, problem.remedy)
        elif place == EVERYWHERE:
            message = Message("nothing-named", "stands for no place from which accounts inherit", name=place)
            yield partial.fault(file, here, message, f"write {ROOT}")
        elif place == MANAGEMENT:
            text = "is the management account, which has no stack of a layer in accounts"
            yield partial.fault(
                file, here, Message("account-managed", text, account=place), f"remove it; {SECURITY} has its settings"
            )
        elif accounts and place != ROOT and not place.startswith(UNIT):
            message = Message("name-of-another-kind", f"{short(place)} is an account", name=place, kind="account")
            yield partial.fault(file, here, message, f"write it {accounts}, below accounts.{place}")


def places(partial: PartialConfiguration, _: Limits) -> Iterator[Fault]:
    """What a layer says by place, in a mapping whose keys are `PlaceReference`, stands at places that there are."""
    for layer in partial.layers.values():
        for name, field in type(layer.settings).model_fields.items() if layer.settings else ():
            if get_origin(field.annotation) is dict and get_args(field.annotation)[0] == PlaceReference:
                yield from _places(partial, layer.file, (name,), getattr(layer.settings, name))


def baseline(partial: PartialConfiguration, limits: Limits) -> Iterator[Fault]:
    """The settings of each account fit together, as they are once all that counts for it is put together."""
    landing_zone, layer = LandingZone.of(partial), partial.layers.get(BASELINE_LAYER)
    if not (
        landing_zone and layer and layer.source and layer.settings and partial.parsed_cleanly(BASELINE, "settings")
    ):
        return
    if any(places(partial, limits)) or not partial.complete(ORGANIZATION, "organizational_units", "accounts"):
        return
    from strata.config.baseline import MemberSettings

    words = words_of("settings", layer.settings.model_dump(exclude_unset=True).get("settings", {}))
    yield from _idle(partial, BASELINE, words, (account.places for account in landing_zone.members.values()))
    said: set[tuple[Location, Message]] = set()
    aliases: dict[str, str] = {}
    for key, its in landing_zone.baseline.items():
        try:
            settings = MemberSettings.model_validate(its.at())
        except ValidationError as error:
            problems = [
                _problem(its, details["loc"], details.get("ctx", {}).get("error")) for details in error.errors()
            ]
        else:
            problems = [
                *_roles(partial, its, settings.roles or {}),
                *_declared(landing_zone, key, its, MemberSettings.kinds(), settings.model_fields_set),
            ]
            alias = settings.account_alias
            if alias and alias.on:
                problems += _alias(its, key, (alias.name or "").replace("{key}", key), aliases)
        for at, message, remedy in problems:
            if (at, message) not in said:
                said.add((at, message))
                yield partial.fault(BASELINE, at, message, remedy)


_Wrong = tuple[Location, Message, str]


def _problem(its: Inherited, loc: tuple[int | str, ...], error: object) -> _Wrong:
    path = tuple(str(part) for part in loc)
    while path and not its.location(*path):
        path = path[:-1]
    if isinstance(error, Problem):
        return its.location(*path), error.problem, f"{error.remedy}; null takes away what a place above gives"
    message = Message("value-rejected", "does not fit what the places above give", keys=list(path))
    return its.location(*path), message, "write it whole at one place"


def _alias(its: Inherited, key: str, alias: str, taken: dict[str, str]) -> Iterator[_Wrong]:
    at = its.location("account_alias")
    if not alias:
        yield at, Message("key-missing", "the alias has no name", key="name"), "add 'name:', as in acme-{key}"
    elif (other := taken.setdefault(alias, key)) != key:
        text = f"{short(alias)} is the alias of {other} and of {key}, and AWS gives one to a single account"
        yield at, Message("name-taken", text, kind="account alias", name=alias, other=other), "write {key} into it"


def _roles_of_strata(partial: PartialConfiguration) -> set[str]:
    """Returns the names of roles that others make in member accounts, by which Strata enters them among these."""
    layers = partial.layers.values()
    short_name = partial.project.short_name if partial.project else ""
    sends = {SIGN_IN_EVENTS, f"{short_name}-{SIGN_IN_EVENTS}"}
    return {ACCESS_ROLE, *sends, *(role for layer in layers for role in layer.roles.model_dump().values())}


def _roles(partial: PartialConfiguration, its: Inherited, roles: Mapping[str, Control | None]) -> Iterator[_Wrong]:
    organization = partial.organization
    accounts = organization.accounts if organization else {}
    known = partial.declared(ORGANIZATION, "accounts", accounts)
    taken = _roles_of_strata(partial)
    for name, role in roles.items():
        at, trust = its.location("roles", name), getattr(role, "trust", None)
        if role and name in taken:
            text = f"{name} is a role of Strata's or AWS's own in the account"
            yield at, Message("name-taken", text, kind="role", name=name), "choose another name"
        if role and role.on and trust is None:
            message = Message("key-missing", f"nobody may assume the role {name}", key="trust")
            yield at, message, "add 'trust:' with account, github or gitlab"
        if trust and trust.account and trust.account != MANAGEMENT:
            here = its.location("roles", name, "trust", "account")
            for fault in (
                *report_unknown(partial, BASELINE, here, trust.account, known, "account", MANAGEMENT),
                *retired(partial, BASELINE, here, trust.account),
            ):
                yield here, fault.problem, fault.remedy


def _declared(
    zone: LandingZone, key: str, its: Inherited, kinds: Mapping[str, type[Control]], given: Iterable[str]
) -> Iterator[_Wrong]:
    """Reports settings that a declarative policy sets in the account: AWS refuses them to the account itself."""
    attributes = {
        attribute: effective.policy
        for effective in zone.effective_policies.get(Target("account", key), ())
        for attribute in declared_attributes(effective.policy)
    }
    for name in given:
        kind = kinds.get(name)
        if (
            kind
            and issubclass(kind, Setting)
            and kind.declared_as in attributes
            and its.at(name).get("mode", "on") == "on"
        ):
            policy = attributes[kind.declared_as]
            text = f"the policy {policy.key} sets it in {key}, and AWS then rejects it from the account itself"
            message = Message("set-by-policy", text, policy=policy.key, account=key)
            yield its.location(name), message, "take it out in one of the two places"
