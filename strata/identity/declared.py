"""The declared side of the comparison."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from strata.evaluation.administrators import administrators
from strata.identity.comparison import file_of
from strata.identity.things import Assigned, Attached, Holdings, KeyedThing, Kind
from strata.kinds import KEYED, STACKS
from strata.kinds.identity import Mark
from strata.kinds.thing import Thing as Declared
from strata.landing_zone import LandingZone
from strata.landing_zone.grants import Grant
from strata.text import folded


def declared(landing_zone: LandingZone, today: dt.date = dt.date.min) -> Holdings:
    """Returns the declared side; assignments that have ended count for no administrator."""
    organization = landing_zone.organization
    marked = list(_marked(landing_zone))
    return Holdings(
        things={(kind, thing.name): _thing(kind, thing, mark) for kind, thing, mark in marked if not thing.external},
        assignments=frozenset(map(_assigned, landing_zone.grants)),
        attachments=frozenset(
            Attached(policy.key, "ou" if target.unit else target.kind, "" if target.kind == "root" else target.key)
            for policy in landing_zone.policies.values()
            for target in policy.attachments
            if not policy.external
        ),
        memberships=frozenset((key, user) for key, group in landing_zone.sso.groups.items() for user in group.members),
        administrators=administrators(landing_zone, today),
        retired={key: folded(account.email) for key, account in landing_zone.retired.items()},
        unmanaged=tuple(map(folded, organization.unmanaged_accounts)),
        external={(kind, thing.name): mark.identity for kind, thing, mark in marked if thing.external},
        imports=landing_zone.imports,
        source_files=landing_zone.source_files,
    )


def declared_keys(landing_zone: LandingZone) -> dict[str, dict[str, dict[str, str]]]:
    """Returns what each key stands for, by stack and kind: constants that a stack's guard compares next time."""
    by_stack: dict[str, dict[str, dict[str, str]]] = {}
    for kind, stack in STACKS.items():
        by_stack.setdefault(stack, {})[kind] = {}
    for thing in things(landing_zone):
        identity = thing.also if thing.kind == "ou" else thing.identity
        by_stack[STACKS[thing.kind]][thing.kind][thing.key] = identity
    return by_stack


def things(landing_zone: LandingZone) -> Iterator[KeyedThing]:
    """Yields everything that has a key, an identity at AWS, and a Terraform address by its key."""
    return (_thing(kind, thing, mark) for kind, thing, mark in _marked(landing_zone) if not thing.external)


def _marked(landing_zone: LandingZone) -> Iterator[tuple[Kind, Declared, Mark]]:
    return (
        (kind, thing, thing.mark) for kind, of in KEYED.items() for thing in of.declared(landing_zone) if thing.mark
    )


def _thing(kind: Kind, thing: Declared, mark: Mark) -> KeyedThing:
    location = thing.location if thing.file == file_of(kind) else ()  # project.yaml's has its own key
    return KeyedThing(kind, thing.name, mark.identity, mark.name, thing.ids.get("id", ""), mark.also, location)


def _assigned(grant: Grant) -> Assigned:
    return Assigned(grant.account, grant.permission_set, grant.principal_type.lower(), grant.principal)
