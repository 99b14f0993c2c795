"""Rules on Identity Center: people, groups, permission sets, who gets what where."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import product
from typing import NamedTuple

from strata.config import ORGANIZATION, SECURITY, SSO
from strata.config.limits import Limits
from strata.config.loader import PartialConfiguration
from strata.config.models import MANAGEMENT, ROOT, Assignment, Organization, Sso
from strata.config.source import Location
from strata.config.text import short, text_problem
from strata.config.types import RESERVED_NAMES, damaged, did_you_mean
from strata.errors import Fault, Message
from strata.landing_zone.grants import all_assignments
from strata.landing_zone.permission_sets import InlinePolicy, PermissionSet, all_permission_sets
from strata.landing_zone.selection import AccountSelector, is_wildcard, matching
from strata.rules.organization import retired, unit_keys
from strata.rules.policies import renamed, wrong_document
from strata.rules.reporting import (
    report_default_name,
    report_duplicates,
    report_made_by_option,
    report_over_limit,
    report_reserved,
    report_taken,
    report_unknown,
)


def people(partial: PartialConfiguration, limits: Limits) -> Iterator[Fault]:
    """User and group names are unique in any case, and members exist."""
    sso = partial.sso
    if not sso:
        return
    names: dict[str, str] = {}
    for key, user in sso.users.items():
        yield from report_reserved(partial, SSO, ("users", key), "user", key)
        name = user.sign_in_name
        owner = names.setdefault(name.lower(), key)
        if owner != key:
            remedy = "give one of them another user_name"
            yield from report_taken(partial, SSO, ("users", key), "user", name, owner, remedy)
        if not user.user_name:
            yield from report_default_name(partial, SSO, ("users", key), name, limits["user_name"], "set user_name")
    names = {}
    known = partial.declared(SSO, "users", sso.users)
    for key, group in sso.groups.items():
        yield from report_reserved(partial, SSO, ("groups", key), "group", key)
        name = group.name or key
        owner = names.setdefault(name.lower(), key)
        if owner != key:
            yield from report_taken(partial, SSO, ("groups", key), "group", name, owner, "give it another name")
        if name.lower() in RESERVED_NAMES:
            message = Message("name-reserved", f"AWS reserves the group name {short(name)}", value=name)
            yield partial.fault(SSO, ("groups", key), message, "give it another name")
        for index, member in enumerate(group.members):
            yield from report_unknown(partial, SSO, ("groups", key, "members", index), member, known, "user")
        yield from report_duplicates(partial, SSO, ("groups", key, "members"), group.members)


def permission_sets(partial: PartialConfiguration, limits: Limits) -> Iterator[Fault]:
    """Names are unique and short enough, policies few and small enough."""
    sso = partial.sso
    if not sso:
        return
    names: dict[str, str] = {}
    made: dict[str, str] = {}
    for permission_set in all_permission_sets(sso, partial.project, partial.documents):
        key, name, at = permission_set.key, permission_set.name, permission_set.location
        if permission_set.option:
            names[name] = made[key] = permission_set.option
            continue
        yield from report_reserved(partial, SSO, at, "permission-set", key)
        owner = names.setdefault(name, key)
        if key in made:
            yield from report_made_by_option(partial, SSO, at, "permission set", key, made[key])
        elif owner != key:
            remedy = renamed(sso.permission_sets, key, owner)
            yield from report_taken(partial, SSO, at, "permission set", name, owner, remedy)
        if not sso.permission_sets[key].name:
            limit = limits["permission_set_name"]
            yield from report_default_name(partial, SSO, at, name, limit, "give it a shorter name")
        if permission_set.external:
            continue
        yield from _policies(partial, limits, at, permission_set)
        project, tags = partial.project, limits["tags"]
        if project and (count := len({*permission_set.tags, *project.tags_of_everything})) > tags.value:
            own = " and Strata's three" if project.default_tags else ""
            problem = f"with those of the project{own}, AWS allows {tags.value} tags ({tags.cited})"
            message = Message("too-many", problem, kind="tags", count=count, limit=tags.value)
            yield partial.fault(SSO, (*at, "tags"), message, "drop some")


def _policies(
    partial: PartialConfiguration, limits: Limits, at: Location, permission_set: PermissionSet
) -> Iterator[Fault]:
    managed, limit = len(permission_set.managed), limits["managed_policies_per_permission_set"]
    yield from report_over_limit(partial, SSO, (*at, "policies"), managed, limit)
    for index, policy in enumerate(permission_set.policies):
        if isinstance(policy, InlinePolicy) and policy.file and policy.file in partial.documents:
            here = (*at, "policies", index, "inline")
            yield from wrong_document(partial, SSO, here, policy.file, policy.document, None)
            yield from wrong_inline(partial, limits, SSO, here, policy.file, policy.document.text)


def wrong_inline(
    partial: PartialConfiguration, limits: Limits, holder: str, at: Location, file: str, document: str
) -> Iterator[Fault]:
    """Reports an inline policy that IAM does not take: too long, or of other characters than Latin ones."""
    sizes = {
        "inline_policy_characters": len(re.sub(r"\s", "", document).encode()),
        "inline_policy_bytes": len(document.encode()),
    }
    for name, size in sizes.items():
        limit = limits[name]
        if size > limit.value:
            problem = f"{file} has {size} {limit.unit}, AWS allows {limit.value} ({limit.cited})"
            message = Message("text-too-long", problem, file=file, length=size, limit=limit.value)
            yield partial.fault(holder, at, message, "shorten it with wildcards, or make it a customer managed policy")
    foreign = re.search(r"[^\t\n\r -\u00ff]", document)
    if foreign and not text_problem(document):
        problem = f"{file} has {short(foreign[0])}, an inline policy allows Latin-1 characters only"
        message = Message("not-latin-1", problem, file=file, character=foreign[0])
        yield partial.fault(holder, at, message, "replace it, or make it a customer managed policy")


class _KnownNames(NamedTuple):
    """The names that assignments may use, gathered once: None where not everything could be read."""

    permission_sets: frozenset[str] | None
    groups: frozenset[str] | None
    users: frozenset[str] | None
    accounts: frozenset[str] | None
    units: frozenset[str] | None
    selector: AccountSelector
    complete: bool
    """Every account and its unit is known, so that a target that matches none of them matches nothing."""


def assignments(partial: PartialConfiguration, limits: Limits) -> Iterator[Fault]:
    """Assignments name what exists, once, match something, and stay within AWS's numbers in every account."""
    sso = partial.sso
    if not sso:
        return
    organization = partial.organization or Organization()
    units = unit_keys(organization) | {ROOT}
    whole = partial.organization is not None and partial.complete(
        ORGANIZATION, "accounts", "organizational_units", "defaults"
    )
    known = _KnownNames(
        permission_sets=partial.declared(SSO, "permission_sets", sso.permission_sets),
        groups=partial.declared(SSO, "groups", sso.groups),
        users=partial.declared(SSO, "users", sso.users),
        accounts=partial.declared(ORGANIZATION, "accounts", organization.accounts) if partial.organization else None,
        units=partial.declared(ORGANIZATION, "organizational_units", units - {ROOT}) if partial.organization else None,
        selector=AccountSelector(organization),
        complete=whole and all(account.organizational_unit in units for account in organization.accounts.values()),
    )
    faults = [
        fault
        for position, assignment in zip(partial.assignment_positions, sso.assignments, strict=True)
        for fault in _assignment(partial, known, ("assignments", position), assignment)
    ]
    yield from faults
    if not faults:
        yield from _per_account(partial, limits, sso, known.selector)


