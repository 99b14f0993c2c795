"""Rules on the names in policies: AWS has every action, condition key and managed policy, or somebody accepts it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from strata.config.accepted import ACCEPTED_FILE, ENTRIES, find, hint
from strata.config.documents import TOP_KEYS
from strata.config.limits import Limits
from strata.config.loader import Draft
from strata.config.models import LandingZone, PolicyType
from strata.config.placeholders import misplaced
from strata.config.rules.faults import ORGANIZATION, SSO
from strata.config.rules.policies import filled
from strata.config.text import short
from strata.config.tree import Location
from strata.errors import Fault
from strata.iam import spelling as iam
from strata.iam.findings import Finding
from strata.iam.reference import reference


class _Unknown(NamedTuple):
    """A name that AWS does not have, as far as the reference data goes."""

    finding: str
    at: str
    """Its place as accepted.yaml names it."""
    file: str
    location: Location
    problem: str


def spelling(draft: Draft, _: Limits) -> Iterator[Fault]:
    """AWS has what policies name; what the reference data lacks is accepted in accepted.yaml."""
    for one in _unknown(draft):
        entry = find(draft.accepted, one.finding, one.at)
        if one.at in draft.accepted_until_mended or (entry and not entry.ended(draft.day)):
            continue
        over = f", accepted until {entry.until} only" if entry else ""
        remedy = f"correct it; or, if AWS has it since {reference().date}, accept it in {ACCEPTED_FILE}"
        yield draft.fault(one.file, one.location, f"{one.problem}{over}", f"{remedy} [{hint(one.finding, one.at)}]")


def unknown_names(landing_zone: LandingZone) -> Iterator[tuple[str, str]]:
    """Yields the finding and the place of every unknown name, all of which are accepted in what was loaded."""
    draft = Draft(
        Path(),
        project=landing_zone.project,
        organization=landing_zone.organization,
        sso=landing_zone.sso,
        policies=dict(landing_zone.policies),
    )
    yield from ((one.finding, one.at) for one in _unknown(draft))


def _unknown(draft: Draft) -> Iterator[_Unknown]:
    for file, kind in documents(draft):
        for found in misspelt(filled(draft, file), management=kind in TOP_KEYS):
            yield _Unknown(found.id, found.at(file), file, found.location, found.problem)
    yield from _exempt_actions(draft)
    yield from _managed_policies(draft)


def documents(draft: Draft) -> Iterator[tuple[str, PolicyType | None]]:
    """Yields every policy file that was read, with its type; that of an inline policy is None."""
    kinds: dict[str, PolicyType | None] = {}
    for policy in draft.organization.policies.values() if draft.organization else ():
        kinds.setdefault(policy.file, policy.type)
    for permission_set in draft.sso.permission_sets.values() if draft.sso else ():
        if permission_set.inline:
            kinds.setdefault(permission_set.inline, None)
    # A placeholder for a list in the wrong place is a fault of its own, and breaks the document.
    yield from (
        (file, kind) for file, kind in kinds.items() if file in draft.policies and not misplaced(draft.policies[file])
    )


@lru_cache(maxsize=256)
def misspelt(document: str, *, management: bool) -> tuple[Finding, ...]:
    """Returns the names in the text of a document that AWS does not have; management policies are no IAM policies."""
    content = json.loads(document)
    return tuple(iam.misspelt_operators(content) if management else iam.misspelt(content))


def _exempt_actions(draft: Draft) -> Iterator[_Unknown]:
    restriction = draft.organization.region_restriction if draft.organization else None
    at: Location = ("region_restriction", "exempt_actions")
    for found in iam.misspelt_actions(restriction.exempt_actions if restriction else ()):
        place = found.at(f"{at[0]}.{at[1]}")
        yield _Unknown(found.id, place, ORGANIZATION, (*at, *found.location), found.problem)


def _managed_policies(draft: Draft) -> Iterator[_Unknown]:
    for location, name in _named(draft):
        if problem := iam.unknown_managed_policy(name):
            yield _Unknown("unknown-managed-policy", f"permission_sets.{location[1]} {name}", SSO, location, problem)


def _named(draft: Draft) -> Iterator[tuple[Location, str]]:
    """Yields the managed policies of AWS's that permission sets name."""
    for key, permission_set in draft.sso.permission_sets.items() if draft.sso else ():
        at: Location = ("permission_sets", key)
        for index, policy in enumerate(permission_set.policies):
            if policy.aws:
                yield (*at, "policies", index, "aws"), policy.aws
        if permission_set.boundary and permission_set.boundary.aws:
            yield (*at, "boundary", "aws"), permission_set.boundary.aws


def attachable(draft: Draft, _: Limits) -> Iterator[Fault]:
    """What a permission set names of AWS's can be attached to a role.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_managed-vs-inline.html
    """
    for location, name in _named(draft):
        full = reference().managed_policy(name) or name
        if full.startswith("aws-service-role/"):
            problem = f"{short(name)} is for service-linked roles, and AWS attaches it to no other"
            yield draft.fault(SSO, location, problem, "write an inline policy, or name another")


def accepted(draft: Draft, _: Limits) -> Iterator[Fault]:
    """Nothing is accepted twice."""
    seen: dict[tuple[str, str], int] = {}
    entries = draft.trees[ACCEPTED_FILE].data.get(ENTRIES) or ()
    for index, entry in enumerate(entries):
        if isinstance(entry, dict):
            first = seen.setdefault((str(entry.get("finding")), str(entry.get("at"))), index)
            if first != index and entry.get("at"):
                problem = f"accepts {short(entry['at'])} again, as entry {first + 1} does"
                yield draft.fault(ACCEPTED_FILE, (ENTRIES, index), problem, "remove one of the two")
