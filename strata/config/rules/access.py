"""Rules on Identity Center: people, groups, permission sets, who gets what where."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from strata.config.access import BREAK_GLASS, STATE_ACCESS
from strata.config.limits import Limits
from strata.config.loader import Draft
from strata.config.models import MANAGEMENT, OWN_TAGS, Assignment, PermissionSet, Sso
from strata.config.rules.faults import ORGANIZATION, SECURITY, SSO, too_many, twice, unknown
from strata.config.rules.organization import retired
from strata.config.rules.policies import filled, wrong_document
from strata.config.tree import Location
from strata.config.types import RESERVED_NAMES, Problem, check_length
from strata.errors import Fault


def people(draft: Draft, limits: Limits) -> Iterator[Fault]:
    """User and group names are unique in any case, members exist, and there are not too many."""
    sso = draft.sso
    if not sso:
        return
    names: dict[str, str] = {}
    for key, user in sso.users.items():
        name = user.user_name or user.email
        owner = names.setdefault(name.lower(), key)
        if owner != key:
            problem = f"the user name {name!r} is also that of {owner!r}"
            yield draft.fault(SSO, ("users", key), problem, "give one of them a user_name of its own")
        if not user.user_name:
            yield from _default_name(draft, ("users", key), name, limits, "user_name", "set user_name")
    names = {}
    users = draft.declared(SSO, "users", sso.users)
    for key, group in sso.groups.items():
        name = group.name or key
        owner = names.setdefault(name.lower(), key)
        if owner != key:
            yield draft.fault(
                SSO, ("groups", key), f"the name {name!r} is also that of {owner!r}", "give it another name"
            )
        if name.lower() in RESERVED_NAMES:
            yield draft.fault(
                SSO, ("groups", key), f"AWS reserves the group name {name!r}", "give it a name of its own"
            )
        for index, member in enumerate(group.members):
            yield from unknown(draft, SSO, ("groups", key, "members", index), member, users, "user")
        yield from twice(draft, SSO, ("groups", key, "members"), group.members)
    yield from too_many(draft, SSO, ("users",), len(sso.users), limits["users"])
    yield from too_many(draft, SSO, ("groups",), len(sso.groups), limits["groups"])


def _default_name(draft: Draft, at: Location, name: str, limits: Limits, limit: str, remedy: str) -> Iterator[Fault]:
    try:
        check_length(name, limits[limit])
    except Problem as found:
        yield draft.fault(SSO, at, f"its name {found.problem}", remedy)


def permission_sets(draft: Draft, limits: Limits) -> Iterator[Fault]:
    """Names are unique and short enough, policies few and small enough."""
    sso = draft.sso
    if not sso:
        return
    names: dict[str, str] = {}
    for reserved, used in ((BREAK_GLASS, sso.break_glass), (STATE_ACCESS, sso.state_access)):
        if used:
            names[reserved] = f"the option {'break_glass' if reserved == BREAK_GLASS else 'state_access'}"
            if reserved in sso.permission_sets:
                problem = f"{names[reserved]} makes the permission set {reserved!r} itself"
                yield draft.fault(SSO, ("permission_sets", reserved), problem, "choose another key")
    for key, permission_set in sso.permission_sets.items():
        at: Location = ("permission_sets", key)
        name = permission_set.name or key
        owner = names.setdefault(name, key)
        if owner != key and key not in (BREAK_GLASS, STATE_ACCESS):
            problem = f"the name {name!r} is also that of {owner.removeprefix('the option ')!r}"
            yield draft.fault(SSO, at, problem, "give it another name")
        if not permission_set.name:
            yield from _default_name(draft, at, name, limits, "permission_set_name", "give it a shorter name")
        yield from _policies(draft, limits, at, permission_set)
        tags = limits["tags"]
        if len({*permission_set.tags, *(draft.project.tags if draft.project else ())}) + len(OWN_TAGS) > tags.value:
            problem = f"with those of the project and Strata's three AWS takes {tags.value} tags ({tags.cited})"
            yield draft.fault(SSO, (*at, "tags"), problem, "drop some")
    yield from too_many(draft, SSO, ("permission_sets",), len(sso.permission_sets), limits["permission_sets"])


def _policies(draft: Draft, limits: Limits, at: Location, permission_set: PermissionSet) -> Iterator[Fault]:
    managed = sum(policy.inline is None for policy in permission_set.policies)
    per_set, per_role = limits["managed_policies_per_permission_set"], limits["managed_policies_per_role"]
    # One fault is enough: who is above the limit of the set is above that of its role, unless that was raised.
    yield from too_many(draft, SSO, (*at, "policies"), managed, per_set if managed > per_set.value else per_role)
    for index, policy in enumerate(permission_set.policies):
        if policy.inline and policy.inline in draft.policies:
            here = (*at, "policies", index, "inline")
            yield from wrong_document(draft, SSO, here, policy.inline, None)
            yield from _inline(draft, limits, here, policy.inline)


def _inline(draft: Draft, limits: Limits, at: Location, file: str) -> Iterator[Fault]:
    document = filled(draft, file)
    sizes = {
        "inline_policy_characters": len(re.sub(r"\s", "", document).encode()),
        "inline_policy_bytes": len(document.encode()),
    }
    for name, size in sizes.items():
        limit = limits[name]
        if size > limit.value:
            problem = f"{file} has {size} {limit.unit}, AWS takes {limit.value} ({limit.cited})"
            yield draft.fault(SSO, at, problem, "shorten it with wildcards, or make it a customer managed policy")
    foreign = re.search(r"[^\t\n\r -\u00ff]", document)
    if foreign:
        problem = f"{file} has {foreign[0]!r}, an inline policy takes Latin-1 characters only"
        yield draft.fault(SSO, at, problem, "replace it, or make it a customer managed policy")


def assignments(draft: Draft, limits: Limits) -> Iterator[Fault]:
    """Assignments name what exists, once, and stay within AWS's numbers in every account."""
    sso, organization = draft.sso, draft.organization
    if not sso:
        return
    known = {
        "permission_sets": (draft.declared(SSO, "permission_sets", sso.permission_sets), "permission set"),
        "groups": (draft.declared(SSO, "groups", sso.groups), "group"),
        "users": (draft.declared(SSO, "users", sso.users), "user"),
    }
    accounts = draft.declared(ORGANIZATION, "accounts", organization.accounts) if organization else None
    for position, assignment in zip(draft.assignment_positions, sso.assignments, strict=True):
        at: Location = ("assignments", position)
        for part, (keys, what) in known.items():
            for index, name in enumerate(getattr(assignment, part)):
                yield from unknown(draft, SSO, (*at, part, index), name, keys, what)
            yield from twice(draft, SSO, (*at, part), getattr(assignment, part))
        if assignment.accounts == "all":
            continue
        for index, name in enumerate(assignment.accounts):
            yield from unknown(draft, SSO, (*at, "accounts", index), name, accounts, "account", MANAGEMENT)
            yield from retired(draft, SSO, (*at, "accounts", index), name)
        yield from twice(draft, SSO, (*at, "accounts"), assignment.accounts)
    yield from _per_account(draft, limits, sso)


