"""The declared side of the comparison."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from strata.config import ORGANIZATION, SSO
from strata.config.split import SplitSourceFile
from strata.evaluation.administrators import administrators
from strata.identity.comparison import file_of
from strata.identity.things import Assigned, Attached, Holdings, KeyedThing, Kind
from strata.kinds import KEYED, SECTIONS, STACKS
from strata.kinds.identity import Mark
from strata.kinds.thing import Thing as Declared
from strata.landing_zone import LandingZone
from strata.landing_zone.grants import Grant
from strata.text import folded

MAY_BE_EMPTY = {
    ORGANIZATION: ("policies",),
    SSO: ("users", "groups", "permission_sets", "assignments"),
}
"""The sections that may be written out as empty, which says that nothing in them is meant to stay."""


def declared(landing_zone: LandingZone, today: dt.date = dt.date.min) -> Holdings:
    """Returns the declared side; assignments that have ended count for no administrator."""
    organization, security = landing_zone.organization, landing_zone.security
    marked = list(_marked(landing_zone))
    sharing = organization.ram_sharing
    return Holdings(
        things={(kind, thing.name): _thing(kind, thing, mark) for kind, thing, mark in marked if not thing.external},
        assignments=frozenset(map(_assigned, landing_zone.grants)),
        attachments=frozenset(
            Attached(policy.key, "ou" if target.unit else target.kind, "" if target.kind == "root" else target.key)
            for policy in landing_zone.policies.values()
            for target in policy.attachments
            if not policy.external
        ),
        placed={
            key: account.unit for key, account in landing_zone.accounts.items() if account.unit in landing_zone.units
        },
        memberships=frozenset((key, user) for key, group in landing_zone.sso.groups.items() for user in group.members),
        administrators=administrators(landing_zone, today),
        trail="on" if security.trail.on else "off" if security.trail.mode == "off" else "unmanaged",
        ram_sharing="unmanaged" if sharing == "unmanaged" else "on" if sharing else "off",
        retired={key: folded(account.email) for key, account in landing_zone.retired.items()},
        unmanaged=tuple(map(folded, organization.unmanaged_accounts)),
        external={(kind, thing.name): mark.identity for kind, thing, mark in marked if thing.external},
        emptied=frozenset(
            section
            for file, sections in MAY_BE_EMPTY.items()
            for section in sections
            if landing_zone.source_file(file).data.get(section) in ({}, [])
        ),
        imports=landing_zone.imports,
        source_files=landing_zone.source_files,
        files=files(landing_zone),
    )


def files(landing_zone: LandingZone) -> dict[str, dict[str, frozenset[str]]]:
    """Returns every file with its sections; where teams own files, with the names of the resources of each."""
    named: dict[str, dict[str, set[str]]] = {}
    for whole, sections in MAY_BE_EMPTY.items():
        source_file = landing_zone.source_file(whole)
        for part in source_file.parts if isinstance(source_file, SplitSourceFile) else [source_file]:
            named[part.name] = {section: set() for section in sections if part.data.get(section) is not None}
    # Everything that is deleted as soon as its entry goes has a name in a section of a file.
    placed = [
        (file_of(thing.kind), SECTIONS[thing.kind], thing.location, thing.key)
        for thing in things(landing_zone)
        if thing.kind in SECTIONS
    ]
    for grant, locations in landing_zone.grants.items():
        placed += [(SSO, "assignments", location, _assigned(grant).name) for location in locations]
    for whole, section, location, name in placed:
        source_file = landing_zone.source_file(whole)
        if isinstance(source_file, SplitSourceFile) and location[0] == section:  # not of an option
            named[source_file.origin(location)[0].name][section].add(name)
    return {file: {section: frozenset(names) for section, names in named[file].items()} for file in sorted(named)}


def files_by_stack(landing_zone: LandingZone) -> dict[str, dict[str, dict[str, list[str]]]]:
    """Returns the resources by stack, file and section, where teams own files: what the next run has to know."""
    by_stack: dict[str, dict[str, dict[str, list[str]]]] = {}
    stacks = {**{section: STACKS[kind] for kind, section in SECTIONS.items()}, "assignments": "sso"}
    for file, sections in files(landing_zone).items():
        for section, names in sections.items():
            if names:
                by_stack.setdefault(stacks[section], {}).setdefault(file, {})[section] = sorted(names)
    return by_stack


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
