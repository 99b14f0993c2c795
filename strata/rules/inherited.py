"""Rules on what accounts inherit: `defaults` of organization.yaml, and the settings of baseline.yaml."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from pydantic import ValidationError

from strata.config import BASELINE, DETECTION, ORGANIZATION, PROJECT, SECURITY
from strata.config.layers import BASELINE_LAYER
from strata.config.limits import Limits
from strata.config.loader import PartialConfiguration
from strata.config.models import MANAGEMENT, ROOT, Mode, Organization, Setting
from strata.config.reserved import EVERYWHERE
from strata.config.source import Location
from strata.config.text import Problem, matches, short
from strata.errors import Fault, Message
from strata.landing_zone import LandingZone
from strata.landing_zone.inherited import Inherited, Words, attribute_words, attributes, idle, words_of
from strata.landing_zone.inherited import places as places_of
from strata.landing_zone.policies import declared_attributes
from strata.landing_zone.selection import AccountSelector
from strata.landing_zone.units import UNIT, Target
from strata.rules.reporting import place_problem, report_unknown
from strata.text import listed

if TYPE_CHECKING:
    from strata.config.baseline import VolumeEncryption


def defaults(partial: PartialConfiguration, limits: Limits) -> Iterator[Fault]:
    """What accounts inherit stands at places that there are, and names contacts and regions that there are."""
    organization, security = partial.organization, partial.security
    if not organization:
        return
    places = organization.defaults or {}
    misplaced = list(_places(partial, ORGANIZATION, ("defaults",), places, "in the entry of the account"))
    yield from misplaced
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
                remedy = f"remove it; opt-in regions are {', '.join(sorted(limits.opt_in_regions))}"
                yield partial.fault(ORGANIZATION, (*at, "regions", index), message, remedy)
    if misplaced or not partial.complete(ORGANIZATION, "defaults"):
        return
    yield from _idle(partial, ORGANIZATION, attribute_words(organization), places_of(organization).values())
    yield from _without_limit(partial, organization)
    for key, its in attributes(organization, ("budget",)).items():
        if key == "monthly" and its.at("budget"):
            message = Message("name-taken", "its budget would have the name of that of the organization", name=key)
            yield partial.fault(ORGANIZATION, ("accounts", key), message, "give it 'budget: null', or another key")


def _idle(
    partial: PartialConfiguration, file: str, words: Mapping[str, Words], ways: Iterable[Iterable[str]]
) -> Iterator[Fault]:
    """Reports values of `null` that take nothing away; an attribute without a value is not given, as everywhere."""
    for path, at in idle(words, ways):
        if len(path) > 1 or file == BASELINE:
            message = Message(
                "nothing-to-take-away",
                "has no value, which would take away an inherited one, but nothing is inherited here",
            )
            yield partial.fault(file, at, message, "give it a value, or remove it")


def _without_limit(partial: PartialConfiguration, organization: Organization) -> Iterator[Fault]:
    """Reports budgets without a limit, each at the nearest place that says anything of it."""
    wrong = dict[Location, None]()
    for key, its in attributes(organization, ("budget",)).items():
        budget = its.at("budget")
        if budget and "limit_usd" not in budget and budget.get("mode", "on") == "on":
            nearest = its.places[-1]
            wrong["accounts" if nearest == key else "defaults", nearest, "budget"] = None
    for at in wrong:
        message = Message("key-missing", "gives a budget to accounts that have no limit_usd", key="limit_usd")
        yield partial.fault(ORGANIZATION, at, message, "add limit_usd here, or at a place above")


def _places(
    partial: PartialConfiguration, file: str, at: Location, places: Iterable[str], accounts: str = ""
) -> Iterator[Fault]:
    """Reports places that there are not; `accounts` says where else the words of an account belong."""
    organization = partial.organization
    if not organization:
        return
    selector = AccountSelector(organization)
    for place in places:
        here, problem = (*at, place), place_problem(partial, selector, place, ())
        if problem:
            own = ", or the key of an account" if not accounts else ""
            yield partial.fault(file, here, problem.problem, f"write {ROOT}, ou/KEY for a unit{own}")
        elif place == f"{UNIT}{ROOT}":
            message = Message("root-is-no-unit", "the root is no organizational unit")
            yield partial.fault(file, here, message, f"write {ROOT}")
        elif place == EVERYWHERE:
            message = Message("nothing-named", "stands for no place from which accounts inherit", name=place)
            yield partial.fault(file, here, message, f"write {ROOT}")
        elif place == MANAGEMENT:
            text = f"is the management account, whose settings are in {SECURITY}"
            remedy = f"write {ROOT}, from which it inherits" if accounts else "write them there"
            yield partial.fault(file, here, Message("account-managed", text, account=place), remedy)
        elif accounts and place != ROOT and not place.startswith(UNIT):
            message = Message("name-of-another-kind", f"{short(place)} is an account", name=place, kind="account")
            yield partial.fault(file, here, message, f"write it {accounts}, below accounts.{place}")


def places(partial: PartialConfiguration, _: Limits) -> Iterator[Fault]:
    """What a layer says by place, in a mapping whose keys are `PlaceReference`, stands at places that there are."""
    for layer in partial.layers.values():
        for name in layer.by_place:
            its = getattr(layer.settings, name)
            # What the management account uses is said there alone; settings of it are in security.yaml.
            its = [key for key in its if (layer.file, key) != (DETECTION, MANAGEMENT)]
            yield from _places(partial, layer.file, (name,), its)


def baseline(partial: PartialConfiguration, limits: Limits) -> Iterator[Fault]:
    """The settings of each account fit together, as they are once all that counts for it is put together."""
    landing_zone, layer = LandingZone.of(partial), partial.layers.get(BASELINE_LAYER)
    if not (
        landing_zone
        and layer
        and layer.source == BASELINE
        and layer.settings
        and partial.complete(BASELINE, "settings")
    ):
        return
    if any(places(partial, limits)) or not partial.complete(ORGANIZATION, "organizational_units", "accounts"):
        return
    settings = getattr(layer.settings, "settings", {})
    words = words_of("settings", {place: its.said for place, its in settings.items()})
    yield from _idle(partial, BASELINE, words, (account.places for account in landing_zone.members.values()))
    for key in sorted(layer.deploying.model_fields_set & {"account", "accounts"}):
        message = Message("key-out-of-place", "a baseline is for every member account", key=key)
        yield partial.fault(BASELINE, (key,), message, "remove it, and write what is for one below its key")
    for place, said in settings.items():
        yield from _key_regions(partial, place, said.ebs_encryption, landing_zone.project.regions.all_governed)
    wrong = dict.fromkeys(wrong for its in landing_zone.baseline.values() for wrong in _of_account(partial, its))
    aliases, declared = _by_account(landing_zone)
    for at, message, remedy in (*wrong, *aliases, *declared):
        yield partial.fault(BASELINE, at, message, remedy)


def _key_regions(
    partial: PartialConfiguration, place: str, encryption: VolumeEncryption | None, governed: tuple[str, ...]
) -> Iterator[Fault]:
    for region in encryption.key_arns if encryption else ():
        if region not in governed and partial.complete(PROJECT, "regions"):
            at: Location = ("settings", place, "ebs_encryption", "key_arns", region)
            message = Message("region-not-governed", f"{region} is not governed: no key is set there", region=region)
            yield partial.fault(BASELINE, at, message, f"remove it; governed are {', '.join(governed)}")


_Wrong = tuple[Location, Message, str]


def _problem(its: Inherited, loc: tuple[int | str, ...], error: object) -> _Wrong:
    path = tuple(str(part) for part in loc)
    while path and not its.location(*path):
        path = path[:-1]
    at, places = its.location(*path), listed(its.giving(*path)[:-1])
    if isinstance(error, Problem):
        return at, error.problem, f"{error.remedy}; null takes away what {places} gives" if places else error.remedy
    message = Message("value-rejected", f"does not fit what {places or 'it'} gives", keys=list(path))
    return at, message, "write it whole at one place"


def _of_account(partial: PartialConfiguration, its: Inherited) -> Iterator[_Wrong]:
    from strata.config.baseline import MemberSettings

    try:
        settings = MemberSettings.model_validate(its.at())
    except ValidationError as error:
        yield from (_problem(its, details["loc"], details.get("ctx", {}).get("error")) for details in error.errors())
        return
    sends, alerts = settings.sign_in_events, partial.security and partial.security.alerts
    if sends and sends.on and alerts and alerts.mode is Mode.OFF and partial.complete(SECURITY, "alerts"):
        text = f"sends sign-ins to alerts, which are off in {SECURITY}: nobody hears of them"
        remedy = "set alerts to mode: on, with emails, or take this out"
        yield its.location("sign_in_events"), Message("alerts-off", text), remedy


def _by_account(zone: LandingZone) -> tuple[list[_Wrong], list[_Wrong]]:
    """Returns what several accounts have that only one can, and what a policy sets already, each once for its line."""
    aliases = defaultdict[tuple[Location, str], list[str]](list)
    holders = defaultdict[str, list[str]](list)
    declared = defaultdict[tuple[Location, str], list[str]](list)
    for key, its in zone.baseline.items():
        alias = its.at("account_alias")
        if alias.get("mode", "on") == "on" and ("account_alias",) in {path[:1] for path in its.given}:
            name = alias.get("name", "").replace("{key}", key)
            aliases[its.location("account_alias"), name].append(key)
            holders[name].append(key)
        for policy, name in _declared(zone, key, its):
            declared[its.location(name), policy].append(key)
    return list(_aliases(aliases, holders)), [_set_by(policy, keys, at) for (at, policy), keys in declared.items()]


def _aliases(aliases: Mapping[tuple[Location, str], list[str]], holders: Mapping[str, list[str]]) -> Iterator[_Wrong]:
    for (at, alias), keys in aliases.items():
        if not alias:
            yield at, Message("key-missing", "the alias has no name", key="name"), "add 'name:', as in acme-{key}"
        elif not matches(r"(?!.*--)[a-z0-9][a-z0-9-]{1,61}[a-z0-9]", alias):
            text = (
                f"{short(alias)} would be the alias of {keys[0]}: AWS takes 3 to 63 characters, no two hyphens together"
            )
            yield at, Message("text-malformed", text, kind="account alias", value=alias), "write another for it"
        elif holders[alias][1:]:
            text = (
                f"{short(alias)} would be the alias of {listed(holders[alias])}, and AWS gives one to a single account"
            )
            message = Message("name-taken", text, kind="account alias", name=alias, accounts=holders[alias])
            yield at, message, "write {key} into it"


def _declared(zone: LandingZone, key: str, its: Inherited) -> Iterator[tuple[str, str]]:
    """Yields policies that set what baseline.yaml sets as well, which AWS refuses to the account, with the setting."""
    from strata.config.baseline import MemberSettings

    attributes = declared_in(zone, key)
    for name, kind in MemberSettings.kinds().items() if attributes else ():
        given = any(path[0] == name for path in its.given)
        is_on = given and its.at(name).get("mode", "on") == "on"
        if is_on and issubclass(kind, Setting) and kind.declared_as in attributes:
            yield attributes[kind.declared_as], name


def declared_in(zone: LandingZone, account: str) -> dict[str, str]:
    """Returns the attributes that declarative policies set in an account, each with the key of its policy."""
    return {
        attribute: effective.policy.key
        for effective in zone.effective_policies.get(Target("account", account), ())
        for attribute in declared_attributes(effective.policy)
    }


def _set_by(policy: str, accounts: list[str], at: Location) -> _Wrong:
    text = f"the policy {policy} sets it in {listed(accounts)}, and AWS then rejects it from the account itself"
    message = Message("set-by-policy", text, policy=policy, accounts=accounts)
    return at, message, "take it out in one of the two places"