def _assignment(
    partial: PartialConfiguration, known: _KnownNames, at: Location, assignment: Assignment
) -> Iterator[Fault]:
    for part, what in (("permission_sets", "permission set"), ("groups", "group"), ("users", "user")):
        for index, name in enumerate(getattr(assignment, part)):
            yield from report_unknown(partial, SSO, (*at, part, index), name, getattr(known, part), what)
        yield from report_duplicates(partial, SSO, (*at, part), getattr(assignment, part))
    faults = list(_targets(partial, known, at, assignment))
    yield from faults
    if not faults and known.complete:
        yield from _exceptions(partial, known.selector, at, assignment)


def _targets(
    partial: PartialConfiguration, known: _KnownNames, at: Location, assignment: Assignment
) -> Iterator[Fault]:
    """Accounts and units exist; a wildcard or a tag matches something."""
    accounts = assignment.accounts if assignment.accounts != "all" else ()
    yield from _named(partial, known, at, accounts, assignment.organizational_units)
    if assignment.tags and known.complete:
        yield from _tags(partial, known.selector, (*at, "tags"), assignment.tags)
    if exceptions := assignment.except_:
        yield from _named(partial, known, (*at, "except"), exceptions.accounts, exceptions.organizational_units)


def _named(
    partial: PartialConfiguration, known: _KnownNames, at: Location, accounts: tuple[str, ...], units: tuple[str, ...]
) -> Iterator[Fault]:
    for index, name in enumerate(accounts):
        here: Location = (*at, "accounts", index)
        if not is_wildcard(name):
            yield from report_unknown(partial, SSO, here, name, known.accounts, "account", MANAGEMENT)
            yield from retired(partial, SSO, here, name)
        elif (keys := known.accounts) is not None and not (damaged(keys) or matching(name, keys | {MANAGEMENT})):
            problem = f"{short(name)} matches no account{did_you_mean(name.strip('*?'), keys)}"
            message = Message("pattern-matches-nothing", problem, pattern=name)
            yield partial.fault(SSO, here, message, "correct it, or remove it")
    yield from report_duplicates(partial, SSO, (*at, "accounts"), accounts)
    for index, unit in enumerate(units):
        here = (*at, "organizational_units", index)
        yield from report_unknown(partial, SSO, here, unit, known.units, "organizational unit", ROOT)
    yield from report_duplicates(partial, SSO, (*at, "organizational_units"), units)


