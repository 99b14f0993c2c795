"""The warnings of `strata check`: valid configuration that is probably unintended."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from strata.config import ORGANIZATION, PROJECT, SECURITY, SSO
from strata.config.accepted import find, hint
from strata.config.limits import aws_limits
from strata.config.models import MANAGEMENT, OWN_TAGS, Mailing, Mode, PolicyType
from strata.config.source import Location, dotted
from strata.config.text import look, mixes_alphabets, short
from strata.config.types import did_you_mean
from strata.errors import Message
from strata.landing_zone import LandingZone, SourceLocation
from strata.landing_zone.accounts import Account
from strata.landing_zone.examples import example_values
from strata.landing_zone.policies import NEVER_BINDS_MANAGEMENT
from strata.landing_zone.services import own_switches
from strata.landing_zone.units import Target
from strata.policy.documents import statements
from strata.rules.accepted import Doubt, Warned, place, unused
from strata.rules.document_warnings import document_warnings
from strata.rules.expectations import idle
from strata.rules.external import read_later, strangers, unread, unused_entries
from strata.rules.lockout import LOCK_OUT, Guard
from strata.rules.quotas import over_quota
from strata.rules.spelling import unknown_names


class LocatedWarning(NamedTuple):
    """A warning, with its place in the files and the words by which accepted.yaml accepts it."""

    source: SourceLocation
    path: str
    text: Message
    at: str
    over: str = ""
    """The last day of an acceptance that has ended, empty where there was none."""

    def __str__(self) -> str:
        return f"{self.source}: {self.told}"

    @property
    def finding(self) -> str:
        """Returns the id of what was found."""
        return self.text.id

    @property
    def told(self) -> str:
        """Returns it without its place."""
        over = f", accepted until {self.over} only" if self.over else ""
        return f"{self.path}: {self.text}{over} [{hint(self.finding, self.at)}]"

    @property
    def problem(self) -> Message:
        """Returns what is unlikely to be meant."""
        return self.text.saying(self.text.partition("; ")[0])

    @property
    def remedy(self) -> str:
        """Returns what to do about it: a warning without a remedy of its own can be accepted."""
        return (
            self.text.partition("; ")[2] or f"correct it, or accept it in accepted.yaml: {hint(self.finding, self.at)}"
        )


def warnings(landing_zone: LandingZone, day: dt.date | None = None) -> list[str]:
    """Returns every warning as `file:line: path: text [finding: id, at: place]`, in the order of the files."""
    return [str(warning) for warning in found_warnings(landing_zone, day)]


def found_warnings(
    landing_zone: LandingZone, day: dt.date | None = None, today: dt.date | None = None
) -> list[LocatedWarning]:
    """Returns every warning, in the order of the files.

    Accepted findings are left out; with a day, not those whose acceptance ended before it.
    """
    guard = Guard.of(landing_zone, today=day or today)
    later = [Warned(place(landing_zone, doubt), doubt) for doubt in read_later(landing_zone, today)]
    doubts = [*_doubts(landing_zone, guard), *later]
    found: list[LocatedWarning] = []
    grouped: dict[tuple[str, str], list[Warned]] = defaultdict(list)
    for one in (*doubts, *unused(landing_zone, doubts, _errors(landing_zone, guard))):
        entry = find(landing_zone.accepted, one.finding, one.at)
        if entry and not entry.ended(day):
            continue
        over = str(entry.until) if entry else ""
        if one.finding in _TOLD_ONCE and not over:
            grouped[one.finding, one.doubt[0]].append(one)
        else:
            found.append(_told(landing_zone, one, [], over))
    found += [_told(landing_zone, warned, others) for warned, *others in grouped.values()]
    return sorted(found, key=lambda warning: (warning.source, warning.told))


def accepted_here(landing_zone: LandingZone) -> frozenset[tuple[str, str]]:
    """Returns finding and place of everything that accepted.yaml may accept."""
    guard = Guard.of(landing_zone)
    found = ((warned.finding, warned.at) for warned in _doubts(landing_zone, guard))
    return frozenset({*found, *_errors(landing_zone, guard)})


def _errors(landing_zone: LandingZone, guard: Guard) -> Iterator[tuple[str, str]]:
    """Yields the errors that accepted.yaml accepts in a valid configuration."""
    yield from unknown_names(landing_zone)
    yield from ((LOCK_OUT, lockout.at) for lockout in guard.lock_outs)


def _doubts(landing_zone: LandingZone, guard: Guard) -> list[Warned]:
    warneds = [Warned(place(landing_zone, doubt), doubt) for rule in _RULES for doubt in rule(landing_zone)]
    uncertain = list(guard.doubts())
    said = {*(lockout.statement for lockout in guard.lock_outs), *(warned.at for warned in uncertain)}
    documents = [
        warned for warned in document_warnings(landing_zone) if warned.finding not in _WIDE or warned.at not in said
    ]
    return [*warneds, *uncertain, *documents]


_WIDE = frozenset({"denies-everything", "binds-deployer"})
"""Findings that say of a statement, less precisely, what a lock-out or its doubt says."""

_OTHERS = "{others}"
_TOLD_ONCE = frozenset({"example-value", "unbound-account"})
"""Findings that are reported once per file, because a new configuration has a page of them."""


def _told(landing_zone: LandingZone, warned: Warned, others: list[Warned], over: str = "") -> LocatedWarning:
    file, location, text = warned.doubt
    if warned.finding in _TOLD_ONCE:
        here = [_here(landing_zone, other) for other in others]
        text = text.saying(text.replace(_OTHERS, _and(here)), others=here)
    where = landing_zone.source(file, location)
    return LocatedWarning(where, _here(landing_zone, warned), text, warned.at, over)


def _here(landing_zone: LandingZone, warned: Warned) -> str:
    file, location, _ = warned.doubt
    return dotted(landing_zone.source_file(file).origin(location)[1])


def _and(others: list[str]) -> str:
    if not others:
        return ""
    more = f" and {len(others) - _LISTED} more" if others[_LISTED:] else ""
    return f", as {'are' if others[1:] else 'is'} {', '.join(others[:_LISTED])}{more}"


_LISTED = 8


def _examples(landing_zone: LandingZone) -> Iterator[Doubt]:
    for file, location, _ in example_values(landing_zone):
        text = f"is still an example{_OTHERS}; strata bootstrap requires your own values"
        yield file, location, Message("example-value", text)


def _regions(landing_zone: LandingZone) -> Iterator[Doubt]:
    regions, opt_in = landing_zone.project.regions, aws_limits().opt_in_regions
    center = landing_zone.project.identity_center.region
    named: list[tuple[Location, str | None]] = [
        (("regions", "primary"), regions.primary),
        (("regions", "secondary"), regions.secondary),
        *((("regions", "governed", index), region) for index, region in enumerate(regions.governed)),
        (("identity_center", "region"), center),
    ]
    for location, region in named:
        if region in opt_in:
            text = f"{region} is off until the management account enables it: do that first"
            yield PROJECT, location, Message("opt-in-region", text, region=region)


def _alphabets(landing_zone: LandingZone) -> Iterator[Doubt]:
    for named in _by_kind(landing_zone).values():
        for file, location, _, name in named:
            if mixes_alphabets(name):
                text = f"its name {short(name)} has letters in one word that look Latin and are Cyrillic or Greek"
                yield file, location, Message("mixed-alphabets", text, name=name)


def _names(landing_zone: LandingZone) -> Iterator[Doubt]:
    """Names that AWS keeps apart and people do not; those that AWS treats as equal are faults."""
    for named in _by_kind(landing_zone).values():
        owners: dict[str, tuple[str, str]] = {}
        for file, location, key, name in named:
            owner, other = owners.setdefault(look(name), (key, name))
            if owner != key and other == name:
                text = f"has the same name as {short(owner)}: {short(name)}"
                yield file, location, Message("look-alike-name", text, name=name, key=owner, other=other)
            elif owner != key:
                text = f"its name {short(name)} looks like {short(other)}, the name of {short(owner)}"
                yield file, location, Message("look-alike-name", text, name=name, key=owner, other=other)


_Named = tuple[str, Location, str, str]
"""The file, the place in it, the key and the name of one thing."""


def _by_kind(landing_zone: LandingZone) -> dict[str, list[_Named]]:
    kinds: dict[str, list[_Named]] = defaultdict(list)
    kinds["accounts"] = [
        (account.file, _name_of(account), account.key, account.name) for account in landing_zone.accounts.values()
    ]
    for unit in landing_zone.units.values():
        kinds[f"units in {unit.parent}"].append((ORGANIZATION, unit.location, unit.key, unit.name))
    for policy in landing_zone.policies.values():
        kinds[policy.type].append((ORGANIZATION, policy.location, policy.key, policy.name))
    kinds["users"] = [(SSO, ("users", key), key, user.sign_in_name) for key, user in landing_zone.users.items()]
    kinds["groups"] = [(SSO, group.location, group.key, group.name) for group in landing_zone.groups.values()]
    sets = landing_zone.permission_sets.values()
    kinds["permission sets"] = [
        (SSO, permission_set.location, permission_set.key, permission_set.name) for permission_set in sets
    ]
    return kinds


def _name_of(account: Account) -> Location:
    return (*account.location, "name") if account.key == MANAGEMENT else account.location


def _tags(landing_zone: LandingZone) -> Iterator[Doubt]:
    accounts = (*landing_zone.accounts.values(), *landing_zone.retired.values())
    tagged: list[tuple[str, Location, Mapping[str, str]]] = [
        *((account.file, account.location, account.tags) for account in accounts),
        *(
            (SSO, permission_set.location, permission_set.tags)
            for permission_set in landing_zone.permission_sets.values()
            if not permission_set.external
        ),
    ]
    inherited = landing_zone.project.tags_of_everything
    for file, at, tags in tagged:
        seen = {tag.lower(): tag for tag in inherited}
        for tag in tags:
            other, location = seen.setdefault(tag.lower(), tag), (*at, "tags", tag)
            if tag in OWN_TAGS and landing_zone.project.default_tags:
                text = f"replaces the tag {tag} that Strata sets on everything"
                yield file, location, Message("tag-clash", text, tag=tag)
            elif other != tag:
                text = f"differs from the tag {short(other)} in case only, and IAM does not tell them apart"
                yield file, location, Message("tag-clash", text, tag=tag, other=other)


def _unbound(landing_zone: LandingZone) -> Iterator[Doubt]:
    text = "is bound by no service control policy: none is attached to it, a unit above it or the root"
    for key in landing_zone.members:
        if not _is_bound(landing_zone, key):
            yield ORGANIZATION, ("accounts", key), Message("unbound-account", f"{text}{_OTHERS}", account=key)


def _is_bound(landing_zone: LandingZone, account: str) -> bool:
    policies = landing_zone.effective_policies[Target("account", account)]
    return any(policy.policy.type is PolicyType.SERVICE_CONTROL for policy in policies)


def _unattached(landing_zone: LandingZone) -> Iterator[Doubt]:
    for policy in landing_zone.policies.values():
        if policy.targets.empty and not policy.external:
            text = Message("unattached-policy", "is attached to nothing", policy=policy.key)
            yield ORGANIZATION, policy.location, text


def _bound_management(landing_zone: LandingZone) -> Iterator[Doubt]:
    for policy in landing_zone.policies.values():
        reaches = MANAGEMENT in policy.targets.accounts and not policy.external
        if policy.type in NEVER_BINDS_MANAGEMENT and reaches:
            text = "is attached to the management account, which such a policy never binds"
            message = Message("bound-management", text, policy=policy.key)
            yield ORGANIZATION, (*policy.location, "targets", "accounts"), message


def _allow_only(landing_zone: LandingZone) -> Iterator[Doubt]:
    bare = {target for _, target in landing_zone.without_full_access}
    for policy in (policy for policy in landing_zone.policies.values() if not policy.external):
        effects = {statement.content.get("Effect") for statement in statements(policy.document.content)}
        if policy.type is PolicyType.SERVICE_CONTROL and effects == {"Allow"} and not bare & policy.attachments.keys():
            text = "contains only Allow statements, which restrict nothing while FullAWSAccess is attached; use Deny"
            yield ORGANIZATION, policy.location, Message("allow-only", text, policy=policy.key)


def _delegations(landing_zone: LandingZone) -> Iterator[Doubt]:
    limits = aws_limits()
    for service in sorted(landing_zone.organization.delegated_administrators):
        if service not in limits.delegable:
            guess = did_you_mean(service, limits.delegable)
            text = f"is not known to support a delegated administrator{guess}"
            message = Message("unknown-delegation", text, service=service)
            yield ORGANIZATION, ("delegated_administrators", service), message


def _own_switches(landing_zone: LandingZone) -> Iterator[Doubt]:
    for service, at in own_switches(landing_zone.organization).items():
        switch = aws_limits().own_switches[service]
        text = f"trusted access alone does not switch {service} on, as {switch.source} says; run {switch.call}"
        yield ORGANIZATION, at, Message("own-switch", text, service=service)


def _delegated_sign_in(landing_zone: LandingZone) -> Iterator[Doubt]:
    service = "sso.amazonaws.com"
    if account := landing_zone.organization.delegated_administrators.get(service):
        text = f"whoever administers {account} can join groups that reach the management account; "
        message = Message("delegated-sign-in", f"{text}keep separate groups for it", account=account)
        yield ORGANIZATION, ("delegated_administrators", service), message


def _disabled_types(landing_zone: LandingZone) -> Iterator[Doubt]:
    organization, limits = landing_zone.organization, aws_limits()
    types = {limit.service: kind for kind, limit in limits.policy_types.items() if limit.service}
    for index, service in enumerate(organization.disable_services):
        if service in types:
            text = (
                f"AWS rejects this while the policy type {types[service]} is enabled, and Strata disables no type: run "
                f"aws organizations disable-policy-type --policy-type {types[service]} first, then deploy"
            )
            message = Message("disabled-policy-type", text, service=service, type=types[service])
            yield ORGANIZATION, ("disable_services", index), message


def _trail(landing_zone: LandingZone) -> Iterator[Doubt]:
    security = landing_zone.security
    if security.alerts.on and security.trail.mode is Mode.UNMANAGED:
        text = "is unmanaged, so alerts receive nothing unless another trail of the management account logs"
        yield SECURITY, ("trail",), Message("unmanaged-trail", text)


def _mail(landing_zone: LandingZone) -> Iterator[Doubt]:
    for name, control in landing_zone.security.controls.items():
        if isinstance(control, Mailing) and control.on and not control.emails:
            text = Message("silent-control", "is on and mails nobody; list addresses under emails", control=name)
            yield SECURITY, (name,), text


def _groups(landing_zone: LandingZone) -> Iterator[Doubt]:
    for group in landing_zone.groups.values():
        if not group.members and not group.external:
            text = Message("empty-group", "has no members, so its assignments reach nobody", group=group.key)
            yield SSO, group.location, text


def _permission_sets(landing_zone: LandingZone) -> Iterator[Doubt]:
    for permission_set in landing_zone.permission_sets.values():
        if not permission_set.policies and not permission_set.external:
            text = "has no policy, so it allows nothing; give at least one under policies"
            yield SSO, permission_set.location, Message("empty-permission-set", text, permission_set=permission_set.key)


def _assignments(landing_zone: LandingZone) -> Iterator[Doubt]:
    """Accounts are there and all of them left out, or gone; where a unit has none yet, `empty-unit` says so."""
    selector = landing_zone.selector
    for index, assignment in enumerate(landing_zone.sso.assignments):
        included = selector.included(assignment)
        if included and not selector.select(assignment):
            retired = included <= selector.retired
            what = "only accounts that are retired" if retired else "no account that is not left out"
            text = f"matches {what}, so it assigns nothing"
            yield SSO, ("assignments", index), Message("empty-assignment", text, retired=retired)


def _empty_units(landing_zone: LandingZone) -> Iterator[Doubt]:
    for index, assignment in enumerate(landing_zone.sso.assignments):
        for position, unit in enumerate(assignment.organizational_units):
            if not landing_zone.selector.in_unit(unit):
                text = f"no account is in the organizational unit {short(unit)} yet, so this gives nothing there"
                message = Message("empty-unit", text, organizational_unit=unit)
                yield SSO, ("assignments", index, "organizational_units", position), message


_RULES: tuple[Callable[[LandingZone], Iterable[Doubt]], ...] = (
    _examples,
    _regions,
    _alphabets,
    _names,
    _tags,
    _unbound,
    _unattached,
    _bound_management,
    _allow_only,
    _delegations,
    _own_switches,
    _delegated_sign_in,
    _disabled_types,
    _trail,
    _mail,
    _groups,
    _permission_sets,
    _assignments,
    _empty_units,
    over_quota,
    unread,
    unused_entries,
    strangers,
    idle,
)
"""Each finds one finding, the id of its messages."""
