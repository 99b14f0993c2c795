"""What a configuration declares, in the terms of the comparison."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from strata.config.access import BREAK_GLASS, STATE_ACCESS, explained_grants
from strata.config.administrators import administrators
from strata.config.guardrails import guardrails
from strata.config.models import MANAGEMENT, LandingZone, Targets
from strata.config.rules.organization import unit_location
from strata.identity.things import (
    STACKS,
    Assigned,
    Attached,
    Holdings,
    Kind,
    Thing,
    exact,
    folded,
    policy_identity,
    unit_identity,
    unit_path,
)

SECTIONS = {
    "organization.yaml": ("policies",),
    "sso.yaml": ("users", "groups", "permission_sets", "assignments"),
}
"""The sections that may be written out as empty, which says that nothing in them is meant to stay."""


def declared(landing_zone: LandingZone, today: dt.date = dt.date.min) -> Holdings:
    """Returns what a configuration declares; assignments that have ended count for no administrator."""
    organization, security, sso = landing_zone.organization, landing_zone.security, landing_zone.sso
    found: dict[tuple[Kind, str], Thing] = {(thing.kind, thing.key): thing for thing in things(landing_zone)}
    sharing = organization.ram_sharing
    return Holdings(
        things=found,
        assignments=frozenset(
            Assigned(grant.account, grant.permission_set, grant.principal_type.lower(), grant.principal)
            for grant in explained_grants(landing_zone)
        ),
        attachments=frozenset(_attachments(landing_zone)),
        memberships=frozenset((key, user) for key, group in sso.groups.items() for user in group.members),
        administrators=administrators(landing_zone, today),
        trail="on" if security.trail.on else "off" if security.trail.mode == "off" else "unmanaged",
        ram_sharing="unmanaged" if sharing == "unmanaged" else "on" if sharing else "off",
        retired={key: folded(one.email) for key, one in organization.accounts.items() if one.retired},
        unmanaged=tuple(map(folded, organization.unmanaged_accounts)),
        external={key: folded(group.name or key) for key, group in sso.groups.items() if group.external},
        emptied=frozenset(_emptied(landing_zone)),
        imports=landing_zone.imports,
        trees=landing_zone.trees,
    )


def declared_keys(landing_zone: LandingZone) -> dict[str, dict[str, dict[str, str]]]:
    """Returns what each key stands for, by stack and kind: constants that a stack's guard compares next time."""
    found: dict[str, dict[str, dict[str, str]]] = {}
    for kind, stack in STACKS.items():
        found.setdefault(stack, {})[kind] = {}
    for thing in things(landing_zone):
        identity = thing.also if thing.kind == "ou" else thing.identity
        found[STACKS[thing.kind]][thing.kind][thing.key] = identity
    return found


def things(landing_zone: LandingZone) -> Iterator[Thing]:
    """Yields everything that has a key, an identity at AWS, and a Terraform address by its key."""
    yield from _accounts(landing_zone)
    yield from _units(landing_zone)
    for policy, name, type, location in _policies(landing_zone):
        yield Thing("policy", policy, policy_identity(type, name), name, type=type, location=location)
    sso = landing_zone.sso
    for key, group in sso.groups.items():
        if not group.external:
            name = group.name or key
            yield Thing("group", key, folded(name), name, location=("groups", key))
    for key, user in sso.users.items():
        name = user.user_name or user.email
        yield Thing("user", key, folded(name), name, also=folded(user.email), location=("users", key))
    for key, one in sso.permission_sets.items():
        name = one.name or key
        yield Thing("permission-set", key, exact(name), name, location=("permission_sets", key))
    for key, option in ((BREAK_GLASS, sso.break_glass), (STATE_ACCESS, sso.state_access)):
        if option:
            location = ("break_glass" if key == BREAK_GLASS else "state_access",)
            yield Thing("permission-set", key, key, key, location=location)


def _accounts(landing_zone: LandingZone) -> Iterator[Thing]:
    management = landing_zone.project.management_account
    yield Thing("account", MANAGEMENT, folded(management.email), management.email, management.id)
    for key, account in landing_zone.organization.active_accounts.items():
        email = account.email
        yield Thing("account", key, folded(email), email, location=("accounts", key))


def _units(landing_zone: LandingZone) -> Iterator[Thing]:
    names: dict[str, tuple[str, ...]] = {}
    for path in landing_zone.organization.units():
        names[path.key] = (*(names[path.parent] if path.parent else ()), path.name)
        identity = unit_identity(path.parent or "", path.name)
        way = unit_path(names[path.key])
        yield Thing("ou", path.key, identity, path.name, also=way, location=unit_location(path))


def _policies(landing_zone: LandingZone) -> Iterator[tuple[str, str, str, tuple[str, ...]]]:
    organization = landing_zone.organization
    for key, policy in organization.policies.items():
        yield key, policy.name or key, policy.type.value, ("policies", key)
    for guardrail in guardrails(organization):
        yield guardrail.key, guardrail.key, guardrail.type.value, (guardrail.option,)


def _attachments(landing_zone: LandingZone) -> Iterator[Attached]:
    organization = landing_zone.organization
    made: list[tuple[str, Targets]] = [(key, policy.targets) for key, policy in organization.policies.items()]
    made += [(guardrail.key, guardrail.targets) for guardrail in guardrails(organization)]
    for key, targets in made:
        if targets.root:
            yield Attached(key, "root")
        for unit in targets.organizational_units:
            yield Attached(key, "ou", unit)
        for account in targets.accounts:
            yield Attached(key, "account", account)


def _emptied(landing_zone: LandingZone) -> Iterator[str]:
    for file, sections in SECTIONS.items():
        data = landing_zone.trees[file].data if file in landing_zone.trees else {}
        yield from (section for section in sections if section in data and data[section] in ({}, []))