def _tags(
    partial: PartialConfiguration, selector: AccountSelector, at: Location, tags: Mapping[str, str]
) -> Iterator[Fault]:
    for tag, pattern in tags.items():
        if tag not in selector.tags:
            problem = f"no account has a tag {short(tag)}{did_you_mean(tag, selector.tags)}"
            message = Message("unknown-tag", problem, tag=tag)
            yield partial.fault(SSO, (*at, tag), message, "correct it, or tag an account in organization.yaml")
            return
        values = selector.tag_values(tag)
        if not matching(pattern, values):
            problem = (
                f"no account has the tag {short(tag)} with the value {short(pattern)}{did_you_mean(pattern, values)}"
            )
            message = Message("unknown-tag-value", problem, tag=tag, pattern=pattern)
            yield partial.fault(SSO, (*at, tag), message, "correct it, or tag an account in organization.yaml")
            return
    if not selector.tagged(tags):
        listed = ", ".join(f"{tag}: {value}" for tag, value in tags.items())
        problem = f"no account has all of the tags {short(listed)}"
        message = Message("tags-never-together", problem, tags=dict(tags))
        yield partial.fault(SSO, at, message, "list them in separate entries if one is enough")


def _exceptions(
    partial: PartialConfiguration, selector: AccountSelector, at: Location, assignment: Assignment
) -> Iterator[Fault]:
    """Every exception excludes something, and together they leave something."""
    included = selector.included(assignment)
    if not assignment.except_ or not included:  # access that is prepared: a unit has no account yet
        return
    items: dict[Location, frozenset[str]] = {
        ("accounts", index): selector.named(name) for index, name in enumerate(assignment.except_.accounts)
    }
    for index, unit in enumerate(assignment.except_.organizational_units):
        items["organizational_units", index] = selector.in_unit(unit)
    prepared = {location for location, accounts in items.items() if location[0] != "accounts" and not accounts}
    useless = [location for location, accounts in items.items() if not accounts & included and location not in prepared]
    for location in useless:
        problem = "excludes nothing: the entry selects none of these accounts"
        message = Message("excludes-nothing", problem)
        yield partial.fault(SSO, (*at, "except", *location), message, "correct it, or remove it")
    if not useless and not assignment.organizational_units and not included - selector.excluded(assignment):
        problem = "excludes every account that the entry names, so it assigns nothing"
        message = Message("excludes-everything", problem)
        yield partial.fault(SSO, (*at, "except"), message, "remove an exception, or the entry")


def _per_account(partial: PartialConfiguration, limits: Limits, sso: Sso, selector: AccountSelector) -> Iterator[Fault]:
    limit = limits["groups_per_assignment"]
    if len(sso.groups) <= limit.value:
        return
    groups: dict[tuple[str, str], set[str]] = defaultdict(set)
    for _, assignment in all_assignments(sso):
        for account, permission_set in product(selector.select(assignment), assignment.permission_sets):
            groups[permission_set, account].update(assignment.groups)
    # A line for all accounts that are alike: an entry that is too large is so in a thousand.
    alike: dict[tuple[str, int], list[str]] = defaultdict(list)
    for (permission_set, account), assigned in sorted(groups.items()):
        alike[permission_set, len(assigned)].append(account)
    for (permission_set, number), where in alike.items():
        words = f"{permission_set} in {where[0]}{f' and {len(where) - 1} more' if where[1:] else ''}: "
        yield from report_over_limit(partial, SSO, ("assignments",), number, limit, words)


def options(partial: PartialConfiguration, limits: Limits) -> Iterator[Fault]:
    """The groups of the options exist, break-glass use alerts somebody, and attributes are not too many."""
    sso = partial.sso
    if not sso:
        return
    known = partial.declared(SSO, "groups", sso.groups)
    if sso.break_glass:
        yield from report_unknown(partial, SSO, ("break_glass", "group"), sso.break_glass.group, known, "group")
        alerts = partial.security.alerts if partial.security and partial.complete(SECURITY, "alerts") else None
        if alerts and not alerts.on:
            problem = "every use of the break-glass set must raise an alert, and alerts are not on in security.yaml"
            message = Message("break-glass-unalerted", problem, key="mode")
            yield partial.fault(SSO, ("break_glass",), message, "set alerts.mode to on there")
        elif alerts and not alerts.emails:
            problem = "every use of the break-glass set must raise an alert, and alerts in security.yaml mail nobody"
            message = Message("break-glass-unalerted", problem, key="emails")
            yield partial.fault(SSO, ("break_glass",), message, "list addresses under alerts.emails there")
    if sso.state_access:
        at: Location = ("state_access", "groups")
        for index, group in enumerate(sso.state_access.groups):
            yield from report_unknown(partial, SSO, (*at, index), group, known, "group")
        yield from report_duplicates(partial, SSO, at, sso.state_access.groups)
    number, limit = len(sso.access_control_attributes), limits["access_control_attributes"]
    yield from report_over_limit(partial, SSO, ("access_control_attributes",), number, limit)