def _per_account(draft: Draft, limits: Limits, sso: Sso) -> Iterator[Fault]:
    """What is assigned everywhere counts in every account, and is not written out for each."""
    everywhere = _groups_by_set(one for one in sso.assignments if one.accounts == "all")
    if sso.break_glass:
        everywhere[BREAK_GLASS].add(sso.break_glass.group)
    listed: dict[str, list[Assignment]] = defaultdict(list)
    for assignment in sso.assignments:
        for account in assignment.accounts if assignment.accounts != "all" else ():
            listed[account].append(assignment)
    active = draft.organization.active_accounts if draft.organization else {}
    places = {"every account": everywhere} if everywhere else {}
    for account, some in sorted(listed.items()):
        places[account] = _groups_by_set(some)
        if sso.state_access and account == MANAGEMENT:
            places[account][STATE_ACCESS].update(sso.state_access.groups)
        for permission_set, groups in everywhere.items():
            places[account][permission_set] |= groups
    per_account, per_set = limits["permission_sets_per_account"], limits["groups_per_assignment"]
    at: Location = ("assignments",)
    for place, sets in places.items():
        yield from too_many(draft, SSO, at, len(sets), per_account, f"{place}: ")
        for permission_set, groups in sorted(sets.items()):
            yield from too_many(draft, SSO, at, len(groups), per_set, f"{permission_set} in {place}: ")
    assigned = len({MANAGEMENT, *active}) if everywhere else len(listed)
    yield from too_many(draft, SSO, at, assigned, limits["assigned_accounts"])


def _groups_by_set(assignments: Iterator[Assignment] | list[Assignment]) -> defaultdict[str, set[str]]:
    found: defaultdict[str, set[str]] = defaultdict(set)
    for assignment in assignments:
        for permission_set in assignment.permission_sets:
            found[permission_set].update(assignment.groups)
    return found


def options(draft: Draft, limits: Limits) -> Iterator[Fault]:
    """The groups of the options exist, break-glass use alerts somebody, and attributes are not too many."""
    sso = draft.sso
    if not sso:
        return
    groups = draft.declared(SSO, "groups", sso.groups)
    if sso.break_glass:
        yield from unknown(draft, SSO, ("break_glass", "group"), sso.break_glass.group, groups, "group")
        alerts = draft.security.alerts if draft.security and draft.certain(SECURITY, "alerts") else None
        if alerts and not alerts.on:
            problem = "every use of the break-glass set must raise an alert, and alerts are not on in security.yaml"
            yield draft.fault(SSO, ("break_glass",), problem, "set alerts.mode to on there")
        elif alerts and not alerts.emails:
            problem = "every use of the break-glass set must raise an alert, and alerts in security.yaml mail nobody"
            yield draft.fault(SSO, ("break_glass",), problem, "list addresses under alerts.emails there")
    if sso.state_access:
        at: Location = ("state_access", "groups")
        for index, group in enumerate(sso.state_access.groups):
            yield from unknown(draft, SSO, (*at, index), group, groups, "group")
        yield from twice(draft, SSO, at, sso.state_access.groups)
    number, limit = len(sso.access_control_attributes), limits["access_control_attributes"]
    yield from too_many(draft, SSO, ("access_control_attributes",), number, limit)
